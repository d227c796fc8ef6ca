package store_test

import (
	"fmt"
	"maps"
	"reflect"
	"sync"
	"testing"
	"time"

	"portal/auth"
	"portal/meetings"
	"portal/store"
)

func feedRow(id, user string) auth.FeedRow {
	return auth.FeedRow{
		IDHash: id, UserRef: user, Created: noon, Writes: 3, KeyID: "k1", Sealed: []byte{0, 1, 0xff, 0},
		Tokens: auth.TokensRow{Version: 1, KeyID: "k1", Sealed: []byte("tokens of " + id)},
	}
}

func addFeed(t *testing.T, s *store.Store, row auth.FeedRow, session string) bool {
	t.Helper()
	ok, err := s.AddFeed(t.Context(), row, session)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestFeedRows(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		want := feedRow("f", "acc/ada")
		if addFeed(t, s, want, "a") {
			t.Fatal("a feed without a session")
		}
		create(t, s, "a", "acc/ada", "")
		create(t, s, "b", "acc/ben", "")
		if !addFeed(t, s, want, "a") || addFeed(t, s, feedRow("g", "acc/ada"), "a") {
			t.Fatal("a user has one feed")
		}
		same := func(got auth.FeedRow, found bool, err error) {
			t.Helper()
			if err != nil || !found || !reflect.DeepEqual(got, want) {
				t.Fatalf("got %+v, %v, %v; want %+v", got, found, err, want)
			}
		}
		same(s.Feed(ctx, "f"))
		same(s.FeedOf(ctx, "acc/ada"))
		if _, found, err := s.FeedOf(ctx, "acc/ben"); err != nil || found {
			t.Error(found, err)
		}
		for _, at := range []time.Time{noon.Add(time.Hour), noon} { // never backwards
			if err := s.TouchFeed(ctx, "f", at); err != nil {
				t.Fatal(err)
			}
		}
		want.LastUsed = noon.Add(time.Hour)
		if _, err := s.CountWrite(ctx, "acc/ada", "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CountWrite(ctx, "acc/ben", "b"); err != nil {
			t.Fatal(err)
		}
		want.Writes++
		same(s.Feed(ctx, "f"))
		want.KeyID, want.Sealed, want.Tokens = "k2", []byte("new"), auth.TokensRow{Version: 2, KeyID: "k2", Sealed: []byte("fresh")}
		for i, done := range []bool{true, false} {
			if ok, err := s.SaveFeed(ctx, want, 1); err != nil || ok != done {
				t.Fatalf("save %d: %v, %v", i, ok, err)
			}
		}
		same(s.Feed(ctx, "f"))
		if all, err := s.Feeds(ctx); err != nil || len(all) != 1 {
			t.Errorf("%d feeds, %v", len(all), err)
		}
		// The sessions come and go, the feed stays.
		if err := s.DeleteUserSessions(ctx, "acc/ada"); err != nil {
			t.Fatal(err)
		}
		same(s.Feed(ctx, "f"))
		same(s.DeleteFeed(ctx, "acc/ada"))
		if _, found, err := s.DeleteFeed(ctx, "acc/ada"); err != nil || found {
			t.Error("deleted twice", err)
		}
		// A user goes altogether, and nobody else does.
		create(t, s, "a", "acc/ada", "")
		addFeed(t, s, want, "a")
		addFeed(t, s, feedRow("b's", "acc/ben"), "b")
		same(s.DeleteUser(ctx, "acc/ada"))
		if _, found, err := s.DeleteUser(ctx, "acc/ada"); err != nil || found {
			t.Error("deleted twice", err)
		}
		if _, found, _ := s.Feed(ctx, "b's"); !found || exists(t, s, "a") || !exists(t, s, "b") {
			t.Error("the wrong user is gone")
		}
		// What nobody asks for is forgotten.
		for _, tt := range []struct {
			after time.Duration
			found bool
		}{{89 * 24 * time.Hour, true}, {91 * 24 * time.Hour, false}} {
			if _, err := s.Sweep(ctx, noon.Add(tt.after)); err != nil {
				t.Fatal(err)
			}
			if _, found, err := s.Feed(ctx, "b's"); err != nil || found != tt.found {
				t.Errorf("after %s: %v, %v", tt.after, found, err)
			}
		}
	})
}

