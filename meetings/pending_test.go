package meetings_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portal/auth"
	"portal/gotomeeting"
	"portal/meetings"
	"portal/store"
)

const canary = "canary-access-token"

// goTo is the little of GoTo that deletes need: it notes when it was asked to
// delete what, and does what it is told to.
type goTo struct {
	meetings.GoTo
	mu     sync.Mutex
	asked  []string // "meeting id, seconds since the test began, token"
	began  time.Time
	answer func(ctx context.Context, n int) error // to the nth call, from 1; nil: done
	exists error                                  // what reading a meeting answers
}

func (g *goTo) Delete(ctx context.Context, ts gotomeeting.TokenSource, id string) error {
	token, _, err := ts.AccessToken(ctx)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.asked = append(g.asked, id+" "+time.Since(g.began).String()+" "+token)
	n, answer := len(g.asked), g.answer
	g.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(ctx, n)
}

func (g *goTo) Meeting(context.Context, gotomeeting.TokenSource, string) (gotomeeting.Meeting, error) {
	return gotomeeting.Meeting{}, g.exists
}

func (g *goTo) calls() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.asked)
}

// life is what a token has left when it is lent. It is short, since a sender
// looks every second.
const life = 3 * time.Minute

// session lends its token.
type session struct {
	token  string
	lapses time.Time
}

func (s session) AccessToken(context.Context) (string, time.Time, error) {
	return s.token, time.Time{}, nil
}
func (s session) RenewToken(context.Context, string) (string, time.Time, error) {
	return s.token, time.Time{}, nil
}
func (s session) LendToken(context.Context) (string, time.Time, error) {
	return s.token, s.lapses, nil
}

// house is a portal's store, whose processes come and go.
type house struct {
	t     *testing.T
	db    *store.Store
	path  string
	holds meetings.Holds // nil: db
	goTo  *goTo
	keys  []auth.Key
	log   bytes.Buffer
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "portal.db"), goTo: &goTo{began: time.Now()}, keys: keys(t, 1)}
	h.open()
	return h
}

func (h *house) open() {
	h.t.Helper()
	db, err := store.Open(h.t.Context(), h.path)
	if err != nil {
		h.t.Fatal(err)
	}
	h.db = db
}

