package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const arrowRight = "\u0303"

// Search, order and kind of cell change the register in place: the focus stays,
// what came of it is said, and the address shows the same to who comes with it,
// with and without JavaScript. The page never scrolls sideways: the table does,
// by the keyboard, too, with names and dates in sight.
func TestRegisterInPlace(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	w.connect()
	const room = "/meetings/201480117"
	w.visit(portal.Base + room)
	w.press("the register", linkTo(room+"/register"), path(room+"/register"))
	before := callsOf(control(t, portal, `{}`))

	said := func(id, says string) {
		t.Helper()
		w.becomes("the focus and what is said", `document.activeElement.id + ": " + document.getElementById("announcer").textContent.trim()`, id+": "+says)
	}
	w.must(w.Do("type a name", chromedp.SendKeys(named("q"), "ada@")))
	said("q", "1 of 169 people in 50 sessions. Search “ada@”, sorted by name")
	w.must(w.Do("take it back", chromedp.Focus(chromedp.CSS("#q")), chromedp.KeyEvent("\b\b\b\b")))
	said("q", "169 people in 50 sessions. Sorted by name")
	w.activate("#sort-minutes")
	said("sort-minutes", "169 people in 50 sessions. Sorted by minutes")
	w.activate("#sort-minutes")
	said("sort-minutes", "169 people in 50 sessions. Sorted by minutes, descending")
	w.must(w.Do("ask for ticks", chromedp.Focus(chromedp.CSS("#cells")), chromedp.KeyEvent("T")))
	said("cells", "169 people in 50 sessions. Ticks instead of minutes, sorted by minutes, descending")
	const first = `(() => { const row = document.querySelector(".register tbody tr"); return row.querySelector("bdi").textContent + [...row.querySelectorAll("td")].map(c => c.textContent).join(" "); })()`
	w.becomes("the first row", first, "Ada Example50 of 50 1545 50 50"+strings.Repeat(" ✓", 50))
	if now := callsOf(control(t, portal, `{}`)); now != before {
		t.Errorf("GoTo was asked again: %s, before %s", now, before)
	}

	at, err := w.Address()
	w.must(err)
	const state = `document.querySelector(".register").textContent.replace(/\s+/g, " ") + document.getElementById("cells").value`
	want, err := run[string](w.tab, "read the page", state)
	w.must(err)
	w.visit(at.String())
	w.becomes("the page, come to anew", state, want)
	plain := &walk{tab: open(t, true), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	plain.connect()
	plain.visit(at.String())
	if got, err := run[string](plain.tab, "read the page", state); err != nil || got != want {
		t.Errorf("without JavaScript: %v\n%s\nwith it:\n%s", err, got, want)
	}

	for _, width := range []int64{1280, 390, 320} {
		w.must(w.Do("open the register", chromedp.EmulateViewport(width, 844), chromedp.Navigate(portal.Base+room+"/register")))
		for what, holds := range map[string]string{
			"the page is no wider":        `document.documentElement.scrollWidth <= document.documentElement.clientWidth`,
			"the table is, in its region": `(r => r.scrollWidth > r.clientWidth && r.tabIndex === 0 && r.getAttribute("role") === "region" && r.ariaLabel !== "")(document.querySelector(".register"))`,
			"names stay in sight":         `(r => { r.scrollLeft = 600; const at = r.getBoundingClientRect().left; const ok = r.scrollLeft > 300 && [...r.querySelectorAll("tr > :first-child")].every(h => Math.abs(h.getBoundingClientRect().left - at) < 3); r.scrollLeft = 0; return ok; })(document.querySelector(".register"))`,
			"a name leaves room":          `(r => r.querySelector("tbody th").offsetWidth < r.clientWidth / 2)(document.querySelector(".register"))`,
		} {
			if ok, err := run[bool](w.tab, what, holds); err != nil || !ok {
				t.Errorf("%d wide: %s: %t, %v", width, what, ok, err)
			}
		}
	}
	w.must(w.Do("scroll by the keyboard", chromedp.Focus(chromedp.CSS(".register")), chromedp.KeyEvent(arrowRight)))
	w.becomes("the table", `String(document.querySelector(".register").scrollLeft > 0)`, "true")
}

// Two who are one are joined from the attendee page, and parted again there,
// with and without JavaScript.
func TestWhoIsWho(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]bool{"with scripts": false, "without scripts": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
			w := &walk{tab: open(t, off), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
			w.connect()
			control(t, portal, `{"scale":3}`)
			const came = "/meetings/590000001/attendees"
			w.visit(portal.Base + came + "?q=Person+0000&sort=name")
			people, err := run[int](w.tab, "count", `document.querySelectorAll("tr.person").length`)
			w.must(err)
			if people < 2 {
				t.Fatalf("%d people are listed", people)
			}
			here, err := w.Address()
			w.must(err)
			open := func(n string) {
				t.Helper()
				w.must(w.Do("open a person", chromedp.Click(`(//tr[@class="person"])[`+n+`]//summary`)))
			}
			open("2")
			w.press("say who it is", `(//tr[@class="behind"])[2]//a[contains(., "Same person")]`, path("/people/aliases"))
			other, err := run[string](w.tab, "find the other", `[...document.querySelectorAll("#into option")].find(o => o.textContent.startsWith("Person 00000"))?.value ?? ""`)
			w.must(err)
			w.set("into", other)
			back := func(u *url.URL) bool { return u.String() == here.String() }
			w.press("join", button("/people/aliases", "Join"), back)
			w.see("what holds now", `//div[@id="banner"]//*[contains(., "now counts as") and contains(., "in all meetings of this account")]`)
			counted := func(want int) {
				t.Helper()
				if got, err := run[int](w.tab, "count", `document.querySelectorAll("tr.person").length`); err != nil || got != want {
					t.Errorf("%d people are listed, want %d: %v", got, want, err)
				}
			}
			counted(people - 1)
			open("1")
			w.press("undo", `(//tr[@class="behind"])[1]//button[contains(., "Undo")]`, back)
			w.see("what holds now", `//div[@id="banner"]//*[contains(., "any more")]`)
			counted(people)
		})
	}
}
