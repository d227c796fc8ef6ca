package handlers_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portal/meetings"
)

// daily is ada's room with a session on each of 50 days.
const daily = "201480117"

func (o *outage) Aliases(ctx context.Context, owner string) ([]meetings.Alias, error) {
	if o.unknown.Load() {
		return nil, errDown
	}
	return o.Store.Aliases(ctx, owner)
}

func attribute(name string) func(int, *goquery.Selection) string {
	return func(_ int, s *goquery.Selection) string { return s.AttrOr(name, "") }
}

// whoIs is the page that asks whom else somebody of the daily room is.
func whoIs(person, back string) string {
	return "/people/aliases?" + url.Values{"person": {person}, "meeting": {daily}, "back": {back}}.Encode()
}

// oneOf is somebody of the daily room without an e-mail address, and somebody
// with one, as forms carry them.
func (b *browser) oneOf() (named, addressed string) {
	b.t.Helper()
	page := b.get(whoIs("n:nobody like this", "")).doc(b.t)
	for _, value := range page.Find("#into option").Map(attribute("value")) {
		switch {
		case named == "" && strings.HasPrefix(value, "n:"):
			named = value
		case addressed == "" && strings.HasPrefix(value, "e:") && !strings.Contains(value, "ada@"):
			addressed = value
		}
	}
	if named == "" || addressed == "" {
		b.t.Fatalf("the room offers %q and %q", named, addressed)
	}
	return named, addressed
}

func TestSamePersonDifferentName(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	back := "/meetings/" + daily + "/attendees?q=a&sort=name"
	named, addressed := ada.oneOf()
	name, email := strings.SplitN(named, "\t", 2)[1], strings.SplitN(addressed, "\t", 2)[1]

	// The form as a browser without scripts sends it.
	page := ada.get(whoIs(named, back))
	form := fields(page.doc(t).Find("form:has(#into)"))
	if crumb := page.doc(t).Find(".crumb a").AttrOr("href", ""); crumb != back {
		t.Errorf("the way back leads to %q", crumb)
	}
	if slices.Contains(page.doc(t).Find("#into option").Map(attribute("value")), named) {
		t.Error("somebody can be joined with themselves")
	}
	form.Set("action", "join")
	refused := ada.post("/people/aliases", form)
	if doc := refused.doc(t); refused.StatusCode != 422 || doc.Find("#into-error").Text() != "Choose who it is" || doc.Find(`[name=person]`).AttrOr("value", "") != named || doc.Find(`[name=back]`).AttrOr("value", "") != back {
		t.Errorf("nobody chosen: %d %s", refused.StatusCode, doc.Find("main").Text())
	}
	form.Set("into", addressed)
	done := ada.post("/people/aliases", form)
	if done.StatusCode != http.StatusSeeOther || done.Header.Get("Location") != back {
		t.Fatalf("joining: %d to %q: %s", done.StatusCode, done.Header.Get("Location"), done.body)
	}
	want := "“" + name + "” now counts as " + email + ", in all meetings of this account."
	if notice := ada.get(back).doc(t).Find("#banner").Text(); !strings.Contains(notice, want) {
		t.Errorf("the notice says %q, want %q", notice, want)
	}

	// It is one person now, for a colleague, too, and a contradiction is refused
	// with what was chosen kept.
	cleo := p.connected("cleo")
	if values := ada.get(whoIs(addressed, back)).doc(t).Find("#into option").Map(attribute("value")); slices.Contains(values, named) || len(values) < 5 {
		t.Errorf("who was joined can still be chosen among %d", len(values))
	}
	form.Set("into", form.Get("person"))
	form.Set("person", addressed)
	contrary := ada.post("/people/aliases", form)
	if text := contrary.doc(t).Find("#problems").Text(); contrary.StatusCode != 422 || !strings.Contains(text, email+" and “"+name+"” are one person already") {
		t.Errorf("the contrary: %d %q", contrary.StatusCode, text)
	}
	list := cleo.get("/people/aliases").doc(t)
	if text := list.Find(".decided li").Text(); !strings.Contains(text, "“"+name+"” counts as "+email) || !strings.Contains(text, "Joined by Ada Example") {
		t.Errorf("a colleague reads %q", text)
	}
	if !strings.Contains(cleo.get("/people").doc(t).Find("a[href='/people/aliases']").Text(), "decided") {
		t.Error("People does not lead there")
	}

	// Another account neither sees nor undoes it.
	dan := p.connected("dan")
	if text := dan.get("/people/aliases").doc(t).Find("main").Text(); strings.Contains(text, name) || !strings.Contains(text, "Nobody has been joined or split yet") {
		t.Errorf("dan reads %q", text)
	}
	undo := fields(list.Find(".decided form").First())
	undo.Del("form_token")
	for _, c := range []struct {
		b    *browser
		id   string
		want int
	}{{dan, undo.Get("id"), 404}, {cleo, "", 404}, {cleo, "x'--", 404}, {cleo, undo.Get("id"), 303}, {ada, undo.Get("id"), 404}} {
		send := url.Values{"action": {"undo"}, "id": {c.id}}
		if res := c.b.post("/people/aliases", send); res.StatusCode != c.want {
			t.Errorf("undoing %q answers %d, want %d", c.id, res.StatusCode, c.want)
		}
	}
	if text := cleo.get("/people/aliases").doc(t).Find("main").Text(); !strings.Contains(text, "“"+name+"” does not count as "+email+" any more") || !strings.Contains(text, "0 decisions") {
		t.Errorf("after the undo: %q", text)
	}
	if values := ada.get(whoIs(addressed, back)).doc(t).Find("#into option").Map(attribute("value")); !slices.Contains(values, named) {
		t.Error("after the undo they are still one")
	}
	var log struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(ada.get("/audit.json?q="+url.QueryEscape(email)).body), &log); err != nil || len(log.Rows) != 2 || log.Rows[0]["user"] == log.Rows[1]["user"] {
		t.Errorf("the audit log holds %v, %v", log.Rows, err)
	}
}

