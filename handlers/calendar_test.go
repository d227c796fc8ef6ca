package handlers_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// days are the calendar's columns as text: each box with its times and its
// place.
func days(doc *goquery.Document) []string {
	return doc.Find(".cal section").Map(func(_ int, day *goquery.Selection) string {
		boxes := day.Find(".slots li").Map(func(_ int, box *goquery.Selection) string {
			return fmt.Sprintf("%s %s (%s)", box.Find("time").Text(), box.Find("a").Text(), strings.Join(strings.Fields(box.AttrOr("class", "")), " "))
		})
		return strings.Join(boxes, "; ")
	})
}

func TestWeekAndDay(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada := p.connected("ada") // in Berlin
	for _, m := range [][3]string{
		{"Alpha", "2030-01-15T10:00", "45"}, {"Beta", "2030-01-15T10:30", "60"}, {"Gamma", "2030-01-15T10:30", "60"}, {"Delta", "2030-01-15T10:35", "60"},
		{"Night", "2030-01-16T23:30", "60"}, {"Early", "2030-01-18T06:10", "5"},
	} {
		day, clock, _ := strings.Cut(m[1], "T")
		ada.create("subject", m[0], "start_date", day, "start_time", clock, "duration", m[2])
	}
	const day = "/calendar?date=2030-01-16&view=day"
	week := ada.get("/calendar?date=2030-01-17").doc(t)
	want := []string{
		"",
		"10:00 – 10:45 Alpha (at-10 past-0 for-0 and-45 lane-0 of-3); 10:30 – 11:30 Beta (at-10 past-30 for-1 and-0 lane-1 of-3); 10:30 – 11:30 +2 more (at-10 past-30 for-1 and-5 lane-2 of-3 many)",
		"23:30 – Thu 00:30 Night (at-23 past-30 for-0 and-30)",
		"Wed 23:30 – 00:30 Night (at-0 past-0 for-0 and-30)",
		"06:10 – 06:15 Early (at-6 past-10 for-0 and-30)",
		"", "",
	}
	got := days(week)
	for i := range got { // Beta and Gamma start together
		got[i] = strings.ReplaceAll(got[i], "Gamma", "Beta")
	}
	if !slices.Equal(got, want) {
		t.Errorf("the week is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if title := week.Find("title").Text(); title != "Week of 14 Jan 2030 · Calendar · GoToMeeting Portal" {
		t.Errorf("the title is %q", title)
	}
	if nav := week.Find(`.rail [aria-current=page]`).Text(); strings.TrimSpace(nav) != "Upcoming" {
		t.Errorf("the navigation marks %q", nav)
	}
	heads := week.Find(".cal section h2").Map(func(_ int, h *goquery.Selection) string { return h.Find(".visually-hidden").Text() })
	if len(heads) != 7 || heads[0] != "Monday, 14 January 2030" || heads[6] != "Sunday, 20 January 2030" {
		t.Errorf("the days are %q", heads)
	}
	if n := week.Find(".cal .none").Length(); n != 3 || week.Find(".now, .today, .gap").Length() != 0 || !strings.Contains(week.Find("#count").Text(), "6 meetings") {
		t.Errorf("%d empty days; %s", n, week.Find("#count").Text())
	}
	links := map[string]string{}
	week.Find("main a").Each(func(_ int, a *goquery.Selection) {
		links[strings.Join(strings.Fields(a.Text()), " ")] = a.AttrOr("href", "")
	})
	for label, to := range map[string]string{
		"←Previous week": "/calendar?date=2030-01-10&view=week", "Next week→": "/calendar?date=2030-01-24&view=week", "This week": "/calendar?view=week",
		"List": "/meetings", "Day": "/calendar?date=2030-01-17&view=day", "Week": "/calendar?date=2030-01-17&view=week",
		"Wednesday, 16 January 2030Wed 16 Jan": day, "+2 more": "/calendar?date=2030-01-15&view=day",
		"+New meeting on Wednesday, 16 January 2030": "/meetings/new?start_date=2030-01-16", "New meeting": "/meetings/new",
	} {
		if got := links[label]; got != to {
			t.Errorf("%s leads to %q, want %q", label, got, to)
		}
	}
	if form := fields(week.Find(`form[action="/calendar"]`)); form.Get("view") != "week" || form.Get("date") != "2030-01-17" {
		t.Errorf("the form holds %v", form)
	}

	doc := ada.get("/calendar?view=day&date=2030-01-15").doc(t)
	if got := days(doc); len(got) != 1 || strings.Count(got[0], " of-4") != 4 || strings.Contains(got[0], "more") || doc.Find("#rest").Length() != 0 {
		t.Errorf("the day is %q", got)
	}
	if doc.Find("h1").Text() != "Tuesday, 15 January 2030" || doc.Find(`main a.primary`).AttrOr("href", "") != "/meetings/new?start_date=2030-01-15" {
		t.Errorf("the day's heading is %q", doc.Find("h1").Text())
	}
	if shapes := ada.get("/meetings").doc(t).Find(".tabs a"); shapes.Length() != 3 || shapes.Filter("[aria-current]").Text() != "List" {
		t.Errorf("the list offers %q", shapes.Text())
	}
}

// More meetings at a time than fit are counted in the day, and listed below it.
func TestCrowdedDay(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	p.sandbox.Control(map[string]any{"scale": 250})
	ada := p.connected("ada")
	yesterday := time.Now().In(berlin(t)).AddDate(0, 0, -1).Format(time.DateOnly)
	res := ada.get("/calendar?view=day&date=" + yesterday)
	doc := res.doc(t)
	more := doc.Find(".slots .many a").First()
	if res.StatusCode != 200 || more.AttrOr("href", "") != "#rest" || doc.Find("#rest li").Length() != 200 {
		t.Fatalf("%d: %q leads to %q, %d below", res.StatusCode, more.Text(), more.AttrOr("href", ""), doc.Find("#rest li").Length())
	}
	if note := doc.Find("#rest p a"); !strings.Contains(note.Text(), "are not shown here") || note.AttrOr("href", "") != "/history?from="+yesterday+"&to="+yesterday {
		t.Errorf("%q leads to %q", note.Text(), note.AttrOr("href", ""))
	}
	for _, path := range []string{"/calendar", "/calendar?view=day"} {
		if res := ada.get(path); res.StatusCode != 200 || len(res.body) > 300_000 {
			t.Errorf("%s: %d, %d characters", path, res.StatusCode, len(res.body))
		}
	}
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// Days that are shorter or longer say so, and what they read twice is there
// twice.
func TestCalendarWhenClocksAreSet(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada := p.connected("ada")
	ada.create("subject", "Forward", "start_date", "2030-03-31", "start_time", "01:30", "duration", "60")
	ada.create("subject", "Second", "start_date", "2030-10-27", "start_time", "02:30", "duration", "60", "fold", "second")
	for _, tt := range []struct{ path, note, day, clock, gaps string }{
		{"/calendar?date=2030-03-31", "Clocks go forward: 23 hours", "01:30 CET – 03:30 CEST Forward (at-0 past-30 for-2 and-0)", "01:00 02:00 03:00", "at-1 past-0 for-1 and-0 gap"},
		{"/calendar?date=2030-10-27", "Clocks go back: 25 hours", "02:30 CET – 03:30 CET Second (at-0 past-30 for-1 and-0)", "02:00 again 03:00 04:00", "at-0 past-0 for-1 and-0 gap"},
		{"/calendar?view=day&date=2030-10-27", "Clocks go back: 25 hours", "02:30 CET – 03:30 CET Second (at-0 past-30 for-1 and-0)", "02:00 again 03:00 04:00", ""},
	} {
		doc := ada.get(tt.path).doc(t)
		all := days(doc)
		if got := all[len(all)-1]; got != tt.day || !strings.Contains(doc.Find(".head, .cal section:last-child header").Text(), tt.note) {
			t.Errorf("%s: %q; %s", tt.path, got, doc.Find(".head, .cal header").Text())
		}
		clock := doc.Find(".clock span").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
		if got := strings.Join(clock, " "); !strings.HasPrefix(got, tt.clock) {
			t.Errorf("%s: the clock reads %q", tt.path, got)
		}
		if got := doc.Find(".gap").First().AttrOr("class", ""); got != tt.gaps {
			t.Errorf("%s: the gap is at %q", tt.path, got)
		}
	}
}

// What is over comes from GoTo's history, what runs stands out, what is about
// to be deleted looks it.
func TestCalendarOfThisWeek(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada := p.connected("ada")
	yesterday := time.Now().In(berlin(t)).AddDate(0, 0, -1).Format(time.DateOnly)
	past := ada.get("/calendar?view=day&date=" + yesterday).doc(t)
	daily := past.Find(".slots .over").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Find("a").Text() == "Daily check-in" })
	if !strings.Contains(daily.Find("small").Text(), "attendees") {
		t.Fatalf("yesterday is %q", days(past))
	}
	to := daily.Find("a").AttrOr("href", "")
	if !strings.HasPrefix(to, "/meetings/201480117/attendees?") || ada.get(to).doc(t).Find(".crumb a").AttrOr("href", "") != "/history?from="+yesterday+"&to="+yesterday {
		t.Errorf("what is over leads to %s", to)
	}
	if past.Find(".rooms").Length() != 0 || past.Find(".now, .cal .today").Length() != 0 || strings.Contains(past.Find("main a.primary").AttrOr("href", ""), "start_date") {
		t.Error("yesterday is like a day to come")
	}

	week := ada.get("/calendar").doc(t)
	running := week.Find(".list .running")
	if running.Length() != 1 || running.Find(`form[action$="/start"] button`).Length() != 1 || week.Find(".rooms a").Length() != 2 {
		t.Errorf("what runs: %s; rooms: %s", running.Text(), week.Find(".rooms").Text())
	}
	if week.Find(".slots .live").Length() == 0 || week.Find(".now").Length() != 1 || week.Find(".cal .today .badge").Text() != "Today" || week.Find("#today").AttrOr("aria-current", "") != "date" {
		t.Errorf("now is not marked: %q", days(week))
	}

	id := ada.create("subject", "Doomed")
	ada.hold(id)
	then := ada.get("/calendar?date=2030-01-15").doc(t)
	if then.Find(".list .running").Length() != 0 {
		t.Error("what runs now stands out in another week")
	}
	held := then.Find(".slots .going")
	if held.Find("a").Text() != "Doomed" || held.Find("small").Text() == "" {
		t.Errorf("a held delete looks like %q", held.Text())
	}
}

