package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
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

// What the rows of a report can be.
const (
	rowsMeetings   = "meetings"
	rowsPeople     = "people"
	rowsOrganizers = "organizers"
	rowsWeeks      = "weeks"
)

const (
	extremes   = 5 // meetings among the best and the rarely attended
	fewest     = 4 // meetings that are worth ranking
	lookAgain  = 5 // seconds, where there is no script
	mostFresh  = 15 * time.Minute
	seenBefore = "seen" // quarters of the progress that were announced
)

// reportQuery is what is asked of a report.
type reportQuery struct {
	rows string
	reports.Query
}

func readReportQuery(c echo.Context) reportQuery {
	q := reportQuery{c.QueryParam("rows"), reports.Query{Text: c.QueryParam("q"), Sort: c.QueryParam("sort"), Desc: c.QueryParam("dir") == "desc"}}
	if q.rows != rowsPeople && q.rows != rowsOrganizers && q.rows != rowsWeeks {
		q.rows = rowsMeetings
	}
	if q.rows == rowsWeeks {
		q.Text = ""
	}
	if !slices.ContainsFunc(reportColumns[q.rows], func(col gridColumn) bool { return col.key == q.Sort }) {
		q.Sort, q.Desc = reportColumns[q.rows][0].key, false
		if q.rows == rowsMeetings {
			q.Sort, q.Desc = "start", true
		}
	}
	return q
}

// values are the address of the page as it is asked for.
func (q reportQuery) values(c echo.Context) url.Values {
	v := query("q", q.Text)
	if q.rows != rowsMeetings {
		v.Set("rows", q.rows)
	}
	if c.QueryParam("sort") == q.Sort {
		v.Set("sort", q.Sort)
		v.Set("dir", map[bool]string{true: "desc", false: "asc"}[q.Desc])
	}
	return v
}

// inWords says what is asked of the rows.
func (q reportQuery) inWords() string {
	return asked("rows", q.rows, "search", quoted(q.Text), "sorted by", sorting(q.Sort, q.Desc))
}

// gridColumn is a column of a table on a page.
type gridColumn struct {
	key, label string
	end        bool
}

var reportColumns = map[string][]gridColumn{
	rowsMeetings: {
		{"subject", "Subject", false}, {"start", "When", false}, {"minutes", "Length", true}, {"people", "People", true},
		{"told", "GoTo's count", true}, {"attended", "Time of all", true}, {"organizer", "Organizer", false},
	},
	rowsPeople: {
		{"name", "Name", false}, {"email", "E-mail", false}, {"meetings", "Meetings", true}, {"minutes", "Time there", true},
		{"first_seen", "First seen", false}, {"last_seen", "Last seen", false},
	},
	rowsOrganizers: {
		{"organizer", "Organizer", false}, {"meetings", "Meetings", true}, {"minutes", "Time held", true}, {"people", "People", true},
		{"visits", "Attendances", true}, {"attended", "Time of all", true}, {"last", "Last meeting", false},
	},
	rowsWeeks: {
		{"week", "Week of", false}, {"meetings", "Meetings", true}, {"minutes", "Time held", true}, {"people", "People", true},
		{"visits", "Attendances", true}, {"attended", "Time of all", true},
	},
}

