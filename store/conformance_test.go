package store_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portal/auth"
	"portal/meetings"
	"portal/store"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func sessionRow(id, user string) (auth.SessionRow, auth.TokensRow) {
	return auth.SessionRow{
			IDHash: id, UserRef: user, Version: 1, KeyID: "k1", Sealed: []byte{0, 1, 0xff, 0}, Writes: 7, Browser: "Firefox on Windows",
			Created: noon, LastSeen: noon, IdleDeadline: noon.Add(time.Hour), AbsoluteDeadline: noon.Add(24 * time.Hour),
		}, auth.TokensRow{
			Version: 1, KeyID: "k1", Sealed: []byte("tokens of " + id),
		}
}

func create(t *testing.T, s *store.Store, id, user, replaces string) {
	t.Helper()
	row, tokens := sessionRow(id, user)
	if err := s.CreateSession(t.Context(), row, tokens, replaces, 9); err != nil {
		t.Fatal(err)
	}
}

// lease takes a session's lease for holder and fails when somebody has it.
func lease(t *testing.T, s *store.Store, id, holder string) auth.Lease {
	t.Helper()
	l, ok, err := s.TakeLease(t.Context(), auth.Grant{IDHash: id}, holder, time.Minute)
	if err != nil || !ok {
		t.Fatalf("%s does not get the lease of %s: %v", holder, id, err)
	}
	return l
}

func exists(t *testing.T, s *store.Store, id string) bool {
	t.Helper()
	_, ok, err := s.Session(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestSessionRows(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		if exists(t, s, "a") {
			t.Fatal("a session in an empty store")
		}
		create(t, s, "a", "acc/ada", "")
		want, wantTokens := sessionRow("a", "acc/ada")
		got, ok, err := s.Session(ctx, "a")
		if err != nil || !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, %v; want %+v", got, ok, err, want)
		}
		tokens, ok, err := s.Tokens(ctx, auth.Grant{IDHash: "a"})
		if err != nil || !ok || !reflect.DeepEqual(tokens, wantTokens) {
			t.Fatalf("tokens: got %+v, %v, %v", tokens, ok, err)
		}
		// Log-in replaces: both or neither.
		create(t, s, "b", "acc/ada", "a")
		if exists(t, s, "a") || !exists(t, s, "b") {
			t.Fatal("the replaced session is still there, or the new one is not")
		}
		row, tok := sessionRow("b", "acc/ada")
		create(t, s, "c", "acc/ben", "")
		if err := s.CreateSession(ctx, row, tok, "c", 9); err == nil {
			t.Fatal("the same id twice")
		}
		if !exists(t, s, "c") {
			t.Fatal("a log-in that failed deleted the old session")
		}
	})
}

func TestSaveAndSwapAreVersioned(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		create(t, s, "a", "acc/ada", "")
		row, tokens := sessionRow("a", "acc/ada")
		row.Version, row.Sealed, row.LastSeen, row.IdleDeadline = 2, []byte("new"), noon.Add(time.Minute), noon.Add(2*time.Hour)
		for i, want := range []bool{true, false} {
			if ok, err := s.SaveSession(ctx, row, 1); err != nil || ok != want {
				t.Fatalf("save %d: %v, %v", i, ok, err)
			}
		}
		tokens.Version, tokens.Sealed = 2, []byte("fresh")
		l := lease(t, s, "a", "me")
		for i, want := range []bool{true, false} {
			if ok, err := s.SwapTokens(ctx, l, tokens, 1); err != nil || ok != want {
				t.Fatalf("swap %d: %v, %v", i, ok, err)
			}
		}
		got, _, err := s.Session(ctx, "a")
		if err != nil || !reflect.DeepEqual(got, row) {
			t.Fatalf("got %+v, %v; want %+v", got, err, row)
		}
		stored, _, err := s.Tokens(ctx, auth.Grant{IDHash: "a"})
		if err != nil || !reflect.DeepEqual(stored, tokens) {
			t.Fatalf("tokens: got %+v, %v", stored, err)
		}
		// Neither brings back what is gone.
		if err := s.DeleteSession(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		if ok, err := s.SaveSession(ctx, row, 2); err != nil || ok {
			t.Fatalf("save of a deleted session: %v, %v", ok, err)
		}
		if ok, err := s.SwapTokens(ctx, l, tokens, 2); err != nil || ok {
			t.Fatalf("swap of a deleted session: %v, %v", ok, err)
		}
		if exists(t, s, "a") {
			t.Fatal("a deleted session came back")
		}
	})
}

