package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"portal/handlers"
)

// askFeed presses "Create a feed" and returns where the browser goes then.
func (b *browser) askFeed() string {
	b.t.Helper()
	res := b.post(b.portal.prefix+"/settings/feed", url.Values{"action": {"create"}})
	target, ok := strings.CutPrefix(res.Header.Get("Refresh"), "0; url=")
	if res.StatusCode != http.StatusOK || !ok {
		b.t.Fatalf("asking for a feed answers %d: %s", res.StatusCode, res.body)
	}
	if href := res.doc(b.t).Find("main a.primary").AttrOr("href", ""); href != target {
		b.t.Errorf("the page leads to %q and the header to %q", href, target)
	}
	return target
}

// createFeed walks through GoTo as user and returns the last answer.
func (b *browser) createFeed(user string) answer {
	b.t.Helper()
	return b.get(b.allow(b.askFeed(), user))
}

// feed creates a feed and returns its address, without what is the portal's.
func (b *browser) feed(user string) string {
	b.t.Helper()
	res := b.createFeed(user + "@example.test")
	address := res.doc(b.t).Find("main code").Text()
	path, ok := strings.CutPrefix(address, b.portal.url)
	if res.StatusCode != http.StatusOK || !ok || !regexp.MustCompile(`^`+b.portal.prefix+`/feed/[A-Za-z0-9_-]{43}\.ics$`).MatchString(path) {
		b.t.Fatalf("%d, the feed's address is %q", res.StatusCode, address)
	}
	if got := res.doc(b.t).Find("[data-copy]").AttrOr("data-copy", ""); got != address {
		b.t.Errorf("the button copies %q", got)
	}
	return path
}

// calendar fetches a feed as a calendar does: without cookies.
func (p *portal) calendar(address string) answer {
	p.t.Helper()
	return p.browser().get(address)
}

// event is the part of a calendar that is about a meeting, unfolded; "" when
// there is none.
func (a answer) event(id string) string {
	flat := strings.ReplaceAll(a.body, "\r\n ", "")
	for part := range strings.SplitSeq(flat, "BEGIN:VEVENT\r\n") {
		if strings.HasPrefix(part, "UID:"+id+"@gotomeeting\r\n") {
			return part
		}
	}
	return ""
}

func (a answer) sequence(t *testing.T, id string) int {
	t.Helper()
	_, rest, _ := strings.Cut(a.event(id), "\r\nSEQUENCE:")
	n, _, _ := strings.Cut(rest, "\r\n")
	number, err := strconv.Atoi(n)
	if err != nil {
		t.Fatalf("no SEQUENCE in %q", a.event(id))
	}
	return number
}

func TestFeed(t *testing.T) {
	p := newPortal(t)
	ben := p.connected("ben")
	if text := ben.get("/settings").doc(t).Find("#feed button").Text(); text != "Create a feed" {
		t.Errorf("without a feed Settings offer %q", text)
	}
	id := ben.create("subject", "Plan; 1, 2 \\ 3 "+strings.Repeat("ü", 60))
	address := ben.feed("ben")
	if text := ben.get("/settings").doc(t).Find("#feed").Text(); !strings.Contains(text, "today, ") || !strings.Contains(text, "Not yet") {
		t.Errorf("Settings say %q", text)
	}

	res := p.calendar(address)
	h := res.Header
	if res.StatusCode != http.StatusOK || h.Get("Content-Type") != "text/calendar; charset=utf-8" || h.Get("Cache-Control") != "no-store" ||
		h.Get("Referrer-Policy") != "no-referrer" || len(h["Set-Cookie"]) > 0 {
		t.Errorf("%d %v", res.StatusCode, h)
	}
	for _, line := range []string{"METHOD:PUBLISH", "REFRESH-INTERVAL;VALUE=DURATION:PT30M", "X-PUBLISHED-TTL:PT30M"} {
		if !strings.Contains(res.body, line+"\r\n") {
			t.Errorf("no line %s", line)
		}
	}
	for line := range strings.SplitSeq(res.body, "\r\n") {
		if len(line) > 75 {
			t.Errorf("a line of %d octets", len(line))
		}
	}
	event := res.event(id)
	for _, part := range []string{
		"DTSTART:20300115T090000Z\r\n", "DTEND:20300115T094500Z\r\n", `SUMMARY:Plan\; 1\, 2 \\ 3 ü`, "URL:https://meet.goto.com/" + id + "\r\n", "SEQUENCE:0\r\n",
		`Tuesday 15 January 2030\, 04:00 – 04:45\nNew York (UTC-5)`, "Meeting ID " + grouped(id), "ORGANIZER;CN=Ben Example:mailto:ben@example.test\r\n",
	} {
		if !strings.Contains(event, part) {
			t.Errorf("no %q in\n%s", part, event)
		}
	}
	// The same meetings as the list's own calendar file, and no room.
	list := ben.get("/meetings.ics").body
	if n := strings.Count(res.body, "BEGIN:VEVENT"); n < 4 || n != strings.Count(list, "BEGIN:VEVENT") {
		t.Errorf("%d events in the feed, %d in the list", n, strings.Count(list, "BEGIN:VEVENT"))
	}
	if rooms := ben.get("/meetings.json?type=recurring").body; strings.Count(rooms, "meeting_id") < 2 {
		t.Fatal("there is no room to leave out")
	}
	if strings.Contains(res.body, "RRULE") || strings.Contains(res.body, "/host") {
		t.Error("a rule or a host link")
	}
	if text := ben.get("/settings").doc(t).Find("#feed").Text(); strings.Contains(text, "Not yet") {
		t.Errorf("after it was used Settings say %q", text)
	}
	head := p.browser().do(http.MethodHead, address, nil)
	if head.StatusCode != http.StatusOK || head.body != "" {
		t.Errorf("HEAD: %d", head.StatusCode)
	}
}

