package handlers

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/export"
	"portal/meetings"
	"portal/reports"
	"portal/views"
)

var personColumns = []gridColumn{
	{"subject", "Subject", false}, {"start", "When", false}, {"minutes", "Time there", true}, {"share", "Share", true}, {"joins", "Joins", true}, {"organizer", "Organizer", false},
}

// personAsked is whom the page is about, and where to look.
type personAsked struct {
	id                    meetings.Identity
	email, name           string
	person, from, to, rep string // as in the address
}

func readPerson(c echo.Context) personAsked {
	p := personAsked{
		email: c.QueryParam("email"), name: c.QueryParam("name"), person: c.QueryParam("person"),
		from: c.QueryParam("from"), to: c.QueryParam("to"), rep: c.QueryParam("report"),
	}
	p.id = reports.Identity(p.name, p.email)
	if id := meetings.Identity(p.person); id.Known() {
		p.id = id
	}
	return p
}

// personURL leads to every meeting of somebody. An address or a name says who it
// is, unless somebody decided otherwise.
func (s *server) personURL(p reports.Person, report string) string {
	return s.address("/reports/person", personPairs(p, "report", report)...)
}

func personPairs(p reports.Person, more ...string) []string {
	pairs := []string{"email", p.Email}
	if p.Email == "" {
		pairs = []string{"name", p.Name}
	}
	if reports.Identity(p.Name, p.Email) != p.ID {
		pairs = append(pairs, "person", string(p.ID))
	}
	return append(pairs, more...)
}

// looked is what a person's meetings are found in.
type looked struct {
	result   *reports.Result
	request  reports.Request
	seen     meetings.Seen
	complete bool
	source   string
}

// showPerson shows every meeting that somebody came to: in a report, or in the
// user's own meetings, which GoTo is want for.
func (s *server) showPerson(c echo.Context) error {
	want, loc := readPerson(c), zone(c)
	now := s.meetings.Now().In(loc)
	v := views.PersonPage{Name: "Person", Sub: "Every meeting that somebody came to", Zone: meetings.ZoneLabel(loc, now), Crumb: views.Link{Label: "Reports", URL: s.address("/reports")}}
	b := func(title string) views.Base { return s.base(c, "reports", title, "Reports") }
	if want.id == "" {
		v.Ask = &views.PersonAsk{Email: want.email, Name: want.name, From: want.from, To: want.to}
		return s.page(c, http.StatusOK, views.PersonPageOf(b("Person"), v))
	}
	in, problems, err := s.lookForPerson(c, want, now)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return &refusal{http.StatusUnprocessableEntity, "This range cannot be read", problems[0].Text + ".", "Reports", "/reports"}
	}
	if want.rep != "" {
		v.Crumb = views.Link{Label: "The report", URL: s.address("/reports/"+want.rep, "rows", rowsPeople)}
	}
	where := rangeWords(in.request, loc)
	v.Sub = where + " · " + v.Zone
	if in.result == nil {
		if format(c.Request()) != "" {
			return errReportIsEmpty
		}
		v.Name = want.id.Text()
		v.Note = "You held more meetings in this range than one page can ask GoTo about. A report can: run it, then open its people."
		v.Account = s.again(reports.Request{From: in.request.From, To: in.request.To}, "Make the report on my meetings", loc)
		return s.page(c, http.StatusOK, views.PersonPageOf(b(v.Name), v))
	}
	known, err := s.meetings.Aliases(c.Request().Context(), caller(c))
	if err != nil {
		if format(c.Request()) != "" {
			return err
		}
		s.log.ErrorContext(c.Request().Context(), "who is who not read", "error", err)
		v.Unsure = unmerged
	}
	found := in.result.Find(want.id, known.Terms())
	if len(found) > 1 {
		v.Name, v.Sub = want.id.Text(), "Several people go by this"
		for _, p := range found {
			v.Several = append(v.Several, views.Link{
				Label: personName(p.Person), About: count(p.Meetings, "meeting", "meetings"),
				URL: s.address("/reports/person", append([]string{"person", string(p.ID)}, "report", want.rep, "from", want.from, "to", want.to)...),
			})
		}
		return s.page(c, http.StatusOK, views.PersonPageOf(b(v.Name), v))
	}
	var who reports.Somebody
	if len(found) == 1 {
		who = found[0]
	} else {
		who.Person = reports.Person{ID: want.id, Name: want.id.Text()}
	}
	q := reports.Query{Text: c.QueryParam("q"), Sort: c.QueryParam("sort"), Desc: c.QueryParam("dir") == "desc"}
	if !isPersonColumn(q.Sort) {
		q.Sort, q.Desc = "start", true
	}
	rows, words := q.Attended(who.Attended), asked("search", quoted(q.Text), "sorted by", sorting(q.Sort, q.Desc))
	v.Asked = words
	if format(c.Request()) != "" {
		facts := s.facts(c, in.seen, in.source, words, fact("Person", nameAndAddress(who.Name, who.Email)), fact("Range", where))
		for _, line := range known.Sentences(in.result.Figures(known.Terms(), loc, in.request.From, in.request.To).Decisions, loc) {
			facts = append(facts, fact("Who is who", line))
		}
		return s.twin(c, attendedTable(rows, loc), facts, personName(who.Person), "meetings")
	}
	if err := s.personRows(c, want, who, rows, q, &v); err != nil || c.Response().Committed {
		return err
	}
	v.Name = personName(who.Person)
	if who.Email != "" && who.Email != v.Name {
		v.Sub = who.Email + " · " + v.Sub
	}
	s.personNote(c, want, in, &v)
	v.Age = s.age(c, in.seen)
	return s.page(c, http.StatusOK, views.PersonPageOf(b(v.Name), v), views.Results)
}

