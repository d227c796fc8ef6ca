// Package export writes one neutral table as CSV, XLSX or JSON, and meetings
// as iCalendar. It decides nothing about which rows or columns there are.
//
// Attendees choose their own names, so every text is hostile: what a
// spreadsheet would run as a formula is neutralised in CSV and a plain string
// in XLSX.
package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
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

// Table is rows under columns. A row has a cell for each column; a cell is a
// string, int, int64, float64 (finite), bool, time.Time (an instant; zero is
// empty) or nil.
//
// Rows are gone through twice, once to be looked at and once to be written, so
// that one that does not fit is refused before the first byte. They are made as
// they are asked for, and one holds until the next.
type Table struct {
	Name    string // what the rows are, for a sheet's tab
	Zone    *time.Location
	Columns []Column
	Rows    iter.Seq[[]any] // see Each; nil for none
}

// Each makes a table's rows of a list: row appends the cells of v, in the
// order of the columns, and returns what it appended to, which is used again
// for the next row. A slice of rows is a table's as slices.Values.
func Each[T any](list []T, row func(cells []any, v T) []any) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		var cells []any
		for _, v := range list {
			if cells = row(cells[:0], v); !yield(cells) {
				return
			}
		}
	}
}

// csvTime is what spreadsheets read as a time.
const csvTime = "2006-01-02 15:04:05"

// chunk is how much of a file is made before it is sent on.
const chunk = 32 << 10

// WriteCSV writes t with a UTF-8 byte order mark, CRLF line ends and every
// cell quoted. Times are wall times in the table's zone, which their column's
// label should name. Rows are sent on as they are made: an error after the
// first byte leaves a file cut short.
func (t Table) WriteCSV(w io.Writer) error {
	if _, err := t.check(); err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, chunk)
	_, _ = b.WriteString("\uFEFF")
	var line []byte
	for i, c := range t.Columns {
		line = appendCSV(line, i, Neutral(c.Label))
	}
	_, _ = b.Write(append(line, '\r', '\n'))
	for row := range t.rows() {
		line = line[:0]
		for i, cell := range row {
			text, foreign := cell.(string)
			if foreign {
				text = Neutral(text)
			} else {
				text = t.text(cell)
			}
			line = appendCSV(line, i, text)
		}
		line = append(line, '\r', '\n')
		if _, err := b.Write(line); err != nil {
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

// check looks at every row and returns how many there are.
func (t Table) check() (n int, err error) {
	for row := range t.rows() {
		if len(row) != len(t.Columns) {
			return 0, fmt.Errorf("row %d of table %s has %d cells for %d columns", n, t.Name, len(row), len(t.Columns))
		}
		for j, cell := range row {
			switch v := cell.(type) {
			case nil, string, int, int64, bool, time.Time:
				continue
			case float64:
				if !math.IsNaN(v) && !math.IsInf(v, 0) {
					continue
				}
			}
			return 0, fmt.Errorf("row %d of table %s: column %s holds the %T %v", n, t.Name, t.Columns[j].Key, cell, cell)
		}
		n++
	}
	return n, nil
}

func (t Table) rows() iter.Seq[[]any] {
	if t.Rows == nil {
		return func(func([]any) bool) {}
	}
	return t.Rows
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
// 3339 with the zone's offset, an unknown time or number is null. Rows are sent
// on as they are made: an error after the first byte leaves a file cut short.
func (t Table) WriteJSON(w io.Writer) error {
	if _, err := t.check(); err != nil {
		return err
	}
	head, err := json.Marshal(struct {
		Zone    string   `json:"zone"`
		Columns []Column `json:"columns"`
	}{t.zone().String(), t.Columns})
	if err != nil {
		return fmt.Errorf("writing json: %w", err)
	}
	keys := make([]string, 0, len(t.Columns)) // as they stand before a cell
	for _, c := range t.Columns {
		key, err := json.Marshal(c.Key)
		if err != nil {
			return fmt.Errorf("writing json: %w", err)
		}
		keys = append(keys, string(key)+":")
	}
	b := bufio.NewWriterSize(w, chunk)
	_, _ = b.Write(head[:len(head)-1])
	_, _ = b.WriteString(`,"rows":[`)
	var value bytes.Buffer
	encoder := json.NewEncoder(&value)
	more := ""
	for row := range t.rows() {
		_, _ = b.WriteString(more + "{")
		more = ","
		for j, cell := range row {
			if at, ok := cell.(time.Time); ok {
				cell = nil
				if !at.IsZero() {
					cell = at.In(t.zone()).Format(time.RFC3339)
				}
			}
			value.Reset()
			if err := encoder.Encode(cell); err != nil {
				return fmt.Errorf("writing json: %w", err)
			}
			if j > 0 {
				_ = b.WriteByte(',')
			}
			_, _ = b.WriteString(keys[j])
			_, _ = b.Write(bytes.TrimSuffix(value.Bytes(), []byte("\n")))
		}
		if err := b.WriteByte('}'); err != nil {
			return fmt.Errorf("writing json: %w", err)
		}
	}
	_, _ = b.WriteString("]}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing json: %w", err)
	}
	return nil
}