// A session that went on after midnight is on both days.
func TestCalendarAfterMidnight(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	night := time.Date(2025, 1, 15, 0, 0, 0, 0, berlin(t))
	p.wire.edit = func(call string, answer []byte) []byte {
		if call != "GET /sandbox/G2M/rest/historicalMeetings" {
			return answer
		}
		const form = "2006-01-02T15:04:05Z"
		return fmt.Appendf(nil, `[{"meetingId":"600000001","subject":"Late","meetingType":"scheduled","startTime":%q,"endTime":%q,"numAttendees":"2","sessionId":"3000000000000000001"}]`,
			night.Add(-20*time.Minute).UTC().Format(form), night.Add(40*time.Minute).UTC().Format(form))
	}
	ada := p.connected("ada")
	got := days(ada.get("/calendar?view=day&date=2025-01-15").doc(t))
	if want := "Tue 23:40 – 00:40 Late (at-0 past-0 for-0 and-40 over)"; len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Who is signed out by the history alone is asked to sign in, not told that it
// is missing.
func TestCalendarOfWhoIsSignedOut(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada := p.connected("ada")
	p.sandbox.Control(map[string]any{"revoke_refresh_tokens": true, "faults": []any{fault("GET /G2M/rest/historicalMeetings", "status", "status", 401, "times", 0)}})
	if res := ada.get("/calendar"); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/?return=%2Fcalendar") {
		t.Errorf("%d to %q", res.StatusCode, res.Header.Get("Location"))
	}
}

