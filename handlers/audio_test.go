package handlers_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// GoTo renders dial-in text and never tells the option behind it. Saving a
// meeting that was made elsewhere sends an option, which the form names, and
// never the rendered text.
func TestRenderedDialInTextIsNeverSentBack(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	var mu sync.Mutex
	var put map[string]any
	p.wire.sent = func(call string, body []byte) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(call, "PUT ") {
			put = nil
			if err := json.Unmarshal(body, &put); err != nil {
				t.Error(err)
			}
		}
	}
	var list struct {
		Rows []struct {
			ID string `json:"meeting_id"`
		}
	}
	if err := json.Unmarshal([]byte(b.get("/meetings.json").body), &list); err != nil {
		t.Fatal(err)
	}
	rendered := regexp.MustCompile(`^(\w+: \+[^\n]+\n)*Access Code: [\d-]+$`)
	sent := map[string]bool{}
	for _, row := range list.Rows {
		path := "/meetings/" + row.ID
		dial := b.get(path).doc(t).Find("pre.dial").Text()
		if why := b.get(path).doc(t).Find("main").Text(); !strings.Contains(why, "this meeting was made elsewhere, and GoTo does not say which option it has") {
			t.Errorf("%s does not say where it was made", row.ID)
		}
		if !rendered.MatchString(dial) {
			continue // the organizer's own text
		}
		form := b.get(path + "/edit").doc(t).Find("form#meeting")
		chosen := form.Find("#audio option[selected]")
		text := strings.Join(strings.Fields(form.Text()), " ")
		if !strings.Contains(text, "made elsewhere") || !strings.Contains(text, "Saving sets “"+chosen.Text()+"”") || !strings.Contains(text, strings.Join(strings.Fields(dial), " ")) {
			t.Errorf("%s: with %q chosen the form says %s", row.ID, chosen.Text(), text)
		}
		if res := b.post(path, fields(form)); res.StatusCode != 303 {
			t.Fatalf("%s: %d %s", row.ID, res.StatusCode, res.doc(t).Find("#problems").Text())
		}
		mu.Lock()
		audio, _ := put["conferencecallinfo"].(string)
		put = nil
		mu.Unlock()
		if !slices.Contains([]string{"PSTN", "Free", "Hybrid", "Private", "VoIP"}, audio) || audio != chosen.AttrOr("value", "") {
			t.Errorf("%s: %q was sent for %q", row.ID, audio, dial)
		}
		sent[audio] = true
		if page := b.get(path).doc(t).Find("main").Text(); strings.Contains(page, "made elsewhere") {
			t.Errorf("%s is said to be made elsewhere after the portal has saved it", row.ID)
		}
	}
	if !sent["VoIP"] || !sent["Hybrid"] {
		t.Errorf("only %v was sent, which shows little", sent)
	}
}

// An admin sees what GoTo tells about another's meeting, and what it keeps.
func TestWithheldIsSaid(t *testing.T) {
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	const withholds = "GoTo withholds another organizer's meeting from admins"
	id := ben.create("subject", "Only Ben's")
	text := ada.get("/meetings/" + id + "?organizer=8439885694023990002").doc(t).Find("main").Text()
	for _, want := range []string{withholds, "co-organizers, the number of seats and the audio choice", "Only Ben's", "This is a meeting of Ben Example"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q: %s", want, text)
		}
	}
	if text := ben.get("/meetings/" + id).doc(t).Find("main").Text(); strings.Contains(text, withholds) {
		t.Error("its organizer is told that GoTo withholds something")
	}
}

// An invited person can be given each licence that the account has, trial and
// free ones included, and none that has ended.
func TestLicencesToInviteWith(t *testing.T) {
	p := newPortal(t)
	options := p.connected("ada").get("/people").doc(t).Find("#license_key option")
	var labels []string
	for i := range options.Length() {
		labels = append(labels, options.Eq(i).Text())
	}
	want := []string{"None for now", "Organizer for GoToMeeting Business (22 free)", "Organizer for GoToMeeting Trial (5 free)", "Organizer for GoToMeeting Free (3 free)"}
	if !slices.Equal(labels, want) {
		t.Errorf("the form offers %q, want %q", labels, want)
	}
}