// lookForPerson reads the report that is named, or the user's own meetings.
func (s *server) lookForPerson(c echo.Context, want personAsked, now time.Time) (looked, []views.Problem, error) {
	if want.rep != "" {
		r, err := s.reportNamed(c, want.rep)
		if err != nil {
			return looked{}, nil, err
		}
		if r.Result == nil {
			return looked{}, nil, errReportIsEmpty
		}
		return looked{r.Result, r.Request, meetings.Seen{At: r.Result.Taken}, r.State == reports.Done, callsWords(r)}, nil, nil
	}
	from, to := want.from, want.to
	if from == "" && to == "" {
		from, to = now.AddDate(0, 0, -89).Format(time.DateOnly), now.Format(time.DateOnly)
	}
	span := parseRange(from, to, now)
	if len(span.problems) > 0 {
		return looked{}, span.problems, nil
	}
	in := looked{request: reports.Request{From: span.from, To: span.to}, complete: true, source: "historicalMeetings and attendees of one's own meetings"}
	var fits bool
	var err error
	in.result, in.seen, fits, err = s.reports.Direct(c.Request().Context(), reader(c), span.from, span.to)
	if !fits {
		in.result = nil
	}
	return in, nil, err
}

func isPersonColumn(key string) bool {
	return slices.ContainsFunc(personColumns, func(col gridColumn) bool { return col.key == key })
}

