package handlers

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/export"
	"portal/meetings"
	"portal/views"
)

// mostDates is how many sessions a page of the register shows, the newest; a
// file has them all.
const mostDates = 100

// registerAsked is what a register is asked for.
type registerAsked struct {
	organizer          string
	typedFrom, typedTo string
	from, to           time.Time // [from, to); zero is open
	people             meetings.RegisterQuery
	ticks              bool
	problems           []views.Problem
}

func readRegister(c echo.Context, loc *time.Location) (registerAsked, error) {
	organizer, err := organizerAsked(c, false)
	if err != nil {
		return registerAsked{}, err
	}
	a := registerAsked{
		organizer: organizer, typedFrom: strings.TrimSpace(c.QueryParam("from")), typedTo: strings.TrimSpace(c.QueryParam("to")), ticks: c.QueryParam("cells") == "ticks",
		people: meetings.RegisterQuery{Text: c.QueryParam("q"), Sort: c.QueryParam("sort"), Desc: c.QueryParam("dir") == "desc"}.Known(),
	}
	moment := func(field, typed string, end bool) time.Time {
		t, ok := parseMoment(typed, loc, end)
		if typed != "" && !ok {
			a.problems = append(a.problems, views.Problem{Field: field, Text: "Enter the day as year, month, day, for example 2026-11-24, or leave it empty"})
		}
		return t
	}
	a.from, a.to = moment("from", a.typedFrom, false), moment("to", a.typedTo, true)
	if len(a.problems) == 0 && !a.from.IsZero() && !a.to.IsZero() && !a.from.Before(a.to) {
		a.problems = append(a.problems, views.Problem{Field: "to", Text: "The last day must not be before the first"})
	}
	return a, nil
}

// values are the address of the page as it is asked for, without its number.
func (a registerAsked) values(c echo.Context) map[string][]string {
	v := query("organizer", a.organizer, "from", a.typedFrom, "to", a.typedTo, "q", a.people.Text)
	if a.ticks {
		v.Set("cells", "ticks")
	}
	if c.QueryParam("sort") == a.people.Sort {
		v.Set("sort", a.people.Sort)
		v.Set("dir", map[bool]string{true: "desc", false: "asc"}[a.people.Desc])
	}
	return v
}

// inWords says what was asked of the rows.
func (a registerAsked) inWords() string {
	ticks := ""
	if a.ticks {
		ticks = "instead of minutes"
	}
	return asked("from", a.typedFrom, "to", a.typedTo, "search", quoted(a.people.Text), "ticks", ticks, "sorted by", sorting(a.people.Sort, a.people.Desc))
}

// showRegister shows who came to which session of a meeting.
func (s *server) showRegister(c echo.Context) error {
	id, err := meetingID(c)
	if err != nil {
		return err
	}
	loc := zone(c)
	a, err := readRegister(c, loc)
	if err != nil {
		return err
	}
	if len(a.problems) > 0 {
		return s.wrongRegister(c, id, a)
	}
	r, seen, err := s.meetings.Register(c.Request().Context(), reader(c), id, a.organizer, a.from, a.to)
	if err != nil {
		return err
	}
	members := a.people.Apply(r.Members)
	if format(c.Request()) != "" {
		return s.registerFile(c, a, r, members, seen)
	}
	self := a.values(c)
	cut, page, pages, ok := pageAsked(c, members)
	if !ok {
		return s.toFirstPage(c)
	}
	v := s.registerHead(c, id, a, r.Subject)
	v.Age, v.Notes = s.age(c, seen), s.registerNotes(c, a, r)
	v.Paging, v.Twins = s.paging(registerPath(id), self, page, pages), s.twinLinks(registerPath(id), self, "csv", "xlsx", "json")
	if len(members) == 0 {
		if err := s.whyNoRegister(c, a, r, &v); err != nil {
			return err
		}
	}
	s.fillRegister(c, &v, id, a, r, members, cut)
	v.Decided = s.aliasRows(c, r.Aliases.Applied(r.Decisions()))
	title := "Register"
	if pages > 1 {
		title += ", page " + strconv.Itoa(page)
	}
	return s.page(c, http.StatusOK, views.RegisterPage(s.base(c, "history", v.Subject, title), v), views.Results)
}

func registerPath(id string) string { return "/meetings/" + id + "/register" }