func keys(t *testing.T, n int) []auth.Key {
	t.Helper()
	parts := make([]string, n)
	for i := range parts {
		raw := make([]byte, 32)
		_, _ = rand.Read(raw)
		parts[i] = base64.StdEncoding.EncodeToString(raw)
	}
	k, err := auth.LoadKeys(strings.Join(parts, ","))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// vault is auth's, with the house's keys.
func (h *house) vault() meetings.Vault {
	h.t.Helper()
	public, _ := url.Parse("http://localhost")
	a, err := auth.New(auth.Config{
		Store: h.db, Keys: h.keys, PublicURL: public, AuthURL: "http://localhost/a", TokenURL: "http://localhost/t", Sandbox: true,
		Identify: func(context.Context, string) (auth.Identity, error) { return auth.Identity{}, nil },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return a.Vault("pending")
}

// process is a portal of this house, started as main does.
func (h *house) process(place string) *meetings.Service {
	h.t.Helper()
	holds := h.holds
	if holds == nil {
		holds = h.db
	}
	s := meetings.New(meetings.Config{
		GoTo: h.goTo, Memory: h.db, Holds: holds, Vault: h.vault(), Place: place, Log: slog.New(slog.NewTextHandler(&h.log, nil)),
	})
	if err := s.Resume(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return s
}

// sends runs a process's sender until it is stopped, as SIGTERM does.
func (h *house) sends(s *meetings.Service) (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.SendPending(ctx)
	}()
	return func() { cancel(); <-done }
}

func ada() meetings.Caller {
	return meetings.Caller{UserKey: "1", AccountKey: "77", Ref: "77/1", Name: "Ada", Tokens: session{canary, time.Now().Add(life)}}
}

func (h *house) hold(s *meetings.Service, id string) meetings.Pending {
	h.t.Helper()
	p, err := s.Hold(h.t.Context(), ada(), meetings.Meeting{ID: id, Subject: "Subject " + id})
	if err != nil || p.State != meetings.PendingHeld {
		h.t.Fatalf("%+v, %v", p, err)
	}
	return p
}

// row is the one held delete in the store.
func (h *house) row() meetings.PendingRow {
	h.t.Helper()
	rows, err := h.db.EveryPending(h.t.Context())
	if err != nil || len(rows) != 1 {
		h.t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows[0]
}

func (h *house) mustBe(state string, asked ...string) {
	h.t.Helper()
	row := h.row()
	if row.State != state || !slices.Equal(h.goTo.calls(), asked) {
		h.t.Errorf("it is %s after GoTo was asked %q, want %s and %q", row.State, h.goTo.calls(), state, asked)
	}
	if over := state != meetings.PendingHeld && state != meetings.PendingSending; over && len(row.Token) > 0 {
		h.t.Errorf("it is %s and its token is still there", state)
	}
	if strings.Contains(h.log.String(), canary) {
		h.t.Error("the token is in the log")
	}
}

// inBubble runs a test on a clock of its own.
func inBubble(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer func() {
			if err := h.db.Close(); err != nil {
				t.Error(err)
			}
		}()
		test(t, h)
	})
}

func fault(kind gotomeeting.Kind, status int, sent bool) error {
	return &meetings.Fault{Kind: kind, API: "G2M", Op: "delete meeting", Status: status, Sent: sent}
}

func TestDeleteIsSentWhenDue(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		s := h.process("here")
		stop := h.sends(s)
		p := h.hold(s, "7")
		time.Sleep(5 * time.Second)
		if again := h.hold(s, "7"); again.ID != p.ID || !again.Due.Equal(p.Due) {
			t.Errorf("held anew: %+v, then %+v", p, again)
		}
		time.Sleep(9999 * time.Millisecond)
		synctest.Wait()
		h.mustBe(meetings.PendingHeld)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		stop()
		h.mustBe(meetings.PendingDeleted, "7 15s "+canary)
	})
}

// GoTo is asked again, ever less often, for as long as the token is good.
func TestSenderOutlastsAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.goTo.answer = func(_ context.Context, n int) error {
			if n < 6 {
				return fault(gotomeeting.Unavailable, 0, false)
			}
			return nil
		}
		s := h.process("here")
		stop := h.sends(s)
		p := h.hold(s, "7")
		time.Sleep(16 * time.Second)
		list, err := s.Pending(t.Context(), ada())
		if err != nil || len(list) != 1 || !list[0].Late || list[0].Tried || list[0].ID != p.ID {
			t.Errorf("told of it: %+v, %v", list, err)
		}
		time.Sleep(time.Minute)
		stop()
		h.mustBe(meetings.PendingDeleted, "7 15s "+canary, "7 17s "+canary, "7 19s "+canary, "7 23s "+canary, "7 31s "+canary, "7 47s "+canary)
	})
}

func TestSenderHeedsRetryAfter(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.goTo.answer = func(_ context.Context, n int) error {
			if n == 1 {
				return &meetings.Fault{Kind: gotomeeting.RateLimited, Status: http.StatusTooManyRequests, RetryAfter: 20 * time.Second}
			}
			return nil
		}
		s := h.process("here")
		stop := h.sends(s)
		h.hold(s, "7")
		time.Sleep(time.Minute)
		stop()
		h.mustBe(meetings.PendingDeleted, "7 15s "+canary, "7 35s "+canary)
	})
}

