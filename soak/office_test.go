//go:build soak

package soak

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// office is LibreOffice, which `make soak` installs.
const office = "/usr/bin/soffice"

// What CSV files are opened with. Both are comma, quotation marks, UTF-8, from
// the first line, in English. The eager way lets everything be what it looks
// like and runs formulas; the careful one takes what is quoted, which is all
// of it, for text.
const (
	eager   = "Text - txt - csv (StarCalc):44,34,76,1,,1033,false,true,false,false,false,0,true"
	careful = "Text - txt - csv (StarCalc):44,34,76,1,,1033,true,false,false,false,false,0,false"
)

// hostile are names that attendees may choose and that a spreadsheet would
// like to make something of. White space around a name is not read from GoTo.
var hostile = []string{
	`=HYPERLINK("http://x")`, "=1+1", "+1", "-1", "@x", "a\tb", "a\rb", "a\nb", "a\r\nb", "＝1+1", "|calc", "\u200b=1", "\u200b \t=1",
	`"`, `""`, `a"b"c`, `","x`, "'quoted'", "'=1", "a;b,c", "a  b", "<b>&amp;</b>", "{=1+1}", "#REF!", "_x000D_", "_x0041_",
	"مريم بنت محمد", "ליאור בן־דוד", "\u202eesrever", "👩🏽‍💻 Zoë Ångström", "山田 明美", strings.Repeat("very long ", 400) + "name",
}

// numbers are names that a CSV file, which cannot tell, leaves to be taken for
// something else by who opens it eagerly.
var numbers = []string{"007", "1e5", "1/2", "2026-01-02", "12:30", "TRUE", "1,000", "50%", "$5"}

// Lists of attendees, a register and a report with hostile names, opened by
// LibreOffice: no cell is a formula, times are times, figures are figures, and
// names are what people typed.
func TestLibreOffice(t *testing.T) {
	began := time.Now()
	if _, err := os.Stat(office); err != nil {
		t.Fatalf("LibreOffice is missing: make soak installs it: %v", err)
	}
	names := append(append([]string{}, hostile...), numbers...)
	w := newWorld(t, sqlite(t))
	w.goTo.set(map[string]any{"scale": 2}) // 100 people, so that every name is somebody's
	p := w.start("GOTO_API_URL=" + renamed(t, w.goTo.base(), names))
	b := newBrowser(people[0], among(p))
	if err := b.signIn(); err != nil {
		t.Fatal(err)
	}
	if got := opened(t, "control.csv", []byte("\"x\"\r\n\"=1+1\"\r\n"), eager)[1][0]; got.formula == "" {
		t.Fatalf("LibreOffice runs no formula in any case: %+v", got)
	}

	meeting := jsonTable(t, b, "/history.json?q=Scale").Rows[0]["meeting_id"]
	files, cells, formulas := 0, 0, 0
	room := fmt.Sprint("/meetings/", meeting, "/")
	for _, path := range []string{room + "attendees.%s", room + "attendees.%s?rows=joins", room + "attendees.%s?rows=joins&sort=join&dir=desc", room + "register.%s", b.report(t) + ".%s?rows=people"} {
		list := strings.TrimPrefix(path, room)
		want := jsonTable(t, b, fmt.Sprintf(path, "json"))
		seen := map[string]bool{}
		for _, row := range want.Rows {
			seen[fmt.Sprint(row["name"])] = true
		}
		for _, name := range names {
			if !seen[name] {
				t.Errorf("nobody is called %q", name)
			}
		}
		csv, xlsx := file(t, b, fmt.Sprintf(path, "csv")), file(t, b, fmt.Sprintf(path, "xlsx"))
		for _, tt := range []struct {
			way   string
			sheet [][]cell
			csv   bool
			typed bool // times and figures are told from text
			guess bool // text that looks like a figure may become one
		}{
			{"CSV, eager", opened(t, "a.csv", csv, eager), true, true, true},
			{"CSV, careful", opened(t, "a.csv", csv, careful), true, false, false},
			{"XLSX", opened(t, "a.xlsx", xlsx, ""), false, true, false},
		} {
			files++
			if len(tt.sheet) != len(want.Rows)+1 {
				t.Fatalf("%s %s has %d lines for %d rows", list, tt.way, len(tt.sheet), len(want.Rows))
			}
			for i, line := range tt.sheet {
				for j, got := range line {
					if got.formula != "" {
						formulas++
						t.Errorf("%s %s: line %d holds the formula %q", list, tt.way, i, got.formula)
					}
					if j >= len(want.Columns) || i == 0 {
						continue
					}
					cells++
					column := want.Columns[j]
					if problem := got.differs(want.Rows[i-1][column.Key], strings.Contains(column.Label, "("+want.Zone+")"), tt.csv, tt.typed, tt.guess); problem != "" {
						t.Errorf("%s %s: %s of line %d: %s", list, tt.way, column.Label, i, problem)
					}
				}
			}
		}
	}
	report(t, began, "%d files, %d names, %d cells opened: %d formulas; times are times, figures figures, names intact", files, len(names), cells, formulas)
}

