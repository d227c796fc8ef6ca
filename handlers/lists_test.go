package handlers_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// What an address asks for that is not there, or not for everybody.
func TestAddressesThatNameNothing(t *testing.T) {
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	id := ada.create()
	past := ada.firstPast()
	for _, tt := range []struct {
		b      *browser
		path   string
		status int
		says   string // on the page, or the address a redirect leads to
	}{
		{ada, "/meetings?organizer=123", 404, "GoTo knows no such organizer"},
		{ada, "/history?organizer=123", 404, "GoTo knows no such organizer"},
		{ada, "/meetings?organizer=abc", 404, "GoTo knows no such organizer"},
		{ada, "/meetings.csv?organizer=abc", 404, "GoTo knows no such organizer"},
		{ada, "/history.json?organizer=abc", 404, "GoTo knows no such organizer"},
		{ada, "/meetings/" + id + "?organizer=abc", 404, "GoTo knows no such organizer"},
		{ada, "/meetings/" + id + "/attendees?organizer=abc", 404, "GoTo knows no such organizer"},
		{ada, "/meetings?organizer=all", 422, "History can show those of all"},
		{ada, "/meetings?organizer=" + adasKey, 200, "Upcoming"},
		{ben, "/meetings?organizer=" + adasKey, 403, "Only for account admins"},
		{ben, "/meetings?organizer=abc", 403, "Only for account admins"},
		{ben, "/meetings/" + id + "?organizer=" + adasKey, 403, "Only for account admins"},
		{ben, "/history?organizer=all", 403, "Only for account admins"},
		{ben, "/history?organizer=" + bensKey, 200, "History"},

		{ada, "/calendar?organizer=123", 404, "GoTo knows no such organizer"},
		{ada, "/calendar?organizer=all", 422, "History can show those of all"},
		{ben, "/calendar?organizer=" + adasKey, 403, "Only for account admins"},
		{ada, "/calendar?view=year", 200, "Week of"},
		{ada, "/calendar?date=2030-02-30", 422, "Enter the day as year, month, day"},
		{ada, "/calendar?date=1800-01-01", 422, "Enter the day as year, month, day"},
		{ada, "/calendar.csv?date=soon", 422, "This date cannot be read"},

		{ada, "/meetings?page=99&q=board", 303, "/meetings?q=board"},
		{ada, "/meetings?page=abc", 303, "/meetings"},
		{ada, "/meetings?page=0", 303, "/meetings"},
		{ada, "/meetings?page=", 200, "Upcoming"},
		{ada, "/meetings?page=1", 200, "Upcoming"},
		{ada, "/history?page=99&sort=subject", 303, "/history?sort=subject"},
		{ada, "/people?page=-1", 303, "/people"},
		{ada, "/meetings.json?page=99", 200, ""},

		{ada, past + "&occurrence=bogus", 200, ""}, // the first one counts
		{ada, "/meetings/" + id + "/attendees?occurrence=bogus", 404, "No such session"},
		{ada, "/meetings/" + id + "/attendees.csv?occurrence=bogus", 404, "No such session"},
		{ada, strings.Split(past, "?")[0] + "?occurrence=12345", 404, "No such session"},
		{ada, "/meetings/" + id + "/attendees?occurrence=2020-01-01T10:00:00Z", 200, "Nobody is recorded for this session"},

		{ada, "/meetings/" + dashes(id) + "?x=1", 303, "/meetings/" + id + "?x=1"},
		{ada, "/meetings/" + dashes(id) + ".ics", 303, "/meetings/" + id + ".ics"},
		{ada, "/meetings/" + dashes(id) + "/attendees?q=a", 303, "/meetings/" + id + "/attendees?q=a"},
		{ada, "/meetings/12-x", 404, "a number such as 123-456-789, with or without the dashes"},
	} {
		res := tt.b.get(tt.path)
		text := res.body + res.Header.Get("Location")
		if res.StatusCode != tt.status || !strings.Contains(text, tt.says) {
			t.Errorf("%s answers %d %q: %s", tt.path, res.StatusCode, res.Header.Get("Location"), res.doc(t).Find("main").Text())
		}
		if tt.status == 303 && res.Header.Get("Location") != tt.says {
			t.Errorf("%s leads to %q", tt.path, res.Header.Get("Location"))
		}
	}
	part := ada.get("/meetings?page=99&q=board", "HX-Request", "true", "HX-Request-Type", "partial")
	if part.StatusCode != 303 || part.Header.Get("Location") != "/meetings?q=board" {
		t.Errorf("htmx is led to %q by %d", part.Header.Get("Location"), part.StatusCode)
	}
	if res := ada.post("/meetings/"+dashes(id)+"/start", nil); res.StatusCode != 200 {
		t.Errorf("a form for an id with dashes: %d", res.StatusCode)
	}
}

