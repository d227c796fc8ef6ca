package handlers

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"

	"portal/export"
	"portal/meetings"
)

// twinTypes are the content types of data twins.
var twinTypes = map[string]string{
	"csv":  "text/csv; charset=utf-8",
	"json": "application/json",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"ics":  "text/calendar; charset=utf-8",
}

// fileDeadline is how long a client may take to fetch a file: one of 10 MB
// through a line of 300 kbit/s.
const fileDeadline = 5 * time.Minute

// twin answers a page's rows as the file that the request's extension asks
// for. parts name the file; facts say where the rows come from.
func (s *server) twin(c echo.Context, t export.Table, facts []export.Fact, parts ...string) error {
	switch format(c.Request()) {
	case "csv":
		return s.file(c, "csv", t.WriteCSV, parts...)
	case "json":
		return s.file(c, "json", t.WriteJSON, parts...)
	case "xlsx":
		return s.file(c, "xlsx", func(w io.Writer) error { return t.WriteXLSX(w, facts) }, parts...)
	}
	return echo.ErrNotFound
}

// events answers meetings as a calendar file.
func (s *server) events(c echo.Context, list []meetings.Meeting, loc *time.Location, parts ...string) error {
	events, err := s.planned(c, caller(c), list, loc, s.meetings.Now())
	if err != nil {
		return err
	}
	return s.calendar(c, export.Calendar{Events: events}, parts...)
}

// planned are meetings as events, as GoTo had them at that time.
func (s *server) planned(c echo.Context, who meetings.Caller, list []meetings.Meeting, loc *time.Location, at time.Time) ([]export.Event, error) {
	// A room has no date to put into a calendar.
	list = slices.DeleteFunc(slices.Clone(list), meetings.Meeting.Timeless)
	revisions, err := s.meetings.Revisions(c.Request().Context(), who, list)
	if err != nil {
		return nil, err
	}
	events := make([]export.Event, 0, len(list))
	for _, m := range list {
		events = append(events, export.Event{
			UID: m.ID + "@gotomeeting", Subject: m.Subject, Description: meetings.InvitationText(m, loc), URL: m.JoinURL,
			Start: m.Start, End: m.End, Stamp: at, Sequence: revisions[m.ID], Organizer: m.Organizer.Name, Email: m.Organizer.Email,
		})
	}
	return events, nil
}

// pastEvents answers sessions that are over as a calendar file.
func (s *server) pastEvents(c echo.Context, rows []meetings.Past, parts ...string) error {
	return s.calendar(c, export.Calendar{Events: s.sessionEvents(rows)}, parts...)
}

// sessionEvents are events of their own, beside those that were planned.
func (s *server) sessionEvents(rows []meetings.Past) []export.Event {
	events := make([]export.Event, 0, len(rows))
	for _, p := range rows {
		events = append(events, export.Event{
			UID: cmp.Or(p.SessionID, p.MeetingID+"-"+p.Start.UTC().Format("20060102T150405Z")) + "@gotomeeting", Subject: p.Subject,
			Description: "Meeting ID " + meetings.GroupID(p.MeetingID) + "\n" + count(p.Attendees, "attendee", "attendees"),
			Start:       p.Start, End: p.End, Stamp: s.meetings.Now(), Organizer: p.Organizer.Name, Email: p.Organizer.Email,
		})
	}
	return events
}

func (s *server) calendar(c echo.Context, cal export.Calendar, parts ...string) error {
	cal.Name = "GoToMeeting"
	return s.file(c, "ics", cal.WriteICS, parts...)
}

// file answers what write makes. CSV and JSON go out as they are made: what
// fails before the first byte is answered like everything else, what fails
// later cuts the connection (cutShort), so that nobody takes a part for the
// whole.
func (s *server) file(c echo.Context, kind string, write func(io.Writer) error, parts ...string) error {
	h, size := c.Response().Header(), ""
	streams := kind == "csv" || kind == "json" // a workbook has its first byte after its last row
	if !c.Request().ProtoAtLeast(1, 1) {
		// HTTP/1.0 knows no other end of a file than the connection's, unless
		// it has a length, which is known of what is not compressed.
		streams = false
		h.Set(gzhttp.HeaderNoCompression, "1")
	}
	if !streams {
		b, err := s.limits.whole(c.Request().Context(), write)
		if err != nil {
			return err
		}
		size = strconv.Itoa(b.Len())
		write = func(w io.Writer) error { _, err := b.WriteTo(w); return err }
	}
	if err := s.save(c); err != nil {
		return err
	}
	h.Set(echo.HeaderContentType, twinTypes[kind])
	h.Set(echo.HeaderContentDisposition, export.Disposition(export.FileName(kind, parts...)))
	h.Set(echo.HeaderContentSecurityPolicy, "sandbox; default-src 'none'")
	if size != "" {
		h.Set(echo.HeaderContentLength, size)
	}
	// The server's own deadline is for pages.
	if err := http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(fileDeadline)); err != nil {
		return fmt.Errorf("give a file its time: %w", err)
	}
	err := write(c.Response())
	if err != nil && !c.Response().Committed {
		h.Del(echo.HeaderContentType) // an error has its own, and is no file
		h.Del(echo.HeaderContentDisposition)
	}
	return err
}