func grouped(id string) string { return id[:3] + "-" + id[3:6] + "-" + id[6:] }

// Ten devices make one call in five minutes, and what the user changes through
// the portal shows at once, counted.
func TestFeedAsksGoToSeldom(t *testing.T) {
	p := newPortal(t)
	ben := p.connected("ben")
	id := ben.create()
	address := ben.feed("ben")
	calls := func() int { return p.sandbox.Calls()[upcomingCall] }
	before := calls()
	for range 10 {
		if res := p.calendar(address); res.StatusCode != http.StatusOK || res.sequence(t, id) != 0 {
			t.Fatal(res.StatusCode)
		}
		p.ahead.Add(int64(29 * time.Second))
	}
	if n := calls() - before; n != 1 {
		t.Errorf("%d calls for ten devices", n)
	}
	p.ahead.Add(int64(5*time.Minute + time.Second))
	p.calendar(address)
	if n := calls() - before; n != 2 {
		t.Errorf("%d calls six minutes later", n)
	}
	edit := ben.editForm(id)
	edit.Set("subject", "Renamed")
	if res := ben.post("/meetings/"+id, edit); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %s", res.StatusCode, res.body)
	}
	for range 2 {
		res := p.calendar(address)
		if res.sequence(t, id) != 1 || !strings.Contains(res.event(id), "SUMMARY:Renamed\r\n") {
			t.Errorf("after an edit: %s", res.event(id))
		}
	}
	// The meeting's own file counts as the feed does.
	if n := ben.get("/meetings/"+id+".ics").sequence(t, id); n != 1 {
		t.Errorf("the meeting's own file has SEQUENCE %d", n)
	}
	if n := ben.get("/meetings.ics").sequence(t, id); n != 1 {
		t.Errorf("the list's file has SEQUENCE %d", n)
	}
	ben.hold(id)
	ben.decide(id, "delete")
	if p.calendar(address).event(id) != "" {
		t.Error("a deleted meeting is still there")
	}
}

func TestFeedIsRevoked(t *testing.T) {
	p := newPortal(t)
	ben, cleo := p.connected("ben"), p.connected("cleo")
	address, cleos := ben.feed("ben"), cleo.feed("cleo")
	if res := cleo.post("/settings/feed", url.Values{"action": {"stop"}}); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, "Nothing was changed") {
		t.Errorf("an unknown action: %d", res.StatusCode)
	}
	// Signing out leaves it alone.
	for _, leave := range []struct{ path, field string }{{"/auth/signout", ""}, {"/settings/sessions", "all"}} {
		b := p.connected("ben")
		if res := b.post(leave.path, url.Values{"end": {leave.field}}); res.StatusCode != http.StatusSeeOther {
			t.Fatal(res.StatusCode)
		}
		if got := p.calendar(address).StatusCode; got != http.StatusOK {
			t.Errorf("after %s: %d", leave.path, got)
		}
	}
	ben = p.connected("ben")
	if res := ben.post("/settings/feed", url.Values{"action": {"revoke"}}); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/settings" {
		t.Fatalf("revoke: %d", res.StatusCode)
	}
	if page := ben.get("/settings"); !strings.Contains(page.body, "The feed is revoked") || page.doc(t).Find("#feed button").Text() != "Create a feed" {
		t.Error("Settings do not say so")
	}
	if res := p.calendar(address); res.StatusCode != http.StatusNotFound || strings.Contains(res.body, "VEVENT") {
		t.Errorf("a revoked feed: %d", res.StatusCode)
	}
	ben.post("/settings/feed", url.Values{"action": {"revoke"}})
	if page := ben.get("/settings"); !strings.Contains(page.body, "There was no feed any more") {
		t.Error("revoked twice")
	}
	if again := ben.feed("ben"); again == address || p.calendar(again).StatusCode != http.StatusOK || p.calendar(address).StatusCode != http.StatusNotFound {
		t.Error("a new feed has the old address")
	}
	// Disconnecting ends it.
	if res := cleo.post("/auth/disconnect", nil); res.StatusCode != http.StatusSeeOther {
		t.Fatal(res.StatusCode)
	}
	if got := p.calendar(cleos).StatusCode; got != http.StatusNotFound {
		t.Errorf("after disconnecting: %d", got)
	}
	log := p.connected("ada").get("/audit.json?q=feed").body
	for action, n := range map[string]int{"connect the calendar feed": 3, "revoke the calendar feed": 2} {
		if got := strings.Count(log, `"`+action+`"`); got != n {
			t.Errorf("the audit log has %q %d times, not %d", action, got, n)
		}
	}
}