func TestSwapHasOneWinner(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		create(t, s, "a", "acc/ada", "")
		l := lease(t, s, "a", "me")
		var won atomic.Int64
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				ok, err := s.SwapTokens(t.Context(), l, auth.TokensRow{Version: 2, KeyID: "k1", Sealed: fmt.Append(nil, i)}, 1)
				if err != nil {
					t.Error(err)
				}
				if ok {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d winners", won.Load())
		}
	})
}

// A lease has one holder. Who was replaced can write nothing, end nothing and
// take nothing away.
func TestLeases(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		take := func(holder string) (auth.Lease, bool) {
			t.Helper()
			l, ok, err := s.TakeLease(ctx, auth.Grant{IDHash: "a"}, holder, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return l, ok
		}
		if _, ok := take("me"); ok {
			t.Fatal("the lease of a session that is not there")
		}
		create(t, s, "a", "acc/ada", "")
		first := lease(t, s, "a", "me")
		if first != (auth.Lease{Grant: auth.Grant{IDHash: "a"}, Holder: "me", Fence: 1}) {
			t.Fatalf("%+v", first)
		}
		if _, ok := take("you"); ok {
			t.Fatal("two holders")
		}
		if ok, err := s.RenewLease(ctx, first, 0); err != nil || !ok {
			t.Fatal(ok, err)
		}
		yours := lease(t, s, "a", "you") // it lapsed
		if yours.Fence != 2 {
			t.Fatalf("fence %d", yours.Fence)
		}
		// Who was replaced.
		if ok, err := s.RenewLease(ctx, first, time.Minute); err != nil || ok {
			t.Errorf("renewed: %v", err)
		}
		if ok, err := s.SwapTokens(ctx, first, auth.TokensRow{Version: 2, KeyID: "k", Sealed: []byte("late")}, 1); err != nil || ok {
			t.Errorf("wrote: %v", err)
		}
		if ok, err := s.EndGrant(ctx, first, 1); err != nil || ok {
			t.Errorf("ended the session: %v", err)
		}
		if err := s.DropLease(ctx, first); err != nil {
			t.Error(err)
		}
		if _, ok := take("me"); ok {
			t.Error("took it back, or dropped another's")
		}
		// Who has it.
		if again := lease(t, s, "a", "you"); again.Fence != 3 {
			t.Errorf("taken again by its holder: fence %d", again.Fence)
		} else if ok, err := s.SwapTokens(ctx, again, auth.TokensRow{Version: 2, KeyID: "k", Sealed: []byte("fresh")}, 1); err != nil || !ok {
			t.Errorf("not written: %v", err)
		} else if err := s.DropLease(ctx, again); err != nil {
			t.Error(err)
		}
		if l := lease(t, s, "a", "me"); l.Fence != 1 {
			t.Errorf("after it was dropped: fence %d", l.Fence)
		}
		// It goes with the session.
		if err := s.DeleteSession(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		create(t, s, "a", "acc/ada", "")
		if l := lease(t, s, "a", "you"); l.Fence != 1 {
			t.Errorf("a lease outlived its session: fence %d", l.Fence)
		}
	})
}

func TestLeaseHasOneWinner(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		create(t, s, "a", "acc/ada", "")
		for round := range int64(5) {
			var won atomic.Int64
			var last atomic.Pointer[auth.Lease]
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					l, ok, err := s.TakeLease(t.Context(), auth.Grant{IDHash: "a"}, fmt.Sprint(i), time.Minute)
					if err != nil {
						t.Error(err)
					}
					if ok {
						won.Add(1)
						last.Store(&l)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 || last.Load().Fence != round+1 {
				t.Fatalf("%d winners, %+v", won.Load(), last.Load())
			}
			if _, err := s.RenewLease(t.Context(), *last.Load(), 0); err != nil { // lapses
				t.Fatal(err)
			}
		}
	})
}

func TestLeasesThatLapsedLongAgoAreSwept(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		row, tokens := sessionRow("a", "acc/ada")
		row.IdleDeadline, row.AbsoluteDeadline = time.Now().AddDate(1, 0, 0), time.Now().AddDate(1, 0, 0)
		if err := s.CreateSession(ctx, row, tokens, "", 9); err != nil {
			t.Fatal(err)
		}
		if _, err := s.RenewLease(ctx, lease(t, s, "a", "dead"), 0); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			later time.Duration
			want  int64
		}{{30 * time.Minute, 0}, {2 * time.Hour, 1}} {
			if n, err := s.Sweep(ctx, time.Now().Add(step.later)); err != nil || n != step.want {
				t.Errorf("%s later %d leases are swept: %v", step.later, n, err)
			}
		}
		if !exists(t, s, "a") {
			t.Error("the session went with its lease")
		}
	})
}

