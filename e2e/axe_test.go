package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"portal/e2e/chrome"
)

// axeFile is axe-core as its package client installs it: make setup does.
const axeFile = "axe/node_modules/axe-core/axe.min.js"

// audit looks for violations of WCAG 2.2 AA and axe's best practices.
const audit = `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
	.then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.help + v.nodes.slice(0, 4).map(n => "\n      " + n.html.slice(0, 160) + "\n        " + n.failureSummary.replace(/\s+/g, " ")).join(""))))`

// Every page, in the states it can be in, is free of what axe-core can find.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile(axeFile)
	if err != nil {
		t.Fatalf("axe-core is missing: make setup installs it: %v", err)
	}
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	// look examines the page that is open, in four ways.
	look := func(name string) {
		t.Helper()
		// Both scripts are the test's, not the page's: no policy is loosened for them.
		_, err := run[string](w.tab, "open what can be opened", `document.querySelectorAll("details").forEach(d => d.open = true); ""`)
		w.must(err)
		_, err = run[string](w.tab, "bring axe-core", string(axe)+`; ""`)
		w.must(err)
		for _, width := range []int64{1280, 320} {
			for _, scheme := range []string{"light", "dark"} {
				w.must(w.Do("turn "+scheme, chromedp.EmulateViewport(width, 844), chrome.Prefer(scheme)))
				raw, err := chrome.Run(w.Browser, "look at "+name, chromedp.Evaluate[string](audit, chromedp.EvalAwaitPromise))
				w.must(err)
				var found []string
				w.must(json.Unmarshal([]byte(raw), &found))
				for _, violation := range found {
					t.Errorf("%s, %d wide, %s: %s", name, width, scheme, violation)
				}
			}
		}
		w.must(w.Do("turn back", chromedp.EmulateViewport(1280, 900), chrome.Prefer("light")))
	}
	check := func(name, path string) {
		t.Helper()
		w.visit(portal.Base + path)
		look(name)
	}
	check("start page", "/")
	check("set-up", "/setup")
	w.connect()
	daily := "/meetings/201480117"
	for _, p := range []struct{ name, path string }{
		{"upcoming", "/meetings"}, {"nothing found", "/meetings?q=nothing+like+this"}, {"another's meetings", "/meetings?organizer=8439885694023990002"},
		{"week", "/calendar"}, {"day", "/calendar?view=day"}, {"day to come", "/calendar?view=day&date=2030-01-15"}, {"week of another", "/calendar?date=2030-03-31&organizer=8439885694023990002"}, {"wrong date", "/calendar?date=soon"},
		{"new meeting", "/meetings/new"}, {"room", daily}, {"edit", daily + "/edit"}, {"delete", daily + "/delete"},
		{"history", "/history"}, {"history of all", "/history?organizer=all"}, {"wrong range", "/history?from=2026-13-01"}, {"empty range", "/history?from=2020-01-01&to=2020-01-02"},
		{"attendees", daily + "/attendees"}, {"what to erase", daily + "/erase"}, {"joins", daily + "/attendees?rows=joins"}, {"a quorum", daily + "/attendees?quorum=2&show=late&threshold=10"}, {"nobody found", daily + "/attendees?q=nothing+like+this"}, {"no attendees", "/meetings/201559307/attendees"},
		{"attendees", daily + "/attendees"}, {"what to erase", daily + "/erase"}, {"joins", daily + "/attendees?rows=joins"}, {"nobody found", daily + "/attendees?q=nothing+like+this"}, {"no attendees", "/meetings/201559307/attendees"},
		{"register", daily + "/register"}, {"ticks", daily + "/register?cells=ticks&sort=minutes&dir=desc"}, {"wrong register", daily + "/register?from=soon"}, {"empty register", daily + "/register?q=nothing+like+this"},
		{"who is who", "/people/aliases"}, {"whom to choose", "/people/aliases?meeting=201480117"}, {"who is it", "/people/aliases?meeting=201480117&person=n:x"},
		{"people", "/people"}, {"settings", "/settings"}, {"sessions", "/settings/sessions"}, {"pending", "/pending"}, {"audit", "/audit"}, {"help", "/help"},
	} {
		check(p.name, p.path)
	}
	check("reports", "/reports")
	check("organizers to choose", "/reports?organizer=chosen")
	report := w.finished()
	look("a report")
	for _, rows := range []string{"people", "organizers", "weeks"} {
		check("a report's "+rows, report+"?rows="+rows)
	}
	check("a person", "/reports/person?email=ada@example.test&report="+strings.TrimPrefix(report, "/reports/"))
	check("somebody's meetings with oneself", "/reports/person?email=ada@example.test")
	check("whose meetings", "/reports/person")
	control(t, portal, `{"latency_ms":5000}`)
	running := w.report("2026-01-01", "2026-03-31")
	look("a report that runs")
	w.press("cancel", button(running+"/cancel", "Cancel"), path(running))
	control(t, portal, `{"latency_ms":0}`)
	w.ends("Cancelled")
	look("a report that was cancelled")
	w.visit(portal.Base + "/reports?from=2026-02-02&to=2026-02-01")
	w.press("make nothing", button("/reports", "Make the report"), path("/reports"))
	look("a report that was refused")
	w.feed()
	look("a new feed")
	check("settings with a feed", "/settings")
	w.hold(strings.TrimPrefix(w.aMeeting(), "/meetings/"))
	check("a delete that waits", "/meetings")
	w.visit(portal.Base + "/meetings/new")
	w.enter("subject", "")
	w.press("save nothing", button("/meetings", "Create meeting"), path("/meetings"))
	look("a form that was refused")
	w.visit(portal.Base + daily + "/erase")
	w.press("erase the session without the box", button(daily+"/erase", "Erase the whole session"), path(daily+"/erase"))
	look("an erase that was refused")
	w.visit(w.portal.Base + "/meetings/letters")
	look("an unknown address")
	w.Forgive() // the browser reports every 404 and 422
}

// aMeeting is the path of one of the meetings in the list.
func (w *walk) aMeeting() string {
	w.t.Helper()
	w.visit(w.portal.Base + "/meetings")
	rows, err := w.listed()
	w.must(err)
	if len(rows) == 0 {
		w.t.Fatal("there is no meeting")
	}
	return rows[len(rows)-1]
}
