package meetings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"portal/attendance"
)

// What of a session can be erased at GoTo.
const (
	EraseAttendees = "attendees" // the list of who came
	EraseSession   = "session"   // all of it: the list, the recordings, and itself
)

// SessionRef names one session of a meeting.
type SessionRef struct {
	MeetingID  string
	Occurrence string // as Attendance.Choose takes it
	Organizer  string // whose it is, from admins; "" the caller's, or who the attendee rows say
}

// Erasable is a session that can be erased, and what is lost with it.
type Erasable struct {
	SessionID  string
	Subject    string
	Start, End time.Time // UTC
	Organizer  Person
	// People and Joins are what the attendee list holds. Both are 0 when
	// nobody joined, when it was erased, and when GoTo has not reported yet.
	People, Joins int
	Recording     bool // GoTo names one
}

// Errors of finding and erasing a session.
var (
	// ErrNoSession: GoTo's history lists no such session.
	ErrNoSession = errors.New("GoTo lists no such session")
	// ErrSessionErased: history lists it, as erased.
	ErrSessionErased = errors.New("the session is erased already")
	// ErrWhichSession: several sessions may be the one that is meant.
	ErrWhichSession = errors.New("several sessions began then")
	// ErrOtherSession: it is not the session that the user was shown.
	ErrOtherSession = errors.New("another session than the one that was shown")
	// ErrMaybeErased: GoTo may have done it, its answer was lost.
	ErrMaybeErased = errors.New("GoTo may have erased it")

	errNotErased = errors.New("nothing was erased")
)

// sessionWithin is how far history's start may lie from that of the attendee
// rows, as in attendance.Match.
const sessionWithin = 2 * time.Minute

// Erasable finds the session at GoTo, by two calls: attendee rows name no
// session that GoTo could erase, so the start in history has to tell. In doubt
// it is none: what is erased cannot be brought back. The caller has to be its
// organizer or an account admin.
func (s *Service) Erasable(ctx context.Context, c Caller, r SessionRef) (Erasable, error) {
	if r.Organizer != "" && r.Organizer != c.UserKey && !c.Admin {
		return Erasable{}, notAdmin("erasing")
	}
	a, _, err := s.Attendees(ctx, c, r.MeetingID)
	if err != nil {
		return Erasable{}, err
	}
	chosen, listed := a.Choose(r.Occurrence)
	start := chosen.Start
	if !listed {
		if start, err = time.Parse(time.RFC3339, r.Occurrence); err != nil {
			return Erasable{}, ErrNoSession
		}
	}
	if start.IsZero() { // rows that do not tell when
		return Erasable{}, ErrNoSession
	}
	organizer := cmp.Or(r.Organizer, a.OrganizerKey)
	switch {
	case organizer == c.UserKey:
		organizer = ""
	case organizer != "" && !c.Admin:
		return Erasable{}, ErrNotOrganizer
	}
	rows, _, err := s.past(ctx, c, organizer, start.Add(-sessionWithin), start.Add(sessionWithin+time.Second))
	if err != nil {
		return Erasable{}, err
	}
	rows = slices.DeleteFunc(rows, func(p Past) bool { return p.MeetingID != r.MeetingID })
	found := began(rows, start, func(p Past) time.Time { return p.Start })
	switch {
	case len(found) == 0:
		return Erasable{}, ErrNoSession
	case len(found) > 1:
		return Erasable{}, ErrWhichSession
	}
	past := found[0]
	// The rows have to be the session's, as it has to be theirs.
	theirs := began(a.Occurrences, past.Start, func(o Occurrence) time.Time { return o.Start })
	if listed && (len(theirs) != 1 || theirs[0].InstanceKey != chosen.InstanceKey) || !listed && len(theirs) > 0 {
		return Erasable{}, ErrWhichSession
	}
	if past.SessionID == "" {
		return Erasable{}, ErrSessionErased
	}
	aliases, err := s.Aliases(ctx, c)
	if err != nil { // people are counted as GoTo's rows have them
		s.log.WarnContext(ctx, "aliases not read", "error", err)
	}
	terms := attendance.Terms{Taken: s.Now(), Aliases: aliases.Terms()}
	return Erasable{
		SessionID: past.SessionID, Subject: cmp.Or(past.Subject, a.Subject), Start: past.Start, End: past.End,
		Organizer: Person{Key: cmp.Or(past.Organizer.Key, organizer, c.UserKey), Name: past.Organizer.Name, Email: past.Organizer.Email},
		People:    len(attendance.Measure(chosen, terms).People), Joins: len(chosen.Joins),
		Recording: past.RecordingURL != "" || past.RecordingPending,
	}, nil
}

// began returns what of the list began at start, or else about then.
func began[T any](list []T, start time.Time, startOf func(T) time.Time) []T {
	var exact, about []T
	for _, v := range list {
		switch off := startOf(v).Sub(start).Abs(); {
		case off == 0:
			exact = append(exact, v)
		case off <= sessionWithin:
			about = append(about, v)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return about
}

// Erase erases at GoTo what EraseAttendees or EraseSession names, of the session
// that the user was shown, and returns what that was. The errors are those of
// Erasable, ErrOtherSession, and how GoTo refused; with ErrMaybeErased nobody
// knows.
func (s *Service) Erase(ctx context.Context, c Caller, r SessionRef, what, shown string) (Erasable, error) {
	deed, erase := DeedEraseAttendees, s.goTo.EraseAttendees
	if what == EraseSession {
		deed, erase = DeedEraseSession, s.goTo.EraseSession
	}
	e, err := s.Erasable(ctx, c, r)
	if err != nil { // whatever became of looking, nothing was changed by it
		s.record(ctx, c, deed, r.MeetingID, "", errNotErased)
		return Erasable{}, fmt.Errorf("before erasing: %w", err)
	}
	if e.SessionID != shown {
		return e, ErrOtherSession
	}
	asking, cancel := outlive(ctx, askDeadline)
	defer cancel()
	err = erase(asking, c.Tokens, e.Organizer.Key, e.SessionID)
	s.record(ctx, c, deed, r.MeetingID, e.name(), err)
	s.kept.forgetQuestion(attendeesOf + r.MeetingID)
	switch {
	case err == nil:
		return e, nil
	case lostAnswer(err):
		return e, fmt.Errorf("erasing: %w: %w", ErrMaybeErased, err)
	case isKind(err, NotFound):
		return e, fmt.Errorf("erasing: %w", ErrSessionErased)
	}
	return e, fmt.Errorf("erasing: %w", err)
}

// name tells, in the audit log, which session it is.
func (e Erasable) name() string {
	return e.Subject + ", session " + e.SessionID + " of " + e.Start.Format("2006-01-02 15:04 UTC")
}
