package handlers_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Keys of the sandbox's people.
const (
	adasKey = "8439885694023990001"
	bensKey = "8439885694023990002"
	cleos   = "8439885694023990003"
)

// A name typed here serves only while GoTo names nobody for the key.
func TestNobodyIsRenamed(t *testing.T) {
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	name := func(b *browser, key, name string) answer {
		return b.post("/people/names", url.Values{"key": {key}, "name": {name}})
	}
	// Nobody has told the portal yet who has ada's key.
	if res := name(ben, adasKey, "Mallory"); res.StatusCode != 303 {
		t.Fatalf("naming an unknown key answers %d: %s", res.StatusCode, res.body)
	}
	if text := ada.get("/meetings/" + ben.create("co_organizer_keys", adasKey)).body; strings.Contains(text, "Mallory") {
		t.Error("ada is Mallory to herself")
	}
	ada.get("/people") // GoTo tells
	if text := ada.get("/people").body; !strings.Contains(text, "Ada Example") || strings.Contains(text, "Mallory") {
		t.Error("the name that GoTo told does not win")
	}
	for what, b := range map[string]*browser{"an organizer": ben, "an admin": ada} {
		res := name(b, cleos, "Fred Bloggs")
		doc := res.doc(t)
		if got := doc.Find("#key-error").Text(); res.StatusCode != 422 || !strings.Contains(got, "GoTo knows this key as Cleo Example") {
			t.Errorf("%s renames Cleo: %d %q", what, res.StatusCode, got)
		}
		if got := doc.Find("#name").AttrOr("value", ""); got != "Fred Bloggs" {
			t.Errorf("what was typed is gone: %q", got)
		}
	}
	const stranger = "8439885694023999999"
	for _, as := range []string{"Our translator", "Our interpreter"} {
		if res := name(ben, stranger, as); res.StatusCode != 303 {
			t.Errorf("naming a stranger: %d", res.StatusCode)
		}
	}
	if text := ben.get("/people").doc(t).Find("tbody").Text(); !strings.Contains(text, "Our interpreter") {
		t.Errorf("the given name is not shown: %s", text)
	}
}

// An organizer's People are those whom they met, not the account's directory.
func TestEverybodysOwnPeople(t *testing.T) {
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	if text := ada.get("/people").body; !strings.Contains(text, "sven@example.test") {
		t.Fatal("the admin does not see the directory")
	}
	people := func() string { return ben.get("/people").doc(t).Find("#results").Text() }
	if text := people(); !strings.Contains(text, "You have not met anybody yet") {
		t.Errorf("after an admin's visit ben sees %s", text)
	}
	find := ben.post("/meetings", plan("find", "1", "person", "sven")).doc(t)
	if find.Find(".found li").Length() != 0 {
		t.Errorf("ben finds the directory: %s", find.Find(".found").Text())
	}
	ben.create("co_organizer_keys", cleos)
	if text := people(); !strings.Contains(text, "Cleo Example") || !strings.Contains(text, "1 person") {
		t.Errorf("after typing Cleo's key: %s", text)
	}
	if find := ben.post("/meetings", plan("find", "1", "person", "cleo")).doc(t); !strings.Contains(find.Find(".found").Text(), "Cleo Example") {
		t.Error("ben does not find Cleo")
	}
	// Opening a meeting that ben co-organizes, and naming a key.
	boards := ada.create("co_organizer_keys", bensKey+" 8439885694023990004")
	ben.get("/meetings/" + boards)
	ben.post("/people/names", url.Values{"key": {"12345678"}, "name": {"Somebody"}})
	if text := people(); !strings.Contains(text, "Łucja") || !strings.Contains(text, "Somebody") || strings.Contains(text, "Ben Example") || !strings.Contains(text, "3 people") {
		t.Errorf("in the end: %s", text)
	}
	if dan := p.connected("dan").get("/people.json").body; strings.Contains(dan, "Example") {
		t.Errorf("dan sees %s", dan)
	}
}

// elsewhere calls GoTo as another client than the portal would.
func (p *portal) elsewhere(method, path, user string, body any) {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.sandbox.API+path, bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.sandbox.Token(user+"@example.test"))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, _ := io.ReadAll(res.Body); res.StatusCode >= 300 {
		p.t.Fatalf("%s %s answers %d: %s", method, path, res.StatusCode, answer)
	}
}

