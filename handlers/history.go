package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/meetings"
	"portal/views"
)

// minuteForm is a date with a time, as datetime-local inputs write it.
const minuteForm = "2006-01-02T15:04"

// maxRange bounds how far one look back may reach.
const maxRange = 400 * 24 * time.Hour

// dateRange is a look back: dates are inclusive days in the user's zone, a
// date with a time is that minute, inclusive at the end.
type dateRange struct {
	from, to         time.Time // [from, to)
	typedFrom, typed string    // as they stand in the form
	problems         []views.Problem
}

func parseRange(from, to string, now time.Time) dateRange {
	loc := now.Location()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, loc)
	if strings.TrimSpace(from) == "" && strings.TrimSpace(to) == "" {
		from, to = today.AddDate(0, 0, -6).Format(time.DateOnly), today.Format(time.DateOnly)
	} else if strings.TrimSpace(to) == "" {
		to = today.Format(time.DateOnly)
	}
	r := dateRange{typedFrom: from, typed: to}
	end, ok := parseMoment(to, loc, true)
	if !ok {
		r.problems = append(r.problems, views.Problem{Field: "to", Text: "Enter the last day as year, month, day, for example " + today.Format(time.DateOnly)})
	}
	if strings.TrimSpace(from) == "" && ok {
		from = end.AddDate(0, 0, -7).Format(time.DateOnly)
		r.typedFrom = from
	}
	start, okStart := parseMoment(from, loc, false)
	if !okStart {
		r.problems = append(r.problems, views.Problem{Field: "from", Text: "Enter the first day as year, month, day, for example " + today.AddDate(0, 0, -6).Format(time.DateOnly)})
	}
	if !ok || !okStart {
		return r
	}
	switch {
	case !start.Before(end):
		r.problems = append(r.problems, views.Problem{Field: "to", Text: "The last day must not be before the first"})
	case end.Sub(start) > maxRange:
		r.problems = append(r.problems, views.Problem{Field: "from", Text: "Look back over at most 400 days at once"})
	}
	r.from, r.to = start.UTC(), end.UTC()
	return r
}

// parseMoment reads a date or a date with a time. As an end, both include
// what they name: the whole day, the whole minute.
func parseMoment(typed string, loc *time.Location, end bool) (time.Time, bool) {
	typed = strings.TrimSpace(typed)
	if t, err := time.ParseInLocation(time.DateOnly, typed, loc); err == nil && sane(t) {
		if end {
			t = t.AddDate(0, 0, 1)
		}
		return t, true
	}
	if t, err := time.ParseInLocation(minuteForm, typed, loc); err == nil && sane(t) {
		if end {
			t = t.Add(time.Minute)
		}
		return t, true
	}
	return time.Time{}, false
}

func sane(t time.Time) bool { return t.Year() >= 2000 && t.Year() < 2200 }