func TestTouchGoesForward(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		create(t, s, "a", "acc/ada", "")
		for _, minutes := range []time.Duration{5, 3} {
			if err := s.TouchSession(ctx, "a", noon.Add(minutes*time.Minute), noon.Add(time.Hour+minutes*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		row, _, err := s.Session(ctx, "a")
		if err != nil || !row.LastSeen.Equal(noon.Add(5*time.Minute)) || !row.IdleDeadline.Equal(noon.Add(65*time.Minute)) || row.Version != 1 {
			t.Fatalf("%+v, %v", row, err)
		}
	})
}

func TestWritesAreCountedInAllSessionsOfAUser(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		create(t, s, "a", "acc/ada", "")
		create(t, s, "b", "acc/ada", "")
		create(t, s, "c", "acc/ben", "")
		var wg sync.WaitGroup
		var mu sync.Mutex
		seen := map[int64]bool{}
		for i := range 40 {
			wg.Go(func() {
				n, err := s.CountWrite(ctx, "acc/ada", []string{"a", "b"}[i%2])
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if seen[n] {
					t.Errorf("two changes were given the number %d", n)
				}
				seen[n] = true
			})
		}
		wg.Wait()
		for id, want := range map[string]int64{"a": 47, "b": 47, "c": 7} {
			if row, _, err := s.Session(ctx, id); err != nil || row.Writes != want {
				t.Errorf("%s counts %d, want %d; %v", id, row.Writes, want, err)
			}
		}
		if n, err := s.CountWrite(ctx, "acc/nobody", "gone"); err != nil || n != 0 {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func TestEndingSessions(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		create(t, s, "a", "acc/ada", "")
		create(t, s, "b", "acc/ada", "")
		create(t, s, "c", "acc/ben", "")
		if ok, err := s.EndGrant(ctx, lease(t, s, "a", "me"), 7); err != nil || ok || !exists(t, s, "a") {
			t.Fatalf("ended a session whose tokens had moved: %v, %v", ok, err)
		}
		if ok, err := s.EndGrant(ctx, lease(t, s, "a", "me"), 1); err != nil || !ok || exists(t, s, "a") {
			t.Fatalf("not ended: %v, %v", ok, err)
		}
		create(t, s, "a", "acc/ada", "")
		if err := s.DeleteUserSessions(ctx, "acc/ada"); err != nil {
			t.Fatal(err)
		}
		if exists(t, s, "a") || exists(t, s, "b") || !exists(t, s, "c") {
			t.Fatal("not exactly ada's sessions went")
		}
		if err := s.DeleteSession(ctx, "unknown"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestListOfAUsersSessions(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		for i, id := range []string{"a", "b", "c"} {
			row, tokens := sessionRow(id, "acc/ada")
			row.LastSeen = noon.Add(time.Duration(i) * time.Minute)
			if err := s.CreateSession(ctx, row, tokens, "", 9); err != nil {
				t.Fatal(err)
			}
		}
		create(t, s, "other", "acc/ben", "")
		ids := func() (ids []string) {
			t.Helper()
			list, err := s.UserSessions(ctx, "acc/ada")
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range list {
				want, _ := sessionRow(row.IDHash, "acc/ada")
				want.Sealed, want.LastSeen = nil, row.LastSeen
				if !reflect.DeepEqual(row, want) {
					t.Errorf("got %+v, want %+v", row, want)
				}
				ids = append(ids, row.IDHash)
			}
			return ids
		}
		if got := ids(); !slices.Equal(got, []string{"c", "b", "a"}) {
			t.Fatalf("%v", got)
		}
		for _, step := range []struct {
			user, id string
			want     bool
		}{{"acc/ben", "b", false}, {"acc/ada", "gone", false}, {"acc/ada", "b", true}, {"acc/ada", "b", false}} {
			if ok, err := s.DeleteUserSession(ctx, step.user, step.id); err != nil || ok != step.want {
				t.Errorf("%+v: %v, %v", step, ok, err)
			}
		}
		if got := ids(); !slices.Equal(got, []string{"c", "a"}) || !exists(t, s, "other") {
			t.Fatalf("%v", got)
		}
	})
}

func TestAUserHasSoManySessions(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		create(t, s, "other", "acc/ben", "")
		for i, id := range []string{"unseen", "b", "c", "d"} {
			row, tokens := sessionRow(id, "acc/ada")
			row.LastSeen = noon.Add(time.Duration(i) * time.Minute)
			if err := s.CreateSession(ctx, row, tokens, "", 3); err != nil {
				t.Fatal(err)
			}
		}
		if !exists(t, s, "unseen") {
			t.Fatal("one of three that may be kept went")
		}
		row, tokens := sessionRow("e", "acc/ada") // by a clock that is behind
		row.LastSeen = noon.Add(-time.Hour)
		if err := s.CreateSession(ctx, row, tokens, "d", 3); err != nil {
			t.Fatal(err)
		}
		if !exists(t, s, "unseen") || exists(t, s, "d") {
			t.Fatal("the session that was replaced counts")
		}
		row.IDHash = "f"
		if err := s.CreateSession(ctx, row, tokens, "", 3); err != nil {
			t.Fatal(err)
		}
		if exists(t, s, "e") || !exists(t, s, "unseen") || !exists(t, s, "f") || !exists(t, s, "other") {
			t.Fatal("not the one longest unseen went")
		}
	})
}

func TestFlowsWorkOnce(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		add := func(state string) auth.FlowRow {
			t.Helper()
			f := auth.FlowRow{StateHash: state, BrowserHash: "browser", KeyID: "k1", Sealed: []byte{0, 9}, Expires: noon.Add(10 * time.Minute)}
			if err := s.AddFlow(ctx, f); err != nil {
				t.Fatal(err)
			}
			return f
		}
		want := add("s1")
		if _, ok, err := s.TakeFlow(ctx, "s1", "other browser", noon); err != nil || ok {
			t.Fatalf("another browser took it: %v, %v", ok, err)
		}
		if got, ok, err := s.TakeFlow(ctx, "s1", "browser", noon); err != nil || !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, %v", got, ok, err)
		}
		if _, ok, err := s.TakeFlow(ctx, "s1", "browser", noon); err != nil || ok {
			t.Fatalf("taken twice: %v, %v", ok, err)
		}
		add("s2")
		if _, ok, err := s.TakeFlow(ctx, "s2", "browser", noon.Add(10*time.Minute)); err != nil || ok {
			t.Fatalf("taken after its end: %v, %v", ok, err)
		}
		add("s3")
		if err := s.DropFlows(ctx, []string{"nobody", "browser"}); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := s.TakeFlow(ctx, "s3", "browser", noon); err != nil || ok {
			t.Fatalf("taken after it was dropped: %v, %v", ok, err)
		}

		add("s4")
		var took atomic.Int64
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, ok, err := s.TakeFlow(t.Context(), "s4", "browser", noon)
				if err != nil {
					t.Error(err)
				}
				if ok {
					took.Add(1)
				}
			})
		}
		wg.Wait()
		if took.Load() != 1 {
			t.Fatalf("%d took it", took.Load())
		}
	})
}

