package meetings

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"portal/attendance"
)

// Presence is who was in one occurrence, and for how long.
type Presence = attendance.Presence

// Attendee is somebody who was there.
type Attendee = attendance.Person

// Span is from Start until before End, UTC.
type Span = attendance.Span

// Yardstick is what a user measures presence by.
type Yardstick struct {
	Scheduled   bool          // shares, late and early are of the planned time
	Late, Early time.Duration // that one may come late and leave early
	Quorum      int           // people; 0 none
}

// Unplanned says why there is no planned time to measure by.
type Unplanned string

// The reasons. "" is for a meeting that has a plan, or was not asked for it.
const (
	PlanUnknown Unplanned = "unknown" // GoTo does not tell the meeting, any more or to this caller
	PlanOfRoom  Unplanned = "room"    // a room has no date
	PlanOfNow   Unplanned = "now"     // an immediate meeting's is made up
)

// Came is who came to one occurrence of a meeting.
type Came struct {
	Attendance
	Found     bool     // there is such an occurrence
	Presence  Presence // in it
	Unplanned Unplanned
	Aliases   Aliases // who is who
	NoAliases error   // why that is not known, and people are as GoTo's rows have them
}

// Came reads who was in the occurrence that ref names, as Choose does, and
// measures it. It is one call to GoTo, and one more at the same time for the
// plan when y asks for it.
func (s *Service) Came(ctx context.Context, c Caller, id, organizer, ref string, y Yardstick) (Came, Seen, error) {
	var (
		came            Came
		seen, planSeen  Seen
		plan            Meeting
		group, groupCtx = errgroup.WithContext(ctx)
	)
	group.Go(func() (err error) {
		came.Attendance, seen, err = s.Attendees(groupCtx, c, id)
		return err
	})
	if y.Scheduled {
		group.Go(func() (err error) {
			plan, planSeen, err = s.Get(groupCtx, c, id, organizer)
			if isKind(err, NotFound) || isKind(err, Forbidden) {
				plan, err = Meeting{}, nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Came{}, Seen{}, err
	}
	o, found := came.Choose(ref)
	if came.Found = found; !found {
		return came, seen, nil
	}
	came.Aliases, came.NoAliases = s.aliasesFor(ctx, c)
	terms := attendance.Terms{Aliases: came.Aliases.Terms(), Late: y.Late, Early: y.Early, Quorum: y.Quorum, Taken: seen.At}
	if y.Scheduled {
		terms.Planned, came.Unplanned = planned(plan, o.Start)
		if !planSeen.At.IsZero() {
			seen = seen.And(planSeen)
		}
	}
	came.Presence = attendance.Measure(o, terms)
	return came, seen, nil
}

// planned is when the occurrence that began at start was to be held. On the day
// of the plan it is the plan itself: who came before its time was not early,
// and who came after it was late. On another day, since a meeting can be
// started at any time, all that holds is how long it was to take.
func planned(m Meeting, start time.Time) (Span, Unplanned) {
	switch {
	case m.Type == Recurring:
		return Span{}, PlanOfRoom
	case m.Type == Immediate:
		return Span{}, PlanOfNow
	case m.Start.IsZero() || m.Length() <= 0:
		return Span{}, PlanUnknown
	case start.IsZero() || start.Sub(m.Start).Abs() <= samePlan:
		return Span{Start: m.Start, End: m.End}, ""
	}
	return Span{Start: start, End: start.Add(m.Length())}, ""
}

// samePlan is how far from its planned start a meeting can begin and still be
// the one that was planned.
const samePlan = 12 * time.Hour

// Remark says why a row counts otherwise than it reads.
type Remark = attendance.Remark

// The remarks that a page puts into words.
const (
	NoJoinTime  = attendance.NoJoinTime
	Backwards   = attendance.Backwards
	OutOfIt     = attendance.OutOfIt
	Clipped     = attendance.Clipped
	NoLeaveTime = attendance.NoLeaveTime
	StillIn     = attendance.StillIn
)

// How GoTo's count and ours go together, for a page to put into words.
const (
	Untold         = attendance.Untold
	Agrees         = attendance.Agrees
	CountsJoins    = attendance.CountsJoins
	CountsSplits   = attendance.CountsSplits
	RowsAreMissing = attendance.RowsAreMissing
)

// Reconcile sets what GoTo's rows say of the occurrence against what was made
// of them.
func Reconcile(p Presence) attendance.Reconciliation { return attendance.Reconcile(p, p.Told()) }

// PersonQuery chooses and orders people of an occurrence. Everything that is
// set has to hold.
type PersonQuery struct {
	Text    string  // in any of the names and addresses
	AtLeast float64 // per cent of the base, as Percent counts; 0 any
	Late    bool    // who came late
	Early   bool    // who left early
	NoEmail bool    // who gave no address
	Sort    string  // a column key; "" by name
	Desc    bool
}

// Known returns q with the order in which Apply puts people: by name unless
// Sort names a column.
func (q PersonQuery) Known() PersonQuery {
	if _, known := personOrder(q.Sort, Presence{}); !known {
		q.Sort = "name"
	}
	return q
}

// Narrows tells whether q leaves anybody out who does not fit.
func (q PersonQuery) Narrows() bool {
	return attendance.Fold(q.Text) != "" || q.AtLeast > 0 || q.Late || q.Early || q.NoEmail
}

// Apply returns the people that q asks for, in its order, as a new slice.
func (q PersonQuery) Apply(p Presence) []Attendee {
	q = q.Known()
	needle := attendance.Fold(q.Text)
	out := make([]Attendee, 0, len(p.People))
	for _, who := range p.People {
		if q.Late && !who.Late || q.Early && !who.Early || q.NoEmail && who.Email != "" ||
			q.AtLeast > 0 && Percent(who.Share) < q.AtLeast || needle != "" && !called(who, needle) {
			continue
		}
		out = append(out, who)
	}
	by, _ := personOrder(q.Sort, p)
	sortRows(out, by, q.Desc)
	return out
}

// called tells whether one of the person's names or addresses holds needle.
func called(who Attendee, needle string) bool {
	holds := func(s string) bool { return strings.Contains(attendance.Fold(s), needle) }
	return holds(who.Name) || holds(who.Email) || slices.ContainsFunc(who.Names, holds) || slices.ContainsFunc(who.Emails, holds)
}

// personOrder is how a column's people compare, and whether there is such a
// column. By name is the order they come in; nil leaves it, and equals stay in
// it.
func personOrder(column string, p Presence) (by func(a, b Attendee) int, known bool) {
	switch column {
	case "name":
	case "email":
		by = func(a, b Attendee) int { return blankLast(attendance.Fold(a.Email), attendance.Fold(b.Email)) }
	case "first_in":
		by = func(a, b Attendee) int { return a.FirstIn.Compare(b.FirstIn) }
	case "last_out":
		by = func(a, b Attendee) int {
			return cmp.Or(compareBool(a.StillIn, b.StillIn), a.LastOut.Compare(b.LastOut))
		}
	case "joins":
		by = func(a, b Attendee) int { return cmp.Compare(len(a.Joins), len(b.Joins)) }
	case "minutes", "share":
		by = func(a, b Attendee) int { return cmp.Compare(a.Present, b.Present) }
	case "status":
		by = func(a, b Attendee) int { return strings.Compare(Status(a, p), Status(b, p)) }
	default:
		return nil, false
	}
	return by, true
}

func blankLast(a, b string) int {
	return cmp.Or(compareBool(a == "", b == ""), strings.Compare(a, b))
}

// Percent writes a share as every page and file does, in per cent with one
// decimal.
func Percent(share float64) float64 { return math.Round(share*1000) / 10 }

// PresentMinutes is how long somebody was there, as it is shown.
func PresentMinutes(who Attendee) int { return attendance.WholeMinutes(who.Present) }

// TotalMinutes adds up what is shown of the people.
func TotalMinutes(people []Attendee) int {
	sum := 0
	for _, who := range people {
		sum += PresentMinutes(who)
	}
	return sum
}

// Status says in words of files and pages alike how somebody attended p.
func Status(who Attendee, p Presence) string {
	var words []string
	if who.Late {
		words = append(words, "late")
	}
	switch {
	case len(who.Spans) == 0:
		words = append(words, "no time counted")
	case who.StillIn:
		words = append(words, "still in")
	case who.Early:
		words = append(words, "left early")
	case p.Running:
		words = append(words, "left")
	}
	if len(words) == 0 {
		return "on time"
	}
	return strings.Join(words, ", ")
}
