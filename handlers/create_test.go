package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

const createCall = "POST /G2M/rest/meetings"

// newForm is a sound meeting form with the hidden fields of a fresh page.
func (b *browser) newForm(change ...string) url.Values {
	b.t.Helper()
	form := plan(change...)
	form.Set("form_id", b.get("/meetings/new").doc(b.t).Find("[name=form_id]").AttrOr("value", ""))
	if form.Get("form_id") == "" {
		b.t.Fatal("the form has no id")
	}
	form.Set("form_token", b.formToken())
	return form
}

// alike counts the user's upcoming meetings with a subject.
func (b *browser) alike(subject string) int {
	b.t.Helper()
	return b.get("/meetings?q=" + url.QueryEscape(subject)).doc(b.t).Find(`.list .title`).Length()
}

func TestOneFormMakesOneMeeting(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	form := b.newForm("subject", "Pressed often")
	before := p.sandbox.Calls()[createCall]
	var wg sync.WaitGroup
	var mu sync.Mutex
	pages := map[string]int{}
	for range 8 {
		wg.Go(func() {
			res := b.post("/meetings", form)
			mu.Lock()
			defer mu.Unlock()
			pages[res.Header.Get("Location")]++
		})
	}
	wg.Wait()
	if len(pages) != 1 || pages[""] > 0 {
		t.Errorf("eight presses lead to %v", pages)
	}
	if res := b.post("/meetings", form); pages[res.Header.Get("Location")] != 8 {
		t.Errorf("a reload leads to %q", res.Header.Get("Location"))
	}
	if got := p.sandbox.Calls()[createCall] - before; got != 1 {
		t.Errorf("GoTo was asked %d times", got)
	}
	form.Set("subject", "Pressed often, changed")
	if res := b.post("/meetings", form); res.StatusCode != http.StatusSeeOther || pages[res.Header.Get("Location")] > 0 {
		t.Errorf("another content leads to %d %q", res.StatusCode, res.Header.Get("Location"))
	}
}

func TestMeetNowTwiceIsOneMeeting(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	form := url.Values{"form_id": {b.get("/meetings").doc(t).Find("[name=form_id]").AttrOr("value", "")}}
	before := p.sandbox.Calls()[createCall]
	for range 2 {
		if res := b.post("/meetings/now", form); res.StatusCode != http.StatusOK || res.Header.Get("Refresh") == "" {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	if got := p.sandbox.Calls()[createCall] - before; got != 1 {
		t.Errorf("GoTo was asked %d times", got)
	}
}

// GoTo made the meeting, its answer was lost, and the list shows one like it.
func TestLostAnswerIsAdopted(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	form := b.newForm("subject", "Lost & <found>")
	p.wire.loseAnswers(createCall)
	res := b.post("/meetings", form)
	p.wire.loseAnswers("")
	if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/meetings/") {
		t.Fatalf("%d %s", res.StatusCode, res.doc(t).Find("main").Text())
	}
	if again := b.post("/meetings", form); again.Header.Get("Location") != res.Header.Get("Location") {
		t.Errorf("a reload leads to %q", again.Header.Get("Location"))
	}
	if n := b.alike("Lost & <found>"); n != 1 {
		t.Errorf("%d meetings", n)
	}
}

// Two meetings alike that the portal does not know: the user has to choose.
func TestLostAnswerAmongAlikeAsks(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	p.wire.loseAnswers(createCall)
	for range 2 { // the first is adopted, so it is made unknown again
		res := b.post("/meetings", b.newForm("subject", "Twins"))
		id := strings.TrimSuffix(strings.TrimPrefix(res.Header.Get("Location"), "/meetings/"), "?created=1")
		if err := p.store.Forget(t.Context(), "9007199254740993001", id); err != nil {
			t.Fatal(err)
		}
	}
	res := b.post("/meetings", b.newForm("subject", "Twins"))
	if res.StatusCode < 500 || !strings.Contains(res.body, "might be it") {
		t.Errorf("%d %s", res.StatusCode, res.doc(t).Find("main").Text())
	}
	if got := res.doc(t).Find("[name=subject]").AttrOr("value", ""); got != "Twins" {
		t.Errorf("the form keeps %q", got)
	}
}

// GoTo was never reached: the next press makes the meeting, once.
func TestCreateAfterAnOutage(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	form := b.newForm("subject", "After the storm")
	p.sandbox.Control(map[string]any{"faults": []any{fault(createCall, "reset")}})
	if res := b.post("/meetings", form); res.StatusCode < 500 || !strings.Contains(res.body, "not certain") {
		t.Fatalf("%d", res.StatusCode)
	}
	if res := b.post("/meetings", form); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("pressed again: %d", res.StatusCode)
	}
	if n := b.alike("After the storm"); n != 1 {
		t.Errorf("%d meetings", n)
	}
}

