package handlers_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portal/attendance"
)

const (
	eraseAttendeesCall = "DELETE /G2M/rest/organizers/*/sessions/*/attendees"
	eraseSessionCall   = "DELETE /G2M/rest/organizers/*/sessions/*"
)

// pastSession is one session as the history's file names it.
type pastSession struct {
	Session string `json:"session_id"`
	Meeting string `json:"meeting_id"`
	Subject string `json:"subject"`
	Start   string `json:"start_iso"`
}

// at is the start, as pages name the session by it.
func (s pastSession) at(t *testing.T) string {
	t.Helper()
	start, err := time.Parse(time.RFC3339, s.Start)
	if err != nil {
		t.Fatal(err)
	}
	return start.UTC().Format(time.RFC3339)
}

func (s pastSession) path(t *testing.T, page string) string {
	return "/meetings/" + s.Meeting + "/" + page + "?occurrence=" + url.QueryEscape(s.at(t))
}

// past lists the sessions of the last month, the newest first.
func (b *browser) past(query string) []pastSession {
	b.t.Helper()
	var twin struct{ Rows []pastSession }
	from := time.Now().AddDate(0, 0, -30).Format(time.DateOnly)
	res := b.get("/history.json?from="+from+"&"+query, "Cache-Control", "no-cache")
	if err := json.Unmarshal([]byte(res.body), &twin); err != nil || len(twin.Rows) == 0 {
		b.t.Fatalf("history answers %d %.200s, %v", res.StatusCode, res.body, err)
	}
	return twin.Rows
}

// joins counts the rows of a session's attendees.
func (b *browser) joins(s pastSession) int {
	b.t.Helper()
	rows, _ := b.whoCame(s)
	return rows
}

// whoCame counts the rows of a session's attendees, and the people in them.
func (b *browser) whoCame(s pastSession) (joins, people int) {
	b.t.Helper()
	var twin struct {
		Rows []struct{ Name, Email string }
	}
	path := strings.Replace(s.path(b.t, "attendees"), "/attendees?", "/attendees.json?rows=joins&", 1)
	res := b.get(path, "Cache-Control", "no-cache")
	if res.StatusCode != http.StatusOK {
		return 0, 0
	}
	if err := json.Unmarshal([]byte(res.body), &twin); err != nil {
		b.t.Fatal(err)
	}
	who := map[attendance.Identity]bool{}
	for _, row := range twin.Rows {
		who[attendance.IdentityOf(row.Name, row.Email)] = true
	}
	return len(twin.Rows), len(who)
}

// eraseForm is the form of the page that erases that.
func (a answer) eraseForm(t *testing.T, what string) (action string, form url.Values) {
	t.Helper()
	found := a.doc(t).Find("form").FilterFunction(func(_ int, f *goquery.Selection) bool {
		return f.Find(`[name=what]`).AttrOr("value", "") == what
	})
	if a.StatusCode >= 500 || found.Length() != 1 {
		t.Fatalf("%d, and %d forms to erase the %s", a.StatusCode, found.Length(), what)
	}
	return found.AttrOr("action", ""), fields(found)
}

// firstDaily is ada's newest session of her room, with another one after it.
func (b *browser) firstDaily() (one, another pastSession) {
	b.t.Helper()
	rows := b.past("q=Daily+check-in")
	return rows[1], rows[0]
}

