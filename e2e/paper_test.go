package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"portal/e2e/chrome"
)

// The width of an A4 sheet within its margins, in CSS pixels, as it stands, and
// as it lies with what a browser makes a register smaller by, so that it fits.
const upright, across = 703, 1031 * 115 / 100

// On paper there is what was asked for and what was found, black on white, and
// nothing to press. Nothing is wider than the sheet, and a table that goes on
// to the next one has its headings there, too.
func TestPaper(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	w.connect()
	report := w.finished()
	w.must(w.Do("print", chrome.Paper))
	const daily = "/meetings/201480117/attendees"
	for path, asked := range map[string]string{ // asked is the sentence; "" there is none
		"/meetings": "", "/meetings?q=board&sort=subject": "Search “board”, sorted by subject",
		"/meetings/201559307": "", "/calendar": "", "/calendar?view=day&date=2030-01-15": "",
		"/history": "sorted by start, descending", "/history?organizer=all&q=a": "search “a”, sorted by start, descending",
		daily: "Sorted by name", daily + "?rows=joins": "In GoTo's order", daily + "?q=a&threshold=50": "there for at least 50 % of the actual length",
		"/meetings/201480117/register": "Choose a range to print others.", "/people/aliases": "", "/meetings/201480117/erase": "",
		"/people": "", "/people?q=b": "Search “b”", "/audit": "", "/settings": "", "/help": "", "/pending": "",
		report: "Rows meetings, sorted by start, descending", report + "?rows=people&q=a": "Rows people, search “a”, sorted by name", report + "?rows=weeks": "sorted by week",
		"/reports/person?email=ada@example.test": "Sorted by start, descending",
	} {
		sheet := int64(upright)
		if strings.HasSuffix(path, "/register") {
			sheet = across
		}
		w.must(w.Do("open "+path, chromedp.EmulateViewport(sheet, 1000), chromedp.Navigate(portal.Base+path)))
		said, err := run[string](w.tab, "read "+path, `[...document.querySelectorAll("p.print-only")].filter(p => p.checkVisibility()).map(p => p.textContent.trim()).join()`)
		w.must(err)
		if len(said) < len(asked) || said[len(said)-len(asked):] != asked {
			t.Errorf("%s says that this was asked: %q", path, said)
		}
		for what, holds := range map[string]string{
			"it has nothing to press":      `[...document.querySelectorAll(".rail, .filters, .twins, .presets, .add, .button, button")].every(e => !e.checkVisibility())`,
			"it is black on white":         `getComputedStyle(document.querySelector("h1")).color === "rgb(0, 0, 0)" && getComputedStyle(document.documentElement).backgroundColor === "rgb(255, 255, 255)"`,
			"nothing is wider":             `[...document.querySelectorAll("main *")].every(e => !e.checkVisibility() || e.closest(".visually-hidden") || e.getBoundingClientRect().right <= innerWidth + 1)`,
			"tables repeat their headings": `[...document.querySelectorAll("thead")].every(e => getComputedStyle(e).display === "table-header-group" && getComputedStyle(e.closest(".table")).overflow === "visible")`,
			"rows stay whole":              `[...document.querySelectorAll("tr, main li")].every(e => getComputedStyle(e).breakInside === "avoid")`,
		} {
			if ok, err := run[bool](w.tab, what, holds); err != nil || !ok {
				t.Errorf("%s on paper: %s: %t, %v", path, what, ok, err)
			}
		}
	}
}