// wrongRegister says what is wrong with the dates, and keeps what was typed.
func (s *server) wrongRegister(c echo.Context, id string, a registerAsked) error {
	if format(c.Request()) != "" {
		return &refusal{http.StatusUnprocessableEntity, "This range cannot be read", a.problems[0].Text + ".", "", ""}
	}
	v := s.registerHead(c, id, a, "")
	v.Problems, v.Empty = a.problems, "Correct the dates above to see the register."
	b := s.base(c, "history", v.Subject, "Register")
	b.Wrong = true
	return s.page(c, http.StatusUnprocessableEntity, views.RegisterPage(b, v), views.Results)
}

// registerHead is what a register shows whatever comes out.
func (s *server) registerHead(c echo.Context, id string, a registerAsked, subject string) views.Register {
	loc := zone(c)
	v := views.Register{
		Subject: cmp.Or(meetings.Plain(subject), "Meeting "+meetings.GroupID(id)), Grouped: meetings.GroupID(id), Zone: meetings.ZoneLabel(loc, s.meetings.Now()),
		MeetingURL: s.address("/meetings/"+id, "organizer", a.organizer), AttendeesURL: s.address(attendeesPath(id), "organizer", a.organizer),
		Action: s.address(registerPath(id)), Asked: a.inWords(),
		Query:     views.ListQuery{Text: a.people.Text, From: a.typedFrom, To: a.typedTo, Organizer: a.organizer},
		FromInput: momentInput(a.typedFrom), ToInput: momentInput(a.typedTo),
		Cells: []views.Option{{Value: "minutes", Label: "Minutes", Selected: !a.ticks}, {Value: "ticks", Label: "Ticks", Selected: a.ticks}},
	}
	if c.QueryParam("sort") == a.people.Sort {
		v.Query.Sort, v.Query.Dir = a.people.Sort, map[bool]string{true: "desc", false: "asc"}[a.people.Desc]
	}
	return v
}

// registerNotes say what a register lacks, and why.
func (s *server) registerNotes(c echo.Context, a registerAsked, r meetings.Register) []string {
	var notes []string
	if r.NoAliases != nil {
		notes = append(notes, unmerged)
	}
	switch {
	case r.Missing != nil:
		told, _, _ := explain(r.Missing, c.Request())
		notes = append(notes, "GoTo's history could not be read ("+told.title+"), so sessions in which nobody is recorded are missing here.")
	case r.Unlisted() && caller(c).Admin && a.organizer == "":
		notes = append(notes, "These sessions are not in your own history, so they are another organizer's: those in which nobody is recorded are missing here. Come from the organizer's meetings to see them, too.")
	}
	return notes
}

// whyNoRegister names the one cause why nobody is listed, and what to do next.
func (s *server) whyNoRegister(c echo.Context, a registerAsked, r meetings.Register, v *views.Register) error {
	loc, path := zone(c), registerPath(r.MeetingID)
	v.EmptyNext = views.Link{Label: "All its sessions", URL: s.address(path, "organizer", a.organizer)}
	known := r.Occurrences // newest first
	switch {
	case len(r.Members) > 0:
		v.Empty = "Nobody matches your search."
		v.EmptyNext = views.Link{Label: "Show all", URL: s.address(path, "organizer", a.organizer, "from", a.typedFrom, "to", a.typedTo)}
	case len(r.Dates) > 0:
		v.Empty = "Nobody is recorded in the " + count(len(r.Dates), "session", "sessions") + " that GoTo's history has here."
		if meetings.Fresh(r.Dates[len(r.Dates)-1].End, s.meetings.Now()) {
			v.Empty += inAWhile
		}
		v.EmptyNext = views.Link{Label: "Attendees", URL: v.AttendeesURL}
	case len(known) > 0:
		day := func(t time.Time) string { return t.In(loc).Format("2 January 2006") }
		v.Empty = "The meeting had no session in this range. Its sessions with attendees were between " + day(known[len(known)-1].Start) + " and " + day(known[0].Start) + "."
	case !a.from.IsZero() || !a.to.IsZero():
		v.Empty = "No session of this meeting is recorded in this range."
	default:
		why, told, err := s.meetings.WhyNobody(c.Request().Context(), reader(c), r.MeetingID, a.organizer, time.Time{})
		if err != nil {
			return err
		}
		if why.Meeting.ID != "" {
			v.Subject = subject(why.Meeting.Subject)
		}
		v.Age = s.age(c, told)
		v.Empty, v.EmptyNext = whyInWords(why, s.meetings.Now(), loc), views.Link{Label: "Attendees", URL: v.AttendeesURL}
	}
	return nil
}

