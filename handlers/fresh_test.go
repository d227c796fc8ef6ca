package handlers_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var part = []string{"HX-Request", "true", "HX-Request-Type", "partial"}

// costs counts what a request asks GoTo.
func (b *browser) costs(path string, header ...string) (answer, int) {
	b.t.Helper()
	before := total(b.portal.sandbox.Calls())
	res := b.get(path, header...)
	return res, total(b.portal.sandbox.Calls()) - before
}

// Typing in a search box, sorting and paging make no calls.
func TestKeystrokesMakeNoCalls(t *testing.T) {
	p := newPortal(t)
	p.sandbox.Control(map[string]any{"scale": 5})
	b := p.connected("ada")
	for _, page := range []string{"/meetings", "/people", "/history?organizer=all", b.firstPast()} {
		p.ahead.Add(int64(time.Minute))
		if res, calls := b.costs(page); res.StatusCode != http.StatusOK || calls == 0 {
			t.Fatalf("%s: %d after %d calls", page, res.StatusCode, calls)
		}
		path, query, _ := strings.Cut(page, "?")
		with := func(name, value string) string {
			typed, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			typed.Set(name, value)
			return path + "?" + typed.Encode()
		}
		p.ahead.Add(int64(3 * time.Second))
		for _, next := range []string{with("q", "b"), with("q", "bo"), with("q", "boa"), with("sort", "subject"), with("sort", "name"), with("page", "1")} {
			p.ahead.Add(int64(4 * time.Second))
			res, calls := b.costs(next, part...)
			if res.StatusCode != http.StatusOK || calls != 0 || strings.Contains(res.body, "<html") || !strings.Contains(res.body, "as of ") {
				t.Errorf("%s: %d after %d calls", next, res.StatusCode, calls)
			}
		}
		p.ahead.Add(int64(4 * time.Second))
		if _, calls := b.costs(with("q", "boar"), part...); calls == 0 {
			t.Errorf("%s: an answer of 31 seconds is used", path)
		}
	}
}

// A page that is opened shows what GoTo has, and so does Reload, at once.
func TestPagesAskGoToAgain(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	if _, calls := b.costs("/meetings"); calls != 1 {
		t.Errorf("the first look costs %d calls", calls)
	}
	for _, tt := range []struct {
		ahead  time.Duration
		header []string
		want   int
	}{
		{500 * time.Millisecond, nil, 0},
		{0, []string{"Cache-Control", "max-age=0"}, 1},
		{0, []string{"Cache-Control", "no-cache"}, 1},
		{0, nil, 0},
		{0, append([]string{"Cache-Control", "no-cache"}, part...), 1},
		{time.Second, nil, 1},
	} {
		p.ahead.Add(int64(tt.ahead))
		if _, calls := b.costs("/meetings?sort=subject", tt.header...); calls != tt.want {
			t.Errorf("after %v with %v: %d calls, want %d", tt.ahead, tt.header, calls, tt.want)
		}
	}
	if _, calls := p.connected("ada").costs("/meetings"); calls != 1 {
		t.Errorf("another session of the user costs %d calls", calls)
	}
}

// One's own change shows at once, in parts too and in one's other browser.
func TestOwnChangesShowAtOnce(t *testing.T) {
	p := newPortal(t)
	here, there := p.connected("ada"), p.connected("ada")
	id := here.create("subject", "First name")
	for _, b := range []*browser{here, there} {
		b.get("/meetings")
		b.get("/meetings/" + id)
	}
	form := here.editForm(id)
	form.Set("subject", "Second name")
	if res := here.post("/meetings/"+id, form); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("update answers %d", res.StatusCode)
	}
	for name, b := range map[string]*browser{"here": here, "there": there} {
		if res := b.get("/meetings/" + id); !strings.Contains(res.body, "Second name") {
			t.Errorf("%s the meeting is as before", name)
		}
		if res := b.get("/meetings?q=Second", part...); !strings.Contains(res.body, "Second name") {
			t.Errorf("%s the list is as before", name)
		}
	}
	if res := here.post("/meetings/"+id+"/start", nil); res.StatusCode != http.StatusOK {
		t.Fatalf("start answers %d", res.StatusCode)
	}
	made := here.create("subject", "Third name")
	for _, b := range []*browser{here, there} {
		if res := b.get("/meetings?q=name", part...); !strings.Contains(res.body, made) {
			t.Error("the new meeting is not listed")
		}
	}
}

