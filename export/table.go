// Package export turns rows into files: one neutral [Table] into CSV, XLSX or
// JSON, and meetings into an iCalendar file.
//
// It knows nothing of where rows come from or go to, and takes every text in
// them as hostile: names and subjects are chosen by strangers.
package export

import (
	"fmt"
	"strconv"
	"time"
)

// Table is rows under columns, the same for every format.
type Table struct {
	Name    string         // what the rows are; names the sheet in XLSX
	Zone    *time.Location // in which CSV and XLSX show times; nil means UTC
	Columns []Column
	// Rows hold one cell for each column: a string, int, int64, float64, bool
	// or time.Time. Nil and the zero time are empty cells. Another type, or a
	// row of another length, fails the writing.
	Rows [][]any
}

// Column of a Table.
type Column struct {
	Key   string // stable, for programs: the name in JSON
	Label string // for people: the header in CSV and XLSX
}

func (t *Table) zone() *time.Location {
	if t.Zone == nil {
		return time.UTC
	}
	return t.Zone
}

// check reports the first row or cell that no format can write, so that
// nothing is written of a table that would fail half-way.
func (t *Table) check() error {
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

// plain returns the text of a cell that is neither string nor time; "" for an
// empty one.
func plain(cell any) string {
	switch v := cell.(type) {
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
