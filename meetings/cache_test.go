package meetings

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"portal/gotomeeting"
)

// goTo plays GoTo: each upcoming list has one meeting, whose subject counts the
// calls.
type goTo struct {
	GoTo
	calls atomic.Int64
	fail  atomic.Pointer[error]
	// until, when set, is asked before an answer is given.
	until func(ctx context.Context) error
}

func (g *goTo) failWith(err error) { g.fail.Store(&err) }

func (g *goTo) Upcoming(ctx context.Context, ts gotomeeting.TokenSource, organizer string) ([]gotomeeting.Meeting, error) {
	n := g.calls.Add(1)
	token, _, _ := ts.AccessToken(ctx)
	if g.until != nil {
		if err := g.until(ctx); err != nil {
			return nil, err
		}
	}
	if err := g.fail.Load(); err != nil && *err != nil {
		return nil, *err
	}
	return []gotomeeting.Meeting{{ID: "100000001", Subject: token + organizer + " " + strconv.FormatInt(n, 10), OrganizerKey: "1", OrganizerFirstName: token}}, nil
}

func (g *goTo) Update(context.Context, gotomeeting.TokenSource, string, gotomeeting.MeetingRequest) error {
	return nil
}

// forgetful is a Memory of nothing.
type forgetful struct{ Memory }

func (forgetful) Meet(context.Context, string, string, []string) error                      { return nil }
func (forgetful) AddDeed(context.Context, Deed) error                                       { return nil }
func (forgetful) Aliases(context.Context, string) ([]Alias, error)                          { return nil, nil }
func (forgetful) Learn(context.Context, string, []Known) error                              { return nil }
func (forgetful) Known(context.Context, string) ([]Known, error)                            { return nil, nil }
func (forgetful) Remember(context.Context, string, Remembered) error                        { return nil }
func (forgetful) Recall(context.Context, string, string) (r Remembered, ok bool, err error) { return }

// nothingHeld is a Holds of nothing.
type nothingHeld struct{ Holds }

func (nothingHeld) PendingOf(context.Context, string) ([]PendingRow, error) { return nil, nil }

// browser is a session and its tokens.
type browser struct {
	id     string
	writes atomic.Int64
	down   error // of counting a change
}

func (b *browser) ID() string    { return b.id }
func (b *browser) Writes() int64 { return b.writes.Load() }

func (b *browser) Wrote(context.Context) error {
	if b.down != nil {
		return b.down
	}
	b.writes.Add(1)
	return nil
}

func (b *browser) AccessToken(context.Context) (string, time.Time, error) {
	return "of " + b.id, time.Time{}, nil
}
func (b *browser) RenewToken(ctx context.Context, _ string) (string, time.Time, error) {
	return b.AccessToken(ctx)
}
func (b *browser) LendToken(ctx context.Context) (string, time.Time, error) {
	return b.AccessToken(ctx)
}

func (b *browser) caller(maxAge time.Duration, stale bool) Caller {
	return Caller{UserKey: "user of " + b.id, AccountKey: "1", Ref: "1/user of " + b.id, Tokens: b, Session: b, MaxAge: maxAge, Stale: stale}
}

func newService(g GoTo) *Service {
	return New(Config{GoTo: g, Memory: forgetful{}, Holds: nothingHeld{}})
}

// see is the subject that the list shows, and its age.
func see(t *testing.T, s *Service, c Caller) (string, Seen) {
	t.Helper()
	list, seen, err := s.Upcoming(t.Context(), c, "")
	if err != nil {
		t.Fatal(err)
	}
	return list[0].Subject, seen
}

func TestAnswersAreReusedWhileYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b := &goTo{}, &browser{id: "a"}
		s := newService(g)
		began := time.Now().UTC()
		for _, tt := range []struct {
			wait   time.Duration
			maxAge time.Duration
			calls  int64
			at     time.Duration
		}{
			{0, 2 * time.Second, 1, 0},
			{1999 * time.Millisecond, 2 * time.Second, 1, 0},
			{time.Millisecond, 2 * time.Second, 2, 2 * time.Second},
			{29 * time.Second, 30 * time.Second, 2, 2 * time.Second},
			{0, 2 * time.Second, 3, 31 * time.Second},
			{0, 0, 4, 31 * time.Second},
			{30 * time.Second, 30 * time.Second, 5, 61 * time.Second},
		} {
			time.Sleep(tt.wait)
			subject, seen := see(t, s, b.caller(tt.maxAge, true))
			if g.calls.Load() != tt.calls || subject != fmt.Sprint("of a ", tt.calls) || !seen.At.Equal(began.Add(tt.at)) || seen.Err != nil {
				t.Errorf("after %v, wanted no older than %v: call %d, %q as of %v", time.Since(began), tt.maxAge, g.calls.Load(), subject, seen.At.Sub(began))
			}
		}
		if _, _, err := s.Upcoming(t.Context(), Caller{Tokens: b, MaxAge: time.Hour, Stale: true}, ""); err != nil || g.calls.Load() != 6 {
			t.Errorf("without a session something is kept: %d calls, %v", g.calls.Load(), err)
		}
	})
}

