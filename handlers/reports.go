package handlers

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/meetings"
	"portal/reports"
	"portal/views"
)

// Whose meetings a report can be about, besides keys.
const (
	ownMeetings = "own"
	someChosen  = "chosen"
)

var (
	errNoReport      = &refusal{http.StatusNotFound, "No such report", "Reports are kept for 24 hours, ten at most, and shown to nobody but who asked for them.", "Reports", "/reports"}
	errReportRuns    = &refusal{http.StatusConflict, "This report is not done yet", "Its files are there once it is.", "Reports", "/reports"}
	errReportIsEmpty = &refusal{http.StatusNotFound, "There is nothing in this report", "It ended before anything was read. Run it again.", "Reports", "/reports"}
)

// reportForm is what is asked for, as it was typed.
type reportForm struct {
	dateRange
	organizers []string // keys, AllOrganizers, ownMeetings or someChosen
	text       string
}

// readReportForm reads the form. Nothing typed is the last 90 days.
func readReportForm(values url.Values, now time.Time) reportForm {
	from, to := values.Get("from"), values.Get("to")
	if from == "" && to == "" {
		from, to = now.AddDate(0, 0, -89).Format(time.DateOnly), now.Format(time.DateOnly)
	}
	return reportForm{parseRange(from, to, now), values["organizer"], values.Get("q")}
}

// whose is which of the three choices is made. Without one an admin means the
// whole account.
func (f reportForm) whose(admin bool) string {
	switch {
	case slices.Contains(f.organizers, meetings.AllOrganizers):
		return meetings.AllOrganizers
	case slices.Contains(f.organizers, ownMeetings):
		return ownMeetings
	case len(f.organizers) > 0:
		return someChosen
	case admin:
		return meetings.AllOrganizers
	}
	return ownMeetings
}

// keys are the organizers that are chosen.
func (f reportForm) keys() []string {
	return slices.DeleteFunc(slices.Clone(f.organizers), func(key string) bool {
		return key == "" || key == ownMeetings || key == someChosen || key == meetings.AllOrganizers
	})
}

// request is what the form asks for, or why that cannot be.
func (f *reportForm) request() reports.Request {
	r := reports.Request{From: f.from, To: f.to}
	switch f.whose(false) {
	case meetings.AllOrganizers:
		r.All = true
	case someChosen:
		r.Organizers = f.keys()
		if len(r.Organizers) == 0 {
			f.problems = append(f.problems, views.Problem{Field: "organizer", Text: "Choose at least one organizer, or the whole account"})
		}
		if slices.ContainsFunc(r.Organizers, func(key string) bool { return !idPattern.MatchString(key) }) {
			f.problems = append(f.problems, views.Problem{Field: "organizer", Text: "An organizer key is a number: choose the organizers from the list"})
		}
	}
	return r
}

// showReports asks for a report, and lists the recent ones.
func (s *server) showReports(c echo.Context) error {
	return s.listReports(c, http.StatusOK, readReportForm(c.QueryParams(), s.meetings.Now().In(zone(c))))
}

func (s *server) listReports(c echo.Context, status int, f reportForm) error {
	recent, err := s.reports.List(c.Request().Context(), caller(c))
	if err != nil {
		return err
	}
	v := views.Reports{Form: s.viewReportForm(c, f)}
	for _, r := range recent {
		v.Recent = append(v.Recent, s.reportLink(c, r))
	}
	b := s.base(c, "reports", "Reports")
	b.Wrong = len(f.problems) > 0 && status == http.StatusUnprocessableEntity
	if !b.Wrong {
		v.Form.Problems = nil // the form was not sent yet
	}
	return s.page(c, status, views.ReportsPage(b, v), views.Organizers)
}

