// Package export writes one neutral table as CSV, XLSX or JSON, and meetings
// as iCalendar. It decides nothing about which rows or columns there are.
//
// Attendees choose their own names, so every text is hostile: what a
// spreadsheet would run as a formula is neutralised in CSV and a plain string
// in XLSX.
package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Column of a table: Key is stable and for machines, Label for people.
type Column struct {
	Key   string `json:"key"`
	Label string `json:"label"`
}

// Table is rows under columns. A cell is a string, int, int64, float64, bool,
// time.Time (an instant; zero is empty) or nil. A row of another length, or a
// cell of another type, is refused before anything is written.
type Table struct {
	Name    string // what the rows are, for a sheet's tab
	Zone    *time.Location
	Columns []Column
	Rows    [][]any
}

// csvTime is what spreadsheets read as a time.
const csvTime = "2006-01-02 15:04:05"

// WriteCSV writes t with a UTF-8 byte order mark, CRLF line ends and every
// cell quoted. Times are wall times in the table's zone, which their column's
// label should name.
func (t Table) WriteCSV(w io.Writer) error {
	if err := t.check(); err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, 64<<10)
	_, _ = b.WriteString("\uFEFF")
	line := make([]byte, 0, 512)
	for i, c := range t.Columns {
		line = appendCSV(line, i, Neutral(c.Label))
	}
	_, _ = b.Write(append(line, '\r', '\n'))
	for _, row := range t.Rows {
		line = line[:0]
		for i, cell := range row {
			text := t.text(cell)
			if _, foreign := cell.(string); foreign {
				text = Neutral(text)
			}
			line = appendCSV(line, i, text)
		}
		if _, err := b.Write(append(line, '\r', '\n')); err != nil {
			return fmt.Errorf("writing csv: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing csv: %w", err)
	}
	return nil
}

func appendCSV(line []byte, i int, s string) []byte {
	if i > 0 {
		line = append(line, ',')
	}
	line = append(line, '"')
	line = append(line, strings.ReplaceAll(s, `"`, `""`)...)
	return append(line, '"')
}

// triggers begin a formula in some spreadsheet, the full-width forms included.
const triggers = "=+-@\t\r\n\x00|＝＋－＠"

// Neutral returns s so that no spreadsheet takes it for a formula: text that
// begins with a trigger, white space and invisible characters before it aside,
// gets an apostrophe in front.
func Neutral(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	trimmed := strings.TrimLeftFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) && !strings.ContainsRune(triggers, r) || unicode.Is(unicode.Cf, r)
	})
	if trimmed == "" || !strings.ContainsAny(trimmed[:runeLen(trimmed)], triggers) {
		return s
	}
	return "'" + s
}

func runeLen(s string) int {
	for i := range s {
		if i > 0 {
			return i
		}
	}
	return len(s)
}

func (t Table) check() error {
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("row %d of table %s has %d cells for %d columns", i, t.Name, len(row), len(t.Columns))
		}
		for j, cell := range row {
			switch cell.(type) {
			case nil, string, int, int64, float64, bool, time.Time:
			default:
				return fmt.Errorf("row %d of table %s: column %s holds a %T", i, t.Name, t.Columns[j].Key, cell)
			}
		}
	}
	return nil
}

func (t Table) text(cell any) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.In(t.zone()).Format(csvTime)
	}
	return fmt.Sprint(cell)
}

func (t Table) zone() *time.Location {
	if t.Zone == nil {
		return time.UTC
	}
	return t.Zone
}

// WriteJSON writes {"zone", "columns", "rows"}. Texts are raw, times are RFC
// 3339 with the zone's offset, an unknown time or number is null.
func (t Table) WriteJSON(w io.Writer) error {
	if err := t.check(); err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, 64<<10)
	head, err := json.Marshal(struct {
		Zone    string   `json:"zone"`
		Columns []Column `json:"columns"`
	}{t.zone().String(), t.Columns})
	if err != nil {
		return fmt.Errorf("writing json: %w", err)
	}
	_, _ = b.Write(head[:len(head)-1])
	_, _ = b.WriteString(`,"rows":[`)
	for i, row := range t.Rows {
		if i > 0 {
			_ = b.WriteByte(',')
		}
		_ = b.WriteByte('{')
		for j, c := range t.Columns {
			if j > 0 {
				_ = b.WriteByte(',')
			}
			key, err := json.Marshal(c.Key)
			if err != nil {
				return fmt.Errorf("writing json: %w", err)
			}
			var cell any
			if j < len(row) {
				cell = row[j]
			}
			if at, ok := cell.(time.Time); ok {
				cell = nil
				if !at.IsZero() {
					cell = at.In(t.zone()).Format(time.RFC3339)
				}
			}
			value, err := json.Marshal(cell)
			if err != nil {
				return fmt.Errorf("writing json: %w", err)
			}
			_, _ = b.Write(key)
			_ = b.WriteByte(':')
			_, _ = b.Write(value)
		}
		_ = b.WriteByte('}')
	}
	_, _ = b.WriteString("]}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing json: %w", err)
	}
	return nil
}