func TestOldAnswerStandsInForOneHour(t *testing.T) {
	passing := []error{
		&Fault{Kind: Unavailable}, &Fault{Kind: TimedOut}, &Fault{Kind: RateLimited}, &Fault{Kind: Unreadable},
		context.DeadlineExceeded, fmt.Errorf("wrapped: %w", &Fault{Kind: Unavailable}),
	}
	for _, fault := range passing {
		synctest.Test(t, func(t *testing.T) {
			g, b := &goTo{}, &browser{id: "a"}
			s := newService(g)
			was, first := see(t, s, b.caller(0, true))
			g.failWith(fault)
			time.Sleep(time.Hour - time.Millisecond)
			for _, maxAge := range []time.Duration{0, 2 * time.Second} {
				is, seen := see(t, s, b.caller(maxAge, true))
				if is != was || !seen.At.Equal(first.At) || !errors.Is(seen.Err, fault) {
					t.Errorf("%v: %q, %v old, because of %v", fault, is, time.Since(seen.At), seen.Err)
				}
			}
			if _, _, err := s.Upcoming(t.Context(), b.caller(0, false), ""); !errors.Is(err, fault) {
				t.Errorf("%v: who wants no old answer gets one: %v", fault, err)
			}
			time.Sleep(time.Millisecond)
			if _, _, err := s.Upcoming(t.Context(), b.caller(0, true), ""); !errors.Is(err, fault) {
				t.Errorf("%v: an answer of an hour stands in: %v", fault, err)
			}
		})
	}
}

// GoTo's no is an answer: nothing stands in for it, then or later.
func TestNoIsAnAnswer(t *testing.T) {
	for _, kind := range []gotomeeting.Kind{NotFound, Forbidden, MissingScope, InvalidToken, Refused} {
		synctest.Test(t, func(t *testing.T) {
			g, b := &goTo{}, &browser{id: "a"}
			s := newService(g)
			see(t, s, b.caller(0, true))
			for _, kind := range []gotomeeting.Kind{kind, Unavailable} {
				g.failWith(&Fault{Kind: kind})
				if _, _, err := s.Upcoming(t.Context(), b.caller(0, true), ""); !isKind(err, kind) {
					t.Errorf("%v: %v", kind, err)
				}
			}
		})
	}
	s, b, other := newService(&goTo{}), &browser{id: "a"}, errors.New("the session has ended")
	see(t, s, b.caller(0, true))
	s.goTo.(*goTo).failWith(other)
	if _, _, err := s.Upcoming(t.Context(), b.caller(0, true), ""); !errors.Is(err, other) {
		t.Errorf("a fault that is not GoTo's is covered up: %v", err)
	}
}

func TestSessionsSeeTheirOwn(t *testing.T) {
	s := newService(&goTo{})
	sessions := make([]*browser, 20)
	for i := range sessions {
		sessions[i] = &browser{id: strconv.Itoa(i)}
	}
	for range 2000 {
		b := sessions[rand.N(len(sessions))]
		c := b.caller(time.Duration(rand.N(2))*time.Hour, true)
		c.Admin = true
		organizer := strconv.Itoa(rand.N(3))
		list, _, err := s.Upcoming(t.Context(), c, organizer)
		if err != nil || !strings.HasPrefix(list[0].Subject, "of "+b.id+organizer+" ") {
			t.Fatalf("session %s sees %q of organizer %s, %v", b.id, list[0].Subject, organizer, err)
		}
		if rand.N(10) == 0 {
			b.writes.Add(1)
		}
	}
}

