package handlers

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"portal/calendar"
	"portal/export"
	"portal/meetings"
	"portal/views"
)

const (
	weekView = "week"
	dayView  = "day"

	leastSlots = 6   // of a box: as high as a line of text is, and a finger needs
	roomsShown = 8   // by name
	restShown  = 200 // of those that no lane is left for
)

// lanesOf is how many meetings have room side by side in a day's column.
var lanesOf = map[string]int{weekView: 3, dayView: 6}

// weekStart is the day that the user's weeks begin with.
func weekStart(echo.Context) time.Weekday { return time.Monday }

// calendarQuery is which days are asked for, and whose.
type calendarQuery struct {
	view, organizer string
	typed           string    // the date as it stands in the address, "" for today
	day             time.Time // as midnight UTC
	days            []calendar.Day
	problems        []views.Problem
}

func parseCalendar(c echo.Context, now time.Time) calendarQuery {
	q := calendarQuery{view: weekView, typed: strings.TrimSpace(c.QueryParam("date"))}
	if c.QueryParam("view") == dayView {
		q.view = dayView
	}
	date := now
	if q.typed != "" {
		typed, err := time.Parse(time.DateOnly, q.typed)
		if err != nil || !sane(typed) {
			q.problems = []views.Problem{{Field: "date", Text: "Enter the day as year, month, day, for example " + now.Format(time.DateOnly)}}
		} else {
			date = typed
		}
	}
	q.day = time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, time.UTC)
	q.days = calendar.Week(q.day, now.Location(), weekStart(c))
	if q.view == dayView {
		q.days = calendar.Days(q.day, now.Location(), 1)
	}
	return q
}

func (q calendarQuery) from() time.Time { return q.days[0].Start }
func (q calendarQuery) to() time.Time   { return q.days[len(q.days)-1].End }

func (q calendarQuery) has(t time.Time) bool { return !t.Before(q.from()) && t.Before(q.to()) }

// heading names the days.
func (q calendarQuery) heading() string {
	if q.view == dayView {
		return q.days[0].Date.Format("Monday, 2 January 2006")
	}
	return "Week of " + q.days[0].Date.Format("2 Jan 2006")
}

// about says of a day what a week says above its column.
func (q calendarQuery) about(loc *time.Location, now time.Time) string {
	about := "Times in " + meetings.ZoneLabel(loc, q.from())
	if q.view == weekView {
		return about
	}
	if note := clocksSet(q.days[0]); note != "" {
		about = note + " · " + about
	}
	if word, _ := dayLabel(q.days[0].Date, now); word != "" {
		about = word + " · " + about
	}
	return about
}

// entry is a meeting to come or a session that is over, as the calendar shows
// them.
type entry struct {
	meeting meetings.Meeting
	past    meetings.Past
	over    bool // past counts, else meeting
}

func (e entry) event() calendar.Event {
	if e.over {
		return calendar.Event{Start: e.past.Start, End: e.past.End}
	}
	return calendar.Event{Start: e.meeting.Start, End: e.meeting.End}
}

// agenda is what there is on the days asked for.
type agenda struct {
	entries   []entry // by start
	running   []meetings.Meeting
	rooms     []meetings.Meeting // and what else has no date
	seen      meetings.Seen
	unknown   error // why sessions that are over are missing, nil when none is
	lookedFor bool  // at sessions that are over
}

// agenda reads the meetings to come as the list of them does, and where days
// are asked for that have begun the sessions that are over, at the same time.
// Not being able to read those costs them, never the page.
func (s *server) agenda(c echo.Context, q calendarQuery) (agenda, error) {
	ctx, who, now := c.Request().Context(), reader(c), s.meetings.Now()
	var (
		a      = agenda{lookedFor: q.from().Before(now)}
		past   meetings.Looked
		looked meetings.Seen
		both   sync.WaitGroup
	)
	// Time is left to show the rest.
	until, _ := ctx.Deadline()
	back, cancel := context.WithTimeout(ctx, time.Until(until)*2/3)
	defer cancel()
	if a.lookedFor {
		both.Go(func() {
			// Sessions are found by their start, and one may reach into the first day.
			past, looked, a.unknown = s.meetings.History(back, who, q.organizer, q.from().AddDate(0, 0, -1).UTC(), q.to().UTC())
		})
	}
	list, seen, err := s.meetings.Upcoming(ctx, who, q.organizer)
	if err != nil {
		cancel()
	}
	both.Wait()
	switch {
	case err != nil:
		return agenda{}, ofOrganizer(q.organizer, err)
	case isSessionGone(a.unknown):
		return agenda{}, a.unknown
	case a.unknown == nil && a.lookedFor:
		seen = seen.And(looked)
	}
	a.seen = seen
	for _, m := range list {
		if m.Running && q.has(now) {
			a.running = append(a.running, m)
		}
		if m.Timeless() && q.to().After(now) {
			a.rooms = append(a.rooms, m)
		}
		if !m.Timeless() {
			a.add(q, entry{meeting: m})
		}
	}
	for _, p := range past.Rows {
		a.add(q, entry{past: p, over: true})
	}
	slices.SortStableFunc(a.entries, func(x, y entry) int { return x.event().Start.Compare(y.event().Start) })
	return a, nil
}

