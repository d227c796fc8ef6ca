package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"portal/e2e/chrome"
)

// One press in Settings, one at GoTo, and the address is there; a calendar reads
// it, after a restart too, until it is revoked.
func TestFeed(t *testing.T) {
	for _, scriptOff := range []bool{false, true} {
		t.Run(name(ben, scriptOff), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			portal := program.Start(t, dir, nil, "-sandbox", "-listen", "localhost:0")
			w := &walk{tab: open(t, scriptOff), portal: portal, sandbox: portal.Base + "/sandbox", user: ben}
			w.connect()
			address := w.feed()
			reads := func(want int) {
				t.Helper()
				ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
				w.must(err)
				res, err := (&http.Client{Timeout: requestDeadline}).Do(ask)
				w.must(err)
				defer res.Body.Close()
				if res.StatusCode != want {
					t.Fatalf("a calendar gets %d, want %d", res.StatusCode, want)
				}
			}
			reads(http.StatusOK)
			portal.Stop()
			w.portal = program.Start(t, dir, nil, "-sandbox", "-listen", portal.Host())
			reads(http.StatusOK)
			w.visit(portal.Base + "/settings")
			w.must(w.Do("open the second step", chromedp.Click(`//section[@id="feed"]//summary`)))
			w.press("Revoke the feed", `//button[@value="revoke"]`, path("/settings"))
			w.see("that it is revoked", `//*[@role="alert"][contains(., "The feed is revoked")]`)
			reads(http.StatusNotFound)
			w.signOut()
		})
	}
}

// feed makes a feed and returns its address.
func (w *walk) feed() string {
	w.t.Helper()
	w.visit(w.portal.Base + "/settings")
	consent := w.press("Create a feed", `//button[@value="create"]`, path("/sandbox/oauth/authorize"))
	w.otherOrigin("consent page", consent)
	w.press("Allow as "+w.user, fmt.Sprintf(`//button[@name="user" and @value=%q]`, w.user), path("/auth/callback"))
	w.see("the heading", `//h1[contains(., "Your calendar feed")]`)
	address, err := chrome.Run(w.Browser, "read the address", chromedp.Evaluate[string](`document.querySelector("main code").textContent`))
	w.must(err)
	if !strings.HasPrefix(address, w.portal.Base+"/feed/") {
		w.t.Fatalf("the feed is at %q", address)
	}
	return address
}
