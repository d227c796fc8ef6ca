package handlers_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// evil is text that gets out of every place in HTML that does not escape it,
// is a formula to a spreadsheet, and adds a line to a calendar. word tells
// where it came from.
func evil(word string) string {
	return `=1+1</title></textarea></pre></select>"'><i class=pwned>` + word + "</i>\r\nX-PWNED:" + word
}

// typed is evil for what people type: one line, and short enough for a subject.
func typed(word string) string { return `</title>"'><i class=pwned>` + word + `</i>` }

// seen is how evil and typed text looks to who reads the page.
func seen(word string) string { return `<i class=pwned>` + word + `</i>` }

// poison returns an edit of GoTo's answers that makes the values of these keys
// evil, wherever they are.
func poison(keys ...string) func(call string, answer []byte) []byte {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, element := range v {
				walk(element)
			}
		case map[string]any:
			for key, value := range v {
				if _, isText := value.(string); isText && slices.Contains(keys, key) {
					v[key] = evil(key)
				} else {
					walk(value)
				}
			}
		}
	}
	return func(call string, answer []byte) []byte {
		dec := json.NewDecoder(bytes.NewReader(answer))
		dec.UseNumber()
		var v any
		if strings.Contains(call, "/oauth/") || dec.Decode(&v) != nil {
			return answer
		}
		walk(v)
		changed, err := json.Marshal(v)
		if err != nil {
			panic(err) // it was JSON
		}
		return changed
	}
}