// fillRegister fills in the table: the members of this page under the newest
// sessions, and the totals of all that were asked for.
func (s *server) fillRegister(c echo.Context, v *views.Register, id string, a registerAsked, r meetings.Register, members, cut []meetings.Member) {
	loc, now := zone(c), s.meetings.Now()
	oneOf := r.OneOf()
	v.Summary = count(len(members), "person", "people")
	if len(members) != len(r.Members) {
		v.Summary = strconv.Itoa(len(members)) + " of " + count(len(r.Members), "person", "people")
	}
	v.Summary += " in " + count(len(r.Dates), "session", "sessions")
	if v.Announce = v.Summary + ". " + a.inWords(); v.Empty != "" {
		v.Announce = v.Empty
		return
	}
	for _, col := range []struct {
		key, label string
		end        bool
	}{{"name", "Name", false}, {"attended", "Attended", true}, {"minutes", "Minutes", true}, {"streak", "Streak", true}, {"longest", "Longest", true}} {
		v.Columns = append(v.Columns, s.column(registerPath(id), a.values(c), a.people.Sort, a.people.Desc, col.key, col.label, col.end))
	}
	shown := make([]int, 0, mostDates) // indexes of dates, newest first
	for date := range slices.Backward(r.Dates) {
		if len(shown) == mostDates {
			v.Notes = append(v.Notes, "The newest "+strconv.Itoa(mostDates)+" of "+strconv.Itoa(len(r.Dates))+" sessions are shown. Figures count all of them, the files have all of them, and a range shows the others.")
			break
		}
		shown = append(shown, date)
	}
	perDay := map[string]int{}
	for _, d := range r.Dates {
		perDay[d.Start.In(loc).Format(time.DateOnly)]++
	}
	for _, date := range shown {
		o := r.Dates[date]
		start := o.Start.In(loc)
		d := views.RegisterDate{
			URL:     s.address(attendeesPath(id), "occurrence", occurrenceRef(o.Occurrence), "organizer", a.organizer),
			Weekday: start.Format("Mon"), Day: start.Format("2 Jan"), Datetime: o.Start.Format(time.RFC3339), Void: !r.Held(date),
		}
		if start.Year() != now.In(loc).Year() {
			d.Day = start.Format("2 Jan 2006")
		}
		if perDay[start.Format(time.DateOnly)] > 1 {
			d.Time = start.Format("15:04")
		}
		switch {
		case o.Start.IsZero():
			d.Weekday, d.Day, d.Datetime = "", "no date", ""
		case o.Running:
			d.Note = "running"
		case d.Void:
			d.Note = "nobody"
		}
		v.Dates = append(v.Dates, d)
	}
	for _, m := range cut {
		row := views.RegisterRow{
			Name: m.Name, Email: m.Email, Attended: strconv.Itoa(m.Attended) + " of " + strconv.Itoa(oneOf), Minutes: strconv.Itoa(m.Minutes),
			Streak: strconv.Itoa(m.Streak), Longest: strconv.Itoa(m.Longest),
		}
		for _, date := range shown {
			row.Cells = append(row.Cells, registerCell(m, date, a.ticks))
		}
		v.Rows = append(v.Rows, row)
	}
	v.Totals = registerTotals(r, members, shown)
	if r.NoAliases == nil {
		v.WhoURL = s.address("/people/aliases", "meeting", id, backTo, here(c.Request()))
	}
}

// registerCell is what stands for a member on a date; "" for who was not there.
func registerCell(m meetings.Member, date int, ticks bool) string {
	switch c := m.Cells[date]; {
	case !c.There:
		return ""
	case ticks:
		return "✓"
	default:
		return strconv.Itoa(c.Minutes)
	}
}

