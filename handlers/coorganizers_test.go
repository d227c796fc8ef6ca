package handlers_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// Each button of the co-organizer rows leads the keyboard to what it brought
// about and says what that was.
func TestCoOrganizerButtonsLeadOn(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	keys := func(form url.Values, keys ...string) url.Values {
		form["co_organizer_keys"] = keys
		return form
	}
	for name, tt := range map[string]struct {
		form        url.Values
		focus, says string
	}{
		"another row":         {keys(plan("add", "row"), bensKey, ""), "co_organizer_keys-2", "Row 3 added"},
		"a person":            {keys(plan("add_key", cleos, "person", "cleo"), bensKey, ""), "co_organizer_keys-1", "Cleo Example added"},
		"oneself":             {keys(plan("add_key", adasKey), ""), "co_organizer_keys-0", "You are the organizer anyway, so your own key is left out."},
		"a row less":          {keys(plan("remove", bensKey), bensKey, cleos, ""), "co_organizer_keys-1", "Ben Example removed"},
		"one found":           {keys(plan("find", "1", "person", "cleo"), ""), "found-0", "1 person found"},
		"nobody found":        {keys(plan("find", "1", "person", "nobody like this"), ""), "person", "Nobody in the account matches."},
		"looking for nothing": {keys(plan("find", "1"), ""), "person", "Enter a name or an e-mail address to look for."},
	} {
		ada.get("/people") // names for the keys
		part := ada.post("/meetings", tt.form, "HX-Request", "true", "HX-Request-Type", "partial")
		doc := part.doc(t)
		if got := doc.Find("[data-focus]"); got.Length() != 1 || got.AttrOr("id", "") != tt.focus {
			t.Errorf("%s: the focus goes to %q", name, got.AttrOr("id", ""))
		}
		if got := doc.Find(`#announcer[hx-swap-oob]`).Text(); got != tt.says {
			t.Errorf("%s: %q is said", name, got)
		}
		whole := ada.post("/meetings", tt.form).doc(t)
		if got := whole.Find("[autofocus]"); got.Length() != 1 || got.AttrOr("id", "") != tt.focus || whole.Find("#announcer").Text() != "" {
			t.Errorf("%s, without a script: %q, %q", name, got.AttrOr("id", ""), whole.Find("#announcer").Text())
		}
	}
	if n := ada.get("/meetings/new").doc(t).Find("[autofocus], [data-focus]").Length(); n != 0 {
		t.Errorf("a new form grabs the focus %d times", n)
	}
	refused := ada.post("/meetings", plan("subject", "")).doc(t)
	if n := refused.Find("[autofocus], [data-focus]").Length(); n != 0 {
		t.Error("a refused form leads away from its summary")
	}
	refused.Find("#announcer").Each(func(_ int, s *goquery.Selection) {
		if strings.TrimSpace(s.Text()) != "" {
			t.Errorf("a whole page announces %q", s.Text())
		}
	})
}

// Of several rows only those that cannot be read are marked.
func TestOnlyBadRowsAreMarked(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	ada.get("/people")
	form := plan()
	form["co_organizer_keys"] = []string{bensKey, "cleo & co", cleos + "\n12345678", ""}
	res := ada.post("/meetings", form)
	rows := res.doc(t).Find(".keyrow")
	if res.StatusCode != 422 || rows.Length() != 5 {
		t.Fatalf("%d, %d rows", res.StatusCode, rows.Length())
	}
	rows.Each(func(i int, row *goquery.Selection) {
		in := row.Find("input")
		bad := i == 1
		if in.AttrOr("aria-invalid", "false") != map[bool]string{true: "true", false: "false"}[bad] || row.HasClass("wrong") != bad ||
			(in.AttrOr("aria-describedby", "") == "co_organizer_keys-error") != bad {
			t.Errorf("row %d, %q, is marked the wrong way", i, in.AttrOr("value", ""))
		}
	})
	if res.doc(t).Find("fieldset.wrong").Length() != 0 {
		t.Error("the whole fieldset is marked")
	}
	if text := rows.Text(); !strings.Contains(text, "Ben Example") || !strings.Contains(text, "Cleo Example") {
		t.Errorf("good rows lost their names: %s", text)
	}
}

