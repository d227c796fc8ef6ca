package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"portal/e2e/process"
)

// Search, threshold, filter and sort change the attendee page in place: the
// focus stays, what came of it is said, GoTo is not asked again, and the
// address shows the same to who comes with it, with and without JavaScript.
func TestAttendeesInPlace(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	control := func(body string) string {
		t.Helper()
		return control(t, portal, body)
	}
	control(`{"scale":3}`) // 150 people
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	w.connect()
	const came = "/meetings/590000001/attendees"
	w.visit(portal.Base + came + "?late=1")
	calls := control(`{}`)

	const rows = `String(document.querySelectorAll("tr.person").length)`
	w.must(w.Do("type a name", chromedp.SendKeys(named("q"), "person 000")))
	w.becomes("the focus", `document.activeElement.id + ": " + document.activeElement.value + " " + document.activeElement.selectionStart`, "q: person 000 10")
	said := func(id, says string) {
		t.Helper()
		w.becomes("the focus and what is said", `document.activeElement.id + ": " + document.getElementById("announcer").textContent.trim()`, id+": "+says)
	}
	said("q", "100 of 150 people, sorted by name, “person 000” in name or e-mail, late is over 1 min")
	// What is typed while the answer is on its way stays.
	_, err := run[string](w.tab, "type on meanwhile", `document.addEventListener("htmx:after:request", () => document.getElementById("q").value += "00", {once: true}); ""`)
	w.must(err)
	w.must(w.Do("type more", chromedp.KeyEvent("0")))
	said("q", "10 of 150 people, sorted by name, “person 0000” in name or e-mail, late is over 1 min")
	w.becomes("what was typed meanwhile", `document.getElementById("q").value`, "person 000000")
	w.must(w.Do("take it back", chromedp.KeyEvent("\b\b\b")))
	said("q", "100 of 150 people, sorted by name, “person 000” in name or e-mail, late is over 1 min")

	w.activate("#sort-minutes")
	said("sort-minutes", "100 of 150 people, sorted by time present, “person 000” in name or e-mail, late is over 1 min")
	w.activate("#sort-minutes")
	said("sort-minutes", "100 of 150 people, sorted by time present, descending, “person 000” in name or e-mail, late is over 1 min")
	w.must(w.Do("ask for a share", chromedp.SendKeys(named("threshold"), "97"+enterKey)))
	said("threshold", "55 of 150 people, sorted by time present, descending, “person 000” in name or e-mail, there for at least 97 % of the actual length, late is over 1 min")
	w.must(w.Do("ask for who was late", chromedp.Focus(chromedp.CSS("#show-late")), chromedp.KeyEvent(" ")))
	said("show-late", "24 of 150 people, sorted by time present, descending, “person 000” in name or e-mail, there for at least 97 % of the actual length, came over 1 min late")
	w.becomes("the rows", rows, "24")
	w.becomes("the bars", `String(document.querySelectorAll(".stay").length)`, "24")
	if now := control(`{}`); callsOf(now) != callsOf(calls) {
		t.Errorf("GoTo was asked again: %s, before %s", callsOf(now), callsOf(calls))
	}

	// A number that cannot be read leads to what is wrong, and back.
	w.must(w.Do("ask for nonsense", chromedp.Focus(chromedp.CSS("#quorum")), chromedp.SendKeys(named("quorum"), "many"+enterKey)))
	w.becomes("the focus", `document.activeElement.id`, "problems")
	w.becomes("the form", `document.getElementById("quorum").value + document.getElementById("quorum").getAttribute("aria-invalid")`, "manytrue")
	w.Forgive() // the browser reports every 422
	_, err = run[string](w.tab, "select what was typed", `document.getElementById("quorum").select(); ""`)
	w.must(err)
	w.must(w.Do("ask for a quorum", chromedp.KeyEvent("7"+enterKey)))
	w.becomes("the caption", `(document.querySelector("figcaption p:nth-child(2)") ?? document.body).textContent.slice(0, 21)`, "A quorum of 7 was met")
	w.becomes("the problems", `String(document.querySelectorAll("#problems, .wrong").length)`, "0")

	at, err := w.Address()
	w.must(err)
	const state = `[...document.querySelectorAll("tr.person summary")].map(s => s.textContent.trim()).join() + [...document.querySelectorAll(".chip")].map(c => c.textContent.trim()).join()
		+ ["q", "threshold", "late", "quorum", "of"].map(id => document.getElementById(id).value).join() + document.getElementById("show-late").checked`
	want, err := run[string](w.tab, "read the page", state)
	w.must(err)
	if !strings.Contains(want, "Person 00031") || strings.Count(want, "Person") != 24 {
		t.Fatalf("the page shows %s", want)
	}
	w.visit(at.String())
	w.becomes("the page, come to anew", state, want)
	plain := &walk{tab: open(t, true), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	plain.connect()
	plain.visit(at.String())
	got, err := run[string](plain.tab, "read the page", state)
	w.must(err)
	if got != want {
		t.Errorf("without JavaScript:\n%s\nwith it:\n%s", got, want)
	}
	// The form and the rows are of use there, too.
	plain.must(plain.Until("search", path(came), chromedp.Clear(named("q")), chromedp.SendKeys(named("q"), "00035"+enterKey)))
	plain.must(plain.Do("open the person", chromedp.Click(chromedp.CSS(".opens summary"))))
	plain.see("the rows behind", `//tr[@class="behind"]//li[contains(., "1 h")]`)
}

// A page that is left open looks again by itself, and says when attendees have
// arrived: not while nobody sees it.
func TestAttendeesArrive(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	w.connect()
	id := w.create("Waited for", "")
	host := w.start(id)
	w.visit(portal.Base + "/meetings/" + id + "/attendees")
	w.seeText("The meeting is running now", "looks again by itself")
	control(t, portal, `{"advance_s":600}`)
	endAt(t, host)

	asked := func() string { return callsOf(control(t, portal, `{}`)) }
	before := asked()
	look := func(hidden bool) {
		t.Helper()
		_, err := run[string](w.tab, "hide or show the page", fmt.Sprintf(`Object.defineProperty(document, "hidden", {value: %t, configurable: true}); document.dispatchEvent(new Event("visibilitychange")); ""`, hidden))
		w.must(err)
	}
	// app.js listens first, and stops what should not be asked.
	_, err := run[string](w.tab, "listen", `window.stopped = []; document.addEventListener("htmx:before:request", (e) => stopped.push(e.defaultPrevented)); ""`)
	w.must(err)
	look(true)
	w.becomes("a page that keeps still", `stopped.join()`, "true")
	if now := asked(); now != before {
		t.Errorf("a hidden page asks GoTo: %s, before %s", now, before)
	}
	look(false)
	w.becomes("a page that asks", `stopped.join()`, "true,false")
	w.becomes("what is said", `document.getElementById("announcer").textContent.slice(0, 24)`, "Attendees have arrived: ")
	w.becomes("the people", `String(document.querySelectorAll("tr.person").length > 2)`, "true")
	w.becomes("what waits", `String(document.querySelectorAll("#waiting").length)`, "0")
}

// endAt ends a meeting on the simulator's host page.
func endAt(t *testing.T, host *url.URL) {
	t.Helper()
	form := host.Query()
	page := *host
	page.RawQuery = ""
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page.String(), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	ask.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("ending the meeting: %d", res.StatusCode)
	}
}

