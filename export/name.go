package export

import (
	"mime"
	"strings"
	"unicode"
)

// FileName makes a plain file name out of parts, such as a subject, a date
// and a kind: letters and digits of any script, dashes between, ext at the end.
func FileName(ext string, parts ...string) string {
	var names []string
	for _, part := range parts {
		var b strings.Builder
		dash := false
		for _, r := range strings.ToLower(strings.ToValidUTF8(part, "")) {
			switch {
			case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
				if dash && b.Len() > 0 {
					b.WriteByte('-')
				}
				dash = false
				b.WriteRune(r)
			default:
				dash = true
			}
			if b.Len() >= 60 {
				break
			}
		}
		if b.Len() > 0 {
			names = append(names, b.String())
		}
	}
	if len(names) == 0 {
		names = []string{"export"}
	}
	name := strings.Join(names, "-")
	if reserved(name) {
		name = "export-" + name
	}
	return name + "." + ext
}

// reserved reports whether Windows gives the name to a device.
func reserved(name string) bool {
	switch name {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(name) == 4 && (strings.HasPrefix(name, "com") || strings.HasPrefix(name, "lpt")) && name[3] >= '0' && name[3] <= '9'
}

// Disposition is a Content-Disposition header that saves the body under name
// (RFC 6266).
func Disposition(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}