func TestEraseAttendees(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	one, another := ada.firstDaily()
	joins, people := ada.whoCame(one)
	others := ada.joins(another)
	if joins < 2 || others < 2 {
		t.Fatalf("%d and %d joins show nothing", joins, others)
	}

	page := ada.get(one.path(t, "erase") + "&back=q%3DDaily%2Bcheck-in")
	shown := whatShows(page.doc(t).Find("main"))
	start, _ := time.Parse(time.RFC3339, one.Start)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{
		"Daily check-in", "201-480-117", start.In(berlin).Format("Monday, 2 January 2006, 15:04"), "Berlin (UTC+", "Ada Example",
		fmt.Sprint(people, " people"), fmt.Sprint(joins, " joins"), "Names, e-mail addresses and times", "Nobody can bring them back", "other sessions",
	} {
		if !strings.Contains(shown, word) {
			t.Errorf("the page does not say %q: %s", word, shown)
		}
	}
	if button := page.doc(t).Find("button.solid").Text(); button != "Erase the data of "+fmt.Sprint(people, " people") {
		t.Errorf("the button says %q", button)
	}

	action, form := page.eraseForm(t, "attendees")
	before := p.sandbox.Calls()
	done := ada.post(action, form)
	if want := one.path(t, "attendees"); done.StatusCode != http.StatusSeeOther || !strings.HasPrefix(done.Header.Get("Location"), "/meetings/201480117/attendees?back=") ||
		!strings.Contains(done.Header.Get("Location"), strings.SplitN(want, "?", 2)[1]) {
		t.Errorf("%d to %q, want %q", done.StatusCode, done.Header.Get("Location"), want)
	}
	after := p.sandbox.Calls()
	if n := total(after) - total(before); n != 3 || after[eraseAttendeesCall] != 1 {
		t.Errorf("erasing costs %d calls, want the attendees, the history and the erase: %v", n, after)
	}
	result := ada.get(done.Header.Get("Location"))
	if notice := result.doc(t).Find(`#banner [role=alert]`).Text(); !strings.Contains(notice, "attendee data is erased") || !strings.Contains(notice, "Daily check-in") {
		t.Errorf("the notice says %q", notice)
	}
	if result.StatusCode != http.StatusOK || ada.joins(one) != 0 || ada.joins(another) != others {
		t.Errorf("afterwards the page answers %d, %d joins and %d of the other session", result.StatusCode, ada.joins(one), ada.joins(another))
	}
	if now, _ := ada.firstDaily(); now.Session != one.Session {
		t.Errorf("history has lost the session: %+v", now)
	}
	if got := p.deeds(account); len(got) != 1 || got[0] != "Ada Example: erase attendees Daily check-in, session "+one.Session+" of "+start.UTC().Format("2006-01-02 15:04")+" UTC: done" {
		t.Errorf("the audit log has %q", got)
	}
	if row := ada.get("/audit").doc(t).Find("tbody tr").First().Text(); !strings.Contains(row, "Erase attendee data") || !strings.Contains(row, "Daily check-in, session") {
		t.Errorf("the audit page has %q", row)
	}

	// There is nothing more to erase, but the session itself.
	page = ada.get(one.path(t, "erase"))
	if text := whatShows(page.doc(t).Find("main")); !strings.Contains(text, "There is nothing to erase now") || page.doc(t).Find("[name=what]").Length() != 1 {
		t.Errorf("afterwards: %s", text)
	}
	// Pressed twice, it is as if pressed once.
	if again := ada.post(action, form); again.StatusCode != http.StatusSeeOther {
		t.Errorf("pressed twice: %d", again.StatusCode)
	}
}

func TestEraseSession(t *testing.T) {
	p := newPortal(t)
	ben, ada := p.connected("ben"), p.connected("ada")
	rows := ben.past("")
	one := rows[0]
	page := ben.get(one.path(t, "erase") + "&back=" + url.QueryEscape("from=2026-01-01&q=x"))
	action, form := page.eraseForm(t, "session")

	unsure := ben.post(action, form)
	problem := unsure.doc(t).Find("#problems a")
	if unsure.StatusCode != http.StatusUnprocessableEntity || problem.AttrOr("href", "") != "#sure" || !strings.HasPrefix(unsure.doc(t).Find("title").Text(), "Error: ") ||
		unsure.doc(t).Find("#sure").AttrOr("aria-invalid", "") != "true" {
		t.Errorf("without the box ticked: %d %q", unsure.StatusCode, problem.Text())
	}
	again, kept := unsure.eraseForm(t, "session")
	for _, name := range []string{"form_token", "sure"} { // masked anew each time; not ticked
		kept.Del(name)
		form.Del(name)
	}
	if again != action || kept.Encode() != form.Encode() {
		t.Errorf("the form is sent to %q with %v, before to %q with %v", again, kept, action, form)
	}
	other := url.Values{}
	for name, values := range form {
		other[name] = values
	}
	other.Set("what", "everything")
	if res := ben.post(action, other); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("something else: %d", res.StatusCode)
	}
	other.Set("what", "session")
	other.Set("sure", "yes")
	other.Set("session", rows[1].Session)
	if res := ben.post(action, other); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, "not the session that you were shown") {
		t.Errorf("another session: %d", res.StatusCode)
	}
	if n := p.sandbox.Calls()[eraseSessionCall]; n != 0 {
		t.Fatalf("GoTo was asked %d times to erase", n)
	}

	form.Set("sure", "yes")
	done := ben.post(action, form)
	if done.StatusCode != http.StatusSeeOther || done.Header.Get("Location") != "/history?from=2026-01-01&q=x" {
		t.Errorf("%d to %q", done.StatusCode, done.Header.Get("Location"))
	}
	if notice := ben.get("/history").doc(t).Find(`#banner [role=alert]`).Text(); !strings.Contains(notice, "The session is erased") {
		t.Errorf("the notice says %q", notice)
	}
	now := ben.past("")[0]
	if now.Session != "" || now.Start != one.Start || ben.joins(one) != 0 {
		t.Errorf("history has %+v, %d joins", now, ben.joins(one))
	}
	for name, res := range map[string]answer{"shown again": ben.get(one.path(t, "erase")), "sent again": ben.post(action, form), "an admin": ada.get(one.path(t, "erase") + "&organizer=" + bensKey)} {
		if res.StatusCode != http.StatusConflict || !strings.Contains(res.body, "erased already") {
			t.Errorf("%s: %d %s", name, res.StatusCode, headline(t, res))
		}
	}
	deeds := p.deeds(account)
	if len(deeds) != 2 || !strings.HasPrefix(deeds[0], "Ben Example: erase session "+one.Subject+", session "+one.Session) || !strings.HasSuffix(deeds[0], ": done") || deeds[1] != "Ben Example: erase session : refused" {
		t.Errorf("the audit log has %q", deeds)
	}
}

