package e2e

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"portal/e2e/chrome"
	"portal/e2e/process"
)

// The sandbox's people whom the walks sign in as.
const (
	ada  = "ada@example.test"
	ben  = "ben@example.test"
	cleo = "cleo@example.test"
)

// twoAtOnce bounds how many browsers run at the same time.
type twoAtOnce chan struct{}

// take waits for a browser's turn and gives it back when the test ends.
func (s twoAtOnce) take(t *testing.T) {
	t.Parallel()
	s <- struct{}{}
	t.Cleanup(func() { <-s })
}

// One press on Connect to one press on Sign out, for each kind of user, with
// and without JavaScript.
func TestWalkInSandbox(t *testing.T) {
	turns := make(twoAtOnce, 2)
	for _, user := range []string{ada, ben, cleo} {
		for _, scriptOff := range []bool{false, true} {
			t.Run(name(user, scriptOff), func(t *testing.T) {
				turns.take(t)
				portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
				w := &walk{tab: open(t, scriptOff), portal: portal, sandbox: portal.Base + "/sandbox", user: user}
				w.all()
			})
		}
	}
	for _, scriptOff := range []bool{false, true} {
		t.Run(name("cover", scriptOff), func(t *testing.T) {
			turns.take(t)
			portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
			cover(t, portal, scriptOff)
		})
	}
}

func name(user string, scriptOff bool) string {
	user, _, _ = strings.Cut(user, "@")
	if scriptOff {
		return user + " without JavaScript"
	}
	return user
}

// walk is one user's way through a portal.
type walk struct {
	*tab
	portal  *process.Process
	sandbox string // base address of the sandbox: http://HOST:PORT/sandbox
	user    string // e-mail
}

// all is the whole walk.
func (w *walk) all() {
	w.t.Helper()
	colleague := ben
	if w.user == ben {
		colleague = cleo
	}
	key := organizerKey(w.t, w.sandbox, colleague)

	w.connect()
	id := w.create("Walk with Ünïcødé & <b>friends</b>", "")
	w.find(id, "Ünïcødé")
	w.update(id, "Walk, changed", key)
	host := w.start(id)
	w.runs(id)
	w.end(host)
	w.lookBack(id, "Walk, changed")
	w.erase(id)
	w.meetNow()
	w.delete(w.create("Not needed after all", ""))
	w.signOut()
}

// connect goes from the start page over the consent page, which is on the
// other loopback name, to the upcoming meetings.
func (w *walk) connect() {
	w.t.Helper()
	w.visit(w.portal.Base + "/")
	consent := w.press("Connect", `(//a[starts-with(@href, "/auth/connect")])[1]`, path("/sandbox/oauth/authorize"))
	w.otherOrigin("consent page", consent)
	w.press("Allow as "+w.user, fmt.Sprintf(`//button[@name="user" and @value=%q]`, w.user), path("/meetings"))
	w.see("the heading Upcoming", `//h1[contains(., "Upcoming")]`)
	w.seeText("Connected", w.user)
}

// otherOrigin fails unless the page's address is on another host name than
// the portal's, so that cookies and policies are really crossed.
func (w *walk) otherOrigin(what string, at *url.URL) {
	w.t.Helper()
	if home, _, _ := strings.Cut(w.portal.Host(), ":"); at.Hostname() == home {
		w.t.Fatalf("the %s is at %s, the portal's own host", what, at.Host)
	}
}

var aMeeting = regexp.MustCompile(`^/meetings/([0-9]+)$`)

// create plans a meeting for tomorrow and returns its id.
func (w *walk) create(subject, coOrganizer string) (id string) {
	w.t.Helper()
	w.upcoming()
	w.press("New meeting", linkTo("/meetings/new"), path("/meetings/new"))
	w.enter("subject", subject)
	w.set("start_date", time.Now().AddDate(0, 0, 1).Format(time.DateOnly))
	w.set("start_time", "10:30")
	w.enter("duration", "45")
	if coOrganizer != "" {
		w.enter("co_organizer_keys", coOrganizer)
	}
	at := w.press("Create meeting", button("/meetings", "Create meeting"),
		func(u *url.URL) bool { return aMeeting.MatchString(u.Path) })
	id = aMeeting.FindStringSubmatch(at.Path)[1]
	w.see("the subject as heading", fmt.Sprintf(`//h1[contains(., %q)]`, subject))
	w.seeText(dashed(id), "/join/"+id)
	// Only a script can copy, so without one nothing offers to.
	copies, err := run[int](w.tab, "count the copy buttons", `[...document.querySelectorAll("[data-copy]")].filter(b => b.checkVisibility()).length`)
	w.must(err)
	if w.scriptOff != (copies == 0) {
		w.t.Fatalf("%d copy buttons are shown", copies)
	}
	return id
}

