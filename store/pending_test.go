package store_test

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portal/meetings"
	"portal/store"
)

func pendingRow(id, owner, meeting string) meetings.PendingRow {
	return meetings.PendingRow{
		ID: id, Owner: owner, AccountKey: "acc", MeetingID: meeting, Created: noon, Version: 1, State: meetings.PendingHeld, Place: "here",
		Due: noon.Add(15 * time.Second), Lapses: noon.Add(time.Hour), KeyID: "k1", Details: []byte{0, 1, 0xff}, Token: []byte("token of " + id),
	}
}

func addPending(t *testing.T, s *store.Store, p meetings.PendingRow) {
	t.Helper()
	if _, added, err := s.AddPending(t.Context(), p); err != nil || !added {
		t.Fatalf("added %v, %v", added, err)
	}
}

func ids(rows []meetings.PendingRow) []string {
	list := []string{}
	for _, r := range rows {
		list = append(list, r.ID)
	}
	slices.Sort(list)
	return list
}

func TestPendingRows(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		want := pendingRow("a", "acc/ada", "1")
		addPending(t, s, want)
		if got, ok, err := s.Pending(ctx, "a"); err != nil || !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, %v; want %+v", got, ok, err, want)
		}
		if _, ok, err := s.Pending(ctx, "b"); err != nil || ok {
			t.Fatalf("an unknown one: %v, %v", ok, err)
		}
		// One is written where nobody was faster, and whole.
		change := want
		change.State, change.Place, change.Due, change.Lapses = meetings.PendingSending, "there", noon.Add(time.Minute), noon.Add(2*time.Hour)
		change.Tried, change.Told, change.KeyID, change.Details, change.Token = true, true, "k2", []byte("new"), nil
		for i, want := range []bool{true, false} {
			if ok, err := s.SwapPending(ctx, change); err != nil || ok != want {
				t.Fatalf("swap %d: %v, %v", i, ok, err)
			}
		}
		change.Version = 2
		got, _, err := s.Pending(ctx, "a")
		if err != nil || len(got.Token) > 0 {
			t.Fatalf("the token is %q, %v", got.Token, err)
		}
		if got.Token = nil; !reflect.DeepEqual(got, change) {
			t.Fatalf("got %+v; want %+v", got, change)
		}
	})
}

func TestPendingIsOneForEachMeetingOfItsOwner(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		var added atomic.Int64
		var wg sync.WaitGroup
		standing := make([]string, 20)
		for i := range standing {
			wg.Go(func() {
				p, ok, err := s.AddPending(ctx, pendingRow(fmt.Sprint("p", i), "acc/ada", "1"))
				if err != nil {
					t.Error(err)
				}
				if ok {
					added.Add(1)
				}
				standing[i] = p.ID
			})
		}
		wg.Wait()
		if added.Load() != 1 || len(slices.Compact(standing)) != 1 {
			t.Fatalf("%d were added, callers got %v", added.Load(), standing)
		}
		addPending(t, s, pendingRow("other meeting", "acc/ada", "2"))
		addPending(t, s, pendingRow("other user", "acc/ben", "1"))
		// Each open state stands in the way, and none that is over.
		row, _, err := s.Pending(ctx, standing[0])
		if err != nil {
			t.Fatal(err)
		}
		for state, open := range map[string]bool{
			meetings.PendingSending: true, meetings.PendingUnresolved: true, meetings.PendingHeld: true,
			meetings.PendingKept: false, meetings.PendingDeleted: false, meetings.PendingGone: false, meetings.PendingRefused: false,
		} {
			row.State = state
			if ok, err := s.SwapPending(ctx, row); err != nil || !ok {
				t.Fatalf("%s: %v, %v", state, ok, err)
			}
			row.Version++
			p, added, err := s.AddPending(ctx, pendingRow("after "+state, "acc/ada", "1"))
			if err != nil || added == open || open && p.ID != row.ID {
				t.Errorf("%s: added %v, %q, %v", state, added, p.ID, err)
			}
			if added {
				p.State = meetings.PendingKept
				if _, err := s.SwapPending(ctx, p); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestPendingSwapHasOneWinner(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		p := pendingRow("a", "acc/ada", "1")
		addPending(t, s, p)
		var won atomic.Int64
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				claimed := p
				claimed.Place = fmt.Sprint(i)
				if ok, err := s.SwapPending(t.Context(), claimed); err != nil {
					t.Error(err)
				} else if ok {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d won", won.Load())
		}
	})
}

func TestPendingLists(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		for i, state := range []string{
			meetings.PendingHeld, meetings.PendingSending, meetings.PendingUnresolved, meetings.PendingKept, meetings.PendingDeleted,
		} {
			p := pendingRow(state, "acc/ada", fmt.Sprint(i))
			p.State, p.Created = state, noon.Add(time.Duration(i)*24*time.Hour)
			p.Told = state == meetings.PendingKept
			addPending(t, s, p)
		}
		addPending(t, s, pendingRow("ben's", "acc/ben", "1"))
		for name, tt := range map[string]struct {
			list func() ([]meetings.PendingRow, error)
			want []string
		}{
			"of ada": {func() ([]meetings.PendingRow, error) { return s.PendingOf(ctx, "acc/ada") }, []string{"deleted", "held", "sending", "unresolved"}},
			"of dan": {func() ([]meetings.PendingRow, error) { return s.PendingOf(ctx, "acc/dan") }, []string{}},
			"send":   {func() ([]meetings.PendingRow, error) { return s.PendingToSend(ctx) }, []string{"ben's", "held", "sending"}},
			"every":  {func() ([]meetings.PendingRow, error) { return s.EveryPending(ctx) }, []string{"ben's", "deleted", "held", "kept", "sending", "unresolved"}},
		} {
			if got, err := tt.list(); err != nil || !slices.Equal(ids(got), tt.want) {
				t.Errorf("%s: %v, %v", name, ids(got), err)
			}
		}
		if _, err := s.Sweep(ctx, noon.Add(30*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.EveryPending(ctx); err != nil || !slices.Equal(ids(got), []string{"deleted", "kept", "sending", "unresolved"}) {
			t.Errorf("after 30 days: %v, %v", ids(got), err)
		}
	})
}

func TestUnresolvePending(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		for _, state := range []string{
			meetings.PendingHeld, meetings.PendingSending, meetings.PendingUnresolved, meetings.PendingKept,
			meetings.PendingDeleted, meetings.PendingGone, meetings.PendingRefused,
		} {
			row := pendingRow(state, "acc/ada", state)
			row.State = state
			addPending(t, s, row)
		}
		if err := s.UnresolvePending(ctx); err != nil {
			t.Fatal(err)
		}
		rows, err := s.EveryPending(ctx)
		if err != nil || len(rows) != 7 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, row := range rows {
			want := pendingRow(row.ID, "acc/ada", row.ID)
			want.State = row.ID
			if row.ID == meetings.PendingHeld || row.ID == meetings.PendingSending {
				want.State, want.Version, want.Token = meetings.PendingUnresolved, 2, nil
				want.Tried = row.ID == meetings.PendingSending // nobody knows how far that came
			}
			if len(row.Token) == 0 {
				row.Token = nil
			}
			if !reflect.DeepEqual(row, want) {
				t.Errorf("got %+v, want %+v", row, want)
			}
		}
	})
}
