package handlers_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/xuri/excelize/v2"

	"portal/handlers"
	"portal/reports"
)

const (
	keyAda  = "8439885694023990001"
	keyBen  = "8439885694023990002"
	keyCleo = "8439885694023990003"
)

// report asks for a report and returns the path of its page.
func (b *browser) report(from, to string, organizers ...string) string {
	b.t.Helper()
	res := b.post(b.portal.prefix+"/reports", url.Values{"from": {from}, "to": {to}, "organizer": organizers})
	at := res.Header.Get("Location")
	if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(at, b.portal.prefix+"/reports/") {
		b.t.Fatalf("the report answers %d to %q: %s", res.StatusCode, at, res.doc(b.t).Find("main").Text())
	}
	return at
}

// settled is the page of a report once it runs no more.
func (b *browser) settled(path string) answer {
	b.t.Helper()
	for {
		res := b.get(path)
		if res.StatusCode != http.StatusOK {
			b.t.Fatalf("%s: %d", path, res.StatusCode)
		}
		if res.doc(b.t).Find("#report").Length() == 0 {
			return res
		}
	}
}

// gate lets calls of GoTo's answers through one by one, until it is open.
type gate chan struct{}

func (p *portal) gate(part string) gate {
	g := make(gate)
	p.wire.after = func(call string) {
		if strings.Contains(call, part) {
			<-g
		}
	}
	return g
}

func (g gate) pass(n int) {
	for range n {
		g <- struct{}{}
	}
}

// lastDays are the last n days as the form takes them, in UTC.
func lastDays(n int) (from, to string) {
	now := time.Now().UTC()
	return now.AddDate(0, 0, 1-n).Format(time.DateOnly), now.Format(time.DateOnly)
}

// asked is what was asked of GoTo since before.
func (p *portal) asked(before map[string]int) map[string]int {
	since := p.sandbox.Calls()
	maps.DeleteFunc(since, func(call string, n int) bool { since[call] = n - before[call]; return n == before[call] })
	return since
}

const (
	usersCall       = "GET /admin/rest/v1/accounts/*/users"
	ownHistoryCall  = "GET /G2M/rest/historicalMeetings"
	historyCall     = "GET /G2M/rest/organizers/*/historicalMeetings"
	byOrganizerCall = "GET /G2M/rest/organizers/*/attendees"
	byMeetingCall   = "GET /G2M/rest/meetings/*/attendees"
)

// What reports cost, by GoTo's own count: it stands on the page, too.
func TestCallsOfReports(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	from, to := lastDays(90)
	var all []string
	for n := range 9 {
		all = append(all, keyAda[:len(keyAda)-1]+strconv.Itoa(n+1))
	}
	// Of the account's nine users one was never there, and three hold meetings.
	for name, tt := range map[string]struct {
		b          *browser
		organizers []string
		want       map[string]int
	}{
		"the whole account":  {ada, []string{"all"}, map[string]int{usersCall: 1, ownHistoryCall: 3, historyCall: 21, byOrganizerCall: 9}},
		"nine chosen":        {ada, all, map[string]int{ownHistoryCall: 3, historyCall: 24, byOrganizerCall: 9}},
		"one's own":          {ada, []string{"own"}, map[string]int{ownHistoryCall: 3, byOrganizerCall: 3}},
		"another's":          {ada, []string{"chosen", keyBen}, map[string]int{historyCall: 3, byOrganizerCall: 3}},
		"of who is no admin": {ben, nil, map[string]int{ownHistoryCall: 3, byOrganizerCall: 1, byMeetingCall: p.roomsOf("ben", from, to)}},
	} {
		before := p.sandbox.Calls()
		page := tt.b.settled(tt.b.report(from, to, tt.organizers...))
		got := p.asked(before)
		if !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		said := fmt.Sprintf("%d calls to GoTo:", total(tt.want))
		if text := page.doc(t).Find("main").Text(); !strings.Contains(text, said) || strings.TrimSpace(page.doc(t).Find(".badge").First().Text()) != "Done" {
			t.Errorf("%s: the page does not say %q", name, said)
		}
		t.Logf("%s over 90 days: %d calls, %v", name, total(got), got)
	}
}

// rawPast is a session as GoTo answers it.
type rawPast struct {
	Meeting  string `json:"meetingId"`
	Session  string `json:"sessionId"`
	Start    string `json:"startTime"`
	Duration string `json:"duration"`
}

// rawPast asks GoTo itself for the sessions that a user held.
func (p *portal) rawPast(user, from, to string) (list []rawPast) {
	p.t.Helper()
	end, err := time.Parse(time.DateOnly, to)
	if err != nil {
		p.t.Fatal(err)
	}
	q := url.Values{"startDate": {from + "T00:00:00Z"}, "endDate": {end.AddDate(0, 0, 1).Add(-time.Second).Format(time.RFC3339)}}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.sandbox.API+"/G2M/rest/historicalMeetings?"+q.Encode(), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.sandbox.Token(user+"@example.test"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		p.t.Fatalf("%d %v", res.StatusCode, err)
	}
	return list
}

// roomsOf counts the meetings of the sessions that a user held.
func (p *portal) roomsOf(user, from, to string) int {
	rooms := map[string]bool{}
	for _, s := range p.rawPast(user, from, to) {
		rooms[s.Meeting] = true
	}
	return len(rooms)
}

// figures are a report's totals, wherever they stand.
type figures struct{ held, minutes, visits, attended, people int }