// report makes a report on yesterday, and returns its path once it is done.
func (b *browser) report(t *testing.T) string {
	t.Helper()
	_, form := b.get("/reports").form("/reports")
	day := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	form.Set("from", day)
	form.Set("to", day)
	form.Set("organizer", "own")
	path := b.post("/reports", form).location()
	for {
		switch page := b.get(path); {
		case page.status != http.StatusOK:
			t.Fatalf("the report: %s", page)
		case !strings.Contains(string(page.body), `id="report"`):
			return path
		}
	}
}

// renamed stands in front of GoTo and gives attendees other names, one for
// each address, and each name to somebody.
func renamed(t *testing.T, goTo string, names []string) string {
	t.Helper()
	target, err := url.Parse(goTo)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(res *http.Response) error {
			if !strings.HasSuffix(res.Request.URL.Path, "/attendees") || res.StatusCode != http.StatusOK {
				return nil
			}
			var rows []map[string]any
			dec := json.NewDecoder(res.Body)
			dec.UseNumber()
			if err := dec.Decode(&rows); err != nil {
				return err
			}
			given := map[any]string{}
			for _, row := range rows {
				email := row["attendeeEmail"]
				if _, known := given[email]; !known && len(given) < len(names) {
					given[email] = names[len(given)]
				}
				if name, has := given[email]; has {
					row["attendeeName"] = name
				}
			}
			body, err := json.Marshal(rows)
			if err != nil {
				return err
			}
			res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			res.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return nil
		},
	})
	t.Cleanup(s.Close)
	return s.URL
}

func file(t *testing.T, b *browser, path string) []byte {
	t.Helper()
	a := b.get(path)
	if a.err != nil || a.status != http.StatusOK {
		t.Fatalf("%s: %s", path, a)
	}
	return a.body
}

// table is a JSON file. Numbers are json.Number.
type table struct {
	Zone    string
	Columns []struct{ Key, Label string }
	Rows    []map[string]any
}

func jsonTable(t *testing.T, b *browser, path string) (got table) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(file(t, b, path)))
	dec.UseNumber()
	if err := dec.Decode(&got); err != nil || len(got.Rows) == 0 {
		t.Fatalf("%s: %d rows, %v", path, len(got.Rows), err)
	}
	return got
}

// cell is what LibreOffice made of one.
type cell struct{ kind, text, value, formula string }

// differs says what is wrong with a cell, compared to that of the JSON file.
func (c cell) differs(want any, isTime, csv, typed, guess bool) string {
	switch v := want.(type) {
	case nil:
		if c.text != "" {
			return fmt.Sprintf("%+v, want nothing", c)
		}
	case json.Number:
		if typed && (c.kind != "float" || c.value != v.String()) || !typed && c.text != v.String() {
			return fmt.Sprintf("%+v, want the number %s", c, v)
		}
	case string:
		if isTime {
			at, err := time.Parse(time.RFC3339, v)
			if err != nil {
				return err.Error()
			}
			if typed && (c.kind != "date" || c.value != at.Format("2006-01-02T15:04:05")) || !typed && c.text != at.Format(time.DateTime) {
				return fmt.Sprintf("%+v, want the time %s", c, v)
			}
			return ""
		}
		for _, n := range numbers {
			if guess && v == n {
				return ""
			}
		}
		// A spreadsheet has one kind of line end, and in CSV what looks like a
		// formula has an apostrophe in front.
		plain := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(v)
		if c.kind != "string" && v != "" || c.text != plain && !(csv && c.text == "'"+plain) {
			return fmt.Sprintf("%+v, want %q", c, v)
		}
	default:
		return fmt.Sprintf("%+v, want %v", c, want)
	}
	return ""
}

