package handlers_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portal/meetings"
)

const deleteCall = "DELETE /G2M/rest/meetings/*"

// hold presses Delete on a meeting's confirm page.
func (b *browser) hold(id string) {
	b.t.Helper()
	if res := b.post(b.portal.prefix+"/meetings/"+id+"/delete", nil); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != b.portal.prefix+"/meetings" {
		b.t.Fatalf("delete answers %d to %q: %s", res.StatusCode, res.Header.Get("Location"), res.body)
	}
}

// block is what a page says of held deletes.
func (b *browser) block(path string) string {
	b.t.Helper()
	return strings.Join(strings.Fields(b.get(path).doc(b.t).Find("#pending").Text()), " ")
}

// decision is the address that the one held delete of the user is decided at.
func (b *browser) decision() string {
	b.t.Helper()
	forms := b.get("/pending").doc(b.t).Find("#pending form")
	if forms.Length() != 1 {
		b.t.Fatalf("%d held deletes", forms.Length())
	}
	return forms.AttrOr("action", "")
}

// decide presses Undo ("keep") or Delete now on the list's row.
func (b *browser) decide(id, action string) answer {
	b.t.Helper()
	row := b.get("/meetings").doc(b.t).Find("li.going").FilterFunction(func(_ int, li *goquery.Selection) bool {
		return strings.HasSuffix(li.Find(".title").AttrOr("href", ""), "/"+id)
	})
	if row.Length() != 1 {
		b.t.Fatalf("%d rows are struck through", row.Length())
	}
	res := b.post(row.Find("form").AttrOr("action", ""), url.Values{"action": {action}, "here": {row.Find("[name=here]").AttrOr("value", "")}})
	if res.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("%s answers %d: %s", action, res.StatusCode, res.body)
	}
	return res
}

// deletes counts how often GoTo was asked to delete.
func (p *portal) deletes() int { return p.sandbox.Calls()[deleteCall] }

// sending runs the sender until the test ends or sent is called, which waits
// until GoTo has been asked to delete and what it said is written down.
func (p *portal) sending() (sent func()) {
	p.t.Helper()
	asked, once := make(chan struct{}), sync.Once{}
	p.wire.after = func(call string) {
		if strings.HasPrefix(call, "DELETE ") {
			once.Do(func() { close(asked) })
		}
	}
	stop := p.sender()
	return func() {
		p.t.Helper()
		select {
		case <-asked:
		case <-time.After(30 * time.Second):
			p.t.Fatal("GoTo is not asked within 30 s")
		}
		stop()
	}
}

// sender runs the sender until the test ends or stop is called, which waits for
// what it is doing.
func (p *portal) sender() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.meetings.SendPending(ctx)
	}()
	stop = func() { cancel(); <-done }
	p.t.Cleanup(stop)
	return stop
}

func TestDeleteIsHeldThenSentOnce(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	id := b.create("subject", "Held <b>back</b>")
	if page := b.get("/meetings/" + id + "/delete"); !strings.Contains(page.doc(t).Find("main").Text(), "15 seconds") {
		t.Error("the confirm page does not say how long one can undo")
	}
	sent := p.sending()
	var wg sync.WaitGroup
	for range 4 { // pressed again and again it is one
		wg.Go(func() { b.hold(id) })
	}
	wg.Wait()
	for _, path := range []string{"/meetings", "/meetings/" + id, "/settings", "/history", "/nowhere", "/pending"} {
		if got := b.block(path); !strings.HasPrefix(got, "“Held <b>back</b>” will be deleted in 1") || strings.Count(got, "Undo") != 1 {
			t.Errorf("%s says %q", path, got)
		}
	}
	if p.deletes() != 0 {
		t.Fatal("GoTo was asked before its time")
	}
	p.ahead.Store(int64(16 * time.Second))
	sent()
	if got := b.block("/settings"); !strings.Contains(got, "is deleted.") {
		t.Errorf("afterwards: %q", got)
	}
	if got := b.block("/settings"); got != "" {
		t.Errorf("told twice: %q", got)
	}
	if res := b.get("/meetings/" + id); res.StatusCode != http.StatusNotFound {
		t.Errorf("the meeting answers %d", res.StatusCode)
	}
	if got := p.deletes(); got != 1 {
		t.Errorf("GoTo was asked %d times", got)
	}
}

