package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"portal/sandbox"
)

// day is a fixed moment, so that two sandboxes can be compared.
var day = time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)

func openBox(t *testing.T, ledger string, now time.Time) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Open(sandbox.Config{BaseURL: "http://localhost:8080", Ledger: ledger, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask calls a sandbox without a network.
func ask(t *testing.T, s *sandbox.Sandbox, who, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:1"
	if who != "" {
		token, _ := s.Grant(who + "@example.test")
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// everything is what ada can see, as one text.
func everything(t *testing.T, s *sandbox.Sandbox) string {
	t.Helper()
	ask(t, s, "", "POST", "/sandbox/control", `{"rate_limit_per_s":0}`)
	var b strings.Builder
	for _, path := range []string{g2m + "/upcomingMeetings", g2m + "/meetings", g2m + "/historicalMeetings" + span, g2m + "/organizers/" + ben + "/attendees" + span,
		g2m + "/organizers/" + ada + "/attendees" + span, users, g2m + "/groups/6301000000000000002/attendees"} {
		w := ask(t, s, "ada", "GET", "/sandbox"+path, "")
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		b.WriteString(w.Body.String())
	}
	return b.String()
}

func TestSampleIsTheSameEveryTime(t *testing.T) {
	first := everything(t, openBox(t, "", day))
	if first != everything(t, openBox(t, "", day)) {
		t.Error("two sandboxes of one moment differ")
	}
	for _, want := range []string{`=HYPERLINK(`, `<script>alert(1)</script>`, `"attendeeEmail":""`, `"Sam Taylor"`, "/#/s/", `"shareUrl":"https://transcripts.gotomeeting.com"`,
		`"ACTIVE"`, `"immediate"`, `"recurring"`, "Ada's Meeting", "عمر"} {
		if !strings.Contains(first, want) && !strings.Contains(first, strings.ReplaceAll(want, `"`, `\"`)) {
			t.Errorf("sample lacks %s", want)
		}
	}
	sixty := 0
	w := ask(t, openBox(t, "", day), "ada", "GET", "/sandbox"+g2m+"/historicalMeetings"+span, "")
	for _, row := range rows(t, w.Body.Bytes()) {
		switch row["numAttendees"] {
		case "60":
			sixty++
		case "0":
			t.Errorf("nobody was at %v", row)
		}
	}
	if sixty < 2 {
		t.Errorf("%d past meetings with 60 attendees", sixty)
	}
	past := func(now time.Time) string {
		w := ask(t, openBox(t, "", now), "ben", "GET", "/sandbox"+g2m+"/historicalMeetings?startDate=2026-10-01T00:00:00Z&endDate=2026-11-20T00:00:00Z", "")
		return w.Body.String()
	}
	if past(day) != past(day.AddDate(0, 0, 3)) {
		t.Error("the past changes when the day does")
	}
}

func TestLedgerBringsEverythingBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger")
	s := openBox(t, file, day)
	ask(t, s, "", "POST", "/sandbox/control", `{"rate_limit_per_s":0}`)
	const meetings = "/sandbox" + g2m + "/meetings"
	for _, step := range []struct{ method, path, body string }{
		{"POST", meetings, newMeeting},
		{"POST", meetings, strings.Replace(newMeeting, "A &lt;b&gt;", "Second", 1)},
		{"PUT", meetings + "/201503874", strings.Replace(newMeeting, "A &lt;b&gt;", "Changed", 1)},
		{"DELETE", meetings + "/201511793", ""},
		{"POST", "/sandbox" + users, `{"users":[{"email":"new@example.test","firstName":"N","lastName":"O"}]}`},
		{"DELETE", "/sandbox" + users + "/8439885694023990009", ""},
	} {
		if w := ask(t, s, "ada", step.method, step.path, step.body); w.Code/100 != 2 {
			t.Fatalf("%s %s: %d %s", step.method, step.path, w.Code, w.Body)
		}
	}
	endRunning(t, s)
	if m, _ := sessionOf(t, s, "Support desk, running now"); m == nil {
		t.Fatal("the ended run is not in history")
	}
	for _, part := range []string{"/attendees", ""} {
		if w := ask(t, s, "ada", "DELETE", "/sandbox"+g2m+"/organizers/"+ada+"/sessions/"+anySession(t, s)+part, ""); w.Code != http.StatusNoContent {
			t.Fatalf("erase%s: %d", part, w.Code)
		}
	}
	before := everything(t, s)
	access, refreshToken := s.Grant("ada@example.test")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"op":"meeting","meeting":{"id":"7`); err != nil { // torn by a kill
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time nothing torn may be left in the middle
		again := openBox(t, file, day)
		if after := everything(t, again); after != before {
			t.Fatalf("different after a restart: %d and %d bytes", len(before), len(after))
		}
		r := httptest.NewRequest("GET", "/sandbox"+g2m+"/upcomingMeetings", nil)
		r.Header.Set("Authorization", access)
		w := httptest.NewRecorder()
		again.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("token of before the restart: %d", w.Code)
		}
		w = ask(t, again, "", "POST", "/sandbox/oauth/token", form("grant_type", "refresh_token", "client_id", "sandbox", "client_secret", "sandbox", "refresh_token", refreshToken).Encode())
		if w.Code != http.StatusOK {
			t.Errorf("refresh token of before the restart: %d %s", w.Code, w.Body)
		}
		// A new id must not be one of those before.
		ask(t, again, "ada", "POST", meetings, newMeeting)
		if n := strings.Count(everything(t, again), `"meetingId":"7`); n < 3 {
			t.Errorf("%d created meetings", n)
		}
		before = everything(t, again)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBrokenLedgerIsRefused(t *testing.T) {
	for _, text := range []string{"nonsense\n", `{"op":"meeting"}` + "\n", `{"op":"delete"}` + "\n"} {
		file := filepath.Join(t.TempDir(), "ledger")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sandbox.Open(sandbox.Config{BaseURL: "http://localhost:8080", Ledger: file}); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// host asks for ada's host URL of a meeting and returns its path and query.
func host(t *testing.T, s *sandbox.Sandbox, id string) string {
	t.Helper()
	w := ask(t, s, "ada", "GET", "/sandbox"+g2m+"/meetings/"+id+"/start", "")
	o := parse(t, w.Body.Bytes()).(map[string]any)
	u, err := url.Parse(o["hostURL"].(string))
	if err != nil || u.Host != "127.0.0.1:8080" || u.Query().Get("meetingId") != id {
		t.Fatalf("host URL %v %v", u, err)
	}
	for _, key := range []string{"startMode", "authenticationToken", "runMode", "displayMode", "locale", "buildNumber", "egwHostname", "egwPort", "egwIp", "productName", "theme"} {
		if u.Query().Get(key) == "" {
			t.Errorf("the host URL lacks %s", key)
		}
	}
	return u.RequestURI()
}

func endRunning(t *testing.T, s *sandbox.Sandbox) string {
	t.Helper()
	at := host(t, s, "201495955")
	if w := ask(t, s, "", "GET", at, ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "End meeting") {
		t.Fatalf("host page: %d %s", w.Code, w.Body)
	}
	_, query, _ := strings.Cut(at, "?")
	w := ask(t, s, "", "POST", "/sandbox/host", query)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("end: %d %s", w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

// sessionOf finds the latest history row with that subject and a session.
func sessionOf(t *testing.T, s *sandbox.Sandbox, subject string) (found map[string]any, text string) {
	t.Helper()
	w := ask(t, s, "ada", "GET", "/sandbox"+g2m+"/historicalMeetings"+span, "")
	for _, m := range rows(t, w.Body.Bytes()) {
		if m["subject"] == subject && m["sessionId"] != "" {
			found, text = m, m["sessionId"].(string)
		}
	}
	return found, text
}

func anySession(t *testing.T, s *sandbox.Sandbox) string {
	t.Helper()
	_, id := sessionOf(t, s, "Daily check-in")
	if id == "" {
		t.Fatal("no session of the daily check-in")
	}
	return id
}

func TestHostPageRunsAndEndsAMeeting(t *testing.T) {
	now := day
	s, err := sandbox.Open(sandbox.Config{BaseURL: "http://localhost:8080", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, s, "", "POST", "/sandbox/control", `{"rate_limit_per_s":0}`)
	const id = "201503874" // tomorrow's board meeting
	status := func() any {
		return rows(t, ask(t, s, "ada", "GET", "/sandbox"+g2m+"/meetings/"+id, "").Body.Bytes())[0]["status"]
	}
	at := host(t, s, id)
	if status() != "INACTIVE" {
		t.Error("start alone made it ACTIVE")
	}
	if w := ask(t, s, "", "GET", strings.Replace(at, "authenticationToken=", "authenticationToken=x", 1), ""); w.Code != http.StatusNotFound {
		t.Errorf("wrong token: %d", w.Code)
	}
	ask(t, s, "", "GET", at, "")
	if status() != "ACTIVE" {
		t.Error("opening the host URL did not start it")
	}
	if w := ask(t, s, "", "GET", "/sandbox/join/"+id, ""); !strings.Contains(w.Body.String(), "is running") {
		t.Errorf("join page: %d %s", w.Code, w.Body)
	}
	now = now.Add(10 * time.Minute)
	_, query, _ := strings.Cut(at, "?")
	w := ask(t, s, "", "POST", "/sandbox/host", query)
	if after := ask(t, s, "", "GET", w.Header().Get("Location"), ""); !strings.Contains(after.Body.String(), "ended after 10 min") {
		t.Errorf("page after the end: %d %s", after.Code, after.Body)
	}
	if status() != "INACTIVE" {
		t.Error("still ACTIVE")
	}
	m, _ := sessionOf(t, s, "Board meeting")
	if m["meetingId"] != id || m["duration"] != "10" || m["startTime"] != "2026-11-24T09:30:00.+0000" {
		t.Errorf("history row %v", m)
	}
	joins := rows(t, ask(t, s, "ada", "GET", "/sandbox"+g2m+"/meetings/"+id+"/attendees", "").Body.Bytes())
	if len(joins) < 3 || len(joins) > 5 || joins[0]["attendeeName"] != "Ada Example" {
		t.Errorf("%d joins: %v", len(joins), joins)
	}
	times := map[any]int{} // people come one after the other, and some leave before the end
	for _, j := range joins {
		times[j["joinTime"]]++
		times[j["leaveTime"]]++
	}
	if len(times) < len(joins)+2 || times["2026-11-24T09:40:00.+0000"] < 2 {
		t.Errorf("people come and go at %v", times)
	}
	if w := ask(t, s, "", "GET", "/sandbox/join/1", ""); w.Code != http.StatusNotFound {
		t.Errorf("join page of no meeting: %d", w.Code)
	}
}

func TestErasing(t *testing.T) {
	s := openBox(t, "", day)
	ask(t, s, "", "POST", "/sandbox/control", `{"rate_limit_per_s":0}`)
	var with map[string]any
	for _, m := range rows(t, ask(t, s, "ben", "GET", "/sandbox"+g2m+"/historicalMeetings"+span, "").Body.Bytes()) {
		if m["recording"] != nil {
			with = m
		}
	}
	id, meeting := with["sessionId"].(string), with["meetingId"].(string)
	at := "/sandbox" + g2m + "/organizers/" + ben + "/sessions/" + id
	list := func() (joins int, row map[string]any) {
		for _, m := range rows(t, ask(t, s, "ben", "GET", "/sandbox"+g2m+"/historicalMeetings"+span, "").Body.Bytes()) {
			if m["sessionId"] == id {
				row = m
			}
		}
		w := ask(t, s, "ben", "GET", "/sandbox"+g2m+"/meetings/"+meeting+"/attendees", "")
		if w.Code == http.StatusOK {
			joins = len(rows(t, w.Body.Bytes()))
		}
		return joins, row
	}
	if n, _ := list(); n == 0 {
		t.Fatal("nothing to erase")
	}
	if w := ask(t, s, "cleo", "DELETE", at, ""); w.Code != http.StatusForbidden {
		t.Errorf("another organizer: %d", w.Code)
	}
	for _, step := range []struct {
		part             string
		joins, recording bool
	}{{"/recordings", true, false}, {"/attendees", false, false}} {
		if w := ask(t, s, "ben", "DELETE", at+step.part, ""); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
			t.Errorf("%s: %d %s", step.part, w.Code, w.Body)
		}
		n, row := list()
		if (n > 0) != step.joins || row == nil || (row["recording"] != nil) != step.recording {
			t.Errorf("after %s: %d joins, row %v", step.part, n, row)
		}
	}
	if w := ask(t, s, "ben", "DELETE", at, ""); w.Code != http.StatusNoContent {
		t.Errorf("session: %d", w.Code)
	}
	if _, row := list(); row != nil {
		t.Errorf("session still there: %v", row)
	}
	for _, part := range []string{"", "/attendees", "/recordings"} {
		if w := ask(t, s, "ben", "DELETE", at+part, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s of no session: %d", part, w.Code)
		}
	}
}

// A meeting whose session is erased stays in history, without it.
func TestErasedSessionsLeaveTheirMeeting(t *testing.T) {
	s := openBox(t, "", day)
	control := func(settings string) { ask(t, s, "", "POST", "/sandbox/control", settings) }
	control(`{"rate_limit_per_s":0,"scale":2}`)
	past := func(path string) []map[string]any {
		return rows(t, ask(t, s, "ben", "GET", "/sandbox"+g2m+path, "").Body.Bytes())
	}
	erase := func(row map[string]any) {
		at := "/sandbox" + g2m + "/organizers/" + ben + "/sessions/" + row["sessionId"].(string)
		if w := ask(t, s, "ben", "DELETE", at, ""); w.Code != http.StatusNoContent {
			t.Fatalf("erase: %d %s", w.Code, w.Body)
		}
	}
	before := past("/historicalMeetings" + span)
	var own, film map[string]any // one with a recording, and one that scale made
	for _, row := range before {
		switch recording, ok := row["recording"].(map[string]any); {
		case ok:
			own, film = row, recording
		case strings.HasPrefix(row["sessionId"].(string), "4"):
			erase(row)
			row["sessionId"], row["numAttendees"] = "", "0"
		}
	}
	link, err := url.Parse(film["downloadUrl"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if w := ask(t, s, "", "GET", link.Path, ""); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "video/mp4" || w.Body.Len() < 8 {
		t.Errorf("the recording's file: %d, %d bytes", w.Code, w.Body.Len())
	}
	erase(own)
	own["sessionId"], own["numAttendees"] = "", "0"
	delete(own, "recording")
	control(`{"scale":1}`)
	control(`{"scale":2}`)
	if after := past("/historicalMeetings" + span); !reflect.DeepEqual(after, before) {
		t.Errorf("afterwards %d rows of %d, or they differ", len(after), len(before))
	}
	numbers := 0
	for _, row := range past("/meetings?history=true") {
		if row["sessionId"] == json.Number("0") && row["numAttendees"] == json.Number("0") {
			numbers++
		}
	}
	if numbers < 2 {
		t.Errorf("%d without a session in the older list", numbers)
	}
	if w := ask(t, s, "", "GET", link.Path, ""); w.Code != http.StatusNotFound {
		t.Errorf("the erased recording's file: %d", w.Code)
	}
}