// startReport begins what the form asks for, and leads to its page.
func (s *server) startReport(c echo.Context) error {
	values, err := c.FormParams()
	if err != nil {
		return err
	}
	f := readReportForm(values, s.meetings.Now().In(zone(c)))
	if values.Get("find") != "" {
		return s.listReports(c, http.StatusOK, f)
	}
	request := f.request()
	if len(f.problems) > 0 {
		return s.listReports(c, http.StatusUnprocessableEntity, f)
	}
	id, err := s.reports.Start(c.Request().Context(), caller(c), request)
	if _, running := errors.AsType[*reports.RunningError](err); running {
		f.problems = []views.Problem{{Field: "recent", Text: "Another report of yours is running. Wait until it is done, or cancel it"}}
		return s.listReports(c, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	return s.to(c, "/reports/"+id)
}

// cancelReport ends a report that runs.
func (s *server) cancelReport(c echo.Context) error {
	if err := s.reports.Cancel(c.Request().Context(), caller(c), c.Param("id")); err != nil {
		return err
	}
	return s.to(c, "/reports/"+c.Param("id"))
}

func (s *server) viewReportForm(c echo.Context, f reportForm) views.ReportForm {
	who := caller(c)
	v := views.ReportForm{
		From: f.typedFrom, To: f.typed, FromInput: momentInput(f.typedFrom), ToInput: momentInput(f.typed), Problems: f.problems,
		Admin: who.Admin, Text: f.text, Presets: s.reportPresets(c, f),
	}
	if !who.Admin {
		return v
	}
	v.Whose = options(f.whose(true), meetings.AllOrganizers, "The whole account", ownMeetings, "My own", someChosen, "These organizers:")
	users, _, err := s.meetings.People(c.Request().Context(), reader(c))
	if err != nil {
		told, _, _ := explain(err, c.Request())
		v.Missing = "GoTo did not say who is in your account (" + told.title + "), so here is whom the portal has met."
		if users, err = s.meetings.AddressBook(c.Request().Context(), who); err != nil {
			v.Missing = "The organizers could not be read just now."
		}
	}
	chosen := map[string]bool{}
	for _, key := range f.keys() {
		chosen[key] = true
	}
	matching, all := map[string]bool{}, 0
	for _, u := range meetings.FilterUsers(users, f.text) {
		matching[u.Key] = true
	}
	for _, first := range []bool{true, false} { // who is chosen stays in sight
		for _, u := range users {
			if u.Status == "INVITED" || chosen[u.Key] != first {
				continue
			}
			all++
			if first || matching[u.Key] {
				v.Organizers = append(v.Organizers, views.OrganizerChoice{Key: u.Key, Label: u.Label(), Note: organizerNote(u), Chosen: first})
			}
		}
	}
	v.Found = count(all, "organizer", "organizers")
	if len(v.Organizers) != all {
		v.Found = strconv.Itoa(len(v.Organizers)) + " of " + v.Found + ", the chosen ones among them"
	}
	v.Announce = v.Found
	return v
}

func organizerNote(u meetings.User) string {
	var words []string
	if u.Email != "" && u.Email != u.Label() {
		words = append(words, u.Email)
	}
	if u.Status != "" && u.Status != "ACTIVE" {
		words = append(words, strings.ToLower(u.Status))
	}
	return strings.Join(words, ", ")
}

// reportPresets are the usual ranges, with the organizers as they are chosen.
func (s *server) reportPresets(c echo.Context, f reportForm) []views.Link {
	now := s.meetings.Now().In(zone(c))
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	var links []views.Link
	for _, p := range []struct {
		label    string
		from, to time.Time
	}{
		{"Last 7 days", today.AddDate(0, 0, -6), today},
		{"This month", month, today},
		{"Last month", month.AddDate(0, -1, 0), month.AddDate(0, 0, -1)},
		{"Last 90 days", today.AddDate(0, 0, -89), today},
		{"Last 365 days", today.AddDate(0, 0, -364), today},
	} {
		from, to := p.from.Format(time.DateOnly), p.to.Format(time.DateOnly)
		q := query("from", from, "to", to)
		if len(f.organizers) > 0 {
			q["organizer"] = f.organizers
		}
		links = append(links, views.Link{Label: p.label, Current: f.typedFrom == from && f.typed == to, URL: s.prefix + "/reports?" + q.Encode()})
	}
	return links
}

func (s *server) reportLink(c echo.Context, r reports.Report) views.ReportLink {
	loc := zone(c)
	l := views.ReportLink{
		Title: reportTitle(r), URL: s.address("/reports/" + r.ID), Range: rangeWords(r.Request, loc), State: reportState(r),
		When: moment(r.Begun.In(loc), s.meetings.Now().In(loc)), Datetime: r.Begun.Format(time.RFC3339),
	}
	if r.State == reports.Running {
		l.Progress = stepsOf(r.Progress.Done, r.Progress.Total)
	}
	return l
}

// reportTitle says whom a report is about.
func reportTitle(r reports.Report) string {
	switch {
	case r.Request.All:
		return "Whole account"
	case r.Request.Own():
		return "My meetings"
	case len(r.Request.Organizers) == 1 && len(r.Progress.Organizers) == 1:
		return "Meetings of " + meetings.Plain(r.Progress.Organizers[0].Organizer.Label())
	case len(r.Request.Organizers) == 1:
		return "Meetings of " + r.Request.Organizers[0]
	}
	return count(len(r.Request.Organizers), "organizer", "organizers")
}

var reportStates = map[reports.State]views.Word{
	reports.Running: {Text: "Running", Kind: "live"}, reports.Done: {Text: "Done"}, reports.Partial: {Text: "Incomplete", Kind: "warn"},
	reports.Cancelled: {Text: "Cancelled", Kind: "warn"}, reports.Failed: {Text: "Failed", Kind: "warn"}, reports.Interrupted: {Text: "Interrupted", Kind: "warn"},
}

func reportState(r reports.Report) views.Word { return reportStates[r.State] }

// rangeWords writes a range as its days, and its times where it does not begin
// or end at midnight.
func rangeWords(r reports.Request, loc *time.Location) string {
	from, to := typedRange(r, loc)
	if len(from) > len(time.DateOnly) || len(to) > len(time.DateOnly) {
		return r.From.In(loc).Format("2 Jan 2006, 15:04") + " – " + r.To.Add(-time.Minute).In(loc).Format("2 Jan 2006, 15:04")
	}
	first, last := r.From.In(loc), r.To.Add(-time.Second).In(loc)
	switch {
	case from == to:
		return first.Format("2 January 2006")
	case first.Year() == last.Year():
		return first.Format("2 January") + " – " + last.Format("2 January 2006")
	}
	return first.Format("2 January 2006") + " – " + last.Format("2 January 2006")
}

// typedRange is a range as the form takes it.
func typedRange(r reports.Request, loc *time.Location) (from, to string) {
	midnight := func(t time.Time) bool { h, m, s := t.Clock(); return h+m+s == 0 }
	start, end := r.From.In(loc), r.To.In(loc)
	from, to = start.Format(minuteForm), end.Add(-time.Minute).Format(minuteForm)
	if midnight(start) {
		from = start.Format(time.DateOnly)
	}
	if midnight(end) {
		to = end.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return from, to
}

func stepsOf(done, total int) string {
	if total == 0 {
		return "Finding out whom to ask about"
	}
	return strconv.Itoa(done) + " of " + count(total, "step", "steps")
}

// again is the form that asks for the same report once more.
func (s *server) again(r reports.Request, label string, loc *time.Location) *views.ReportAgain {
	from, to := typedRange(r, loc)
	a := &views.ReportAgain{Action: s.address("/reports"), Label: label, Fields: []views.Field{{Name: "from", Value: from}, {Name: "to", Value: to}}}
	for _, key := range r.Organizers {
		a.Fields = append(a.Fields, views.Field{Name: "organizer", Value: key})
	}
	switch {
	case r.All:
		a.Fields = append(a.Fields, views.Field{Name: "organizer", Value: meetings.AllOrganizers})
	case r.Own():
		a.Fields = append(a.Fields, views.Field{Name: "organizer", Value: ownMeetings})
	}
	return a
}

// reasonWords says in a clause why somebody's meetings are not there.
func reasonWords(why reports.Reason, r *http.Request) string {
	switch why {
	case reports.Disconnected:
		return "your connection to GoTo was over"
	case reports.OutOfTime:
		return "the report had taken half an hour"
	case reports.TooMuch:
		return "there was too much to read"
	case reports.CancelledBy:
		return "you cancelled the report before"
	case reports.StoppedBy:
		return "the portal stopped before"
	case reports.OwnFault:
		return "something went wrong here"
	}
	switch fault := why.Fault(); {
	case fault == nil:
		return "something went wrong here"
	case fault.Kind == meetings.NotFound:
		return "GoTo knows no such organizer"
	default:
		told, _, _ := explain(fault, r)
		return cmp.Or(told.title, "GoTo did not say")
	}
}