// Admins are warned of keys that nobody in their account has; organizers, whom
// GoTo would refuse the directory, are not, and it costs them no call.
func TestOddKeysAreWarnedOf(t *testing.T) {
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	directory := func() int { return p.sandbox.Calls()["GET /admin/rest/v1/accounts/*/users"] }
	sven := "8439885694023990009" // suspended
	form := plan("add", "row")
	form["co_organizer_keys"] = []string{"8439885694023999999", sven, bensKey}
	rows := ada.post("/meetings", form).doc(t).Find(".keyrow")
	for i, want := range []string{"not in your account", "suspended", ""} {
		if got := strings.TrimSpace(rows.Eq(i).Find(".badge").Text()); got != want {
			t.Errorf("row %d is marked %q, want %q", i, got, want)
		}
	}
	if n := directory(); n != 1 {
		t.Errorf("%d calls for the directory", n)
	}
	id := ada.create("co_organizer_keys", "8439885694023999999")
	if text := ada.get("/meetings/" + id).body; !strings.Contains(text, "1 co-organizer is not in your account") || !strings.Contains(text, "8439885694023999999") {
		t.Error("a stranger is not warned of")
	}
	again := plan("co_organizer_keys", "8439885694023999999", "read", ada.get("/meetings/"+id+"/edit").doc(t).Find("[name=read]").AttrOr("value", ""))
	before := directory()
	if res := ada.post("/meetings/"+id, again); res.StatusCode != 303 {
		t.Fatalf("update answers %d", res.StatusCode)
	}
	if text := ada.get("/meetings/" + id).body; strings.Contains(text, "not in your account") || directory() != before {
		t.Error("a key that was there before is warned of again")
	}
	known := ada.create("co_organizer_keys", cleos)
	if text := ada.get("/meetings/" + known).body; strings.Contains(text, "not in your account") || directory() != before {
		t.Error("a key that the address book names is looked up or warned of")
	}
	before = directory()
	bens := ben.create("co_organizer_keys", "8439885694023999999")
	if text := ben.get("/meetings/" + bens).body; strings.Contains(text, "not in your account") || directory() != before {
		t.Error("an organizer is warned by a directory that is closed to him")
	}
}

// Saving a meeting that was made elsewhere keeps a dial-in text that is the
// organizer's own, and says so.
func TestOwnDialInTextIsKept(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	const bridge = "Our bridge: +1 555 010 0199, code 4711#"
	body := wireMeeting()
	body["conferencecallinfo"] = bridge
	p.elsewhere("POST", "/G2M/rest/meetings", "ada", body)
	id := listed(ada.get("/meetings?q=made+elsewhere").doc(t))[0]
	doc := ada.get("/meetings/" + id + "/edit").doc(t)
	if got := doc.Find("#audio option[selected]").AttrOr("value", ""); got != "custom" || doc.Find("#audio_text").Text() != bridge {
		t.Errorf("the form has %q and %q", got, doc.Find("#audio_text").Text())
	}
	if note := doc.Find("form .note").Text(); !strings.Contains(note, "saving keeps it as it is") || doc.Find("pre.dial").Text() != bridge {
		t.Errorf("the form says %q, and shows %q", note, doc.Find("pre.dial").Text())
	}
	form := url.Values{}
	doc.Find("form#meeting input, form#meeting textarea").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("type", "") != "checkbox" {
			form.Add(s.AttrOr("name", ""), s.AttrOr("value", s.Text()))
		}
	})
	for _, name := range []string{"audio", "meeting_type", "time_zone"} {
		form.Set(name, doc.Find("#"+name+" option[selected]").AttrOr("value", ""))
	}
	if res := ada.post("/meetings/"+id, form); res.StatusCode != 303 {
		t.Fatalf("saving answers %d: %s", res.StatusCode, res.doc(t).Find("#problems").Text())
	}
	if got := ada.get("/meetings/" + id).doc(t).Find("pre.dial").Text(); got != bridge {
		t.Errorf("after saving the text is %q", got)
	}
	if note := ada.get("/meetings/" + id + "/edit").doc(t).Find("form .note"); note.Length() != 0 {
		t.Errorf("what the portal set itself is said to be a guess: %s", note.Text())
	}
}
