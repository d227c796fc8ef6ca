package export

import (
	"bufio"
	"io"
	"strings"
	"time"
	"unicode"
)

// csvTime has no zone, since Excel takes only such a value for a date; the
// header names the zone.
const csvTime = time.DateTime

// WriteCSV writes the table as RFC 4180 CSV in UTF-8 with a byte order mark,
// which Excel needs to see UTF-8. Headers are the labels, every text is
// quoted, and a text that a spreadsheet could take for a formula is led by an
// apostrophe. Times are in the table's zone.
func (t Table) WriteCSV(w io.Writer) error {
	if err := t.check(); err != nil {
		return err
	}
	b := bufio.NewWriter(w) // keeps the first error for Flush
	_, _ = b.WriteString("\ufeff")
	for i, c := range t.Columns {
		if i > 0 {
			_ = b.WriteByte(',')
		}
		writeQuoted(b, c.Label)
	}
	_, _ = b.WriteString("\r\n")
	for _, row := range t.Rows {
		for i, cell := range row {
			if i > 0 {
				_ = b.WriteByte(',')
			}
			switch v := cell.(type) {
			case string:
				writeQuoted(b, v)
			case time.Time:
				if !v.IsZero() {
					_, _ = b.WriteString(v.In(t.zone()).Format(csvTime))
				}
			default:
				_, _ = b.WriteString(plain(cell))
			}
		}
		_, _ = b.WriteString("\r\n")
	}
	return b.Flush()
}

func writeQuoted(b *bufio.Writer, s string) {
	_ = b.WriteByte('"')
	_, _ = b.WriteString(strings.ReplaceAll(disarm(s), `"`, `""`))
	_ = b.WriteByte('"')
}

// disarm leads a text by an apostrophe if a spreadsheet could take it for a
// formula. Spreadsheets trim, and some take full-width signs for plain ones.
func disarm(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if triggers(s) {
		return "'" + s
	}
	return s
}

// triggers reports whether a text starts a formula: with = + - or @, with
// their full-width forms, with any of them behind spaces and invisible
// characters, or with a control character.
func triggers(s string) bool {
	for i, r := range s {
		switch {
		case strings.ContainsRune("=+-@＝＋－＠", r):
			return true
		case i == 0 && (r == '\t' || r == '\r' || r == '\n' || r == 0):
			return true
		case unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
		default:
			return false
		}
	}
	return false
}