// The organizer and account admins may, and nobody else.
func TestWhoMayErase(t *testing.T) {
	p := newPortal(t)
	ben := p.connected("ben")
	one := ben.past("")[0]
	_, form := ben.get(one.path(t, "erase")).eraseForm(t, "attendees")
	form.Del("form_token")
	for _, tt := range []struct {
		who, query string
		want       int
	}{
		{"cleo", "", http.StatusForbidden},
		{"cleo", "&organizer=" + bensKey, http.StatusForbidden},
		{"dan", "", http.StatusForbidden},
		{"ben", "&organizer=" + adasKey, http.StatusForbidden},
		{"ada", "&organizer=all", http.StatusUnprocessableEntity},
		{"ada", "&organizer=x", http.StatusNotFound},
		{"ada", "&organizer=" + cleos, http.StatusNotFound},
	} {
		b := p.connected(tt.who)
		path := one.path(t, "erase") + tt.query
		if res := b.get(path); res.StatusCode != tt.want || res.doc(t).Find("[name=what]").Length() > 0 {
			t.Errorf("%s%s looks: %d", tt.who, tt.query, res.StatusCode)
		}
		sent := url.Values{}
		for name, values := range form {
			sent[name] = values
		}
		if res := b.post(path, sent); res.StatusCode != tt.want {
			t.Errorf("%s%s erases: %d", tt.who, tt.query, res.StatusCode)
		}
	}
	if n := p.sandbox.Calls()[eraseAttendeesCall]; n != 0 || ben.joins(one) == 0 {
		t.Fatalf("GoTo was asked %d times to erase", n)
	}
	// An admin need not say whose it is, as long as there is a row to tell.
	ada := p.connected("ada")
	for _, query := range []string{"", "&organizer=" + bensKey} {
		page := ada.get(one.path(t, "erase") + query)
		if text := whatShows(page.doc(t).Find("dl")); page.StatusCode != http.StatusOK || !strings.Contains(text, "Ben Example") {
			t.Errorf("ada%s looks: %d %s", query, page.StatusCode, text)
		}
		action, form := page.eraseForm(t, "attendees")
		if res := ada.post(action, form); query != "" && (res.StatusCode != http.StatusSeeOther || !strings.Contains(res.Header.Get("Location"), "organizer="+bensKey)) {
			t.Errorf("ada erases: %d to %s", res.StatusCode, res.Header.Get("Location"))
		}
		one = ben.past("")[1]
	}
}

