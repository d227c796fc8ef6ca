package handlers_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/xuri/excelize/v2"
)

const registerOf = "/meetings/" + daily + "/register"

// member is one person's line of a register, wherever it is shown.
type member struct {
	name, email                        string
	cells                              string // minutes by date, oldest first; "-" for who was not there
	attended, minutes, streak, longest int
}

// grid is a register.
type grid struct {
	dates   []string // starts, oldest first
	members []member
}

// slowRegister computes the register the slow way, from nothing but GoTo's
// rows.
func slowRegister(t *testing.T, rows []rawJoin) grid {
	t.Helper()
	byStart := map[string][]rawJoin{}
	for _, r := range rows {
		start := time.Unix(int64(second(t, r.Start)), 0).UTC().Format(time.RFC3339)
		byStart[start] = append(byStart[start], r)
	}
	g := grid{dates: slices.Sorted(maps.Keys(byStart))}
	there := map[string]map[string]int{} // minutes, by person and date
	last := map[string]shown{}
	for _, date := range g.dates {
		for _, s := range bySecond(t, byStart[date]) {
			key := strings.ToLower(s.email)
			if key == "" {
				key = "name " + strings.ToLower(strings.Join(strings.Fields(s.name), " "))
			}
			if there[key] == nil {
				there[key] = map[string]int{}
			}
			there[key][date], last[key] = s.minutes, s
		}
	}
	for key, dates := range there {
		m := member{name: last[key].name, email: last[key].email}
		var cells []string
		for _, date := range g.dates {
			minutes, came := dates[date]
			if !came {
				cells, m.streak = append(cells, "-"), 0
				continue
			}
			cells = append(cells, strconv.Itoa(minutes))
			m.attended, m.minutes, m.streak = m.attended+1, m.minutes+minutes, m.streak+1
			m.longest = max(m.longest, m.streak)
		}
		m.cells = strings.Join(cells, " ")
		g.members = append(g.members, m)
	}
	return g
}

func sortMembers(list []member) []member {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b member) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list
}