// bySeconds computes a report's figures the slow way, from nothing but GoTo's
// rows, asked for meeting by meeting.
func (p *portal) bySeconds(from, to string, users ...string) figures {
	p.t.Helper()
	var f figures
	people, strangers := map[string]bool{}, 0
	for _, user := range users {
		rows := map[string][]rawJoin{} // by meeting and start
		past := p.rawPast(user, from, to)
		for _, s := range past {
			f.held++
			minutes, err := strconv.Atoi(s.Duration)
			if err != nil {
				p.t.Fatal(err)
			}
			f.minutes += minutes
			if rows[s.Meeting] == nil {
				for _, j := range p.rawJoins(user, s.Meeting) {
					key := s.Meeting + " " + strconv.Itoa(second(p.t, j.Start))
					rows[key] = append(rows[key], j)
				}
				rows[s.Meeting] = []rawJoin{}
			}
		}
		for _, s := range past {
			joins := rows[s.Meeting+" "+strconv.Itoa(second(p.t, s.Start))]
			if len(joins) == 0 {
				p.t.Fatalf("nobody came to %+v", s)
			}
			for _, who := range bySecond(p.t, joins) {
				f.visits++
				f.attended += who.minutes
				switch {
				case who.email != "":
					people[strings.ToLower(who.email)] = true
				case who.name != "":
					people["name "+strings.ToLower(strings.Join(strings.Fields(who.name), " "))] = true
				default:
					strangers++
				}
			}
		}
	}
	f.people = len(people) + strangers
	return f
}

// Every total on the page, its tables and its files is the same, and equals what
// GoTo's rows say when they are counted second by second.
func TestReportTotals(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	from, to := lastDays(5)
	p.zone("UTC")
	for name, tt := range map[string]struct {
		b     *browser
		whose string
		users []string
	}{
		"the account":        {p.connected("ada"), "all", []string{"ada", "ben", "cleo"}},
		"of who is no admin": {p.connected("ben"), "own", []string{"ben"}},
	} {
		want := p.bySeconds(from, to, tt.users...)
		path := tt.b.report(from, to, tt.whose)
		page := tt.b.settled(path).doc(t)
		tiles := map[string]string{}
		page.Find(".tiles > div").Each(func(_ int, tile *goquery.Selection) {
			dd := tile.Find("dd").Clone()
			dd.Find("small").Remove()
			tiles[tile.Find("dt").Text()] = strings.TrimSpace(dd.Text())
		})
		if got := (figures{number(t, tiles["Meetings held"]), minutesOf(t, tiles["Time held"]), number(t, tiles["Attendances"]), minutesOf(t, tiles["Time attended"]), number(t, tiles["People reached"])}); got != want {
			t.Errorf("%s: the page says %+v, want %+v", name, got, want)
		}
		if want.people < 5 || want.held < 3 {
			t.Errorf("%s: %+v is too little to show anything", name, want)
		}
		// The sums below the tables, and the rows of each kind of file.
		for rows, columns := range map[string]map[string]int{
			"meetings":   {"minutes": want.minutes, "people": want.visits, "attended": want.attended},
			"people":     {"meetings": want.visits, "minutes": want.attended},
			"organizers": {"meetings": want.held, "minutes": want.minutes, "visits": want.visits, "attended": want.attended},
			"weeks":      {"meetings": want.held, "minutes": want.minutes, "visits": want.visits, "attended": want.attended},
		} {
			doc := tt.b.get(path + "?rows=" + rows).doc(t)
			doc.Find("#results thead th").Each(func(i int, th *goquery.Selection) {
				key := strings.TrimPrefix(th.Find("a").AttrOr("id", ""), "sort-")
				sum, summed := columns[key]
				if !summed {
					return
				}
				text := strings.TrimSpace(doc.Find("#results tfoot tr").Children().Eq(i).Text())
				got := 0
				if strings.Contains(text, "min") || strings.HasSuffix(text, "h") {
					got = minutesOf(t, text)
				} else {
					got = number(t, text)
				}
				if got != sum {
					t.Errorf("%s, %s: the sum of %s is %q, want %d", name, rows, key, text, sum)
				}
			})
			files := tt.b.tables(path, "rows="+rows)
			for kind, table := range files {
				if len(table) == 0 || rows == "meetings" && len(table) != want.held || rows == "people" && len(table) != want.people {
					t.Errorf("%s, %s as %s: %d rows", name, rows, kind, len(table))
				}
				for key, sum := range columns {
					got := 0
					for _, row := range table {
						got += number(t, row[key])
					}
					if got != sum {
						t.Errorf("%s, %s as %s: %s adds up to %d, want %d", name, rows, kind, key, got, sum)
					}
				}
			}
			if fmt.Sprint(files["csv"]) != fmt.Sprint(files["json"]) || fmt.Sprint(files["csv"]) != fmt.Sprint(files["xlsx"]) {
				t.Errorf("%s, %s: the files differ", name, rows)
			}
		}
		t.Logf("%s over 5 days: %+v on page, in four tables and twelve files, and by the second", name, want)
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Errorf("%q is no number", text)
	}
	return n
}

// minutesOf reads a length as pages write it.
func minutesOf(t *testing.T, text string) int {
	t.Helper()
	n, rest := 0, text
	if hours, minutes, ok := strings.Cut(text, " h"); ok {
		n, rest = 60*number(t, hours), strings.TrimSpace(minutes)
	}
	if rest != "" {
		n += number(t, strings.TrimSuffix(rest, " min"))
	}
	return n
}