func TestOwnChangeIsSeen(t *testing.T) {
	g, b := &goTo{}, &browser{id: "a"}
	s := newService(g)
	before, _ := see(t, s, b.caller(time.Hour, true))
	if err := s.Update(t.Context(), b.caller(0, false), "100000001", Plan{}, nil); err != nil {
		t.Fatal(err)
	}
	if after, _ := see(t, s, b.caller(time.Hour, true)); after == before || b.Writes() != 1 {
		t.Errorf("after %d changes the list is %q, as before", b.Writes(), after)
	}
	g.failWith(&Fault{Kind: Unavailable})
	b.writes.Add(1) // on another replica
	if list, _, err := s.Upcoming(t.Context(), b.caller(time.Hour, true), ""); err == nil {
		t.Errorf("a list from before the change stands in: %v", list)
	}
}

// A change that cannot be counted is seen all the same, where it was made.
func TestOwnChangeIsSeenThoughItIsNotCounted(t *testing.T) {
	b := &browser{id: "a", down: errors.New("the store is down")}
	s := newService(&goTo{})
	before, _ := see(t, s, b.caller(time.Hour, true))
	if err := s.Update(t.Context(), b.caller(0, false), "100000001", Plan{}, nil); err != nil {
		t.Fatal(err)
	}
	if after, _ := see(t, s, b.caller(time.Hour, true)); after == before {
		t.Errorf("after the change the list is %q, as before", after)
	}
}

// Who joins a call gets nothing older than it may be: a call that GoTo takes
// long over is joined at its beginning alone.
func TestOldCallIsNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b := &goTo{until: wait(3 * time.Second)}, &browser{id: "a"}
		s := newService(g)
		var wg sync.WaitGroup
		for _, tt := range []struct {
			after, maxAge time.Duration
			want          string
		}{
			{0, time.Second, "of a 1"},
			{999 * time.Millisecond, time.Second, "of a 1"},
			{time.Second, time.Second, "of a 2"},
			{1999 * time.Millisecond, time.Second, "of a 2"},
			{2 * time.Second, 30 * time.Second, "of a 2"},
			{3500 * time.Millisecond, time.Second, "of a 3"}, // the first has landed, the second not
			{4499 * time.Millisecond, time.Second, "of a 3"},
		} {
			wg.Go(func() {
				time.Sleep(tt.after)
				asked := time.Now()
				if subject, seen := see(t, s, b.caller(tt.maxAge, true)); subject != tt.want || asked.Sub(seen.At) >= tt.maxAge {
					t.Errorf("after %s: %q, %s old when it was asked for, want %q", tt.after, subject, asked.Sub(seen.At), tt.want)
				}
			})
		}
		wg.Wait()
		if len(s.kept.began) > 0 {
			t.Errorf("%d calls are still under way", len(s.kept.began))
		}
	})
}

// account is a GoTo with fifty organizers, whose meetings take it a second.
type account struct {
	GoTo
	calls atomic.Int64
}

func (*account) Users(context.Context, gotomeeting.TokenSource, string, gotomeeting.UserFilter) ([]gotomeeting.User, error) {
	users := make([]gotomeeting.User, 50)
	for i := range users {
		users[i].Key = strconv.Itoa(i)
	}
	return users, nil
}

func (a *account) History(ctx context.Context, _ gotomeeting.TokenSource, _ string, _, _ time.Time) ([]gotomeeting.PastMeeting, error) {
	a.calls.Add(1)
	return nil, wait(time.Second)(ctx)
}

// Who closes the tab leaves behind the calls that are under way, and no more.
func TestClosedTabBeginsNoCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b := &account{}, &browser{id: "a"}
		s := newService(g)
		ctx, leave := context.WithCancel(t.Context())
		c := b.caller(time.Second, true)
		c.Admin = true
		var err error
		var wg sync.WaitGroup
		wg.Go(func() { _, _, err = s.History(ctx, c, AllOrganizers, noon, noon.AddDate(0, 0, 1)) })
		synctest.Wait()
		leave()
		wg.Wait()
		time.Sleep(time.Minute)
		if !errors.Is(err, context.Canceled) || g.calls.Load() != organizersAtOnce {
			t.Errorf("%d calls, %v", g.calls.Load(), err)
		}
	})
}

// diary keeps the audit log.
type diary struct {
	forgetful
	deeds []Deed
}

func (d *diary) AddDeed(_ context.Context, deed Deed) error {
	d.deeds = append(d.deeds, deed)
	return nil
}

// startOnly has an upcoming list and starts meetings; any other call panics.
type startOnly struct{ goTo }

func (*startOnly) Start(context.Context, gotomeeting.TokenSource, string) (gotomeeting.HostURL, error) {
	return gotomeeting.HostURL{}, nil
}