func TestMeta(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		if _, ok, err := s.Meta(ctx, "x"); err != nil || ok {
			t.Fatalf("%v, %v", ok, err)
		}
		for _, value := range []string{"1", "two\x00\xff"} {
			if err := s.PutMeta(ctx, "x", []byte(value)); err != nil {
				t.Fatal(err)
			}
			if got, ok, err := s.Meta(ctx, "x"); err != nil || !ok || string(got) != value {
				t.Fatalf("%q, %v, %v", got, ok, err)
			}
		}
		got := make([][]byte, 20)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				var err error
				if got[i], err = s.PutMetaOnce(t.Context(), "once", fmt.Append(nil, "from ", i)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, g := range got {
			if !bytes.Equal(g, got[0]) || len(g) == 0 {
				t.Fatalf("not all got the same: %q", got)
			}
		}
	})
}

func TestModeIsKept(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		for range 2 {
			if err := s.Mode(t.Context(), "sandbox"); err != nil {
				t.Fatal(err)
			}
		}
		err := s.Mode(t.Context(), "real")
		if err == nil || !strings.Contains(err.Error(), "sandbox mode") || !strings.Contains(err.Error(), "DATABASE_URL") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestSweep(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		create(t, s, "idle", "acc/ada", "")
		old, tokens := sessionRow("old", "acc/ada")
		old.IdleDeadline, old.AbsoluteDeadline = noon.Add(9*time.Hour), noon.Add(time.Hour)
		live, _ := sessionRow("live", "acc/ada")
		live.IdleDeadline = noon.Add(2 * time.Hour)
		for _, row := range []auth.SessionRow{old, live} {
			if err := s.CreateSession(ctx, row, tokens, "", 9); err != nil {
				t.Fatal(err)
			}
		}
		for state, expires := range map[string]time.Time{"gone": noon, "open": noon.Add(2 * time.Hour)} {
			if err := s.AddFlow(ctx, auth.FlowRow{StateHash: state, BrowserHash: "b", KeyID: "k", Sealed: []byte("x"), Expires: expires}); err != nil {
				t.Fatal(err)
			}
		}
		for id, expires := range map[string]time.Time{"gone": noon, "kept": noon.Add(2 * time.Hour)} {
			if err := s.AddDraft(ctx, auth.DraftRow{IDHash: id, KeyID: "k", Sealed: []byte("x"), Expires: expires}, 9); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.Sweep(ctx, noon.Add(time.Hour)); err != nil || n != 4 {
			t.Fatalf("swept %d, %v", n, err)
		}
		if exists(t, s, "idle") || exists(t, s, "old") || !exists(t, s, "live") {
			t.Fatal("the wrong ones were swept")
		}
		if _, ok, err := s.TakeFlow(ctx, "open", "b", noon); err != nil || !ok {
			t.Fatalf("an open flow was swept: %v", err)
		}
		if _, ok, err := s.Draft(ctx, "kept"); err != nil || !ok {
			t.Fatalf("a draft was swept too early: %v", err)
		}
	})
}

