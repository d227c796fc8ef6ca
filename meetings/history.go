package meetings

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portal/gotomeeting"
)

// AllOrganizers as an organizer key asks for the whole account.
const AllOrganizers = "all"

// organizersAtOnce bounds how many organizers are read side by side; the
// client's own limiter keeps below GoTo's rate.
const organizersAtOnce = 4

// Past is one session of a meeting that is over.
type Past struct {
	MeetingID    string
	SessionID    string
	Subject      string
	Start, End   time.Time // UTC
	Minutes      int       // GoTo's own length
	Attendees    int       // GoTo's own count
	Type         string
	Organizer    Person
	RecordingURL string // "" when there is none to open
	// RecordingPending is set when GoTo names a recording that cannot be
	// opened yet.
	RecordingPending bool
}

// Looked is a look back: the rows found, and whose could not be read.
type Looked struct {
	Rows    []Past // newest first
	Missing []Missing
}

// Missing names an organizer whose meetings could not be read.
type Missing struct {
	Organizer Person
	Err       error
}

// History returns the sessions that started in [from, to): the caller's own
// when organizer is "", for admins another organizer's or AllOrganizers. GoTo
// does not list running meetings here. It is one call per organizer and
// window.
func (s *Service) History(ctx context.Context, c Caller, organizer string, from, to time.Time) (Looked, Seen, error) {
	if organizer == c.UserKey {
		organizer = ""
	}
	if organizer != "" && !c.Admin {
		return Looked{}, Seen{}, notAdmin("history")
	}
	if organizer != AllOrganizers {
		rows, seen, err := s.past(ctx, c, organizer, from, to)
		return Looked{Rows: rows}, seen, err
	}
	people, seen, err := s.People(ctx, c)
	if err != nil {
		return Looked{}, Seen{}, err
	}
	var (
		mu  sync.Mutex
		out Looked
	)
	// A whole account makes many calls: pages of others go first.
	group, gctx := errgroup.WithContext(gotomeeting.WithLane(ctx, gotomeeting.LaneBackground))
	group.SetLimit(organizersAtOnce)
	asked := 0
	for _, u := range people {
		if u.Status == "INVITED" {
			continue // has never signed in, so has held nothing
		}
		asked++
		group.Go(func() error {
			rows, theirs, err := s.past(gctx, c, u.Key, from, to)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				out.Missing = append(out.Missing, Missing{u.Person, err})
				return nil
			}
			out.Rows, seen = append(out.Rows, rows...), seen.And(theirs)
			return nil
		})
	}
	_ = group.Wait() // the functions above never fail: a refusal is a partial result
	slices.SortFunc(out.Missing, func(a, b Missing) int { return strings.Compare(a.Organizer.Label(), b.Organizer.Label()) })
	if asked > 0 && len(out.Missing) == asked {
		return Looked{}, Seen{}, out.Missing[0].Err
	}
	newestFirst(out.Rows)
	return out, seen, nil
}

func (s *Service) past(ctx context.Context, c Caller, organizer string, from, to time.Time) ([]Past, Seen, error) {
	question := fmt.Sprint("history ", organizer, " ", from.Unix(), " ", to.Unix())
	got, seen, err := read(ctx, s, c, pastDeadline, question, func(ctx context.Context) ([]gotomeeting.PastMeeting, error) {
		got, err := s.goTo.History(ctx, c.Tokens, organizer, from, to)
		learned := map[string]Known{}
		for _, g := range got {
			o := rowOrganizer(g.OrganizerKey, g.OrganizerFirstName, g.OrganizerLastName, g.OrganizerEmail)
			learned[o.Key] = Known{Key: o.Key, Name: o.Name, Email: o.Email}
		}
		s.learn(ctx, c, learned)
		return got, err
	})
	if err != nil {
		return nil, Seen{}, fmt.Errorf("reading past meetings: %w", err)
	}
	rows := make([]Past, 0, len(got))
	for _, g := range got {
		if g.Start.Before(from) || !g.Start.Before(to) {
			continue
		}
		p := Past{
			MeetingID: g.ID, SessionID: g.SessionID, Subject: g.Subject, Start: g.Start, End: g.End, Type: g.Type,
			Minutes: int(g.Length.Minutes()), Attendees: g.Attendees,
			Organizer: rowOrganizer(g.OrganizerKey, g.OrganizerFirstName, g.OrganizerLastName, g.OrganizerEmail),
		}
		if g.Recording != nil {
			p.RecordingURL = g.Recording.Link()
			p.RecordingPending = p.RecordingURL == ""
		}
		rows = append(rows, p)
	}
	newestFirst(rows)
	return rows, seen, nil
}

func newestFirst(rows []Past) {
	slices.SortStableFunc(rows, func(a, b Past) int {
		return cmp.Or(b.Start.Compare(a.Start), strings.Compare(a.SessionID, b.SessionID))
	})
}

// PastQuery chooses and orders rows of the history.
type PastQuery struct {
	Text string // in subject, meeting id, organizer's name, e-mail or key
	Sort string // a column key; "" newest first
	Desc bool
}

// Known returns q with the order in which Apply puts rows: newest first unless
// Sort names a column.
func (q PastQuery) Known() PastQuery {
	if pastOrder(q.Sort) == nil {
		q.Sort, q.Desc = "start", true
	}
	return q
}

// Apply returns the rows that q asks for, in its order, as a new slice.
func (q PastQuery) Apply(list []Past) []Past {
	q = q.Known()
	needle := fold(q.Text)
	idNeedle, isID := ParseID(q.Text)
	out := make([]Past, 0, len(list))
	for _, p := range list {
		if needle == "" || contains(needle, p.Subject, p.MeetingID, p.Organizer.Name, p.Organizer.Email, p.Organizer.Key) ||
			isID && strings.Contains(p.MeetingID, idNeedle) {
			out = append(out, p)
		}
	}
	sortRows(out, pastOrder(q.Sort), q.Desc)
	return out
}

// pastOrder is how a column's rows compare; nil for no column.
func pastOrder(column string) func(a, b Past) int {
	switch column {
	case "subject":
		return func(a, b Past) int { return strings.Compare(fold(a.Subject), fold(b.Subject)) }
	case "meeting_id":
		return func(a, b Past) int { return compareDigits(a.MeetingID, b.MeetingID) }
	case "session_id":
		return func(a, b Past) int { return compareDigits(a.SessionID, b.SessionID) }
	case "start":
		return func(a, b Past) int { return a.Start.Compare(b.Start) }
	case "end":
		return func(a, b Past) int { return a.End.Compare(b.End) }
	case "minutes":
		return func(a, b Past) int { return cmp.Compare(a.Minutes, b.Minutes) }
	case "attendees":
		return func(a, b Past) int { return cmp.Compare(a.Attendees, b.Attendees) }
	case "type":
		return func(a, b Past) int { return strings.Compare(a.Type, b.Type) }
	case "organizer":
		return func(a, b Past) int { return strings.Compare(fold(a.Organizer.Name), fold(b.Organizer.Name)) }
	case "organizer_key":
		return func(a, b Past) int { return compareDigits(a.Organizer.Key, b.Organizer.Key) }
	}
	return nil
}
