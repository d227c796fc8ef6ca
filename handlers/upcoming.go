package handlers

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/meetings"
	"portal/views"
)

// listUpcoming shows the meetings to come, its twins, and goes to a meeting
// whose id was typed.
func (s *server) listUpcoming(c echo.Context) error {
	if typed := c.QueryParam("id"); typed != "" {
		id, ok := meetings.ParseID(typed)
		if !ok {
			return errNoMeeting
		}
		return s.to(c, "/meetings/"+id)
	}
	ctx, who, loc := c.Request().Context(), reader(c), zone(c)
	organizer, err := organizerAsked(c, false)
	if err != nil {
		return err
	}
	list, seen, err := s.meetings.Upcoming(ctx, who, organizer)
	if err != nil {
		return ofOrganizer(organizer, err)
	}
	q := meetings.UpcomingQuery{Text: c.QueryParam("q"), Type: c.QueryParam("type"), Status: c.QueryParam("status"), Sort: c.QueryParam("sort"), Desc: c.QueryParam("dir") == "desc"}.Known()
	rows := q.Apply(list)
	now := s.meetings.Now().In(loc)
	words := asked("search", quoted(q.Text), "type", strings.ToLower(typeName(q.Type)), "status", strings.ToLower(statusNames[q.Status]), "sorted by", sorting(q.Sort, q.Desc))

	switch format(c.Request()) {
	case "":
	case "ics":
		return s.events(c, rows, loc, "upcoming")
	default:
		return s.twin(c, upcomingTable(rows, loc), s.facts(c, seen, "Upcoming meetings, 1 call", words, s.organizerFact(c, organizer)), "upcoming", now.Format(time.DateOnly))
	}

	cut, page, pages, ok := pageAsked(c, rows)
	if !ok {
		return s.toFirstPage(c)
	}
	dir := ""
	if q.Desc {
		dir = "desc"
	}
	self := query("q", q.Text, "type", q.Type, "status", q.Status, "sort", q.Sort, "dir", dir, "organizer", organizer)
	v := views.Upcoming{
		FormID: rand.Text(), Self: s.prefix + here(c.Request()),
		Zone: meetings.ZoneLabel(loc, now), Age: s.age(c, seen),
		Query:  views.ListQuery{Text: q.Text, Sort: q.Sort, Dir: dir, Organizer: organizer},
		Asked:  words,
		Types:  options(q.Type, "", "All types", meetings.Scheduled, "Scheduled", meetings.Recurring, "Rooms", meetings.Immediate, "Immediate"),
		States: options(q.Status, "", "Any status", "active", statusNames["active"], "inactive", statusNames["inactive"]),
		Sorts:  options(q.Sort, "", "Day", "start", "Start", "subject", "Subject", "minutes", "Length", "type", "Type", "status", "Status", "organizer", "Organizer"),
		Dirs:   options(dir, "", "Ascending", "desc", "Descending"),
		Tabs:   s.shapes("", "", organizer),
		Paging: s.paging("/meetings", self, page, pages),
		Twins:  s.twinLinks("/meetings", self, "csv", "xlsx", "json", "ics"),
	}
	v.Summary = count(len(rows), "meeting", "meetings")
	if len(rows) != len(list) {
		v.Summary = strconv.Itoa(len(rows)) + " of " + count(len(list), "meeting", "meetings")
	}
	v.Announce = v.Summary
	if pages > 1 {
		v.Announce += ", page " + strconv.Itoa(page) + " of " + strconv.Itoa(pages)
	}
	filtered := q.Text != "" || q.Type != "" || q.Status != ""
	staying := slices.DeleteFunc(slices.Clone(list), func(m meetings.Meeting) bool { _, going := s.going(c, m.ID); return going })
	if next, ok := meetings.Next(staying, s.meetings.Now()); ok && !filtered && page == 1 && organizer == "" {
		row := s.upcomingRow(next, loc, now, "")
		v.Next = &row
	}
	back := place(self, page)
	for _, m := range cut {
		row := s.upcomingRow(m, loc, now, back)
		if p, ok := s.going(c, m.ID); ok {
			going := s.viewPending(p)
			row.Going, row.StartURL = &going, ""
		}
		word, date := "", ""
		switch {
		case q.Sort != "":
			date = "Sorted by " + strings.ReplaceAll(q.Sort, "_", " ")
			row.When = row.Day
		case m.Running:
			word, date = "Now", "running"
		case m.Timeless():
			date = "Rooms without a fixed time"
		default:
			word, date = dayLabel(m.Start.In(loc), now)
		}
		last := len(v.Days) - 1
		if last < 0 || v.Days[last].Word != word || v.Days[last].Date != date {
			v.Days = append(v.Days, views.Day{Word: word, Date: date})
			last++
		}
		v.Days[last].Rows = append(v.Days[last].Rows, row)
	}
	switch {
	case len(rows) == 0 && filtered:
		v.Empty, v.EmptyNext = "Nothing matches your search.", views.Link{Label: "Show all", URL: s.address("/meetings", "organizer", organizer)}
	case len(rows) == 0 && organizer != "":
		v.Empty = "This organizer has no upcoming meetings."
	case len(rows) == 0:
		v.Empty, v.EmptyNext = "You have no upcoming meetings.", views.Link{Label: "Plan one", URL: s.address("/meetings/new")}
	}
	title := "Upcoming"
	if pages > 1 {
		title += ", page " + strconv.Itoa(page)
	}
	if who.Admin {
		v.Organizer = s.organizerChoice(c, organizer, "/meetings")
	}
	return s.page(c, http.StatusOK, views.UpcomingPage(s.base(c, "meetings", title), v), views.Results)
}