func upcomingTable(list []meetings.Meeting, loc *time.Location) export.Table {
	t := export.Table{Name: "Upcoming", Zone: loc, Columns: []export.Column{
		{Key: "meeting_id", Label: "Meeting ID"}, {Key: "subject", Label: "Subject"},
		{Key: "start", Label: inZone("Start", loc)}, {Key: "end", Label: inZone("End", loc)}, {Key: "start_iso", Label: "Start (ISO 8601)"},
		{Key: "minutes", Label: "Minutes"}, {Key: "type", Label: "Type"}, {Key: "status", Label: "Status"},
		{Key: "password_required", Label: "Password required"},
		{Key: "organizer", Label: "Organizer"}, {Key: "organizer_email", Label: "Organizer e-mail"}, {Key: "organizer_key", Label: "Organizer key"},
		{Key: "join_url", Label: "Join URL"},
	}}
	t.Rows = export.Each(list, func(cells []any, m meetings.Meeting) []any {
		return append(cells,
			m.ID, m.Subject, m.Start, m.End, iso(m.Start, loc), int(m.Length().Minutes()), m.Type, status(m.Running),
			m.PasswordRequired, m.Organizer.Name, m.Organizer.Email, m.Organizer.Key, m.JoinURL)
	})
	return t
}

func historyTable(rows []meetings.Past, loc *time.Location) export.Table {
	t := export.Table{Name: "History", Zone: loc, Columns: []export.Column{
		{Key: "meeting_id", Label: "Meeting ID"}, {Key: "session_id", Label: "Session ID"}, {Key: "subject", Label: "Subject"},
		{Key: "start", Label: inZone("Start", loc)}, {Key: "end", Label: inZone("End", loc)}, {Key: "start_iso", Label: "Start (ISO 8601)"},
		{Key: "minutes", Label: "Minutes"}, {Key: "attendees", Label: "Attendees"}, {Key: "type", Label: "Type"},
		{Key: "organizer", Label: "Organizer"}, {Key: "organizer_email", Label: "Organizer e-mail"}, {Key: "organizer_key", Label: "Organizer key"},
		{Key: "recording", Label: "Recording"},
	}}
	t.Rows = export.Each(rows, func(cells []any, p meetings.Past) []any {
		return append(cells,
			p.MeetingID, p.SessionID, p.Subject, p.Start, p.End, iso(p.Start, loc), p.Minutes, p.Attendees, p.Type,
			p.Organizer.Name, p.Organizer.Email, p.Organizer.Key, p.RecordingURL)
	})
	return t
}

func joinsTable(joins []meetings.Join, loc *time.Location) export.Table {
	t := export.Table{Name: "Joins", Zone: loc, Columns: []export.Column{
		{Key: "name", Label: "Name"}, {Key: "email", Label: "E-mail"},
		{Key: "join", Label: inZone("Join", loc)}, {Key: "leave", Label: inZone("Leave", loc)},
		{Key: "minutes", Label: "Minutes"},
	}}
	t.Rows = export.Each(joins, func(cells []any, j meetings.Join) []any {
		return append(cells, j.Name, j.Email, j.Joined, j.Left, meetings.Minutes(j))
	})
	return t
}

func peopleTable(users []meetings.User, admin bool, loc *time.Location) export.Table {
	t := export.Table{Name: "People", Zone: loc, Columns: []export.Column{
		{Key: "name", Label: "Name"}, {Key: "email", Label: "E-mail"}, {Key: "key", Label: "Organizer key"},
	}}
	if admin {
		t.Columns = append(t.Columns, export.Column{Key: "status", Label: "Status"}, export.Column{Key: "role", Label: "Role"}, export.Column{Key: "licenses", Label: "Licences"})
	}
	t.Rows = export.Each(users, func(cells []any, u meetings.User) []any {
		cells = append(cells, u.Name, u.Email, u.Key)
		if admin {
			cells = append(cells, u.Status, role(u.Admin), strings.Join(u.Licenses, ", "))
		}
		return cells
	})
	return t
}

func inZone(label string, loc *time.Location) string { return label + " (" + loc.String() + ")" }

func iso(t time.Time, loc *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(loc).Format(time.RFC3339)
}

func status(running bool) string {
	if running {
		return "active"
	}
	return "inactive"
}

func role(admin bool) string {
	if admin {
		return "admin"
	}
	return "organizer"
}