func dashes(id string) string { return id[:3] + "-" + id[3:6] + "-" + id[6:] }

// Values of a filter that name nothing are as good as none.
func TestUnknownFilters(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	whole := listed(ada.get("/meetings").doc(t))
	if len(whole) < 10 {
		t.Fatalf("only %d meetings", len(whole))
	}
	for _, path := range []string{"/meetings?type=daily", "/meetings?status=paused", "/meetings?sort=bogus"} {
		doc := ada.get(path).doc(t)
		if got := listed(doc); !slices.Equal(got, whole) {
			t.Errorf("%s lists %q", path, got)
		}
		doc.Find(".filters select").Each(func(_ int, s *goquery.Selection) {
			if got := s.Find("option[selected]"); got.AttrOr("value", "?") != "" {
				t.Errorf("%s: %s shows %q", path, s.AttrOr("name", ""), got.Text())
			}
		})
		if text := doc.Find("#results").Text(); strings.Contains(text, "bogus") || strings.Contains(text, " of "+strconv.Itoa(len(whole))) {
			t.Errorf("%s: %s", path, text)
		}
	}
}

// listed is the ids of the meetings on a page, in its order.
func listed(doc *goquery.Document) []string {
	var ids []string
	doc.Find("#results .title").Each(func(_ int, s *goquery.Selection) {
		path, _, _ := strings.Cut(s.AttrOr("href", ""), "?")
		ids = append(ids, strings.TrimSuffix(strings.TrimPrefix(path, "/meetings/"), "/attendees"))
	})
	return ids
}

// A page and its twin have the same rows in the same order, whatever the query.
func TestTwinsFollowThePage(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	for _, query := range []string{"", "?dir=desc", "?sort=start", "?sort=start&dir=desc", "?sort=subject", "?sort=status&dir=desc", "?q=meeting", "?type=recurring"} {
		var twin struct{ Rows []map[string]any }
		if err := json.Unmarshal([]byte(ada.get("/meetings.json"+query).body), &twin); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, row := range twin.Rows {
			want = append(want, row["meeting_id"].(string))
		}
		if got := listed(ada.get("/meetings" + query).doc(t)); len(got) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: the page lists\n%q, the twin\n%q", query, got, want)
		}
	}
	days := ada.get("/meetings").doc(t).Find(".day h2").Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
	if first, last := days[0], days[len(days)-1]; first != "Now running" || !strings.HasPrefix(last, "Rooms") {
		t.Errorf("the list goes from %q to %q", first, last)
	}
	var people struct{ Zone string }
	if err := json.Unmarshal([]byte(ada.get("/people.json").body), &people); err != nil || people.Zone != "Europe/Berlin" {
		t.Errorf("the zone of people is %q, %v", people.Zone, err)
	}
}

