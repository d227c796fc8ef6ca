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
