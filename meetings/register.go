package meetings

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"portal/attendance"
	"portal/gotomeeting"
)

// Member is one person's line in a register.
type Member = attendance.Member

const (
	day = 24 * time.Hour
	// registerReach is how far back sessions in which nobody is recorded are
	// looked for: GoTo keeps about a year.
	registerReach = 366 * day
)

// Register is who came to which session of a meeting.
type Register struct {
	Attendance                // of all its sessions
	attendance.Series         // of those in the range
	Told              []Past  // what GoTo's history says of each date; zero where it does not know it
	Missing           error   // why it could not be asked: it alone knows of sessions in which nobody is recorded
	Aliases           Aliases // who is who
	NoAliases         error   // why that is not known, and people are as GoTo's rows have them
}

// Register reads who came to the sessions of a meeting that started in
// [from, to); a zero time leaves that end open. It is one call for the
// attendees of them all, and then one for each window of the history since the
// first of them. A history that cannot be read costs the sessions that it alone
// knows of. organizer is whose it is, "" the caller's own.
func (s *Service) Register(ctx context.Context, c Caller, id, organizer string, from, to time.Time) (Register, Seen, error) {
	a, seen, err := s.Attendees(ctx, c, id)
	if err != nil {
		return Register{}, Seen{}, err
	}
	r := Register{Attendance: a}
	r.Aliases, r.NoAliases = s.aliasesFor(ctx, c)
	if organizer == c.UserKey {
		organizer = ""
	}
	var past []Past
	var told Seen
	if since, until := s.registerSpan(a, from, to); since.Before(until) {
		past, told, err = s.past(ctx, c, organizer, since, until)
	}
	switch _, fault := FaultKind(err); {
	case err == nil:
		seen = seen.And(told)
	case !fault || isKind(err, InvalidToken):
		return Register{}, Seen{}, err
	default:
		r.Missing = err
	}
	past = slices.DeleteFunc(past, func(p Past) bool { return p.MeetingID != id })

	terms := attendance.Terms{Aliases: r.Aliases.Terms(), Taken: seen.At}
	within := func(start time.Time) bool {
		return !start.Before(from) && (to.IsZero() || start.Before(to))
	}
	var dates []attendance.Presence
	// Each session that history names is one that has attendees, or another.
	sessions := make([]Occurrence, len(past))
	for i, p := range past {
		sessions[i] = Occurrence{InstanceKey: strconv.Itoa(i), Start: p.Start, End: p.End}
	}
	matched := map[string]Past{}
	seenThere := make([]bool, len(past))
	for _, o := range a.Occurrences {
		if match, ok := attendance.Match(sessions, o.Start); ok {
			i, _ := strconv.Atoi(match.InstanceKey)
			matched[dateKey(o)], seenThere[i] = past[i], true
		}
		if within(o.Start) {
			dates = append(dates, attendance.Measure(o, terms))
		}
	}
	for i, p := range past {
		if o := (Occurrence{Start: p.Start, End: p.End}); !seenThere[i] && within(p.Start) {
			matched[dateKey(o)] = p
			dates = append(dates, attendance.Measure(o, terms))
		}
	}
	r.Series = attendance.Roll(dates)
	for _, d := range r.Dates {
		r.Told = append(r.Told, matched[dateKey(d.Occurrence)])
	}
	return r, seen, nil
}

// dateKey tells the dates of a register apart.
func dateKey(o Occurrence) string { return o.InstanceKey + o.Start.Format(" "+time.RFC3339) }

