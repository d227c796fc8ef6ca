package reports_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portal/attendance"
	"portal/meetings"
	"portal/reports"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// shelf is a Store in memory, shared by the replicas of a test.
type shelf struct {
	mu    sync.Mutex
	rows  map[string]reports.Row
	beats int
	fail  error // of each call
}

func newShelf() *shelf { return &shelf{rows: map[string]reports.Row{}} }

func (s *shelf) AddReport(_ context.Context, r reports.Row, silent time.Time, _ int) (reports.Row, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, other := range s.rows {
		if other.Owner == r.Owner && other.State == reports.Running {
			if other.Beat.After(silent) {
				return other, false, s.fail
			}
			other.State, other.Ended = reports.Interrupted, other.Beat
			s.rows[id] = other
		}
	}
	s.rows[r.ID] = r
	return r, true, s.fail
}

func (s *shelf) BeatReport(_ context.Context, id string, progress []byte, at time.Time) (bool, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows[id]
	if s.fail != nil || r.State != reports.Running {
		return false, false, s.fail
	}
	s.beats++
	r.Progress, r.Beat = progress, at
	s.rows[id] = r
	return r.Cancelled, true, nil
}

func (s *shelf) EndReport(_ context.Context, r reports.Row) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.rows[r.ID]
	if s.fail != nil || old.State != reports.Running {
		return false, s.fail
	}
	old.State, old.Why, old.Ended, old.Progress, old.KeyID, old.Result = r.State, r.Why, r.Ended, r.Progress, r.KeyID, r.Result
	s.rows[r.ID] = old
	return true, nil
}

func (s *shelf) CancelReport(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows[id]
	r.Cancelled = true
	s.rows[id] = r
	return s.fail
}

func (s *shelf) Report(_ context.Context, id string) (reports.Row, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, found := s.rows[id]
	return r, found, s.fail
}

func (s *shelf) ReportsOf(_ context.Context, owner string) ([]reports.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []reports.Row
	for _, r := range s.rows {
		if r.Owner == owner {
			r.Result = nil
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b reports.Row) int { return b.Created.Compare(a.Created) })
	return list, s.fail
}

func (s *shelf) EveryReport(context.Context) ([]reports.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.rows)), s.fail
}

func (s *shelf) ResealReport(_ context.Context, r reports.Row, from string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.rows[r.ID]; old.KeyID == from {
		old.KeyID, old.Result = r.KeyID, r.Result
		s.rows[r.ID] = old
	}
	return s.fail
}

func (s *shelf) DropReports(_ context.Context, owner string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.rows, func(_ string, r reports.Row) bool { return r.Owner == owner })
	return s.fail
}

func (s *shelf) change(id string, f func(*reports.Row)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows[id]
	f(&r)
	s.rows[id] = r
}

// vault binds what it seals to its place, and to keys that can be dropped.
type vault struct{ keys []string }

func (v vault) Seal(column, row string, plain []byte) (string, []byte, error) {
	return v.keys[0], append([]byte(v.keys[0]+"|"+column+"|"+row+"|"), plain...), nil
}

func (v vault) Open(column, row, keyID string, sealed []byte) ([]byte, error) {
	plain, ok := strings.CutPrefix(string(sealed), keyID+"|"+column+"|"+row+"|")
	if !ok || !slices.Contains(v.keys, keyID) {
		return nil, errors.New("sealed for another place, or with another key")
	}
	return []byte(plain), nil
}

// account is the Meetings of a test: every organizer held one session of an
// hour on the first of each month, to which the same three people came.
type account struct {
	takes time.Duration // each call
	users []meetings.User

	mu    sync.Mutex
	calls []string
	fault func(call string) error // of the next call, "" of any
}

func people(n int) []meetings.User {
	var list []meetings.User
	for i := range n {
		list = append(list, meetings.User{Person: meetings.Person{Key: fmt.Sprint(i + 1), Name: fmt.Sprintf("Organizer %02d", i+1)}, Status: "ACTIVE"})
	}
	return list
}

