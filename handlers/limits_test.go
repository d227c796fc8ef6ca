package handlers_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"portal/handlers"
)

func TestMeter(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	wait, size := handlers.NewMeter(2, 10, func() time.Time { return now })
	for n := range 10 {
		if d := wait("a"); d != 0 {
			t.Fatalf("%d of the burst waits %s", n+1, d)
		}
	}
	for range 3 { // one that has to wait costs nothing
		if d := wait("a"); d != 500*time.Millisecond {
			t.Fatalf("after the burst: %s", d)
		}
	}
	if d := wait("b"); d != 0 {
		t.Fatalf("another key waits %s", d)
	}
	now = now.Add(500 * time.Millisecond)
	if d := wait("a"); d != 0 {
		t.Fatalf("half a second later: %s", d)
	}
	if d := wait("a"); d != 500*time.Millisecond {
		t.Fatalf("and again: %s", d)
	}

	// However many come, so many are known; who keeps coming stays known.
	for n := range 50_000 {
		if n%1000 == 0 && wait("a") == 0 {
			t.Fatal("the key that keeps coming was forgotten")
		}
		wait(strconv.Itoa(n))
	}
	if size() != 10_000 {
		t.Errorf("%d keys are known", size())
	}
	if wait("b") != 0 {
		t.Error("a key not heard of for long was not forgotten")
	}
}

// hammer asks until there is a 429, and returns it and how many passed.
func hammer(t *testing.T, most int, ask func() answer) (answer, int) {
	t.Helper()
	for n := range most {
		if res := ask(); res.StatusCode == http.StatusTooManyRequests {
			if after, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || after < 1 || after > 60 {
				t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
			}
			return res, n
		}
	}
	t.Fatalf("no limit after %d", most)
	return answer{}, 0
}

// Connecting is limited by address. What a browser says of its address counts
// only when a trusted proxy passes it on, and then as that proxy saw it.
func TestConnectingIsLimitedByAddress(t *testing.T) {
	t.Run("direct", func(t *testing.T) {
		p := newPortal(t)
		n := 0
		res, passed := hammer(t, 1000, func() answer {
			n++
			spoofed := fmt.Sprintf("198.51.100.%d", n%250)
			return p.browser().get("/auth/connect", "X-Forwarded-For", spoofed, "X-Real-IP", spoofed, "Forwarded", "for="+spoofed)
		})
		if passed < 300 {
			t.Errorf("limited after %d", passed)
		}
		if res.doc(t).Find("main a").Length() == 0 || !strings.Contains(res.body, "too much at once") {
			t.Errorf("page: %s", res.doc(t).Find("main").Text())
		}
		// The callback is behind the same door, pages and the sign-in page are not.
		res, _ = hammer(t, 100, func() answer { return p.browser().get("/auth/callback?code=canary-code&state=x") })
		if strings.Contains(res.body, "canary") {
			t.Error("the page shows the code")
		}
		if res := p.browser().get("/"); res.StatusCode != http.StatusOK {
			t.Errorf("the start page: %d", res.StatusCode)
		}
		p.ahead.Store(int64(time.Minute))
		if res := p.browser().get("/auth/connect"); res.StatusCode != http.StatusSeeOther {
			t.Errorf("a minute later: %d", res.StatusCode)
		}
	})
	t.Run("behind a proxy", func(t *testing.T) {
		p := newPortalWith(t, options{proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
		n := 0
		_, passed := hammer(t, 1000, func() answer {
			n++
			return p.browser().get("/auth/connect", "X-Forwarded-For", fmt.Sprintf("198.51.100.%d, 203.0.113.7", n%250))
		})
		if passed < 300 {
			t.Errorf("limited after %d", passed)
		}
		if res := p.browser().get("/auth/connect", "X-Forwarded-For", "203.0.113.8"); res.StatusCode != http.StatusSeeOther {
			t.Errorf("another browser behind the proxy: %d", res.StatusCode)
		}
	})
}

// A class of a hundred behind one address connects at once, and nobody is
// asked to wait.
func TestAClassMeetsNoLimit(t *testing.T) {
	p := newPortal(t)
	for range 100 {
		pupil := p.browser()
		if res := pupil.get("/auth/connect"); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("connect: %d", res.StatusCode)
		}
		if res := pupil.get("/auth/callback?code=x&state=y"); res.StatusCode != http.StatusBadRequest {
			t.Fatalf("callback: %d", res.StatusCode)
		}
	}
}

func TestFilesAreLimitedBySession(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ben")
	res, passed := hammer(t, 200, func() answer { return b.get("/people.json") })
	var told map[string]string
	if err := json.Unmarshal([]byte(res.body), &told); err != nil || told["error"] == "" {
		t.Errorf("answers %s, %v", res.body, err)
	}
	if passed < 60 {
		t.Errorf("limited after %d files", passed)
	}
	for range 200 {
		if res := b.get("/help"); res.StatusCode != http.StatusOK {
			t.Fatalf("a page: %d", res.StatusCode)
		}
	}
	if res := p.connected("ben").get("/people.json"); res.StatusCode != http.StatusOK {
		t.Errorf("another session: %d", res.StatusCode)
	}
}

// Set-up codes cannot be tried out: few from one address, and not many from
// all the world.
func TestSetupCodesCannotBeGuessed(t *testing.T) {
	p := newPortalWith(t, options{setup: true, proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
	guess := func(from string) answer {
		form := url.Values{"client_id": {"my-client"}, "client_secret": {"canary-secret"}, "setup_code": {"AAAA-BBBB-CCCC-DDDD"}}
		return p.browser().post("/setup", form, "X-Forwarded-For", from)
	}
	res, passed := hammer(t, 100, func() answer { return guess("2001:db8::1") })
	if passed != 10 {
		t.Errorf("%d guesses from one address", passed)
	}
	if res.doc(t).Find("[name=client_id]").AttrOr("value", "") != "my-client" || !strings.Contains(res.body, "Too many codes") || strings.Contains(res.body, "canary") {
		t.Errorf("page: %s", res.doc(t).Find("main").Text())
	}
	if res := guess("2001:db8::ffff"); res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("another address of the same network: %d", res.StatusCode)
	}
	n := 1
	_, passed = hammer(t, 200, func() answer { n++; return guess(fmt.Sprintf("2001:db8:%x::1", n)) })
	if passed < 40 || passed > 60 {
		t.Errorf("%d more guesses from everywhere", passed)
	}
	if res := p.browser().get("/setup"); res.StatusCode != http.StatusOK {
		t.Errorf("the page itself: %d", res.StatusCode)
	}
}