// An answer was lost, so 404 means that it was done; without one it means that
// somebody else did it.
func TestSenderAndNotFound(t *testing.T) {
	for _, lost := range []bool{true, false} {
		inBubble(t, func(t *testing.T, h *house) {
			h.goTo.answer = func(_ context.Context, n int) error {
				if n == 1 {
					return fault(gotomeeting.TimedOut, 0, lost)
				}
				return fault(gotomeeting.NotFound, 404, false)
			}
			s := h.process("here")
			stop := h.sends(s)
			h.hold(s, "7")
			time.Sleep(time.Minute)
			stop()
			want := meetings.PendingGone
			if lost {
				want = meetings.PendingDeleted
			}
			h.mustBe(want, "7 15s "+canary, "7 17s "+canary)
		})
	}
}

func TestSenderTakesNoForAnAnswer(t *testing.T) {
	for kind, want := range map[gotomeeting.Kind]string{
		gotomeeting.Forbidden: meetings.PendingRefused, gotomeeting.Refused: meetings.PendingRefused,
		gotomeeting.NotFound: meetings.PendingGone, gotomeeting.InvalidToken: meetings.PendingUnresolved,
	} {
		inBubble(t, func(t *testing.T, h *house) {
			h.goTo.answer = func(context.Context, int) error { return fault(kind, 400, false) }
			s := h.process("here")
			stop := h.sends(s)
			h.hold(s, "7")
			time.Sleep(time.Minute)
			stop()
			h.mustBe(want, "7 15s "+canary)
		})
	}
}

// A token that lapsed is of no use, and is not kept.
func TestSenderStopsWhenTheTokenLapses(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.goTo.answer = func(context.Context, int) error { return fault(gotomeeting.Unavailable, 503, true) }
		s := h.process("here")
		stop := h.sends(s)
		p := h.hold(s, "7")
		time.Sleep(life - time.Second)
		if row := h.row(); row.State != meetings.PendingHeld || len(row.Token) == 0 {
			t.Errorf("given up early: %s", row.State)
		}
		time.Sleep(2 * time.Second)
		asked := h.goTo.calls()
		h.mustBe(meetings.PendingUnresolved, asked...)
		list, err := s.Pending(t.Context(), ada())
		if err != nil || len(list) != 1 || !list[0].Tried || list[0].Subject != "Subject 7" {
			t.Errorf("told of it: %+v, %v", list, err)
		}
		// Asking anew is a decision, with a token of today.
		h.goTo.answer = nil
		if again := h.hold(s, "7"); again.ID == p.ID {
			t.Error("the old one is held again")
		}
		time.Sleep(time.Minute)
		stop()
		if got := h.goTo.calls(); len(got) != len(asked)+1 {
			t.Errorf("GoTo was asked %q", got[len(asked):])
		}
	})
}

// Of several processes over one store, one asks GoTo, and one that dies while
// it does is followed by another.
func TestSendersOfSeveralProcesses(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		var stops []func()
		var last *meetings.Service
		for range 3 { // of one name, so that none waits for another
			last = h.process("here")
			stops = append(stops, h.sends(last))
		}
		for _, id := range []string{"1", "2", "3", "4", "5", "6", "7"} {
			h.hold(last, id)
		}
		time.Sleep(time.Minute)
		for _, stop := range stops {
			stop()
		}
		asked := h.goTo.calls()
		slices.Sort(asked)
		for i, call := range asked {
			if len(asked) != 7 || !strings.HasPrefix(call, string(rune('1'+i))+" ") {
				t.Fatalf("GoTo was asked %q", asked)
			}
		}
	})
}

