package handlers_test

import (
	"encoding/csv"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The sandbox counts what a page costs at GoTo.
func TestCallsAPage(t *testing.T) {
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	id := ben.create("subject", "Ben's own")
	adas := ada.create()
	past := ada.firstPast()
	key := ben.get("/meetings.json")
	var list struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(key.body), &list); err != nil {
		t.Fatal(err)
	}
	bens := list.Rows[0]["organizer_key"].(string)
	to := time.Now().UTC()
	from := to.AddDate(0, 0, -89)
	for name, tt := range map[string]struct {
		b    *browser
		path string
		want int
	}{
		"upcoming":                  {ada, "/meetings", 1},
		"a meeting":                 {ada, "/meetings/" + adas, 1},
		"an admin's 404":            {ada, "/meetings/" + id + "?organizer=" + bens, 2},
		"history of a week":         {ada, "/history", 1},
		"history of three windows":  {ada, "/history?from=" + from.Format(time.DateOnly) + "&to=" + to.Format(time.DateOnly), 3},
		"attendees":                 {ada, past, 1},
		"what to erase":             {ada, strings.Replace(past, "/attendees", "/erase", 1), 2},
		"register of a room":        {ada, registerOf, 3},
		"register of a quarter":     {ada, registerOf + "?from=" + from.Format(time.DateOnly), 4},
		"who is who":                {ada, "/people/aliases", 0},
		"who is it":                 {ada, "/people/aliases?person=n:x&meeting=" + daily, 1},
		"nobody came":               {ada, "/meetings/" + adas + "/attendees", 3}, // why not: the meeting, and history
		"another's upcoming":        {ada, "/meetings?organizer=" + bens, 1},
		"calendar":                  {ada, "/calendar", 2},
		"calendar of a day to come": {ada, "/calendar?view=day&date=2030-01-15", 1},
		"calendar of a past week":   {ada, "/calendar?date=" + from.Format(time.DateOnly), 2},
		"another's calendar":        {ada, "/calendar?organizer=" + bens, 2},
		"another's history of week": {ada, "/history?organizer=" + bens, 1},
		// One for the users, and one for each of eight organizers and each window.
		"all organizers' week":          {ada, "/history?organizer=all", 1 + 8},
		"all organizers, three windows": {ada, "/history?organizer=all&from=" + from.Format(time.DateOnly) + "&to=" + to.Format(time.DateOnly), 1 + 8*3},
		"people":                        {ada, "/people", 2},
		"reports":                       {ada, "/reports", 1}, // whom to choose from
		"reports of an organizer":       {ben, "/reports", 0},
		"somebody in three windows":     {ada, "/reports/person?email=ada@example.test", 6},
		"people of an organizer":        {ben, "/people", 0},
	} {
		path, query, _ := strings.Cut(tt.path, "?")
		for _, twin := range append(twinsOf(path), "") { // a file costs what its page does
			if twin != "" && name == "nobody came" {
				continue // a file has no reason to give
			}
			p.ahead.Add(int64(3 * time.Second)) // what was read before is too old
			before := total(p.sandbox.Calls())
			if res := tt.b.get(path + twin + "?" + query); res.StatusCode != 200 {
				t.Errorf("%s%s: status %d", name, twin, res.StatusCode)
			}
			if got := total(p.sandbox.Calls()) - before; got != tt.want {
				t.Errorf("%s%s costs %d calls, want %d", name, twin, got, tt.want)
			}
		}
	}
}

// twinsOf are the files that a page's rows come as, too.
func twinsOf(path string) []string {
	switch {
	case path == "/meetings" || path == "/history" || path == "/calendar":
		return []string{".csv", ".xlsx", ".json", ".ics"}
	case path == "/people/aliases" || path == "/reports" || strings.HasSuffix(path, "/erase"):
		return nil
	case path == "/people" || path == "/reports/person" || strings.HasSuffix(path, "/attendees") || strings.HasSuffix(path, "/register"):
		return []string{".csv", ".xlsx", ".json"}
	}
	return []string{".ics"} // one meeting
}

func total(calls map[string]int) int {
	n := 0
	for _, c := range calls {
		n += c
	}
	return n
}

const hostile = `<script>alert(1)</script> "&' =HYPERLINK("x")`