// Without GoTo's history the page shows what else there is, and no file is
// taken for whole.
func TestCalendarWithoutHistory(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada := p.connected("ada")
	whole := ada.get("/calendar").doc(t).Find(".slots li").Length()
	p.ahead.Add(int64(2 * time.Hour)) // nothing kept is good any more
	p.sandbox.Control(map[string]any{"faults": []any{fault("GET /G2M/rest/historicalMeetings", "status", "status", 403, "times", 0)}})
	res := ada.get("/calendar")
	doc := res.doc(t)
	note := doc.Find(".note.warning")
	if res.StatusCode != 200 || !strings.Contains(note.Text(), "Meetings that are over are missing here") || note.Find("a").AttrOr("href", "") != "/calendar" {
		t.Errorf("%d: %s", res.StatusCode, note.Text())
	}
	if n := doc.Find(".slots li").Length(); n == 0 || n > whole || doc.Find(".slots .over").Length() != 0 {
		t.Errorf("%d boxes of %d", n, whole)
	}
	for _, twin := range []string{".csv", ".ics"} {
		if res := ada.get("/calendar" + twin); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", twin, res.StatusCode)
		}
	}
	if res := ada.get("/calendar.csv?date=2030-01-15"); res.StatusCode != 200 {
		t.Errorf("a week to come: %d", res.StatusCode)
	}
	p.ahead.Add(int64(2 * time.Hour))
	p.sandbox.Control(map[string]any{"faults": []any{fault(upcomingCall, "status", "status", 503, "times", 0)}})
	if res := ada.get("/calendar"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without the list: %d", res.StatusCode)
	}
}