func (a *account) call(ctx context.Context, format string, args ...any) error {
	name := fmt.Sprintf(format, args...)
	a.mu.Lock()
	a.calls = append(a.calls, name)
	fault := a.fault
	a.mu.Unlock()
	select {
	case <-time.After(a.takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	if fault != nil {
		return fault(name)
	}
	return nil
}

func (a *account) made() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

func (a *account) People(ctx context.Context, _ meetings.Caller) ([]meetings.User, meetings.Seen, error) {
	return a.users, meetings.Seen{At: noon}, a.call(ctx, "users")
}

func (a *account) Names(_ context.Context, _ meetings.Caller, keys []string) []meetings.Person {
	var list []meetings.Person
	for _, key := range keys {
		list = append(list, meetings.Person{Key: key, Name: "Organizer " + key})
	}
	return list
}

// held are the sessions of an organizer in [from, to).
func held(organizer string, from, to time.Time) []meetings.Past {
	var list []meetings.Past
	for at := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC); at.Before(to); at = at.AddDate(0, 1, 0) {
		if !at.Before(from) {
			list = append(list, meetings.Past{
				MeetingID: "77" + organizer, SessionID: organizer + at.Format("-0102"), Subject: "Monthly", Start: at, End: at.Add(time.Hour), Minutes: 60, Attendees: 3,
			})
		}
	}
	return list
}

func came(organizer string, from, to time.Time) []meetings.Attendance {
	list := []meetings.Attendance{{MeetingID: "77" + organizer}}
	for _, p := range held(organizer, from, to) {
		o := attendance.Occurrence{InstanceKey: "i" + p.SessionID, Start: p.Start, End: p.End}
		for n, name := range []string{"Ann", "Bo", "Cy"} {
			o.Joins = append(o.Joins, attendance.Join{
				Name: name, Email: strings.ToLower(name) + "@x.test", Joined: p.Start, Left: p.End.Add(-time.Duration(n) * 10 * time.Minute), InstanceKey: o.InstanceKey, Start: p.Start, End: p.End,
			})
		}
		list[0].Occurrences = append(list[0].Occurrences, o)
	}
	return list
}

func who(c meetings.Caller, organizer string) string {
	if organizer == "" {
		return c.UserKey
	}
	return organizer
}

func (a *account) History(ctx context.Context, c meetings.Caller, organizer string, from, to time.Time) (meetings.Looked, meetings.Seen, error) {
	err := a.call(ctx, "history %s %s", who(c, organizer), from.Format(time.DateOnly))
	return meetings.Looked{Rows: held(who(c, organizer), from, to)}, meetings.Seen{At: noon}, err
}

func (a *account) OrganizerAttendees(ctx context.Context, c meetings.Caller, organizer string, from, to time.Time) ([]meetings.Attendance, meetings.Seen, error) {
	err := a.call(ctx, "attendees %s %s", who(c, organizer), from.Format(time.DateOnly))
	if !c.Admin && err == nil {
		err = &meetings.Fault{Kind: meetings.Forbidden}
	}
	return came(who(c, organizer), from, to), meetings.Seen{At: noon}, err
}

func (a *account) Attendees(ctx context.Context, _ meetings.Caller, id string) (meetings.Attendance, meetings.Seen, error) {
	err := a.call(ctx, "meeting %s", id)
	return came(strings.TrimPrefix(id, "77"), time.Time{}, noon)[0], meetings.Seen{At: noon}, err
}

var errSession = errors.New("session ended")

// replica is a portal of the test.
func replica(account *account, store reports.Store, place string, keys ...string) *reports.Service {
	if len(keys) == 0 {
		keys = []string{"k1"}
	}
	return reports.New(reports.Config{
		Meetings: account, Store: store, Vault: vault{keys}, Place: place, Ended: func(err error) bool { return errors.Is(err, errSession) },
	})
}

var (
	ada = meetings.Caller{UserKey: "1", AccountKey: "a", Ref: "a/1", Name: "Ada", Admin: true}
	ben = meetings.Caller{UserKey: "2", AccountKey: "a", Ref: "a/2", Name: "Ben"}
)

// days is the range of n days before noon.
func days(n int) reports.Request {
	return reports.Request{From: noon.AddDate(0, 0, -n), To: noon}
}

func all(r reports.Request) reports.Request { r.All = true; return r }

func start(t *testing.T, s *reports.Service, c meetings.Caller, r reports.Request) string {
	t.Helper()
	id, err := s.Start(t.Context(), c, r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func get(t *testing.T, s *reports.Service, c meetings.Caller, id string) reports.Report {
	t.Helper()
	r, err := s.Get(t.Context(), c, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