// tables reads the rows of a page's three files by column key. Times are left
// out: each kind of file writes them its own way.
func (b *browser) tables(path, query string) map[string][]map[string]string {
	b.t.Helper()
	var twin struct {
		Columns []struct{ Key string }
		Rows    []map[string]any
	}
	if err := json.Unmarshal([]byte(b.get(path+".json?"+query).body), &twin); err != nil {
		b.t.Fatal(err)
	}
	isTime := func(key string) bool {
		return slices.Contains([]string{"start", "end", "first_seen", "last_seen", "last", "first_in", "last_out"}, key)
	}
	out := map[string][]map[string]string{}
	for _, r := range twin.Rows {
		row := map[string]string{}
		for key, v := range r {
			if !isTime(key) {
				row[key] = fmt.Sprint(v)
			}
		}
		out["json"] = append(out["json"], row)
	}
	keyed := func(cells []string) map[string]string {
		row := map[string]string{}
		for i, c := range twin.Columns {
			if !isTime(c.Key) {
				if i < len(cells) {
					row[c.Key] = strings.TrimPrefix(cells[i], "'")
				} else {
					row[c.Key] = ""
				}
			}
		}
		return row
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.get(path+".csv?"+query).body, "\uFEFF"))).ReadAll()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, line := range lines[1:] {
		out["csv"] = append(out["csv"], keyed(line))
	}
	book, err := excelize.OpenReader(strings.NewReader(b.get(path + ".xlsx?" + query).body))
	if err != nil {
		b.t.Fatal(err)
	}
	rows, err := book.GetRows(book.GetSheetName(0))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, row := range rows[1:] {
		out["xlsx"] = append(out["xlsx"], keyed(row))
	}
	for _, list := range out {
		for _, row := range list {
			for key, v := range row {
				row[key] = strings.ReplaceAll(v, "\r\n", "\n")
			}
		}
	}
	return out
}

// zone has GoTo name another time zone for everybody who signs in.
func (p *portal) zone(name string) {
	p.wire.edit = func(call string, answer []byte) []byte {
		var me map[string]any
		if !strings.HasSuffix(call, "/admin/rest/v1/me") || json.Unmarshal(answer, &me) != nil {
			return answer
		}
		var whole map[string]json.RawMessage
		if json.Unmarshal(answer, &whole) != nil {
			return answer
		}
		whole["timeZone"] = json.RawMessage(strconv.Quote(name))
		changed, err := json.Marshal(whole)
		if err != nil {
			return answer
		}
		return changed
	}
}

// The page of a report that runs shows how far it is, asks for itself again,
// and can be cancelled: then no call follows, and what was read is shown.
func TestProgressAndCancel(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ada")
	from, to := lastDays(90)
	g := p.gate("/historicalMeetings")
	before := p.sandbox.Calls()
	path := b.report(from, to, "all")

	doc := b.get(path).doc(t)
	if doc.Find(`head noscript meta[http-equiv=refresh]`).Length() != 1 && !strings.Contains(b.get(path).body, `<noscript><meta http-equiv="refresh" content="5"`) {
		t.Error("without a script nothing looks again")
	}
	if title := doc.Find("title").Text(); !strings.HasPrefix(title, "Running · Whole account") {
		t.Errorf("the title is %q", title)
	}
	// It moves: each answer of GoTo's is a step, or two.
	seen, poll := []int{}, ""
	for range 12 {
		g.pass(1)
		doc := b.get(path).doc(t)
		bar := doc.Find("#report progress")
		done, total := number(t, bar.AttrOr("value", "0")), bar.AttrOr("max", "48")
		if total != "48" {
			t.Errorf("%s steps, want 48", total)
		}
		if len(seen) == 0 || done > seen[len(seen)-1] {
			seen = append(seen, done)
		}
		poll = doc.Find("#report").AttrOr("hx-get", "")
		if doc.Find("#report").AttrOr("hx-trigger", "") != "every 2s" || !strings.HasPrefix(poll, path+"?seen=") {
			t.Errorf("it asks for %q", poll)
		}
		if done > 0 && doc.Find("#readings li").Length() != 8 {
			t.Errorf("%d organizers are shown", doc.Find("#readings li").Length())
		}
	}
	if len(seen) < 4 {
		t.Errorf("it is seen to move as %v", seen)
	}
	part := b.get(path+"?seen=4", "HX-Request", "true", "HX-Request-Type", "partial")
	if strings.Contains(part.body, "<html") || part.doc(t).Find("#report progress").Length() != 1 || part.doc(t).Find("#announcer").Length() != 0 {
		t.Errorf("the part is %s", part.body)
	}
	if part := b.get(path+"?seen=-1", "HX-Request", "true", "HX-Request-Type", "partial"); part.doc(t).Find("#announcer").Text() == "" {
		t.Error("nothing is said of what was reached")
	}
	if res := b.get(path + ".csv"); res.StatusCode != http.StatusConflict {
		t.Errorf("its file answers %d", res.StatusCode)
	}

	cancel := b.post(path+"/cancel", nil)
	if cancel.StatusCode != http.StatusSeeOther || cancel.Header.Get("Location") != path {
		t.Errorf("cancel answers %d to %q", cancel.StatusCode, cancel.Header.Get("Location"))
	}
	res := b.settled(path)
	close(g)
	stopped := total(p.asked(before))
	if text := res.doc(t).Find("main").Text(); !strings.Contains(text, "You cancelled this report") && !strings.Contains(text, "Cancelled before anything was read") {
		t.Errorf("the page says %s", text)
	}
	if res := b.post(path+"/cancel", nil); res.StatusCode != http.StatusSeeOther { // too late, and no harm
		t.Errorf("a second cancel answers %d", res.StatusCode)
	}
	b.settled(b.report(from, to, "own")) // 6 calls
	if after := total(p.asked(before)) - 6; after != stopped || stopped > 35 {
		t.Errorf("%d calls when it was cancelled, %d afterwards", stopped, after)
	}
	// Once it is over, what asks for progress loads the page anew.
	if res := b.get(poll, "HX-Request", "true", "HX-Request-Type", "partial"); res.Header.Get("HX-Refresh") != "true" || res.body != "" {
		t.Errorf("%d %q %s", res.StatusCode, res.Header.Get("HX-Refresh"), res.body)
	}
	if res := b.get("/reports/gone?seen=1", "HX-Request", "true", "HX-Request-Type", "partial"); res.Header.Get("HX-Refresh") != "true" {
		t.Errorf("one that is gone: %d", res.StatusCode)
	}
	t.Logf("seen at %v of 48 steps; %d of 49 calls were made when it was cancelled, and none after", seen, stopped)
}