// registerSpan is over which time the history is asked: as little as the range
// and the sessions known so far leave. It is empty where GoTo keeps none.
func (s *Service) registerSpan(a Attendance, from, to time.Time) (since, until time.Time) {
	today := s.Now().Truncate(day).Add(day) // so that all questions of a day are one
	since, until = from, today
	if !to.IsZero() && to.Before(until) {
		until = to
	}
	if since.IsZero() {
		since = until.Add(-gotomeeting.HistoryWindow) // one call in any case
		for _, o := range a.Occurrences {
			if first := o.Start.Add(-time.Hour); !o.Start.IsZero() && first.Before(since) {
				since = first // history can name a start that is a little earlier
			}
		}
	}
	if oldest := today.Add(-registerReach); since.Before(oldest) {
		since = oldest
	}
	return since, until
}

// OneOf is at how many of the dates somebody is recorded: attendance is
// counted of those.
func (r Register) OneOf() int {
	n := 0
	for date := range r.Dates {
		if r.Held(date) {
			n++
		}
	}
	return n
}

// GoTos is GoTo's own count of attendees on a date; 0 when it gives none.
func (r Register) GoTos(date int) int {
	return cmp.Or(r.Told[date].Attendees, r.Dates[date].Told().Attendees)
}

// Unlisted tells whether the history knows none of the sessions, so that it is
// not theirs.
func (r Register) Unlisted() bool {
	return r.Missing == nil && len(r.Dates) > 0 && !slices.ContainsFunc(r.Told, func(p Past) bool { return p.MeetingID != "" })
}

// Decisions are those that made the members what they are.
func (r Register) Decisions() []Decision {
	var all []Decision
	for _, m := range r.Members {
		all = append(all, m.Decisions...)
	}
	return all
}

// DateTotal is what the members have of a date: people, and the sum of their
// minutes as shown.
func DateTotal(members []Member, date int) (people, minutes int) {
	return attendance.Series{Members: members}.Total(date)
}

// RegisterQuery chooses and orders the people of a register.
type RegisterQuery struct {
	Text string // in any of the names and addresses
	Sort string // a column key; "" by name
	Desc bool
}

// Known returns q with the order in which Apply puts people: by name unless
// Sort names a column.
func (q RegisterQuery) Known() RegisterQuery {
	if _, known := memberOrder(q.Sort); !known {
		q.Sort = "name"
	}
	return q
}

// Apply returns the members that q asks for, in its order, as a new slice.
func (q RegisterQuery) Apply(members []Member) []Member {
	q = q.Known()
	needle := attendance.Fold(q.Text)
	out := make([]Member, 0, len(members))
	for _, m := range members {
		if needle == "" || memberCalled(m, needle) {
			out = append(out, m)
		}
	}
	by, _ := memberOrder(q.Sort)
	sortRows(out, by, q.Desc)
	return out
}

// memberCalled tells whether one of the member's names or addresses, on any
// date, holds needle.
func memberCalled(m Member, needle string) bool {
	holds := func(s string) bool { return strings.Contains(attendance.Fold(s), needle) }
	if holds(m.Name) || holds(m.Email) {
		return true
	}
	return slices.ContainsFunc(m.Cells, func(c attendance.Cell) bool {
		return c.There && (holds(c.Person.Name) || holds(c.Person.Email) || slices.ContainsFunc(c.Person.Names, holds) || slices.ContainsFunc(c.Person.Emails, holds))
	})
}

// memberOrder is how a column's members compare, and whether there is such a
// column; nil leaves them by name, as equals stay.
func memberOrder(column string) (by func(a, b Member) int, known bool) {
	switch column {
	case "name":
		return nil, true
	case "email":
		return func(a, b Member) int { return blankLast(attendance.Fold(a.Email), attendance.Fold(b.Email)) }, true
	case "attended":
		return func(a, b Member) int { return cmp.Compare(a.Attended, b.Attended) }, true
	case "minutes":
		return func(a, b Member) int { return cmp.Compare(a.Minutes, b.Minutes) }, true
	case "streak":
		return func(a, b Member) int { return cmp.Compare(a.Streak, b.Streak) }, true
	case "longest":
		return func(a, b Member) int { return cmp.Compare(a.Longest, b.Longest) }, true
	}
	return nil, false
}