func TestHostileSubjectIsTextEverywhere(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	id := b.create("subject", hostile)
	for _, path := range []string{"/meetings", "/meetings?q=" + url.QueryEscape(hostile), "/meetings/" + id, "/meetings/" + id + "/edit", "/meetings/" + id + "/delete"} {
		res := b.get(path)
		if res.StatusCode != 200 || strings.Contains(res.body, "<script>alert") {
			t.Errorf("%s: status %d, or the subject runs", path, res.StatusCode)
		}
		doc := res.doc(t)
		if doc.Find("script:not([src])").Length() > 0 {
			t.Errorf("%s has an inline script", path)
		}
		if !strings.Contains(doc.Text()+doc.Find("[name=subject]").AttrOr("value", "")+doc.Find("[name=q]").AttrOr("value", ""), hostile) {
			t.Errorf("%s does not show the subject as it is", path)
		}
		if strings.Contains(path, id) && !strings.Contains(doc.Find("title").Text(), hostile) {
			t.Errorf("%s has the title %q", path, doc.Find("title").Text())
		}
	}
	formula := b.create("subject", `=HYPERLINK("http://x")`)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.get("/meetings.csv").body, "\uFEFF"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, row := range rows[1:] {
		switch row[0] {
		case formula:
			seen++
			if row[1] != `'=HYPERLINK("http://x")` {
				t.Errorf("CSV has %q", row[1])
			}
		case id:
			seen++
			if row[1] != hostile {
				t.Errorf("CSV has %q", row[1])
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d of 2 meetings in the CSV", seen)
	}
	ics := b.get("/meetings/" + id + ".ics")
	if got := ics.Header.Get("Content-Type"); got != "text/calendar; charset=utf-8" {
		t.Errorf("calendar type %q", got)
	}
	if unfolded := strings.ReplaceAll(ics.body, "\r\n ", ""); !strings.Contains(unfolded, `SUMMARY:<script>alert(1)</script> "&' =HYPERLINK("x")`) {
		t.Errorf("calendar = %s", unfolded)
	}
}

// Every attendee of the sandbox's awkward history, on the page and in the file.
func TestHostileAttendeesAreText(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	to := time.Now().UTC()
	var history struct{ Rows []map[string]any }
	res := b.get("/history.json?from=" + to.AddDate(0, 0, -89).Format(time.DateOnly) + "&to=" + to.Format(time.DateOnly))
	if err := json.Unmarshal([]byte(res.body), &history); err != nil {
		t.Fatalf("%d %v", res.StatusCode, err)
	}
	if len(history.Rows) < 20 {
		t.Fatalf("only %d past meetings", len(history.Rows))
	}
	scripts, formulas := 0, 0
	for _, row := range history.Rows {
		start, err := time.Parse(time.RFC3339, row["start"].(string))
		if err != nil {
			t.Fatal(err)
		}
		path := "/meetings/" + row["meeting_id"].(string) + "/attendees"
		query := "?occurrence=" + start.UTC().Format(time.RFC3339)
		page := b.get(path + query)
		if page.StatusCode != 200 || strings.Contains(page.body, "<script>alert") {
			t.Fatalf("%s: %d, or a name runs", path, page.StatusCode)
		}
		cells, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.get(path+".csv"+query).body, "\uFEFF"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if got := page.doc(t).Find("tbody tr.person").Length(); got != min(len(cells)-1, 50) {
			t.Errorf("%s: %d rows on the page, %d in the file", path, got, len(cells)-1)
		}
		if strings.Contains(page.body, "&lt;script&gt;") {
			scripts++
		}
		for _, c := range cells[1:] {
			if strings.HasPrefix(c[0], "'=") {
				formulas++
			}
			if c[0] != "" && strings.ContainsAny(c[0][:1], "=+-@") {
				t.Errorf("the file has the formula %q", c[0])
			}
		}
		if scripts > 0 && formulas > 0 {
			return
		}
	}
	t.Errorf("the sample has %d script names and %d formula names; the test saw nothing", scripts, formulas)
}

func TestOrganizersDay(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	made := b.post("/meetings", plan("co_organizer_keys", "8439885694023999999 8439885694024000000"))
	page := b.get(made.Header.Get("Location"))
	id := strings.TrimPrefix(strings.Split(made.Header.Get("Location"), "?")[0], "/meetings/")
	for _, want := range []string{"8439885694023999999", "8439885694024000000", "10:00 – 10:45", "Success"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the new meeting's page lacks %q", want)
		}
	}
	if page.doc(t).Find(`[data-copy="`+id+`"]`).Length() != 1 {
		t.Error("no button copies the id")
	}
	form := b.editForm(id)
	if form.Get("audio") != "VoIP" {
		t.Errorf("the audio option was not remembered: %q", form.Get("audio"))
	}
	form.Set("subject", "Board, moved")
	form["co_organizer_keys"] = []string{"8439885694024000000"} // one is taken off
	if res := b.post("/meetings/"+id, form); res.StatusCode != 303 {
		t.Fatalf("update answers %d: %s", res.StatusCode, res.body)
	}
	after := b.get("/meetings/" + id).doc(t).Find("main").Text()
	if strings.Contains(after, "8439885694023999999") || !strings.Contains(after, "8439885694024000000") || !strings.Contains(after, "Board, moved") {
		t.Errorf("after the update: %s", after)
	}
	start := b.post("/meetings/"+id+"/start", nil)
	refresh := start.Header.Get("Refresh")
	host, found := strings.CutPrefix(refresh, "0; url=")
	if start.StatusCode != 200 || !found || !strings.Contains(start.Header.Get("Cache-Control"), "no-store") {
		t.Fatalf("start answers %d with Refresh %q", start.StatusCode, refresh)
	}
	if strings.Contains(start.body, host) || strings.Contains(p.log.String(), host) || strings.Contains(start.body, "authenticationToken") {
		t.Error("the host URL is on the page or in the log")
	}
	b.hold(id)
	b.decide(id, "delete")
	if res := b.get("/meetings/" + id); res.StatusCode != 404 {
		t.Errorf("deleted meeting answers %d", res.StatusCode)
	}
}

func TestOthersMeetings(t *testing.T) {
	p := newPortal(t)
	ada, ben, dan := p.connected("ada"), p.connected("ben"), p.connected("dan")
	id := ada.create()
	for name, b := range map[string]*browser{"ben": ben, "dan": dan} {
		if res := b.get("/meetings/" + id); res.StatusCode != 404 {
			t.Errorf("%s reads ada's meeting: %d", name, res.StatusCode)
		}
		if res := b.get("/meetings/" + id + "/attendees"); res.StatusCode != 403 && res.StatusCode != 404 {
			t.Errorf("%s reads ada's attendees: %d", name, res.StatusCode)
		}
		if res := b.get("/meetings?organizer=12345"); res.StatusCode != 403 {
			t.Errorf("%s lists another organizer: %d", name, res.StatusCode)
		}
		if res := b.get("/history?organizer=all"); res.StatusCode != 403 {
			t.Errorf("%s looks at the whole account: %d", name, res.StatusCode)
		}
	}
	if res := ada.get("/history?organizer=all"); res.StatusCode != 200 || !strings.Contains(res.body, "Organizer") {
		t.Errorf("the admin's account history: %d", res.StatusCode)
	}
}

func TestMissingScopeIsSaidAndSurvived(t *testing.T) {
	p := newPortal(t)
	p.sandbox.Control(map[string]any{"scopes": "collab:"})
	b := p.connected("ben")
	if page := b.get("/meetings"); page.StatusCode != 200 || !strings.Contains(page.body, "identity:") {
		t.Errorf("the first page does not mention the missing scope: %d", page.StatusCode)
	}
	id := b.create()
	if res := b.get("/meetings/" + id + "/attendees"); res.StatusCode != 403 || !strings.Contains(res.body, "identity:") {
		t.Errorf("attendees: %d", res.StatusCode)
	}
}

func TestHeadersOfEveryPage(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	for _, path := range []string{"/", "/meetings", "/meetings/new", "/history", "/people", "/settings", "/help", "/setup", "/nowhere", "/meetings/abc", "/meetings.csv"} {
		h := b.get(path).Header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "X-Robots-Tag": "noindex", "Cache-Control": "no-store",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s = %q", path, name, h.Get(name))
			}
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if h.Get("Server") != "" {
			t.Errorf("%s: Server %q", path, h.Get("Server"))
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	p := newPortal(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		if res := p.browser().get(path); res.StatusCode != 200 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	if err := p.store.Close(); err != nil {
		t.Fatal(err)
	}
	if res := p.browser().get("/readyz"); res.StatusCode != 503 {
		t.Errorf("ready without a store: %d", res.StatusCode)
	}
	if res := p.browser().get("/healthz"); res.StatusCode != 200 {
		t.Errorf("alive without a store: %d", res.StatusCode)
	}
}