func (a *agenda) add(q calendarQuery, e entry) {
	if slices.ContainsFunc(q.days, e.event().On) {
		a.entries = append(a.entries, e)
	}
}

func (s *server) showCalendar(c echo.Context) error {
	loc := zone(c)
	now := s.meetings.Now().In(loc)
	organizer, err := organizerAsked(c, false)
	if err != nil {
		return err
	}
	q := parseCalendar(c, now)
	q.organizer = organizer
	if len(q.problems) > 0 && format(c.Request()) != "" {
		return &refusal{http.StatusUnprocessableEntity, "This date cannot be read", q.problems[0].Text + ".", "", ""}
	}
	v := views.Calendar{
		Heading: q.heading(), About: q.about(loc, now), View: q.view, Key: organizer, Problems: q.problems,
		Tabs: s.shapes(q.view, q.typed, organizer), Steps: s.steps(q, now), NewURL: s.newOn(q.view == dayView, q.day, now),
		Date: cmp.Or(q.typed, q.day.Format(time.DateOnly)), DateInput: momentInput(q.typed), Self: s.prefix + here(c.Request()),
	}
	if caller(c).Admin {
		v.Organizer = s.organizerChoice(c, organizer, "/calendar")
	}
	if len(q.problems) > 0 {
		b := s.base(c, "meetings", "Calendar")
		b.Wrong, v.Heading = true, "Calendar"
		return s.page(c, http.StatusUnprocessableEntity, views.CalendarPage(b, v), views.Results)
	}
	a, err := s.agenda(c, q)
	if err != nil {
		return err
	}
	if format(c.Request()) != "" {
		return s.calendarFile(c, q, a)
	}
	self := query("view", q.view, "date", q.typed, "organizer", organizer)
	v.Twins = s.twinLinks("/calendar", self, "csv", "xlsx", "json", "ics")
	v.Age = s.age(c, a.seen)
	if a.unknown != nil {
		told, _, _ := explain(a.unknown, c.Request())
		v.Missing = views.Age{Why: told.title, Again: v.Self}
	}
	v.Summary = count(len(a.entries), "meeting", "meetings")
	if len(a.entries) == 0 {
		v.Summary = "No meetings"
	}
	v.Announce = v.Heading + ": " + v.Summary
	for _, m := range a.running {
		v.Running = append(v.Running, s.heldRow(c, m, loc, now, self.Encode()))
	}
	v.Rooms = s.roomLinks(a.rooms, loc, now, organizer, self.Encode())
	s.layOut(c, q, a, now, self.Encode(), &v)
	title := []string{v.Heading, "Calendar"}
	return s.page(c, http.StatusOK, views.CalendarPage(s.base(c, "meetings", title...), v), views.Results)
}

// heldRow is a row of the list, with the delete that the meeting waits for.
func (s *server) heldRow(c echo.Context, m meetings.Meeting, loc *time.Location, now time.Time, back string) views.Row {
	row := s.upcomingRow(m, loc, now, back)
	if p, ok := s.going(c, m.ID); ok {
		going := s.viewPending(p)
		row.Going, row.StartURL = &going, ""
	}
	return row
}

// shapes lead to the same meetings as a list, a week and a day.
func (s *server) shapes(current, date, organizer string) []views.Link {
	return []views.Link{
		{Label: "List", URL: s.address("/meetings", "organizer", organizer), Current: current == ""},
		{Label: "Week", URL: s.address("/calendar", "view", weekView, "date", date, "organizer", organizer), Current: current == weekView},
		{Label: "Day", URL: s.address("/calendar", "view", dayView, "date", date, "organizer", organizer), Current: current == dayView},
	}
}

// steps lead to the days before and after, and to today's.
func (s *server) steps(q calendarQuery, now time.Time) views.Steps {
	to := func(days int) string {
		return s.address("/calendar", "view", q.view, "date", q.day.AddDate(0, 0, days).Format(time.DateOnly), "organizer", q.organizer)
	}
	today := views.Link{Label: "Today", URL: s.address("/calendar", "view", q.view, "organizer", q.organizer), Current: q.has(now)}
	if q.view == dayView {
		return views.Steps{Prev: views.Link{Label: "Previous day", URL: to(-1)}, Today: today, Next: views.Link{Label: "Next day", URL: to(1)}}
	}
	today.Label = "This week"
	return views.Steps{Prev: views.Link{Label: "Previous week", URL: to(-7)}, Today: today, Next: views.Link{Label: "Next week", URL: to(7)}}
}