func TestHistoryAsCalendar(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	to := time.Now().UTC()
	query := "?from=" + to.AddDate(0, 0, -20).Format(time.DateOnly) + "&to=" + to.Format(time.DateOnly)
	page := ada.get("/history" + query)
	if page.doc(t).Find(`.twins a[href^="/history.ics?"]`).Length() != 1 {
		t.Error("the page does not offer it")
	}
	res := ada.get("/history.ics" + query)
	rows := strings.Count(ada.get("/history.csv"+query).body, "\r\n") - 1
	if got := strings.Count(res.body, "BEGIN:VEVENT"); res.StatusCode != 200 || rows < 5 || got != rows {
		t.Errorf("status %d, %d events for %d rows", res.StatusCode, got, rows)
	}
	uids := map[string]bool{}
	for line := range strings.SplitSeq(res.body, "\r\n") {
		if uid, ok := strings.CutPrefix(line, "UID:"); ok {
			uids[uid] = true
		}
	}
	if len(uids) != rows {
		t.Errorf("%d different events for %d rows", len(uids), rows)
	}
	if strings.Contains(res.body, "recording") || strings.Contains(res.body, "transcripts") {
		t.Error("a recording's link is in the calendar")
	}
}

// The way back from a page that a list led to keeps the list's place, after an
// edit too.
func TestWayBackKeepsThePlace(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	id := ada.create("subject", "Findable")
	list := "/meetings?q=findable&type=scheduled"
	to := ada.get(list).doc(t).Find("#results .title").AttrOr("href", "")
	crumb := func(address string) string { return ada.get(address).doc(t).Find(".crumb a").AttrOr("href", "") }
	if got := crumb(to); got != list {
		t.Errorf("%s leads back to %q", to, got)
	}
	edit := ada.get(to).doc(t).Find(".head a.button").AttrOr("href", "")
	form := ada.get(edit).doc(t)
	action := form.Find("form#meeting").AttrOr("action", "")
	if cancel := form.Find(`form#meeting a.button`).AttrOr("href", ""); crumb(cancel) != list {
		t.Errorf("cancel leads to %q", cancel)
	}
	refused := ada.post(action, plan("subject", ""))
	if got := refused.doc(t).Find("form#meeting").AttrOr("action", ""); got != action {
		t.Errorf("the refused form goes to %q", got)
	}
	saved := ada.post(action, plan("subject", "Findable")).Header.Get("Location")
	if got := crumb(saved); got != list {
		t.Errorf("after saving, %q leads back to %q", saved, got)
	}
	if got := crumb("/meetings/" + id); got != "/meetings" {
		t.Errorf("without a list: %q", got)
	}
	for _, hostile := range []string{"https://evil.example/", "//evil.example", "%zz", "a=b#//evil"} {
		if got := crumb("/meetings/" + id + "?back=" + url.QueryEscape(hostile)); got != "/meetings" && !strings.HasPrefix(got, "/meetings?") {
			t.Errorf("back=%q leads to %q", hostile, got)
		}
	}

	week := "/calendar?date=2030-01-15&view=week"
	to = ada.get(week).doc(t).Find(".slots a").First().AttrOr("href", "")
	if doc := ada.get(to).doc(t); doc.Find(".crumb a").AttrOr("href", "") != week || !strings.Contains(doc.Find(".crumb").Text(), "Calendar") {
		t.Errorf("%s leads back by %s", to, doc.Find(".crumb").Text())
	}

	past := "/history?dir=asc&from=" + time.Now().AddDate(0, 0, -89).Format(time.DateOnly) + "&organizer=" + bensKey + "&sort=subject&to=" + time.Now().Format(time.DateOnly)
	to = ada.get(past).doc(t).Find("tbody .title").First().AttrOr("href", "")
	if got := crumb(to); got != past {
		t.Errorf("%s leads back to %q", to, got)
	}
	attendees := ada.get(to).doc(t)
	sort := attendees.Find("thead a").First().AttrOr("href", "")
	if got := crumb(sort); got != past {
		t.Errorf("sorted, %s leads back to %q", sort, got)
	}
	if back, _ := url.ParseQuery(attendees.Find("[name=back]").AttrOr("value", "")); back.Get("sort") != "subject" {
		t.Error("the search forgets the place")
	}
	if file := attendees.Find(".twins a").First().AttrOr("href", ""); strings.Contains(file, "back=") {
		t.Errorf("a file carries the way back: %s", file)
	}
}

