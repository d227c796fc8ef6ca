package meetings

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"portal/attendance"
	"portal/gotomeeting"
)

// Occurrence is one session of a meeting with everybody who joined it.
type Occurrence = attendance.Occurrence

// Join is one entry of one attendee into an occurrence.
type Join = attendance.Join

// Attendance is who came to a meeting, by occurrence.
type Attendance struct {
	MeetingID   string
	Subject     string // "" when there was no row to tell it
	Occurrences []Occurrence

	OrganizerKey string // "" when there was no row to tell it
}

// attendeesOf, and the meeting's id, is the question that Attendees asks.
const attendeesOf = "attendees "

// Attendees reads who came, in one call: GoTo answers the joins of every
// occurrence of the meeting at once. An admin may ask for any meeting of the
// account, others for their own.
func (s *Service) Attendees(ctx context.Context, c Caller, id string) (Attendance, Seen, error) {
	rows, seen, err := read(ctx, s, c, readDeadline, attendeesOf+id, func(ctx context.Context) ([]gotomeeting.Join, error) {
		return s.goTo.Attendees(ctx, c.Tokens, id)
	})
	if err != nil {
		return Attendance{}, Seen{}, fmt.Errorf("reading attendees: %w", err)
	}
	a := Attendance{MeetingID: id}
	joins := make([]attendance.Join, 0, len(rows))
	for _, r := range rows {
		a.Subject, a.OrganizerKey = cmp.Or(a.Subject, r.Subject), cmp.Or(a.OrganizerKey, r.OrganizerKey)
		joins = append(joins, joinOf(r))
	}
	a.Occurrences = attendance.Occurrences(joins)
	return a, seen, nil
}

func joinOf(r gotomeeting.Join) Join {
	return Join{
		Name: r.Name, Email: r.Email, Joined: r.Joined, Left: r.Left,
		InstanceKey: r.InstanceKey, Start: r.Start, End: r.End,
		OrganizerEmail: r.OrganizerEmail, Attendees: r.NumAttendees, Minutes: r.Minutes,
	}
}

// Choose finds the occurrence that ref names: an instance key, or a start as
// YYYY-MM-DDTHH:MM:SSZ, since history knows no instance key. "" is the latest.
func (a Attendance) Choose(ref string) (Occurrence, bool) {
	if ref == "" {
		if len(a.Occurrences) == 0 {
			return Occurrence{}, false
		}
		return a.Occurrences[0], true
	}
	for _, o := range a.Occurrences {
		if o.InstanceKey == ref {
			return o, true
		}
	}
	start, err := time.Parse(time.RFC3339, ref)
	if err != nil {
		return Occurrence{}, false
	}
	return attendance.Match(a.Occurrences, start)
}

// JoinQuery chooses and orders the joins of an occurrence.
type JoinQuery struct {
	Text string // in name or e-mail
	Sort string // a column key; "" GoTo's order
	Desc bool
}

// Apply returns the joins that q asks for, in its order, as a new slice.
func (q JoinQuery) Apply(joins []Join) []Join {
	needle := fold(q.Text)
	out := make([]Join, 0, len(joins))
	for _, j := range joins {
		if needle == "" || contains(needle, j.Name, j.Email) {
			out = append(out, j)
		}
	}
	by := map[string]func(a, b Join) int{
		"name":    func(a, b Join) int { return strings.Compare(fold(a.Name), fold(b.Name)) },
		"email":   func(a, b Join) int { return strings.Compare(fold(a.Email), fold(b.Email)) },
		"join":    func(a, b Join) int { return a.Joined.Compare(b.Joined) },
		"leave":   func(a, b Join) int { return a.Left.Compare(b.Left) },
		"minutes": func(a, b Join) int { return cmp.Compare(attendance.Minutes(a), attendance.Minutes(b)) },
	}[q.Sort]
	sortRows(out, by, q.Desc)
	return out
}

// Minutes is how long a join lasted, in whole minutes.
func Minutes(j Join) int { return attendance.Minutes(j) }
