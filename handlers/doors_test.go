package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Who leaves is told so on the start page, in words that no address can choose.
func TestLeavingIsSaid(t *testing.T) {
	p := newPortal(t)
	for name, tt := range map[string]struct {
		path string
		form url.Values
		says string
	}{
		"sign out":   {"/auth/signout", nil, "You are signed out of this browser."},
		"everywhere": {"/settings/sessions", url.Values{"end": {"all"}}, "You are signed out everywhere."},
		"disconnect": {"/auth/disconnect", nil, "You are disconnected"},
	} {
		b := p.connected("ben")
		res := b.post(tt.path, tt.form)
		page := b.get(res.Header.Get("Location"))
		if note := page.doc(t).Find(".note[role=alert]").Text(); page.StatusCode != 200 || !strings.Contains(note, tt.says) {
			t.Errorf("%s: %d %q", name, page.StatusCode, note)
		}
		if link := page.doc(t).Find(`a[href^="/auth/connect"]`); strings.TrimSpace(link.Text()) != "Connect GoTo" {
			t.Errorf("%s: the way back reads %q", name, link.Text())
		}
	}
	if page := p.browser().get("/?left=" + url.QueryEscape("You are hacked")); strings.Contains(page.body, "hacked") {
		t.Error("the address chooses the words")
	}
}

// Disconnecting is the second step, and says what it does.
func TestDisconnectAsksFirst(t *testing.T) {
	p := newPortal(t)
	form := p.connected("ben").get("/settings").doc(t).Find(`form[action="/auth/disconnect"]`)
	if form.Closest("details:not([open])").Length() != 1 || !strings.Contains(form.Find("button").Text(), "End all my sessions") {
		t.Errorf("the button %q stands open", form.Find("button").Text())
	}
}

// Who asks for a page and was never here signs in; whose session is over
// reconnects.
func TestStrangersSignIn(t *testing.T) {
	p := newPortal(t)
	b := p.browser()
	res := b.get("/meetings?q=board")
	page := b.get(res.Header.Get("Location")).doc(t)
	if text := page.Find(".hero").Text(); !strings.Contains(text, "Sign in to go on") || strings.Contains(text, "Reconnect") || strings.Contains(text, "is over") {
		t.Errorf("a stranger is told %s", text)
	}
	if link := page.Find(`a[href^="/auth/connect"]`).AttrOr("href", ""); !strings.Contains(link, "return=%2Fmeetings%3Fq%3Dboard") {
		t.Errorf("the link %s forgets the page", link)
	}
}

// Who comes with a foreign account can go on with another.
func TestForeignAccountCanTryAnother(t *testing.T) {
	p := newPortalWith(t, options{account: "9007199254740993001"})
	b := p.browser()
	res := b.get(b.consent("/auth/connect", "dan@example.test"))
	main := res.doc(t).Find("main")
	link := main.Find(`a[href="/auth/connect"]`)
	if res.StatusCode != http.StatusForbidden || !strings.Contains(link.Text(), "Connect with another account") || !strings.Contains(main.Text(), "sign out there first") {
		t.Fatalf("%d %s", res.StatusCode, main.Text())
	}
	if again := b.get(b.consent(link.AttrOr("href", ""), "ada@example.test")); again.StatusCode != http.StatusSeeOther {
		t.Errorf("with another account: %d", again.StatusCode)
	}
}

func TestSandboxNeedsNoSetUp(t *testing.T) {
	p := newPortal(t)
	doc := p.browser().get("/setup").doc(t)
	if text := doc.Find("main").Text(); !strings.Contains(text, "the sandbox, which needs no set-up") || doc.Find("form").Length() != 0 {
		t.Errorf("the page says %s", text)
	}
}

// A repeated invitation says that the person is there, by the name that GoTo
// knows.
func TestRepeatedInvitation(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	invite := func(first, mail string) string {
		t.Helper()
		res := ada.post("/people", url.Values{"first_name": {first}, "last_name": {"Newman"}, "email": {mail}})
		if res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %d", mail, res.StatusCode)
		}
		return ada.get("/people").doc(t).Find("#banner").Text()
	}
	if text := invite("Kim", "kim@example.test"); !strings.Contains(text, "GoTo has invited Kim Newman") {
		t.Errorf("the first time: %s", text)
	}
	if text := invite("Kimberly", "kim@example.test"); !strings.Contains(text, "Kim Newman (kim@example.test) is already in your account") {
		t.Errorf("the second time: %s", text)
	}
	if text := invite("Mallory", "cleo@example.test"); !strings.Contains(text, "Cleo Example (cleo@example.test) is already in your account") {
		t.Errorf("of somebody else: %s", text)
	}
	if text := ada.get("/people").body; strings.Contains(text, "Mallory") {
		t.Error("an invitation renames somebody")
	}
}

// Controls that turn the direction of text are not shown, and sent back as they
// are unless somebody edits them.
func TestDirectionControls(t *testing.T) {
	const turned = "Board \u202egnp.exe\u2066x"
	p := newPortal(t)
	ada := p.connected("ada")
	body := wireMeeting()
	body["subject"], body["conferencecallinfo"] = turned, "Dial \u202e1"
	p.elsewhere(http.MethodPost, "/G2M/rest/meetings", "ada", body)
	id := listed(ada.get("/meetings?q=board").doc(t))
	if len(id) == 0 {
		t.Fatal("the meeting is not listed")
	}
	at := ""
	for _, id := range id {
		if strings.Contains(ada.get("/meetings/"+id).body, "gnp.exe") {
			at = "/meetings/" + id
		}
	}
	for _, path := range []string{"/meetings", at, at + "/delete", at + "/attendees"} {
		doc := ada.get(path).doc(t)
		html, err := doc.Html()
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(html, "\u202e\u2066") || !strings.Contains(html, "Board gnp.exex") {
			t.Errorf("%s shows the controls, or not the subject", path)
		}
	}
	ics := ada.get(at + ".ics")
	if text := strings.ReplaceAll(ics.body, "\r\n ", ""); strings.ContainsAny(text, "\u202e\u2066") || !strings.Contains(text, "SUMMARY:Board gnp.exex") {
		t.Errorf("the calendar: %s", text)
	}
	if name := ics.Header.Get("Content-Disposition"); strings.ContainsAny(name, "\u202e\u2066") || strings.Contains(name, "%E2%80%AE") {
		t.Errorf("the file's name: %s", name)
	}
	edit := ada.get(at + "/edit").doc(t)
	if got := edit.Find("#subject").AttrOr("value", ""); got != turned {
		t.Errorf("the form has %q", got)
	}
	if title := edit.Find("title").Text(); strings.ContainsAny(title, "\u202e\u2066") {
		t.Errorf("the form's title is %q", title)
	}
}

// How long something runs is said in words that read.
func TestRunningSince(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	text := ada.get("/meetings").doc(t).Find(".next .clock small").Text()
	if !strings.HasPrefix(text, "started ") || !strings.HasSuffix(text, " ago") {
		t.Errorf("the running meeting: %q", text)
	}
	p.ahead.Store(int64(5 * time.Hour))
	if text := ada.get("/meetings").doc(t).Find(".next .clock small").Text(); !strings.Contains(text, "hours ago") {
		t.Errorf("five hours later: %q", text)
	}
}