// The column that the history is sorted by is marked from the start.
func TestHistorysOrderIsMarked(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	when := ada.get("/history").doc(t).Find("thead [aria-sort]")
	if when.Length() != 1 || when.AttrOr("aria-sort", "") != "descending" || !strings.Contains(when.Text(), "When") {
		t.Errorf("marked: %q %q", when.Text(), when.AttrOr("aria-sort", ""))
	}
	turned := ada.get(when.Find("a").AttrOr("href", "")).doc(t).Find("thead [aria-sort]")
	if turned.AttrOr("aria-sort", "") != "ascending" || !strings.Contains(turned.Text(), "When") {
		t.Errorf("turned round: %q %q", turned.Text(), turned.AttrOr("aria-sort", ""))
	}
	dir := ada.get("/meetings?sort=subject&dir=desc").doc(t).Find("#dir option[selected]")
	if dir.AttrOr("value", "") != "desc" {
		t.Errorf("Upcoming shows the direction %q", dir.Text())
	}
}

// When nobody is recorded the page says the one reason that can be known.
func TestWhyNobodyCame(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	say := func(what, path, want string, calls int) {
		t.Helper()
		before := total(p.sandbox.Calls())
		res := ada.get(path, "Cache-Control", "no-cache")
		doc := res.doc(t)
		if text := doc.Find(".empty").Text(); res.StatusCode != 200 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", what, res.StatusCode, text)
		}
		if got := total(p.sandbox.Calls()) - before; got != calls {
			t.Errorf("%s costs %d calls", what, got)
		}
		if what != "deleted" && doc.Find("h1").Text() != "Assembly" {
			t.Errorf("%s: the heading is %q", what, doc.Find("h1").Text())
		}
	}
	id := ada.create("subject", "Assembly") // in 2030, 09:00 to 09:45 UTC
	page := "/meetings/" + id + "/attendees"
	say("before", page, "has not been held yet", 3)
	say("a session that was none", page+"?occurrence=2020-01-01T10:00:00Z", "Nobody is recorded for this session: GoTo lists none of this meeting that began then", 3)
	now := time.Date(2030, 1, 15, 9, 55, 0, 0, time.UTC)
	p.ahead.Store(int64(time.Until(now.Add(-20 * time.Minute))))
	say("its time", page, "planned for right now, and has not been started", 3)
	p.ahead.Store(int64(time.Until(now.Add(30 * time.Second))))
	say("just over", page, "was to end 10 minutes ago", 3)
	say("that session, just over", page+"?occurrence=2030-01-15T09:01:00Z", "was to end 10 minutes ago", 3)
	p.ahead.Store(int64(time.Until(now.Add(24 * time.Hour))))
	say("long over", page, "Nobody came", 3)
	room := ada.create("subject", "Assembly", "meeting_type", "recurring")
	say("a room", "/meetings/"+room+"/attendees", "in this room yet", 3)
	p.ahead.Store(0)
	host, _ := strings.CutPrefix(ada.post("/meetings/"+id+"/start", nil).Header.Get("Refresh"), "0; url=")
	ada.get(host)
	say("running", page, "is running now", 2)
	p.sandbox.Control(map[string]any{"faults": []any{fault("GET /G2M/rest/meetings/*", "status", "status", 404, "times", 0)}})
	say("deleted", "/meetings/"+room+"/attendees", "Nobody is recorded", 3)
	p.sandbox.Control(map[string]any{"faults": []any{}})

	// GoTo's history knows the session before its attendees are told.
	p.editJoins(func([]map[string]any) []map[string]any { return nil })
	p.sandbox.Advance(10 * time.Minute)
	at := ada.get(host)
	ada.do(http.MethodPost, strings.SplitN(host, "?", 2)[0], fields(at.doc(t).Find("form")), "Origin", p.sandbox.URL)
	p.ahead.Store(int64(16 * time.Minute))
	say("ended, with no report", page, "The session ended 6 minutes ago. GoTo can take about 15 minutes", 3)
	p.ahead.Store(int64(3 * time.Hour))
	say("ended long ago", page, "GoTo counts ", 3)
}