func TestDrafts(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		d := auth.DraftRow{IDHash: "d", KeyID: "k", Sealed: []byte("sealed \x00"), Expires: noon}
		for n := range 5 { // of more than two the oldest go
			old := auth.DraftRow{IDHash: fmt.Sprint("old", n), KeyID: "k", Sealed: []byte("x"), Expires: noon.Add(time.Duration(n-9) * time.Second)}
			if err := s.AddDraft(ctx, old, 9); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.AddDraft(ctx, d, 2); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]bool{"old0": false, "old3": false, "old4": true} {
			if _, ok, err := s.Draft(ctx, id); err != nil || ok != want {
				t.Fatalf("over the limit: %s is there: %v, %v", id, ok, err)
			}
		}
		if got, ok, err := s.Draft(ctx, "d"); err != nil || !ok || !reflect.DeepEqual(got, d) {
			t.Fatalf("%+v, %v, %v", got, ok, err)
		}
		for range 2 {
			if err := s.DropDraft(ctx, "d"); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok, err := s.Draft(ctx, "d"); err != nil || ok {
			t.Fatalf("%v, %v", ok, err)
		}
	})
}

func TestCreatesBeginOnce(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		now := noon
		begin := func() (meetings.Intent, bool) {
			i, begun, err := s.BeginCreate(ctx, meetings.Intent{Key: "k", Begun: now, State: meetings.IntentAsked}, now.Add(-time.Minute))
			if err != nil {
				t.Error(err)
			}
			return i, begun
		}
		oneBegins := func(after, as string) {
			t.Helper()
			var wg sync.WaitGroup
			var won atomic.Int32
			for range 8 {
				wg.Go(func() {
					i, begun := begin()
					if begun {
						won.Add(1)
					}
					if i.State != as {
						t.Errorf("after %s: as %s", after, i.State)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Fatalf("after %s: %d began", after, won.Load())
			}
		}
		oneBegins("nothing", meetings.IntentAsked)
		for range 2 { // of one that nobody ended, too
			now = now.Add(time.Minute)
			oneBegins("its asker's death", meetings.IntentLook)
		}
		for state, as := range map[string]string{
			meetings.IntentFailed: meetings.IntentAsked, meetings.IntentUnsure: meetings.IntentAgain, meetings.IntentLost: meetings.IntentLook,
		} {
			if err := s.EndCreate(ctx, "k", state, ""); err != nil {
				t.Fatal(err)
			}
			oneBegins(state, as)
		}
		for _, state := range []string{meetings.IntentMade, meetings.IntentUnsure} { // which comes too late
			if err := s.EndCreate(ctx, "k", state, "123"); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Hour)
			if kept, begun := begin(); begun || kept.State != meetings.IntentMade || kept.MeetingID != "123" {
				t.Fatalf("after %s: %v, %+v", state, begun, kept)
			}
		}
		if n, err := s.Sweep(ctx, noon.Add(31*24*time.Hour)); err != nil || n != 1 {
			t.Fatalf("swept %d, %v", n, err)
		}
	})
}

