package reports

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portal/attendance"
	"portal/gotomeeting"
	"portal/meetings"
)

// meetingsAtOnce is how many meetings are read side by side where GoTo answers
// attendees by meeting alone.
const meetingsAtOnce = 4

// errManyMeetings says that there are more meetings than may be read one by one.
var errManyMeetings = errors.New("too many meetings to read one by one")

// windows cuts [from, to) into what one call to GoTo covers. They do not
// overlap: what is asked for is told apart by when it started.
func windows(from, to time.Time) []meetings.Span {
	var cut []meetings.Span
	for from.Before(to) {
		end := from.Add(gotomeeting.HistoryWindow)
		if end.After(to) {
			end = to
		}
		cut = append(cut, meetings.Span{Start: from, End: end})
		from = end
	}
	return cut
}

// gatherer reads one organizer's sessions with everybody who came.
type gatherer struct {
	Meetings
	caller meetings.Caller
	ask    func(ctx context.Context, call func(context.Context) error) error
	step   func()      // a call was made, or is not needed
	more   func(n int) // so many more have to be made than two a window, or fewer
	most   int         // meetings that may be read one by one; 0 any
	// holds tells whether so many rows more may be held until pair has sorted
	// them. It is called by several at once.
	holds func(rows int) bool

	mu   sync.Mutex
	seen meetings.Seen
}

// session is one session and who came to it. There may be no rows of it.
type session struct {
	meetings.Past
	came attendance.Occurrence
}

// organizer reads the sessions that started in the windows, oldest first: in
// each window one call for the sessions, and where there are any one for
// everybody who came. Who is no admin may not make the latter; then it is one
// call for each meeting. strays are the occurrences among the rows that GoTo's
// history does not know.
func (g *gatherer) organizer(ctx context.Context, key string, spans []meetings.Span) (list []session, strays int, err error) {
	var past []meetings.Past
	var came []meetings.Attendance
	byMeeting := key == "" && g.caller.UserKey == ""
	for _, w := range spans {
		rows, err := g.past(ctx, key, w)
		if err != nil {
			return nil, 0, err
		}
		if !g.holds(len(rows)) {
			return nil, 0, errTooMuch
		}
		past = append(past, rows...)
		if len(rows) > 0 && !byMeeting {
			got, err := g.byOrganizer(ctx, key, w)
			kind, _ := meetings.FaultKind(err)
			switch {
			case kind == meetings.Forbidden && key == "":
				byMeeting = true
			case err != nil:
				return nil, 0, err
			case !g.holds(joins(got...)):
				return nil, 0, errTooMuch
			default:
				came = append(came, got...)
			}
		}
		g.step()
	}
	if byMeeting {
		if came, err = g.byMeeting(ctx, past); err != nil {
			return nil, 0, err
		}
	}
	list, strays = pair(past, came, spans)
	return list, strays, nil
}

func (g *gatherer) past(ctx context.Context, key string, w meetings.Span) (rows []meetings.Past, err error) {
	defer g.step()
	err = g.ask(ctx, func(ctx context.Context) error {
		looked, seen, err := g.History(ctx, g.caller, key, w.Start, w.End)
		rows = looked.Rows
		g.asked(seen, err)
		return err
	})
	return rows, err
}

func (g *gatherer) byOrganizer(ctx context.Context, key string, w meetings.Span) (came []meetings.Attendance, err error) {
	err = g.ask(ctx, func(ctx context.Context) error {
		var seen meetings.Seen
		came, seen, err = g.OrganizerAttendees(ctx, g.caller, key, w.Start, w.End)
		g.asked(seen, err)
		return err
	})
	return came, err
}

// byMeeting reads who came meeting by meeting, whatever the session.
func (g *gatherer) byMeeting(ctx context.Context, past []meetings.Past) ([]meetings.Attendance, error) {
	var ids []string
	for _, p := range past {
		ids = append(ids, p.MeetingID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if g.most > 0 && len(ids) > g.most {
		return nil, errManyMeetings
	}
	g.more(len(ids))
	came := make([]meetings.Attendance, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(meetingsAtOnce)
	for i, id := range ids {
		group.Go(func() error {
			defer g.step()
			err := g.ask(ctx, func(ctx context.Context) error {
				got, seen, err := g.Attendees(ctx, g.caller, id)
				if kind, _ := meetings.FaultKind(err); kind == meetings.NotFound {
					err = nil // deleted since, and its rows with it
				}
				came[i] = got
				g.asked(seen, err)
				return err
			})
			if err == nil && !g.holds(joins(came[i])) {
				err = errTooMuch
			}
			return err
		})
	}
	return came, group.Wait()
}

// joins counts the rows.
func joins(came ...meetings.Attendance) int {
	n := 0
	for _, a := range came {
		for _, o := range a.Occurrences {
			n += len(o.Joins)
		}
	}
	return n
}

func (g *gatherer) asked(seen meetings.Seen, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil && !seen.At.IsZero() {
		g.seen = g.seen.And(seen)
	}
}

// pair gives each session the occurrence that started with it: they share no
// key. Rows without a session are of no ended one, or GoTo's history lacks it.
func pair(past []meetings.Past, came []meetings.Attendance, spans []meetings.Span) (list []session, strays int) {
	free := map[string][]attendance.Occurrence{}
	for _, a := range came {
		free[a.MeetingID] = append(free[a.MeetingID], a.Occurrences...)
	}
	past = slices.Clone(past)
	slices.SortStableFunc(past, func(a, b meetings.Past) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.SessionID, b.SessionID))
	})
	for _, p := range past {
		s := session{Past: p}
		if o, ok := attendance.Match(free[p.MeetingID], p.Start); ok {
			s.came = o
			free[p.MeetingID] = slices.DeleteFunc(free[p.MeetingID], func(other attendance.Occurrence) bool {
				return other.InstanceKey == o.InstanceKey && other.Start.Equal(o.Start)
			})
		}
		list = append(list, s)
	}
	for _, others := range free {
		for _, o := range others {
			if len(spans) > 0 && !o.Start.Before(spans[0].Start) && o.Start.Before(spans[len(spans)-1].End) {
				strays++
			}
		}
	}
	return list, strays
}