// What GoTo names and what people type is text on every page, whatever it is.
func TestHostileTextOnEveryPage(t *testing.T) {
	p := newPortal(t)
	texts := []string{"subject", "firstName", "lastName", "name", "email", "attendeeName", "attendeeEmail", "conferenceCallInfo", "description", "groupName", "recordingName", "locale"}
	p.wire.edit = poison(texts...)
	ada, ben := p.connected("ada"), p.connected("ben")
	ada.agent, ben.agent = typed("agent"), typed("agent")
	const bens = "8439885694023990002"
	title := regexp.MustCompile(`(?s)<title>(.*?)</title>`)
	page := func(who, name string, res answer, words ...string) {
		t.Helper()
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s's %s: %d %s", who, name, res.StatusCode, res.Header.Get("Content-Type"))
			return
		}
		doc := res.doc(t)
		if n := doc.Find(".pwned, script:not([src])").Length(); n > 0 {
			html, _ := doc.Find(".pwned").First().Parent().Html()
			t.Errorf("%s's %s: %d elements got in, at %.300s", who, name, n, html)
		}
		head, _, _ := strings.Cut(res.body, "</head>")
		if found := title.FindAllStringSubmatch(head, -1); len(found) != 1 {
			t.Errorf("%s's %s has the titles %q", who, name, found)
		}
		for _, found := range title.FindAllStringSubmatch(res.body, -1) { // drawings have some, too
			if strings.ContainsAny(found[1], "<>") {
				t.Errorf("%s's %s has the title %q", who, name, found)
			}
		}
		if rail := whatShows(doc.Find(".who")); rail != "" && (!strings.Contains(rail, seen("firstName")) || !strings.Contains(rail, seen("email")) || !strings.Contains(rail, seen("name"))) {
			t.Errorf("%s's %s names the user %q", who, name, rail)
		}
		shown := whatShows(doc.Find("main"))
		for _, word := range words {
			if where, inTitle := strings.CutPrefix(word, "title:"); inTitle {
				if got := doc.Find("title").Text(); !strings.Contains(got, seen(where)) {
					t.Errorf("%s's %s has the title %q", who, name, got)
				}
				word = where
			}
			if !strings.Contains(shown, seen(word)) {
				t.Errorf("%s's %s does not show the %s as it is", who, name, word)
			}
		}
	}
	get := func(b *browser, path string) answer {
		p.ahead.Add(int64(3 * time.Second)) // what was read before is too old
		return b.get(path)
	}
	for _, b := range []*browser{ada, ben} {
		who := map[*browser]string{ada: "ada", ben: "ben"}[b]
		page(who, "first page", b.get("/meetings"), "firstName", "lastName", "email") // in the notice
		// From now on the names of the account are known.
		get(ada, "/people")
		p.wire.edit = nil
		id, past := b.create("subject", typed("plan"), "co_organizer_keys", "8439885694023990003"), b.firstPast()
		p.wire.edit = poison(texts...)
		for name, tt := range map[string]struct {
			path  string
			words []string
		}{
			"upcoming":           {"/meetings", []string{"subject", "firstName", "lastName"}},
			"search":             {"/meetings?q=" + url.QueryEscape(typed("q")), []string{"q"}},
			"week":               {"/calendar", []string{"subject"}},
			"day":                {"/calendar?view=day&date=2030-01-15", []string{"subject"}},
			"no date":            {"/calendar?view=day&date=" + url.QueryEscape(typed("date")), []string{"date"}},
			"meeting":            {"/meetings/" + id, []string{"title:subject", "conferenceCallInfo", "firstName", "email"}},
			"edit":               {"/meetings/" + id + "/edit", []string{"title:subject"}},
			"edit of another's":  {"/meetings/" + otherOf[who] + "/edit", []string{"title:subject", "conferenceCallInfo"}},
			"delete":             {"/meetings/" + id + "/delete", []string{"title:subject"}},
			"nobody came":        {"/meetings/" + id + "/attendees", []string{"title:subject"}},
			"attendees":          {past, []string{"title:subject", "attendeeName", "attendeeEmail"}},
			"erase":              {strings.Replace(past, "/attendees", "/erase", 1), []string{"title:subject", "firstName", "email"}},
			"register":           {registerAt(past), []string{"title:subject", "attendeeName", "attendeeEmail"}},
			"nobody in register": {registerAt(past) + "?q=" + url.QueryEscape(typed("q")), []string{"q"}},
			"bad register":       {registerAt(past) + "?from=" + url.QueryEscape(typed("from")) + "&q=" + url.QueryEscape(typed("q")), []string{"from", "q"}},
			"whom to choose":     {"/people/aliases?meeting=" + meetingOf(past), []string{"attendeeEmail"}},
			"who is it":          {"/people/aliases?meeting=" + meetingOf(past) + "&person=" + url.QueryEscape("n:"+typed("person")) + "&q=" + url.QueryEscape(typed("q")), []string{"title:person", "q"}},
			"who is who":         {"/people/aliases?q=" + url.QueryEscape(typed("q")), []string{"q"}},
			"no such attendee":   {past + "&q=" + url.QueryEscape(typed("q")), []string{"q"}},
			"history":            {"/history", []string{"subject"}},
			"history, searched":  {"/history?q=" + url.QueryEscape(typed("q")), []string{"q"}},
			"bad range":          {"/history?from=" + url.QueryEscape(typed("from")), []string{"from"}},
			"people":             {"/people", []string{"firstName", "lastName", "email"}},
			"people, looked up":  {"/people?q=" + url.QueryEscape(typed("q")), []string{"q"}},
			"settings":           {"/settings", []string{"firstName", "lastName", "email"}},
			"sessions":           {"/settings/sessions", nil},
			"no feed":            {"/feed/" + url.PathEscape(typed("path")), nil},
			"help":               {"/help", nil},
			"not found":          {"/nowhere/" + url.PathEscape(typed("path")), nil},
			"no such organizer":  {"/meetings?organizer=" + url.QueryEscape(typed("organizer")), nil},
			"no such occurrence": {strings.SplitN(past, "?", 2)[0] + "?occurrence=" + url.QueryEscape(typed("occurrence")), nil},
		} {
			if b == ben && name == "people" {
				tt.words = tt.words[:2] // a co-organizer met has a name alone
			}
			page(who, name, get(b, tt.path), tt.words...)
		}
		page(who, "refused form", b.post("/meetings", url.Values{"subject": {typed("plan")}, "start_date": {typed("date")}, "time_zone": {typed("zone")},
			"audio": {"custom"}, "audio_text": {typed("audio")}, "co_organizer_keys": {typed("key")}}), "plan", "date", "audio", "key")
		page(who, "form of what was changed elsewhere", b.post("/meetings/"+id, plan("subject", typed("plan"), "co_organizer_keys", "8439885694023990003", "read", "?")), "plan", "subject", "firstName")
		added := b.post("/meetings", plan("add_key", "8439885694023990003"), "HX-Request", "true", "HX-Request-Type", "partial").doc(t)
		if text := added.Find("#announcer").Text(); !strings.Contains(text, seen("firstName")) || added.Find(".pwned").Length() > 0 {
			t.Errorf("%s is told %q", who, text)
		}
		page(who, "form with people found", b.post("/meetings", plan("find", "1", "person", "=1+1", "co_organizer_keys", "8439885694023990003")), "firstName", "email")
		page(who, "form from elsewhere", b.post("/meetings", plan("subject", typed("plan")), "Origin", "https://evil.example"))
		page(who, "form held back", b.post("/meetings", plan("subject", typed("plan"), "form_token", typed("token"))), "plan")
		page(who, "refused erase", b.post(strings.Replace(past, "/attendees", "/erase", 1), url.Values{"what": {typed("what")}, "session": {typed("session")}}), "title:subject")
		page(who, "refused join", b.post("/people/aliases", url.Values{"action": {"join"}, "person": {typed("person")}, "into": {typed("into")}, "meeting": {meetingOf(past)}, "back": {typed("back")}}))
		if res := b.post("/people/aliases", url.Values{"action": {"join"}, "person": {"n:" + typed("joined "+who)}, "into": {"e:" + typed("into")}}); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s joins nobody: %d", who, res.StatusCode)
		}
		page(who, "who was joined", b.get("/people/aliases"), "joined "+who, "into") // in the notice, too
		page(who, "refused name", b.post("/people/names", url.Values{"key": {typed("key")}, "name": {typed("name")}}), "key", "name")
		if res := b.post("/people/names", url.Values{"key": {"7777777777777777777"}, "name": {typed("named")}}); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s names nobody: %d", who, res.StatusCode)
		}
		if b == ben { // an admin's list is GoTo's
			page(who, "people with a name given", get(b, "/people"), "named")
		}
		keyed := b.create("co_organizer_keys", "7777777777777777777")
		page(who, "meeting with a name given", get(b, "/meetings/"+keyed), "named")
		page(who, "starting", b.post("/meetings/"+id+"/start", nil))
		b.hold(id)
		page(who, "held delete", b.get("/pending"), "subject")
		page(who, "list with a held delete", b.get("/meetings"), "subject")
		page(who, "meeting about to go", b.get("/meetings/"+id), "subject")
		page(who, "form of what is about to go", b.get("/meetings/"+id+"/edit"))
		b.decide(id, "keep")
		page(who, "list with a kept meeting", b.get("/meetings"), "subject")
		p.sandbox.Control(map[string]any{"faults": []any{fault(upcomingCall, "status", "status", 503, "times", 0)}})
		p.ahead.Add(int64(time.Minute))
		page(who, "list as it was", b.get("/meetings"), "subject")
		p.ahead.Add(int64(time.Hour)) // nothing kept is good any more
		page(who, "failure", b.get("/meetings?q="+url.QueryEscape(typed("q"))))
		p.sandbox.Control(map[string]any{"faults": []any{}})
	}
	page("ada", "account's history", get(ada, "/history?organizer=all"), "subject", "firstName", "lastName")
	p.sandbox.Control(map[string]any{"faults": []any{fault("GET /G2M/rest/organizers/*/historicalMeetings", "status", "status", 403)}})
	page("ada", "account's history without one's", get(ada, "/history?organizer=all"), "firstName")
	page("ada", "another's upcoming", get(ada, "/meetings?organizer="+bens), "subject", "firstName")
	withheld := ben.create()
	page("ada", "meeting of another", get(ada, "/meetings/"+withheld+"?organizer="+bens), "title:subject", "firstName")
	page("ada", "audit", ada.get("/audit"), "plan", "firstName", "joined ada")
	page("ada", "people to invite", get(ada, "/people"), "description") // of licences
	page("ada", "refused invitation", ada.post("/people", url.Values{"first_name": {typed("first")}, "last_name": {typed("last")}, "email": {typed("mail")}}), "first", "last", "mail")
	if res := ada.post("/people", url.Values{"first_name": {typed("first")}, "last_name": {typed("last")}, "email": {`"<i>"@example.test`}}); res.StatusCode != http.StatusSeeOther && res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("invitation: %d", res.StatusCode)
	}
	if res := ada.post("/people", url.Values{"first_name": {typed("first")}, "last_name": {typed("last")}, "email": {"kim@example.test"}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("invitation: %d", res.StatusCode)
	}
	page("ada", "people after an invitation", ada.get("/people"), "first", "last") // in the notice
	page("nobody", "start", p.browser().get("/?return="+url.QueryEscape("/meetings?q="+typed("q"))))
	page("nobody", "callback", p.browser().get("/auth/callback?error="+url.QueryEscape(typed("error"))+"&state="+url.QueryEscape(typed("state"))))
	page("nobody", "set-up", p.browser().get("/setup"))
	form := plan("subject", typed("plan"))
	form.Set("form_token", ben.formToken())
	p.sandbox.Control(map[string]any{"expire_access_tokens": true, "revoke_refresh_tokens": true})
	if res := ben.post("/meetings", form); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("a form outlives its session: %d", res.StatusCode)
	}
	ben.get(ben.consent("/auth/connect?return=%2Fresume", "ben@example.test"))
	page("ben", "form that was kept", ben.get("/resume"), "plan")
}

