package handlers_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portal/auth"
	"portal/meetings"
	"portal/store"
)

// outage is the store, or when it is down nothing.
type outage struct {
	*store.Store
	down    atomic.Bool
	unknown atomic.Bool // who is who
}

var errDown = errors.New("the database is away")

func (o *outage) Session(ctx context.Context, idHash string) (auth.SessionRow, bool, error) {
	if o.down.Load() {
		return auth.SessionRow{}, false, errDown
	}
	return o.Store.Session(ctx, idHash)
}

func (o *outage) SaveSession(ctx context.Context, s auth.SessionRow, from int64) (bool, error) {
	if o.down.Load() {
		return false, errDown
	}
	return o.Store.SaveSession(ctx, s, from)
}

func (o *outage) BeginCreate(ctx context.Context, i meetings.Intent, orphaned time.Time) (meetings.Intent, bool, error) {
	if o.down.Load() {
		return meetings.Intent{}, false, errDown
	}
	return o.Store.BeginCreate(ctx, i, orphaned)
}

func (o *outage) Meta(ctx context.Context, name string) ([]byte, bool, error) {
	if o.down.Load() {
		return nil, false, errDown
	}
	return o.Store.Meta(ctx, name)
}

// again presses "Send it again" on the page of a form that failed.
func (b *browser) again(name string, res answer) answer {
	b.t.Helper()
	form := res.doc(b.t).Find("main form.failure, main .failure form")
	if button := strings.TrimSpace(form.Find("button").Text()); button != "Send it again" {
		b.t.Fatalf("%s: %d, the page offers %q: %s", name, res.StatusCode, button, res.doc(b.t).Find("main").Text())
	}
	if form.Find(`input:not([type=hidden])`).Length() > 0 || form.AttrOr("method", "") != "post" {
		b.t.Errorf("%s: %s", name, res.body)
	}
	if res.doc(b.t).Find("main [role=alert] h1").Length() != 1 {
		b.t.Errorf("%s: the failure is not announced", name)
	}
	return b.do(http.MethodPost, form.AttrOr("action", ""), fields(form))
}

// While GoTo is down, every form that does not show itself again is kept, and
// can be sent again from the page that says so.
func TestFormsOutliveAnOutageOfGoTo(t *testing.T) {
	t.Parallel()
	p := newPortalWith(t, options{prefix: "/meet"})
	b := p.connected("ada")
	doomed, started := b.create(), b.create()
	erase, session := b.get(strings.Replace(b.firstPast(), "/attendees", "/erase", 1)).eraseForm(t, "attendees")
	now := url.Values{"form_id": {b.get("/meet/meetings").doc(t).Find("[name=form_id]").AttrOr("value", "")}}
	for name, tt := range map[string]struct {
		call, path string
		form       url.Values
		done       int
	}{
		"delete":   {"* /G2M/rest/meetings/*", "/meet/meetings/" + doomed + "/delete", nil, http.StatusSeeOther},
		"start":    {"GET /G2M/rest/meetings/*/start", "/meet/meetings/" + started + "/start", url.Values{"x": {"<&> \"'"}, "y": {"1", "2", ""}}, http.StatusOK},
		"meet now": {createCall, "/meet/meetings/now", now, http.StatusOK},
		"erase":    {"GET /G2M/rest/meetings/*/attendees", erase, session, http.StatusSeeOther},
		"invite":   {"* /admin/rest/v1/accounts/*/users", "/meet/people", url.Values{"first_name": {"Kim"}, "last_name": {"Lee"}, "email": {"kim@example.test"}}, http.StatusSeeOther},
	} {
		for _, status := range []int{500, 503, 429} {
			var faults []any
			for _, method := range []string{"GET", "POST"} {
				faults = append(faults, fault(strings.Replace(tt.call, "* ", method+" ", 1), "status", "status", status, "times", 0))
			}
			p.sandbox.Control(map[string]any{"faults": faults})
			res := b.post(tt.path, tt.form)
			if res.StatusCode != 503 && res.StatusCode != 502 {
				t.Errorf("%s, GoTo says %d: %d", name, status, res.StatusCode)
			}
			if res := b.again(name, res); res.StatusCode < 502 {
				t.Errorf("%s, GoTo still down: %d", name, res.StatusCode)
			}
			p.sandbox.Control(map[string]any{"faults": []any{}})
			if status != 429 {
				continue
			}
			if res := b.again(name, res); res.StatusCode != tt.done {
				t.Errorf("%s, GoTo is back: %d %s", name, res.StatusCode, res.doc(t).Find("main").Text())
			}
		}
	}
}