func TestRememberedMeetings(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		if _, ok, err := s.Recall(ctx, "acc", "1"); err != nil || ok {
			t.Fatalf("%v, %v", ok, err)
		}
		r := meetings.Remembered{MeetingID: "1", Audio: "custom", AudioText: "Dial 1", JoinURL: "https://meet.example.test/1"}
		for _, text := range []string{"Dial 1", "Dial 2 ☎"} {
			r.AudioText = text
			if err := s.Remember(ctx, "acc", r); err != nil {
				t.Fatal(err)
			}
			if got, ok, err := s.Recall(ctx, "acc", "1"); err != nil || !ok || got != r {
				t.Fatalf("%+v, %v, %v", got, ok, err)
			}
		}
		r.JoinURL = "" // not said again
		if err := s.Remember(ctx, "acc", r); err != nil {
			t.Fatal(err)
		}
		if got, _, err := s.Recall(ctx, "acc", "1"); err != nil || got.JoinURL != "https://meet.example.test/1" {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, ok, err := s.Recall(ctx, "other", "1"); err != nil || ok {
			t.Fatalf("another account reads it: %v", err)
		}
		if err := s.Forget(ctx, "other", "1"); err != nil {
			t.Fatal(err)
		}
		if _, ok, _ := s.Recall(ctx, "acc", "1"); !ok {
			t.Fatal("another account made us forget")
		}
		for range 2 {
			if err := s.Forget(ctx, "acc", "1"); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok, _ := s.Recall(ctx, "acc", "1"); ok {
			t.Fatal("not forgotten")
		}
		// PostgreSQL alone would refuse these.
		hostile := meetings.Remembered{MeetingID: "2", Audio: "custom", AudioText: "nul \x00 and broken \xff"}
		if err := s.Remember(ctx, "acc", hostile); err != nil {
			t.Fatal(err)
		}
		if got, _, _ := s.Recall(ctx, "acc", "2"); got.AudioText != "nul \uFFFD and broken \uFFFD" {
			t.Fatalf("%q", got.AudioText)
		}
	})
}

func TestAddressBook(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		steps := []struct {
			name  string
			learn []meetings.Known
			want  []meetings.Known
		}{
			{"learned", []meetings.Known{{Key: "2", Name: "ben"}, {Key: "1", Name: "Zoë", Email: "zoe@example.test"}},
				[]meetings.Known{{Key: "2", Name: "ben"}, {Key: "1", Name: "Zoë", Email: "zoe@example.test"}}},
			{"nothing said leaves what was known", []meetings.Known{{Key: "1"}},
				[]meetings.Known{{Key: "2", Name: "ben"}, {Key: "1", Name: "Zoë", Email: "zoe@example.test"}}},
			{"a new name", []meetings.Known{{Key: "1", Name: "Ada"}},
				[]meetings.Known{{Key: "1", Name: "Ada", Email: "zoe@example.test"}, {Key: "2", Name: "ben"}}},
			{"a given name does not win over one that GoTo told", []meetings.Known{{Key: "2", Name: "Mallory", Given: true}},
				[]meetings.Known{{Key: "1", Name: "Ada", Email: "zoe@example.test"}, {Key: "2", Name: "ben"}}},
			{"given, while GoTo names nobody", []meetings.Known{{Key: "3", Email: "c@example.test"}, {Key: "3", Name: "Carla", Given: true}},
				[]meetings.Known{{Key: "1", Name: "Ada", Email: "zoe@example.test"}, {Key: "2", Name: "ben"}, {Key: "3", Name: "Carla", Email: "c@example.test", Given: true}}},
			{"given again", []meetings.Known{{Key: "3", Name: "Cleo?", Given: true}},
				[]meetings.Known{{Key: "1", Name: "Ada", Email: "zoe@example.test"}, {Key: "2", Name: "ben"}, {Key: "3", Name: "Cleo?", Email: "c@example.test", Given: true}}},
			{"an address alone leaves a given name", []meetings.Known{{Key: "3", Email: "cleo@example.test"}},
				[]meetings.Known{{Key: "1", Name: "Ada", Email: "zoe@example.test"}, {Key: "2", Name: "ben"}, {Key: "3", Name: "Cleo?", Email: "cleo@example.test", Given: true}}},
			{"told at last", []meetings.Known{{Key: "3", Name: "Cleo"}},
				[]meetings.Known{{Key: "1", Name: "Ada", Email: "zoe@example.test"}, {Key: "2", Name: "ben"}, {Key: "3", Name: "Cleo", Email: "cleo@example.test"}}},
			{"the same key twice in one list, and no key", []meetings.Known{{Key: "4", Name: "First"}, {Key: "4", Name: "Second"}, {Name: "Nobody"}},
				[]meetings.Known{{Key: "1", Name: "Ada", Email: "zoe@example.test"}, {Key: "2", Name: "ben"}, {Key: "3", Name: "Cleo", Email: "cleo@example.test"}, {Key: "4", Name: "Second"}}},
		}
		for _, step := range steps {
			if err := s.Learn(ctx, "acc", step.learn); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			if got, err := s.Known(ctx, "acc"); err != nil || !reflect.DeepEqual(got, step.want) {
				t.Fatalf("%s: got %+v, %v", step.name, got, err)
			}
		}
		if got, err := s.Known(ctx, "other"); err != nil || len(got) != 0 {
			t.Fatalf("another account reads it: %+v, %v", got, err)
		}
	})
}

