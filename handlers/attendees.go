package handlers

import (
	"cmp"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portal/meetings"
	"portal/views"
)

// showAttendees shows who came to one occurrence of a meeting, a row for each
// time somebody joined. GoTo decides who may see it.
func (s *server) showAttendees(c echo.Context) error {
	id, err := meetingID(c)
	if err != nil {
		return err
	}
	who, loc := reader(c), zone(c)
	organizer, err := organizerAsked(c, false)
	if err != nil {
		return err
	}
	a, seen, err := s.meetings.Attendees(c.Request().Context(), who, id)
	if err != nil {
		return err
	}
	ref := c.QueryParam("occurrence")
	chosen, ok := a.Choose(ref)
	q := meetings.JoinQuery{Text: c.QueryParam("q"), Sort: c.QueryParam("sort"), Desc: c.QueryParam("dir") == "desc"}
	joins := q.Apply(chosen.Joins)
	if _, err := time.Parse(time.RFC3339, ref); ref != "" && !ok && (err != nil || format(c.Request()) != "" && len(a.Occurrences) > 0) {
		return noOccurrence(id)
	}
	if format(c.Request()) != "" {
		return s.twin(c, joinsTable(joins, loc), s.facts(c, seen, "attendees of meeting "+id+", 1 call"), a.Subject, chosen.Start.In(loc).Format(time.DateOnly), "attendees")
	}
	path := "/meetings/" + id + "/attendees"
	self := query("occurrence", ref, "q", q.Text, "sort", q.Sort, "dir", c.QueryParam("dir"), "organizer", organizer)
	back := c.QueryParam(backTo)
	files := maps.Clone(self)
	if back != "" {
		self.Set(backTo, back)
	}
	v := views.Attendees{
		Subject: cmp.Or(meetings.Plain(a.Subject), "Meeting "+meetings.GroupID(id)), Grouped: meetings.GroupID(id), Zone: meetings.ZoneLabel(loc, s.meetings.Now()),
		Query: views.ListQuery{Text: q.Text, Sort: q.Sort, Organizer: organizer}, Action: s.address(path), Occurrence: ref, Back: back, Age: s.age(c, seen),
		MeetingURL: s.address("/meetings/"+id, "organizer", organizer), BackURL: s.backLink(c, "/history", organizer),
	}
	for _, o := range a.Occurrences {
		start := o.Start.In(loc)
		v.Occurrences = append(v.Occurrences, views.Link{
			Label: start.Format("Mon 2 Jan 2006, 15:04"), Current: ok && o.InstanceKey == chosen.InstanceKey && o.Start.Equal(chosen.Start),
			URL: s.address(path, "occurrence", cmp.Or(o.InstanceKey, o.Start.UTC().Format(time.RFC3339)), "organizer", organizer, backTo, back),
		})
	}
	switch {
	case !ok:
		if err := s.whyNobody(c, a, seen, organizer, &v); err != nil {
			return err
		}
	default:
		start, end := chosen.Start.In(loc), chosen.End.In(loc)
		v.When = start.Format("Monday, 2 January 2006") + ", " + span(start, end)
		v.Zone = meetings.ZoneLabel(loc, start)
		v.Summary = count(len(joins), "join", "joins")
		if len(joins) != len(chosen.Joins) {
			v.Summary = strconv.Itoa(len(joins)) + " of " + count(len(chosen.Joins), "join", "joins")
		}
		v.Announce = v.Summary
		v.Tiles = []views.Tile{
			{Label: "Joins", Figure: strconv.Itoa(len(chosen.Joins)), Note: "one each time somebody joined"},
			{Label: "Length", Figure: length(int(chosen.End.Sub(chosen.Start).Round(time.Minute).Minutes())), Note: span(start, end)},
		}
		if len(joins) == 0 {
			v.NoHit = views.Link{Label: "Show all", URL: s.address(path, "occurrence", ref, "organizer", organizer, backTo, back)}
		}
		v.Twins = s.twinLinks(path, files, "csv", "xlsx", "json")
		for _, col := range []struct {
			key, label string
			end        bool
		}{{"name", "Name", false}, {"email", "E-mail", false}, {"join", "Join", false}, {"leave", "Leave", false}, {"minutes", "Minutes", true}} {
			v.Columns = append(v.Columns, s.column(path, self, q.Sort, q.Desc, col.key, col.label, col.end))
		}
		for _, j := range joins {
			v.Rows = append(v.Rows, views.JoinRow{
				Name: j.Name, Email: j.Email, Minutes: strconv.Itoa(meetings.Minutes(j)),
				Join: clockOn(j.Joined, chosen.Start, loc), JoinDatetime: iso(j.Joined, time.UTC),
				Leave: clockOn(j.Left, chosen.Start, loc), LeaveDatetime: iso(j.Left, time.UTC),
			})
		}
	}
	return s.page(c, http.StatusOK, views.AttendeesPage(s.base(c, "history", v.Subject, "Attendees"), v), views.Results)
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