// The list could not be read either: the next press looks before it asks, and
// of several at once one does.
func TestNextPressLooksFirst(t *testing.T) {
	for name, fault := range map[string]map[string]any{
		"failure":    fault(upcomingCall, "status", "status", 500, "times", 0),
		"empty body": fault(upcomingCall, "empty", "times", 0), // which is no empty list
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t)
			b := p.connected("ben")
			form := b.newForm("subject", "Orphan")
			p.wire.loseAnswers(createCall)
			p.sandbox.Control(map[string]any{"faults": []any{fault}})
			if res := b.post("/meetings", form); res.StatusCode < 500 || !strings.Contains(res.body, "cannot be read just now") {
				t.Fatalf("%d %s", res.StatusCode, res.doc(t).Find("#problems").Text())
			}
			p.wire.loseAnswers("")
			p.sandbox.Control(map[string]any{"faults": []any{}})
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if res := b.post("/meetings", form); res.StatusCode != http.StatusSeeOther {
						t.Errorf("pressed again: %d", res.StatusCode)
					}
				})
			}
			wg.Wait()
			if n := b.alike("Orphan"); n != 1 {
				t.Errorf("%d meetings", n)
			}
		})
	}
}

// GoTo was slow: the meeting is not in the list yet when the portal looks, and
// is when the user has sent the form again.
func TestLateMeetingIsAdopted(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	form := b.newForm("subject", "Late")
	p.wire.loseAnswers(createCall)
	p.sandbox.Control(map[string]any{"faults": []any{fault(upcomingCall, "status", "status", 200, "body", "[]")}})
	if res := b.post("/meetings", form); res.StatusCode < 500 || !strings.Contains(res.body, "not among your upcoming ones") {
		t.Fatalf("%d", res.StatusCode)
	}
	p.wire.loseAnswers("")
	if res := b.post("/meetings", form); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("pressed again: %d", res.StatusCode)
	}
	if n := b.alike("Late"); n != 1 {
		t.Errorf("%d meetings", n)
	}
}

// What looks alike but ends at another time is another meeting, and so may be
// a room of the same name: neither is taken for the one whose answer was lost.
func TestOnlyTheSameMeetingIsAdopted(t *testing.T) {
	for name, tt := range map[string]struct{ older, lost []string }{
		"another end":  {[]string{"duration", "30"}, []string{"duration", "45"}},
		"an old room":  {[]string{"meeting_type", "recurring"}, []string{"meeting_type", "recurring", "start_date", "2030-02-20"}},
		"another type": {[]string{"meeting_type", "recurring"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t)
			b := p.connected("ben")
			id := b.create(append(tt.older, "subject", "Weekly")...)
			if err := p.store.Forget(t.Context(), "9007199254740993001", id); err != nil {
				t.Fatal(err)
			}
			p.sandbox.Control(map[string]any{"faults": []any{fault(createCall, "status", "status", 500)}})
			form := b.newForm(append(tt.lost, "subject", "Weekly")...)
			if res := b.post("/meetings", form); res.StatusCode < 500 || !strings.Contains(res.body, "not certain") {
				t.Errorf("%d to %q", res.StatusCode, res.Header.Get("Location"))
			}
			if res := b.post("/meetings", form); res.StatusCode != http.StatusSeeOther || strings.HasPrefix(res.Header.Get("Location"), "/meetings/"+id) {
				t.Errorf("sent again: %d to %q", res.StatusCode, res.Header.Get("Location"))
			}
		})
	}
}