func TestUndoSendsNothing(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	id := b.create("subject", "Kept")
	b.hold(id)
	if got := b.decide(id, "keep").Header.Get("Location"); got != "/meetings" {
		t.Errorf("Undo leads to %q", got)
	}
	if got := b.block("/meetings"); got != "Success. “Kept” is kept." {
		t.Errorf("the next page says %q", got)
	}
	p.ahead.Store(int64(time.Hour))
	stop := p.sender()
	other := b.create("subject", "Sent after it")
	b.hold(other)
	b.decide(other, "delete")
	stop()
	if got := p.deletes(); got != 1 { // the other one
		t.Errorf("GoTo was asked %d times", got)
	}
	if res := b.get("/meetings/" + id); res.StatusCode != http.StatusOK {
		t.Errorf("the meeting answers %d", res.StatusCode)
	}
}

// Undo says what came before it, and never that it was in time when it was not.
func TestUndoIsTruthful(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	id := b.create("subject", "Gone by now")
	b.hold(id)
	at := b.decision()
	b.decide(id, "delete")
	for range 2 {
		if res := b.post(at, url.Values{"action": {"keep"}, "here": {"/meetings/" + id}}); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/meetings" {
			t.Fatalf("a late Undo answers %d to %q", res.StatusCode, res.Header.Get("Location"))
		}
		if text := b.get("/meetings").doc(t).Find("#banner, #pending").Text(); !strings.Contains(text, "Too late to undo") || strings.Contains(text, "is kept") {
			t.Errorf("a late Undo says %q", text)
		}
	}
	// And a late Delete.
	id = b.create("subject", "Undone")
	b.hold(id)
	at = b.decision()
	b.decide(id, "keep")
	b.post(at, url.Values{"action": {"delete"}})
	if text := b.get("/meetings").doc(t).Find("#banner").Text(); !strings.Contains(text, "was kept") {
		t.Errorf("a late Delete says %q", text)
	}
	if p.deletes() != 1 {
		t.Errorf("GoTo was asked %d times", p.deletes())
	}
}

// The answer was lost, so the Undo looks before it says anything.
func TestUndoAfterALostAnswer(t *testing.T) {
	for name, done := range map[string]bool{"done": true, "not done": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t)
			b := p.connected("ben")
			id := b.create("subject", "Lost")
			b.hold(id)
			at := b.decision()
			if done {
				p.wire.loseAnswers("DELETE /G2M/rest/meetings/" + id)
				p.sandbox.Control(map[string]any{"faults": []any{fault(deleteCall, "status", "status", 503, "times", 1)}})
			} else {
				p.sandbox.Control(map[string]any{"faults": []any{fault(deleteCall, "status", "status", 503, "times", 0)}})
			}
			if res := b.post(at, url.Values{"action": {"delete"}}); res.StatusCode < 500 || !strings.Contains(res.doc(t).Find("#pending").Text(), "will be deleted") {
				t.Fatalf("%d %s", res.StatusCode, res.doc(t).Find("main").Text())
			}
			if done { // by a try whose answer nobody heard
				p.sandbox.Control(map[string]any{"faults": []any{}})
				b.post(at, url.Values{"action": {"delete"}})
			}
			p.wire.loseAnswers("")
			p.sandbox.Control(map[string]any{"faults": []any{}})
			b.post(at, url.Values{"action": {"keep"}})
			says, want := b.get("/meetings").doc(t).Find("#banner, #pending").Text(), "is kept."
			if done {
				want = "Too late to undo"
			}
			if !strings.Contains(says, want) {
				t.Errorf("Undo says %q", says)
			}
		})
	}
}

