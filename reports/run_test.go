package reports_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portal/attendance"
	"portal/meetings"
	"portal/reports"
)

// Of each organizer and 31 days it is one call for the sessions, and where there
// were any one for who came; of the account one for its users.
func TestCallsOfAReport(t *testing.T) {
	for name, tt := range map[string]struct {
		caller  meetings.Caller
		request reports.Request
		users   []meetings.User
		want    map[string]int
		steps   int
	}{
		"own, as an admin": {ada, days(90), nil, map[string]int{"history": 3, "attendees": 3}, 6},
		"own, as nobody":   {ben, days(90), nil, map[string]int{"history": 3, "attendees": 1, "meeting": 1}, 7},
		"account":          {ada, all(days(90)), people(9), map[string]int{"users": 1, "history": 27, "attendees": 27}, 54},
		"a week of it":     {ada, all(days(7)), people(9), map[string]int{"users": 1, "history": 9}, 18}, // nobody held anything
		"some":             {ada, reports.Request{From: noon.AddDate(0, 0, -40), To: noon, Organizers: []string{"7", "5", "7"}}, nil, map[string]int{"history": 4, "attendees": 2}, 8},
		"oneself, chosen":  {ada, reports.Request{From: noon.AddDate(0, 0, -40), To: noon, Organizers: []string{"1"}}, nil, map[string]int{"history": 2, "attendees": 1}, 4},
		"who was invited":  {ada, all(days(90)), append(people(2), meetings.User{Person: meetings.Person{Key: "9"}, Status: "INVITED"}, meetings.User{Person: meetings.Person{Key: "8"}, Status: "SUSPENDED"}), map[string]int{"users": 1, "history": 9, "attendees": 9}, 18},
		"nobody":           {ada, all(days(90)), nil, map[string]int{"users": 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &account{users: tt.users}
				s := replica(a, newShelf(), "one")
				id := start(t, s, tt.caller, tt.request)
				synctest.Wait()
				got := map[string]int{}
				for _, call := range a.made() {
					got[strings.SplitN(call, " ", 2)[0]]++
				}
				r := get(t, s, tt.caller, id)
				if fmt.Sprint(got) != fmt.Sprint(tt.want) {
					t.Errorf("%v, want %v", got, tt.want)
				}
				if r.State != reports.Done || r.Progress.Done != tt.steps || r.Progress.Total != tt.steps || r.Result == nil {
					t.Errorf("%s after %d of %d steps, want %d", r.State, r.Progress.Done, r.Progress.Total, tt.steps)
				}
			})
		})
	}
}

// Whoever looks, on whichever replica, sees it move.
func TestProgressMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, a := newShelf(), &account{takes: 700 * time.Millisecond, users: people(9)}
		s, other := replica(a, store, "one"), replica(a, store, "two")
		id := start(t, s, ada, all(days(90)))
		var done []int
		for range 100 {
			r := get(t, other, ada, id)
			if len(done) == 0 || r.Progress.Done != done[len(done)-1] {
				done = append(done, r.Progress.Done)
			}
			if r.State != reports.Running {
				if r.State != reports.Done {
					t.Errorf("it is %s", r.State)
				}
				break
			}
			reading := 0
			for _, o := range r.Progress.Organizers {
				if o.State == reports.ReadBegun {
					reading++
				}
			}
			if reading > 4 {
				t.Errorf("%d organizers at once", reading)
			}
			time.Sleep(500 * time.Millisecond)
		}
		if len(done) < 8 || !slices.IsSorted(done) || done[len(done)-1] != 54 {
			t.Errorf("seen to move as %v", done)
		}
		r := get(t, s, ada, id)
		if calls, took := len(a.made()), r.Ended.Sub(r.Begun); calls != 55 || store.beats > int(took.Seconds()) {
			t.Errorf("%d calls, and the progress was written %d times in %v", calls, store.beats, took)
		}
		t.Logf("55 calls of 0.7 s; steps as another replica saw them: %v", done)
	})
}