func TestWhatAliasesRefuse(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	for name, c := range map[string]struct {
		form url.Values
		want int
		text string
	}{
		"no action":         {url.Values{"person": {"n:a"}, "into": {"n:b"}}, 422, "Join, split or undo?"},
		"nobody":            {url.Values{"action": {"join"}, "into": {"n:b"}}, 422, "This is nobody who can be known again"},
		"a made-up form":    {url.Values{"action": {"join"}, "person": {"N:A"}, "into": {"n:b"}}, 422, "This is nobody who can be known again"},
		"oneself":           {url.Values{"action": {"join"}, "person": {"n:a"}, "into": {"n:a"}}, 422, "are one person already"},
		"who is nameless":   {url.Values{"action": {"split"}, "person": {"?  1  1"}}, 422, "This is nobody who can be known again"},
		"too long":          {url.Values{"action": {"split"}, "person": {"n:" + strings.Repeat("a", 2000)}}, 422, "too long"},
		"not a meeting":     {url.Values{"action": {"join"}, "person": {"n:a"}, "into": {""}, "meeting": {"../x"}}, 422, "Choose who it is"},
		"not their meeting": {url.Values{"action": {"join"}, "person": {"n:a"}, "into": {""}, "meeting": {daily}}, 422, "Choose who it is"},
	} {
		res := b.post("/people/aliases", c.form)
		if res.StatusCode != c.want || !strings.Contains(res.doc(t).Find("main").Text(), c.text) {
			t.Errorf("%s: %d %s", name, res.StatusCode, res.doc(t).Find("main").Text())
		}
	}
	// A label is a spelling of whom it names, and cannot name another; a way back
	// stays here.
	for i, back := range []string{"https://evil.example/", "//evil.example", "/auth/connect", "/meetings\r\nX: y", "javascript:alert(1)"} {
		person := "n:x" + strings.Repeat("x", i)
		res := b.post("/people/aliases", url.Values{"action": {"join"}, "person": {person + "\tThe boss"}, "into": {"e:c@x.test\tC@X.test"}, "back": {back}})
		if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/people/aliases" {
			t.Errorf("%q leads to %d %q", back, res.StatusCode, res.Header.Get("Location"))
		}
		if text := b.get("/people/aliases").doc(t).Find(".decided li").First().Text(); strings.Contains(text, "boss") || !strings.Contains(text, "“"+person[2:]+"” counts as “C@X.test”") {
			t.Errorf("kept as %q", text)
		}
	}
	if text := b.get("/people/aliases?q=XXXX").doc(t).Find("#results").Text(); !strings.Contains(text, "2 of 5 decisions") {
		t.Errorf("a search finds %q", text)
	}
	if res := b.get(whoIs("n:a", "")); res.StatusCode != http.StatusForbidden {
		t.Errorf("who came to ada's meeting: %d", res.StatusCode)
	}
	p.outage.unknown.Store(true)
	for what, res := range map[string]answer{
		"the list": b.get("/people/aliases"), "a decision": b.post("/people/aliases", url.Values{"action": {"split"}, "person": {"n:a"}}), "an undo": b.post("/people/aliases", url.Values{"action": {"undo"}, "id": {"x"}}),
	} {
		if res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s while they cannot be read: %d", what, res.StatusCode)
		}
	}
}

// Splitting shows on the page of the person that was split.
func TestDifferentPeople(t *testing.T) {
	p := newPortal(t)
	// Everybody of the daily room shares an address.
	p.wire.edit = func(call string, answer []byte) []byte {
		if !strings.HasSuffix(call, "/attendees") {
			return answer
		}
		var rows []map[string]any
		dec := json.NewDecoder(strings.NewReader(string(answer)))
		dec.UseNumber()
		if dec.Decode(&rows) != nil {
			return answer
		}
		for _, r := range rows {
			r["attendeeEmail"] = "Team@x.test"
		}
		changed, err := json.Marshal(rows)
		if err != nil {
			panic(err) // it was JSON
		}
		return changed
	}
	ada := p.connected("ada")
	team := ada.get(whoIs("e:team@x.test", "")).doc(t)
	form := fields(team.Find("form:has([value=split])"))
	form.Set("action", "split")
	if text := team.Find("main").Text(); form.Get("person") != "e:team@x.test\tTeam@x.test" || !strings.Contains(text, "Who is Team@x.test?") || !strings.Contains(text, "This address came under several names") || !strings.Contains(text, "Nobody else") {
		t.Fatalf("the page of a shared address: %s", text)
	}
	if res := ada.post("/people/aliases", form); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("splitting: %d %s", res.StatusCode, res.body)
	}
	p.ahead.Add(int64(time.Minute))
	parts := ada.get(whoIs("n:nobody", "")).doc(t).Find("#into option").Map(attribute("value"))
	if len(parts) < 5 || !strings.HasPrefix(parts[1], "e:team@x.test  ") || !strings.HasSuffix(parts[1], " (Team@x.test)") {
		t.Errorf("the parts are %q", parts)
	}
	if rows := ada.get(whoIs(parts[1], "")).doc(t).Find(".decided li").Text(); !strings.Contains(rows, "“Team@x.test” is several people, told apart by their names") {
		t.Errorf("a part shows %q", rows)
	}
	if notice := ada.post("/people/aliases", form).doc(t).Find("#problems").Text(); !strings.Contains(notice, "is told apart already") {
		t.Errorf("split twice: %q", notice)
	}
}
