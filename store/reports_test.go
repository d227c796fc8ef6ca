package store_test

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portal/reports"
	"portal/store"
)

func reportRow(id, owner string, minute int) reports.Row {
	at := noon.Add(time.Duration(minute) * time.Minute)
	return reports.Row{
		ID: id, Owner: owner, State: reports.Running, Place: "here", Created: at, Expires: at.Add(24 * time.Hour), Beat: at,
		Request: []byte(`{"all":true}`), Progress: []byte(`{}`),
	}
}

// ended adds a report and ends it.
func ended(t *testing.T, s *store.Store, r reports.Row) reports.Row {
	t.Helper()
	if _, added, err := s.AddReport(t.Context(), r, noon.Add(-time.Hour), reports.MostKept); err != nil || !added {
		t.Fatalf("%s: %v, %v", r.ID, added, err)
	}
	r.State, r.Why, r.Ended, r.Progress, r.KeyID, r.Result = reports.Partial, "forbidden", r.Created.Add(time.Second), []byte(`{"done":2}`), "k1", []byte("sealed "+r.ID)
	if ok, err := s.EndReport(t.Context(), r); err != nil || !ok {
		t.Fatalf("%s does not end: %v, %v", r.ID, ok, err)
	}
	return r
}

func TestReportRows(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, other, ctx := open(t, databaseURL), open(t, databaseURL), t.Context()
		row := reportRow("a", "acc/ada", 0)
		if _, added, err := s.AddReport(ctx, row, noon.Add(-time.Minute), reports.MostKept); err != nil || !added {
			t.Fatal(added, err)
		}
		// The other replica sees it, sees how far it is, and can cancel it.
		if got, found, err := other.Report(ctx, "a"); err != nil || !found || !reflect.DeepEqual(got, row) {
			t.Fatalf("%+v, %v, %v", got, found, err)
		}
		row.Progress, row.Beat = []byte(`{"done":1}`), noon.Add(1500*time.Millisecond)
		if cancelled, running, err := s.BeatReport(ctx, "a", row.Progress, row.Beat); err != nil || cancelled || !running {
			t.Fatal(cancelled, running, err)
		}
		if got, _, err := other.Report(ctx, "a"); err != nil || !reflect.DeepEqual(got, row) {
			t.Fatalf("%+v, %v", got, err)
		}
		if err := other.CancelReport(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		if cancelled, running, err := s.BeatReport(ctx, "a", row.Progress, row.Beat); err != nil || !cancelled || !running {
			t.Fatal(cancelled, running, err)
		}
		row.Cancelled, row.State, row.Ended, row.KeyID, row.Result = true, reports.Cancelled, noon.Add(2*time.Second), "k1", []byte{0, 1, 255}
		if ok, err := s.EndReport(ctx, row); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if got, _, err := other.Report(ctx, "a"); err != nil || !reflect.DeepEqual(got, row) {
			t.Fatalf("%+v, %v", got, err)
		}
		// It is over: nobody writes it any more.
		late := row
		late.State, late.Result = reports.Done, []byte("late")
		if ok, err := s.EndReport(ctx, late); err != nil || ok {
			t.Error("ended twice", err)
		}
		if _, running, err := s.BeatReport(ctx, "a", []byte("{}"), noon); err != nil || running {
			t.Error("it still runs", err)
		}
		if err := s.CancelReport(ctx, "a"); err != nil {
			t.Error(err)
		}
		// Its list has no result; a new key replaces the old one once.
		list, err := other.ReportsOf(ctx, "acc/ada")
		want := row
		want.Result = nil
		if err != nil || !reflect.DeepEqual(list, []reports.Row{want}) {
			t.Errorf("%+v, %v", list, err)
		}
		row.KeyID, row.Result = "k2", []byte("sealed anew")
		for _, from := range []string{"k0", "k1", "k1"} {
			if err := s.ResealReport(ctx, row, from); err != nil {
				t.Fatal(err)
			}
		}
		if got, _, err := s.Report(ctx, "a"); err != nil || !reflect.DeepEqual(got, row) {
			t.Errorf("%+v, %v", got, err)
		}
		for _, id := range []string{"", "b", "a\x00"} {
			if _, found, err := s.Report(ctx, id); err != nil || found {
				t.Errorf("%q: %v, %v", id, found, err)
			}
		}
		if _, running, err := s.BeatReport(ctx, "b", nil, noon); err != nil || running {
			t.Error(running, err)
		}
	})
}