// A page that waits looks again by itself, keeps still about what is not new,
// and says when attendees have arrived. Without a script there is a link.
func TestAWaitingPageLooksAgain(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	past := b.firstPast()
	at, err := url.Parse(past)
	if err != nil {
		t.Fatal(err)
	}
	began, err := time.Parse(time.RFC3339, at.Query().Get("occurrence"))
	if err != nil {
		t.Fatal(err)
	}
	arrive := 0
	p.editJoins(func(rows []map[string]any) []map[string]any {
		newest := rows[len(rows)-1]["meetingInstanceKey"]
		var last []map[string]any
		for _, r := range rows {
			if r["meetingInstanceKey"] == newest {
				last = append(last, r)
			}
		}
		return last[:min(arrive, len(last))]
	})
	p.ahead.Store(int64(time.Until(began.Add(50 * time.Minute))))
	look := func(path string, header ...string) (*goquery.Document, string) {
		p.ahead.Add(int64(40 * time.Second)) // too late for what was kept
		doc := b.get(path, header...).doc(t)
		return doc, doc.Find("#waiting").AttrOr("hx-get", "")
	}
	part := []string{"HX-Request", "true", "HX-Request-Type", "partial"}
	doc, again := look(past)
	if again == "" || !strings.Contains(doc.Find(".empty").Text(), " minutes ago.") || doc.Find(".empty a").AttrOr("href", "") != past {
		t.Fatalf("it waits at %q: %s, %q", again, doc.Find(".empty").Text(), doc.Find(".empty a").AttrOr("href", ""))
	}
	doc, again = look(again, part...)
	if again == "" || doc.Find("#announcer").Length() != 0 {
		t.Errorf("nothing new is announced as %q, and it waits at %q", doc.Find("#announcer").Text(), again)
	}
	arrive = 1
	doc, again = look(again, part...)
	if said := doc.Find("#announcer").Text(); !strings.HasPrefix(said, "Attendees have arrived: 1 person, sorted by name") {
		t.Errorf("arrived: %q", said)
	}
	if text := doc.Find(".reconciled").Text(); again == "" || !strings.Contains(text, "the list is not complete. GoTo can take") || doc.Find(".reconciled a").AttrOr("href", "") != past {
		t.Errorf("some: %q, it waits at %q", text, again)
	}
	if doc, _ = look(again, part...); doc.Find("#announcer").Length() != 0 {
		t.Errorf("nothing new is announced as %q", doc.Find("#announcer").Text())
	}
	arrive = 100
	doc, waits := look(again, part...)
	if said := doc.Find("#announcer").Text(); !strings.HasPrefix(said, "Attendees have arrived: ") || waits != "" || doc.Find(".reconciled a").Length() != 0 {
		t.Errorf("all: %q, and it waits at %q: %s", said, waits, doc.Find(".reconciled").Text())
	}
}

// A search that finds nobody says so and offers all.
func TestSearchAmongAttendees(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	past := ada.firstPast()
	all := ada.get(past).doc(t).Find("tbody tr.person").Length()
	for _, header := range [][]string{nil, {"HX-Request", "true", "HX-Request-Type", "partial"}} {
		res := ada.get(past+"&q=nobody+like+this", header...)
		doc := res.doc(t)
		if res.StatusCode != http.StatusOK || !strings.Contains(doc.Find("#results .empty").Text(), "Nobody matches your search") || doc.Find("#results tr.person").Length() != 0 {
			t.Errorf("%d %s", res.StatusCode, doc.Find("#results").Text())
		}
		link := doc.Find("#results .empty a").AttrOr("href", "")
		if got := ada.get(link).doc(t).Find("tbody tr.person").Length(); got == 0 || got != all {
			t.Errorf("%s shows %d of %d", link, got, all)
		}
	}
}