func cellOr(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// registerPages reads a register off its pages, and the totals under it.
func (b *browser) registerPages(address string) (g grid, totals map[string][]string) {
	b.t.Helper()
	for address != "" {
		doc := b.get(address).doc(b.t)
		g.dates, totals = nil, map[string][]string{}
		doc.Find("th.date time").Each(func(_ int, s *goquery.Selection) { g.dates = append([]string{s.AttrOr("datetime", "")}, g.dates...) })
		doc.Find(".register tbody tr").Each(func(_ int, row *goquery.Selection) {
			m := member{name: row.Find("th bdi").Text(), email: row.Find("th .wrap").Text()}
			cells := row.Find("td").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
			of := ""
			if _, err := fmt.Sscanf(cells[0], "%d of %s", &m.attended, &of); err != nil {
				b.t.Errorf("%s attended %q", m.name, cells[0])
			}
			m.minutes, _ = strconv.Atoi(cells[1])
			m.streak, _ = strconv.Atoi(cells[2])
			m.longest, _ = strconv.Atoi(cells[3])
			var dates []string
			for _, c := range slices.Backward(cells[4:]) {
				dates = append(dates, cellOr(c))
			}
			m.cells = strings.Join(dates, " ")
			g.members = append(g.members, m)
		})
		doc.Find(".register tfoot tr").Each(func(_ int, row *goquery.Selection) {
			cells := row.Find("td").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
			slices.Reverse(cells[4:])
			totals[row.Find("th").Text()] = cells
		})
		address = doc.Find("a[rel=next]").AttrOr("href", "")
	}
	return g, totals
}

// registerFiles reads a register out of the three files.
func (b *browser) registerFiles(path, query string) map[string]grid {
	b.t.Helper()
	var twin struct {
		Columns []struct{ Key, Label string }
		Rows    []map[string]any
	}
	if err := json.Unmarshal([]byte(b.get(path+".json"+query).body), &twin); err != nil {
		b.t.Fatal(err)
	}
	var keys []string
	for _, c := range twin.Columns {
		keys = append(keys, c.Key)
	}
	n := len(keys) - 4
	read := func(rows [][]string) grid {
		g := grid{dates: slices.Clone(keys[2:n])}
		for _, row := range rows {
			for len(row) < len(keys) {
				row = append(row, "")
			}
			m := member{name: strings.TrimPrefix(row[0], "'"), email: row[1]}
			var cells []string
			for _, c := range row[2:n] {
				cells = append(cells, cellOr(c))
			}
			m.cells = strings.Join(cells, " ")
			m.attended, _ = strconv.Atoi(row[n])
			m.minutes, _ = strconv.Atoi(row[n+1])
			m.streak, _ = strconv.Atoi(row[n+2])
			m.longest, _ = strconv.Atoi(row[n+3])
			g.members = append(g.members, m)
		}
		return g
	}
	var fromJSON [][]string
	for _, r := range twin.Rows {
		var row []string
		for _, k := range keys {
			if r[k] == nil {
				row = append(row, "")
			} else {
				row = append(row, fmt.Sprint(r[k]))
			}
		}
		fromJSON = append(fromJSON, row)
	}
	fromCSV, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.get(path+".csv"+query).body, "\uFEFF"))).ReadAll()
	if err != nil {
		b.t.Fatal(err)
	}
	fromXLSX := b.sheet(path+".xlsx"+query, "Register")
	for i, c := range twin.Columns {
		if fromCSV[0][i] != c.Label || fromXLSX[0][i] != c.Label {
			b.t.Errorf("column %q is %q in CSV, %q in XLSX", c.Label, fromCSV[0][i], fromXLSX[0][i])
		}
	}
	return map[string]grid{"JSON": read(fromJSON), "CSV": read(fromCSV[1:]), "XLSX": read(fromXLSX[1:])}
}

// sheet reads one sheet of a workbook.
func (b *browser) sheet(address, name string) [][]string {
	b.t.Helper()
	res := b.get(address)
	book, err := excelize.OpenReader(strings.NewReader(res.body))
	if err != nil {
		b.t.Fatalf("%s: %d %.200s: %v", address, res.StatusCode, res.body, err)
	}
	rows, err := book.GetRows(name)
	if err != nil {
		b.t.Fatal(err)
	}
	return rows
}