// Cancel stops the calls: at once where they are made, within a beat elsewhere.
func TestCancelStopsCalls(t *testing.T) {
	for name, tt := range map[string]struct {
		elsewhere bool
		within    time.Duration
	}{"here": {false, 0}, "on another replica": {true, time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, a := newShelf(), &account{takes: 300 * time.Millisecond, users: people(9)}
				s, other := replica(a, store, "one"), replica(a, store, "two")
				id := start(t, s, ada, all(days(90)))
				time.Sleep(3100 * time.Millisecond)
				if err := map[bool]*reports.Service{false: s, true: other}[tt.elsewhere].Cancel(t.Context(), ada, id); err != nil {
					t.Fatal(err)
				}
				time.Sleep(tt.within)
				synctest.Wait()
				before := len(a.made())
				time.Sleep(time.Minute)
				if after := len(a.made()); after != before || before == 0 || before > 50 {
					t.Errorf("%d calls when it was cancelled, %d a minute later", before, after)
				}
				r := get(t, other, ada, id)
				read := len(r.Progress.Organizers) - len(r.Progress.Missing())
				if r.State != reports.Cancelled || r.Result == nil || len(r.Result.Organizers) != read || read == 0 || read == 9 {
					t.Errorf("%s, with %d organizers read", r.State, read)
				}
				for _, m := range r.Progress.Missing() {
					if m.State != reports.ReadLeft || m.Why != reports.CancelledBy {
						t.Errorf("%+v", m)
					}
				}
			})
		})
	}
}

// Who cannot be read is named with the reason, and costs nobody else anything.
func TestPartialReports(t *testing.T) {
	forbidden, down, slow := &meetings.Fault{Kind: meetings.Forbidden}, &meetings.Fault{Kind: meetings.Unavailable}, &meetings.Fault{Kind: meetings.TimedOut}
	for name, tt := range map[string]struct {
		match   string
		fault   error
		times   int // 0: always
		state   reports.State
		why     reports.Reason
		missing []string
		reason  reports.Reason
		calls   int
	}{
		"one refused":                {"history 3", forbidden, 0, reports.Partial, "", []string{"3"}, "forbidden", 50},
		"attendees refused":          {"attendees 3 2026-09", forbidden, 0, reports.Partial, "", []string{"3"}, "forbidden", 53},
		"one that GoTo cannot give":  {"history 3", down, 0, reports.Partial, "", []string{"3"}, "unavailable", 53},
		"an outage that passes":      {"history 3", down, 3, reports.Done, "", nil, "", 58},
		"slow, then not":             {"attendees", slow, 2, reports.Done, "", nil, "", 57},
		"our own limit, for long":    {"history", &meetings.Fault{Kind: meetings.RateLimited, RetryAfter: 9 * time.Second}, 60, reports.Done, "", nil, "", 115},
		"all refused":                {"history", forbidden, 0, reports.Failed, "forbidden", []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, "forbidden", 10},
		"the users refused":          {"users", forbidden, 0, reports.Failed, "forbidden", nil, "", 1},
		"the users unavailable":      {"users", down, 0, reports.Failed, "unavailable", nil, "", 4},
		"the session ends":           {"attendees 2", errSession, 0, reports.Failed, reports.Disconnected, nil, "", 0},
		"the session was over":       {"users", errSession, 0, reports.Failed, reports.Disconnected, nil, "", 1},
		"something else, for a time": {"history 3", errors.New("no token"), 2, reports.Done, "", nil, "", 57},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left := tt.times
				a := &account{users: people(9), takes: time.Millisecond}
				a.fault = func(call string) error {
					a.mu.Lock()
					defer a.mu.Unlock()
					if !strings.HasPrefix(call, tt.match) || tt.times > 0 && left == 0 {
						return nil
					}
					left--
					return tt.fault
				}
				s := replica(a, newShelf(), "one")
				id := start(t, s, ada, all(days(90)))
				time.Sleep(10 * time.Minute)
				r := get(t, s, ada, id)
				if r.State != tt.state || r.Why != tt.why || (r.Result != nil) != (tt.state == reports.Done || tt.state == reports.Partial) {
					t.Errorf("%s because of %q, want %s because of %q", r.State, r.Why, tt.state, tt.why)
				}
				var missing []string
				for _, m := range r.Progress.Missing() {
					missing = append(missing, m.Organizer.Key)
					if tt.reason != "" && m.Why != tt.reason {
						t.Errorf("%s is missing because of %q", m.Organizer.Key, m.Why)
					}
				}
				if tt.reason != "" && !slices.Equal(missing, tt.missing) {
					t.Errorf("missing %v, want %v", missing, tt.missing)
				}
				if n := len(a.made()); tt.calls != 0 && n != tt.calls {
					t.Errorf("%d calls, want %d", n, tt.calls)
				}
				if len(r.Progress.Missing()) == 0 && r.Progress.Done != r.Progress.Total {
					t.Errorf("%d of %d steps", r.Progress.Done, r.Progress.Total)
				}
				if r.Result != nil {
					if f := r.Result.Figures(noAliases, time.UTC, r.Request.From, r.Request.To); len(f.Held) != 3*(9-len(missing)) || len(f.Organizers) != 9-len(missing) {
						t.Errorf("%d sessions of %d organizers", len(f.Held), len(f.Organizers))
					}
				}
			})
		})
	}
}

