package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Weeks and days are turned by their links, from the keyboard too: with a
// script the page stays, the title follows, and the focus is where it was.
func TestTurningTheCalendar(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	for _, scriptOff := range []bool{false, true} {
		w := &walk{tab: open(t, scriptOff), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
		w.connect()
		w.press("Week", `(//nav[@aria-label="View as"]//a)[2]`, path("/calendar"))
		_, err := run[string](w.tab, "leave a mark", `window.mark = "here"; ""`)
		w.must(err)
		for _, step := range []string{"next", "next", "prev", "today"} {
			before, err := w.Address()
			w.must(err)
			_, err = run[string](w.tab, "go to "+step, `document.getElementById("`+step+`").focus(); ""`)
			w.must(err)
			if scriptOff {
				w.must(w.Until("press "+step, func(u *url.URL) bool { return u.Path == "/calendar" && u.RawQuery != before.RawQuery }, chromedp.KeyEvent(enterKey)))
				continue
			}
			w.must(w.Do("press "+step, chromedp.KeyEvent(enterKey)))
			w.becomes("the address", `String(location.search !== "?`+before.RawQuery+`")`, "true")
			w.becomes("the focus", `document.activeElement.id`, step)
			w.becomes("what is said", `String(document.getElementById("announcer").textContent.startsWith(document.querySelector("h1").textContent + ": "))`, "true")
			w.becomes("the title", `String(document.title === document.querySelector("h1").textContent + " · Calendar · GoToMeeting Portal" && !document.querySelector("body title"))`, "true")
			mark, err := run[string](w.tab, "look for the mark", `window.mark ?? ""`)
			w.must(err)
			if mark != "here" {
				t.Errorf("%s: the page was loaded anew", step)
			}
		}
		w.press("a day", `(//main//section//h2/a)[3]`, func(u *url.URL) bool { return strings.Contains(u.RawQuery, "view=day") })
		w.press("New meeting", linkTo("/meetings/new"), path("/meetings/new"))
	}
}