// dashed is a meeting id as people write it.
func dashed(id string) string {
	if len(id) != 9 {
		return id
	}
	return id[:3] + "-" + id[3:6] + "-" + id[6:]
}

// upcoming goes to the list by the navigation.
func (w *walk) upcoming() {
	w.t.Helper()
	w.press("Upcoming", `(//nav//a[@href="/meetings"])[1]`, path("/meetings"))
}

// find searches the list for the meeting and opens it. With JavaScript the
// list follows the typing; without, Enter asks for it. The address is the same.
func (w *walk) find(id, words string) {
	w.t.Helper()
	w.upcoming()
	asked := func(u *url.URL) bool { return u.Path == "/meetings" && u.Query().Get("q") == words }
	if w.scriptOff {
		w.must(w.Until("search", asked, chromedp.SendKeys(named("q"), words+enterKey)))
	} else {
		w.must(w.Do("search while typing", chromedp.SendKeys(named("q"), words)))
		_, err := chrome.Run(w.Browser, "wait for the search's address", chromedp.Poll[bool](
			fmt.Sprintf(`new URLSearchParams(location.search).get("q") === %q`, words)))
		w.must(err)
	}
	w.see("the one result", `//main//p[starts-with(normalize-space(), "1 of ")]`)
	rows, err := w.listed()
	w.must(err)
	if len(rows) != 1 || rows[0] != "/meetings/"+id {
		w.t.Fatalf("searching for %q lists %q, want the one meeting %s", words, rows, id)
	}
	w.press("the meeting's subject", fmt.Sprintf(`(//main//li//a[%s])[1]`, leads("href", "/meetings/"+id)), path("/meetings/"+id))
	at, err := w.Address()
	w.must(err)
	if at.Query().Get("back") != "q="+url.QueryEscape(words) {
		w.t.Fatalf("the way back from %s forgets the search", at)
	}
}

// update changes the subject and adds a co-organizer.
func (w *walk) update(id, subject, coOrganizer string) {
	w.t.Helper()
	w.press("Edit", linkTo("/meetings/"+id+"/edit"), path("/meetings/"+id+"/edit"))
	w.enter("subject", subject)
	// A second row keeps what was typed in the first, by htmx or by a post of
	// the whole form.
	w.must(w.Do("add a row", chromedp.Click(button("/meetings/"+id, "Add another"))))
	second := `(//main//input[@name="co_organizer_keys"])[2]`
	w.see("a second row", second)
	w.must(w.Do("type the key", chromedp.SendKeys(second, coOrganizer)))
	w.press("Save", button("/meetings/"+id, "Save"), path("/meetings/"+id))
	w.see("the new subject", fmt.Sprintf(`//h1[contains(., %q)]`, subject))
	w.seeText(coOrganizer)
}

// start starts the meeting from its page and returns the address of the host
// page that the browser was sent to.
func (w *walk) start(id string) *url.URL {
	w.t.Helper()
	host := w.press("Start", button("/meetings/"+id+"/start", "Start"), path("/sandbox/host"))
	w.otherOrigin("host page", host)
	return host
}

// runs fails unless the list shows the meeting as running.
func (w *walk) runs(id string) {
	w.t.Helper()
	w.visit(w.portal.Base + "/meetings")
	w.see("the meeting as running", fmt.Sprintf(
		`//*[self::li or self::tr][.//a[@href="/meetings/%s"]][contains(., "Running")]`, id))
}

// end ends the meeting on the host page.
func (w *walk) end(host *url.URL) {
	w.t.Helper()
	w.visit(host.String())
	w.press("End", `//button[starts-with(normalize-space(), "End")]`, anywhere)
	if strings.HasPrefix(w.sandbox, w.portal.Base) { // alone it knows of no portal
		w.press("Back to the portal", `//a[normalize-space()="Back to the portal"]`, path("/meetings"))
	}
}

// meetNow creates and starts a meeting in one press, and ends it.
func (w *walk) meetNow() {
	w.t.Helper()
	w.upcoming()
	host := w.press("Meet now", button("/meetings/now", "Meet now"), path("/sandbox/host"))
	w.otherOrigin("host page", host)
	w.end(host)
	w.visit(w.portal.Base + "/meetings")
}

// lookBack finds the meeting among the last week's and opens its attendees.
// (Today's would lack one that began before the user's midnight.)
func (w *walk) lookBack(id, subject string) {
	w.t.Helper()
	w.visit(w.portal.Base + "/meetings")
	w.press("History", `(//nav//a[@href="/history"])[1]`, path("/history"))
	w.press("Last 7 days", `//main//a[normalize-space()="Last 7 days"]`,
		func(u *url.URL) bool { return u.Path == "/history" && u.Query().Get("from") != "" })
	w.seeText(subject)
	attendees := "/meetings/" + id + "/attendees"
	w.press("the session's attendees", fmt.Sprintf(`(//main//a[starts-with(@href, %q)])[1]`, attendees), path(attendees))
	w.seeText(subject)
	rows, err := w.count(`//main//table/tbody/tr`)
	w.must(err)
	if rows == 0 {
		w.t.Fatal("the attendee table is empty")
	}
}

