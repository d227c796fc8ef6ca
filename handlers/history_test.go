package handlers_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// GoTo keeps a meeting in history whose session was erased, without the
// session; so does the page.
func TestErasedSessionsStayInHistory(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	past := func() (rows []struct {
		Session   string `json:"session_id"`
		Attendees int    `json:"attendees"`
	}) {
		var twin struct{ Rows json.RawMessage }
		res := b.get("/history.json?q=Daily+check-in", "Cache-Control", "no-cache")
		if err := json.Unmarshal([]byte(res.body), &twin); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(twin.Rows, &rows); err != nil {
			t.Fatal(err)
		}
		return rows
	}
	before := past()
	if len(before) < 3 {
		t.Fatalf("%d past meetings show nothing", len(before))
	}
	for _, row := range before[:2] {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, p.sandbox.API+"/G2M/rest/organizers/8439885694023990001/sessions/"+row.Session, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+p.sandbox.Token("ada@example.test"))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNoContent {
			t.Fatalf("erase answers %d", res.StatusCode)
		}
	}
	after := past()
	erased := 0
	for _, row := range after {
		if row.Session == "" && row.Attendees == 0 {
			erased++
		}
	}
	if len(after) != len(before) || erased != 2 {
		t.Errorf("%d rows of %d, %d of them without a session", len(after), len(before), erased)
	}
	if res := b.get("/history?q=Daily+check-in", "Cache-Control", "no-cache"); res.StatusCode != http.StatusOK || res.doc(t).Find("tbody tr").Length() != len(before) {
		t.Errorf("the page: %d, %d rows", res.StatusCode, res.doc(t).Find("tbody tr").Length())
	}
}

// A look back that reaches to now says what it cannot have yet, by name where
// the list of upcoming meetings told, and without a call; every empty one says
// why it is empty, and what to do.
func TestHistoryUpToNow(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	day := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	if doc := b.get("/history").doc(t); !strings.Contains(doc.Find("#not-yet").Text(), "is not listed yet") || doc.Find("#not-yet a").Length() != 1 || doc.Find("#waiting").Length() != 0 {
		t.Errorf("nothing known to run: %s", doc.Find("#not-yet").Text())
	}
	b.get("/meetings")
	before := total(p.sandbox.Calls())
	p.ahead.Store(int64(2 * time.Minute))
	doc := b.get("/history").doc(t)
	if calls := total(p.sandbox.Calls()) - before; calls != 1 {
		t.Errorf("%d calls", calls)
	}
	names := strings.Join(strings.Fields(doc.Find("#not-yet").Text()), " ")
	again := doc.Find("#waiting").AttrOr("hx-get", "")
	if !strings.Contains(names, "Running now: Support desk, running now") || !strings.HasPrefix(again, "/history?had=") {
		t.Errorf("running: %q, it waits at %q", names, again)
	}
	if n := b.get("/history?from=" + day(-89) + "&page=2").doc(t).Find("#waiting").Length(); n != 0 {
		t.Error("the second page waits, too")
	}
	part := []string{"HX-Request", "true", "HX-Request-Type", "partial"}
	if said := b.get(again, part...).doc(t).Find("#announcer").Text(); said != "" {
		t.Errorf("nothing new is announced as %q", said)
	}
	if said := b.get("/history?had=1", part...).doc(t).Find("#announcer").Text(); !strings.HasPrefix(said, "Past meetings have arrived: ") {
		t.Errorf("more is announced as %q", said)
	}
	p.ahead.Store(int64(10 * time.Minute))
	if doc := b.get("/history").doc(t); strings.Contains(doc.Find("#not-yet").Text(), "Running now") {
		t.Errorf("what ran a while ago is said to run: %s", doc.Find("#not-yet").Text())
	}
	for query, want := range map[string][2]string{
		"?from=" + day(-1000) + "&to=" + day(-990): {"No meeting was held in this range", "/history?from="},
		"?from=" + day(3) + "&to=" + day(5):        {"This range has not begun", "/meetings"},
		"?q=nothing+like+this":                     {"Nothing matches your search", "/history?from="},
		"?from=" + time.Now().Add(-time.Minute).Format("2006-01-02T15:04") + "&to=" + day(2): {"No meeting has ended in this range", "/history?from="},
	} {
		doc := b.get("/history" + query).doc(t)
		link := doc.Find(".empty a").AttrOr("href", "")
		if text := doc.Find(".empty").Text(); !strings.Contains(text, want[0]) || !strings.HasPrefix(link, want[1]) {
			t.Errorf("%s: %q, next %q", query, text, link)
		}
		if b.get(link).StatusCode != 200 {
			t.Errorf("%s leads to %q, which is not there", query, link)
		}
		if over := strings.Contains(want[0], "held") || strings.Contains(want[0], "begun"); over == (doc.Find("#not-yet").Length() == 1) {
			t.Errorf("%s: %q", query, doc.Find("#not-yet").Text())
		}
	}
}