// A room of 50 sessions costs one call for its attendees and two for its
// history, and every figure of its register is the same on the pages, in CSV,
// XLSX and JSON, and what comes of GoTo's rows second by second.
func TestRegisterOfFiftySessions(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada := p.connected("ada")
	want := slowRegister(t, p.rawJoins("ada", daily))
	if len(want.dates) != 50 || len(want.members) < 100 {
		t.Fatalf("the room has %d sessions, %d people", len(want.dates), len(want.members))
	}
	for _, twin := range []string{"", ".csv", ".xlsx", ".json"} {
		p.ahead.Add(int64(time.Minute))
		before := p.sandbox.Calls()
		if res := ada.get(registerOf + twin); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", twin, res.StatusCode)
		}
		made := p.sandbox.Calls()
		maps.DeleteFunc(made, func(call string, n int) bool { return n == before[call] })
		for call := range made {
			made[call] -= before[call]
		}
		if want := map[string]int{"GET /G2M/rest/meetings/*/attendees": 1, "GET /G2M/rest/historicalMeetings": 2}; !maps.Equal(made, want) {
			t.Errorf("register%s costs %v, want %v", twin, made, want)
		}
	}

	page, totals := ada.registerPages(registerOf)
	if !slices.Equal(page.dates, want.dates) || !slices.Equal(sortMembers(page.members), sortMembers(want.members)) {
		t.Errorf("the pages have\n%v, the rows make\n%v", sortMembers(page.members), sortMembers(want.members))
	}
	attended, minutes := 0, 0
	for i, date := range want.dates {
		people, sum := 0, 0
		for _, m := range want.members {
			if c := strings.Fields(m.cells)[i]; c != "-" {
				n, _ := strconv.Atoi(c)
				people, sum = people+1, sum+n
			}
		}
		attended, minutes = attended+people, minutes+sum
		if got, told, of := totals["People"][4+i], totals["GoTo counts"][4+i], totals["Minutes"][4+i]; got != strconv.Itoa(people) || told != strconv.Itoa(people) || of != strconv.Itoa(sum) {
			t.Errorf("%s: %s people, %s minutes, GoTo counts %s; the rows make %d, %d", date, got, of, told, people, sum)
		}
	}
	if totals["People"][0] != strconv.Itoa(attended) || totals["Minutes"][1] != strconv.Itoa(minutes) {
		t.Errorf("in all %s dates attended, %s minutes; the rows make %d, %d", totals["People"][0], totals["Minutes"][1], attended, minutes)
	}
	t.Logf("%d sessions, %d people, %d minutes", len(want.dates), len(want.members), minutes)

	from, to := want.dates[10][:10], want.dates[29][:10]
	for _, query := range []string{"", "?q=a&sort=attended&dir=desc", "?q=nobody+like+this", "?from=" + from + "&to=" + to + "&sort=longest&dir=desc"} {
		p.ahead.Add(int64(time.Minute))
		page, totals := ada.registerPages(registerOf + query)
		for kind, file := range ada.registerFiles(registerOf, query) {
			if kind == "JSON" && query == "?from="+from+"&to="+to+"&sort=longest&dir=desc" && len(file.dates) != 20 {
				t.Errorf("from %s to %s are %d sessions", from, to, len(file.dates))
			}
			if len(page.members) > 0 && !slices.Equal(file.dates, page.dates) || !slices.Equal(file.members, page.members) {
				t.Errorf("%s: %s has\n%v\n%v, the pages\n%v\n%v", query, kind, file.dates, file.members, page.dates, page.members)
			}
		}
		sum, label := 0, "Minutes"
		for _, m := range page.members {
			sum += m.minutes
		}
		if strings.Contains(query, "q=") {
			label = "Their minutes"
		}
		if len(page.members) > 0 && totals[label][1] != strconv.Itoa(sum) {
			t.Errorf("%s: the page adds up to %v, its rows to %d", query, totals[label], sum)
		}
	}
	// Ticks: the same people on the same dates.
	ticks, _ := ada.registerPages(registerOf + "?cells=ticks")
	for kind, file := range ada.registerFiles(registerOf, "?cells=ticks") {
		for i, m := range file.members {
			was := strings.Map(func(r rune) rune {
				if r == '✓' {
					return '1'
				}
				return r
			}, ticks.members[i].cells)
			if m.cells != was || strings.Count(m.cells, "1") != m.attended {
				t.Errorf("%s: %s is ticked %s, on the page %s", kind, m.name, m.cells, was)
			}
		}
	}
}

// What htmx asks for is answered from what was just read, and says what it
// found.
func TestRegisterByHTMX(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	whole := ada.get(registerOf)
	calls := 0
	for _, query := range []string{"?sort=minutes&dir=desc", "?q=ada", "?cells=ticks", "?page=2", "?q=nobody+like+this"} {
		before := total(p.sandbox.Calls())
		part := ada.get(registerOf+query, "HX-Request", "true", "HX-Request-Type", "partial")
		calls += total(p.sandbox.Calls()) - before
		doc, page := part.doc(t), ada.get(registerOf+query)
		if part.StatusCode != http.StatusOK || strings.Contains(part.body, "<html") || doc.Find("#results").Length() != 1 {
			t.Errorf("%s: %d, no part", query, part.StatusCode)
		}
		announced := strings.TrimSpace(doc.Find("#announcer").Text())
		if summary, asked, _ := strings.Cut(announced, ". "); !strings.Contains(doc.Find("#results").Text(), summary) || len(summary) < 10 || doc.Find("table").Length() > 0 && !strings.Contains(strings.ToLower(asked), "sorted by ") {
			t.Errorf("%s announces %q", query, announced)
		}
		if got, want := strings.TrimSpace(doc.Find(".register tbody").Text()), strings.TrimSpace(page.doc(t).Find(".register tbody").Text()); got != want {
			t.Errorf("%s: the part has other rows than the page", query)
		}
	}
	if calls > 0 {
		t.Errorf("%d calls for what had just been read", calls)
	}
	if text := whole.doc(t).Find(".register").AttrOr("aria-label", "") + whole.doc(t).Find(".register").AttrOr("tabindex", ""); text != "Register, people by dates0" {
		t.Errorf("the table scrolls in %q", text)
	}
}