// control changes the simulator, and returns its state.
func control(t *testing.T, portal *process.Process, body string) string {
	t.Helper()
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodPost, portal.Base+"/sandbox/control", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	state, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("control: %d %s %v", res.StatusCode, state, err)
	}
	return string(state)
}

// callsOf is the part of the simulator's state that counts calls.
func callsOf(state string) string {
	_, calls, _ := strings.Cut(state, `"calls":`)
	calls, _, _ = strings.Cut(calls, "}")
	return calls
}

// Pages of every size are as wide as the window and no wider, the timeline
// with them.
func TestAttendeesFitTheWindow(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	w.connect()
	for _, scale := range []int{1, 6} {
		control(t, portal, fmt.Sprintf(`{"scale":%d}`, scale))
		for _, address := range []string{"/meetings/590000001/attendees?quorum=20", "/meetings/600000001/attendees", "/meetings/201480117/attendees?rows=joins", "/meetings/590000001/attendees?threshold=no&late=no"} {
			for _, width := range []int64{1280, 768, 390, 320} {
				w.must(w.Do("open "+address, chromedp.EmulateViewport(width, 844), chromedp.Navigate(portal.Base+address)))
				_, err := run[string](w.tab, "open the people", `document.querySelectorAll("details").forEach(d => d.open = true); ""`)
				w.must(err)
				got, err := run[string](w.tab, "measure", `(() => {
					const page = document.documentElement, plot = document.querySelector(".timeline .bars"), wrong = [];
					if (page.scrollWidth > page.clientWidth) wrong.push("the page scrolls sideways by " + (page.scrollWidth - page.clientWidth));
					if (plot && plot.scrollWidth > plot.clientWidth) wrong.push("the timeline scrolls sideways");
					if (plot && plot.scrollHeight > plot.clientHeight + 1 && plot.tabIndex !== 0) wrong.push("the timeline cannot be scrolled by keyboard");
					const behind = document.querySelector(".behind");
					if (behind && !behind.checkVisibility()) wrong.push("an open person shows no rows");
					return wrong.join("; ");
				})()`)
				w.must(err)
				if got != "" {
					t.Errorf("%s, scale %d, %d wide: %s", address, scale, width, got)
				}
			}
		}
	}
	w.Forgive() // the browser reports every 422
}
