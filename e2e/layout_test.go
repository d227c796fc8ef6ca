package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// What only a browser can measure: things that belong together stand together,
// at every width.
func TestLayout(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	w.connect()
	const daily = "/meetings/201480117/attendees"
	for _, tt := range []struct {
		name, path string
		widths     []int64
		do, holds  string // what to do first, and an expression that has to be true
	}{
		{"a box and its label are on one line", "/meetings/new", []int64{390, 320}, "", `all(".check", label => {
			const box = label.querySelector("input").getBoundingClientRect(), text = document.createRange();
			text.selectNodeContents(label);
			const words = [...text.getClientRects()].pop();
			return words.left >= box.right && words.top < box.bottom;
		})`},
		{"no choice is cut off", "/meetings/new", []int64{390, 320}, "", `all("#meeting_type, #audio", s => s.getBoundingClientRect().width > 200)`},
		{"rows of keys are alike", "/meetings/new", []int64{1280}, `row("8439885694023990002")`, `new Set([...document.querySelectorAll(".keyrow input")].map(i => i.offsetWidth)).size === 1`},
		{"a row's name stands below its key", "/meetings/new", []int64{390, 320}, `row("8439885694023990006")`, `document.querySelector(".keyrow span").getBoundingClientRect().top >= document.querySelector(".keyrow input").getBoundingClientRect().bottom`},
		{"found people stand in a column", "/meetings/new", []int64{1280, 390, 320}, `find("a")`, `new Set([...document.querySelectorAll(".found div")].map(d => d.getBoundingClientRect().left)).size === 1`},
		{"the card's buttons are alike", "/meetings", []int64{390, 320}, "", `new Set([...document.querySelectorAll(".next .button")].map(b => b.offsetWidth)).size === 1`},
		{"the id's field reaches its button", "/meetings", []int64{390, 320}, "", `document.getElementById("id").getBoundingClientRect().right + 20 > [...document.querySelectorAll(".filters button")].find(b => b.textContent === "Open").getBoundingClientRect().left`},
		{"days are lists where they have no room side by side", "/calendar", []int64{390, 320}, "", `all(".slots li", l => getComputedStyle(l).position === "static") && !document.querySelector(".clock").checkVisibility()`},
		{"no box covers another", "/calendar", []int64{1280, 970}, "", `all(".cal section", day => {
			const boxes = [...day.querySelectorAll(".slots li")].map(l => l.getBoundingClientRect());
			return boxes.every((a, i) => boxes.slice(i + 1).every(b => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1));
		}) && document.querySelectorAll(".slots li").length > 3`},
		{"boxes stand beside their hour", "/calendar", []int64{1280, 970}, "", `(() => {
			const hours = Object.fromEntries([...document.querySelectorAll(".clock li")].map(l => [l.textContent, l.getBoundingClientRect().top])), step = (hours["09:00"] - hours["08:00"]) / 12;
			return all(".slots li", l => {
				const [, hour, minute] = l.querySelector("time").textContent.match(/^(\d\d):(\d\d)/) ?? [];
				return !hour || minute >= 30 && hour === "23" || Math.abs(hours[hour + ":00"] + Math.floor(minute / 5) * step - l.getBoundingClientRect().top) < 2;
			});
		})()`},
		{"every box is large enough to press", "/calendar", []int64{1280, 970, 390, 320}, "", `all(".slots li", l => l.offsetHeight >= 24 && l.offsetWidth >= 24)`},
		{"figures and their notes are apart", daily, []int64{390, 320}, "", `all(".tiles small", s => getComputedStyle(s).display === "block")`},
		{"a time of day is whole", "/history?from=2026-01-01T10:00&to=2026-01-02T11:00", []int64{1280}, "", `all("[type=datetime-local]", i => i.offsetWidth >= 220)`},
		{"sessions that are cut off look it", daily, []int64{1280, 390, 320}, `open()`, `(() => {
			const end = document.querySelector("details nav").getBoundingClientRect().bottom;
			return [...document.querySelectorAll("details nav a")].some(a => a.getBoundingClientRect().top + 8 < end && a.getBoundingClientRect().bottom - 8 > end);
		})()`},
		{"the second step", "/settings", []int64{390, 320}, `open()`, `document.querySelector("details form button").checkVisibility()`},
	} {
		for _, width := range tt.widths {
			w.must(w.Do("open "+tt.path, chromedp.EmulateViewport(width, 844), chromedp.Navigate(portal.Base+tt.path)))
			_, err := run[string](w.tab, "prepare", `
				window.all = (selector, f) => { const list = [...document.querySelectorAll(selector)]; return list.length > 0 && list.every(f); };
				window.open = () => document.querySelector("details").open = true;
				window.row = (key) => { document.querySelector("[name=co_organizer_keys]").value = key; document.querySelector("[name=add]").click(); };
				window.find = (text) => { document.getElementById("person").value = text; document.querySelector("[name=find]").click(); }; ""`)
			w.must(err)
			if tt.do != "" {
				_, err := run[string](w.tab, "do "+tt.do, tt.do+`; ""`)
				w.must(err)
			}
			switch tt.do {
			case "", "open()":
			case `find("a")`:
				w.becomes("the people", `String(document.querySelectorAll(".found li").length > 3)`, "true")
			default:
				w.becomes("the row", `String(document.querySelectorAll(".keyrow").length)`, "2")
			}
			got, err := run[bool](w.tab, tt.name, tt.holds)
			w.must(err)
			wide, err := run[bool](w.tab, "measure "+tt.path, `document.documentElement.scrollWidth > document.documentElement.clientWidth`)
			w.must(err)
			if !got || wide {
				t.Errorf("%s, %d wide: %s: %t; the page scrolls sideways: %t", tt.path, width, tt.name, got, wide)
			}
		}
	}
}