// newOn leads to the form of a new meeting, on this very day if it is still to
// come.
func (s *server) newOn(thisVery bool, day, now time.Time) string {
	if !thisVery || daysBetween(now, day) <= 0 {
		return s.address("/meetings/new")
	}
	return s.address("/meetings/new", "start_date", day.Format(time.DateOnly))
}

// roomLinks lead to what has no time, the first by name.
func (s *server) roomLinks(rooms []meetings.Meeting, loc *time.Location, now time.Time, organizer, back string) []views.Link {
	var links []views.Link
	for _, m := range rooms {
		if len(links) == roomsShown && len(rooms) > roomsShown+1 {
			label := strconv.Itoa(len(rooms)-roomsShown) + " more"
			return append(links, views.Link{Label: label, About: label, URL: s.address("/meetings", "type", meetings.Recurring, "organizer", organizer)})
		}
		row := s.upcomingRow(m, loc, now, back)
		links = append(links, views.Link{Label: row.Subject, URL: row.URL})
	}
	return links
}

// layOut puts the entries beside the clock.
func (s *server) layOut(c echo.Context, q calendarQuery, a agenda, now time.Time, back string, v *views.Calendar) {
	events := make([]calendar.Event, len(a.entries))
	for i, e := range a.entries {
		events[i] = e.event()
	}
	page := calendar.Lay(q.days, events, now, lanesOf[q.view], leastSlots)
	v.Place = beside(page.Span)
	for _, r := range page.Rows {
		hour := views.Hour{Place: beside(r.Span), Label: fmt.Sprintf("%02d:%02d", r.Minutes/60, r.Minutes%60)}
		if r.Again {
			hour.Label += " again"
		}
		v.Clock = append(v.Clock, hour)
	}
	for i, column := range page.Columns {
		day := q.days[i]
		date := day.Date.Format(time.DateOnly)
		d := views.CalendarDay{
			Weekday: day.Date.Format("Mon"), Date: day.Date.Format("2 Jan"), Full: day.Date.Format("Monday, 2 January 2006"), Today: day.Has(now),
			URL: s.address("/calendar", "view", dayView, "date", date, "organizer", q.organizer), Note: clocksSet(day),
		}
		if day.End.After(now) {
			d.NewURL = s.newOn(true, day.Date, now)
		}
		switch {
		case len(column.Boxes) > 0:
		case !day.Start.Before(now) || day.Has(now):
			d.Empty = "Nothing planned"
		case a.unknown == nil:
			d.Empty = "No meetings"
		}
		for _, g := range column.Gaps {
			d.Gaps = append(d.Gaps, beside(g))
		}
		if column.Now >= 0 {
			now := beside(calendar.Span{From: column.Now, To: column.Now + 1})
			d.Now = &now
		}
		for _, b := range column.Boxes {
			box := s.box(c, q, a.entries[b.Events[0]], day, back)
			if len(b.Events) > 1 {
				box = views.Box{More: len(b.Events), Kind: "many", URL: d.URL, When: box.When, Datetime: box.Datetime}
				if q.view == dayView {
					box.URL = "#rest"
					for _, n := range b.Events {
						v.Rest = append(v.Rest, s.box(c, q, a.entries[n], day, back))
					}
				}
			}
			box.Place = beside(b.Span)
			box.Lane, box.Lanes = b.Lane, b.Lanes
			d.Boxes = append(d.Boxes, box)
		}
		v.Days = append(v.Days, d)
	}
	if n := len(v.Rest) - restShown; n > 0 {
		v.Rest = v.Rest[:restShown]
		v.RestNote = views.Link{Label: count(n, "meeting is", "meetings are") + " not shown here; look among all", URL: s.address("/meetings", "organizer", q.organizer)}
		if !q.to().After(now) {
			date := q.days[0].Date.Format(time.DateOnly)
			v.RestNote.URL = s.address("/history", "from", date, "to", date, "organizer", q.organizer)
		}
	}
}

// beside is where a span stands. A page's rows are hours, so its slots are
// hours and minutes from its top.
func beside(s calendar.Span) views.Place {
	at, height := time.Duration(s.From)*calendar.Slot, time.Duration(s.To-s.From)*calendar.Slot
	hours := func(d time.Duration) (int, int) { return int(d / time.Hour), int(d % time.Hour / time.Minute) }
	var p views.Place
	p.Hour, p.Minute = hours(at)
	p.Hours, p.Minutes = hours(height)
	return p
}