// Another replica over the same store shows the progress, and can cancel.
func TestReportsOnTwoReplicas(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ada")
	second := reports.New(reports.Config{Meetings: p.meetings, Store: p.store, Vault: p.door.Vault("reports"), Place: "there"})
	config := p.config
	config.Reports = second
	pages, err := handlers.New(config)
	if err != nil {
		t.Fatal(err)
	}
	there := httptest.NewServer(pages)
	defer there.Close()

	from, to := lastDays(90)
	g := p.gate("/historicalMeetings")
	path := b.report(from, to, "all")
	g.pass(5)
	for done := 0; done < 3; { // there it is seen within a second
		done = number(t, b.get(there.URL+path).doc(t).Find("#report progress").AttrOr("value", "0"))
	}
	if res := b.post("/reports", url.Values{"from": {from}, "to": {to}, "organizer": {"all"}}); res.Header.Get("Location") != path {
		t.Errorf("pressed again: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	again := url.Values{"from": {from}, "to": {to}, "organizer": {"all"}, "form_token": {b.formToken()}}
	if res := b.do(http.MethodPost, there.URL+"/reports", again); res.Header.Get("Location") != path {
		t.Errorf("pressed there: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	again.Set("organizer", "own")
	if res := b.do(http.MethodPost, there.URL+"/reports", again); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, "Another report of yours is running") {
		t.Errorf("another one: %d", res.StatusCode)
	}
	if res := b.do(http.MethodPost, there.URL+path+"/cancel", url.Values{"form_token": {b.formToken()}}); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("cancelled there: %d", res.StatusCode)
	}
	for _, at := range []string{there.URL + path, path} {
		if text := b.settled(at).doc(t).Find(".badge").First().Text(); strings.TrimSpace(text) != "Cancelled" {
			t.Errorf("%s: it is %q", at, text)
		}
	}
	close(g)
}

// One who cannot be read is named, with the reason, and the rest is there.
func TestPartialReport(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ada")
	from, to := lastDays(7)
	p.sandbox.Control(map[string]any{"faults": []any{fault("GET /G2M/rest/organizers/"+keyBen+"/historicalMeetings", "status", "status", 403, "times", 0), fault("GET /G2M/rest/organizers/"+keyCleo+"/attendees", "status", "status", 503, "times", 0)}})
	path := b.report(from, to, "all")
	page := b.settled(path).doc(t)
	for _, want := range []string{"The figures are of 6 of 8 organizers. Not here:", "Ben Example: GoTo does not allow this", "Cleo Example: GoTo does not answer just now"} {
		if text := strings.Join(strings.Fields(page.Find("main .note.warning").Text()), " "); !strings.Contains(text, want) {
			t.Errorf("the page does not say %q: %s", want, text)
		}
	}
	if held := page.Find("#results tbody tr").Length(); held == 0 {
		t.Error("the rest is missing")
	}
	file := b.get(path + ".csv")
	if name := file.Header.Get("Content-Disposition"); file.StatusCode != http.StatusOK || !strings.Contains(name, "incomplete") {
		t.Errorf("the file is called %q", name)
	}
	// Run again, it is whole.
	p.sandbox.Control(map[string]any{"faults": []any{}})
	form := page.Find(`main form[method=post]`)
	if text := strings.TrimSpace(form.Find("button").Text()); text != "Run it again" {
		t.Fatalf("the page offers %q", text)
	}
	again := b.do(http.MethodPost, form.AttrOr("action", ""), fields(form))
	if whole := b.settled(again.Header.Get("Location")).doc(t); strings.TrimSpace(whole.Find(".badge").First().Text()) != "Done" || whole.Find("h1").Text() != "Whole account" {
		t.Errorf("run again: %d %s", again.StatusCode, whole.Find("main").Text())
	}

	// When nobody can be read, that is what the page says.
	for name, tt := range map[string]struct {
		fault map[string]any
		says  string
	}{
		"refused": {fault(usersCall, "status", "status", 403, "times", 0), "Nothing could be read: GoTo does not allow this"},
		"away":    {fault(usersCall, "status", "status", 503, "times", 0), "Nothing could be read: GoTo does not answer just now"},
	} {
		p.sandbox.Control(map[string]any{"faults": []any{tt.fault}})
		failed := b.settled(b.report(from, to, "all"))
		if text := failed.doc(t).Find("main").Text(); !strings.Contains(text, tt.says) || !strings.Contains(text, "Run it again") || failed.doc(t).Find(".tiles").Length() != 0 {
			t.Errorf("%s: the page says %s", name, text)
		}
	}
	p.sandbox.Control(map[string]any{"faults": []any{}})

	// The session ends while it runs.
	g := p.gate("/historicalMeetings")
	path = b.report(from, to, "own")
	if res := b.post("/auth/signout", nil); res.StatusCode != http.StatusSeeOther {
		t.Fatal(res.StatusCode)
	}
	close(g)
	later := p.connected("ada")
	if text := later.settled(path).doc(t).Find("main").Text(); !strings.Contains(text, "Nothing could be read: your connection to GoTo was over") {
		t.Errorf("the page says %s", text)
	}
}

// A portal that stops, or dies, leaves a report that can be run again.
func TestInterruptedReport(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ada")
	from, to := lastDays(30)
	g := p.gate("/historicalMeetings")
	path := b.report(from, to, "all")
	g.pass(1)
	stopped := make(chan error)
	go func() { stopped <- p.reports.Stop(t.Context()) }()
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	close(g)
	res := b.get(path)
	if text := res.doc(t).Find("main").Text(); !strings.Contains(text, "the portal was restarted while it made this report") || res.doc(t).Find(`main form[action="/reports"] button`).Length() != 1 {
		t.Errorf("the page says %s", text)
	}
	if res := b.post("/reports", url.Values{"organizer": {"own"}}); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !strings.Contains(res.body, "Send it again") {
		t.Errorf("a portal that stops answers %d", res.StatusCode)
	}
	// One that died is missed after twenty seconds.
	now := time.Now()
	row := reports.Row{ID: "DEAD", Owner: "9007199254740993001/" + keyAda, State: reports.Running, Place: "there", Created: now, Beat: now, Expires: now.Add(time.Hour), Request: []byte(`{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}`), Progress: []byte(`{}`)}
	if _, added, err := p.store.AddReport(t.Context(), row, now.Add(-time.Minute), 10); err != nil || !added {
		t.Fatal(added, err)
	}
	if text := b.get("/reports/DEAD").doc(t).Find("main").Text(); !strings.Contains(text, "Finding out whom to ask about") {
		t.Errorf("the page says %s", text)
	}
	p.ahead.Add(int64(25 * time.Second))
	if text := b.get("/reports/DEAD").doc(t).Find("main").Text(); !strings.Contains(text, "Interrupted") {
		t.Errorf("the page says %s", text)
	}
}

// A report is its user's alone, in whichever account and browser, and leaves
// with the permission.
func TestReportsArePrivate(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada, ben, dan := p.connected("ada"), p.connected("ben"), p.connected("dan")
	from, to := lastDays(7)
	path := ada.report(from, to, "all")
	ada.settled(path)
	for name, b := range map[string]*browser{"ben": ben, "dan": dan} {
		for _, at := range []string{path, path + ".csv", path + "?rows=people", "/reports/person?email=ada@example.test&report=" + strings.TrimPrefix(path, "/reports/"), "/reports/nothing"} {
			if res := b.get(at); res.StatusCode != http.StatusNotFound || strings.Contains(res.body, "Ada Example") {
				t.Errorf("%s gets %s: %d", name, at, res.StatusCode)
			}
		}
		if res := b.post(path+"/cancel", nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s cancels: %d", name, res.StatusCode)
		}
		if n := b.get("/reports").doc(t).Find("#recent li").Length(); n != 0 {
			t.Errorf("%s sees %d reports", name, n)
		}
	}
	if res := ben.post("/reports", url.Values{"organizer": {"all"}}); res.StatusCode != http.StatusForbidden {
		t.Errorf("ben asks for the account: %d", res.StatusCode)
	}
	// dan's are of dan's account.
	if text := dan.settled(dan.report(from, to, "own")).doc(t).Find("main").Text(); strings.Contains(text, "Ada Example") || !strings.Contains(text, "Meetings held") {
		t.Errorf("dan's report says %s", text)
	}
	other := p.connected("ada")
	if res := other.get(path); res.StatusCode != http.StatusOK || other.get("/reports").doc(t).Find("#recent li").Length() != 1 {
		t.Errorf("ada's other browser: %d", res.StatusCode)
	}
	// Who is no admin any more does not see others' meetings.
	p.demoted.Store(true)
	p.doorAhead.Add(int64(11 * time.Minute))
	if res := ada.get(path); res.StatusCode != http.StatusForbidden || strings.Contains(res.body, "Ben Example") {
		t.Errorf("no admin any more: %d", res.StatusCode)
	}
	p.demoted.Store(false)
	p.doorAhead.Add(int64(11 * time.Minute))
	if res := ada.get(path); res.StatusCode != http.StatusOK {
		t.Errorf("an admin again: %d", res.StatusCode)
	}
	if res := ada.post("/auth/disconnect", nil); res.StatusCode != http.StatusSeeOther {
		t.Fatal(res.StatusCode)
	}
	if res := p.connected("ada").get(path); res.StatusCode != http.StatusNotFound {
		t.Errorf("after the permission was taken back: %d", res.StatusCode)
	}
	again := p.connected("ben")
	path = again.report(from, to)
	again.settled(path)
	if res := again.post("/settings/sessions", url.Values{"end": {"all"}}); res.StatusCode != http.StatusSeeOther {
		t.Fatal(res.StatusCode)
	}
	if res := p.connected("ben").get(path); res.StatusCode != http.StatusNotFound {
		t.Errorf("after signing out everywhere: %d", res.StatusCode)
	}
}

// The form keeps what was typed, offers the organizers, and says what is wrong.
func TestReportForm(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	doc := ada.get("/reports").doc(t)
	if doc.Find("[name=from]").AttrOr("value", "") == "" || doc.Find("input[type=radio]").Length() != 3 || doc.Find("input[type=checkbox]").Length() != 8 {
		t.Errorf("ada's form: %s", doc.Find("form").Text())
	}
	if doc.Find("input[type=radio][checked]").AttrOr("value", "") != "all" {
		t.Error("an admin does not begin with the whole account")
	}
	if doc := ben.get("/reports").doc(t); doc.Find("input[type=radio], input[type=checkbox]").Length() != 0 || doc.Find("[name=to]").Length() != 1 {
		t.Errorf("ben's form: %s", doc.Find("form").Text())
	}
	before := p.sandbox.Calls()
	for name, tt := range map[string]struct {
		form  url.Values
		field string
		says  string
	}{
		"backwards":  {url.Values{"from": {"2026-02-02"}, "to": {"2026-02-01"}}, "to", "must not be before"},
		"too long":   {url.Values{"from": {"2020-01-01"}, "to": {"2026-02-01"}}, "from", "at most 400 days"},
		"no date":    {url.Values{"from": {"soon"}, "to": {"2026-02-01"}}, "from", "year, month, day"},
		"nobody":     {url.Values{"from": {"2026-01-01"}, "to": {"2026-02-01"}, "organizer": {"chosen"}}, "organizer", "at least one organizer"},
		"not a key":  {url.Values{"from": {"2026-01-01"}, "to": {"2026-02-01"}, "organizer": {"chosen", "ben"}}, "organizer", "a number"},
		"two at all": {url.Values{"from": {"x"}, "to": {"y"}, "organizer": {"chosen", keyBen}}, "from", "year, month, day"},
	} {
		res := ada.post("/reports", tt.form)
		doc := res.doc(t)
		if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(doc.Find("#problems").Text(), tt.says) || doc.Find(`#problems a[href="#`+tt.field+`"]`).Length() == 0 || !strings.HasPrefix(doc.Find("title").Text(), "Error: ") {
			t.Errorf("%s: %d %s", name, res.StatusCode, doc.Find("#problems").Text())
		}
		if got := doc.Find("[name=from]").AttrOr("value", ""); got != tt.form.Get("from") {
			t.Errorf("%s: the form forgot %q", name, got)
		}
		if slices.Contains(tt.form["organizer"], keyBen) && doc.Find(`input[type=checkbox][checked]`).AttrOr("value", "") != keyBen {
			t.Errorf("%s: the form forgot ben", name)
		}
	}
	if asked := p.asked(before); total(asked) != asked[usersCall] {
		t.Errorf("a refused form asks %v", asked)
	}
	// Found organizers stand beside the chosen ones, as a page and as a part.
	find := url.Values{"from": {"2026-01-01"}, "to": {"2026-02-01"}, "organizer": {"chosen", keyBen}, "find": {"1"}, "q": {"cleo"}}
	for _, header := range [][]string{nil, {"HX-Request", "true", "HX-Request-Type", "partial"}} {
		res := ada.post("/reports", find, header...)
		doc := res.doc(t)
		var keys []string
		doc.Find("input[type=checkbox]").Each(func(_ int, in *goquery.Selection) { keys = append(keys, in.AttrOr("value", "")) })
		if res.StatusCode != http.StatusOK || !slices.Equal(keys, []string{keyBen, keyCleo}) || doc.Find("input[type=checkbox][checked]").Length() != 1 {
			t.Errorf("%v: %d, %v", header, res.StatusCode, keys)
		}
		if header != nil && (strings.Contains(res.body, "<html") || !strings.Contains(doc.Find("#announcer").Text(), "2 of 8")) {
			t.Errorf("the part is %s", res.body)
		}
	}
	// A preset keeps who was chosen; GoTo being away costs names alone.
	links := ada.get("/reports?organizer=chosen&organizer=" + keyCleo).doc(t).Find(".presets a")
	if doc := ada.get(links.Eq(1).AttrOr("href", "")).doc(t); doc.Find("input[type=checkbox][checked]").AttrOr("value", "") != keyCleo || doc.Find(".presets [aria-current]").Length() != 1 {
		t.Error("a preset forgets who was chosen")
	}
	p.sandbox.Control(map[string]any{"faults": []any{fault(usersCall, "status", "status", 503, "times", 0)}})
	p.ahead.Add(int64(2 * time.Hour))
	if res := ada.get("/reports"); res.StatusCode != http.StatusOK || !strings.Contains(res.body, "whom the portal has met") || res.doc(t).Find("input[type=checkbox]").Length() == 0 {
		t.Errorf("with GoTo away: %d", res.StatusCode)
	}
}

// Tables are searched, sorted and paged by address, as a page and as a part,
// without a call.
func TestReportTables(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ada")
	from, to := lastDays(10)
	path := b.report(from, to, "all")
	b.settled(path)
	before := total(p.sandbox.Calls())
	for query, first := range map[string]string{
		"?sort=people&dir=asc": "1", "?q=201-480-117": "Daily check-in", "?rows=people&page=2": "", "?rows=people&q=ben%40example.test": "Ben Example",
		"?rows=organizers&q=" + keyBen: "Ben Example", "?rows=weeks&sort=visits&dir=desc": "", "?rows=nonsense&sort=nonsense": "",
	} {
		for _, header := range [][]string{nil, {"HX-Request", "true", "HX-Request-Type", "partial"}} {
			res := b.get(path+query, header...)
			doc := res.doc(t)
			if res.StatusCode != http.StatusOK || doc.Find("#results tbody tr").Length() == 0 || !strings.Contains(whatShows(doc.Find("#results tbody tr").First()), first) {
				t.Errorf("%q: %d, %s", query, res.StatusCode, whatShows(doc.Find("#results tbody tr").First()))
			}
			if header != nil && (strings.Contains(res.body, "<html") || doc.Find("#announcer").Text() == "") {
				t.Errorf("%q: the part is %.200s", query, res.body)
			}
		}
	}
	if res := b.get(path + "?page=99&q=daily"); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != path+"?q=daily" {
		t.Errorf("a page that is not there: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	if doc := b.get(path + "?q=nothing+like+this").doc(t); !strings.Contains(doc.Find(".empty").Text(), "Nothing matches") || doc.Find(".empty a").AttrOr("href", "") != path {
		t.Errorf("nothing found: %s", doc.Find("#results").Text())
	}
	if doc := b.get(path + "?sort=people&dir=desc").doc(t); doc.Find("th[aria-sort]").Length() != 1 || doc.Find("th[aria-sort]").AttrOr("aria-sort", "") != "descending" {
		t.Error("the sorted column is not marked")
	}
	if n := total(p.sandbox.Calls()) - before; n != 0 {
		t.Errorf("%d calls", n)
	}
	// A row leads to who came.
	link := b.get(path).doc(t).Find("#results tbody th a").First().AttrOr("href", "")
	if res := b.get(link); res.StatusCode != http.StatusOK || res.doc(t).Find(".person, #results tbody tr").Length() == 0 {
		t.Errorf("%s: %d", link, res.StatusCode)
	}
}

// A person's page adds up to what the report says of them, by whatever they are
// called, and without a report it is of one's own meetings.
func TestPersonPage(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	from, to := lastDays(10)
	path := ada.report(from, to, "all")
	ada.settled(path)
	people := ada.get(path + "?rows=people&sort=meetings&dir=desc").doc(t)
	looked := 0
	people.Find("#results tbody tr").Each(func(i int, row *goquery.Selection) {
		link, has := row.Find("th a").Attr("href")
		if !has || i%11 > 1 {
			return
		}
		looked++
		doc := ada.get(link).doc(t)
		cell := func(label string) string { return strings.TrimSpace(row.Find(`td[data-label="` + label + `"]`).Text()) }
		tile := func(n int) string { return strings.TrimSpace(doc.Find(".tiles dd").Eq(n).Text()) }
		if doc.Find("h1").Text() != strings.TrimSpace(row.Find("th a").Text()) || tile(0) != cell("Meetings") || tile(1) != cell("Time there") {
			t.Errorf("%s: %q was at %s for %s, and the report says %s and %s", link, doc.Find("h1").Text(), tile(0), tile(1), cell("Meetings"), cell("Time there"))
		}
		if n := doc.Find("#results tbody tr").Length(); strconv.Itoa(min(n, 50)) != cell("Meetings") && n != 50 {
			t.Errorf("%s: %d rows for %s", link, n, cell("Meetings"))
		}
	})
	if looked < 5 {
		t.Errorf("only %d people were looked at", looked)
	}
	query := "email=BEN%40example.test&report=" + strings.TrimPrefix(path, "/reports/")
	whole := ada.get("/reports/person?" + query).doc(t)
	if whole.Find("h1").Text() != "Ben Example" {
		t.Errorf("ben is called %q", whole.Find("h1").Text())
	}
	files := ada.tables("/reports/person", query)
	meetings := number(t, strings.TrimSpace(whole.Find(".tiles dd").First().Text()))
	if len(files["csv"]) != meetings || fmt.Sprint(files["csv"]) != fmt.Sprint(files["json"]) || fmt.Sprint(files["csv"]) != fmt.Sprint(files["xlsx"]) {
		t.Errorf("%d, %d and %d rows for %d meetings", len(files["csv"]), len(files["json"]), len(files["xlsx"]), meetings)
	}

	// Without a report: for admins the same two calls a window, kept for what
	// htmx asks next, and a form that asks for the account's.
	ownPath := "/reports/person?email=ada@example.test"
	res, calls := ada.costs(ownPath)
	if doc := res.doc(t); calls != 6 || doc.Find("h1").Text() != "Ada Example" || !strings.Contains(doc.Find("main").Text(), "your own meetings alone") || doc.Find(`form[action="/reports"] [name=organizer]`).AttrOr("value", "") != "all" {
		t.Errorf("%d calls: %s", calls, doc.Find("main").Text())
	}
	if _, calls := ada.costs(ownPath+"&sort=minutes", part...); calls != 0 {
		t.Errorf("sorting costs %d calls", calls)
	}
	month := ownPath + "&from=" + time.Now().UTC().AddDate(0, 0, -9).Format(time.DateOnly)
	bens := strings.Replace(month, "ada@", "ben@", 1)
	if res, calls := ben.costs(bens); res.StatusCode != http.StatusOK || calls < 3 || calls > 20 || res.doc(t).Find("#results tbody tr").Length() == 0 {
		t.Errorf("ben's own: %d after %d calls", res.StatusCode, calls)
	}
	if doc := ben.get("/reports/person?email=ben@example.test").doc(t); !strings.Contains(doc.Find("main").Text(), "more meetings in this range than one page can ask") || doc.Find(`form[action="/reports"] [name=organizer]`).AttrOr("value", "") != "own" {
		t.Errorf("ben's 90 days: %s", doc.Find("main").Text())
	}
	for path, want := range map[string]int{"/reports/person": 200, "/reports/person?email=nobody@example.test": 200, "/reports/person?email=x&from=soon": 422, "/reports/person?email=x&report=none": 404, "/reports/person.csv?email=nobody@example.test": 200} {
		if res := ada.get(path); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}

	// The attendee page leads there, too.
	came := ada.get(ada.firstPast()).doc(t)
	every := came.Find(".behind a").FilterFunction(func(_ int, a *goquery.Selection) bool { return a.Text() == "Every meeting of this person" }).First()
	if doc := ada.get(every.AttrOr("href", "")).doc(t); !strings.HasPrefix(every.AttrOr("href", ""), "/reports/person?") || doc.Find("#results tbody tr").Length() == 0 {
		t.Errorf("%q leads nowhere", every.AttrOr("href", ""))
	}

	// Somebody decides that two are one, or one is two: the page follows.
	named := ada.get(path + "?rows=people&q=Sam+Taylor").doc(t).Find("#results tbody tr")
	if named.Length() < 2 {
		t.Fatalf("%d Sam Taylors", named.Length())
	}
	sam2, sam3 := "e:sam2@example.test", "e:sam3@example.test"
	if res := ada.post("/people/aliases", url.Values{"action": {"join"}, "person": {sam2}, "into": {sam3}, "back": {"/people"}}); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", res.StatusCode, res.body)
	}
	id := strings.TrimPrefix(path, "/reports/")
	one, other := ada.get("/reports/person?email=sam2@example.test&report="+id).doc(t), ada.get("/reports/person?email=sam3@example.test&report="+id).doc(t)
	if a, b := one.Find(".tiles").Text(), other.Find(".tiles").Text(); a != b || a == "" {
		t.Errorf("joined, they are %q and %q", a, b)
	}
	if text := ada.get(path).doc(t).Find("details").Text(); !strings.Contains(text, "counts as") {
		t.Errorf("the report does not name what was decided: %s", text)
	}
	p.outage.unknown.Store(true)
	for at, file := range map[string]string{path: path + ".csv", "/reports/person?email=sam2@example.test&report=" + id: "/reports/person.csv?email=sam2@example.test&report=" + id} {
		if res := ada.get(at); res.StatusCode != http.StatusOK || !strings.Contains(res.doc(t).Find(".note.warning").Text(), "as GoTo's rows have them") {
			t.Errorf("%s without aliases: %d", at, res.StatusCode)
		}
		if res := ada.get(file); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s without aliases: %d", file, res.StatusCode)
		}
	}
}

// A report can be asked for and read without a session's name at GoTo.
func TestReportOfAnOddRange(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ada")
	page := b.settled(b.report("2020-01-01", "2020-01-31", "own")).doc(t)
	if text := page.Find("main").Text(); !strings.Contains(text, "No meeting ended in this range") || page.Find("figure").Length() != 0 {
		t.Errorf("an empty range: %s", text)
	}
	at := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	path := b.report(at+"T08:00", at+"T23:30", "own")
	if text := b.settled(path).doc(t).Find("main .muted").First().Text(); !strings.Contains(text, "08:00") || !strings.Contains(text, "23:30") {
		t.Errorf("the range reads %q", text)
	}
}

// The markup of every page of reports, in whatever state, under a path prefix.
func TestMarkupOfReports(t *testing.T) {
	t.Parallel()
	p := newPortalWith(t, options{prefix: "/portal"})
	from, to := lastDays(20)
	for _, user := range []string{"ada", "ben"} {
		b := p.connected(user)
		report := b.report(from, to)
		id := strings.TrimPrefix(report, "/portal/reports/")
		for name, res := range map[string]answer{
			"reports":         b.get("/portal/reports"),
			"refused report":  b.post("/portal/reports", url.Values{"from": {"x"}, "to": {"y"}, "organizer": {"chosen"}}),
			"organizers":      b.post("/portal/reports", url.Values{"find": {"1"}, "q": {"b"}, "organizer": {"chosen", keyBen}}),
			"report":          b.settled(report),
			"its people":      b.get(report + "?rows=people"),
			"its organizers":  b.get(report + "?rows=organizers"),
			"its weeks":       b.get(report + "?rows=weeks"),
			"nothing found":   b.get(report + "?q=nothing+like+this"),
			"nothing in it":   b.settled(b.report("2020-01-01", "2020-01-02")),
			"no such report":  b.get("/portal/reports/x"),
			"person":          b.get("/portal/reports/person?email=" + user + "@example.test&report=" + id),
			"somebody's own":  b.get("/portal/reports/person?name=Guest&from=" + from),
			"nobody":          b.get("/portal/reports/person?email=nobody@example.test&from=" + from),
			"which person":    b.get("/portal/reports/person"),
			"person, no date": b.get("/portal/reports/person?email=x&from=soon"),
		} {
			checkMarkup(t, user+", "+name, res)
		}
		g := p.gate("/historicalMeetings")
		running := b.report(from, to)
		checkMarkup(t, user+", running report", b.get(running))
		checkMarkup(t, user+", another while it runs", b.post("/portal/reports", nil))
		b.post(running+"/cancel", nil)
		checkMarkup(t, user+", cancelled report", b.settled(running))
		close(g)
	}
}

// What GoTo names and what people type is text on every page of reports and in
// its files.
func TestHostileTextInReports(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	p.wire.edit = poison("subject", "firstName", "lastName", "email", "attendeeName", "attendeeEmail")
	from, to := lastDays(9)
	for _, user := range []string{"ada", "ben"} {
		b := p.connected(user)
		path := b.report(from, to, map[string]string{"ada": "all", "ben": "own"}[user])
		b.settled(path)
		id := strings.TrimPrefix(path, "/reports/")
		pages := map[string][]string{
			"/reports":                nil,
			path:                      {"subject"},
			path + "?rows=people":     {"attendeeName", "attendeeEmail"},
			path + "?rows=organizers": {"firstName"},
			path + "?q=" + url.QueryEscape(typed("q")):                                          {"q"},
			"/reports/person?report=" + id + "&email=" + url.QueryEscape(evil("attendeeEmail")): {"attendeeName", "subject"},
			"/reports/person?name=" + url.QueryEscape(typed("name")) + "&from=" + from:          {"name"},
		}
		if user == "ada" {
			pages["/reports"] = []string{"firstName", "email"} // to choose from
		}
		for at, words := range pages {
			res := b.get(at)
			doc := res.doc(t)
			if n := doc.Find(".pwned, script:not([src])").Length(); n > 0 || res.StatusCode != http.StatusOK {
				t.Errorf("%s, %s: %d, and %d elements got in", user, at, res.StatusCode, n)
			}
			if title := doc.Find("head title"); title.Length() != 1 || title.Children().Length() > 0 {
				t.Errorf("%s, %s: the title is broken", user, at)
			}
			for _, word := range words {
				if !strings.Contains(whatShows(doc.Find("main")), seen(word)) {
					t.Errorf("%s, %s does not show the %s as it is", user, at, word)
				}
			}
		}
		refused := b.post("/reports", url.Values{"from": {typed("from")}, "to": {typed("to")}, "organizer": {"chosen", typed("key")}, "q": {typed("q")}})
		if doc := refused.doc(t); doc.Find(".pwned").Length() > 0 || !strings.Contains(whatShows(doc.Find("main")), seen("from")) {
			t.Errorf("%s: the refused form shows %s", user, whatShows(doc.Find("main")))
		}
		for _, rows := range []string{"meetings", "people", "organizers"} {
			lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.get(path+".csv?rows="+rows).body, "\uFEFF"))).ReadAll()
			if err != nil || len(lines) < 2 {
				t.Fatalf("%s, %s: %d lines, %v", user, rows, len(lines), err)
			}
			for _, line := range lines[1:] {
				for _, cell := range line {
					if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
						t.Errorf("%s, %s holds the formula %q", user, rows, cell)
					}
				}
			}
		}
	}
}
