package handlers

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"portal/meetings"
	"portal/reports"
	"portal/views"
)

// showAttendees shows who came to one occurrence of a meeting: a row for each
// person, or on demand for each time somebody joined. GoTo decides who may see
// it.
func (s *server) showAttendees(c echo.Context) error {
	id, err := meetingID(c)
	if err != nil {
		return err
	}
	q, err := readAttendeeQuery(c)
	if err != nil {
		return err
	}
	if len(q.problems) > 0 && format(c.Request()) != "" {
		return q.unreadable()
	}
	came, seen, err := s.meetings.Came(c.Request().Context(), reader(c), id, q.organizer, q.ref, q.yard)
	if err != nil {
		return err
	}
	if _, err := time.Parse(time.RFC3339, q.ref); q.ref != "" && !came.Found && (err != nil || format(c.Request()) != "" && len(came.Occurrences) > 0) {
		return noOccurrence(id)
	}
	at := sitting{came, zone(c), q.yard.Early}
	if format(c.Request()) != "" {
		return s.attendeesFile(c, q, at, seen)
	}
	v := s.attendeesHead(c, q, at, seen)
	if !came.Found {
		if err := s.whyNobody(c, q, at, seen, &v); err != nil {
			return err
		}
		return s.page(c, http.StatusOK, views.AttendeesPage(s.base(c, "history", v.Subject, "Attendees"), v), views.Results)
	}
	s.measured(&v, q, at)
	if q.joins {
		err = s.fillJoins(c, &v, q, at)
	} else {
		err = s.fillPeople(c, &v, q, at)
	}
	if err != nil {
		return err
	}
	switch waited := c.QueryParam(hadRows) != ""; {
	case arrived(c, len(came.Presence.Joins)):
		v.Announce = "Attendees have arrived: " + v.Announce
	case waited:
		v.Announce = "" // nothing new is no news
	}
	b, status := s.base(c, "history", v.Subject, "Attendees"), http.StatusOK
	if v.Paging.Page > 1 {
		v.Waits = "" // who reads on is not called back to the first page
	}
	if v.Paging.Pages > 1 {
		b.Title[1] += ", page " + strconv.Itoa(v.Paging.Page)
	}
	if v.Problems = q.problems; len(q.problems) > 0 {
		b.Wrong, status = true, http.StatusUnprocessableEntity
	}
	return s.page(c, status, views.AttendeesPage(b, v), views.Results)
}

func attendeesPath(id string) string { return "/meetings/" + id + "/attendees" }

// attendeesFile answers what the page shows, every page of it.
func (s *server) attendeesFile(c echo.Context, q attendeeQuery, at sitting, seen meetings.Seen) error {
	calls := "Attendees of meeting " + at.MeetingID + ", 1 call"
	if q.yard.Scheduled {
		calls += "; the meeting itself, 1 call"
	}
	facts := s.facts(c, seen, calls, upperFirst(q.inWords(at.base())), sessionFacts(c, at.MeetingID, at.Subject, at.Presence.Occurrence)...)
	parts := []string{at.Subject, at.Presence.Start.In(at.loc).Format(time.DateOnly), "attendees"}
	if q.joins {
		joins := meetings.JoinQuery{Text: q.people.Text, Sort: q.people.Sort, Desc: q.people.Desc}.Apply(at.Presence.Joins)
		return s.twin(c, joinsTable(joins, at.loc), facts, parts...)
	}
	if at.NoAliases != nil {
		return at.NoAliases // a file would be taken for what the account decided
	}
	people := q.people.Apply(at.Presence)
	for _, sentence := range at.Aliases.Sentences(decisions(people), at.loc) {
		facts = append(facts, fact("Who is who", sentence))
	}
	facts = append(facts,
		fact("Shares are of", "the "+at.base()+", "+length(at.minutes(at.Presence.Base))+at.unplanned()),
		fact("Late", "more than "+count(int(q.yard.Late.Minutes()), "minute", "minutes")+" after "+at.clock(at.Presence.Base.Start)),
		fact("Left early", "more than "+count(int(q.yard.Early.Minutes()), "minute", "minutes")+" before "+at.clock(at.Presence.Base.End)),
		fact("People", strconv.Itoa(len(people))+" of "+strconv.Itoa(len(at.Presence.People))),
		fact("Minutes in all", strconv.Itoa(meetings.TotalMinutes(people))),
	)
	text, _ := reconciled(at.Presence, false)
	facts = append(facts, fact("GoTo's own count", text))
	return s.twin(c, attendeesTable(people, at), facts, parts...)
}

