package chrome_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"portal/e2e/chrome"
)

// site serves the few pages that the tests below need.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	html := func(path, policy, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			if policy != "" {
				w.Header().Set("Content-Security-Policy", policy)
			}
			fmt.Fprint(w, `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>t</title>`, body)
		})
	}
	html("/quiet", "", `<form action="/hop"><input aria-label="Subject" name="subject"><button>Go on</button></form>`)
	html("/console", "", `<script>console.log("hello", 1)</script>`)
	html("/throws", "", `<script>throw new Error("broken")</script>`)
	html("/policy", "script-src 'self'", `<script>document.title = "ran"</script>`)
	html("/lost", "", `<img src="/nowhere" alt="">`)
	html("/away", "", `<img src="http://away.invalid/a.png" alt="">`)
	html("/end", "", `<p>Arrived</p>`)
	mux.HandleFunc("/hop", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Refresh", "0; url=/end?name="+url.QueryEscape(r.FormValue("subject")))
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><p>On the way`)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func start(t *testing.T, scriptOff bool) *chrome.Browser {
	t.Helper()
	b, err := chrome.Start(t.Context(), chrome.Options{Profile: t.TempDir(), ScriptOff: scriptOff})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// A test that trusts a browser's silence is worth nothing unless the browser
// is heard when it does complain.
func TestBrowserComplainsOfEveryKind(t *testing.T) {
	s := site(t)
	b := start(t, false)
	for path, want := range map[string]string{
		"/quiet":   "",
		"/console": "console.log",
		"/throws":  "broken",
		"/policy":  "ContentSecurityPolicyIssue",
		"/lost":    "404",
		"/away":    "another machine",
	} {
		b.Forgive()
		err := b.Do("open "+path, chromedp.Navigate(s.URL+path))
		if err != nil && path != "/away" { // an address that never answers need not finish loading
			t.Fatal(err)
		}
		got := strings.Join(b.Complaints(), "\n")
		if want == "" && got != "" {
			t.Errorf("%s: complaints\n%s\nwant none", path, got)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: complaints\n%s\nwant one with %q", path, got, want)
		}
	}
}

// With and without JavaScript: a form is filled by typing, its button pressed
// with the mouse, and a page that only sends the browser on is passed over.
func TestFormsWorkWithAndWithoutScript(t *testing.T) {
	s := site(t)
	for _, scriptOff := range []bool{false, true} {
		t.Run(fmt.Sprintf("scriptOff=%t", scriptOff), func(t *testing.T) {
			b := start(t, scriptOff)
			if on, err := b.Script(); err != nil || on == scriptOff {
				t.Fatalf("Script() = %t, %v; want %t", on, err, !scriptOff)
			}
			if err := b.Do("open", chromedp.Navigate(s.URL+"/quiet"),
				chromedp.SendKeys(`//input[@name="subject"]`, "Ada")); err != nil {
				t.Fatal(err)
			}
			arrived := func(u *url.URL) bool { return u.Path == "/end" }
			if err := b.Until("go on", arrived, chromedp.Click(`//button[normalize-space()="Go on"]`)); err != nil {
				t.Fatal(err)
			}
			u, err := b.Address()
			if err != nil || u.Query().Get("name") != "Ada" {
				t.Errorf("arrived at %v, %v; want ?name=Ada", u, err)
			}
			if text, err := b.Text(); err != nil || text != "Arrived" {
				t.Errorf("Text() = %q, %v", text, err)
			}
			if got := b.Complaints(); len(got) > 0 {
				t.Errorf("complaints: %q", got)
			}
		})
	}
}