var statusNames = map[string]string{"active": "Running", "inactive": "Not running"}

func (s *server) upcomingRow(m meetings.Meeting, loc *time.Location, now time.Time, back string) views.Row {
	start, end := m.Start.In(loc), m.End.In(loc)
	row := views.Row{
		ID: m.ID, Grouped: meetings.GroupID(m.ID), Subject: subject(m.Subject), URL: s.address("/meetings/"+m.ID, backTo, back),
		When: span(start, end), Until: until(start, now), Datetime: m.Start.Format(time.RFC3339),
		Running: m.Running, Password: m.PasswordRequired, Room: m.Type == meetings.Recurring,
		Organizer: views.Person(m.Organizer), Invitation: meetings.InvitationText(m, loc),
	}
	if m.Type != meetings.Scheduled {
		row.Type = typeName(m.Type)
	}
	word, date := dayLabel(start, now)
	if word == "" {
		word = date
	}
	row.Day = word + ", " + row.When
	if m.Type == meetings.Recurring {
		row.When, row.Day = "Any time", "Any time"
	}
	if m.Access == meetings.Watched {
		row.URL = s.address("/meetings/"+m.ID, "organizer", m.Organizer.Key, backTo, back)
	} else {
		row.StartURL = s.address("/meetings/" + m.ID + "/start")
	}
	return row
}

// subject is a meeting's subject for showing.
func subject(s string) string {
	if s = meetings.Plain(s); strings.TrimSpace(s) == "" {
		return "(no subject)"
	}
	return s
}

// options builds a select's choices from value and label pairs.
func options(chosen string, pairs ...string) []views.Option {
	list := make([]views.Option, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, views.Option{Value: pairs[i], Label: pairs[i+1], Selected: pairs[i] == chosen})
	}
	return list
}

// paging links to the pages either side, keeping the query.
func (s *server) paging(path string, q url.Values, page, pages int) views.Paging {
	at := func(n int) string {
		if n < 1 || n > pages {
			return ""
		}
		with := url.Values{}
		for k, v := range q {
			with[k] = v
		}
		with.Set("page", strconv.Itoa(n))
		return s.prefix + path + "?" + with.Encode()
	}
	return views.Paging{Page: page, Pages: pages, Prev: at(page - 1), Next: at(page + 1)}
}

var twinLabels = map[string]string{"csv": "CSV", "xlsx": "Excel", "json": "JSON", "ics": "Calendar file"}

// twinLinks link to the page's rows as files, under the same query.
func (s *server) twinLinks(path string, q url.Values, formats ...string) []views.Link {
	var links []views.Link
	for _, f := range formats {
		link := s.prefix + path + "." + f
		if len(q) > 0 {
			link += "?" + q.Encode()
		}
		links = append(links, views.Link{Label: twinLabels[f], URL: link})
	}
	return links
}

// column builds a sortable header; pressing the sorted one turns it round.
func (s *server) column(path string, q url.Values, sorted string, desc bool, key, label string, end bool) views.Column {
	with := url.Values{}
	for k, v := range q {
		with[k] = v
	}
	with.Del("page")
	with.Set("sort", key)
	col := views.Column{Key: key, Label: label, End: end}
	with.Set("dir", "asc")
	if sorted == key {
		col.Sorted = "ascending"
		if desc {
			col.Sorted = "descending"
		} else {
			with.Set("dir", "desc")
		}
	}
	col.URL = s.prefix + path + "?" + with.Encode()
	return col
}

// organizerChoice offers the organizers an admin can look at, from the address
// book: listing the account would be a call to GoTo on every page.
func (s *server) organizerChoice(c echo.Context, chosen, path string) *views.Organizer {
	known, err := s.meetings.AddressBook(c.Request().Context(), caller(c))
	own := caller(c).UserKey
	o := &views.Organizer{Options: options(chosen, "", "My own"), Back: s.address(path)}
	if err != nil {
		s.log.WarnContext(c.Request().Context(), "organizers not offered", "error", err)
		o.Missing = "The other organizers could not be read just now."
	}
	seen := chosen == "" || chosen == meetings.AllOrganizers
	for _, u := range known {
		if u.Key == own {
			continue
		}
		o.Options = append(o.Options, views.Option{Value: u.Key, Label: u.Label(), Selected: u.Key == chosen})
		if u.Key == chosen {
			seen, o.Watching = true, u.Label()
		}
	}
	if !seen {
		o.Options = append(o.Options, views.Option{Value: chosen, Label: chosen, Selected: true})
		o.Watching = chosen
	}
	return o
}
