package export

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Fact is one line about where rows come from, for people who find the file
// later.
type Fact struct{ Label, Value string }

const (
	maxSheetName = 31    // Excel's limits
	maxCellText  = 32767 // in UTF-16 units

	aboutSheet  = "About"
	widestSheet = 60 // columns, in characters
)

// WriteXLSX writes the table as an Excel workbook: typed cells under a frozen
// header with a filter, and a second sheet with the facts. Texts are written
// as strings, never as formulas. Times are in the table's zone.
func (t Table) WriteXLSX(w io.Writer, facts []Fact) error {
	if err := t.check(); err != nil {
		return err
	}
	f := excelize.NewFile()
	defer f.Close() // removes the temporary file of a large sheet
	name := sheetName(t.Name)
	if err := f.SetSheetName("Sheet1", name); err != nil {
		return fmt.Errorf("name sheet: %w", err)
	}
	head, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return fmt.Errorf("style of the header: %w", err)
	}
	timeFormat := "yyyy-mm-dd hh:mm:ss"
	when, err := f.NewStyle(&excelize.Style{CustomNumFmt: &timeFormat})
	if err != nil {
		return fmt.Errorf("style of times: %w", err)
	}
	if err := t.writeRows(f, name, head, when); err != nil {
		return fmt.Errorf("sheet %s: %w", name, err)
	}
	if err := writeFacts(f, head, facts); err != nil {
		return fmt.Errorf("sheet %s: %w", aboutSheet, err)
	}
	if err := f.Write(w); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return nil
}

func (t Table) writeRows(f *excelize.File, sheet string, head, when int) error {
	if len(t.Columns) > 0 {
		// Set before the stream is flushed: afterwards the sheet is out of reach.
		corner, err := excelize.CoordinatesToCellName(len(t.Columns), len(t.Rows)+1)
		if err != nil {
			return err
		}
		if err := f.AutoFilter(sheet, "A1:"+corner, nil); err != nil {
			return err
		}
	}
	s, err := f.NewStreamWriter(sheet)
	if err != nil {
		return err
	}
	if err := s.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	for i, width := range t.widths() {
		if err := s.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	cells := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		cells[i] = excelize.Cell{StyleID: head, Value: cellText(c.Label)}
	}
	if err := s.SetRow("A1", cells); err != nil {
		return err
	}
	for i, row := range t.Rows {
		for j, cell := range row {
			switch v := cell.(type) {
			case string:
				cell = cellText(v)
			case time.Time:
				cell = nil
				if !v.IsZero() {
					cell = excelize.Cell{StyleID: when, Value: wall(v, t.zone())}
				}
			}
			cells[j] = cell
		}
		at, err := excelize.CoordinatesToCellName(1, i+2)
		if err != nil {
			return err
		}
		if err := s.SetRow(at, cells); err != nil {
			return err
		}
	}
	return s.Flush()
}

// widths fits the columns to their headers and first rows.
func (t Table) widths() []float64 {
	widths := make([]float64, len(t.Columns))
	for i, c := range t.Columns {
		longest := utf8.RuneCountInString(c.Label) + 4 // room for the filter's button
		for _, row := range t.Rows[:min(len(t.Rows), 200)] {
			switch v := row[i].(type) {
			case string:
				longest = max(longest, utf8.RuneCountInString(v)+1)
			case time.Time:
				longest = max(longest, len(csvTime)+1)
			}
		}
		widths[i] = float64(min(longest, widestSheet))
	}
	return widths
}

func writeFacts(f *excelize.File, head int, facts []Fact) error {
	if _, err := f.NewSheet(aboutSheet); err != nil {
		return err
	}
	s, err := f.NewStreamWriter(aboutSheet)
	if err != nil {
		return err
	}
	if err := s.SetColWidth(1, 2, widestSheet/2); err != nil {
		return err
	}
	for i, fact := range facts {
		row := []any{excelize.Cell{StyleID: head, Value: cellText(fact.Label)}, cellText(fact.Value)}
		if err := s.SetRow(fmt.Sprintf("A%d", i+1), row); err != nil {
			return err
		}
	}
	return s.Flush()
}

// wall is what a clock in the zone shows, as a UTC time: Excel's times have no
// zone.
func wall(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// cellText drops what a workbook's XML cannot hold.
func cellText(s string) string {
	s = strings.Map(func(r rune) rune {
		if (unicode.IsControl(r) && r != '\n' && r != '\t') || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	units := 0
	for i, r := range s {
		if units++; r > 0xffff {
			units++
		}
		if units > maxCellText {
			return s[:i]
		}
	}
	return s
}

// sheetName makes a name that Excel accepts.
func sheetName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune(`[]:*?/\'`, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	units := 0
	for i, r := range s {
		if units++; r > 0xffff {
			units++
		}
		if units > maxSheetName {
			s = s[:i]
			break
		}
	}
	s = strings.TrimSpace(s)
	if s == "" || strings.EqualFold(s, aboutSheet) || strings.EqualFold(s, "History") { // Excel keeps "History" for itself
		s += " rows"
	}
	return strings.TrimSpace(s)
}
