package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// report asks for a report over a week as the form stands, and returns its path.
func (w *walk) report(from, to string) string {
	w.t.Helper()
	w.visit(w.portal.Base + "/reports?from=" + from + "&to=" + to)
	return w.press("Make the report", button("/reports", "Make the report"), func(u *url.URL) bool { return strings.HasPrefix(u.Path, "/reports/") }).Path
}

const bar = `document.getElementById("progress").value`

// ends waits until a report is over, as the page says that it waits for.
func (w *walk) ends(state string) {
	w.t.Helper()
	w.see("the report as "+state, `//main/div[@class="head"]//span[contains(@class, "badge")][normalize-space()="`+state+`"]`)
}

// A report is asked for, watched while it runs, cancelled, run again and read,
// without a reload by the user and without losing the keyboard's place.
func TestReportsInBrowser(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	w.connect()

	// The organizers are shown once they are asked for, and found in place.
	w.visit(portal.Base + "/reports")
	const chooser = `String(document.querySelector(".chooser").checkVisibility())`
	w.becomes("the chooser", chooser, "false")
	w.must(w.Do("choose organizers", chromedp.Focus(chromedp.CSS("#whose-0")), chromedp.KeyEvent("\u0301\u0301")))
	w.becomes("the chooser", chooser, "true")
	w.must(w.Do("choose Ben", chromedp.Click(chromedp.CSS(`input[value="8439885694023990002"]`))))
	w.must(w.Do("look for Cleo", chromedp.SendKeys(`//main//input[@id="q"]`, "cleo")))
	w.activate("button[name=find]")
	w.becomes("who is found", `[...document.querySelectorAll(".boxes input")].map(i => i.parentElement.textContent.trim().split(/\s+/)[0] + i.checked).join()`, "Bentrue,Cleofalse")
	w.becomes("what is said", `document.getElementById("announcer").textContent`, "2 of 8 organizers, the chosen ones among them")

	// It moves by itself, and the cancel button keeps the focus.
	control(t, portal, `{"latency_ms":700}`)
	at := w.report("2026-01-01", "2026-03-31")
	w.must(w.Do("go to Cancel", chromedp.Focus(chromedp.CSS("#cancel"))))
	w.becomes("the progress", `String(`+bar+` > 0)`, "true")
	before, err := run[int](w.tab, "read the progress", bar)
	w.must(err)
	w.becomes("the progress, later", `String(`+bar+` > `+string(rune('0'+min(before, 9)))+`)`, "true")
	w.becomes("the focus", `document.activeElement.id`, "cancel")
	w.must(w.Do("cancel", chromedp.KeyEvent("\r")))
	w.ends("Cancelled")
	control(t, portal, `{"latency_ms":150}`)
	again := w.press("Run it again", button("/reports", "Run it again"), func(u *url.URL) bool { return strings.HasPrefix(u.Path, "/reports/") && u.Path != at }).Path
	w.ends("Done")
	control(t, portal, `{"latency_ms":0}`)
	if here, err := w.Address(); err != nil || here.Path != again {
		t.Errorf("it is at %v, %v", here, err)
	}

	// Tables change in place: the focus stays, what came of it is said, and
	// GoTo is not asked.
	done := w.finished()
	calls := callsOf(control(t, portal, `{}`))
	said := func(id, says string) {
		t.Helper()
		w.becomes("the focus and what is said", `document.activeElement.id + ": " + document.getElementById("announcer").textContent.trim()`, id+": "+says)
	}
	w.visit(portal.Base + done + "?rows=organizers")
	w.activate("#sort-meetings")
	said("sort-meetings", "8 organizers")
	w.must(w.Do("type a name", chromedp.SendKeys(named("q"), "ben")))
	said("q", "1 of 8 organizers")
	w.activate("#tab-people")
	w.becomes("the address", `location.pathname + location.search`, done+"?rows=people")
	w.becomes("the tab", `document.querySelector(".tabs [aria-current]").textContent + document.activeElement.id`, "Peopletab-people")
	if now := callsOf(control(t, portal, `{}`)); now != calls {
		t.Errorf("GoTo was asked again: %s, before %s", now, calls)
	}
	w.press("a person", `(//tbody//th//a)[1]`, path("/reports/person"))
	w.see("the person's meetings", `//main//table//tbody/tr[1]`)
}

// finished makes a report on the whole account over the last week, and returns
// its path.
func (w *walk) finished() string {
	w.t.Helper()
	w.visit(w.portal.Base + "/reports")
	w.press("Last 7 days", `(//nav[@aria-label="Ranges"]//a)[1]`, path("/reports"))
	at := w.press("Make the report", button("/reports", "Make the report"), func(u *url.URL) bool { return strings.HasPrefix(u.Path, "/reports/") }).Path
	w.ends("Done")
	return at
}

// Without JavaScript the page of a report looks again by itself, and everything
// is a form or a link.
func TestReportsWithoutJavaScript(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, true), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	w.connect()
	control(t, portal, `{"latency_ms":200}`)
	done := w.finished() // which waits for the page to be loaded anew
	w.press("the weeks", linkTo(done+"?rows=weeks"), path(done))
	w.see("a week", `//tbody//th[contains(., "week")]`)
	w.press("the people", linkTo(done+"?rows=people"), path(done))
	w.press("a person", `(//tbody//th//a)[1]`, path("/reports/person"))
	w.press("back", linkTo(done+"?rows=people"), path(done))
}