// clocksSet says that a day is not as long as others.
func clocksSet(d calendar.Day) string {
	hours := strconv.FormatFloat(d.Hours(), 'g', -1, 64) + " hours"
	switch {
	case d.Hours() < 24:
		return "Clocks go forward: " + hours
	case d.Hours() > 24:
		return "Clocks go back: " + hours
	}
	return ""
}

// box is an entry on a day.
func (s *server) box(c echo.Context, q calendarQuery, e entry, day calendar.Day, back string) views.Box {
	at := e.event()
	b := views.Box{When: spanOn(at.Start, at.End, day), Datetime: at.Start.UTC().Format(time.RFC3339)}
	if e.over {
		watched := ""
		if q.organizer != "" {
			watched = e.past.Organizer.Key
		}
		b.Subject, b.Kind, b.Note = subject(e.past.Subject), "over", count(e.past.Attendees, "attendee", "attendees")
		date := day.Date.Format(time.DateOnly)
		b.URL = s.address("/meetings/"+e.past.MeetingID+"/attendees", "occurrence", b.Datetime, "organizer", watched,
			backTo, query("from", date, "to", date, "organizer", q.organizer).Encode())
		return b
	}
	row := s.heldRow(c, e.meeting, day.Start.Location(), s.meetings.Now(), back)
	b.Subject, b.URL = row.Subject, row.URL
	switch {
	case row.Going != nil:
		b.Kind, b.Note = "going", row.Going.Badge
	case row.Running:
		b.Kind, b.Note = "live", "Running"
	}
	return b
}

// spanOn writes a start and an end as clock times of a day, naming the day of
// what is on another, and the clock where it is set on this one.
func spanOn(start, end time.Time, day calendar.Day) string {
	form := "15:04"
	if day.Hours() != 24 {
		form = "15:04 MST"
	}
	clock := func(t time.Time) string {
		t = t.In(day.Start.Location())
		if t.Before(day.Start) || t.After(day.End) {
			return t.Format("Mon " + form)
		}
		return t.Format(form)
	}
	if !end.After(start) {
		return clock(start)
	}
	return clock(start) + " – " + clock(end)
}

// calendarFile answers the days as a file.
func (s *server) calendarFile(c echo.Context, q calendarQuery, a agenda) error {
	if a.unknown != nil {
		return a.unknown // a file that silently lacks meetings would be taken for whole
	}
	first, last := q.days[0].Date.Format(time.DateOnly), q.days[len(q.days)-1].Date.Format(time.DateOnly)
	if format(c.Request()) == "ics" {
		var planned []meetings.Meeting
		var past []meetings.Past
		for _, e := range a.entries {
			if e.over {
				past = append(past, e.past)
			} else {
				planned = append(planned, e.meeting)
			}
		}
		events, err := s.planned(c, caller(c), planned, zone(c), s.meetings.Now())
		if err != nil {
			return err
		}
		return s.calendar(c, export.Calendar{Events: append(events, s.sessionEvents(past)...)}, "calendar", first, last)
	}
	calls := "Upcoming meetings, 1 call"
	if a.lookedFor {
		calls += "; past meetings, 1 call"
	}
	facts := s.facts(c, a.seen, calls, q.heading(), s.organizerFact(c, q.organizer))
	return s.twin(c, calendarTable(a.entries, zone(c)), facts, "calendar", first, last)
}

func calendarTable(entries []entry, loc *time.Location) export.Table {
	t := export.Table{Name: "Calendar", Zone: loc, Columns: []export.Column{
		{Key: "meeting_id", Label: "Meeting ID"}, {Key: "session_id", Label: "Session ID"}, {Key: "subject", Label: "Subject"},
		{Key: "start", Label: inZone("Start", loc)}, {Key: "end", Label: inZone("End", loc)}, {Key: "start_iso", Label: "Start (ISO 8601)"},
		{Key: "minutes", Label: "Minutes"}, {Key: "type", Label: "Type"}, {Key: "status", Label: "Status"},
		{Key: "organizer", Label: "Organizer"}, {Key: "organizer_email", Label: "Organizer e-mail"}, {Key: "organizer_key", Label: "Organizer key"},
	}}
	t.Rows = export.Each(entries, func(cells []any, e entry) []any {
		if p := e.past; e.over {
			return append(cells, p.MeetingID, p.SessionID, p.Subject, p.Start, p.End, iso(p.Start, loc), p.Minutes, p.Type, "ended",
				p.Organizer.Name, p.Organizer.Email, p.Organizer.Key)
		}
		m := e.meeting
		return append(cells, m.ID, "", m.Subject, m.Start, m.End, iso(m.Start, loc), int(m.Length().Minutes()), m.Type, status(m.Running),
			m.Organizer.Name, m.Organizer.Email, m.Organizer.Key)
	})
	return t
}