func TestSenderFollowsOneThatDied(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		dead := h.process("dead")
		h.hold(dead, "7")
		row := h.row()
		row.State, row.Place, row.Due = meetings.PendingSending, "dead", time.Now().Add(20*time.Second)
		if ok, err := h.db.SwapPending(t.Context(), row); err != nil || !ok {
			t.Fatal(ok, err)
		}
		h.goTo.answer = func(context.Context, int) error { return fault(gotomeeting.NotFound, 404, false) }
		s := h.process("alive")
		stop := h.sends(s)
		if p, err := s.Keep(t.Context(), ada(), row.ID); err != nil || p.State != meetings.PendingSending {
			t.Errorf("undone while it is being sent: %+v, %v", p, err)
		}
		time.Sleep(time.Minute)
		stop()
		h.mustBe(meetings.PendingDeleted, "7 30s "+canary) // the dead one did it, as far as anybody can tell
	})
}

// Whoever was slow to write down how it went does not undo what its follower
// wrote.
func TestSlowSenderIsFenced(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		slow := make(chan struct{})
		h.goTo.answer = func(_ context.Context, n int) error {
			if n == 1 {
				<-slow
				return fault(gotomeeting.Unavailable, 503, true)
			}
			return nil
		}
		s := h.process("here")
		h.hold(s, "7")
		stop := h.sends(s)
		time.Sleep(time.Minute)
		h.mustBe(meetings.PendingDeleted, "7 15s "+canary, "7 35s "+canary)
		close(slow)
		stop()
		h.mustBe(meetings.PendingDeleted, "7 15s "+canary, "7 35s "+canary)
	})
}

// After a restart what this place held is sent at once; what another held and
// did not send follows when its time has passed.
func TestRestartSendsAtOnce(t *testing.T) {
	for place, want := range map[string]string{"same": "7 3s " + canary, "other": "7 25s " + canary} {
		inBubble(t, func(t *testing.T, h *house) {
			h.hold(h.process("same"), "7")
			time.Sleep(3 * time.Second)
			stop := h.sends(h.process(place))
			time.Sleep(time.Minute)
			stop()
			h.mustBe(meetings.PendingDeleted, want)
		})
	}
}

// Stopping waits for what is being sent and leaves what is held.
func TestGracefulStop(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.goTo.answer = func(context.Context, int) error { time.Sleep(4 * time.Second); return nil }
		s := h.process("here")
		stop := h.sends(s)
		h.hold(s, "7")
		time.Sleep(14 * time.Second)
		h.hold(s, "8")
		time.Sleep(2 * time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("stopping took %v", took)
		}
		rows, err := h.db.EveryPending(t.Context())
		if err != nil || len(rows) != 2 || rows[0].State != meetings.PendingDeleted || rows[1].State != meetings.PendingHeld {
			t.Errorf("%+v, %v", rows, err)
		}
	})
}

// A hanging GoTo is given up before the lease ends.
func TestHangingGoToKeepsTheLease(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.goTo.answer = func(ctx context.Context, n int) error {
			if n > 1 {
				return nil
			}
			<-ctx.Done()
			return fault(gotomeeting.TimedOut, 0, true)
		}
		s := h.process("here")
		stop, stopOther := h.sends(s), h.sends(h.process("there"))
		h.hold(s, "7")
		time.Sleep(time.Minute)
		stop()
		stopOther()
		h.mustBe(meetings.PendingDeleted, "7 15s "+canary, "7 35s "+canary) // 10 s of waiting, 10 s of peace
	})
}

// Rotating keys loses no held delete: two starts, and the old key is gone.
func TestKeyRotationKeepsHeldDeletes(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		first, next := h.keys, keys(t, 1)
		h.hold(h.process("here"), "7")
		h.keys = append(slices.Clone(next), first...)
		h.process("elsewhere")
		h.keys = next
		s := h.process("elsewhere")
		if list, err := s.Pending(t.Context(), ada()); err != nil || len(list) != 1 || list[0].Subject != "Subject 7" {
			t.Errorf("after the rotation: %+v, %v", list, err)
		}
		stop := h.sends(s)
		time.Sleep(time.Minute)
		stop()
		h.mustBe(meetings.PendingDeleted, "7 25s "+canary)
	})
}