// While GoTo's answer is lost nobody knows, and the portal says so. It asks no
// more than the client does by itself, and leads to where one can look.
func TestEraseWhoseAnswerIsLost(t *testing.T) {
	p := newPortal(t)
	ben := p.connected("ben")
	one := ben.past("")[0]
	action, form := ben.get(one.path(t, "erase")).eraseForm(t, "attendees")
	p.wire.loseAnswers("DELETE /G2M/rest/organizers/" + bensKey + "/sessions/" + one.Session + "/attendees")
	res := ben.post(action, form)
	p.wire.loseAnswers("")
	doc := res.doc(t)
	if res.StatusCode != http.StatusServiceUnavailable || headline(t, res) != "It is not certain that it was erased" || !strings.Contains(doc.Find("main").Text(), "may have erased") {
		t.Errorf("%d %s", res.StatusCode, doc.Find("main").Text())
	}
	if next := doc.Find("main a.primary").AttrOr("href", ""); next != one.path(t, "attendees") || doc.Find("main form").Length() > 0 || res.Header.Get("Retry-After") == "" {
		t.Errorf("leads to %q, with %d forms", next, doc.Find("main form").Length())
	}
	if n := p.sandbox.Calls()[eraseAttendeesCall]; n != 2 {
		t.Errorf("GoTo was asked %d times", n)
	}
	if got := p.deeds(account); len(got) != 1 || !strings.HasSuffix(got[0], ": unknown") {
		t.Errorf("the audit log has %q", got)
	}
	if n := ben.joins(one); n != 0 {
		t.Errorf("the look shows %d joins, which GoTo has erased", n)
	}
}

// GoTo's own word, when it refuses.
func TestEraseThatGoToRefuses(t *testing.T) {
	p := newPortal(t)
	ben := p.connected("ben")
	one := ben.past("")[0]
	action, form := ben.get(one.path(t, "erase")).eraseForm(t, "attendees")
	for status, want := range map[int]int{403: 403, 404: 409, 429: 503, 400: 422} {
		p.sandbox.Control(map[string]any{"faults": []any{fault(eraseAttendeesCall, "status", "status", status, "times", 0)}})
		if res := ben.post(action, form); res.StatusCode != want || strings.Contains(res.body, "not certain") {
			t.Errorf("GoTo says %d: %d %s", status, res.StatusCode, headline(t, res))
		}
	}
	p.sandbox.Control(map[string]any{"faults": []any{}})
	got := p.deeds(account)
	for _, line := range got {
		if !strings.HasSuffix(line, ": refused") || !strings.Contains(line, one.Session) {
			t.Errorf("the audit log has %q", line)
		}
	}
	if len(got) != 4 || ben.joins(one) == 0 {
		t.Errorf("%d entries, %d joins", len(got), ben.joins(one))
	}
}

// Rows that are erased are not shown any more, to the one who did it or to
// others who saw them before, even while GoTo cannot be asked.
func TestErasedRowsAreNotShown(t *testing.T) {
	p := newPortal(t)
	ben, ada := p.connected("ben"), p.connected("ada")
	one := ben.past("")[0]
	seen := one.path(t, "attendees")
	for who, b := range map[string]*browser{"ben": ben, "ada": ada} {
		if res := b.get(seen); res.StatusCode != http.StatusOK || res.doc(t).Find("tbody tr").Length() == 0 {
			t.Fatalf("%s sees nobody: %d", who, res.StatusCode)
		}
	}
	action, form := ben.get(one.path(t, "erase")).eraseForm(t, "attendees")
	if res := ben.post(action, form); res.StatusCode != http.StatusSeeOther {
		t.Fatal(res.StatusCode)
	}
	p.sandbox.Control(map[string]any{"faults": []any{fault("GET /G2M/rest/meetings/*/attendees", "status", "status", 503, "times", 0)}})
	for who, b := range map[string]*browser{"ben": ben, "ada": ada} {
		if res := b.get(seen); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s is shown what was kept: %d", who, res.StatusCode)
		}
	}
}

// Sessions that cannot be erased: running, over for no time at all, unknown.
func TestNoSessionToErase(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	id := ada.create()
	for name, path := range map[string]string{
		"not yet held":       "/meetings/" + id + "/erase",
		"no such occurrence": "/meetings/201480117/erase?occurrence=1",
		"no such time":       "/meetings/201480117/erase?occurrence=2001-01-01T00:00:00Z",
		"no time":            "/meetings/201480117/erase?occurrence=soon",
		"no such meeting":    "/meetings/999999999/erase",
		"no id":              "/meetings/x/erase",
	} {
		for method, res := range map[string]answer{"GET": ada.get(path), "POST": ada.post(path, nil)} {
			if res.StatusCode != http.StatusNotFound || res.doc(t).Find("[name=what]").Length() > 0 {
				t.Errorf("%s, %s: %d %s", name, method, res.StatusCode, headline(t, res))
			}
		}
	}
}