func TestMeetingThatIsBeingDeleted(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	id := b.create("subject", "Going")
	edit := b.get("/meetings/" + id + "/edit").doc(t).Find(`form[action$="` + id + `"]`)
	b.hold(id)
	page := b.get("/meetings/" + id).doc(t)
	if page.Find("h1.going").Length() != 1 || page.Find(`form[action$="/start"], a[href$="/edit"], a[href*="/delete"]`).Length() > 0 || page.Find(`.head form [value=keep]`).Length() != 1 {
		t.Errorf("its page: %s", page.Find("main").Text())
	}
	for name, res := range map[string]answer{
		"start":  b.post("/meetings/"+id+"/start", nil),
		"edit":   b.get("/meetings/" + id + "/edit"),
		"delete": b.get("/meetings/" + id + "/delete"),
	} {
		if doc := res.doc(t); res.StatusCode != http.StatusConflict || !strings.Contains(doc.Find("h1").Text(), "being deleted") || doc.Find("#pending [value=keep]").Length() != 1 {
			t.Errorf("%s answers %d: %s", name, res.StatusCode, doc.Find("main").Text())
		}
	}
	// What was typed meanwhile is kept, and one press saves it after all.
	form := plan("subject", "Not going")
	if edit.Length() != 1 {
		t.Fatal("no edit form")
	}
	res := b.post("/meetings/"+id, form)
	undo := res.doc(t).Find("button[name=undo]")
	if res.StatusCode != http.StatusConflict || undo.Length() != 1 || res.doc(t).Find("[name=subject]").AttrOr("value", "") != "Not going" {
		t.Fatalf("saving answers %d: %s", res.StatusCode, res.doc(t).Find("main").Text())
	}
	form.Set("undo", undo.AttrOr("value", ""))
	if res := b.post("/meetings/"+id, form); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("saving with Undo answers %d", res.StatusCode)
	}
	if text := b.get("/meetings/" + id).doc(t).Find("main").Text(); !strings.Contains(text, "Not going") || p.deletes() != 0 {
		t.Errorf("%s", text)
	}
}

func TestHeldDeletesAreOnesOwn(t *testing.T) {
	p := newPortal(t)
	ben, cleo, dan := p.connected("ben"), p.connected("cleo"), p.connected("dan")
	id := ben.create("subject", "Ben's")
	if res := cleo.post("/meetings/"+id+"/delete", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("another organizer holds it: %d", res.StatusCode)
	}
	ben.hold(id)
	at := ben.decision()
	for name, b := range map[string]*browser{"cleo": cleo, "dan": dan} {
		for _, action := range []string{"keep", "delete"} {
			if res := b.post(at, url.Values{"action": {action}}); res.StatusCode != http.StatusNotFound || strings.Contains(res.body, "Ben") {
				t.Errorf("%s decides %s: %d", name, action, res.StatusCode)
			}
		}
		if got := b.block("/pending"); got != "" {
			t.Errorf("%s sees %q", name, got)
		}
	}
	if res := p.browser().post(at, url.Values{"action": {"delete"}}); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/?return=") {
		t.Errorf("nobody decides: %d", res.StatusCode)
	}
	if res := ben.post(at, url.Values{"action": {"burn"}}); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another action: %d", res.StatusCode)
	}
	// Ben's other browser is Ben.
	if res := p.connected("ben").post(at, url.Values{"action": {"keep"}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("the same user elsewhere: %d", res.StatusCode)
	}
	if p.deletes() != 0 {
		t.Errorf("GoTo was asked %d times", p.deletes())
	}
}

// A co-organizer may read and start, and not delete.
func TestOnlyItsOrganizerHolds(t *testing.T) {
	p := newPortal(t)
	ben, cleo := p.connected("ben"), p.connected("cleo")
	key := cleo.get("/settings").doc(t).Find("dd .num, dd").FilterFunction(func(_ int, s *goquery.Selection) bool {
		return len(strings.TrimSpace(s.Text())) == 19
	}).First().Text()
	id := ben.create("co_organizer_keys", strings.TrimSpace(key))
	if res := cleo.get("/meetings/" + id); res.StatusCode != http.StatusOK {
		t.Fatalf("the co-organizer reads it: %d", res.StatusCode)
	}
	if res := cleo.post("/meetings/"+id+"/delete", nil); res.StatusCode != http.StatusForbidden {
		t.Errorf("the co-organizer holds it: %d", res.StatusCode)
	}
}