// showReport shows how far a report is, or what it says.
func (s *server) showReport(c echo.Context) error {
	r, err := s.ownReport(c)
	polled := isPartial(c.Request()) && c.QueryParams().Has(seenBefore)
	if polled && (err == nil && r.State != reports.Running || errors.Is(err, reports.ErrNoReport)) {
		c.Response().Header().Set("HX-Refresh", "true") // all of the page is another now
		return c.NoContent(http.StatusOK)
	}
	if err != nil {
		return err
	}
	if format(c.Request()) != "" && r.Result == nil {
		if r.State == reports.Running {
			return errReportRuns
		}
		return errReportIsEmpty
	}
	loc := zone(c)
	v := views.Report{Title: reportTitle(r), Range: rangeWords(r.Request, loc), Zone: meetings.ZoneLabel(loc, s.meetings.Now()), State: reportState(r)}
	if r.State == reports.Running {
		v.Running = s.reportProgress(c, r)
		b := s.base(c, "reports", v.State.Text, v.Title, "Reports")
		b.Refresh = lookAgain
		return s.page(c, http.StatusOK, views.ReportPage(b, v), views.ReportOnly)
	}
	s.reportNotes(c, r, &v)
	if r.Result == nil {
		return s.page(c, http.StatusOK, views.ReportPage(s.base(c, "reports", v.Title, "Reports"), v))
	}
	known, err := s.meetings.Aliases(c.Request().Context(), caller(c))
	if err != nil {
		if format(c.Request()) != "" {
			return err // a file that merges nobody would be taken for one that does
		}
		s.log.ErrorContext(c.Request().Context(), "who is who not read", "error", err)
		v.Unsure = unmerged
	}
	f := r.Result.Figures(known.Terms(), loc, r.Request.From, r.Request.To)
	q := readReportQuery(c)
	path := "/reports/" + r.ID
	if format(c.Request()) != "" {
		return s.reportFile(c, r, f, q, known)
	}
	if err := s.reportRows(c, r, f, q, path, &v); err != nil || c.Response().Committed {
		return err
	}
	s.reportSummary(c, r, f, &v)
	for _, line := range known.Sentences(f.Decisions, loc) {
		v.Made = append(v.Made, line+".")
	}
	title := v.Title
	if v.Paging.Pages > 1 {
		title += ", page " + strconv.Itoa(v.Paging.Page)
	}
	return s.page(c, http.StatusOK, views.ReportPage(s.base(c, "reports", title, "Reports"), v), views.Results)
}

// ownReport reads the report that is asked for. One about others stays closed to
// who is no admin any more.
func (s *server) ownReport(c echo.Context) (reports.Report, error) {
	return s.reportNamed(c, c.Param("id"))
}

func (s *server) reportNamed(c echo.Context, id string) (reports.Report, error) {
	r, err := s.reports.Get(c.Request().Context(), caller(c), id)
	if err != nil || r.Request.Own() {
		return r, err
	}
	if err := session(c).ConfirmRole(c.Request().Context(), roleAge); err != nil {
		return r, err
	}
	if !caller(c).Admin {
		return r, errAdminsOnly
	}
	return r, nil
}

// reportProgress is a report that is being made. The page asks for it again
// every two seconds, and tells by ear when a quarter is done.
func (s *server) reportProgress(c echo.Context, r reports.Report) *views.ReportProgress {
	p := r.Progress
	quarter := 0
	if p.Total > 0 {
		quarter = 4 * p.Done / p.Total
	}
	v := &views.ReportProgress{
		Self: s.address("/reports/"+r.ID, seenBefore, strconv.Itoa(quarter)), Done: p.Done, Total: p.Total, Says: stepsOf(p.Done, p.Total),
		Elapsed:  "For " + seconds(s.meetings.Now().Sub(r.Begun)) + " now, " + count(p.Calls, "call", "calls") + " to GoTo so far.",
		Stopping: r.CancelAskedFor, Cancel: s.address("/reports/" + r.ID + "/cancel"),
	}
	if before, err := strconv.Atoi(c.QueryParam(seenBefore)); err == nil && before < quarter {
		v.Announce = strconv.Itoa(25*quarter) + " per cent done"
	}
	for _, o := range p.Organizers {
		row := views.ReadingRow{Name: meetings.Plain(o.Organizer.Label()), Steps: strconv.Itoa(o.Done) + " of " + strconv.Itoa(o.Total), State: readStates[o.State]}
		if o.Why != "" {
			row.Why = upperFirst(reasonWords(o.Why, c.Request())) + "."
		}
		v.Organizers = append(v.Organizers, row)
	}
	return v
}

var readStates = map[reports.ReadState]views.Word{
	reports.ReadWaits: {Text: "Waits"}, reports.ReadBegun: {Text: "Being read", Kind: "live"}, reports.ReadDone: {Text: "Done"},
	reports.ReadFailed: {Text: "Not read", Kind: "warn"}, reports.ReadLeft: {Text: "Not read", Kind: "warn"},
}

