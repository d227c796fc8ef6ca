package export

import (
	"bytes"
	"encoding/csv"
	"math"
	"mime"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

func TestNeutral(t *testing.T) {
	for _, s := range []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\x00=1", "\tx", "\rx", "\nx", "\x00x", "  =1", "\u00a0=1", "\u3000＝1", "＝1", "＋1", "－1", "＠x",
		"\ufeff=1", "\u200b=1", " \t -1", "\u202e=1",
	} {
		if got := Neutral(s); got != "'"+s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
	for _, s := range []string{"", "Ada", " Ada", "a=1", "1-2", "<b>", "'=1", "€5", "  ", "أحمد", "Ada\t=1"} {
		if got := Neutral(s); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
}

func TestBadTablesAreRefusedWhole(t *testing.T) {
	for name, rows := range map[string][][]any{"short row": {{"a", 1}, {"a"}}, "long row": {{"a", 1, 2}}, "odd cell": {{"a", 1}, {"b", []string{"c"}}}, "no number": {{"a", 1}, {"b", math.NaN()}}} {
		table := Table{Name: "x", Columns: []Column{{"a", "A"}, {"b", "B"}}, Rows: slices.Values(rows)}
		var b bytes.Buffer
		if table.WriteCSV(&b) == nil || table.WriteJSON(&b) == nil || table.WriteXLSX(&b, nil) == nil {
			t.Errorf("%s is written", name)
		}
		if b.Len() != 0 {
			t.Errorf("%s: %d bytes were written before the refusal", name, b.Len())
		}
	}
}

func TestXLSXOfHostileTexts(t *testing.T) {
	table := Table{Name: "History", Columns: []Column{{"a", "=1+1"}, {"b", "B"}}, Rows: slices.Values([][]any{
		{"bad\x00\x0b\xffx", int64(8439885694023999999)}, {strings.Repeat("😀", 20000), 0.5}, {"=1+1", nil}, {"a\rb\r\nc", nil},
	})}
	var b bytes.Buffer
	if err := table.WriteXLSX(&b, []Fact{{"Source", "=cmd"}}); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	name := book.GetSheetList()[0]
	if strings.EqualFold(name, "History") {
		t.Error("Excel refuses a sheet called History")
	}
	rows, err := book.GetRows(name)
	if err != nil {
		t.Fatal(err)
	}
	if rows[0][0] != "=1+1" || rows[1][0] != "bad\ufffdx" || rows[3][0] != "=1+1" || rows[4][0] != "a\nb\nc" || len(rows[2][0]) != 4*(maxCellText/2) {
		t.Errorf("got %.100q", rows)
	}
	if panes, err := book.GetPanes(name); err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("got panes %+v, %v", panes, err)
	}
	if sheet := part(t, b.Bytes(), "xl/worksheets/sheet1.xml"); !strings.Contains(sheet, `<autoFilter ref="$A$1:$B$5"`) || strings.Contains(sheet, "<f>") {
		t.Errorf("the sheet has no filter, or a formula: %s", sheet[max(0, len(sheet)-200):])
	}
}

func TestSheetNames(t *testing.T) {
	for name, want := range map[string]string{
		"Joins": "Joins", "": "Rows", "history": "Past meetings", "about": "Rows", "'x'": "x",
		strings.Repeat("y", 40): strings.Repeat("y", 31), strings.Repeat("😀", 40): strings.Repeat("😀", 15),
	} {
		if got := sheetName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
		var b bytes.Buffer
		if err := (Table{Name: name, Columns: []Column{{"a", "A"}}}).WriteXLSX(&b, nil); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestFileNamesAreSafeAnywhere(t *testing.T) {
	for part, want := range map[string]string{"CON": "export-con.csv", "com1": "export-com1.csv", "a\r\nb\x00c\u202ed": "a-b-c-d.csv", "…": "export.csv"} {
		if got := FileName("csv", part); got != want {
			t.Errorf("%q: got %q, want %q", part, got, want)
		}
	}
}

func TestDisposition(t *testing.T) {
	for _, name := range []string{"board.csv", "größe-maß.json", "اجتماع.csv", `a"b\c.csv`, "a\r\nX: y.csv", "100%.csv"} {
		got := Disposition(name)
		kind, params, err := mime.ParseMediaType(got)
		if err != nil || kind != "attachment" || params["filename"] != name {
			t.Errorf("%q: %q reads back as %q, %v", name, got, params["filename"], err)
		}
		if strings.ContainsAny(got, "\r\n") || strings.ContainsFunc(got, func(r rune) bool { return r > '~' }) {
			t.Errorf("%q: header %q", name, got)
		}
	}
}

func FuzzCSVReadsBack(f *testing.F) {
	for _, s := range []string{"=1", " +1", "\t@", "＝1", "a\"b", "a\r\nb", "\x00-", "\xff=1", "\ufeff=1", "'", `""`} {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, name, label string) {
		table := Table{Columns: []Column{{"a", label}, {"b", "B"}}, Rows: slices.Values([][]any{{name, 1}, {"Ada", 2}})}
		var b bytes.Buffer
		if err := table.WriteCSV(&b); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff"))).ReadAll()
		if err != nil || len(rows) != 3 {
			t.Fatalf("%q reads back as %q, %v", b.String(), rows, err)
		}
		for _, row := range rows {
			if len(row) != 2 {
				t.Fatalf("%q reads back as %q", b.String(), row)
			}
			field := strings.TrimSpace(row[0])
			if row[0] != "" && strings.ContainsAny(row[0][:1], "=+-@\t\r\n\x00") || (field != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(field)[0])) {
				t.Fatalf("%q starts with a trigger", row[0])
			}
		}
		// The reader folds CRLF into LF; but for that, nothing is lost.
		want := strings.ReplaceAll(strings.ToValidUTF8(name, "\ufffd"), "\r\n", "\n")
		if got := rows[1][0]; got != want && got != "'"+want {
			t.Fatalf("%q reads back as %q", name, got)
		}
	})
}