// The token lapsed before GoTo could be asked: the user decides, with the token
// of the session at hand.
func TestLapsedTokenAsksTheUser(t *testing.T) {
	for action, want := range map[string]string{"delete": "is deleted.", "keep": "is kept."} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t)
			b := p.connected("ben")
			id := b.create("subject", "Undecided")
			b.hold(id)
			p.sandbox.Control(map[string]any{"expire_access_tokens": true})
			p.ahead.Store(int64(16 * time.Second))
			p.sending()()
			for _, path := range []string{"/settings", "/meetings", "/people", "/pending"} { // until it is decided
				if got := b.block(path); !strings.Contains(got, "is not deleted yet") || !strings.Contains(got, "Keep it") || !strings.Contains(got, "Delete it") {
					t.Errorf("%s says %q", path, got)
				}
			}
			if b.get("/meetings").doc(t).Find("li.going").Length() > 0 {
				t.Error("it is struck through, and nothing is about to happen")
			}
			b.post(b.decision(), url.Values{"action": {action}})
			if got := b.block("/settings"); !strings.Contains(got, want) {
				t.Errorf("afterwards: %q", got)
			}
		})
	}
}

func TestGoToRefusesToDelete(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		says   string
	}{
		"forbidden": {http.StatusForbidden, "is still there: GoTo refused"},
		"gone":      {http.StatusNotFound, "somebody had deleted it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t)
			b := p.connected("ben")
			b.hold(b.create("subject", "Refused"))
			p.sandbox.Control(map[string]any{"faults": []any{fault(deleteCall, "status", "status", tt.status, "times", 0)}})
			p.ahead.Store(int64(16 * time.Second))
			p.sending()()
			if got := b.block("/settings"); !strings.Contains(got, tt.says) {
				t.Errorf("afterwards: %q", got)
			}
			if got := b.block("/settings"); got != "" {
				t.Errorf("told twice: %q", got)
			}
			if p.deletes() != 1 {
				t.Errorf("GoTo was asked %d times", p.deletes())
			}
		})
	}
}

func TestFiltersOutliveADelete(t *testing.T) {
	p := newPortalWith(t, options{prefix: "/portal"})
	b := p.connected("ben")
	id := b.create("subject", "Filtered")
	list := "/portal/meetings?q=filt&sort=subject"
	page := b.get(b.get(list).doc(t).Find(".list .title").AttrOr("href", "")).doc(t)
	confirm := b.get(page.Find(`a[href*="/delete"]`).AttrOr("href", "")).doc(t).Find(`form[action*="/delete"]`)
	if got := b.post(confirm.AttrOr("action", ""), nil).Header.Get("Location"); got != list {
		t.Errorf("Delete leads to %q", got)
	}
	for here, want := range map[string]string{
		"/meetings?q=filt": "/portal/meetings?q=filt", "/meetings/" + id: "/portal/meetings/" + id, "": "/portal/meetings",
		"https://evil.example/meetings": "/portal/meetings", "//evil.example/meetings": "/portal/meetings", "/\\evil.example": "/portal/meetings",
	} {
		b.hold(id)
		if got := b.post("/portal/pending/"+b.heldID(), url.Values{"here": {here}, "action": {"keep"}}).Header.Get("Location"); got != want {
			t.Errorf("decided on %q leads to %q, want %q", here, got, want)
		}
	}
}

func (b *browser) heldID() string {
	b.t.Helper()
	at := b.get(b.portal.prefix+"/pending").doc(b.t).Find("#pending form").AttrOr("action", "")
	return at[strings.LastIndex(at, "/")+1:]
}

// Signing out leaves them to be sent; disconnecting sends them first, since it
// revokes what they would be sent with.
func TestLeavingWithHeldDeletes(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	b.hold(b.create("subject", "Left behind"))
	if res := b.post("/auth/signout", nil); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-out answers %d", res.StatusCode)
	}
	if p.deletes() != 0 {
		t.Error("sent at sign-out")
	}
	p.ahead.Store(int64(16 * time.Second))
	p.sending()()
	p.ahead.Store(0)

	b = p.connected("ben")
	b.get("/meetings") // told
	b.hold(b.create("subject", "Sent first"))
	if res := b.post("/auth/disconnect", nil); res.StatusCode != http.StatusSeeOther || p.deletes() != 2 {
		t.Errorf("disconnect answers %d after %d deletes", res.StatusCode, p.deletes())
	}

	b = p.connected("ben")
	if got := b.block("/meetings"); !strings.Contains(got, "“Sent first” is deleted.") {
		t.Errorf("connected again: %q", got)
	}
	b.hold(b.create("subject", "GoTo is down"))
	p.sandbox.Control(map[string]any{"faults": []any{fault(deleteCall, "status", "status", 503, "times", 0)}})
	if res := b.post("/auth/disconnect", nil); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("disconnect answers %d", res.StatusCode)
	}
	p.sandbox.Control(map[string]any{"faults": []any{}})
	b = p.connected("ben")
	if got := b.block("/meetings"); !strings.Contains(got, "“GoTo is down” may be deleted or not") {
		t.Errorf("connected again: %q", got)
	}
}