// A report that takes too long keeps what was read.
func TestTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{users: people(9), takes: 4 * time.Minute}
		s := replica(a, newShelf(), "one")
		id := start(t, s, ada, all(days(90)))
		time.Sleep(30*time.Minute + time.Second)
		r := get(t, s, ada, id)
		if r.State != reports.Partial || len(r.Result.Organizers) != 4 {
			t.Fatalf("%s, %+v", r.State, r.Progress)
		}
		for _, m := range r.Progress.Missing() {
			if m.Why != reports.OutOfTime {
				t.Errorf("%+v", m)
			}
		}
	})
}

// A portal that stops says so; one that dies is found out by its silence, or by
// its next life.
func TestInterruptedReports(t *testing.T) {
	t.Run("stopped", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store, a := newShelf(), &account{takes: time.Second, users: people(9)}
			s := replica(a, store, "one")
			id := start(t, s, ada, all(days(90)))
			time.Sleep(2500 * time.Millisecond)
			if err := s.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r := get(t, replica(a, store, "two"), ada, id); r.State != reports.Interrupted || r.Result != nil {
				t.Errorf("%+v", r)
			}
			if _, err := s.Start(t.Context(), ada, days(1)); !errors.Is(err, reports.ErrStopping) {
				t.Errorf("it takes another one: %v", err)
			}
		})
	})
	t.Run("dead", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store, a := newShelf(), &account{users: people(9)}
			other := replica(a, store, "two")
			row := reports.Row{ID: "x", Owner: ada.Ref, State: reports.Running, Place: "one", Created: time.Now(), Beat: time.Now(), Expires: time.Now().Add(time.Hour), Request: []byte("{}"), Progress: []byte("{}")}
			store.rows["x"] = row
			time.Sleep(20*time.Second - time.Millisecond)
			if r := get(t, other, ada, "x"); r.State != reports.Running {
				t.Errorf("given up too soon: %s", r.State)
			}
			if _, err := other.Start(t.Context(), ada, days(3)); err == nil {
				t.Error("two at once")
			} else if running, ok := errors.AsType[*reports.RunningError](err); !ok || running.ID != "x" {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
			if r := get(t, other, ada, "x"); r.State != reports.Interrupted {
				t.Errorf("not missed: %s", r.State)
			}
			start(t, other, ada, days(3))
			synctest.Wait()
		})
	})
	t.Run("alive again", func(t *testing.T) {
		store := newShelf()
		for id, place := range map[string]string{"mine": "one", "theirs": "two"} {
			store.rows[id] = reports.Row{ID: id, Owner: id, State: reports.Running, Place: place, Beat: noon}
		}
		if err := replica(&account{}, store, "one").Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		if store.rows["mine"].State != reports.Interrupted || store.rows["theirs"].State != reports.Running {
			t.Errorf("%+v", store.rows)
		}
	})
	t.Run("deleted meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store, a := newShelf(), &account{takes: 300 * time.Millisecond, users: people(9)}
			s, other := replica(a, store, "one"), replica(a, store, "two")
			id := start(t, s, ada, all(days(90)))
			time.Sleep(1500 * time.Millisecond)
			if err := other.Forget(t.Context(), ada); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			before := len(a.made())
			time.Sleep(time.Minute)
			if after := len(a.made()); after != before {
				t.Errorf("%d calls after it was deleted", after-before)
			}
			if _, err := s.Get(t.Context(), ada, id); !errors.Is(err, reports.ErrNoReport) {
				t.Error(err)
			}
		})
	})
}

