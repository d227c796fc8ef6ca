package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"portal/e2e/chrome"
)

// What the form does while it is filled in, by keyboard alone.
func TestFormInBrowser(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	w.connect()
	w.visit(portal.Base + "/meetings/new")

	// The focus follows each button of the co-organizers, and its work is said.
	w.activate(`button[name=add]`)
	w.focused("co_organizer_keys-1", "Row 2 added")
	w.must(w.Do("look for Cleo", chromedp.SendKeys(named("person"), "cleo")))
	w.activate(`button[name=find]`)
	w.focused("found-0", "1 person found")
	w.activate(`#found-0`)
	w.focused("co_organizer_keys-0", "Cleo Example added")
	w.activate(`button[name=remove]`)
	w.focused("co_organizer_keys-0", "Cleo Example removed")

	// The end is told on the chosen zone's clock, or not at all.
	for _, tt := range []struct{ zone, kind, date, start, minutes, says string }{
		{"Europe/Berlin", "scheduled", "2027-06-01", "10:00", "45", "Ends 10:45"},
		{"Europe/Berlin", "scheduled", "2027-06-01", "23:30", "60", "Ends Wednesday 00:30"},
		{"Europe/Berlin", "scheduled", "2027-03-28", "01:30", "60", "Ends 03:30"},
		{"America/New_York", "scheduled", "2027-03-28", "01:30", "60", "Ends 02:30"},
		{"Europe/Berlin", "scheduled", "2027-03-28", "02:30", "60", ""}, // skipped
		{"Europe/Berlin", "scheduled", "2027-10-31", "02:30", "60", ""}, // twice
		{"Europe/Berlin", "scheduled", "2027-10-31", "00:30", "180", "Ends 02:30"},
		{"Australia/Lord_Howe", "scheduled", "2027-04-04", "01:45", "60", ""}, // twice, by half an hour
		{"Australia/Lord_Howe", "scheduled", "2027-04-04", "01:00", "90", "Ends 02:00"},
		{"Asia/Kolkata", "immediate", "2027-06-01", "09:15", "30", "Ends 09:45"},
		{"Asia/Kolkata", "recurring", "2027-06-01", "09:15", "30", ""},
		{"Asia/Kolkata", "scheduled", "2027-06-01", "09:15", "soon", ""},
	} {
		for field, value := range map[string]string{"time_zone": tt.zone, "meeting_type": tt.kind, "start_date": tt.date, "start_time": tt.start, "duration": tt.minutes} {
			w.set(field, value)
		}
		got, err := run[string](w.tab, "tell of the input", `document.dispatchEvent(new Event("input")); document.getElementById("ends").textContent`)
		w.must(err)
		if got != tt.says {
			t.Errorf("%+v: says %q", tt, got)
		}
	}
	w.seeText("Rooms and immediate meetings may leave date and time empty")

	// A copy button says that it copied, and then what it was.
	w.visit(portal.Base + "/people")
	const label = `document.querySelector("[data-copy]").innerHTML`
	before, err := run[string](w.tab, "read the button", label)
	w.must(err)
	for range 2 { // impatient
		w.must(w.Do("copy", chromedp.Click(chromedp.CSS("[data-copy]"))))
	}
	w.becomes("the answer", label, "Copied")
	w.becomes("the label", label, before)
	w.visit(portal.Base + "/meetings/new")

	// The subject is counted as GoTo counts, from 80 on.
	for subject, says := range map[string]string{
		strings.Repeat("é", 79):             "",
		strings.Repeat("😀", 80):             "80 of 100 characters",
		strings.Repeat("a ", 50):            "99 of 100 characters",
		strings.Repeat("<>", 15):            "120 of 100 characters",
		strings.Repeat("x", 90) + " & &lt;": "101 of 100 characters",
	} {
		w.set("subject", subject)
		got, err := run[string](w.tab, "count the subject", `document.dispatchEvent(new Event("input")); document.getElementById("subject-count").textContent`)
		w.must(err)
		if got != says {
			t.Errorf("%q: %q, want %q", subject, got, says)
		}
	}
}

// activate presses the element that the selector finds, with the keyboard.
func (v *tab) activate(selector string) {
	v.t.Helper()
	v.must(v.Do("press "+selector, chromedp.Focus(chromedp.CSS(selector)), chromedp.KeyEvent(enterKey)))
}

// focused waits until the element of that id has the focus and the status node
// says what was done.
func (v *tab) focused(id, says string) {
	v.t.Helper()
	v.becomes("the focus", `document.activeElement.id + ": " + document.getElementById("announcer").textContent.trim()`, id+": "+says)
}

// becomes waits until an expression has the value given.
func (v *tab) becomes(what, expression, want string) {
	v.t.Helper()
	if _, err := chrome.Run(v.Browser, "wait for "+what, chromedp.Poll[bool](fmt.Sprintf("(%s) === %q", expression, want))); err != nil {
		got, _ := run[string](v, "read "+what, expression)
		v.t.Fatalf("%v; it is %q, want %q", err, got, want)
	}
}