// registerTotals add up what the members have, of all pages.
func registerTotals(r meetings.Register, members []meetings.Member, shown []int) []views.RegisterTotal {
	people, minutes := views.RegisterTotal{Label: "People"}, views.RegisterTotal{Label: "Minutes"}
	told := views.RegisterTotal{Label: "GoTo counts"}
	attended, spent := 0, 0
	for _, m := range members {
		attended, spent = attended+m.Attended, spent+m.Minutes
	}
	people.Attended, minutes.Minutes = strconv.Itoa(attended), strconv.Itoa(spent)
	if len(members) != len(r.Members) {
		people.Label, minutes.Label = "People found", "Their minutes"
	}
	toldAny := false
	for _, date := range shown {
		n, sum := meetings.DateTotal(members, date)
		people.Cells, minutes.Cells = append(people.Cells, strconv.Itoa(n)), append(minutes.Cells, strconv.Itoa(sum))
		text := ""
		if gotos := r.GoTos(date); gotos > 0 {
			text, toldAny = strconv.Itoa(gotos), true
		}
		told.Cells = append(told.Cells, text)
	}
	totals := []views.RegisterTotal{people, minutes}
	if toldAny && len(members) == len(r.Members) { // it is a count of all
		totals = append(totals, told)
	}
	return totals
}

// registerFile is the register as a file, with all its sessions, the oldest
// first. It has no totals among its rows, which would spoil whoever adds them
// up.
func (s *server) registerFile(c echo.Context, a registerAsked, r meetings.Register, members []meetings.Member, seen meetings.Seen) error {
	if kind, _ := meetings.FaultKind(r.Missing); r.Missing != nil && kind != meetings.Forbidden && kind != meetings.NotFound && kind != meetings.MissingScope {
		return r.Missing // a file that silently lacks sessions would be taken for whole
	}
	if r.NoAliases != nil {
		return r.NoAliases
	}
	facts := s.facts(c, seen, "Attendees of meeting "+r.MeetingID+", 1 call; past meetings, 1 call for each 31 days", a.inWords(),
		fact("Meeting", strings.TrimSpace(meetings.Plain(r.Subject)+" "+meetings.GroupID(r.MeetingID))), s.organizerFact(c, a.organizer))
	for _, note := range s.registerNotes(c, a, r) {
		facts = append(facts, fact("Note", note))
	}
	for _, sentence := range r.Aliases.Sentences(r.Decisions(), zone(c)) {
		facts = append(facts, fact("Who is who", sentence))
	}
	parts := []string{r.Subject, "register"}
	if len(r.Dates) > 0 {
		first, last := r.Dates[0].Start, r.Dates[len(r.Dates)-1].Start
		parts = []string{r.Subject, first.In(zone(c)).Format(time.DateOnly), last.In(zone(c)).Format(time.DateOnly), "register"}
	}
	return s.twin(c, registerTable(r, members, a.ticks, zone(c)), facts, parts...)
}

func registerTable(r meetings.Register, members []meetings.Member, ticks bool, loc *time.Location) export.Table {
	t := export.Table{Name: "Register", Zone: loc, Columns: []export.Column{{Key: "name", Label: "Name"}, {Key: "email", Label: "E-mail"}}}
	taken := map[string]int{}
	for _, d := range r.Dates {
		col := export.Column{Key: cmp.Or(iso(d.Start, time.UTC), "unknown"), Label: "No start time"}
		if !d.Start.IsZero() {
			col.Label = inZone(d.Start.In(loc).Format("2006-01-02 15:04"), loc)
		}
		if taken[col.Key]++; taken[col.Key] > 1 {
			col.Key += "#" + strconv.Itoa(taken[col.Key])
		}
		t.Columns = append(t.Columns, col)
	}
	t.Columns = append(t.Columns, export.Column{Key: "attended", Label: "Attended (of " + strconv.Itoa(r.OneOf()) + ")"}, export.Column{Key: "minutes", Label: "Minutes"},
		export.Column{Key: "streak", Label: "Streak"}, export.Column{Key: "longest", Label: "Longest streak"})
	t.Rows = export.Each(members, func(cells []any, m meetings.Member) []any {
		cells = append(cells, m.Name, m.Email)
		for _, c := range m.Cells {
			switch {
			case !c.There:
				cells = append(cells, nil)
			case ticks:
				cells = append(cells, 1) // so that they add up
			default:
				cells = append(cells, c.Minutes)
			}
		}
		return append(cells, m.Attended, m.Minutes, m.Streak, m.Longest)
	})
	return t
}
