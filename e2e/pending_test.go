package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"portal/e2e/chrome"
)

// Nobody presses anything: the seconds are counted, GoTo is asked once, and the
// page that is open says so and shows the list without the meeting.
func TestHeldDeleteGoesByItself(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ben}
	w.connect()
	id := w.create("Goes by itself", "")
	w.hold(id)
	_, err := chrome.Run(w.Browser, "watch the seconds", chromedp.Poll[bool](`document.querySelector("[data-left]").textContent === "in 9 seconds"`))
	w.must(err)
	if n := deletes(t, w.sandbox); n != 0 {
		t.Errorf("GoTo was asked %d times before it was due", n)
	}
	w.see("that it is deleted", `//*[@role="alert"][contains(., "is deleted")]`)
	_, err = chrome.Run(w.Browser, "watch the list", chromedp.Poll[bool](fmt.Sprintf(`!document.querySelector('main li a[href="/meetings/%s"]')`, id)))
	w.must(err)
	if n := deletes(t, w.sandbox); n != 1 {
		t.Errorf("GoTo was asked %d times", n)
	}
}

// A portal that is killed between Delete and GoTo asks GoTo when it is back, at
// once; and the token that it kept for that is nowhere to be read.
func TestKilledPortalSendsWhatItHeld(t *testing.T) {
	t.Parallel()
	sandbox := alone(t)
	desk := newTokenDesk(t, sandbox, "known-"+rand.Text())
	way, deleted := toldOfDeletes(t, sandbox)
	dir, settings := t.TempDir(), append(pointedAt(sandbox, desk.URL+"/sandbox"), "GOTO_API_URL="+way)
	portal := program.Start(t, dir, settings, "-listen", "localhost:0")
	w := &walk{tab: open(t, true), portal: portal, sandbox: sandbox, user: ben}
	w.setUp(desk.secret)
	w.connect()
	id := w.create("Deleted across a kill", "")
	began := time.Now()
	w.hold(id)
	portal.Kill()
	if n := deletes(t, sandbox); n != 0 {
		t.Fatalf("GoTo was asked %d times before the kill", n)
	}
	if len(desk.seen()) < 2 {
		t.Fatal("no tokens were seen")
	}
	unreadable(t, dir, desk.seen())

	w.portal = program.Start(t, dir, settings, "-listen", portal.Host())
	select {
	case <-deleted:
	case <-time.After(time.Minute):
		t.Fatal("the delete is not sent")
	}
	w.portal.Stop() // which waits until it is written down
	w.portal = program.Start(t, dir, settings, "-listen", portal.Host())
	t.Logf("sent %v after Delete was pressed", time.Since(began).Round(time.Millisecond))
	w.visit(w.portal.Base + "/settings")
	w.see("that it is deleted", `//*[@role="alert"][contains(., "“Deleted across a kill” is deleted")]`)
	if n := deletes(t, sandbox); n != 1 {
		t.Errorf("GoTo was asked %d times", n)
	}
	unreadable(t, dir, desk.seen())
}

// toldOfDeletes is a way to a sandbox's API that tells of each delete once it is
// answered.
func toldOfDeletes(t *testing.T, sandbox string) (base string, deleted <-chan struct{}) {
	t.Helper()
	target, err := url.Parse(sandbox)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{}, 10)
	way := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, target.Host
		},
		ModifyResponse: func(res *http.Response) error {
			if res.Request.Method == http.MethodDelete {
				told <- struct{}{}
			}
			return nil
		},
	})
	t.Cleanup(way.Close)
	return way.URL + target.Path, told
}

// deletes counts how often the sandbox was asked to delete a meeting.
func deletes(t *testing.T, sandbox string) int {
	t.Helper()
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, sandbox+"/control", nil)
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Calls map[string]json.Number `json:"calls"`
	}
	answer(t, &http.Client{Timeout: requestDeadline}, ask, &state)
	n, _ := state.Calls["DELETE /G2M/rest/meetings/*"].Int64() // none yet: 0
	return int(n)
}