// A feed's tokens are written under a lease of its own, as a session's are; what
// has the same id elsewhere is left alone. A grant that ends leaves the feed.
func TestFeedLeases(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		create(t, s, "x", "acc/ada", "")
		addFeed(t, s, feedRow("x", "acc/ada"), "x")
		g := auth.Grant{IDHash: "x", Feed: true}
		l, ok, err := s.TakeLease(ctx, g, "me", time.Minute)
		if err != nil || !ok || l != (auth.Lease{Grant: g, Holder: "me", Fence: 1}) {
			t.Fatal(l, ok, err)
		}
		if _, ok, err := s.TakeLease(ctx, g, "you", time.Minute); err != nil || ok {
			t.Error("two holders", err)
		}
		lease(t, s, "x", "you") // the session's is another
		fresh := auth.TokensRow{Version: 2, KeyID: "k2", Sealed: []byte("fresh")}
		if ok, err := s.SwapTokens(ctx, l, fresh, 1); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if got, ok, err := s.Tokens(ctx, g); err != nil || !ok || !reflect.DeepEqual(got, fresh) {
			t.Errorf("%+v, %v, %v", got, ok, err)
		}
		if got, _, err := s.Tokens(ctx, auth.Grant{IDHash: "x"}); err != nil || got.Version != 1 {
			t.Errorf("the session has %+v, %v", got, err)
		}
		if ok, err := s.RenewLease(ctx, l, time.Minute); err != nil || !ok {
			t.Error(ok, err)
		}
		if ok, err := s.EndGrant(ctx, l, 1); err != nil || ok {
			t.Error("ended by an old version", err)
		}
		if ok, err := s.EndGrant(ctx, l, 2); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if err := s.DropLease(ctx, l); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := s.Tokens(ctx, g); err != nil || ok {
			t.Error("tokens of a grant that is over", err)
		}
		row, found, err := s.Feed(ctx, "x")
		if err != nil || !found || len(row.Tokens.Sealed) != 0 || row.Tokens.Version != 3 || !exists(t, s, "x") {
			t.Errorf("%+v, %v, %v", row, found, err)
		}
		// A lease that nobody dropped goes with the feed, or a while after it lapsed.
		if _, ok, err := s.TakeLease(ctx, g, "dead", 0); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if n, err := s.Sweep(ctx, time.Now().Add(2*time.Hour)); err != nil || n < 1 {
			t.Error(n, err)
		}
		if l, ok, err := s.TakeLease(ctx, g, "me", time.Minute); err != nil || !ok || l.Fence != 1 {
			t.Errorf("%+v, %v, %v", l, ok, err)
		}
	})
}

// Whoever disconnects while a feed is being added is left without both.
func TestNoFeedOutlivesDisconnect(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		for i := range 30 {
			user, session := fmt.Sprint("acc/", i), fmt.Sprint("s", i)
			create(t, s, session, user, "")
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := s.AddFeed(t.Context(), feedRow(fmt.Sprint("f", i), user), session); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if _, _, err := s.DeleteUser(t.Context(), user); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			if _, found, err := s.FeedOf(t.Context(), user); err != nil || found {
				t.Fatalf("round %d: %v, %v", i, found, err)
			}
		}
	})
}

func TestRevisions(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		revise := func(account string, want map[string]int, now ...meetings.Revision) {
			t.Helper()
			got, err := s.Revise(ctx, account, now)
			if err != nil || !maps.Equal(got, want) {
				t.Fatalf("%v, %v; want %v", got, err, want)
			}
		}
		r := func(id, digest string) meetings.Revision {
			return meetings.Revision{MeetingID: id, Digest: digest, Ends: noon}
		}
		revise("acc", map[string]int{})
		revise("acc", map[string]int{"1": 0, "2": 0}, r("1", "a"), r("2", "a"))
		revise("acc", map[string]int{"1": 1, "2": 0}, r("1", "b"), r("2", "a"))
		revise("acc", map[string]int{"1": 2, "2": 0}, r("1", "a"), r("2", "a")) // back is a change too
		revise("other", map[string]int{"1": 0}, r("1", "x"))
		revise("acc", map[string]int{"1": 2}, r("1", "a"))
		// Many at once, which all see the same change, count it once.
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				got, err := s.Revise(t.Context(), "acc", []meetings.Revision{r("2", "b"), r("1", "c")})
				if err != nil || got["1"] != 3 || got["2"] != 1 {
					t.Errorf("%v, %v", got, err)
				}
			})
		}
		wg.Wait()
		var many []meetings.Revision
		for i := range 1300 {
			many = append(many, r(fmt.Sprint("m", i), "a"))
		}
		for range 2 {
			if got, err := s.Revise(ctx, "many", many); err != nil || len(got) != 1300 || got["m1299"] != 0 {
				t.Fatal(len(got), err)
			}
		}
		// Of a meeting that is long over it is forgotten.
		if _, err := s.Sweep(ctx, noon.Add(29*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		revise("acc", map[string]int{"1": 3}, r("1", "c"))
		if _, err := s.Sweep(ctx, noon.Add(31*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		revise("acc", map[string]int{"1": 0}, r("1", "d"))
	})
}