// opened has LibreOffice open a file, through the filter unless it is "", and
// returns its first sheet.
func opened(t *testing.T, name string, body []byte, filter string) [][]cell {
	t.Helper()
	dir := t.TempDir()
	from := filepath.Join(dir, name)
	if err := os.WriteFile(from, body, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-env:UserInstallation=file://" + filepath.Join(dir, "profile"), "--headless", "--convert-to", "fods", "--outdir", filepath.Join(dir, "out")}
	if filter != "" {
		args = append(args, "--infilter="+filter)
	}
	if out, err := exec.CommandContext(t.Context(), office, append(args, from)...).CombinedOutput(); err != nil {
		t.Fatalf("LibreOffice on %s: %v: %s", name, err, out)
	}
	f, err := os.Open(filepath.Join(dir, "out", strings.TrimSuffix(name, filepath.Ext(name))+".fods"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sheet, err := readSheet(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return sheet
}

// readSheet reads the first sheet of a flat OpenDocument file, without the
// empty cells and lines at its ends.
func readSheet(r io.Reader) ([][]cell, error) {
	const office, text = "urn:oasis:names:tc:opendocument:xmlns:office:1.0", "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
	const sheets = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
	attr := func(e xml.StartElement, space, local string) string {
		for _, a := range e.Attr {
			if a.Name.Space == space && a.Name.Local == local {
				return a.Value
			}
		}
		return ""
	}
	times := func(e xml.StartElement, space, local string) int {
		n, err := strconv.Atoi(attr(e, space, local))
		if err != nil {
			n = 1
		}
		return min(n, 10_000)
	}
	var sheet [][]cell
	var line []cell
	var now cell
	var repeat, lines, paragraphs int
	within := false // a paragraph of a cell
	for dec := xml.NewDecoder(r); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is no sheet")
		}
		if err != nil {
			return nil, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name {
			case xml.Name{Space: sheets, Local: "table-row"}:
				line, lines = nil, times(e, sheets, "number-rows-repeated")
			case xml.Name{Space: sheets, Local: "table-cell"}:
				now = cell{kind: attr(e, office, "value-type"), formula: attr(e, sheets, "formula")}
				now.value = attr(e, office, "value") + attr(e, office, "date-value")
				repeat, paragraphs = times(e, sheets, "number-columns-repeated"), 0
			case xml.Name{Space: text, Local: "p"}:
				if paragraphs++; paragraphs > 1 {
					now.text += "\n"
				}
				within = true
			case xml.Name{Space: text, Local: "s"}:
				now.text += strings.Repeat(" ", times(e, text, "c"))
			case xml.Name{Space: text, Local: "tab"}:
				now.text += "\t"
			case xml.Name{Space: text, Local: "line-break"}:
				now.text += "\n"
			}
		case xml.CharData:
			if within {
				now.text += string(e)
			}
		case xml.EndElement:
			switch e.Name {
			case xml.Name{Space: text, Local: "p"}:
				within = false
			case xml.Name{Space: sheets, Local: "table-cell"}:
				if repeat < 1000 || now != (cell{}) {
					for range repeat {
						line = append(line, now)
					}
				}
			case xml.Name{Space: sheets, Local: "table-row"}:
				if len(line) > 0 {
					for range lines {
						sheet = append(sheet, line)
					}
				}
			case xml.Name{Space: sheets, Local: "table"}:
				return sheet, nil
			}
		}
	}
}