// attendeesHead is what the page says of the meeting, whoever came.
func (s *server) attendeesHead(c echo.Context, q attendeeQuery, at sitting, seen meetings.Seen) views.Attendees {
	id := at.MeetingID
	path := attendeesPath(id)
	v := views.Attendees{
		Subject: cmp.Or(meetings.Plain(at.Subject), "Meeting "+meetings.GroupID(id)), Grouped: meetings.GroupID(id), Zone: meetings.ZoneLabel(at.loc, s.meetings.Now()),
		Age: s.age(c, seen), Action: s.address(path), Back: q.back,
		MeetingURL: s.address("/meetings/"+id, "organizer", q.organizer), BackURL: s.backLink(c, "/history", q.organizer),
	}
	for _, o := range at.Occurrences {
		v.Occurrences = append(v.Occurrences, views.Link{
			Label: o.Start.In(at.loc).Format("Mon 2 Jan 2006, 15:04"), Current: at.Found && o.InstanceKey == at.Presence.InstanceKey && o.Start.Equal(at.Presence.Start),
			URL: s.address(path, "occurrence", occurrenceRef(o), "organizer", q.organizer, backTo, q.back),
		})
	}
	if len(at.Occurrences) > 1 {
		v.RegisterURL = s.address("/meetings/"+id+"/register", "organizer", q.organizer)
	}
	return v
}

// occurrenceRef names an occurrence in an address.
func occurrenceRef(o meetings.Occurrence) string {
	return cmp.Or(o.InstanceKey, o.Start.UTC().Format(time.RFC3339))
}

// measured fills in the figures of the whole occurrence.
func (s *server) measured(v *views.Attendees, q attendeeQuery, at sitting) {
	p := at.Presence
	start := p.Start.In(at.loc)
	v.Zone = meetings.ZoneLabel(at.loc, start)
	v.When = start.Format("Monday, 2 January 2006") + ", " + span(start, p.Actual.End.In(at.loc))
	switch {
	case p.Start.IsZero():
		v.When, v.Zone = "GoTo does not say when", meetings.ZoneLabel(at.loc, s.meetings.Now())
	case p.Running:
		v.When = start.Format("Monday, 2 January 2006, 15:04") + ", still running"
	}
	peak := "nobody with a time that counts"
	if p.Peak > 0 {
		peak = "at " + shortClock(p.PeakAt.Start, p.Start, at.loc)
	}
	lengthNote := span(start, p.Actual.End.In(at.loc))
	if p.Running {
		lengthNote = "so far, since " + start.Format("15:04")
	}
	v.Tiles = []views.Tile{
		{Label: "People", Figure: strconv.Itoa(len(p.People)), Note: count(len(p.Joins), "join", "joins")},
		{Label: "Most at once", Figure: strconv.Itoa(p.Peak), Note: peak},
		{Label: "Median stay", Figure: length(int(p.Median.Round(time.Minute).Minutes())), Note: "half stayed longer"},
		{Label: "Length", Figure: length(at.minutes(p.Actual)), Note: lengthNote},
	}
	var complete bool
	fresh := meetings.Fresh(p.Actual.End, s.meetings.Now())
	v.Reconciled, complete = reconciled(p, fresh)
	v.Incomplete = !complete
	if p.Running || v.Incomplete && fresh {
		path := s.address(attendeesPath(at.MeetingID))
		v.Waits, v.Again = s.waits(q, path, len(p.Joins)), q.at(path, q.values())
	}
	v.EraseURL = s.address("/meetings/"+at.MeetingID+"/erase", "occurrence", occurrenceRef(p.Occurrence), "organizer", q.organizer, backTo, q.back)
}