// Turning pages makes no calls for the list, and says where one is.
func TestTurningTheCalendar(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada := p.connected("ada")
	ada.create("subject", "Then")
	ada.get("/meetings")
	for _, tt := range []struct{ path, says string }{
		{"/calendar?date=2030-01-15&view=week", "Week of 14 Jan 2030: 1 meeting"}, {"/calendar?date=2030-01-22&view=week", "Week of 21 Jan 2030: No meetings"}, {"/calendar?view=day&date=2030-01-15", "Tuesday, 15 January 2030: 1 meeting"},
	} {
		p.ahead.Add(int64(4 * time.Second))
		res, calls := ada.costs(tt.path, part...)
		doc := res.doc(t)
		if calls != 0 || strings.Contains(res.body, "<html") || doc.Find("#announcer").Text() != tt.says || !strings.HasSuffix(doc.Find("title").Text(), " · Calendar · GoToMeeting Portal") {
			t.Errorf("%s: %d calls, says %q, title %q", tt.path, calls, doc.Find("#announcer").Text(), doc.Find("title").Text())
		}
	}
	if res, calls := ada.costs("/calendar", part...); calls != 1 {
		t.Errorf("this week costs %d calls, so %d", calls, res.StatusCode)
	}
}

// A file has what the page shows.
func TestFilesOfTheCalendar(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada := p.connected("ada")
	var twin struct {
		Zone string
		Rows []map[string]any
	}
	if err := json.Unmarshal([]byte(ada.get("/calendar.json").body), &twin); err != nil {
		t.Fatal(err)
	}
	doc := ada.get("/calendar").doc(t)
	var rows []string
	for _, row := range twin.Rows {
		rows = append(rows, row["subject"].(string))
	}
	var shown []string
	seen := map[string]bool{} // what goes on after midnight is there twice
	doc.Find(".slots li").Each(func(_ int, s *goquery.Selection) {
		if href := s.Find("a").AttrOr("href", ""); !seen[href] {
			seen[href], shown = true, append(shown, s.Find("a").Text())
		}
	})
	slices.Sort(rows)
	slices.Sort(shown)
	if len(rows) < 3 || !slices.Equal(rows, shown) || twin.Zone != "Europe/Berlin" {
		t.Errorf("the file has\n%q, the page\n%q", rows, shown)
	}
	states := map[any]int{}
	for _, row := range twin.Rows {
		states[row["status"]]++
	}
	if states["active"] == 0 {
		t.Errorf("states are %v", states)
	}
	ics := ada.get("/calendar.ics")
	if got := strings.Count(ics.body, "BEGIN:VEVENT"); got != len(rows) || !strings.Contains(ics.Header.Get("Content-Disposition"), "calendar") {
		t.Errorf("%d events for %d rows, %s", got, len(rows), ics.Header.Get("Content-Disposition"))
	}
	for _, link := range doc.Find(".twins a").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("href", "") }) {
		if res := ada.get(link); res.StatusCode != 200 {
			t.Errorf("%s: %d", link, res.StatusCode)
		}
	}
}

// The form of a new meeting takes a day and a time from its address.
func TestNewMeetingOnADay(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	ada := p.connected("ada")
	usual := ada.get("/meetings/new").form(t)
	for query, want := range map[string][2]string{
		"start_date=2030-01-15":                                {"2030-01-15", usual.Get("start_time")},
		"start_date=2030-01-15&start_time=08:30":               {"2030-01-15", "08:30"},
		"start_date=soon&start_time=25:00":                     {usual.Get("start_date"), usual.Get("start_time")},
		"start_date=0001-01-01&start_time=%22%3E%3Ci%3E":       {usual.Get("start_date"), usual.Get("start_time")},
		"start_date=2030-02-30&start_time=9am":                 {usual.Get("start_date"), usual.Get("start_time")},
		"subject=Forged&co_organizer_keys=8439885694023990003": {usual.Get("start_date"), usual.Get("start_time")},
	} {
		form := ada.get("/meetings/new?" + query).form(t)
		if got := [2]string{form.Get("start_date"), form.Get("start_time")}; got != want || form.Get("subject") != "" || form.Get("co_organizer_keys") != "" {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}