// When GoTo fails, what it said up to an hour ago is shown, and that it is old.
func TestOldAnswersStandIn(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ada")
	id := b.create("subject", "Seen before")
	// The range is named, since the usual one changes at midnight.
	past := url.Values{"from": {time.Now().AddDate(0, 0, -7).Format(time.DateOnly)}, "to": {time.Now().AddDate(0, 0, 1).Format(time.DateOnly)}}
	looks := []string{"/meetings", "/meetings/" + id, "/history?" + past.Encode(), "/meetings/" + id + "/attendees", "/people"}
	var zone *time.Location
	var list struct{ Zone string }
	if err := json.Unmarshal([]byte(b.get("/meetings.json").body), &list); err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation(list.Zone)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for _, path := range looks {
		if res := b.get(path); res.StatusCode != http.StatusOK || res.doc(t).Find(".note.warning").Length() > 0 {
			t.Fatalf("%s: %d", path, res.StatusCode)
		}
	}
	seen := []string{"s of " + began.In(zone).Format("15:04"), "s of " + time.Now().In(zone).Format("15:04")}
	for fault, tt := range map[string]struct {
		kind   string
		status int
		title  string
		fails  int // where nothing stands in
		looks  []string
	}{
		"unavailable":  {"status", 503, "GoTo does not answer just now", 503, looks[:1]},
		"reset":        {"reset", 0, "GoTo does not answer just now", 503, looks[:1]},
		"rate limited": {"status", 429, "Too many calls to GoTo at once", 503, looks[:1]},
		"unreadable":   {"html", 0, "GoTo's answer cannot be read", 502, looks},
	} {
		p.sandbox.Control(map[string]any{"faults": everyRead(tt.kind, tt.status)})
		for _, path := range tt.looks {
			p.ahead.Store(int64(59 * time.Minute))
			res := b.get(path)
			note := res.doc(t).Find("main .note.warning")
			text := note.Text()
			if day := "s of " + began.In(zone).Format("Mon 15:04"); res.StatusCode != http.StatusOK || !strings.Contains(text, tt.title) || note.Find("a").AttrOr("href", "") != path ||
				!strings.Contains(text, seen[0]) && !strings.Contains(text, seen[1]) && !strings.Contains(text, day) {
				t.Errorf("%s, %s: %d %q", fault, path, res.StatusCode, text)
			}
			name, query, _ := strings.Cut(path, "?")
			if res := b.get(name + ".json?" + query); res.StatusCode != tt.fails {
				t.Errorf("%s, %s as a file: %d", fault, path, res.StatusCode)
			}
			p.ahead.Store(int64(61 * time.Minute))
			if res := b.get(path); res.StatusCode != tt.fails {
				t.Errorf("%s, %s after an hour: %d", fault, path, res.StatusCode)
			}
		}
		p.ahead.Store(int64(time.Minute))
		res := b.get("/meetings?q=seen", part...)
		if text := res.doc(t).Text(); res.StatusCode != http.StatusOK || !strings.Contains(text, tt.title) || strings.Contains(res.body, "<html") {
			t.Errorf("%s, a part: %d %s", fault, res.StatusCode, text)
		}
		// What a change is decided by is never old.
		if res := b.get("/meetings/" + id + "/edit"); res.StatusCode != tt.fails {
			t.Errorf("%s, the form: %d", fault, res.StatusCode)
		}
	}
	p.sandbox.Control(map[string]any{"faults": []any{}})
	for _, path := range looks {
		if res := b.get(path); res.StatusCode != http.StatusOK || res.doc(t).Find(".note.warning").Length() > 0 {
			t.Errorf("%s afterwards: %d", path, res.StatusCode)
		}
	}
}

// everyRead is a fault of every read that pages make.
func everyRead(kind string, status int) []any {
	var faults []any
	for _, match := range []string{"GET /G2M/rest/*", "GET /G2M/rest/*/*", "GET /G2M/rest/*/*/*", "GET /admin/rest/v1/accounts/*/*"} {
		faults = append(faults, fault(match, kind, "status", status, "times", 0))
	}
	return faults
}

