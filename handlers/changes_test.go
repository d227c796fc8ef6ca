package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

const updateCall = "PUT /G2M/rest/meetings/*"

// overwrite changes a meeting in another tab, the whole of it and unasked.
func (b *browser) overwrite(id string, change ...string) {
	b.t.Helper()
	if res := b.post("/meetings/"+id, plan(change...)); res.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("update answers %d: %s", res.StatusCode, res.body)
	}
}

// changes are the rows of the table that shows both sides.
func (a answer) changes(t *testing.T) [][]string {
	t.Helper()
	var rows [][]string
	a.doc(t).Find("#changes tbody tr").Each(func(_ int, tr *goquery.Selection) {
		var row []string
		tr.Find("th, td").Each(func(_ int, cell *goquery.Selection) {
			row = append(row, strings.Join(strings.Fields(cell.Text()), " "))
		})
		rows = append(rows, row)
	})
	return rows
}

// What was changed elsewhere while a form was open is shown, not overwritten.
func TestEditConflict(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	id := b.create("co_organizer_keys", "111111 222222")
	form := b.editForm(id)

	b.overwrite(id, "subject", "Board <moved>", "start_time", "11:00", "duration", "30", "password_required", "yes", "audio", "PSTN", "co_organizer_keys", "222222 333333")
	form.Set("subject", `My "own"`)
	form.Set("duration", "60")
	form["co_organizer_keys"] = []string{"111111", "222222 444444"}
	before := p.sandbox.Calls()[updateCall]
	res := b.post("/meetings/"+id, form)
	if res.StatusCode != http.StatusUnprocessableEntity || p.sandbox.Calls()[updateCall] != before {
		t.Fatalf("%d, and %d updates", res.StatusCode, p.sandbox.Calls()[updateCall]-before)
	}
	for i, want := range []string{
		`Subject|My "own" in the form|Board <moved>|Board`,
		`Start|Tue 15 Jan 2030, 10:00 Berlin (UTC+1)|Tue 15 Jan 2030, 11:00 Berlin (UTC+1) in the form|Tue 15 Jan 2030, 10:00 Berlin (UTC+1)`,
		`Length|1 h in the form|30 min|45 min`,
		`Audio|Computer only|Phone only US: +1 (555) 010-0100`,
		`Password|none|asked for in the form|none`,
		`Co-organizers|111111 222222 444444|222222 333333|111111 222222`,
	} {
		rows := res.changes(t)
		if len(rows) != 6 || !strings.HasPrefix(strings.Join(rows[i], "|"), want) {
			t.Fatalf("row %d of %d is %q, want %q", i, len(rows), rows[min(i, len(rows)-1)], want)
		}
	}
	if doc := res.doc(t); !strings.HasPrefix(doc.Find("title").Text(), "Error: ") || doc.Find(`#problems a[href="#changes"]`).Length() != 1 {
		t.Error("the page does not say what is wrong")
	}

	merged := res.form(t)
	for field, want := range map[string]string{"subject": `My "own"`, "start_time": "11:00", "duration": "60", "password_required": "yes", "audio": "PSTN"} {
		if merged.Get(field) != want {
			t.Errorf("%s = %q, want %q", field, merged.Get(field), want)
		}
	}
	if got := strings.Join(merged["co_organizer_keys"], " "); got != "222222 444444 333333 " {
		t.Errorf("co-organizers = %q", got)
	}
	if res := b.post("/meetings/"+id, merged); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("saved again: %d %v", res.StatusCode, res.changes(t))
	}
	after := b.editForm(id)
	for _, field := range []string{"subject", "start_date", "start_time", "duration", "password_required", "audio"} {
		if after.Get(field) != merged.Get(field) {
			t.Errorf("after saving again %s = %q, want %q", field, after.Get(field), merged.Get(field))
		}
	}
}

// Without a change elsewhere, or with the same one, nobody is asked.
func TestNoConflictNoQuestion(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	id := b.create("co_organizer_keys", "111111")
	for name, tt := range map[string]struct{ elsewhere, mine []string }{
		"nothing at all":              {nil, nil},
		"mine alone":                  {nil, []string{"subject", "Mine alone"}},
		"the same in both":            {[]string{"subject", "Both"}, []string{"subject", "Both"}},
		"a co-organizer added":        {[]string{"co_organizer_keys", "111111 222222"}, []string{"subject", "Mine"}},
		"co-organizers in both":       {[]string{"co_organizer_keys", "111111 222222"}, []string{"co_organizer_keys", "333333"}},
		"the same audio, by its name": {[]string{"audio", "PSTN"}, []string{"audio", "PSTN"}},
	} {
		b.overwrite(id, "co_organizer_keys", "111111")
		form := b.editForm(id)
		b.overwrite(id, append([]string{"co_organizer_keys", "111111"}, tt.elsewhere...)...)
		for i := 0; i+1 < len(tt.mine); i += 2 {
			form.Set(tt.mine[i], tt.mine[i+1])
		}
		if res := b.post("/meetings/"+id, form); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d %v", name, res.StatusCode, res.changes(t))
		}
		text := b.get("/meetings/"+id, "Cache-Control", "no-cache").doc(t).Find("main").Text()
		if strings.HasPrefix(name, "co-organizers") && (strings.Contains(text, "111111") || !strings.Contains(text, "222222") || !strings.Contains(text, "333333")) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// GoTo's own clients change the audio without the portal's knowing.
func TestConflictOfAudioMadeElsewhere(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	id := b.create("audio", "VoIP")
	form := b.editForm(id)
	meeting := wireMeeting()
	meeting["subject"], meeting["endtime"], meeting["conferencecallinfo"] = "Board", "2030-01-15T09:45:00Z", "Bridge 7, code 42"
	p.elsewhere(http.MethodPut, "/G2M/rest/meetings/"+id, "ada", meeting)
	form.Set("subject", "Mine")
	res := b.post("/meetings/"+id, form)
	rows := res.changes(t)
	if res.StatusCode != http.StatusUnprocessableEntity || len(rows) != 2 || !strings.Contains(rows[1][2], "Bridge 7, code 42") {
		t.Fatalf("%d %v", res.StatusCode, rows)
	}
	if res := b.post("/meetings/"+id, res.form(t)); res.StatusCode != http.StatusSeeOther {
		t.Errorf("saved again: %d %v", res.StatusCode, res.changes(t))
	}
}

// A form that does not say what it started from, or says nonsense, overwrites
// nothing unseen either.
func TestConflictOfAnUnreadableForm(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	id := b.create()
	for _, read := range []string{"1", "{", "[]", `{"subject":7}`, "\x00"} {
		form := b.editForm(id)
		form.Set("read", read)
		if res := b.post("/meetings/"+id, form); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%q, nothing changed: %d %v", read, res.StatusCode, res.changes(t))
		}
		form.Set("duration", "77")
		res := b.post("/meetings/"+id, form)
		if rows := res.changes(t); res.StatusCode != http.StatusUnprocessableEntity || len(rows) != 1 || rows[0][3] != "not known" || rows[0][1] != "1 h 17 min in the form" {
			t.Errorf("%q, changed: %d %v", read, res.StatusCode, rows)
		}
	}
}

