package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

const (
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)

// connectedWith is connected in a browser that calls itself agent.
func (p *portal) connectedWith(user, agent string) *browser {
	p.t.Helper()
	b := p.browser()
	b.get(b.consent("/auth/connect", user+"@example.test"), "User-Agent", agent)
	b.signedIn = true
	return b
}

// sessions maps each listed session, by name, to the value that ends it.
func (b *browser) sessions() map[string]string {
	b.t.Helper()
	res := b.get("/settings/sessions")
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("the list answers %d", res.StatusCode)
	}
	list := map[string]string{}
	res.doc(b.t).Find("main li").Each(func(_ int, li *goquery.Selection) {
		name := li.Find(".title").Text()
		if li.Find(".badge").Text() != "" {
			name += ", this"
		}
		list[name] = li.Find("button[name=end]").AttrOr("value", "")
	})
	return list
}

func (b *browser) signedOut() bool {
	b.t.Helper()
	return b.get("/meetings").StatusCode == http.StatusSeeOther
}

func TestOnesSessions(t *testing.T) {
	p := newPortal(t)
	here, there, ben := p.connectedWith("ada", firefox), p.connectedWith("ada", safari), p.connectedWith("ben", "")
	list := here.sessions()
	if len(list) != 2 || list["Firefox on Windows, this"] == "" || list["Safari on iPhone"] == "" {
		t.Fatalf("listed: %v", list)
	}
	if got := ben.sessions(); len(got) != 1 || got["Unknown browser, this"] == "" {
		t.Errorf("ben sees %v", got)
	}
	end := func(b *browser, id, location string) answer {
		t.Helper()
		res := b.post("/settings/sessions", url.Values{"end": {id}})
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != location {
			t.Errorf("ending answers %d to %q", res.StatusCode, res.Header.Get("Location"))
		}
		return res
	}
	end(ben, list["Safari on iPhone"], "/settings/sessions")
	if there.signedOut() {
		t.Fatal("somebody else ended it")
	}
	end(here, list["Safari on iPhone"], "/settings/sessions")
	if page := here.get("/settings/sessions"); !strings.Contains(page.body, "That session is over.") {
		t.Error("the page does not say so")
	}
	if !there.signedOut() || here.signedOut() {
		t.Error("not exactly the one that was meant is over")
	}
	end(here, list["Safari on iPhone"], "/settings/sessions")
	if page := here.get("/settings/sessions"); !strings.Contains(page.body, "over already") {
		t.Error("ended twice, the page does not say so")
	}
	if res := here.post("/settings/sessions", nil); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("nothing chosen: %d", res.StatusCode)
	}
	if res := here.post("/settings/sessions", url.Values{"end": {"all"}, "form_token": {"forged"}}); res.StatusCode != http.StatusForbidden || here.signedOut() {
		t.Errorf("without the form token: %d", res.StatusCode)
	}

	third := p.connectedWith("ada", safari)
	end(third, third.sessions()["Safari on iPhone, this"], "/?left=signed-out") // is signing out
	if !third.signedOut() || here.signedOut() {
		t.Error("ending the current session is not signing out")
	}
	third = p.connectedWith("ada", safari)
	if res := end(here, "all", "/?left=everywhere"); !strings.Contains(res.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("the cookie stays: %q", res.Header.Get("Set-Cookie"))
	}
	if !here.signedOut() || !third.signedOut() || ben.signedOut() {
		t.Error("not exactly one's own sessions are over")
	}
	if res := here.get("/settings/sessions"); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/?return=%2Fsettings%2Fsessions") {
		t.Errorf("signed out: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
}

// What was kept of GoTo's answers goes with the sessions.
func TestEndedSessionsLeaveNothingKept(t *testing.T) {
	p := newPortal(t)
	for _, end := range []func(b *browser) answer{
		func(b *browser) answer { return b.post("/settings/sessions", url.Values{"end": {"all"}}) },
		func(b *browser) answer { return b.post("/auth/signout", nil) },
		func(b *browser) answer { return b.post("/auth/disconnect", nil) },
	} {
		b := p.connected("ada")
		b.get("/meetings")
		was := p.meetings.Kept()
		if res := end(b); res.StatusCode != http.StatusSeeOther || was == 0 || p.meetings.Kept() != 0 {
			t.Errorf("%s: %d bytes are kept of %d", res.Header.Get("Location"), p.meetings.Kept(), was)
		}
	}
}

// A page that waits for a refresh answers within its own deadline; the refresh
// goes on, and the user stays signed in.
func TestSlowTokenEndpointKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ada")
	p.sandbox.Control(map[string]any{"expire_access_tokens": true, "token_latency_ms": 12_000})
	began := time.Now()
	res := b.get("/meetings")
	if took := time.Since(began); res.StatusCode != http.StatusGatewayTimeout || took > 11*time.Second {
		t.Errorf("status %d after %s", res.StatusCode, took)
	}
	if res := b.get("/meetings"); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d", res.StatusCode)
	}
	if got := p.sandbox.Calls()["POST /oauth/token"]; got != 2 {
		t.Errorf("%d token calls, want one to connect and one to refresh", got)
	}
}
