package e2e

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"portal/e2e/chrome"
)

// tab is a user's browser in a test: every step that fails ends the test, and
// a test whose browser complained about anything has failed.
type tab struct {
	t *testing.T
	*chrome.Browser
	scriptOff bool
}

// open starts a browser with an empty profile.
func open(t *testing.T, scriptOff bool) *tab {
	t.Helper()
	profile, err := os.MkdirTemp("", "portal-e2e-profile-")
	if err != nil {
		t.Fatal(err)
	}
	b, err := chrome.Start(t.Context(), chrome.Options{Profile: profile, ScriptOff: scriptOff})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.Close()
		// The browser's helpers may still be writing while they end, so what
		// is left behind is the machine's to clear away and no fault of ours.
		_ = os.RemoveAll(profile)
		if c := slices.DeleteFunc(b.Complaints(), reportsClearing); len(c) > 0 {
			t.Errorf("the browser complains:\n  %s", strings.Join(c, "\n  "))
		}
	})
	v := &tab{t, b, scriptOff}
	on, err := b.Script()
	v.must(err)
	if on == scriptOff {
		t.Fatalf("pages run JavaScript: %t, want %t", on, !scriptOff)
	}
	return v
}

// reportsClearing recognizes the browser's report, at level info, that it did
// what signing out asks it to do: to forget the portal's cache and storage.
func reportsClearing(complaint string) bool {
	return strings.HasPrefix(complaint, "log other info: Clear-Site-Data header on ") &&
		strings.Contains(complaint, `/auth/signout': Cleared data types: "cache", "storage".`)
}

func (v *tab) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// visit types an address.
func (v *tab) visit(address string) {
	v.t.Helper()
	v.must(v.Do("open "+address, chromedp.Navigate(address)))
}

// press clicks the element that the XPath finds and waits for a page whose
// path satisfies arrived. It returns that page's address.
func (v *tab) press(what, xpath string, arrived func(*url.URL) bool) *url.URL {
	v.t.Helper()
	v.must(v.Until("press "+what, arrived, chromedp.Click(xpath, chromedp.NodeVisible)))
	u, err := v.Address()
	v.must(err)
	return u
}

// see waits until the XPath finds something visible.
func (v *tab) see(what, xpath string) {
	v.t.Helper()
	if err := v.Do("look for "+what, chromedp.WaitVisible(xpath)); err != nil {
		text, _ := v.Text()
		v.t.Fatalf("%v; the page says:\n%s", err, text)
	}
}

// seeText fails unless the page shows every one of the words.
func (v *tab) seeText(words ...string) {
	v.t.Helper()
	text, err := v.Text()
	v.must(err)
	for _, w := range words {
		if !strings.Contains(text, w) {
			v.t.Fatalf("the page does not say %q; it says:\n%s", w, text)
		}
	}
}

// enter empties a field and types into it.
func (v *tab) enter(field, value string) {
	v.t.Helper()
	v.must(v.Do("fill in "+field,
		chromedp.Clear(named(field)),
		chromedp.SendKeys(named(field), value)))
}

// set gives a field a value without the keyboard, for date and time fields,
// whose keys depend on the browser's language.
func (v *tab) set(field, value string) {
	v.t.Helper()
	v.must(v.Do("set "+field, chromedp.SetValue(named(field), value)))
}

// named finds a field of the page's main part by its name.
func named(field string) string {
	return fmt.Sprintf(`(//main//*[@name=%q])[1]`, field)
}

// linkTo finds the first link to a path, with whatever query, in the page's
// main part.
func linkTo(path string) string { return fmt.Sprintf(`(//main//a[%s])[1]`, leads("href", path)) }

// button finds the button with the words given in the form that posts to a
// path, wherever the form is.
func button(action, words string) string {
	return fmt.Sprintf(`(//form[%s]//button[not(@aria-hidden)][contains(normalize-space(), %q)])[1]`, leads("action", action), words)
}

func leads(attribute, path string) string {
	return fmt.Sprintf(`@%s=%q or starts-with(@%[1]s, %q)`, attribute, path, path+"?")
}

// enterKey is the Enter key at the end of typed text.
const enterKey = "\r"

// path is satisfied by the path given, whatever the query.
func path(p string) func(*url.URL) bool {
	return func(u *url.URL) bool { return u.Path == p }
}

// anywhere is satisfied by every page.
func anywhere(*url.URL) bool { return true }

// run evaluates an expression of the test's in the page. It works where the
// page's own JavaScript is off, too.
func run[T any](v *tab, what, expression string) (T, error) {
	return chrome.Run(v.Browser, what, chromedp.Evaluate[T](expression))
}
