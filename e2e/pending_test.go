package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
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
	dir, settings := t.TempDir(), pointedAt(sandbox, desk.URL+"/sandbox")
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
	for deletes(t, sandbox) == 0 {
		if time.Since(began) > time.Minute {
			t.Fatal("the delete is not sent")
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("sent %v after Delete was pressed", time.Since(began).Round(time.Millisecond))
	w.visit(w.portal.Base + "/settings")
	w.see("that it is deleted", `//*[@role="alert"][contains(., "“Deleted across a kill” is deleted")]`)
	if n := deletes(t, sandbox); n != 1 {
		t.Errorf("GoTo was asked %d times", n)
	}
	unreadable(t, dir, desk.seen())
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
