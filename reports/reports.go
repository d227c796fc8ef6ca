// Package reports is work longer than one request: it collects who came to the
// meetings of one or many organizers over a range of time, with progress that
// any replica can show, with cancel and with partial results, and makes figures
// of what it collected. It knows no HTTP and no HTML.
package reports

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"portal/meetings"
)

const (
	// MostKept is how many reports a user has at once: the newest.
	MostKept = 10
	// Kept is how long a report is kept.
	Kept = 24 * time.Hour

	// silence is how long a runner may be silent before it is taken for gone:
	// longer than the clocks of replicas may differ and a write may take.
	silence = 20 * time.Second
)

// Meetings is what reports are made of.
type Meetings interface {
	People(ctx context.Context, c meetings.Caller) ([]meetings.User, meetings.Seen, error)
	Names(ctx context.Context, c meetings.Caller, keys []string) []meetings.Person
	History(ctx context.Context, c meetings.Caller, organizer string, from, to time.Time) (meetings.Looked, meetings.Seen, error)
	OrganizerAttendees(ctx context.Context, c meetings.Caller, organizer string, from, to time.Time) ([]meetings.Attendance, meetings.Seen, error)
	Attendees(ctx context.Context, c meetings.Caller, id string) (meetings.Attendance, meetings.Seen, error)
}

// Config is what a Service needs.
type Config struct {
	Meetings Meetings
	Store    Store
	Vault    Vault
	Place    string           // names this process among those over one store, the same after a restart
	Ended    func(error) bool // says that the session of the caller is over
	Now      func() time.Time
	Pause    time.Duration // before a call that failed is made again, and more each time; 0: two seconds
	Log      *slog.Logger
}

// Service makes reports. It is safe for concurrent use.
type Service struct {
	cfg Config

	work     sync.WaitGroup
	mu       sync.Mutex
	running  map[string]*run // those of this process
	stopping bool
}

// New returns a Service. Ended, Now, Pause and Log may be left out.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Ended == nil {
		c.Ended = func(error) bool { return false }
	}
	if c.Pause == 0 {
		c.Pause = 2 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: c, running: map[string]*run{}}
}

func (s *Service) now() time.Time { return s.cfg.Now().UTC() }

// Request is what is asked for: the sessions that started in [From, To).
type Request struct {
	From       time.Time `json:"from"` // UTC
	To         time.Time `json:"to"`
	All        bool      `json:"all,omitempty"`        // organizers of the account
	Organizers []string  `json:"organizers,omitempty"` // keys; none and not All: the caller's own
}

// Own tells whether the report is about nobody but who asks for it.
func (r Request) Own() bool { return !r.All && len(r.Organizers) == 0 }

// plain is r in the one form that two requests for the same have in common.
func (r Request) plain(c meetings.Caller) Request {
	keys := slices.Compact(slices.Sorted(slices.Values(r.Organizers)))
	if r.All || len(keys) == 1 && keys[0] == c.UserKey {
		keys = nil
	}
	return Request{From: r.From.UTC(), To: r.To.UTC(), All: r.All, Organizers: keys}
}

func (r Request) same(other Request) bool {
	return r.From.Equal(other.From) && r.To.Equal(other.To) && r.All == other.All && slices.Equal(r.Organizers, other.Organizers)
}

// State of a report.
type State string

// The states. Of all but Running a report never leaves.
const (
	Running     State = "running"
	Done        State = "done"
	Partial     State = "partial"     // of some organizers nothing could be read
	Cancelled   State = "cancelled"   // by its user; what was read until then is there
	Failed      State = "failed"      // nothing could be read, or too much
	Interrupted State = "interrupted" // the portal that made it stopped
)

// Report is one report of a user's.
type Report struct {
	ID             string
	Request        Request
	State          State
	Why            Reason // with Failed
	Begun, Ended   time.Time
	Progress       Progress
	Result         *Result // nil while it runs, when nothing was read, and in lists
	Unreadable     bool    // there is a result, and no key to open it
	CancelAskedFor bool
}