// reportNotes say how a report ended, whom it lacks, and what to do.
func (s *server) reportNotes(c echo.Context, r reports.Report, v *views.Report) {
	label := "Run it again"
	switch {
	case r.Unreadable:
		v.Failure = "This report cannot be opened any more: the portal's session key was changed since. Run it again."
	case r.State == reports.Interrupted:
		v.Failure = "Interrupted: the portal was restarted while it made this report. Run it again."
	case r.State == reports.Failed && r.Why == reports.TooMuch:
		v.Failure = fmt.Sprintf("There is too much for one report: more than %d meetings and entries of attendees. Choose a shorter range, or fewer organizers.", reports.MostJoins)
		label = "Run it again all the same"
	case r.State == reports.Failed:
		v.Failure = "Nothing could be read: " + reasonWords(r.Why, c.Request()) + "."
	case r.State == reports.Cancelled && r.Result == nil:
		v.Failure = "Cancelled before anything was read."
	case r.State == reports.Cancelled:
		v.Lacks = "You cancelled this report. The figures are of " + readOf(r) + "."
	case r.State == reports.Partial:
		v.Lacks = "Not everything could be read. The figures are of " + readOf(r) + ". Not here:"
	default:
		label = ""
	}
	if r.State == reports.Partial {
		for _, m := range r.Progress.Missing() {
			v.Missing = append(v.Missing, meetings.Plain(m.Organizer.Label())+": "+reasonWords(m.Why, c.Request()))
		}
	}
	if label != "" {
		v.Again = s.again(r.Request, label, zone(c))
	}
}

func readOf(r reports.Report) string {
	all := len(r.Progress.Organizers)
	return strconv.Itoa(all-len(r.Progress.Missing())) + " of " + count(all, "organizer", "organizers")
}

// reportSummary are the figures above all rows, and how they came about.
func (s *server) reportSummary(c echo.Context, r reports.Report, f reports.Figures, v *views.Report) {
	loc := zone(c)
	v.Has = true
	nameless := 0
	for _, p := range f.People {
		if !p.Known {
			nameless++
		}
	}
	peopleNote := "organizers among them"
	if nameless > 0 {
		peopleNote = strconv.Itoa(nameless) + " of them without name and e-mail"
	}
	held := ""
	if len(f.Organizers) > 1 {
		held = strconv.Itoa(f.Active()) + " of " + count(len(f.Organizers), "organizer", "organizers") + " held any"
	}
	v.Tiles = []views.Tile{
		{Label: "Meetings held", Figure: strconv.Itoa(len(f.Held)), Note: held},
		{Label: "Time held", Figure: length(f.Minutes), Note: "lengths of meetings added up"},
		{Label: "People reached", Figure: strconv.Itoa(len(f.People)), Note: peopleNote},
		{Label: "Attendances", Figure: strconv.Itoa(f.Visits), Note: "people of each meeting added up"},
		{Label: "Time attended", Figure: length(f.Attended), Note: "of all people together"},
	}
	if len(f.Held) > 0 && len(f.Weeks) > 1 {
		v.Chart = weekChart(f)
	}
	if len(f.Series) >= fewest {
		best, rare := f.Extremes(extremes)
		v.Best, v.Rare = s.ranked(best, r, loc), s.ranked(rare, r, loc)
	}
	v.Made = append(v.Made, callsWords(r))
	if r.Result.Strays > 0 {
		v.Made = append(v.Made, count(r.Result.Strays, "session", "sessions")+" that GoTo's attendee rows name are not in its history, and not counted here.")
	}
	if now := s.meetings.Now(); now.Sub(r.Request.To) < mostFresh {
		v.Made = append(v.Made, "GoTo can take about 15 minutes to report a meeting, so one that ended just before may be missing.")
	}
	v.Made = append(v.Made, "A person is an e-mail address, else a name. Time there is without gaps and second devices, in whole minutes for each meeting, and sums add up what is shown.")
	v.Until = "Made " + moment(r.Begun.In(loc), s.meetings.Now().In(loc)) + " with " + count(r.Progress.Calls, "call", "calls") + " to GoTo, kept until " + moment(r.Begun.Add(reports.Kept).In(loc), s.meetings.Now().In(loc)) + "."
}

// callsWords justify the calls.
func callsWords(r reports.Report) string {
	text := count(r.Progress.Calls, "call", "calls") + " to GoTo: "
	if r.Request.All {
		text += "the account's users, and "
	}
	return text + "for each organizer and 31 days one for the meetings, and where there were any one for who came; where GoTo grants that to admins alone, one for each meeting."
}