// To start a meeting is one call: the audit log takes its subject from what the
// user saw last, however old, and does without when that was nothing.
func TestStartAsksNothingForTheAuditLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, b := &diary{}, &browser{id: "a"}
		s := New(Config{GoTo: &startOnly{}, Memory: log, Holds: nothingHeld{}})
		var want []string
		for _, subject := range []string{"", "of a 1"} {
			if subject != "" {
				see(t, s, b.caller(0, true))
				time.Sleep(staleFor)
			}
			if _, err := s.Start(t.Context(), b.caller(0, false), "100000001"); err != nil {
				t.Fatal(err)
			}
			want = append(want, subject)
		}
		for i, d := range log.deeds {
			if d.Action != DeedStart || d.Subject != want[i] {
				t.Errorf("%d: %s %q, want %q", i, d.Action, d.Subject, want[i])
			}
		}
		if len(log.deeds) != len(want) {
			t.Errorf("%d entries", len(log.deeds))
		}
	})
}

func TestOneCallForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b := &goTo{until: wait(time.Second)}, &browser{id: "a"}
		s := newService(g)
		var leader, impatient error
		var wg sync.WaitGroup
		ctx, leave := context.WithCancel(t.Context())
		wg.Go(func() { _, _, leader = s.Upcoming(ctx, b.caller(time.Second, true), "") })
		synctest.Wait()
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, _, impatient = s.Upcoming(ctx, b.caller(time.Second, true), "")
		})
		seen := make([]string, 100)
		for i := range seen {
			wg.Go(func() { seen[i], _ = see(t, s, b.caller(time.Second, true)) })
		}
		synctest.Wait()
		leave()
		wg.Wait()
		if !errors.Is(leader, context.Canceled) || !errors.Is(impatient, context.DeadlineExceeded) {
			t.Errorf("who left got %v, who could not wait %v", leader, impatient)
		}
		for _, subject := range seen {
			if subject != "of a 1" {
				t.Fatalf("a waiter saw %q", subject)
			}
		}
		if g.calls.Load() != 1 {
			t.Errorf("%d calls", g.calls.Load())
		}
	})
}

// Who decides a change joins no call that began before.
func TestFreshReadAsksAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b := &goTo{until: wait(3 * time.Second)}, &browser{id: "a"}
		s := newService(g)
		var wg sync.WaitGroup
		wg.Go(func() { see(t, s, b.caller(time.Second, true)) })
		synctest.Wait()
		time.Sleep(time.Millisecond)
		g.until = wait(time.Second)
		if subject, _ := see(t, s, b.caller(0, false)); subject != "of a 2" {
			t.Errorf("saw %q", subject)
		}
		wg.Wait()
		if subject, _ := see(t, s, b.caller(time.Hour, true)); subject != "of a 2" {
			t.Errorf("the older answer, which came last, is kept: %q", subject)
		}
	})
}

// A call that hangs has a deadline of its own, below the pages'.
func TestHangingCallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b := &goTo{until: func(ctx context.Context) error {
			<-ctx.Done()
			return &Fault{Kind: TimedOut, Err: ctx.Err()}
		}}, &browser{id: "a"}
		s := newService(g)
		for _, maxAge := range []time.Duration{0, time.Second} {
			began := time.Now()
			_, _, err := s.Upcoming(t.Context(), b.caller(maxAge, true), "")
			if took := time.Since(began); !isKind(err, TimedOut) || took != readDeadline {
				t.Errorf("after %v: %v", took, err)
			}
		}
	})
}

func TestPanicOfACallIsAnError(t *testing.T) {
	g, b := &goTo{until: func(context.Context) error { panic("boom") }}, &browser{id: "a"}
	if _, _, err := newService(g).Upcoming(t.Context(), b.caller(time.Second, true), ""); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("%v", err)
	}
}

func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &goTo{}
		s := newService(g)
		a, phone, other := &browser{id: "a"}, &browser{id: "phone"}, &browser{id: "b"}
		ofA := phone.caller(time.Hour, true)
		ofA.Ref = a.caller(0, false).Ref
		see(t, s, a.caller(time.Hour, true))
		see(t, s, ofA)
		see(t, s, other.caller(time.Hour, true))
		// One call is under way while the session ends.
		g.until = wait(time.Second)
		var wg sync.WaitGroup
		a.writes.Add(1)
		wg.Go(func() { see(t, s, a.caller(time.Hour, true)) })
		synctest.Wait()
		s.Forget(a.caller(0, false))
		wg.Wait()
		if len(s.kept.index) != 1 || s.kept.order.Len() != 1 {
			t.Errorf("%d answers are kept, want the other user's", len(s.kept.index))
		}
		calls := g.calls.Load()
		if see(t, s, other.caller(time.Hour, true)); g.calls.Load() != calls {
			t.Error("the other user's is gone")
		}
		s.Forget(Caller{}) // nobody
	})
}

func TestUnusedAnswersGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(&goTo{})
		for i := range 100 {
			see(t, s, (&browser{id: strconv.Itoa(i)}).caller(0, false))
		}
		time.Sleep(staleFor + time.Second)
		see(t, s, (&browser{id: "later"}).caller(0, false))
		if got := len(s.kept.index); got != 1 {
			t.Errorf("%d answers are kept", got)
		}
	})
}

// Ten thousand sessions with lists of hundreds of meetings stay within bounds,
// by the estimate and on the heap.
func TestMemoryIsBounded(t *testing.T) {
	const limit = 8 << 20
	a := newAnswers(limit, time.Now)
	before := heap()
	for i := range 10_000 {
		b := &browser{id: fmt.Sprintf("%064d", i)}
		rows := sampleRows(rand.N(60))
		if _, _, err := a.read(t.Context(), b.caller(time.Second, true), time.Second, "upcoming", func(context.Context) (any, error) { return rows, nil }); err != nil {
			t.Fatal(err)
		}
		if a.bytes > limit {
			t.Fatalf("%d bytes after %d sessions", a.bytes, i)
		}
	}
	grown := heap() - before
	if len(a.index) < 50 || len(a.index) != a.order.Len() {
		t.Errorf("%d answers in the index, %d in the list", len(a.index), a.order.Len())
	}
	if grown > limit*3/2 || grown < limit/2 {
		t.Errorf("the heap grew by %d bytes, the estimate is %d", grown, a.bytes)
	}
	t.Logf("10,000 sessions: %d answers of %d bytes by estimate, %d on the heap", len(a.index), a.bytes, grown)

	var sum int64
	for _, e := range a.index {
		sum += e.Value.(*answer).bytes
	}
	if sum != a.bytes {
		t.Errorf("the answers weigh %d, the books say %d", sum, a.bytes)
	}
	huge := sampleRows(20_000)
	for range 2 {
		if _, seen, err := a.read(t.Context(), (&browser{id: "huge"}).caller(time.Hour, true), time.Second, "upcoming", func(context.Context) (any, error) { return huge, nil }); err != nil || seen.At.IsZero() {
			t.Fatal(err)
		}
	}
	if len(a.index) < 50 {
		t.Error("one huge answer pushed out the others")
	}
	runtime.KeepAlive(a)
}

func sampleRows(n int) []gotomeeting.Meeting {
	rows := make([]gotomeeting.Meeting, n)
	for i := range rows {
		text := func(n int) string { return strings.Repeat(strconv.Itoa(i%10), n) } // not shared
		rows[i] = gotomeeting.Meeting{ID: text(9), Subject: text(40), ConferenceCallInfo: text(120), OrganizerKey: text(19), OrganizerEmail: text(24), CoOrganizerKeys: []string{text(19), text(19)}}
	}
	return rows
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestWeigh(t *testing.T) {
	type inner struct{ text string }
	for _, tt := range []struct {
		v    any
		want int64
	}{
		{"12345", 5},
		{[]string{"123", "45"}, 2*16 + 5},
		{struct{ a *inner }{&inner{"1234"}}, 16 + 4},
		{struct{ a *inner }{}, 0},
		{struct{ a any }{int64(1)}, 8},
		{time.Now(), 0},
	} {
		if got := weigh(reflect.ValueOf(tt.v)); got != tt.want {
			t.Errorf("%#v weighs %d, want %d", tt.v, got, tt.want)
		}
	}
}

func TestAgeOfAPage(t *testing.T) {
	one, two := Seen{At: noon}, Seen{At: noon.Add(-time.Minute), Err: context.DeadlineExceeded}
	for _, both := range []Seen{one.And(two), two.And(one), one.And(two).And(Seen{})} {
		if both != two {
			t.Errorf("%v", both)
		}
	}
	if (Seen{}).And(one) != one {
		t.Error("nothing makes it older")
	}
}

// wait keeps GoTo busy for d.
func wait(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
}