// wireMeeting is a meeting as other clients send it.
func wireMeeting(co ...string) map[string]any {
	return map[string]any{
		"subject": "Made elsewhere", "starttime": "2030-01-15T09:00:00Z", "endtime": "2030-01-15T10:00:00Z", "passwordrequired": false,
		"conferencecallinfo": "Hybrid", "timezonekey": "", "meetingtype": "scheduled", "coorganizerKeys": co,
	}
}

// An organizer whose own key is among the co-organizers is not locked out.
func TestOwnKeyAmongCoOrganizers(t *testing.T) {
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	made := ada.post("/meetings", plan("co_organizer_keys", adasKey+" "+bensKey))
	page := ada.get(made.Header.Get("Location")).doc(t)
	id := strings.TrimPrefix(strings.Split(made.Header.Get("Location"), "?")[0], "/meetings/")
	if text := page.Find("main").Text(); page.Find(`a[href$="/edit"]`).Length() != 1 || !strings.Contains(text, "You are the organizer anyway") || strings.Contains(page.Find(".people").Text(), adasKey) {
		t.Errorf("after the create: %s", text)
	}
	form := plan("co_organizer_keys", adasKey, "add", "row")
	if doc := ada.post("/meetings/"+id, form).doc(t); doc.Find(`[value="`+adasKey+`"]`).Length() != 0 || !strings.Contains(doc.Find("#co_organizer_keys").Text(), "You are the organizer anyway") {
		t.Error("the form keeps the own key")
	}

	// Another client can still put it there.
	p.elsewhere(http.MethodPut, "/G2M/rest/meetings/"+id, "ada", wireMeeting(adasKey, cleos))
	doubt := ada.get("/meetings/" + id).doc(t).Find(`main a[href="/meetings/` + id + `/edit"]`)
	if doubt.Length() != 1 {
		t.Fatal("the organizer is not offered to edit")
	}
	before := total(p.sandbox.Calls())
	edit := ada.get("/meetings/" + id + "/edit")
	if calls := total(p.sandbox.Calls()) - before; edit.StatusCode != 200 || calls != 2 {
		t.Fatalf("edit answers %d after %d calls", edit.StatusCode, calls)
	}
	if ada.get("/meetings/"+id+"/delete").StatusCode != 200 {
		t.Error("the organizer cannot delete")
	}
	save := edit.form(t)
	save.Set("co_organizer_keys", cleos)
	if res := ada.post("/meetings/"+id, save); res.StatusCode != 303 {
		t.Fatalf("update answers %d", res.StatusCode)
	}
	if page := ada.get("/meetings/" + id).doc(t); page.Find(".head a[href$='/edit']").Length() != 1 || strings.Contains(page.Find(".people").Text(), adasKey) {
		t.Error("saving did not mend it")
	}

	// A co-organizer of another's meeting is told so, and no more.
	bens := ada.create("co_organizer_keys", bensKey)
	for _, path := range []string{"/edit", "/delete"} {
		if res := ben.get("/meetings/" + bens + path); res.StatusCode != 403 || !strings.Contains(res.body, "Only the organizer can change this meeting") {
			t.Errorf("a co-organizer's %s: %d", path, res.StatusCode)
		}
	}
}

// What a co-organizer is shown of another's meeting.
func TestCoOrganizersPage(t *testing.T) {
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	page := ben.get("/meetings/" + ada.create("co_organizer_keys", bensKey)).doc(t)
	if text := page.Find("main").Text(); !strings.Contains(text, "GoTo does not tell co-organizers") || page.Find(`main a[href*="attendees"]`).Length() != 0 {
		t.Errorf("the page says %s", text)
	}
	if page.Find(`form[action$="/start"]`).Length() != 1 {
		t.Error("a co-organizer cannot start")
	}
	// An admin looks at another's meeting and is its co-organizer besides.
	id := ben.create("co_organizer_keys", adasKey)
	page = ada.get("/meetings/" + id + "?organizer=" + bensKey).doc(t)
	if page.Find(`form[action$="/start"]`).Length() != 1 || page.Find(`main a[href*="attendees"]`).Length() != 1 {
		t.Error("the admin may not start or not see who came")
	}
	if text := page.Find("main").Text(); strings.Contains(text, "GoTo does not tell") || page.Find(`a[href$="/edit"]`).Length() != 0 {
		t.Errorf("to the admin the page says %s", text)
	}
}
