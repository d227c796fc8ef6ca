package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"mime"
	"slices"
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/xuri/excelize/v2"
)

var hostile = []string{
	`=HYPERLINK("http://x")`, "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", "  =1", "\u200b=1", "\x00=1", "|calc",
	`<script>alert(1)</script>`, "مريم", "Zoë \"Q\" Ångström", "two\r\nlines",
}

func sample(t *testing.T) Table {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	table := Table{Name: "Joins: of [Board]", Zone: berlin, Columns: []Column{{"name", "Name"}, {"join", "Join (Europe/Berlin)"}, {"minutes", "Minutes"}, {"password", "Password"}}}
	var rows [][]any
	for i, name := range hostile {
		rows = append(rows, []any{name, time.Date(2026, 7, 1, 8, i, 0, 0, time.UTC), i, i%2 == 0})
	}
	rows = append(rows, []any{"unknown", time.Time{}, nil, false})
	table.Rows = slices.Values(rows)
	return table
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := sample(t).WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "\uFEFF\"Name\",\"Join (Europe/Berlin)\",\"Minutes\",\"Password\"\r\n") {
		t.Errorf("head = %q", b.String()[:60])
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\uFEFF"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(hostile)+2 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows[1:] {
		if dangerous(row[0]) {
			t.Errorf("row %d begins a formula: %q", i, row[0])
		}
	}
	if got := rows[1]; got[0] != `'=HYPERLINK("http://x")` || got[1] != "2026-07-01 10:00:00" || got[2] != "0" || got[3] != "yes" {
		t.Errorf("first row = %q", got)
	}
	if got := rows[len(rows)-1]; got[1] != "" || got[2] != "" {
		t.Errorf("unknown values = %q", got)
	}
}

// dangerous is written apart from Neutral: what spreadsheets are known to run.
func dangerous(s string) bool {
	s = strings.TrimLeft(s, " \u00a0\u200b\ufeff\v\f\u2003")
	for _, p := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠", "|"} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func TestNumbersAreNotText(t *testing.T) {
	var b bytes.Buffer
	if err := (Table{Columns: []Column{{"a", "A"}}, Rows: slices.Values([][]any{{-5}, {"-5"}})}).WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	if want := "\uFEFF\"A\"\r\n\"-5\"\r\n\"'-5\"\r\n"; b.String() != want {
		t.Errorf("csv = %q", b.String())
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := sample(t).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Zone    string
		Columns []struct{ Key, Label string }
		Rows    []struct {
			Name     string
			Join     *time.Time
			Minutes  *int
			Password bool
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Zone != "Europe/Berlin" || len(got.Columns) != 4 || got.Columns[1].Key != "join" || len(got.Rows) != len(hostile)+1 {
		t.Fatalf("json = %+v", got)
	}
	for i, name := range hostile {
		if got.Rows[i].Name != name || !got.Rows[i].Join.Equal(time.Date(2026, 7, 1, 8, i, 0, 0, time.UTC)) || *got.Rows[i].Minutes != i {
			t.Errorf("row %d = %+v", i, got.Rows[i])
		}
	}
	if last := got.Rows[len(hostile)]; last.Join != nil || last.Minutes != nil {
		t.Errorf("unknown values = %+v", last)
	}
}

func TestXLSX(t *testing.T) {
	var b bytes.Buffer
	if err := sample(t).WriteXLSX(&b, []Fact{{"Made by", "=cmd"}}); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	sheets := book.GetSheetList()
	if len(sheets) != 2 || sheets[1] != "About" {
		t.Fatalf("sheets = %q", sheets)
	}
	rows, err := book.GetRows(sheets[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(hostile)+2 || rows[1][0] != hostile[0] || rows[1][1] != "2026-07-01 10:00:00" {
		t.Errorf("rows = %q", rows[:2])
	}
	for r := range rows {
		for _, column := range []string{"A", "B", "C", "D"} {
			if f, err := book.GetCellFormula(sheets[0], column+itoa(r+1)); err != nil || f != "" {
				t.Errorf("cell %s%d has the formula %q (%v)", column, r+1, f, err)
			}
		}
	}
	if kind, err := book.GetCellType(sheets[0], "C3"); err != nil || kind == excelize.CellTypeInlineString || kind == excelize.CellTypeSharedString {
		t.Errorf("minutes are of type %v (%v)", kind, err)
	}
	if about, _ := book.GetCellValue("About", "B1"); about != "=cmd" {
		t.Errorf("about = %q", about)
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestICS(t *testing.T) {
	start := time.Date(2026, 12, 1, 9, 0, 0, 0, time.FixedZone("x", 3600))
	subject := "Ünïcødé; friends, \\ 会議 مرحبا\r\nATTENDEE:mailto:evil@example.test " + strings.Repeat("long ", 30)
	var b bytes.Buffer
	err := Calendar{Name: "Mine", Events: []Event{{UID: "555012345@portal", Subject: subject, Description: "one\ntwo", URL: "https://meet.goto.com/555012345", Start: start, End: start.Add(time.Hour), Stamp: start, Organizer: `A "B"`, Email: "ada@example.test"}}}.WriteICS(&b)
	if err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 {
			t.Errorf("line of %d octets: %q", len(line), line)
		}
		if strings.ContainsAny(line, "\r\n") {
			t.Errorf("bare line end in %q", line)
		}
		if strings.HasPrefix(line, "ATTENDEE") {
			t.Error("a subject added a line of its own")
		}
	}
	cal, err := ics.ParseCalendar(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	e := cal.Events()[0]
	if at, err := e.GetStartAt(); err != nil || !at.Equal(start) || !strings.Contains(text, "DTSTART:20261201T080000Z") {
		t.Errorf("start = %v, %v", at, err)
	}
	if got := e.GetProperty(ics.ComponentPropertySummary).Value; !strings.Contains(got, "会議 مرحبا") || !strings.Contains(got, "friends, ") {
		t.Errorf("summary = %q", got)
	}
}

func TestFileNames(t *testing.T) {
	for _, tt := range []struct {
		parts []string
		want  string
	}{
		{[]string{"Board <draft>", "2026-12-01", "attendees"}, "board-draft-2026-12-01-attendees.csv"},
		{[]string{"../../etc/passwd", "\x00"}, "etc-passwd.csv"},
		{[]string{"", "///"}, "export.csv"},
		{[]string{"会議 مرحبا"}, "会議-مرحبا.csv"},
	} {
		if got := FileName("csv", tt.parts...); got != tt.want {
			t.Errorf("%q = %q, want %q", tt.parts, got, tt.want)
		}
	}
	header := Disposition(FileName("csv", "会議\"; x=\r\ny"))
	if _, params, err := mime.ParseMediaType(header); err != nil || !strings.HasSuffix(params["filename"], ".csv") || strings.ContainsAny(header, "\r\n") {
		t.Errorf("header %q: %v", header, err)
	}
}

func FuzzCSVHoldsNoFormula(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if err := (Table{Columns: []Column{{"a", "A"}}, Rows: slices.Values([][]any{{s}})}).WriteCSV(&b); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\uFEFF"))).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 1 {
			t.Fatalf("%q does not read back: %v %q", s, err, rows)
		}
		if got := rows[1][0]; dangerous(got) {
			t.Errorf("%q was written as %q", s, got)
		}
	})
}