// Whoever is joined has one line, files say so, and an undo on the page itself
// parts them again.
func TestRegisterKnowsWhoIsWho(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	named, addressed := ada.oneOf()
	name, email := strings.SplitN(named, "\t", 2)[1], strings.SplitN(addressed, "\t", 2)[1]
	find := func(query string) (found []member) {
		t.Helper()
		p.ahead.Add(int64(2 * time.Second))
		g, _ := ada.registerPages(registerOf + "?" + query)
		return g.members
	}
	var apart []member
	for _, m := range find("") {
		if m.email == "" && m.name == name || m.email == email {
			apart = append(apart, m)
		}
	}
	if len(apart) != 2 {
		t.Fatalf("%q and %q are %v", name, email, apart)
	}
	here := registerOf + "?q=" + url.QueryEscape(email)
	if link := ada.get(here).doc(t).Find("#results p a[href^='/people/aliases']").AttrOr("href", ""); !strings.Contains(link, "meeting="+daily) || !strings.Contains(link, url.QueryEscape(here)) {
		t.Errorf("the register leads to %q", link)
	}
	if res := ada.post("/people/aliases", url.Values{"action": {"join"}, "person": {named}, "into": {addressed}, "back": {here}}); res.Header.Get("Location") != here {
		t.Fatalf("joining: %d %s", res.StatusCode, res.body)
	}
	joined := find("q=" + url.QueryEscape(email))
	if len(joined) != 1 || joined[0].minutes < max(apart[0].minutes, apart[1].minutes) || joined[0].minutes > apart[0].minutes+apart[1].minutes || joined[0].attended < max(apart[0].attended, apart[1].attended) {
		t.Errorf("%v together are %v", apart, joined)
	}
	if again := find("q=" + url.QueryEscape(name)); !slices.ContainsFunc(again, func(m member) bool { return m.email == email }) {
		t.Errorf("who was joined is not found by the other name: %v", again)
	}
	about := fmt.Sprint(ada.sheet(registerOf+".xlsx", "About"))
	if !strings.Contains(about, "Who is who “"+name+"” counts as "+email+" (joined by Ada Example, ") {
		t.Errorf("the workbook does not say it: %s", about)
	}
	undo := fields(ada.get(here).doc(t).Find(".aliases form").First())
	if res := ada.post("/people/aliases", undo); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != here {
		t.Errorf("undo: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	if again := find("q=" + url.QueryEscape(email)); len(again) != 1 || !slices.Contains(apart, again[0]) {
		t.Errorf("after the undo: %v", again)
	}
	if about := fmt.Sprint(ada.sheet(registerOf+".xlsx", "About")); strings.Contains(about, "Who is who") {
		t.Errorf("the workbook still says it: %s", about)
	}

	p.outage.unknown.Store(true)
	page := ada.get(registerOf)
	if text := page.doc(t).Find(".note.warning").Text(); page.StatusCode != http.StatusOK || !strings.Contains(text, "as GoTo's rows have them") {
		t.Errorf("without aliases: %d %q", page.StatusCode, text)
	}
	if res := ada.get(registerOf + ".csv"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a file without aliases: %d", res.StatusCode)
	}
}

func TestRegisterWithoutHistory(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	for status, c := range map[int]struct {
		says  string
		files int
	}{403: {"GoTo does not allow this", 200}, 404: {"GoTo knows no such meeting", 200}, 500: {"GoTo does not answer just now", 503}} {
		p.sandbox.Control(map[string]any{"faults": []any{fault("GET /G2M/rest/historicalMeetings", "status", "status", status, "times", 0)}})
		p.ahead.Add(int64(2 * time.Hour)) // nothing kept is good any more
		res := ada.get(registerOf)
		if text := res.doc(t).Find(".note.warning").Text(); res.StatusCode != 200 || !strings.Contains(text, "GoTo's history could not be read ("+c.says+"), so sessions in which nobody is recorded are missing here.") {
			t.Errorf("%d: %d %q", status, res.StatusCode, text)
		}
		if n := res.doc(t).Find("th.date").Length(); n != 50 {
			t.Errorf("%d: %d dates", status, n)
		}
		if res := ada.get(registerOf + ".csv"); res.StatusCode != c.files {
			t.Errorf("%d: a file answers %d, want %d", status, res.StatusCode, c.files)
		}
	}
	p.sandbox.Control(map[string]any{"faults": []any{fault("GET /G2M/rest/historicalMeetings", "status", "status", 403, "times", 0)}})
	if about := fmt.Sprint(ada.sheet(registerOf+".xlsx", "About")); !strings.Contains(about, "Note GoTo's history could not be read") {
		t.Errorf("the workbook does not say it: %s", about)
	}
}

// Each empty register names its one cause.
func TestEmptyRegisters(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	// GoTo lists nobody of the newest session, and its history knows it.
	p.editJoins(func(rows []map[string]any) []map[string]any {
		newest := ""
		for _, r := range rows {
			newest = max(newest, fmt.Sprint(r["startTime"]))
		}
		return slices.DeleteFunc(rows, func(r map[string]any) bool { return fmt.Sprint(r["startTime"]) == newest })
	})
	doc := ada.get(registerOf).doc(t)
	if void := doc.Find("th.date.void"); void.Length() != 1 || !strings.Contains(void.Text(), "nobody") || doc.Find("th.date").Length() != 50 || doc.Find(".register tbody tr").First().Find("td.void").Length() != 1 {
		t.Errorf("a session in which nobody is recorded: %q", void.Text())
	}
	if text := doc.Find(".register tbody tr").First().Find("td").First().Text(); !strings.HasSuffix(text, "of 49") {
		t.Errorf("it counts: %q", text)
	}
	newest := doc.Find("th.date time").First().AttrOr("datetime", "")
	other := ada.create("meeting_type", "recurring")
	for name, c := range map[string]struct{ path, why, next string }{
		"search":      {registerOf + "?q=nobody+like+this&sort=name&dir=asc", "Nobody matches your search.", registerOf},
		"range":       {registerOf + "?from=2020-01-01&to=2020-02-01", "The meeting had no session in this range. Its sessions with attendees were between ", registerOf},
		"to come":     {registerOf + "?from=2199-01-01", "The meeting had no session in this range.", registerOf},
		"nobody":      {registerOf + "?from=" + newest[:10] + "&to=" + newest[:10], "Nobody is recorded in the 1 session", "/meetings/" + daily + "/attendees"},
		"none at all": {"/meetings/" + other + "/register", "Nobody has been in this room yet.", "/meetings/" + other + "/attendees"},
		"none in it":  {"/meetings/" + other + "/register?from=2020-01-01", "No session of this meeting is recorded in this range.", "/meetings/" + other + "/register"},
	} {
		p.ahead.Add(int64(2 * time.Second))
		res := ada.get(c.path)
		empty := res.doc(t).Find(".empty")
		if res.StatusCode != 200 || !strings.Contains(empty.Text(), c.why) || empty.Find("a").AttrOr("href", "") != c.next || res.doc(t).Find("table").Length() > 0 {
			t.Errorf("%s: %d %q leads to %q", name, res.StatusCode, empty.Text(), empty.Find("a").AttrOr("href", ""))
		}
	}
	for path, want := range map[string]int{
		registerOf + "?from=x": 422, registerOf + "?from=2026-02-30": 422, registerOf + "?from=2026-02-02&to=2026-02-01": 422, registerOf + ".csv?to=x": 422, "/meetings/letters/register": 404, registerOf + "?page=99": 303,
		registerOf + "?organizer=x": 404, "/meetings/999999999/register": 404,
	} {
		if res := ada.get(path); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
	wrong := ada.get(registerOf + "?from=" + url.QueryEscape("<b>1</b>") + "&q=ada").doc(t)
	if wrong.Find("#from").AttrOr("value", "") != "<b>1</b>" || wrong.Find("#q").AttrOr("value", "") != "ada" || wrong.Find("#from-error").Length() != 1 {
		t.Error("what was typed is gone")
	}
	part := ada.get(registerOf+"?from=x", "HX-Request", "true", "HX-Request-Type", "partial")
	if doc := part.doc(t); part.StatusCode != 422 || strings.Contains(part.body, "<html") || doc.Find("#results #problems a[href='#from']").Length() != 1 {
		t.Errorf("a part that is refused: %d %.200s", part.StatusCode, part.body)
	}
	if res := p.connected("ben").get(registerOf); res.StatusCode != http.StatusForbidden {
		t.Errorf("ben sees ada's register: %d", res.StatusCode)
	}
	room := ada.get("/meetings/" + daily).doc(t)
	if room.Find("a[href='"+registerOf+"']").Length() != 1 || ada.get("/meetings/"+ada.create()).doc(t).Find("a[href$='/register']").Length() > 0 {
		t.Error("a room leads to its register, another meeting does not")
	}
}

// 500 people in 120 sessions are a page of bounded size.
func TestLargeRegister(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	today := time.Now().UTC().Truncate(24 * time.Hour)
	p.editJoins(func(rows []map[string]any) []map[string]any {
		var out []map[string]any
		for back := range 120 {
			start := today.Add(time.Duration(-20*back)*time.Hour - 48*time.Hour)
			for n := range 500 {
				if (n+back)%10 == 0 {
					out = append(out, map[string]any{
						"attendeeName": fmt.Sprintf("Attendee %03d", n), "attendeeEmail": fmt.Sprintf("person%d@example.test", n), "meetingId": daily, "subject": "Large", "meetingInstanceKey": strconv.Itoa(back + 1),
						"startTime": start.Format(time.RFC3339), "endTime": start.Add(time.Hour).Format(time.RFC3339), "joinTime": start.Format(time.RFC3339), "leaveTime": start.Add(50 * time.Minute).Format(time.RFC3339), "numAttendees": "50",
					})
				}
			}
		}
		return out
	})
	began := time.Now()
	res := ada.get(registerOf)
	took := time.Since(began)
	doc := res.doc(t)
	if rows, dates := doc.Find(".register tbody tr").Length(), doc.Find("th.date").Length(); rows != 50 || dates != 100 {
		t.Errorf("%d rows, %d dates", rows, dates)
	}
	if text := doc.Find(".note").Text(); !strings.Contains(text, "The newest 100 of ") {
		t.Errorf("it says %q", text)
	}
	if len(res.body) > 500_000 {
		t.Errorf("the page has %d bytes", len(res.body))
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(ada.get(registerOf+".csv").body, "\uFEFF"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(lines[0]); len(lines) != 501 || n < 126 || lines[8][n-4] != "12" {
		t.Errorf("the file has %d lines of %d columns", len(lines), n)
	}
	t.Logf("page of %d bytes in %v, file of %d people and %d dates", len(res.body), took, len(lines)-1, len(lines[0])-6)
}