// The meeting is read afresh, whatever was read a moment ago.
func TestSaveAndEditReadAfresh(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	id := b.create()
	form := b.editForm(id)
	for path, want := range map[string]int{"/edit": 1, "/delete": 1} {
		b.get("/meetings/" + id)
		before := total(p.sandbox.Calls())
		b.get("/meetings/" + id + path)
		if got := total(p.sandbox.Calls()) - before; got != want {
			t.Errorf("%s costs %d calls", path, got)
		}
	}
	before := p.sandbox.Calls()
	b.post("/meetings/"+id, form)
	after := p.sandbox.Calls()
	if after["GET /G2M/rest/meetings/*"]-before["GET /G2M/rest/meetings/*"] != 1 || after[updateCall]-before[updateCall] != 1 {
		t.Errorf("saving makes the calls %v after %v", after, before)
	}
}

func TestMeetingDeletedWhileItIsEdited(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	id := b.create("subject", "Doomed", "co_organizer_keys", "111111")
	form := b.editForm(id)
	p.elsewhere(http.MethodDelete, "/G2M/rest/meetings/"+id, "ada", nil)
	form.Set("subject", "Kept & <typed>")
	form.Set("start_time", "9am")
	res := b.post("/meetings/"+id, form)
	if res.StatusCode != http.StatusNotFound || res.doc(t).Find("form#meeting").AttrOr("action", "") != "/meetings" {
		t.Fatalf("%d %s", res.StatusCode, res.doc(t).Find("main").Text())
	}
	if got := res.doc(t).Find("form#meeting button.primary").Text(); got != "Create it as a new meeting" {
		t.Errorf("the next step is %q", got)
	}
	kept := res.form(t)
	if kept.Get("subject") != "Kept & <typed>" || kept.Get("start_time") != "9am" || kept["co_organizer_keys"][0] != "111111" || kept.Has("read") {
		t.Errorf("kept %v", kept)
	}
	made := b.post("/meetings", kept)
	if made.StatusCode != http.StatusSeeOther || strings.Contains(made.Header.Get("Location"), id) {
		t.Errorf("creating it answers %d to %q", made.StatusCode, made.Header.Get("Location"))
	}
	again := b.post("/meetings", kept)
	if again.Header.Get("Location") != made.Header.Get("Location") {
		t.Errorf("a second press makes another: %q", again.Header.Get("Location"))
	}
}

// A failed look before the save keeps the form and what it started from.
func TestFailedLookBeforeTheSave(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	id := b.create()
	form := b.editForm(id)
	form.Set("subject", "Mine")
	p.sandbox.Control(map[string]any{"faults": []any{fault("GET /G2M/rest/meetings/*", "status", "status", 503, "times", 0)}})
	res := b.post("/meetings/"+id, form)
	if res.StatusCode != http.StatusServiceUnavailable || res.form(t).Get("subject") != "Mine" || res.form(t).Get("read") != form.Get("read") {
		t.Fatalf("%d", res.StatusCode)
	}
	p.sandbox.Control(map[string]any{"faults": []any{}})
	if res := b.post("/meetings/"+id, res.form(t)); res.StatusCode != http.StatusSeeOther {
		t.Errorf("sent again: %d", res.StatusCode)
	}
}

// Adding a row or finding somebody carries along what the form started from.
func TestAssistedFormKeepsItsStart(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	id := b.create()
	form := b.editForm(id)
	want := form.Get("read")
	for name, press := range map[string]url.Values{"add": {"add": {"row"}}, "find": {"find": {"1"}, "person": {"ben"}}, "refused": {"subject": {""}}} {
		sent := url.Values{}
		for k, v := range form {
			sent[k] = v
		}
		for k, v := range press {
			sent[k] = v
		}
		if got := b.post("/meetings/"+id, sent).form(t).Get("read"); got != want || got == "" {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