func TestSlowGoToIsStoodInFor(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ben")
	b.get("/meetings")
	p.ahead.Store(int64(time.Minute))
	p.sandbox.Control(map[string]any{"faults": []any{fault(upcomingCall, "delay", "delay_ms", 10000, "times", 0)}})
	began := time.Now()
	res := b.get("/meetings")
	if took := time.Since(began); res.StatusCode != http.StatusOK || !strings.Contains(res.body, "GoTo is too slow just now") || took > 9*time.Second {
		t.Errorf("%d after %v", res.StatusCode, took)
	}
}

// One organizer's history that fails is old, the others' is not; one that was
// never read is missing. Both are said on the page, and in its parts.
func TestPartsOfAHistoryFail(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	cleo := "GET /G2M/rest/organizers/8439885694023990003/historicalMeetings"
	p.sandbox.Control(map[string]any{"faults": []any{fault(cleo, "status", "status", 503, "times", 0)}})
	for _, header := range [][]string{nil, part} {
		if res := b.get("/history?organizer=all", header...); res.StatusCode != http.StatusOK || !strings.Contains(res.body, "are missing here") {
			t.Errorf("never read, %v: %d", header, res.StatusCode)
		}
	}
	p.sandbox.Control(map[string]any{"faults": []any{}})
	whole := b.get("/history?organizer=all", "Cache-Control", "no-cache").doc(t).Find("#count").Text()
	p.sandbox.Control(map[string]any{"faults": []any{fault(cleo, "status", "status", 503, "times", 0)}})
	p.ahead.Store(int64(time.Minute))
	res := b.get("/history?organizer=all").doc(t)
	if note := res.Find(".note.warning").Text(); !strings.Contains(note, "GoTo does not answer just now") || strings.Contains(note, "missing") {
		t.Errorf("read before: %q", note)
	}
	if got := res.Find("#count").Text(); strings.Split(got, " ·")[0] != strings.Split(whole, " ·")[0] {
		t.Errorf("%q instead of %q", got, whole)
	}
}

// Without licences there are still people.
func TestPeopleWithoutLicences(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	p.sandbox.Control(map[string]any{"faults": []any{fault("GET /admin/rest/v1/accounts/*/licenses", "status", "status", 500, "times", 0)}})
	res := b.get("/people")
	if res.StatusCode != http.StatusOK || !strings.Contains(res.body, "did not say which licences there are") || !strings.Contains(res.body, "Cleo") {
		t.Errorf("%d", res.StatusCode)
	}
}

// What was kept is gone with the session.
func TestSignOutForgets(t *testing.T) {
	p := newPortal(t)
	ben := p.connected("ben")
	ben.get("/meetings")
	others := p.config.Meetings.Kept()
	for _, path := range []string{"/auth/signout", "/auth/disconnect"} {
		b, other := p.connected("ada"), p.connected("ada")
		b.get("/meetings")
		other.get("/meetings")
		if p.config.Meetings.Kept() <= others {
			t.Fatal("nothing is kept")
		}
		if res := b.post(path, nil); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s answers %d", path, res.StatusCode)
		}
		if got := p.config.Meetings.Kept(); got != others || got == 0 {
			t.Errorf("after %s %d bytes are kept, %d of them the other user's", path, got, others)
		}
	}
}

// Many looks at once, some of which are given up, are few calls, and leave
// nothing running.
func TestManyLooksAreFewCalls(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	b.formToken()
	p.sandbox.Control(map[string]any{"latency_ms": 300})
	before, running := total(p.sandbox.Calls()), runtime.NumGoroutine()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if res := b.get("/meetings"); res.StatusCode != http.StatusOK {
				t.Errorf("%d", res.StatusCode)
			}
		})
	}
	wg.Wait()
	if got := total(p.sandbox.Calls()) - before; got != 1 {
		t.Errorf("50 looks cost %d calls", got)
	}
	b.client.CloseIdleConnections()
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > running+10; {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), running)
		}
		runtime.Gosched()
	}
}