// Whoever does not have the address gets nothing, and the same nothing.
func TestFeedAddressesThatOpenNothing(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	address := ada.feed("ada")
	bare := strings.TrimSuffix(address, ".ics")
	for _, path := range []string{
		"/feed/x.ics", "/feed/" + strings.Repeat("A", 43) + ".ics", bare, bare + ".csv", bare + ".json", bare + ".xlsx", bare + "A.ics", address + "/", address + ".ics",
		"/feed/.ics", "/feed/", strings.ToUpper(bare) + ".ics", strings.Replace(address, "/feed/", "/feed/%0a", 1),
	} {
		for _, b := range []*browser{ada, p.browser()} {
			if res := b.get(path); res.StatusCode != http.StatusNotFound || strings.Contains(res.body, "VEVENT") {
				t.Errorf("%s: %d", path, res.StatusCode)
			}
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		if res := p.browser().do(method, address, nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", method, res.StatusCode)
		}
	}
	if p.calendar(address).StatusCode != http.StatusOK {
		t.Error("the address itself opens nothing")
	}
}

func TestFeedNeedsItsUser(t *testing.T) {
	p := newPortal(t)
	ben := p.connected("ben")
	before := ben.get("/settings/sessions").body
	other := ben.createFeed("cleo@example.test")
	if other.StatusCode != http.StatusForbidden || !strings.Contains(other.body, "allowed by another user") || other.doc(t).Find(`main a[href="/settings"]`).Length() != 1 {
		t.Errorf("another user: %d %s", other.StatusCode, other.body)
	}
	deny := ben.createFeed("deny")
	if deny.StatusCode != http.StatusForbidden || !strings.Contains(deny.body, "You did not allow the feed") {
		t.Errorf("denied: %d", deny.StatusCode)
	}
	target := ben.allow(ben.askFeed(), "ben@example.test")
	if res := ben.get(target); res.StatusCode != http.StatusOK {
		t.Fatal(res.StatusCode)
	}
	if res := ben.get(target); res.StatusCode != http.StatusBadRequest || !strings.Contains(res.body, "signed in already") {
		t.Errorf("the same callback again: %d", res.StatusCode)
	}
	// It stayed the same session, and Ben's.
	if list := ben.get("/settings/sessions"); strings.Count(list.body, "Signed in") != strings.Count(before, "Signed in") || !strings.Contains(list.body, "This browser") {
		t.Error("other sessions than before")
	}
	// A flow that was begun elsewhere is no way to plant a feed.
	theirs := p.connected("cleo")
	planted := theirs.allow(theirs.askFeed(), "cleo@example.test")
	if res := ben.get(planted); res.StatusCode != http.StatusBadRequest {
		t.Errorf("another browser's flow: %d", res.StatusCode)
	}
	if res := p.browser().get(ben.allow(ben.askFeed(), "ben@example.test")); res.StatusCode != http.StatusBadRequest {
		t.Errorf("without a session: %d", res.StatusCode)
	}
}

func TestFeedWhenGoToFails(t *testing.T) {
	p := newPortal(t)
	ben := p.connected("ben")
	address := ben.feed("ben")
	older := func() { p.ahead.Add(int64(6 * time.Minute)) }
	for kind, want := range map[string]int{"status": 503, "html": 502} {
		older()
		p.sandbox.Control(map[string]any{"faults": []any{fault(upcomingCall, kind, "times", 0)}})
		res := p.calendar(address)
		if res.StatusCode != want || want == 503 && res.Header.Get("Retry-After") == "" || strings.Contains(res.body, "VCALENDAR") {
			t.Errorf("%s: %d, Retry-After %q", kind, res.StatusCode, res.Header.Get("Retry-After"))
		}
		if found := strings.Contains(res.body, "/feed/"); found || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s", kind, res.body)
		}
	}
	p.sandbox.Control(map[string]any{"faults": []any{}})
	if res := p.calendar(address); res.StatusCode != http.StatusOK {
		t.Errorf("well again: %d", res.StatusCode)
	}

	// GoTo takes the grant back: the calendar is told, Settings offer the way on,
	// and the address stays.
	older()
	p.sandbox.Control(map[string]any{"revoke_refresh_tokens": true, "expire_access_tokens": true})
	for range 2 {
		if res := p.calendar(address); res.StatusCode != http.StatusForbidden || !strings.Contains(res.body, "connected again") {
			t.Errorf("a grant that is over: %d %s", res.StatusCode, res.body)
		}
	}
	ben = p.connected("ben")
	section := ben.get("/settings").doc(t).Find("#feed")
	if section.Find(`button[value="create"]`).Text() != "Reconnect the feed" || section.Find(".note.warning").Length() != 1 {
		t.Errorf("Settings say %q", section.Text())
	}
	if res := ben.createFeed("ben@example.test"); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/settings" {
		t.Errorf("reconnect: %d %s", res.StatusCode, res.body)
	}
	if page := ben.get("/settings"); !strings.Contains(page.body, "connected again") || page.doc(t).Find(`#feed button[value="create"]`).Length() != 0 {
		t.Error("Settings do not say so")
	}
	if res := p.calendar(address); res.StatusCode != http.StatusOK {
		t.Errorf("reconnected: %d", res.StatusCode)
	}
}