// Progress is how far a report is. A step is a call to GoTo, or one that turned
// out not to be needed.
type Progress struct {
	Done       int       `json:"done"`
	Total      int       `json:"total"`
	Calls      int       `json:"calls"` // sent to GoTo, those made again included
	Organizers []Reading `json:"organizers,omitempty"`
}

// Reading is how far a report is with one organizer.
type Reading struct {
	Organizer meetings.Person `json:"organizer"`
	State     ReadState       `json:"state"`
	Why       Reason          `json:"why,omitempty"` // with ReadFailed and ReadLeft
	Done      int             `json:"done"`
	Total     int             `json:"total"`
}

// ReadState is how far one organizer is.
type ReadState string

// The states of a Reading.
const (
	ReadWaits  ReadState = "waiting"
	ReadBegun  ReadState = "reading"
	ReadDone   ReadState = "done"
	ReadFailed ReadState = "failed"
	ReadLeft   ReadState = "left" // the report ended before
)

// Missing are the organizers of whom nothing is in the result.
func (p Progress) Missing() []Reading {
	var list []Reading
	for _, r := range p.Organizers {
		if r.State != ReadDone {
			list = append(list, r)
		}
	}
	return list
}

// ErrNoReport says that the caller has no such report.
var ErrNoReport = errors.New("no such report")

// ErrStopping says that this portal is about to stop.
var ErrStopping = errors.New("the portal is stopping")

// RunningError says that another report of the caller's is being made.
type RunningError struct{ ID string }

func (e *RunningError) Error() string { return "another report is running" }

// Start begins a report and returns its id; asked for the same again while it
// runs, it is that one. A user has one at a time: the error is a *RunningError
// for another, or meetings.ErrAdminsOnly, meetings.ErrMemory or ErrStopping.
func (s *Service) Start(ctx context.Context, c meetings.Caller, r Request) (string, error) {
	r = r.plain(c)
	if !r.Own() && !c.Admin {
		return "", fmt.Errorf("report on others: %w", meetings.ErrAdminsOnly)
	}
	request, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("starting a report: %w", err)
	}
	now := s.now()
	row := Row{
		ID: rand.Text(), Owner: c.Ref, State: Running, Place: s.cfg.Place, Created: now, Expires: now.Add(Kept), Beat: now,
		Request: request, Progress: []byte("{}"),
	}
	job, ok := s.enlist(ctx, row.ID, c, r)
	if !ok {
		return "", ErrStopping
	}
	standing, added, err := s.cfg.Store.AddReport(ctx, row, now.Add(-silence), MostKept)
	if err != nil || !added {
		s.dismiss(job)
		if err != nil {
			return "", inMemory(err)
		}
		var other Request
		if err := json.Unmarshal(standing.Request, &other); err != nil || !other.same(r) {
			return "", &RunningError{standing.ID}
		}
		return standing.ID, nil
	}
	go func() {
		defer s.dismiss(job)
		if err := guarded(func() error { s.carryOut(job); return nil }); err != nil {
			s.cfg.Log.ErrorContext(job.ctx, "a report failed", "report", job.id, "error", err)
		}
	}()
	return row.ID, nil
}

// Get returns a report of the caller's, with its result. The error is
// ErrNoReport or meetings.ErrMemory.
func (s *Service) Get(ctx context.Context, c meetings.Caller, id string) (Report, error) {
	row, err := s.own(ctx, c, id)
	if err != nil {
		return Report{}, err
	}
	r := s.reportOf(row)
	if len(row.Result) > 0 {
		r.Result, err = s.open(row)
		if r.Unreadable = err != nil; r.Unreadable {
			s.cfg.Log.WarnContext(ctx, "a report cannot be opened", "report", id, "error", err)
		}
	}
	return r, nil
}

func (s *Service) own(ctx context.Context, c meetings.Caller, id string) (Row, error) {
	row, found, err := s.cfg.Store.Report(ctx, id)
	if err == nil && (!found || row.Owner != c.Ref || !s.now().Before(row.Expires)) {
		return Row{}, ErrNoReport
	}
	return row, inMemory(err)
}

