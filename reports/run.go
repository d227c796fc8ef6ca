package reports

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"portal/gotomeeting"
	"portal/meetings"
)

const (
	longest          = 30 * time.Minute // that a report may take
	organizersAtOnce = 4                // keeps GoTo's rate busy, and leaves pages the next turn
	beatEvery        = time.Second
	triesWhenDown    = 4           // of a call that GoTo does not answer
	endFor           = time.Minute // for writing down what became of it: there is no other copy

	// mostHeld is how many rows are held at once that are not in the result yet:
	// some are of other sessions.
	mostHeld = 2 * MostJoins

	// MostJoins bounds one report: what a page can make figures of in less than
	// a second.
	MostJoins = 100_000
)

// Reason says why something was not read.
type Reason string

// The reasons. Others are named as the kinds of meetings.Fault are.
const (
	Disconnected Reason = "session ended"  // the session with whose token GoTo was asked
	OutOfTime    Reason = "out of time"    // the report took too long
	TooMuch      Reason = "too much"       // more than MostJoins
	CancelledBy  Reason = "cancelled"      // by its user, before
	StoppedBy    Reason = "portal stopped" // before
	OwnFault     Reason = "portal"         // the log has the cause
)

// Why a run ends before its time.
var (
	errCancelled = errors.New("cancelled")
	errStopped   = errors.New("the portal stops")
	errTime      = errors.New("the report took too long")
	errTooMuch   = errors.New("the report is too long")
	errEnded     = errors.New("the session is over")
	errGone      = errors.New("the report is gone")
)

// run is a report that this process makes.
type run struct {
	id      string
	caller  meetings.Caller
	request Request
	ctx     context.Context
	end     context.CancelCauseFunc
	tally   *meetings.Tally
	held    atomic.Int64 // rows of organizers who are being read

	mu       sync.Mutex
	progress Progress
	result   Result
}

// newRun detaches a report from the request that asked for it: it has its own
// deadline, and nothing that it reads is kept for pages.
func newRun(ctx context.Context, id string, c meetings.Caller, r Request) *run {
	c.Session, c.MaxAge, c.Stale = nil, 0, false
	ctx = gotomeeting.WithLane(context.WithoutCancel(ctx), gotomeeting.LaneBackground)
	ctx, tally := meetings.WithTally(ctx)
	ctx, end := context.WithCancelCause(ctx)
	return &run{id: id, caller: c, request: r, ctx: ctx, end: end, tally: tally}
}

// carryOut makes the report, and writes down what became of it.
func (s *Service) carryOut(r *run) {
	began := time.Now()
	late := time.AfterFunc(longest, func() { r.end(errTime) })
	defer late.Stop()
	beating, stop := context.WithCancel(r.ctx)
	var beats sync.WaitGroup
	beats.Go(func() {
		if err := guarded(func() error { s.beat(beating, r); return nil }); err != nil {
			s.cfg.Log.ErrorContext(r.ctx, "progress of a report not written", "report", r.id, "error", err)
		}
	})
	err := guarded(func() error { return s.collect(r) })
	stop()
	beats.Wait()
	if row, keep := s.verdict(r, err); keep {
		s.write(r, row)
		s.cfg.Log.InfoContext(r.ctx, "a report ended", "report", r.id, "state", row.State, "calls", r.tally.Calls(), "took", time.Since(began))
	}
}

// beat writes the progress, and looks whether the user has had enough.
func (s *Service) beat(ctx context.Context, r *run) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		cancelled, running, err := s.cfg.Store.BeatReport(ctx, r.id, r.now().json(), s.now())
		switch {
		case ctx.Err() != nil:
		case err != nil:
			s.cfg.Log.WarnContext(ctx, "progress of a report not written", "report", r.id, "error", err)
		case cancelled:
			r.end(errCancelled)
		case !running:
			r.end(errGone)
		}
	}
}