// erase erases who came to the session that lookBack has opened, and then all
// of it.
func (w *walk) erase(id string) {
	w.t.Helper()
	at, err := w.Address()
	w.must(err)
	page, attendees := "/meetings/"+id+"/erase", "/meetings/"+id+"/attendees"
	w.press("Erase attendee data", linkTo(page), path(page))
	w.seeText("Nobody can bring them back")
	w.press("Erase the data", button(page, "Erase the data of"), path(attendees))
	w.see("that it is erased", `//*[@role="alert"][contains(., "attendee data is erased")]`)
	w.visit(w.portal.Base + page + "?" + at.RawQuery)
	w.seeText("nothing to erase now")
	w.must(w.Do("tick the box", chromedp.Click(`//input[@name="sure"]`, chromedp.NodeVisible)))
	w.press("Erase the session", button(page, "Erase the whole session"), path("/history"))
	w.see("that the session is erased", `//*[@role="alert"][contains(., "session is erased")]`)
}

// delete deletes the meeting from its page, thinks better of it, and does it
// after all without waiting.
func (w *walk) delete(id string) {
	w.t.Helper()
	w.hold(id)
	w.press("Undo", waiting(id)+`//button[@value="keep"]`, path("/meetings"))
	w.see("that it is kept", `//*[@role="alert"][contains(., "is kept")]`)
	w.hold(id)
	w.press("Delete now", `(//form[starts-with(@action, "/pending/")]//button[@value="delete"])[1]`, path("/meetings"))
	w.see("that it is deleted", `//*[@role="alert"][contains(., "is deleted")]`)
	rows, err := w.listed()
	w.must(err)
	if slices.Contains(rows, "/meetings/"+id) {
		w.t.Fatalf("the list still has the deleted meeting %s", id)
	}
}

// hold presses Delete on the meeting's pages, after which it can be undone.
func (w *walk) hold(id string) {
	w.t.Helper()
	w.visit(w.portal.Base + "/meetings/" + id)
	w.press("Delete", linkTo("/meetings/"+id+"/delete"), path("/meetings/"+id+"/delete"))
	w.press("Delete the meeting", button("/meetings/"+id+"/delete", "Delete"), path("/meetings"))
	w.see("the notice", `//*[@role="status"][contains(., "will be deleted")]`)
	w.see("the meeting as waiting", waiting(id))
}

// waiting finds the meeting's row in the list while its delete can be undone.
func waiting(id string) string {
	return fmt.Sprintf(`//main//li[.//a[@href="/meetings/%s"]][.//button[@value="keep"]]`, id)
}

// signOut ends the browser session.
func (w *walk) signOut() {
	w.t.Helper()
	w.press("Sign out", button("/auth/signout", "Sign out"), path("/"))
	w.must(w.Until("ask for the list again", path("/"), chromedp.Navigate(w.portal.Base+"/meetings")))
	w.see("Connect", `(//a[starts-with(@href, "/auth/connect")])[1]`)
}

// cover is how a co-organizer starts somebody else's meeting: ada plans it
// with cleo, cleo types its id, opens it and starts it.
func cover(t *testing.T, portal *process.Process, scriptOff bool) {
	sandbox := portal.Base + "/sandbox"
	owner := &walk{tab: open(t, scriptOff), portal: portal, sandbox: sandbox, user: ada}
	owner.connect()
	id := owner.create("Cleo covers for Ada", organizerKey(t, sandbox, cleo))
	owner.signOut()

	other := &walk{tab: owner.tab, portal: portal, sandbox: sandbox, user: cleo}
	other.connect()
	other.must(other.Until("open by id", path("/meetings/"+id),
		chromedp.SendKeys(named("id"), dashed(id)+enterKey)))
	other.seeText("Cleo covers for Ada")
	host := other.start(id)
	other.end(host)
	other.visit(portal.Base + "/meetings")
	other.signOut()

	owner.connect()
	owner.lookBack(id, "Cleo covers for Ada")
	owner.signOut()
}

// listed returns the addresses of the meetings in the list of upcoming ones,
// in its order.
func (v *tab) listed() ([]string, error) {
	return run[[]string](v, "read the list",
		`[...document.querySelectorAll("main li a[href]")].map(a => a.getAttribute("href").replace(/\?.*/, "")).filter(h => /^\/meetings\/\d+$/.test(h))`)
}

// count returns how many elements the XPath finds.
func (v *tab) count(xpath string) (int, error) {
	return run[int](v, "count "+xpath, fmt.Sprintf(
		`document.evaluate("count(" + %q + ")", document, null, XPathResult.NUMBER_TYPE, null).numberValue`, xpath))
}