// What the store holds opens for nobody without the key, and the token goes
// once it is used.
func TestTokenIsSealedAndWiped(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	kept, sent := b.create("subject", "Secret subject one"), b.create("subject", "Secret subject two")
	b.hold(kept)
	b.hold(sent)
	rows, err := p.store.EveryPending(t.Context())
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		if len(row.Token) < 100 || len(p.wire.leaks(string(row.Token)+string(row.Details))) > 0 || strings.Contains(string(row.Details), "Secret") {
			t.Errorf("%+v is not sealed", row)
		}
	}
	b.decide(kept, "keep")
	b.decide(sent, "delete")
	if rows, err = p.store.EveryPending(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if len(row.Token) > 0 || row.State != meetings.PendingKept && row.State != meetings.PendingDeleted {
			t.Errorf("%s still holds a token of %d bytes", row.State, len(row.Token))
		}
	}
}

// htmx asks for the block alone, for the page that it stands on.
func TestPendingAsAFragment(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	id := b.create("subject", "Watched")
	b.hold(id)
	block := b.get("/meetings?q=watch").doc(t).Find("#pending")
	res := b.get(block.AttrOr("hx-get", ""), "HX-Request", "true", "HX-Request-Type", "partial")
	again := res.doc(t).Find("#pending")
	if block.AttrOr("hx-trigger", "") == "" || strings.Contains(res.body, "<html") || again.Length() != 1 || again.AttrOr("hx-get", "") != block.AttrOr("hx-get", "-") ||
		again.Find("[name=here]").AttrOr("value", "") != "/meetings?q=watch" || res.Header.Get("HX-Trigger") != "" {
		t.Fatalf("%s, then %s", block.Text(), res.body)
	}
	b.decide(id, "delete")
	res = b.get(block.AttrOr("hx-get", ""), "HX-Request", "true", "HX-Request-Type", "partial")
	if !strings.Contains(res.body, "is deleted.") || !strings.Contains(res.Header.Get("HX-Trigger"), "settled") || res.doc(t).Find("#announcer").Length() != 1 || res.doc(t).Find("#pending").AttrOr("hx-get", "") != "" {
		t.Errorf("%v %s", res.Header, res.body)
	}
	if got := b.block("/meetings"); got != "" {
		t.Errorf("told twice: %q", got)
	}
}

// Asking, keeping and deleting are in the audit log, the last also when the
// sender did it, and count as the user's changes.
func TestHeldDeletesAreWrittenDown(t *testing.T) {
	p := newPortal(t)
	b, admin := p.connected("ben"), p.connected("ada")
	kept, sent := b.create("subject", "Kept after all"), b.create("subject", "Sent by itself")
	before := p.writes()
	b.hold(kept)
	b.hold(sent)
	b.decide(kept, "keep")
	p.ahead.Store(int64(16 * time.Second))
	p.sending()()
	if got := p.writes() - before; got != 4 {
		t.Errorf("%d changes were counted", got)
	}
	var log struct{ Rows []map[string]string }
	res := admin.get("/audit.json")
	if err := json.Unmarshal([]byte(res.body), &log); err != nil {
		t.Fatalf("%d %v", res.StatusCode, err)
	}
	want := []string{
		"delete " + sent + " Sent by itself, done", "keep " + kept + " Kept after all, done",
		"ask to delete " + sent + " Sent by itself, done", "ask to delete " + kept + " Kept after all, done",
	}
	for i, row := range log.Rows[:len(want)] {
		if got := row["action"] + " " + row["meeting_id"] + " " + row["subject"] + ", " + row["outcome"]; got != want[i] || row["user"] != "Ben Example" || row["request"] == "" {
			t.Errorf("entry %d is %v, want %s by Ben", i, row, want[i])
		}
	}
}

// writes is how many changes all sessions have counted.
func (p *portal) writes() (n int64) {
	p.t.Helper()
	db, err := sql.Open("sqlite", p.file)
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(p.t.Context(), "SELECT SUM(writes) FROM sessions").Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}