// Asked for again while it runs, it is the same report; another one has to wait.
func TestOneReportAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, a := newShelf(), &account{takes: time.Second, users: people(2)}
		s, other := replica(a, store, "one"), replica(a, store, "two")
		id := start(t, s, ada, all(days(90)))
		for _, press := range []*reports.Service{s, other} {
			if again := start(t, press, ada, all(days(90))); again != id {
				t.Error("a double click makes two")
			}
			if _, err := press.Start(t.Context(), ada, days(90)); err == nil {
				t.Error("two different ones run")
			}
		}
		bens := start(t, other, ben, days(90))
		for _, c := range []struct {
			caller meetings.Caller
			id     string
		}{{ben, id}, {ada, bens}, {ada, "nothing"}, {meetings.Caller{Ref: ""}, id}} {
			_, err := s.Get(t.Context(), c.caller, c.id)
			if cancel := s.Cancel(t.Context(), c.caller, c.id); !errors.Is(err, reports.ErrNoReport) || !errors.Is(cancel, reports.ErrNoReport) {
				t.Errorf("%s sees %s: %v, %v", c.caller.Ref, c.id, err, cancel)
			}
		}
		for _, r := range []reports.Request{all(days(1)), {From: noon, To: noon.Add(1), Organizers: []string{"1"}}} {
			if _, err := s.Start(t.Context(), ben, r); !errors.Is(err, meetings.ErrAdminsOnly) {
				t.Errorf("%+v: %v", r, err)
			}
		}
		time.Sleep(time.Minute)
		if list, err := s.List(t.Context(), ada); err != nil || len(list) != 1 || list[0].Result != nil || list[0].State != reports.Done {
			t.Errorf("%+v, %v", list, err)
		}
		time.Sleep(24 * time.Hour)
		if list, err := s.List(t.Context(), ada); err != nil || len(list) != 0 {
			t.Errorf("kept too long: %+v, %v", list, err)
		}
		if _, err := s.Get(t.Context(), ada, id); !errors.Is(err, reports.ErrNoReport) {
			t.Errorf("kept too long: %v", err)
		}
	})
}

// The result is sealed with the first key at every start, and what no key opens
// says so.
func TestResultsAreSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, a := newShelf(), &account{users: people(1)}
		id := start(t, replica(a, store, "one", "k1"), ada, days(90))
		synctest.Wait()
		if r := store.rows[id]; strings.Contains(string(r.Result), "ann@x.test") || strings.Contains(string(r.Progress)+string(r.Request), "Ann") || r.KeyID != "k1" {
			t.Errorf("%+v", r)
		}
		for _, keys := range [][]string{{"k2", "k1"}, {"k2"}} {
			s := replica(a, store, "one", keys...)
			if err := s.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r := get(t, s, ada, id); r.Result == nil || r.Unreadable || store.rows[id].KeyID != "k2" {
				t.Errorf("%v: %+v", keys, r)
			}
		}
		s := replica(a, store, "one", "k3")
		if err := s.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := get(t, s, ada, id); r.Result != nil || !r.Unreadable || store.rows[id].KeyID != "k2" {
			t.Errorf("%+v", r)
		}
		store.change(id, func(r *reports.Row) { r.Result = []byte("k2|result|" + id + "|nonsense") })
		if r := get(t, replica(a, store, "one", "k2"), ada, id); !r.Unreadable {
			t.Errorf("%+v", r)
		}
	})
}

// An outage of the store stops no report, and what it came to is written down
// once the store is back.
func TestReportsOutliveAnOutageOfTheStore(t *testing.T) {
	for _, outage := range []time.Duration{4 * time.Second, 20 * time.Second} { // it is done after three
		synctest.Test(t, func(t *testing.T) {
			store, a := newShelf(), &account{users: people(1), takes: 500 * time.Millisecond}
			s := replica(a, store, "one")
			id := start(t, s, ada, days(90))
			set := func(err error) {
				store.mu.Lock()
				defer store.mu.Unlock()
				store.fail = err
			}
			set(errors.New("away"))
			time.Sleep(outage)
			if _, err := s.Get(t.Context(), ada, id); !errors.Is(err, meetings.ErrMemory) {
				t.Error(err)
			}
			set(nil)
			time.Sleep(10 * time.Second)
			if r := get(t, s, ada, id); r.State != reports.Done {
				t.Errorf("after %s it is %s", outage, r.State)
			}
		})
	}
}