// otherOf are sample meetings whose dial-in text the portal has not set.
var otherOf = map[string]string{"ada": "201503874", "ben": "301488036"}

// whatShows is the text of a part of a page and of its fields, with single
// spaces.
func whatShows(part *goquery.Selection) string {
	parts := []string{part.Text()}
	part.Find("input[value]").Each(func(_ int, in *goquery.Selection) { parts = append(parts, in.AttrOr("value", "")) })
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// Formulas are text in every file, and no name adds lines to a calendar.
func TestHostileTextInEveryFile(t *testing.T) {
	p := newPortal(t)
	p.wire.edit = poison("subject", "firstName", "lastName", "attendeeName", "attendeeEmail", "conferenceCallInfo", "description")
	b := p.connected("ada")
	id := b.create()
	b.post("/people/names", url.Values{"key": {"7777777777777777777"}, "name": {`@named"`}})
	past, query, _ := strings.Cut(b.firstPast(), "?")
	for path, words := range map[string][]string{
		"/meetings.csv?":           {"subject", "firstName"},
		"/history.csv?":            {"subject", "firstName"},
		"/calendar.csv?":           {"subject", "firstName"},
		"/people.csv?":             {"firstName", "lastName"},
		past + ".csv?" + query:     {"attendeeName", "attendeeEmail"},
		registerAt(past) + ".csv?": {"attendeeName", "attendeeEmail"},
		"/audit.csv?":              {"firstName"},
	} {
		res := b.get(path)
		cells, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(res.body, "\uFEFF"))).ReadAll()
		if err != nil || len(cells) < 2 {
			t.Fatalf("%s: %d, %d lines, %v", path, res.StatusCode, len(cells), err)
		}
		for _, row := range cells[1:] {
			for _, cell := range row {
				if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
					t.Errorf("%s holds the formula %q", path, cell)
				}
			}
		}
		for _, word := range words {
			if !strings.Contains(res.body, `'=1+1</title>`) || !strings.Contains(res.body, seen(word)) {
				t.Errorf("%s does not hold the %s as it is", path, word)
			}
		}
	}
	for path, least := range map[string]int{"/meetings.ics": 5, "/meetings/" + id + ".ics": 1, "/history.ics": 1, b.feed("ada"): 5} {
		res := b.get(path)
		lines := strings.Split(strings.ReplaceAll(res.body, "\r\n ", ""), "\r\n")
		organizers := 0
		for _, line := range lines {
			switch name, value, _ := strings.Cut(line, ":"); {
			case strings.HasPrefix(line, "X-PWNED"), strings.ContainsAny(line, "\r\n"):
				t.Errorf("%s has the line %q", path, line)
			case name == "SUMMARY" && !strings.Contains(value, seen("subject")):
				t.Errorf("%s has the subject %q", path, value)
			case strings.HasPrefix(name, "ORGANIZER"):
				organizers++
				if !regexp.MustCompile(`^ORGANIZER;CN="?[^";:,]*<i class=pwned>firstName</i>[^";:,]*"?:mailto:ada@example\.test$`).MatchString(line) {
					t.Errorf("%s has %q", path, line)
				}
			}
		}
		if n := strings.Count(res.body, "BEGIN:VEVENT"); n < least || organizers != n {
			t.Errorf("%s: %d events with %d organizers", path, n, organizers)
		}
	}
}
