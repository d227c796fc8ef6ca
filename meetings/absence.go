package meetings

import (
	"context"
	"fmt"
	"time"
)

// Cause is why nobody is recorded for a meeting, or for one session of it.
type Cause string

// The causes.
const (
	StillRunning  Cause = "still running" // GoTo tells who came once it is over
	JustEnded     Cause = "just ended"    // GoTo has not reported yet
	NotStarted    Cause = "not started"   // it is planned for now
	NotHeldYet    Cause = "not held yet"  // it is planned for later
	NotHeld       Cause = "not held"      // its time is over
	NeverUsed     Cause = "never used"    // a room
	NobodyJoined  Cause = "nobody joined" // GoTo counts nobody in the session
	NotListed     Cause = "not listed"    // it counts some, and does not tell who
	Erased        Cause = "erased"        // all of the session
	NoSuchSession Cause = "no such session"
	NotKnown      Cause = "not known" // GoTo does not tell the meeting
)

// freshReport is how long GoTo may take to report who came: about 15 minutes,
// and on a bad day longer.
const freshReport = time.Hour

// Fresh tells whether what ended then may lack its report.
func Fresh(ended, now time.Time) bool { return now.Sub(ended) <= freshReport }

// Absence is why nobody is recorded, with what the cause is about.
type Absence struct {
	Cause   Cause
	Meeting Meeting   // zero when GoTo does not tell it
	Session Past      // zero when history does not list it
	Ended   time.Time // with JustEnded: the session's end, or the planned one
}

// Passes tells whether waiting helps.
func (a Absence) Passes() bool {
	return a.Cause == StillRunning || a.Cause == JustEnded || a.Cause == NotStarted
}

// WhyNobody finds out why nobody is recorded, for the session that began at
// start or, when that is zero, for the meeting: by one call, and one more
// unless it is running.
func (s *Service) WhyNobody(ctx context.Context, c Caller, id, organizer string, start time.Time) (Absence, Seen, error) {
	m, seen, err := s.Get(ctx, c, id, organizer)
	known := err == nil
	if err != nil && !isKind(err, NotFound) && !isKind(err, Forbidden) {
		return Absence{}, Seen{}, err
	}
	now := s.Now()
	if known && m.Running && start.IsZero() {
		return Absence{Cause: StillRunning, Meeting: m}, seen, nil
	}
	from, to := now.Add(-dayBefore), now.Add(time.Second)
	if !start.IsZero() {
		from, to = start.Add(-sessionWithin), start.Add(sessionWithin)
	}
	looked, told, err := s.History(ctx, c, organizer, from, to)
	switch {
	case err == nil || isKind(err, NotFound) || isKind(err, Forbidden):
	case c.Stale && passing(err): // what is known without it has to do, and is old
		told = Seen{At: now, Err: err}
	default:
		return Absence{}, Seen{}, fmt.Errorf("looking for the session: %w", err)
	}
	if known {
		told = told.And(seen)
	}
	var session Past
	for _, p := range looked.Rows {
		if p.MeetingID != id {
			continue
		}
		if session.MeetingID == "" || !start.IsZero() && p.Start.Sub(start).Abs() < session.Start.Sub(start).Abs() {
			session = p
		}
	}
	return absent(m, known, session, start, now), told, nil
}

// dayBefore is how far back a session may have begun that has no report yet.
const dayBefore = 24 * time.Hour

// absent tells the cause from what is known: the meeting if GoTo tells it, and
// the session if history lists it.
func absent(m Meeting, known bool, session Past, start, now time.Time) Absence {
	a := Absence{Meeting: m, Session: session}
	since := now.Sub(m.End)
	planned := known && !m.Timeless()
	switch {
	case session.MeetingID != "" && session.SessionID == "":
		a.Cause = Erased
	case session.MeetingID != "" && Fresh(session.End, now):
		a.Cause, a.Ended = JustEnded, session.End
	case session.MeetingID != "" && session.Attendees == 0:
		a.Cause = NobodyJoined
	case session.MeetingID != "":
		a.Cause = NotListed
	case known && m.Running && (start.IsZero() || now.Sub(start) < dayBefore):
		a.Cause = StillRunning
	case planned && since >= 0 && Fresh(m.End, now) && (start.IsZero() || start.Sub(m.Start).Abs() <= samePlan):
		a.Cause, a.Ended = JustEnded, m.End
	case !start.IsZero():
		a.Cause = NoSuchSession
	case !known:
		a.Cause = NotKnown
	case m.Timeless():
		a.Cause = NeverUsed
	case m.Start.After(now):
		a.Cause = NotHeldYet
	case since < 0:
		a.Cause = NotStarted
	default:
		a.Cause = NotHeld
	}
	return a
}