// A panic over what GoTo said costs the report, and never the portal.
func TestPanicsStayInTheReport(t *testing.T) {
	for name, tt := range map[string]struct {
		match  string
		caller meetings.Caller
		state  reports.State
		result bool
	}{
		"users":       {"users", ada, reports.Failed, false},
		"one history": {"history 3", ada, reports.Partial, true},
		"one meeting": {"meeting 77", ben, reports.Failed, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &account{users: people(9)}
				a.fault = func(call string) error {
					if strings.HasPrefix(call, tt.match) {
						panic("of a test")
					}
					return nil
				}
				request := days(90)
				request.All = tt.caller.Admin
				s := replica(a, newShelf(), "one")
				id := start(t, s, tt.caller, request)
				time.Sleep(5 * time.Minute)
				if r := get(t, s, tt.caller, id); r.State != tt.state || r.Result != nil != tt.result || !tt.result && r.Why != reports.OwnFault {
					t.Errorf("%s (%s), result %v", r.State, r.Why, r.Result)
				}
			})
		})
	}
	t.Run("reading", func(t *testing.T) { // outside of any call
		synctest.Test(t, func(t *testing.T) {
			a := &account{users: people(3)}
			s := reports.New(reports.Config{Meetings: a, Store: newShelf(), Vault: vault{nil}, Place: "one"}) // no key to seal with
			id := start(t, s, ada, all(days(90)))
			time.Sleep(time.Minute)
			if r := get(t, s, ada, id); r.State != reports.Interrupted {
				t.Errorf("it is %s", r.State)
			}
			start(t, s, ada, all(days(30)))
			if err := s.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
}

// crowd is an account to whose meetings so many come in each window.
type crowd struct {
	*account
	rows int
}

func (a crowd) OrganizerAttendees(ctx context.Context, c meetings.Caller, organizer string, from, to time.Time) ([]meetings.Attendance, meetings.Seen, error) {
	list, seen, err := a.account.OrganizerAttendees(ctx, c, organizer, from, to)
	list[0].Occurrences[0].Joins = make([]attendance.Join, a.rows)
	return list, seen, err
}

// What is held before it is in the result is bounded, too: a crowd is found out
// before all of it is read.
func TestTooManyRows(t *testing.T) {
	for name, tt := range map[string]struct{ rows, calls int }{
		"of one organizer": {reports.MostJoins * 9 / 10, 6}, // of eight: four windows
		"in the result":    {reports.MostJoins * 3 / 10, 8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := crowd{&account{}, tt.rows}
				s := reports.New(reports.Config{Meetings: a, Store: newShelf(), Vault: vault{[]string{"k1"}}, Place: "one"})
				id := start(t, s, ada, days(120))
				synctest.Wait()
				if r := get(t, s, ada, id); r.State != reports.Failed || r.Why != reports.TooMuch || len(a.made()) != tt.calls {
					t.Errorf("%s (%s) after %d calls, want %d", r.State, r.Why, len(a.made()), tt.calls)
				}
			})
		})
	}
}

// slowVault takes its time to seal.
type slowVault struct {
	vault
	begun, done chan struct{}
}

func (v slowVault) Seal(column, row string, plain []byte) (string, []byte, error) {
	close(v.begun)
	<-v.done
	return v.vault.Seal(column, row, plain)
}

// While a large report is sealed, others' are shown all the same.
func TestSealingHoldsUpNobodyElse(t *testing.T) {
	v := slowVault{vault{[]string{"k1"}}, make(chan struct{}), make(chan struct{})}
	s := reports.New(reports.Config{Meetings: &account{}, Store: newShelf(), Vault: v, Place: "one"})
	id := start(t, s, ada, days(90))
	<-v.begun
	var shown sync.WaitGroup
	shown.Go(func() { _, _ = s.Get(t.Context(), ada, id) }) // waits for the sealing
	for range 1000 {
		runtime.Gosched()
	}
	done := make(chan error, 1)
	go func() { done <- s.Forget(t.Context(), ben) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("others wait, too")
	}
	close(v.done)
	shown.Wait()
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
