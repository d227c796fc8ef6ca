package export

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// Fact is a line of an XLSX file's second sheet: where the rows come from.
type Fact struct{ Name, Value string }

// WriteXLSX writes t as a workbook: typed cells, a frozen header with a
// filter, and a second sheet with the facts. Texts are strings, never
// formulas.
//
// The first byte comes after the last row, so every error but w's own comes
// before it. The sheet is made in memory up to 16 MB, of which growing takes
// some more, and beyond that in a file in os.TempDir; where none can be made,
// all of it is in memory.
func (t Table) WriteXLSX(w io.Writer, facts []Fact) (err error) {
	n, err := t.check()
	if err != nil {
		return err
	}
	book := excelize.NewFile()
	defer func() {
		if cerr := book.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("writing xlsx: %w", cerr)
		}
	}()
	sheet := sheetName(t.Name)
	if err := book.SetSheetName("Sheet1", sheet); err != nil {
		return fmt.Errorf("writing xlsx: %w", err)
	}
	timeFormat := "yyyy-mm-dd hh:mm:ss"
	when, err := book.NewStyle(&excelize.Style{CustomNumFmt: &timeFormat})
	if err != nil {
		return fmt.Errorf("writing xlsx: %w", err)
	}
	bold, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return fmt.Errorf("writing xlsx: %w", err)
	}
	if len(t.Columns) > 0 {
		// Set before the rows: once they are flushed, reaching the sheet again
		// would read all of it back into memory.
		last, err := excelize.CoordinatesToCellName(len(t.Columns), n+1)
		if err != nil {
			return fmt.Errorf("writing xlsx: %w", err)
		}
		if err := book.AutoFilter(sheet, "A1:"+last, nil); err != nil {
			return fmt.Errorf("writing xlsx: %w", err)
		}
	}
	out, err := book.NewStreamWriter(sheet)
	if err != nil {
		return fmt.Errorf("writing xlsx: %w", err)
	}
	if err := out.SetColWidth(1, max(1, len(t.Columns)), 22); err != nil {
		return fmt.Errorf("writing xlsx: %w", err)
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return fmt.Errorf("writing xlsx: %w", err)
	}
	head := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = excelize.Cell{StyleID: bold, Value: cellText(c.Label)}
	}
	if err := out.SetRow("A1", head); err != nil {
		return fmt.Errorf("writing xlsx: %w", err)
	}
	cells := make([]any, len(t.Columns))
	line := 1
	for row := range t.rows() {
		line++
		for i, cell := range row {
			switch v := cell.(type) {
			case time.Time:
				cells[i] = nil
				if !v.IsZero() {
					cells[i] = excelize.Cell{StyleID: when, Value: naive(v.In(t.zone()))}
				}
			case string:
				cells[i] = cellText(v)
			case bool:
				cells[i] = t.text(v)
			default:
				cells[i] = v
			}
		}
		if err := out.SetRow(fmt.Sprintf("A%d", line), cells); err != nil {
			return fmt.Errorf("writing xlsx: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing xlsx: %w", err)
	}
	if _, err := book.NewSheet("About"); err != nil {
		return fmt.Errorf("writing xlsx: %w", err)
	}
	if err := book.SetColWidth("About", "A", "B", 22); err != nil {
		return fmt.Errorf("writing xlsx: %w", err)
	}
	for i, f := range facts {
		if err := book.SetSheetRow("About", fmt.Sprintf("A%d", i+1), &[]any{cellText(f.Name), cellText(f.Value)}); err != nil {
			return fmt.Errorf("writing xlsx: %w", err)
		}
	}
	if err := book.Write(w); err != nil {
		return fmt.Errorf("writing xlsx: %w", err)
	}
	return nil
}

// naive drops the zone and keeps the wall time, the only kind a workbook has.
func naive(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// printable drops the characters that XML cannot carry.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\ufffe' || r == '\uffff' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// Excel's limits, in UTF-16 units.
const (
	maxCellText  = 32767
	maxSheetName = 31
)

// lineEnds are those of a sheet, which leaves a lone CR out.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func cellText(s string) string { return cut(lineEnds.Replace(printable(s)), maxCellText) }

// cut shortens s to n UTF-16 units.
func cut(s string, n int) string {
	units := 0
	for i, r := range s {
		if units++; r > 0xffff {
			units++
		}
		if units > n {
			return s[:i]
		}
	}
	return s
}

// sheetName makes a name that Excel accepts: it keeps "History" for itself.
func sheetName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:\/?*[]'`, r) {
			return ' '
		}
		return r
	}, printable(name))
	name = strings.TrimSpace(cut(name, maxSheetName))
	switch strings.ToLower(name) {
	case "", "about":
		return "Rows"
	case "history":
		return "Past meetings"
	}
	return name
}
