package export

import (
	"mime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// A file name that comes of any subject is one plain name everywhere, and the
// header that carries it says exactly that name.
func FuzzFileName(f *testing.F) {
	for _, seed := range []string{"Board", "../../etc/passwd", `a\b:c*?"<>|`, "con", "COM1", "line\r\nSet-Cookie: x", "Ünïcødé 会議", "\xff\xfe", ".", "", strings.Repeat("é", 300), "a\u202egpj.exe", "\u0301"} {
		f.Add(seed, "2026-11-24")
	}
	f.Fuzz(func(t *testing.T, subject, date string) {
		name := FileName("csv", subject, date)
		base, ext, ok := strings.Cut(name, ".")
		if !ok || ext != "csv" || base == "" || strings.HasPrefix(base, "-") || !utf8.ValidString(name) || len(name) > 255 || reserved(base) {
			t.Fatalf("%q", name)
		}
		for _, r := range base {
			if r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				t.Fatalf("%q holds %q", name, r)
			}
		}
		header := Disposition(name)
		for _, b := range []byte(header) {
			if b < ' ' || b > '~' {
				t.Fatalf("%q is no header", header)
			}
		}
		kind, params, err := mime.ParseMediaType(header)
		if err != nil || kind != "attachment" || params["filename"] != name {
			t.Fatalf("%q is sent as %q and read as %q, %v", name, header, params["filename"], err)
		}
	})
}
