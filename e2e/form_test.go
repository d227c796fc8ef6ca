package e2e

import (
	"fmt"
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