// A key that is gone takes the token with it; the user is asked, by the id.
func TestLostKeyAsksTheUser(t *testing.T) {
	for place, within := range map[string]time.Duration{"here": time.Second, "elsewhere": life + 11*time.Second} {
		inBubble(t, func(t *testing.T, h *house) {
			h.hold(h.process("here"), "7")
			h.keys = keys(t, 1)
			s := h.process(place)
			stop := h.sends(s)
			time.Sleep(within)
			h.mustBe(meetings.PendingUnresolved)
			list, err := s.Pending(t.Context(), ada())
			if err != nil || len(list) != 1 || list[0].Subject != "" || list[0].MeetingID != "7" {
				t.Fatalf("%+v, %v", list, err)
			}
			p, err := s.DeleteNow(t.Context(), ada(), list[0].ID)
			stop()
			if err != nil || p.State != meetings.PendingDeleted || len(h.goTo.calls()) != 1 {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

// A row's token opens in no other row.
func TestSwappedTokensDoNotOpen(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		s := h.process("here")
		h.hold(s, "7")
		h.hold(s, "8")
		rows, err := h.db.EveryPending(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rows[0].Token, rows[1].Token = rows[1].Token, rows[0].Token
		rows[0].Details, rows[1].Details = rows[1].Details, rows[0].Details
		for _, row := range rows {
			if ok, err := h.db.SwapPending(t.Context(), row); err != nil || !ok {
				t.Fatal(ok, err)
			}
		}
		stop := h.sends(s)
		time.Sleep(life + time.Second)
		stop()
		list, err := s.Pending(t.Context(), ada())
		if err != nil || len(list) != 2 || len(h.goTo.calls()) > 0 {
			t.Fatalf("GoTo was asked %q; %v", h.goTo.calls(), err)
		}
		for _, p := range list {
			if p.Subject != "" || p.State != meetings.PendingUnresolved {
				t.Errorf("%+v", p)
			}
		}
	})
}

// The user and the sender decide at the same time: one of them does.
func TestUndoRacesTheSender(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		s := h.process("here")
		stop := h.sends(s)
		for i := range 50 {
			before := len(h.goTo.calls())
			p := h.hold(s, string(rune('0'+i%10))+"0"+string(rune('0'+i/10)))
			time.Sleep(15 * time.Second)
			got, err := s.Keep(t.Context(), ada(), p.ID)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			asked := len(h.goTo.calls()) - before
			if kept := got.State == meetings.PendingKept; kept && asked != 0 || !kept && asked != 1 {
				t.Errorf("Undo says %s and GoTo was asked %d times", got.State, asked)
			}
		}
		stop()
	})
}

// Undo after a lost answer looks before it speaks, and says so when it cannot.
func TestKeepAfterALostAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		exists error
		state  string
		tried  bool
		deed   string
	}{
		"there":       {nil, meetings.PendingKept, false, "keep 7 done"},
		"gone":        {fault(gotomeeting.NotFound, 404, false), meetings.PendingDeleted, false, "delete 7 done"},
		"cannot look": {fault(gotomeeting.Unavailable, 503, false), meetings.PendingKept, true, "keep 7 unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, h *house) {
				h.goTo.answer = func(context.Context, int) error { return fault(gotomeeting.TimedOut, 0, true) }
				h.goTo.exists = tt.exists
				if err := h.db.Remember(t.Context(), "77", meetings.Remembered{MeetingID: "7", JoinURL: "https://join.example/7"}); err != nil {
					t.Fatal(err)
				}
				s := h.process("here")
				p := h.hold(s, "7")
				if _, err := s.DeleteNow(t.Context(), ada(), p.ID); err == nil {
					t.Fatal("no error")
				}
				got, err := s.Keep(t.Context(), ada(), p.ID)
				if err != nil || got.State != tt.state || got.Tried != tt.tried {
					t.Errorf("%+v, %v", got, err)
				}
				stop := h.sends(s)
				time.Sleep(time.Minute)
				stop()
				if len(h.goTo.calls()) != 1 {
					t.Errorf("GoTo was asked again: %q", h.goTo.calls())
				}
				if deeds := h.deeds(); len(deeds) != 2 || !slices.Contains(deeds, tt.deed) {
					t.Errorf("the audit log holds %q", deeds)
				}
				_, kept, err := h.db.Recall(t.Context(), "77", "7")
				if gone := tt.state == meetings.PendingDeleted; err != nil || kept == gone {
					t.Errorf("remembered %t, %v", kept, err)
				}
			})
		})
	}
}