// A user has one report that runs, until its process is silent, and the newest
// ten.
func TestOneReportRunsAndTenAreKept(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		for i := range 12 {
			ended(t, s, reportRow(fmt.Sprintf("old%02d", i), "acc/ada", i))
		}
		ben := ended(t, s, reportRow("bens", "acc/ben", 0))
		ids := func(owner string) (ids []string) {
			t.Helper()
			list, err := s.ReportsOf(ctx, owner)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list {
				ids = append(ids, r.ID)
			}
			return ids
		}
		if got := ids("acc/ada"); len(got) != reports.MostKept || got[0] != "old11" || got[9] != "old02" {
			t.Errorf("%v", got)
		}
		if got := ids("acc/ben"); !slices.Equal(got, []string{"bens"}) {
			t.Errorf("%v", got)
		}

		// Of many that begin at once, on two replicas, one does.
		replicas := []*store.Store{s, open(t, databaseURL)}
		var began atomic.Int64
		var standing sync.Map
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				row, added, err := replicas[i%2].AddReport(ctx, reportRow(fmt.Sprintf("new%02d", i), "acc/ada", 20), noon, reports.MostKept)
				if err != nil {
					t.Error(err)
				}
				standing.Store(row.ID, true)
				if added {
					began.Add(1)
				}
			})
		}
		wg.Wait()
		different := 0
		standing.Range(func(any, any) bool { different++; return true })
		if began.Load() != 1 || different != 1 {
			t.Errorf("%d began, and %d were answered", began.Load(), different)
		}
		running := ids("acc/ada")[0]

		// Silent, it is interrupted, and the next one begins.
		next := reportRow("next", "acc/ada", 30)
		if row, added, err := s.AddReport(ctx, next, noon.Add(20*time.Minute-time.Millisecond), reports.MostKept); err != nil || added || row.ID != running {
			t.Errorf("%s, %v, %v", row.ID, added, err)
		}
		if _, added, err := s.AddReport(ctx, next, noon.Add(20*time.Minute), reports.MostKept); err != nil || !added {
			t.Errorf("%v, %v", added, err)
		}
		if row, _, err := s.Report(ctx, running); err != nil || row.State != reports.Interrupted || !row.Ended.Equal(row.Beat) {
			t.Errorf("%+v, %v", row, err)
		}
		if every, err := s.EveryReport(ctx); err != nil || len(every) != reports.MostKept+1 {
			t.Errorf("%d rows, %v", len(every), err)
		}

		// Forgotten are one's own, and swept is what has expired.
		if err := s.DropReports(ctx, "acc/ada"); err != nil || len(ids("acc/ada")) != 0 || len(ids("acc/ben")) != 1 {
			t.Errorf("%v, %v, %v", err, ids("acc/ada"), ids("acc/ben"))
		}
		if _, err := s.Sweep(ctx, ben.Expires.Add(-time.Millisecond)); err != nil || len(ids("acc/ben")) != 1 {
			t.Errorf("swept too soon, %v", err)
		}
		if _, err := s.Sweep(ctx, ben.Expires); err != nil || len(ids("acc/ben")) != 0 {
			t.Errorf("not swept, %v", err)
		}
	})
}

// PostgreSQL alone would refuse such text.
func TestReportOfOddText(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		odd := reportRow("odd", "acc\x00/ada\xff", 0)
		odd.Progress = []byte("{\"x\":\"\x00\xff\"}")
		if _, added, err := s.AddReport(ctx, odd, noon, reports.MostKept); err != nil || !added {
			t.Fatal(added, err)
		}
		if _, running, err := s.BeatReport(ctx, "odd", odd.Progress, noon); err != nil || !running {
			t.Error(running, err)
		}
		if list, err := s.ReportsOf(ctx, "acc\x00/ada\xff"); err != nil || len(list) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}