// weekChart draws attendances by week, and says what there is to see.
func weekChart(f reports.Figures) views.Chart {
	ch := views.Chart{Title: "Attendances by week"}
	best := 0
	for i, w := range f.Weeks {
		ch.Bars = append(ch.Bars, views.Bar{
			Label: w.Start.Format("2 Jan"), Value: w.Visits,
			Says: "Week of " + w.Start.Format("2 January 2006") + ": " + count(w.Visits, "attendance", "attendances") + " in " + count(w.Meetings, "meeting", "meetings"),
		})
		if w.Visits > f.Weeks[best].Visits {
			best = i
		}
	}
	if f.Visits == 0 {
		ch.Finding = "Nobody is recorded in any week."
		return ch
	}
	ch.Finding = "Most in the week of " + f.Weeks[best].Start.Format("2 January 2006") + ", with " + count(f.Weeks[best].Visits, "attendance", "attendances") +
		"; " + strconv.Itoa((f.Visits+len(f.Weeks)/2)/len(f.Weeks)) + " a week on average."
	return ch
}

func (s *server) ranked(list []reports.Series, r reports.Report, loc *time.Location) []views.RankedMeeting {
	var out []views.RankedMeeting
	for _, m := range list {
		figure := "people each time"
		if m.Meetings == 1 {
			figure = map[bool]string{true: "person", false: "people"}[m.Visits == 1]
		}
		note := m.Last.In(loc).Format("2 Jan 2006")
		if m.Meetings > 1 {
			note = count(m.Meetings, "session", "sessions") + ", the last on " + note
		}
		if !r.Request.Own() {
			note += " · " + meetings.Plain(m.Organizer.Label())
		}
		out = append(out, views.RankedMeeting{
			Subject: subject(m.Subject), URL: s.address("/reports/"+r.ID, "q", meetings.GroupID(m.MeetingID)),
			Figure: oneDecimal(m.Average()) + " " + figure, Note: note,
		})
	}
	return out
}

