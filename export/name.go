package export

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxNamePart = 60 // characters

// FileName makes a file name from parts, such as a subject, a date and what
// the file holds, and from its kind, such as "csv". Only letters, digits and
// hyphens stay of a part.
func FileName(kind string, parts ...string) string {
	var slugs []string
	for _, part := range parts {
		if s := slug(part); s != "" {
			slugs = append(slugs, s)
		}
	}
	name := strings.Join(slugs, "-")
	switch {
	case name == "":
		name = "export"
	case reserved(name):
		name = "export-" + name
	}
	return name + "." + slug(kind)
}

// slug is s in lower case with one hyphen for every run of other characters.
func slug(s string) string {
	var b strings.Builder
	gap, n := false, 0
	for _, r := range strings.ToLower(strings.ToValidUTF8(s, "")) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			gap = true
			continue
		}
		if gap && n > 0 {
			b.WriteByte('-')
			n++
		}
		gap = false
		if n >= maxNamePart {
			break
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimRight(b.String(), "-")
}

// reserved reports whether Windows gives the name to a device.
func reserved(name string) bool {
	switch name {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(name) == 4 && (strings.HasPrefix(name, "com") || strings.HasPrefix(name, "lpt")) && name[3] >= '0' && name[3] <= '9'
}

// Disposition is the header Content-Disposition that saves an answer under a
// name, by RFC 6266: in ASCII for old programs, and in full.
func Disposition(name string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%/`, r) {
			return '_'
		}
		return r
	}, name)
	d := `attachment; filename="` + ascii + `"`
	if ascii != name && utf8.ValidString(name) {
		d += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return d
}