// fillPeople fills in a row for each person.
func (s *server) fillPeople(c echo.Context, v *views.Attendees, q attendeeQuery, at sitting) error {
	path := s.address(attendeesPath(at.MeetingID))
	p := at.Presence
	people := q.people.Apply(p)
	cut, page, pages, ok := pageAsked(c, people)
	if !ok {
		return s.toFirstPage(c)
	}
	v.Filter = q.form(at)
	s.asked(v, q, at, path)
	v.Summary = count(len(people), "person", "people")
	if len(people) != len(p.People) {
		v.Summary = strconv.Itoa(len(people)) + " of " + count(len(p.People), "person", "people")
	}
	v.Announce = v.Summary + ", " + q.inWords(at.base())
	known := q.people.Known()
	for _, col := range []struct {
		key, label string
		end        bool
	}{
		{"name", "Name", false}, {"email", "E-mail", false}, {"first_in", "First in", false}, {"last_out", "Last out", false},
		{"joins", "Joins", true}, {"minutes", "Time", true}, {"share", "Of " + at.base(), true}, {"status", "Status", false},
	} {
		v.Columns = append(v.Columns, s.column(attendeesPath(at.MeetingID), q.place(), known.Sort, known.Desc, col.key, col.label, col.end))
	}
	for i, who := range cut {
		all := q.values()
		all.Set("rows", byJoins)
		all.Set("q", cmp.Or(who.Email, who.Name))
		row := at.personRow((page-1)*meetings.PageSize+i, who, q.at(path, all))
		if who.ID.Known() {
			row.EveryURL = s.personURL(reports.Person{ID: who.ID, Name: who.Name, Email: who.Email}, "")
		}
		if at.NoAliases == nil {
			row.Who = s.aliasForms(c, at.Aliases, meetings.Somebody(who), at.MeetingID, occurrenceRef(p.Occurrence), here(c.Request()))
		}
		v.People = append(v.People, row)
	}
	if at.NoAliases != nil {
		v.Unmerged = unmerged
	}
	v.Total = views.PersonTotal{Minutes: meetings.TotalMinutes(people), People: count(len(people), "person", "people"), Base: at.base() + ", " + length(at.minutes(p.Base))}
	v.Total.Time = length(v.Total.Minutes)
	for _, who := range people {
		v.Total.Joins += len(who.Joins)
	}
	v.Paging = s.paging(attendeesPath(at.MeetingID), q.place(), page, pages)
	v.Copy, v.CopyLabel = addresses(people)
	if len(people) > 0 {
		v.Timeline = drawTimeline(at, people, q.yard.Quorum)
	}
	raw := p.Joins[:min(len(p.Joins), rowsOfAll)]
	for _, j := range raw {
		v.Raw = append(v.Raw, at.joinRow(j))
	}
	v.RawLabel = "GoTo's own " + count(len(p.Joins), "row", "rows") + ", one for each time somebody joined"
	joins := attendeeQuery{ref: q.ref, organizer: q.organizer, back: q.back, joins: true}
	v.RawAll = views.Link{Label: "Search and sort these rows", URL: joins.at(path, joins.values())}
	if len(raw) < len(p.Joins) {
		v.RawAll.Label = "All " + strconv.Itoa(len(p.Joins)) + " rows, to search and sort"
	}
	return nil
}

// fillJoins fills in GoTo's rows as they are.
func (s *server) fillJoins(c echo.Context, v *views.Attendees, q attendeeQuery, at sitting) error {
	path := s.address(attendeesPath(at.MeetingID))
	joins := meetings.JoinQuery{Text: q.people.Text, Sort: q.people.Sort, Desc: q.people.Desc}.Apply(at.Presence.Joins)
	cut, page, pages, ok := pageAsked(c, joins)
	if !ok {
		return s.toFirstPage(c)
	}
	v.ByJoins = true
	v.Filter = q.form(at)
	s.asked(v, q, at, path)
	v.Summary = count(len(joins), "join", "joins")
	if len(joins) != len(at.Presence.Joins) {
		v.Summary = strconv.Itoa(len(joins)) + " of " + count(len(at.Presence.Joins), "join", "joins")
	}
	v.Announce = v.Summary + ", " + q.inWords(at.base())
	for _, col := range []struct {
		key, label string
		end        bool
	}{{"name", "Name", false}, {"email", "E-mail", false}, {"join", "Join", false}, {"leave", "Leave", false}, {"minutes", "Minutes", true}} {
		v.Columns = append(v.Columns, s.column(attendeesPath(at.MeetingID), q.place(), q.people.Sort, q.people.Desc, col.key, col.label, col.end))
	}
	v.Columns = append(v.Columns, views.Column{Key: "counted", Label: "Counted"})
	for _, j := range cut {
		v.Joins = append(v.Joins, at.joinRow(j))
	}
	v.Paging = s.paging(attendeesPath(at.MeetingID), q.place(), page, pages)
	return nil
}