func (s *server) showHistory(c echo.Context) error {
	who, loc := reader(c), zone(c)
	now := s.meetings.Now().In(loc)
	organizer, err := organizerAsked(c, true)
	if err != nil {
		return err
	}
	r := parseRange(c.QueryParam("from"), c.QueryParam("to"), now)
	q := meetings.PastQuery{Text: c.QueryParam("q"), Sort: c.QueryParam("sort"), Desc: c.QueryParam("dir") == "desc"}.Known()
	v := views.History{
		Zone: meetings.ZoneLabel(loc, now), Problems: r.problems, FromInput: momentInput(r.typedFrom), ToInput: momentInput(r.typed),
		Query:         views.ListQuery{Text: q.Text, From: r.typedFrom, To: r.typed, Organizer: organizer},
		Presets:       s.presets(c, organizer, now, r),
		Precision:     s.precision(c, organizer, r, loc),
		ShowOrganizer: organizer == meetings.AllOrganizers,
	}
	if who.Admin {
		v.Organizer = s.organizerChoice(c, organizer, "/history")
		everyone := views.Option{Value: meetings.AllOrganizers, Label: "All organizers", Selected: organizer == meetings.AllOrganizers}
		v.Organizer.Options = append([]views.Option{v.Organizer.Options[0], everyone}, v.Organizer.Options[1:]...)
	}
	if len(r.problems) > 0 {
		if format(c.Request()) != "" {
			return &refusal{http.StatusUnprocessableEntity, "This range cannot be read", r.problems[0].Text + ".", "", ""}
		}
		b := s.base(c, "history", "History")
		b.Wrong = true
		return s.page(c, http.StatusUnprocessableEntity, views.HistoryPage(b, v))
	}
	looked, seen, err := s.meetings.History(c.Request().Context(), who, organizer, r.from, r.to)
	if err != nil {
		return ofOrganizer(organizer, err)
	}
	v.Age = s.age(c, seen)
	rows := q.Apply(looked.Rows)
	v.Asked = asked("from", r.typedFrom+" to "+r.typed, "search", quoted(q.Text), "sorted by", sorting(q.Sort, q.Desc))
	if format(c.Request()) != "" {
		if len(looked.Missing) > 0 {
			// A file that silently lacks organizers would be taken for whole.
			return looked.Missing[0].Err
		}
		if format(c.Request()) == "ics" {
			return s.pastEvents(c, rows, "history", r.from.In(loc).Format(time.DateOnly), r.to.Add(-time.Second).In(loc).Format(time.DateOnly))
		}
		return s.twin(c, historyTable(rows, loc), s.facts(c, seen, "Past meetings, 1 call for each organizer and 30 days", v.Asked, s.organizerFact(c, organizer)), "history", r.from.In(loc).Format(time.DateOnly), r.to.Add(-time.Second).In(loc).Format(time.DateOnly))
	}
	self := query("from", c.QueryParam("from"), "to", c.QueryParam("to"), "q", q.Text, "organizer", organizer)
	if c.QueryParam("sort") == q.Sort {
		self.Set("sort", q.Sort)
		self.Set("dir", map[bool]string{true: "desc", false: "asc"}[q.Desc])
	}
	cut, page, pages, ok := pageAsked(c, rows)
	if !ok {
		return s.toFirstPage(c)
	}
	v.Summary = count(len(rows), "past meeting", "past meetings")
	v.Announce = v.Summary
	v.Paging = s.paging("/history", self, page, pages)
	v.Twins = s.twinLinks("/history", self, "csv", "xlsx", "json", "ics")
	col := func(key, label string, end bool) {
		v.Columns = append(v.Columns, s.column("/history", self, q.Sort, q.Desc, key, label, end))
	}
	col("subject", "Subject", false)
	col("start", "When", false)
	col("minutes", "Length", true)
	col("attendees", "Attendees", true)
	if v.ShowOrganizer {
		col("organizer", "Organizer", false)
	}
	v.Columns = append(v.Columns, views.Column{Key: "recording", Label: "Recording"})
	back := place(self, page)
	for _, p := range cut {
		start := p.Start.In(loc)
		occurrence := p.Start.UTC().Format(time.RFC3339)
		watched := ""
		if organizer != "" {
			watched = p.Organizer.Key
		}
		v.Rows = append(v.Rows, views.PastRow{
			Subject: subject(p.Subject), URL: s.address("/meetings/"+p.MeetingID+"/attendees", "occurrence", occurrence, "organizer", watched, backTo, back),
			Grouped: meetings.GroupID(p.MeetingID), Day: start.Format("Mon 2 Jan 2006"), When: span(start, p.End.In(loc)), Datetime: occurrence,
			Length: length(p.Minutes), Attendees: p.Attendees, Type: typeName(p.Type), Organizer: views.Person(p.Organizer),
			Recording: p.RecordingURL, RecordingPending: p.RecordingPending,
		})
	}
	for _, m := range looked.Missing {
		told, _, _ := explain(m.Err, c.Request())
		v.Missing = append(v.Missing, "Meetings of "+m.Organizer.Label()+" are missing here: "+told.title+".")
	}
	s.notYet(c, &v, r, organizer, self, len(looked.Rows))
	if len(rows) == 0 {
		s.noHistory(&v, r, now, q.Text, organizer)
	}
	title := "History"
	if pages > 1 {
		title += ", page " + strconv.Itoa(page)
	}
	return s.page(c, http.StatusOK, views.HistoryPage(s.base(c, "history", title), v), views.Results)
}

// momentInput is the input type that can hold what was typed.
func momentInput(typed string) string {
	typed = strings.TrimSpace(typed)
	if _, err := time.Parse(minuteForm, typed); err == nil {
		return "datetime-local"
	}
	if _, err := time.Parse(time.DateOnly, typed); err == nil || typed == "" {
		return "date"
	}
	return "text"
}

// precision leads from whole days to times of day and back.
func (s *server) precision(c echo.Context, organizer string, r dateRange, loc *time.Location) views.Link {
	if len(r.problems) > 0 {
		return views.Link{}
	}
	from, last := r.from.In(loc), r.to.Add(-time.Minute).In(loc)
	link := func(label, form string) views.Link {
		return views.Link{Label: label, URL: s.address("/history", "from", from.Format(form), "to", last.Format(form),
			"organizer", organizer, "q", c.QueryParam("q"))}
	}
	if momentInput(r.typedFrom) == "date" && momentInput(r.typed) == "date" {
		return link("Choose times of day", minuteForm)
	}
	return link("Choose whole days", time.DateOnly)
}

// presets are the usual ranges.
func (s *server) presets(c echo.Context, organizer string, now time.Time, r dateRange) []views.Link {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	var links []views.Link
	for _, p := range []struct {
		label    string
		from, to time.Time
	}{
		{"Today", today, today},
		{"Last 7 days", today.AddDate(0, 0, -6), today},
		{"This month", month, today},
		{"Last month", month.AddDate(0, -1, 0), month.AddDate(0, 0, -1)},
		{"Last 90 days", today.AddDate(0, 0, -89), today},
	} {
		from, to := p.from.Format(time.DateOnly), p.to.Format(time.DateOnly)
		links = append(links, views.Link{
			Label: p.label, Current: r.typedFrom == from && r.typed == to,
			URL: s.address("/history", "from", from, "to", to, "organizer", organizer, "q", c.QueryParam("q")),
		})
	}
	return links
}