// Each way in which GoTo may hand out refresh tokens keeps a feed alive.
func TestFeedInAllFourModes(t *testing.T) {
	for _, mode := range []string{"rotate", "same", "omit", "near_expiry"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t)
			p.sandbox.Control(map[string]any{"refresh_mode": mode})
			ben := p.connected("ben")
			address := ben.feed("ben")
			before := p.sandbox.Calls()["POST /oauth/token"]
			for range 3 {
				p.ahead.Add(int64(6 * time.Minute))
				p.sandbox.Control(map[string]any{"expire_access_tokens": true})
				if res := p.calendar(address); res.StatusCode != http.StatusOK {
					t.Fatalf("%d: %s", res.StatusCode, res.body)
				}
			}
			if n := p.sandbox.Calls()["POST /oauth/token"] - before; n != 3 {
				t.Errorf("%d refreshes", n)
			}
		})
	}
}

// A calendar that runs wild is slowed down, and no other.
func TestFeedIsLimited(t *testing.T) {
	p := newPortal(t)
	ben, cleo := p.connected("ben"), p.connected("cleo")
	address, other := ben.feed("ben"), cleo.feed("cleo")
	limited := 0
	for range 40 {
		switch res := p.calendar(address); {
		case res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") != "":
			limited++
		case res.StatusCode != http.StatusOK:
			t.Fatal(res.StatusCode)
		}
	}
	if limited < 8 || limited > 12 {
		t.Errorf("%d of 40 were refused", limited)
	}
	if got := p.calendar(other).StatusCode; got != http.StatusOK {
		t.Errorf("another feed: %d", got)
	}
}

// The address is in no file, no log, no metric and on no page but the one that
// shows it; the feed's tokens are nowhere.
func TestFeedAddressIsToldOnce(t *testing.T) {
	p := newPortalWith(t, options{prefix: "/portal"})
	ben := p.connected("ben")
	address := ben.feed("ben")
	secret := strings.TrimSuffix(strings.TrimPrefix(address, "/portal/feed/"), ".ics")
	for _, fails := range []bool{false, true} {
		p.ahead.Add(int64(6 * time.Minute))
		if fails {
			p.sandbox.Control(map[string]any{"faults": []any{fault(upcomingCall, "html", "times", 0)}})
		}
		for _, path := range []string{address, strings.TrimSuffix(address, ".ics"), strings.TrimSuffix(address, ".ics") + ".csv"} {
			if body := p.calendar(path).body; strings.Contains(body, secret) {
				t.Errorf("the answer to %s holds the address", path)
			}
		}
	}
	for _, path := range []string{"/portal/settings", "/portal/meetings", "/portal/audit", "/portal/settings/sessions"} {
		if strings.Contains(ben.get(path).body, secret) {
			t.Errorf("%s holds the address", path)
		}
	}
	if strings.Contains(p.log.String(), secret) {
		t.Error("the log holds the address")
	}
	var counted string
	p.config.Observe = func(route, method string, _ int, _ time.Duration) { counted = method + " " + route }
	handler, err := handlers.New(p.config)
	if err != nil {
		t.Fatal(err)
	}
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, address, nil))
	if counted != "GET /feed/:token" || !strings.Contains(p.log.String(), "route=/feed/:token") {
		t.Errorf("counted as %q", counted)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(p.file), "*"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := p.wire.leaks(string(raw)); len(found) > 0 || strings.Contains(string(raw), secret) {
			t.Errorf("%s holds the address or %v", file, found)
		}
	}
}