// asked fills in what was asked for, how to ask for less, and the files.
func (s *server) asked(v *views.Attendees, q attendeeQuery, at sitting, path string) {
	for _, f := range q.filters(at.base()) {
		v.Chips = append(v.Chips, views.Link{Label: f.words, URL: q.without(path, f)})
	}
	v.ClearURL, v.Asked = q.cleared(path), upperFirst(q.inWords(at.base()))
	people, joins := q, q
	people.joins, joins.joins = false, true
	people.people.Sort, people.people.Desc, joins.people.Sort, joins.people.Desc = "", false, "", false
	v.Views = []views.Link{
		{Label: "People", URL: people.at(path, people.values()), Current: !q.joins},
		{Label: "Joins, as GoTo lists them", URL: joins.at(path, joins.values()), Current: q.joins},
	}
	v.Twins = s.twinLinks(attendeesPath(at.MeetingID), q.values(), "csv", "xlsx", "json")
	v.Unplanned = upperFirst(strings.TrimPrefix(at.unplanned(), ": "))
}

// sortedBy names the columns within a sentence.
var sortedBy = map[string]string{
	"name": "name", "email": "e-mail", "first_in": "first in", "last_out": "last out",
	"joins": "joins", "minutes": "time present", "share": "share", "status": "status",
}

// joinsSortedBy is sortedBy for rows as GoTo lists them.
var joinsSortedBy = map[string]string{"name": "name", "email": "e-mail", "join": "join", "leave": "leave", "minutes": "minutes"}

// inWords is what was asked for, within a sentence.
func (q attendeeQuery) inWords(base string) string {
	known := q.people.Known()
	column, desc := sortedBy[known.Sort], known.Desc
	if q.joins {
		column, desc = joinsSortedBy[q.people.Sort], q.people.Desc
	}
	said := "in GoTo's order"
	if column != "" {
		said = "sorted by " + column
	}
	if desc {
		said += ", descending"
	}
	for _, f := range q.filters(base) {
		said += ", " + f.words
	}
	return said
}

// addresses are the e-mail addresses of the people, to be copied, each once.
func addresses(people []meetings.Attendee) (list, label string) {
	seen := map[string]bool{}
	var all []string
	for _, who := range people {
		if who.Email != "" && !seen[strings.ToLower(who.Email)] {
			seen[strings.ToLower(who.Email)] = true
			all = append(all, who.Email)
		}
	}
	return strings.Join(all, ", "), "Copy " + count(len(all), "e-mail address", "e-mail addresses")
}

// unplanned says why shares are not of the plan, though that was asked for.
func (s sitting) unplanned() string {
	switch s.Unplanned {
	case meetings.PlanUnknown:
		return ": GoTo does not tell when the meeting was to be held, so its actual time is taken"
	case meetings.PlanOfRoom:
		return ": a room has no schedule, so the actual time is taken"
	case meetings.PlanOfNow:
		return ": an immediate meeting has no schedule, so its actual time is taken"
	}
	return ""
}

// clockOn writes t as a clock time, with the day when it is not start's.
func clockOn(t, start time.Time, loc *time.Location) string {
	if t.IsZero() {
		return "unknown"
	}
	if t = t.In(loc); daysBetween(start.In(loc), t) != 0 {
		return t.Format("Mon 15:04:05")
	}
	return t.Format("15:04:05")
}

// shortClock is clockOn to the minute.
func shortClock(t, start time.Time, loc *time.Location) string {
	if t = t.In(loc); daysBetween(start.In(loc), t) != 0 {
		return t.Format("Mon 15:04")
	}
	return t.Format("15:04")
}

func upperFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}