// The statement itself holds against a name that was told between reading and
// writing: here eight give one while GoTo tells it.
func TestToldNameWinsARace(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() {
				p := meetings.Known{Key: "1", Name: "Ada"}
				if i > 0 {
					p = meetings.Known{Key: "1", Name: fmt.Sprint("Mallory ", i), Given: true}
				}
				if err := s.Learn(ctx, "acc", []meetings.Known{p}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got, err := s.Known(ctx, "acc"); err != nil || len(got) != 1 || got[0].Name != "Ada" || got[0].Given {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestEverybodyMeetsTheirOwn(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		if err := s.Learn(ctx, "acc", []meetings.Known{{Key: "1", Name: "Zoë", Email: "zoe@example.test"}, {Key: "2", Name: "ben"}, {Key: "9", Name: "Stranger"}}); err != nil {
			t.Fatal(err)
		}
		for _, keys := range [][]string{{"1", "", "2"}, {"2", "3", "3"}, nil} {
			if err := s.Meet(ctx, "acc", "ben", keys); err != nil {
				t.Fatal(err)
			}
		}
		want := []meetings.Known{{Key: "3"}, {Key: "2", Name: "ben"}, {Key: "1", Name: "Zoë", Email: "zoe@example.test"}}
		if got, err := s.Met(ctx, "acc", "ben"); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v", got, err)
		}
		for _, other := range [][2]string{{"acc", "cleo"}, {"other", "ben"}} {
			if got, err := s.Met(ctx, other[0], other[1]); err != nil || len(got) != 0 {
				t.Fatalf("%s reads it: %+v, %v", other, got, err)
			}
		}
	})
}

func TestRestartKeepsEverything(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		create(t, s, "a", "acc/ada", "")
		again := open(t, databaseURL) // migrates again, which changes nothing
		if !exists(t, again, "a") {
			t.Fatal("the session is gone")
		}
	})
}

func TestSeveralStartAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s, err := store.Open(t.Context(), databaseURL)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// A store that cannot be asked says so: it never says that a row is missing.
func TestFailureIsAnError(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		create(t, s, "a", "acc/ada", "")
		row, tokens := sessionRow("a", "acc/ada")
		ctx := gone()
		calls := map[string]func() error{
			"Ping":               func() error { return s.Ping(ctx) },
			"CreateSession":      func() error { return s.CreateSession(ctx, row, tokens, "", 9) },
			"Session":            func() error { _, _, err := s.Session(ctx, "a"); return err },
			"SaveSession":        func() error { _, err := s.SaveSession(ctx, row, 1); return err },
			"TouchSession":       func() error { return s.TouchSession(ctx, "a", noon, noon) },
			"CountWrite":         func() error { _, err := s.CountWrite(ctx, "acc/ada", "a"); return err },
			"Tokens":             func() error { _, _, err := s.Tokens(ctx, auth.Grant{IDHash: "a"}); return err },
			"SwapTokens":         func() error { _, err := s.SwapTokens(ctx, auth.Lease{}, tokens, 1); return err },
			"TakeLease":          func() error { _, _, err := s.TakeLease(ctx, auth.Grant{IDHash: "a"}, "me", time.Minute); return err },
			"RenewLease":         func() error { _, err := s.RenewLease(ctx, auth.Lease{}, time.Minute); return err },
			"DropLease":          func() error { return s.DropLease(ctx, auth.Lease{}) },
			"EndGrant":           func() error { _, err := s.EndGrant(ctx, auth.Lease{}, 1); return err },
			"DeleteSession":      func() error { return s.DeleteSession(ctx, "a") },
			"UserSessions":       func() error { _, err := s.UserSessions(ctx, "acc/ada"); return err },
			"DeleteUserSession":  func() error { _, err := s.DeleteUserSession(ctx, "acc/ada", "a"); return err },
			"DeleteUserSessions": func() error { return s.DeleteUserSessions(ctx, "acc/ada") },
			"DeleteUser":         func() error { _, _, err := s.DeleteUser(ctx, "acc/ada"); return err },
			"AddFeed":            func() error { _, err := s.AddFeed(ctx, feedRow("f", "acc/ada"), "a"); return err },
			"Feed":               func() error { _, _, err := s.Feed(ctx, "f"); return err },
			"FeedOf":             func() error { _, _, err := s.FeedOf(ctx, "acc/ada"); return err },
			"Feeds":              func() error { _, err := s.Feeds(ctx); return err },
			"SaveFeed":           func() error { _, err := s.SaveFeed(ctx, feedRow("f", "acc/ada"), 1); return err },
			"TouchFeed":          func() error { return s.TouchFeed(ctx, "f", noon) },
			"DeleteFeed":         func() error { _, _, err := s.DeleteFeed(ctx, "acc/ada"); return err },
			"Revise":             func() error { _, err := s.Revise(ctx, "acc", []meetings.Revision{{MeetingID: "1"}}); return err },
			"AddFlow":            func() error { return s.AddFlow(ctx, auth.FlowRow{}) },
			"TakeFlow":           func() error { _, _, err := s.TakeFlow(ctx, "s", "b", noon); return err },
			"DropFlows":          func() error { return s.DropFlows(ctx, []string{"b"}) },
			"AddDraft":           func() error { return s.AddDraft(ctx, auth.DraftRow{}, 9) },
			"Draft":              func() error { _, _, err := s.Draft(ctx, "d"); return err },
			"DropDraft":          func() error { return s.DropDraft(ctx, "d") },
			"BeginCreate":        func() error { _, _, err := s.BeginCreate(ctx, meetings.Intent{}, noon); return err },
			"EndCreate":          func() error { return s.EndCreate(ctx, "k", "made", "1") },
			"AddPending":         func() error { _, _, err := s.AddPending(ctx, meetings.PendingRow{}); return err },
			"SwapPending":        func() error { _, err := s.SwapPending(ctx, meetings.PendingRow{}); return err },
			"Pending":            func() error { _, _, err := s.Pending(ctx, "p"); return err },
			"PendingOf":          func() error { _, err := s.PendingOf(ctx, "acc/ada"); return err },
			"PendingToSend":      func() error { _, err := s.PendingToSend(ctx); return err },
			"EveryPending":       func() error { _, err := s.EveryPending(ctx); return err },
			"Meta":               func() error { _, _, err := s.Meta(ctx, "x"); return err },
			"PutMeta":            func() error { return s.PutMeta(ctx, "x", []byte("1")) },
			"PutMetaOnce":        func() error { _, err := s.PutMetaOnce(ctx, "x", []byte("1")); return err },
			"Mode":               func() error { return s.Mode(ctx, "real") },
			"Beat":               func() error { _, err := s.Beat(ctx, "r", noon, noon); return err },
			"Leave":              func() error { return s.Leave(ctx, "r") },
			"Sweep":              func() error { _, err := s.Sweep(ctx, noon); return err },
			"Remember":           func() error { return s.Remember(ctx, "acc", meetings.Remembered{MeetingID: "1"}) },
			"Recall":             func() error { _, _, err := s.Recall(ctx, "acc", "1"); return err },
			"Forget":             func() error { return s.Forget(ctx, "acc", "1") },
			"Learn":              func() error { return s.Learn(ctx, "acc", []meetings.Known{{Key: "1", Name: "x"}}) },
			"AddDeed":            func() error { return s.AddDeed(ctx, meetings.Deed{AccountKey: "acc"}) },
			"Deeds":              func() error { _, _, err := s.Deeds(ctx, "acc", meetings.DeedQuery{}); return err },
			"AddAlias":           func() error { _, err := s.AddAlias(ctx, "account acc", meetings.Alias{Seq: 1}); return err },
			"DropAlias":          func() error { _, err := s.DropAlias(ctx, "account acc", "x"); return err },
			"Aliases":            func() error { _, err := s.Aliases(ctx, "account acc"); return err },
			"Known":              func() error { _, err := s.Known(ctx, "acc"); return err },
			"Meet":               func() error { return s.Meet(ctx, "acc", "ada", []string{"1"}) },
			"Met":                func() error { _, err := s.Met(ctx, "acc", "ada"); return err },
		}
		for name, call := range calls {
			if err := call(); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		if !exists(t, s, "a") {
			t.Error("a call that failed deleted the session")
		}
	})
}