// While the store is down nobody can be recognized. The form is kept all the
// same, and good once the store is back.
func TestFormsOutliveAnOutageOfTheStore(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	form := b.newForm("subject", `Kept "here" & <there>`, "co_organizer_keys", "8439885694023990003")
	p.outage.down.Store(true)
	before := b.client.Jar.Cookies(mustURL(t, p.url))
	res := b.post("/meetings", form)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || len(res.Header["Set-Cookie"]) > 0 {
		t.Errorf("%d, Retry-After %q, cookies %v", res.StatusCode, res.Header.Get("Retry-After"), res.Header["Set-Cookie"])
	}
	res = b.again("store still down", res)
	p.outage.down.Store(false)
	if after := b.client.Jar.Cookies(mustURL(t, p.url)); len(after) != len(before) || after[0].Value != before[0].Value {
		t.Error("the outage changed the cookie")
	}
	if done := b.again("store back", res); done.StatusCode != http.StatusSeeOther || !strings.HasPrefix(done.Header.Get("Location"), "/meetings/") {
		t.Errorf("sent again: %d %s", done.StatusCode, done.doc(t).Find("main").Text())
	}
	if n := b.alike(`Kept "here" & <there>`); n != 1 {
		t.Errorf("%d meetings", n)
	}
}

// What was done is done: a notice that cannot be kept is no failure.
func TestStoreGoesDownAfterTheDeed(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	id := b.create()
	form := plan("form_token", b.formToken())
	p.wire.after = func(call string) {
		if strings.HasPrefix(call, "PUT ") {
			p.outage.down.Store(true)
		}
	}
	res := b.post("/meetings/"+id, form)
	p.outage.down.Store(false)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/meetings/"+id {
		t.Errorf("%d %s", res.StatusCode, res.doc(t).Find("main").Text())
	}
	if !strings.Contains(p.log.String(), "session not saved after a form") {
		t.Error("the log does not say that a notice was lost")
	}
}

// The client secret is never on a page, not even to keep it.
func TestFailedSetupKeepsAllButTheSecret(t *testing.T) {
	p := newPortalWith(t, options{setup: true})
	b := p.browser()
	form := url.Values{"client_id": {"my-client"}, "client_secret": {"canary-secret"}, "setup_code": {p.door.SetupCode()}}
	p.outage.down.Store(true)
	res := b.post("/setup", form)
	if res.StatusCode != http.StatusServiceUnavailable || strings.Contains(res.body, "canary") {
		t.Fatalf("%d %s", res.StatusCode, res.body)
	}
	p.outage.down.Store(false)
	again := b.again("set-up", res)
	if again.StatusCode != http.StatusUnprocessableEntity || again.doc(t).Find("[name=client_id]").AttrOr("value", "") != "my-client" ||
		again.doc(t).Find("#client_secret-error").Length() != 1 {
		t.Errorf("%d %s", again.StatusCode, again.doc(t).Find("main").Text())
	}
}

// A form that another site sent is not offered to be sent after all, whatever
// else is wrong.
func TestForeignFormIsNotOfferedAgain(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	for _, down := range []bool{false, true} {
		p.outage.down.Store(down)
		res := b.post("/meetings", plan("form_token", b.token), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		if res.StatusCode != http.StatusForbidden && !down || res.doc(t).Find("main form").Length() > 0 {
			t.Errorf("store down %t: %d %s", down, res.StatusCode, res.body)
		}
	}
}

func TestLimitedFormIsKept(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ben")
	b.formToken()
	limited := func(path string, form url.Values, header ...string) (answer, int) {
		t.Helper()
		for tries := range 1000 {
			if res := b.post(path, form, header...); res.StatusCode == http.StatusTooManyRequests {
				return res, tries
			}
		}
		t.Fatal("no limit")
		return answer{}, 0
	}
	if _, tries := limited("/meetings/none/delete", nil); tries < 300 {
		t.Errorf("limited at form %d", tries)
	}
	if other := p.connected("ben").post("/meetings/none/delete", nil); other.StatusCode != http.StatusNotFound {
		t.Errorf("another session: %d", other.StatusCode)
	}
	if page := b.get("/settings"); page.StatusCode != http.StatusOK {
		t.Errorf("pages: %d", page.StatusCode)
	}
	part, _ := limited("/meetings/none/delete", nil, "HX-Request", "true", "HX-Request-Type", "partial")
	if part.Header.Get("HX-Retarget") != "#banner" || strings.Contains(part.body, "<html") || part.doc(t).Find("form").Length() > 0 {
		t.Errorf("fragment: %s", part.body)
	}
	res, _ := limited("/people/names", url.Values{"key": {"8439885694023999999"}, "name": {"Zed & <Co>"}})
	if res.Header.Get("Retry-After") == "" || fields(res.doc(t).Find("main form")).Get("name") != "Zed & <Co>" {
		t.Errorf("Retry-After %q, page %s", res.Header.Get("Retry-After"), res.body)
	}
	p.ahead.Store(int64(time.Minute))
	if done := b.again("after a minute", res); done.StatusCode != http.StatusSeeOther {
		t.Errorf("sent again: %d", done.StatusCode)
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