// List returns the caller's reports without their results, the newest first.
func (s *Service) List(ctx context.Context, c meetings.Caller) ([]Report, error) {
	rows, err := s.cfg.Store.ReportsOf(ctx, c.Ref)
	if err != nil {
		return nil, inMemory(err)
	}
	list := make([]Report, 0, len(rows))
	for _, row := range rows {
		if s.now().Before(row.Expires) {
			list = append(list, s.reportOf(row))
		}
	}
	return list, nil
}

// Cancel ends a report that runs, in whichever process: it makes no further
// call, and what it read until then is its result. One that is over stays as it
// is.
func (s *Service) Cancel(ctx context.Context, c meetings.Caller, id string) error {
	if _, err := s.own(ctx, c, id); err != nil {
		return err
	}
	if err := s.cfg.Store.CancelReport(ctx, id); err != nil {
		return inMemory(err)
	}
	s.each(func(r *run) {
		if r.id == id {
			r.end(errCancelled)
		}
	})
	return nil
}

// Forget deletes the caller's reports, and ends the one that runs.
func (s *Service) Forget(ctx context.Context, c meetings.Caller) error {
	if err := s.cfg.Store.DropReports(ctx, c.Ref); err != nil {
		return inMemory(err)
	}
	s.each(func(r *run) {
		if r.caller.Ref == c.Ref {
			r.end(errGone)
		}
	})
	return nil
}

// Resume is called at every start, before any report is. What an earlier life
// of this process was making is interrupted, and every result is sealed with
// the first key, so that an older one can be dropped.
func (s *Service) Resume(ctx context.Context) error {
	rows, err := s.cfg.Store.EveryReport(ctx)
	if err != nil {
		return fmt.Errorf("resuming reports: %w", err)
	}
	key, _, err := s.cfg.Vault.Seal(resultColumn, "", nil)
	if err != nil {
		return fmt.Errorf("resuming reports: %w", err)
	}
	for _, row := range rows {
		switch {
		case row.State == Running && row.Place == s.cfg.Place:
			row.State = Interrupted
			_, err = s.cfg.Store.EndReport(ctx, row)
		case row.KeyID != "" && row.KeyID != key:
			err = s.reseal(ctx, row)
		}
		if err != nil {
			return fmt.Errorf("resuming reports: %w", err)
		}
	}
	return nil
}

// Stop refuses new reports, ends those of this process as interrupted, and
// waits until that is written down or ctx ends.
func (s *Service) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.each(func(r *run) { r.end(errStopped) })
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for reports to end: %w", ctx.Err())
	}
}

// enlist makes room for a report of this process; false when it is stopping.
func (s *Service) enlist(ctx context.Context, id string, c meetings.Caller, r Request) (*run, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil, false
	}
	job := newRun(ctx, id, c, r)
	s.running[id] = job
	s.work.Add(1)
	return job, true
}

func (s *Service) dismiss(r *run) {
	r.end(context.Canceled)
	s.mu.Lock()
	delete(s.running, r.id)
	s.mu.Unlock()
	s.work.Done()
}

func (s *Service) each(f func(*run)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.running {
		f(r)
	}
}

// reportOf reads a row, but for its result.
func (s *Service) reportOf(row Row) Report {
	r := Report{ID: row.ID, State: row.State, Why: row.Why, Begun: row.Created, Ended: row.Ended, CancelAskedFor: row.Cancelled}
	if r.State == Running && s.now().Sub(row.Beat) >= silence {
		r.State, r.Ended = Interrupted, row.Beat
	}
	err := errors.Join(json.Unmarshal(row.Request, &r.Request), json.Unmarshal(row.Progress, &r.Progress))
	if err != nil {
		s.cfg.Log.Error("a report's row cannot be read", "report", row.ID, "error", err)
	}
	s.mu.Lock()
	job := s.running[row.ID]
	s.mu.Unlock()                         // or all would wait for a job that is about to be sealed
	if job != nil && r.State == Running { // here it is known better
		r.Progress = job.now()
	}
	return r
}

// inMemory marks an error of the Store, whose calls say what was being done.
func inMemory(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", meetings.ErrMemory, err)
}