// collect reads everybody. The error says why there is nobody to read.
func (s *Service) collect(r *run) error {
	people, err := s.organizers(r)
	if err != nil {
		return err
	}
	spans := windows(r.request.From, r.request.To)
	r.plan(people, 2*len(spans))
	group := new(errgroup.Group)
	group.SetLimit(organizersAtOnce)
	for i := range people {
		group.Go(func() error {
			if r.ctx.Err() != nil {
				return nil
			}
			err := guarded(func() error { s.readOne(r, i, spans); return nil })
			if err != nil {
				s.cfg.Log.ErrorContext(r.ctx, "an organizer is missing in a report", "report", r.id, "organizer", people[i].Key, "error", err)
				r.reading(i, func(at *Reading) { at.State, at.Why = ReadFailed, OwnFault })
			}
			return nil
		})
	}
	return group.Wait()
}

// organizers are those whom the report is about.
func (s *Service) organizers(r *run) ([]meetings.Person, error) {
	c := r.caller
	switch {
	case r.request.Own():
		return []meetings.Person{{Key: c.UserKey, Name: c.Name, Email: c.Email}}, nil
	case !r.request.All:
		return s.cfg.Meetings.Names(r.ctx, c, r.request.Organizers), nil
	}
	var users []meetings.User
	err := s.patiently(r.ctx, func(ctx context.Context) (err error) {
		users, _, err = s.cfg.Meetings.People(ctx, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	var people []meetings.Person
	for _, u := range users {
		if u.Status != "INVITED" { // has never signed in, so has held nothing
			people = append(people, u.Person)
		}
	}
	return people, nil
}

// readOne reads one organizer: all of it counts, or nothing.
func (s *Service) readOne(r *run, i int, spans []meetings.Span) {
	who := r.reading(i, func(at *Reading) { at.State = ReadBegun }).Organizer
	key := who.Key
	if key == r.caller.UserKey {
		key = ""
	}
	var held atomic.Int64
	defer func() { r.held.Add(-held.Load()) }()
	g := gatherer{
		Meetings: s.cfg.Meetings, caller: r.caller, ask: s.patiently,
		step: func() { r.step(i, 1) }, more: func(n int) { r.more(i, n) },
		holds: func(rows int) bool { held.Add(int64(rows)); return r.held.Add(int64(rows)) <= mostHeld },
	}
	sessions, strays, err := g.organizer(r.ctx, key, spans)
	switch {
	case s.cfg.Ended(err):
		r.end(errEnded)
	case errors.Is(err, errTooMuch), err == nil && !r.add(who, sessions, strays):
		r.end(errTooMuch)
	case err == nil:
		r.reading(i, func(at *Reading) { at.State = ReadDone })
	case r.ctx.Err() == nil:
		s.cfg.Log.WarnContext(r.ctx, "an organizer is missing in a report", "report", r.id, "organizer", who.Key, "error", err)
		r.reading(i, func(at *Reading) { at.State, at.Why = ReadFailed, s.reasonOf(err) })
	}
}

// patiently makes a call again that GoTo did not answer: somebody waits for the
// whole, not for this moment.
func (s *Service) patiently(ctx context.Context, call func(context.Context) error) error {
	pause := s.cfg.Pause
	for try := 1; ; try++ {
		err := guarded(func() error { return call(ctx) })
		if err == nil || ctx.Err() != nil || s.cfg.Ended(err) {
			return err
		}
		fault, isFault := errors.AsType[*meetings.Fault](err)
		wait := pause
		switch {
		case isFault && fault.Kind == meetings.RateLimited: // pages go first
			wait = max(fault.RetryAfter, s.cfg.Pause)
		case try == triesWhenDown, isFault && fault.Kind != meetings.Unavailable && fault.Kind != meetings.TimedOut:
			return err
		default:
			pause *= 3
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// guarded makes an error of a panic, which would end the portal for everybody.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in a report: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// verdict is what became of a report; false when nobody wants to know.
func (s *Service) verdict(r *run, err error) (Row, bool) {
	cause := context.Cause(r.ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	row := Row{ID: r.id, State: Done, Ended: s.now()}
	r.progress.Calls = r.tally.Calls()
	for i := range r.progress.Organizers {
		at := &r.progress.Organizers[i]
		if at.State == ReadWaits || at.State == ReadBegun {
			at.State, at.Why = ReadLeft, s.reasonOf(cause)
		}
	}
	missing := r.progress.Missing()
	switch {
	case errors.Is(cause, errGone):
		return row, false
	case errors.Is(cause, errStopped):
		row.State = Interrupted
	case errors.Is(cause, errCancelled):
		row.State = Cancelled
	case errors.Is(cause, errTooMuch):
		row.State, row.Why = Failed, TooMuch
	case err != nil:
		s.cfg.Log.WarnContext(r.ctx, "a report failed", "report", r.id, "error", err)
		row.State, row.Why = Failed, s.reasonOf(cmp.Or(cause, err))
	case len(missing) == 0:
	case len(missing) < len(r.progress.Organizers):
		row.State = Partial
	case cause != nil:
		row.State, row.Why = Failed, s.reasonOf(cause)
	default:
		row.State, row.Why = Failed, missing[0].Why
	}
	if row.State == Done || row.State == Partial || row.State == Cancelled && len(r.result.Organizers) > 0 {
		r.result.Taken = s.now()
		var sealing error
		if row.KeyID, row.Result, sealing = s.seal(r.id, r.result); sealing != nil {
			s.cfg.Log.ErrorContext(r.ctx, "a report is not kept", "report", r.id, "error", sealing)
			row.State, row.Why, row.KeyID, row.Result = Failed, s.reasonOf(sealing), "", nil
		}
	}
	row.Progress = r.progress.json()
	return row, true
}

// write ends a report in the store. Its own time is up, and it counts still.
func (s *Service) write(r *run, row Row) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), endFor)
	defer cancel()
	err := s.patiently(ctx, func(ctx context.Context) error {
		_, err := s.cfg.Store.EndReport(ctx, row)
		return err
	})
	if err != nil {
		s.cfg.Log.ErrorContext(ctx, "not written down what became of a report", "report", r.id, "error", err)
	}
}

func (s *Service) reasonOf(err error) Reason {
	kind, isFault := meetings.FaultKind(err)
	switch {
	case isFault:
		return Reason(kind.String())
	case errors.Is(err, errEnded), s.cfg.Ended(err):
		return Disconnected
	case errors.Is(err, errTime):
		return OutOfTime
	case errors.Is(err, errTooMuch):
		return TooMuch
	case errors.Is(err, errCancelled):
		return CancelledBy
	case errors.Is(err, errStopped):
		return StoppedBy
	}
	return OwnFault
}

// plan says whom the run is about, and how many steps each may take.
func (r *run) plan(people []meetings.Person, steps int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range people {
		r.progress.Organizers = append(r.progress.Organizers, Reading{Organizer: p, State: ReadWaits, Total: steps})
	}
	r.progress.Total = steps * len(people)
}

func (r *run) reading(i int, change func(*Reading)) Reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := &r.progress.Organizers[i]
	change(at)
	if at.State == ReadFailed { // what is left of it will not be done
		r.progress.Done += at.Total - at.Done
		at.Done = at.Total
	}
	return *at
}

func (r *run) step(i, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Organizers[i].Done += n
	r.progress.Done += n
}

func (r *run) more(i, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Organizers[i].Total += n
	r.progress.Total += n
}

// add takes an organizer's sessions into the result; false when that is too
// much.
func (r *run) add(who meetings.Person, sessions []session, strays int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.result.add(who, sessions, strays)
}

// now is how far the run is.
func (r *run) now() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.progress
	p.Calls, p.Organizers = r.tally.Calls(), slices.Clone(p.Organizers)
	return p
}

func (p Progress) json() []byte {
	text, err := json.Marshal(p)
	if err != nil {
		return []byte("{}") // it holds nothing that JSON cannot
	}
	return text
}

// Fault is the reason as GoTo's failure; nil when it is none.
func (w Reason) Fault() *meetings.Fault {
	for kind := meetings.NotFound; kind <= meetings.Unreadable; kind++ {
		if kind.String() == string(w) {
			return &meetings.Fault{Kind: kind}
		}
	}
	return nil
}