// oneDecimal writes a mean, without a decimal that says nothing.
func oneDecimal(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

// reportRows fill in the rows that are asked for, one page of them.
func (s *server) reportRows(c echo.Context, r reports.Report, f reports.Figures, q reportQuery, path string, v *views.Report) error {
	loc := zone(c)
	v.Action, v.Text, v.Asked = s.address(path), q.Text, q.inWords()
	for _, tab := range []struct{ rows, label string }{
		{rowsMeetings, "Meetings"}, {rowsPeople, "People"}, {rowsOrganizers, "Organizers"}, {rowsWeeks, "Weeks"},
	} {
		rows := tab.rows
		if rows == rowsMeetings {
			rows = ""
		}
		if rows == rowsOrganizers && len(f.Organizers) == 1 && rows != q.rows {
			continue // it would say what the figures above say
		}
		v.Tabs = append(v.Tabs, views.Link{Label: tab.label, About: "tab-" + tab.rows, Current: tab.rows == q.rows, URL: s.address(path, "rows", rows)})
		if rows != "" && tab.rows == q.rows {
			v.Hidden = append(v.Hidden, views.Field{Name: "rows", Value: rows})
		}
	}
	self := q.values(c)
	for _, name := range []string{"sort", "dir"} {
		if self.Has(name) {
			v.Hidden = append(v.Hidden, views.Field{Name: name, Value: self.Get(name)})
		}
	}
	columns, g := reportColumns[q.rows], grid{s: s, r: r, loc: loc}
	if q.rows == rowsMeetings {
		columns = columns[:g.heldCells()]
	}
	for _, col := range columns {
		v.Table.Columns = append(v.Table.Columns, s.column(path, self, q.Sort, q.Desc, col.key, col.label, col.end))
	}
	var shown, all int
	var ok bool
	switch q.rows {
	case rowsMeetings:
		rows := q.Held(f.Held)
		shown, all = len(rows), len(f.Held)
		v.Search, v.Summary = "Search by subject, meeting ID or organizer", count(all, "meeting", "meetings")
		v.Table.Rows, v.Paging, ok = cells(c, s, path, self, rows, g.held)
		v.Table.Total = g.heldTotal(rows)
	case rowsPeople:
		rows := q.Query.People(f.People)
		shown, all = len(rows), len(f.People)
		v.Search, v.Summary = "Search by name or e-mail", count(all, "person", "people")
		v.Table.Rows, v.Paging, ok = cells(c, s, path, self, rows, g.person)
		v.Table.Total = g.peopleTotal(rows)
	case rowsOrganizers:
		rows := q.Query.Organizers(f.Organizers)
		shown, all = len(rows), len(f.Organizers)
		v.Search, v.Summary = "Search by name, e-mail or key", count(all, "organizer", "organizers")
		v.Table.Rows, v.Paging, ok = cells(c, s, path, self, rows, g.organizer)
		v.Table.Total = g.organizersTotal(rows)
	default:
		rows := q.Query.Weeks(f.Weeks)
		shown, all = len(rows), len(f.Weeks)
		v.Summary = count(all, "week", "weeks") + ", Monday to Sunday"
		v.Table.Rows, v.Paging, ok = cells(c, s, path, self, rows, g.week)
		v.Table.Total = g.weeksTotal(rows, f)
	}
	if !ok {
		return s.toFirstPage(c)
	}
	if shown != all {
		v.Summary = strconv.Itoa(shown) + " of " + v.Summary
	}
	v.Announce = v.Summary
	v.Table.Caption = v.Summary + "; choose a column's name to sort by it"
	v.Twins = s.twinLinks(path, self, "csv", "xlsx", "json")
	switch {
	case len(f.Held) == 0:
		v.Empty, v.EmptyNext = "No meeting ended in this range.", views.Link{Label: "Choose another", URL: s.address("/reports")}
		v.Tabs, v.Search, v.Twins, v.Table.Rows = nil, "", nil, nil
	case all == 0:
		v.Empty = "Nobody is recorded in these meetings."
	case shown == 0:
		v.Empty, v.EmptyNext = "Nothing matches your search.", views.Link{Label: "Show all", URL: s.address(path, "rows", q.values(c).Get("rows"))}
	}
	return nil
}

// cells are the rows of the page that is asked for; not ok when there is none.
func cells[T any](c echo.Context, s *server, path string, self url.Values, rows []T, row func(T) []views.Cell) ([][]views.Cell, views.Paging, bool) {
	cut, page, pages, ok := pageAsked(c, rows)
	out := make([][]views.Cell, 0, len(cut))
	for _, v := range cut {
		out = append(out, row(v))
	}
	return out, s.paging(path, self, page, pages), ok
}

// grid makes the cells of a report's rows.
type grid struct {
	s   *server
	r   reports.Report
	loc *time.Location
}

func num(n int) views.Cell { return views.Cell{Text: strconv.Itoa(n)} }

func minutesCell(n int) views.Cell { return views.Cell{Text: length(n)} }

// day writes when something was, with the weekday, and moment without.
func (g grid) day(t time.Time) views.Cell    { return g.written(t, "Mon 2 Jan 2006, 15:04") }
func (g grid) moment(t time.Time) views.Cell { return g.written(t, "2 Jan 2006, 15:04") }

func (g grid) written(t time.Time, form string) views.Cell {
	if t.IsZero() {
		return views.Cell{Text: "–"}
	}
	return views.Cell{Text: t.In(g.loc).Format(form), Datetime: t.UTC().Format(time.RFC3339), Wide: true}
}

// attendees leads to who came to a session.
func (g grid) attendees(h reports.Held) string {
	watched := ""
	if !g.r.Request.Own() {
		watched = h.Organizer.Key
	}
	return g.s.address(attendeesPath(h.MeetingID), "occurrence", h.Start.UTC().Format(time.RFC3339), "organizer", watched)
}

func (g grid) held(h reports.Held) []views.Cell {
	told := num(h.Told)
	if h.Told != h.People && h.Told > 0 {
		told.Sub = "differs"
	}
	return []views.Cell{
		{Text: subject(h.Subject), Sub: meetings.GroupID(h.MeetingID), URL: g.attendees(h)}, g.day(h.Start), minutesCell(h.Minutes), num(h.People), told,
		minutesCell(h.Attended), {Text: meetings.Plain(h.Organizer.Label()), Wide: true},
	}[:g.heldCells()]
}

// heldCells is how many cells a session has: of one's own it goes without
// saying whose they are.
func (g grid) heldCells() int {
	if g.r.Request.Own() {
		return len(reportColumns[rowsMeetings]) - 1
	}
	return len(reportColumns[rowsMeetings])
}

func (g grid) heldTotal(rows []reports.Held) []views.Cell {
	var minutes, people, attended int
	for _, h := range rows {
		minutes, people, attended = minutes+h.Minutes, people+h.People, attended+h.Attended
	}
	return []views.Cell{{Text: count(len(rows), "meeting", "meetings")}, {}, minutesCell(minutes), num(people), {}, minutesCell(attended), {}}[:g.heldCells()]
}

func (g grid) person(p reports.Person) []views.Cell {
	who := views.Cell{Text: personName(p)}
	if p.Known {
		who.URL = g.s.personURL(p, g.r.ID)
	}
	return []views.Cell{who, {Text: p.Email, Wide: true}, num(p.Meetings), minutesCell(p.Minutes), g.moment(p.First), g.moment(p.Last)}
}

func personName(p reports.Person) string {
	switch name := meetings.Plain(p.Name); {
	case name != "":
		return name
	case p.Email != "":
		return meetings.Plain(p.Email)
	}
	return "No name"
}

func (g grid) peopleTotal(rows []reports.Person) []views.Cell {
	var visits, minutes int
	for _, p := range rows {
		visits, minutes = visits+p.Meetings, minutes+p.Minutes
	}
	return []views.Cell{{Text: count(len(rows), "person", "people")}, {}, num(visits), minutesCell(minutes), {}, {}}
}

func (g grid) organizer(o reports.Organizer) []views.Cell {
	last := g.moment(o.Last)
	if o.Meetings == 0 {
		last = views.Cell{Text: "Idle", IsBadge: true}
	}
	return []views.Cell{
		{Text: meetings.Plain(o.Label()), Sub: o.Key, URL: g.s.address("/reports/"+g.r.ID, "q", o.Key)}, num(o.Meetings), minutesCell(o.Minutes), num(o.People), num(o.Visits),
		minutesCell(o.Attended), last,
	}
}

func (g grid) organizersTotal(rows []reports.Organizer) []views.Cell {
	var held, minutes, visits, attended int
	for _, o := range rows {
		held, minutes, visits, attended = held+o.Meetings, minutes+o.Minutes, visits+o.Visits, attended+o.Attended
	}
	return []views.Cell{{Text: count(len(rows), "organizer", "organizers")}, num(held), minutesCell(minutes), {}, num(visits), minutesCell(attended), {}}
}

func (g grid) week(w reports.Week) []views.Cell {
	_, n := w.Start.ISOWeek()
	return []views.Cell{
		{Text: w.Start.Format("2 Jan 2006"), Sub: "week " + strconv.Itoa(n)}, num(w.Meetings), minutesCell(w.Minutes), num(w.People), num(w.Visits), minutesCell(w.Attended),
	}
}

func (g grid) weeksTotal(rows []reports.Week, f reports.Figures) []views.Cell {
	return []views.Cell{{Text: count(len(rows), "week", "weeks")}, num(len(f.Held)), minutesCell(f.Minutes), {}, num(f.Visits), minutesCell(f.Attended)}
}

// reportFile answers the rows that are asked for, all of them. Of a report that
// lacks somebody the name says so.
func (s *server) reportFile(c echo.Context, r reports.Report, f reports.Figures, q reportQuery, known meetings.Aliases) error {
	loc := zone(c)
	facts := s.facts(c, meetings.Seen{At: r.Result.Taken}, callsWords(r), q.inWords(), fact("Report", reportTitle(r)+", "+rangeWords(r.Request, loc)))
	for _, m := range r.Progress.Missing() {
		facts = append(facts, fact("Not here", m.Organizer.Label()+": "+reasonWords(m.Why, c.Request())))
	}
	for _, line := range known.Sentences(f.Decisions, loc) {
		facts = append(facts, fact("Who is who", line))
	}
	from, to := typedRange(r.Request, loc)
	parts := []string{"report", reportTitle(r), q.rows, from, to}
	if r.State != reports.Done {
		parts = append([]string{"incomplete"}, parts...)
	}
	var t export.Table
	switch q.rows {
	case rowsPeople:
		t = reportPeopleTable(q.Query.People(f.People), loc)
	case rowsOrganizers:
		t = reportOrganizersTable(q.Query.Organizers(f.Organizers), loc)
	case rowsWeeks:
		t = reportWeeksTable(q.Query.Weeks(f.Weeks), loc)
	default:
		t = reportMeetingsTable(q.Held(f.Held), loc)
	}
	return s.twin(c, t, facts, parts...)
}

func reportMeetingsTable(rows []reports.Held, loc *time.Location) export.Table {
	t := export.Table{Name: "Meetings", Zone: loc, Columns: []export.Column{
		{Key: "subject", Label: "Subject"}, {Key: "meeting_id", Label: "Meeting ID"}, {Key: "session_id", Label: "Session ID"},
		{Key: "start", Label: inZone("Start", loc)}, {Key: "end", Label: inZone("End", loc)}, {Key: "start_iso", Label: "Start (ISO 8601)"},
		{Key: "minutes", Label: "Minutes"}, {Key: "people", Label: "People"}, {Key: "told", Label: "GoTo's count"}, {Key: "attended", Label: "Minutes of all"},
		{Key: "organizer", Label: "Organizer"}, {Key: "organizer_email", Label: "Organizer e-mail"}, {Key: "organizer_key", Label: "Organizer key"},
	}}
	t.Rows = export.Each(rows, func(cells []any, h reports.Held) []any {
		return append(cells, h.Subject, h.MeetingID, h.SessionID, h.Start, h.End, iso(h.Start, loc), h.Minutes, h.People, h.Told, h.Attended,
			h.Organizer.Name, h.Organizer.Email, h.Organizer.Key)
	})
	return t
}

func reportPeopleTable(rows []reports.Person, loc *time.Location) export.Table {
	t := export.Table{Name: "People", Zone: loc, Columns: []export.Column{
		{Key: "name", Label: "Name"}, {Key: "email", Label: "E-mail"}, {Key: "meetings", Label: "Meetings"}, {Key: "minutes", Label: "Minutes"},
		{Key: "first_seen", Label: inZone("First seen", loc)}, {Key: "last_seen", Label: inZone("Last seen", loc)}, {Key: "last_seen_iso", Label: "Last seen (ISO 8601)"},
	}}
	t.Rows = export.Each(rows, func(cells []any, p reports.Person) []any {
		return append(cells, p.Name, p.Email, p.Meetings, p.Minutes, p.First, p.Last, iso(p.Last, loc))
	})
	return t
}

func reportOrganizersTable(rows []reports.Organizer, loc *time.Location) export.Table {
	t := export.Table{Name: "Organizers", Zone: loc, Columns: []export.Column{
		{Key: "organizer", Label: "Organizer"}, {Key: "organizer_email", Label: "Organizer e-mail"}, {Key: "organizer_key", Label: "Organizer key"},
		{Key: "meetings", Label: "Meetings"}, {Key: "minutes", Label: "Minutes held"}, {Key: "people", Label: "People"}, {Key: "visits", Label: "Attendances"},
		{Key: "attended", Label: "Minutes of all"}, {Key: "last", Label: inZone("Last meeting", loc)}, {Key: "last_iso", Label: "Last meeting (ISO 8601)"},
	}}
	t.Rows = export.Each(rows, func(cells []any, o reports.Organizer) []any {
		return append(cells, o.Name, o.Email, o.Key, o.Meetings, o.Minutes, o.People, o.Visits, o.Attended, o.Last, iso(o.Last, loc))
	})
	return t
}

func reportWeeksTable(rows []reports.Week, loc *time.Location) export.Table {
	t := export.Table{Name: "Weeks", Zone: loc, Columns: []export.Column{
		{Key: "week", Label: "Week of"}, {Key: "iso_week", Label: "Week (ISO 8601)"}, {Key: "meetings", Label: "Meetings"}, {Key: "minutes", Label: "Minutes held"},
		{Key: "people", Label: "People"}, {Key: "visits", Label: "Attendances"}, {Key: "attended", Label: "Minutes of all"},
	}}
	t.Rows = export.Each(rows, func(cells []any, w reports.Week) []any {
		year, n := w.Start.ISOWeek()
		return append(cells, w.Start.Format(time.DateOnly), fmt.Sprintf("%d-W%02d", year, n), w.Meetings, w.Minutes, w.People, w.Visits, w.Attended)
	})
	return t
}