// personRows fill in the meetings, one page of them, and what they add up to.
func (s *server) personRows(c echo.Context, want personAsked, who reports.Somebody, rows []reports.Attended, q reports.Query, v *views.PersonPage) error {
	const path = "/reports/person"
	loc := zone(c)
	self := query("email", want.email, "name", want.name, "person", want.person, "from", want.from, "to", want.to, "report", want.rep)
	for name := range self {
		v.Hidden = append(v.Hidden, views.Field{Name: name, Value: self.Get(name)})
	}
	slices.SortFunc(v.Hidden, func(a, b views.Field) int { return strings.Compare(a.Name, b.Name) })
	v.ClearURL = s.prefix + path + "?" + self.Encode()
	if q.Text != "" {
		self.Set("q", q.Text)
	}
	if c.QueryParam("sort") == q.Sort {
		self.Set("sort", q.Sort)
		self.Set("dir", map[bool]string{true: "desc", false: "asc"}[q.Desc])
	}
	for _, col := range personColumns {
		v.Table.Columns = append(v.Table.Columns, s.column(path, self, q.Sort, q.Desc, col.key, col.label, col.end))
	}
	g := grid{s: s, loc: loc}
	g.r.Request.All = want.rep != "" // rows lead to their organizers' pages
	var ok bool
	if v.Table.Rows, v.Paging, ok = cells(c, s, path, self, rows, g.attended); !ok {
		return s.toFirstPage(c)
	}
	minutes := 0
	for _, a := range rows {
		minutes += a.Minutes
	}
	v.Table.Total = []views.Cell{{Text: count(len(rows), "meeting", "meetings")}, {}, minutesCell(minutes), {}, {}, {}}
	v.Action, v.Text = s.address(path), q.Text
	v.Summary = count(len(who.Attended), "meeting", "meetings")
	if len(rows) != len(who.Attended) {
		v.Summary = strconv.Itoa(len(rows)) + " of " + v.Summary
	}
	v.Announce, v.Table.Caption = v.Summary, v.Summary+"; choose a column's name to sort by it"
	v.Twins = s.twinLinks(path, self, "csv", "xlsx", "json")
	switch {
	case len(who.Attended) == 0:
		v.Empty, v.Twins = "Nobody of this name or address came to a meeting in this range.", nil
		now := s.meetings.Now().In(loc)
		v.EmptyNext = views.Link{Label: "Look back a year", URL: s.address(path, "email", want.email, "name", want.name, "person", want.person,
			"from", now.AddDate(0, 0, -364).Format(time.DateOnly), "to", now.Format(time.DateOnly))}
		if want.rep != "" {
			v.EmptyNext = views.Link{Label: "Everybody in the report", URL: s.address("/reports/"+want.rep, "rows", rowsPeople)}
		}
	case len(rows) == 0:
		v.Empty = "Nothing matches your search."
	default:
		v.Tiles = []views.Tile{
			{Label: "Meetings", Figure: strconv.Itoa(who.Meetings)}, {Label: "Time there", Figure: length(who.Minutes)},
			{Label: "First seen", Figure: dateOr(who.First, loc), Note: clockOr(who.First, loc)}, {Label: "Last seen", Figure: dateOr(who.Last, loc), Note: clockOr(who.Last, loc)},
		}
	}
	return nil
}

func dateOr(t time.Time, loc *time.Location) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.In(loc).Format("2 Jan 2006")
}

func clockOr(t time.Time, loc *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(loc).Format("15:04")
}

func (g grid) attended(a reports.Attended) []views.Cell {
	time, share := minutesCell(a.Minutes), views.Cell{Text: percent(a.Share)}
	if a.NoTime {
		time, share = views.Cell{Text: "no time counted"}, views.Cell{Text: "–"}
	}
	return []views.Cell{
		{Text: subject(a.Subject), Sub: meetings.GroupID(a.MeetingID), URL: g.attendees(a.Held)}, g.day(a.Start), time, share, num(a.Joins),
		{Text: meetings.Plain(a.Organizer.Label()), Wide: true},
	}
}

// personNote says how far the page sees, and how an admin sees further.
func (s *server) personNote(c echo.Context, want personAsked, in looked, v *views.PersonPage) {
	switch {
	case want.rep != "" && !in.complete:
		v.Note = "The report is not complete, so meetings may be missing here."
	case want.rep == "" && caller(c).Admin:
		v.Note = "These are your own meetings alone. A report on the whole account shows all of this person's."
		v.Account = s.again(reports.Request{From: in.request.From, To: in.request.To, All: true}, "Make the report on the whole account", zone(c))
	case want.rep == "":
		v.Note = "These are your own meetings alone."
	}
}

func attendedTable(rows []reports.Attended, loc *time.Location) export.Table {
	t := export.Table{Name: "Meetings", Zone: loc, Columns: []export.Column{
		{Key: "subject", Label: "Subject"}, {Key: "meeting_id", Label: "Meeting ID"}, {Key: "start", Label: inZone("Start", loc)}, {Key: "start_iso", Label: "Start (ISO 8601)"},
		{Key: "first_in", Label: inZone("First in", loc)}, {Key: "last_out", Label: inZone("Last out", loc)}, {Key: "joins", Label: "Joins"},
		{Key: "minutes", Label: "Minutes"}, {Key: "share", Label: "Share, % of the actual length"}, {Key: "organizer", Label: "Organizer"}, {Key: "organizer_email", Label: "Organizer e-mail"},
	}}
	t.Rows = export.Each(rows, func(cells []any, a reports.Attended) []any {
		return append(cells, a.Subject, a.MeetingID, a.Start, iso(a.Start, loc), a.FirstIn, a.LastOut, a.Joins, a.Minutes, meetings.Percent(a.Share),
			a.Organizer.Name, a.Organizer.Email)
	})
	return t
}
