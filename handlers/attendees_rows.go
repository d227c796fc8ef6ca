package handlers

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"portal/export"
	"portal/meetings"
	"portal/views"
)

// rowsOfOne bounds how many rows stand behind one person on the page, rowsOfAll
// how many in the disclosure of all. The view of joins has every one.
const (
	rowsOfOne = 40
	rowsOfAll = 100
)

// sitting is the occurrence that a page shows, with what its words depend on.
type sitting struct {
	meetings.Came
	loc   *time.Location
	early time.Duration // that one may leave before the end
}

// base names what shares are of.
func (s sitting) base() string {
	if s.planned() {
		return "scheduled length"
	}
	return "actual length"
}

func (s sitting) planned() bool { return s.Presence.Base != s.Presence.Actual }

func (s sitting) minutes(span meetings.Span) int {
	return int(span.Length().Round(time.Minute).Minutes())
}

func (s sitting) clock(t time.Time) string { return clockOn(t, s.Presence.Start, s.loc) }

// personRow is a person as a row of the page; many leads to all the rows of who
// has too many.
func (s sitting) personRow(n int, who meetings.Attendee, many string) views.PersonRow {
	r := views.PersonRow{
		ID: "person-" + strconv.Itoa(n), Name: who.Name, Email: who.Email, Organizer: who.Organizer,
		In: s.clock(who.FirstIn), InDatetime: iso(who.FirstIn, time.UTC), Out: s.clock(who.LastOut), OutDatetime: iso(who.LastOut, time.UTC), StillIn: who.StillIn,
		Joins: len(who.Joins), Minutes: meetings.PresentMinutes(who), Share: percent(who.Share), Also: append(append([]string(nil), who.Names...), who.Emails...),
	}
	r.Time = length(r.Minutes)
	for word := range strings.SplitSeq(meetings.Status(who, s.Presence), ", ") {
		r.Status = append(r.Status, views.Word{Text: word, Kind: statusKinds[word]})
	}
	counted := time.Duration(0)
	for i, j := range who.Joins {
		span, _ := s.Presence.Counted(j)
		counted += span.Length()
		if i < rowsOfOne {
			row := s.joinRow(j)
			if j.Name == who.Name {
				row.Name = ""
			}
			r.Rows = append(r.Rows, row)
		}
	}
	if counted > who.Present {
		r.Overlap = "Some of it was at the same time, which counts once: " + r.Time + ", not " + length(int(counted.Round(time.Minute).Minutes())) + "."
	}
	if len(who.Joins) > rowsOfOne {
		r.More = views.Link{Label: "All " + strconv.Itoa(len(who.Joins)) + " rows", URL: many}
	}
	return r
}

var statusKinds = map[string]string{"late": "warn", "left early": "warn", "still in": "live", "no time counted": "warn"}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", meetings.Percent(share)) }

// joinRow is one of GoTo's rows, with how long it counted and why that is not
// what it says.
func (s sitting) joinRow(j meetings.Join) views.JoinRow {
	span, why := s.Presence.Counted(j)
	return views.JoinRow{
		Name: j.Name, Email: j.Email, Minutes: strconv.Itoa(meetings.Minutes(j)), Counted: length(s.minutes(span)), Remark: s.remark(j, span, why),
		Join: s.clock(j.Joined), JoinDatetime: iso(j.Joined, time.UTC), Leave: s.clock(j.Left), LeaveDatetime: iso(j.Left, time.UTC),
	}
}

// remark says in plain words why a row counts otherwise than it reads; "" when
// it does not.
func (s sitting) remark(j meetings.Join, span meetings.Span, why meetings.Remark) string {
	from, to := "", ""
	if span.Start.After(j.Joined) {
		from = "from " + s.clock(span.Start) + ", when the session began"
	}
	switch why {
	case meetings.NoJoinTime:
		return "Not counted: GoTo does not say when it began."
	case meetings.Backwards:
		return "Not counted: it ends before it begins."
	case meetings.OutOfIt:
		return "Not counted: it lies outside of the session."
	case meetings.StillIn:
		to = "until " + s.clock(span.End) + ", when GoTo was asked: still in"
	case meetings.NoLeaveTime:
		to = "until " + s.clock(span.End) + ", when the session ended: GoTo does not say when it ended"
	case meetings.Clipped:
		if span.End.Before(j.Left) {
			to = "until " + s.clock(span.End) + ", when the session ended"
		}
	default:
		return ""
	}
	if from != "" && to != "" {
		return "Counted " + from + ", and " + to + "."
	}
	return "Counted " + from + to + "."
}

// reconciled sets GoTo's own figures beside ours in a sentence or two. complete
// is false when rows are missing, which time may mend when it is fresh.
func reconciled(p meetings.Presence, fresh bool) (text string, complete bool) {
	r := meetings.Reconcile(p)
	complete = true
	people := count(r.People, "person", "people")
	switch r.Verdict {
	case meetings.Untold:
		text = "GoTo gives no count of its own for this session."
	case meetings.Agrees:
		text = "GoTo itself counts " + count(r.Attendees, "attendee", "attendees") + ", as here."
	case meetings.CountsJoins:
		text = fmt.Sprintf("GoTo itself counts %d attendees: one for each join. They are %s, since some came back or used a second device.", r.Attendees, people)
	case meetings.CountsSplits:
		text = fmt.Sprintf("GoTo itself counts %s. Here they are %s, since your account decided who is who.", count(r.Attendees, "attendee", "attendees"), people)
	case meetings.RowsAreMissing:
		text = fmt.Sprintf("GoTo itself counts %s, but lists only %s: the list is not complete.", count(r.Attendees, "attendee", "attendees"), count(r.Joins, "join", "joins"))
		if complete = false; fresh {
			text += inAWhile
		}
	default:
		text = fmt.Sprintf("GoTo itself counts %s, and its rows make %s; why, the rows do not tell.", count(r.Attendees, "attendee", "attendees"), people)
	}
	switch {
	case r.Minutes == 0:
	case r.MinutesAgree() && r.Verdict == meetings.Agrees:
		text += " Its length of " + length(r.Minutes) + " agrees, too."
	case r.MinutesAgree():
		text += " Its length of " + length(r.Minutes) + " agrees."
	default:
		text += " It gives a length of " + length(r.Minutes) + "; from start to end it is " + length(r.Length) + "."
	}
	return text, complete
}

func fact(name, value string) export.Fact { return export.Fact{Name: name, Value: value} }

// attendeesTable is the people as a file.
func attendeesTable(people []meetings.Attendee, s sitting) export.Table {
	return export.Table{Name: "Attendees", Zone: s.loc, Columns: []export.Column{
		{Key: "name", Label: "Name"}, {Key: "email", Label: "E-mail"},
		{Key: "first_in", Label: inZone("First in", s.loc)}, {Key: "last_out", Label: inZone("Last out", s.loc)}, {Key: "first_in_iso", Label: "First in (ISO 8601)"},
		{Key: "joins", Label: "Joins"}, {Key: "minutes", Label: "Minutes"}, {Key: "share", Label: "Share of the " + s.base() + " (%)"}, {Key: "status", Label: "Status"},
	}, Rows: export.Each(people, func(cells []any, who meetings.Attendee) []any {
		return append(cells, who.Name, who.Email, who.FirstIn, who.LastOut, iso(who.FirstIn, s.loc),
			len(who.Joins), meetings.PresentMinutes(who), meetings.Percent(who.Share), meetings.Status(who, s.Presence))
	})}
}