// deeds is the audit log, the newest first: "action meeting-id outcome".
func (h *house) deeds() []string {
	h.t.Helper()
	rows, _, err := h.db.Deeds(h.t.Context(), "77", meetings.DeedQuery{All: true})
	if err != nil {
		h.t.Fatal(err)
	}
	var list []string
	for _, d := range rows {
		list = append(list, d.Action+" "+d.MeetingID+" "+d.Outcome)
	}
	return list
}

// full is a store that has no room, once, for what a delete came to.
type full struct {
	*store.Store
	once sync.Once
}

func (f *full) SwapPending(ctx context.Context, row meetings.PendingRow) (ok bool, err error) {
	if row.State == meetings.PendingDeleted {
		f.once.Do(func() { err = errors.New("no room") })
	}
	if err != nil {
		return false, err
	}
	return f.Store.SwapPending(ctx, row)
}

// What could not be written down is found out by asking again, and is one deed.
func TestDeleteThatIsNotWrittenDown(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.goTo.answer = func(_ context.Context, n int) error {
			if n == 1 {
				return nil
			}
			return fault(gotomeeting.NotFound, 404, false)
		}
		h.holds = &full{Store: h.db}
		s := h.process("here")
		stop := h.sends(s)
		h.hold(s, "7")
		time.Sleep(time.Minute)
		stop()
		h.mustBe(meetings.PendingDeleted, "7 15s "+canary, "7 35s "+canary)
		if deeds := h.deeds(); !slices.Equal(deeds, []string{"delete 7 done", "ask to delete 7 done"}) {
			t.Errorf("the audit log holds %q", deeds)
		}
	})
}

func TestPendingIsItsOwners(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		s := h.process("here")
		p := h.hold(s, "7")
		other := ada()
		other.Ref = "78/1"
		_, keep := s.Keep(t.Context(), other, p.ID)
		_, now := s.DeleteNow(t.Context(), other, p.ID)
		told := s.Told(t.Context(), other, p.ID)
		for _, err := range []error{keep, now, told} {
			if !errors.Is(err, meetings.ErrNoPending) {
				t.Errorf("another decides: %v", err)
			}
		}
		if list, err := s.Pending(t.Context(), other); err != nil || len(list) > 0 {
			t.Errorf("another sees %+v, %v", list, err)
		}
		h.mustBe(meetings.PendingHeld)
	})
}

// What waits longer than GoTo may take is no reason for Disconnect to wait.
func TestFlushIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.goTo.answer = func(ctx context.Context, n int) error {
			if n == 1 {
				return nil
			}
			<-ctx.Done()
			return fault(gotomeeting.TimedOut, 0, true)
		}
		s := h.process("here")
		for _, id := range []string{"7", "8", "9"} {
			h.hold(s, id)
		}
		began := time.Now()
		if err := s.Flush(t.Context(), ada()); err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("%v, after %v", err, time.Since(began))
		}
		rows, err := h.db.EveryPending(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		states := map[string]int{}
		for _, row := range rows {
			states[row.State]++
			if len(row.Token) > 0 {
				t.Error("a token outlives its revocation")
			}
		}
		if states[meetings.PendingDeleted] != 1 || states[meetings.PendingUnresolved] != 2 {
			t.Errorf("%v", states)
		}
	})
}
