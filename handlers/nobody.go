package handlers

import (
	"maps"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portal/meetings"
	"portal/views"
)

// inAWhile follows what ended a short while ago.
const inAWhile = " GoTo can take about 15 minutes to report who came."

// hadRows carries, in the address that a waiting page looks at again, how many
// rows it had: more of them are announced.
const hadRows = "had"

// whyNobody says why nobody is recorded: one cause, and what to do next. A page
// that only has to wait looks again by itself.
func (s *server) whyNobody(c echo.Context, q attendeeQuery, at sitting, seen meetings.Seen, v *views.Attendees) error {
	start, _ := time.Parse(time.RFC3339, q.ref)
	why, told, err := s.meetings.WhyNobody(c.Request().Context(), reader(c), at.MeetingID, q.organizer, start)
	if err != nil {
		return err
	}
	v.Age = s.age(c, seen.And(told))
	now := s.meetings.Now()
	if why.Meeting.ID != "" {
		v.Subject = subject(why.Meeting.Subject)
	} else if why.Session.MeetingID != "" {
		v.Subject = subject(why.Session.Subject)
	}
	if !start.IsZero() {
		from := start.In(at.loc)
		v.When, v.Zone = from.Format("Monday, 2 January 2006")+", "+span(from, why.Session.End.In(at.loc)), meetings.ZoneLabel(at.loc, from)
	}
	path := s.address(attendeesPath(at.MeetingID))
	v.EmptyNext = views.Link{Label: "History", URL: v.BackURL}
	if len(at.Occurrences) > 0 {
		v.EmptyNext = views.Link{Label: "The latest session with attendees", URL: s.address(attendeesPath(at.MeetingID), "organizer", q.organizer, backTo, q.back)}
	}
	if why.Passes() {
		v.EmptyNext = views.Link{Label: "Look again", URL: q.at(path, q.values())}
		v.Waits = s.waits(q, path, 0)
	}
	switch v.Empty = whyInWords(why, now, at.loc); why.Cause {
	case meetings.NotHeldYet, meetings.NeverUsed:
		v.EmptyNext = views.Link{Label: "The meeting", URL: v.MeetingURL}
	}
	return nil
}

// whyInWords is the one cause, for a page.
func whyInWords(why meetings.Absence, now time.Time, loc *time.Location) string {
	planned := "Planned: " + longWhen(why.Meeting, loc, now.In(loc)) + "."
	switch why.Cause {
	case meetings.StillRunning:
		return "The meeting is running now. GoTo tells who came once it is over."
	case meetings.JustEnded:
		ended := "The meeting was to end "
		if why.Session.MeetingID != "" {
			ended = "The session ended "
		}
		return ended + ago(why.Ended, now) + "." + inAWhile
	case meetings.NotStarted:
		return "The meeting is planned for right now, and has not been started."
	case meetings.NotHeldYet:
		return "The meeting has not been held yet. " + planned
	case meetings.NotHeld:
		return "Nobody came: the meeting was not held. " + planned
	case meetings.NeverUsed:
		return "Nobody has been in this room yet."
	case meetings.NobodyJoined:
		return "GoTo counts nobody in this session: nobody joined it, or what it kept of them was erased."
	case meetings.NotListed:
		return "GoTo counts " + count(why.Session.Attendees, "attendee", "attendees") + " in this session, but does not tell who they were."
	case meetings.Erased:
		return "What GoTo kept of this session was erased."
	case meetings.NoSuchSession:
		return "Nobody is recorded for this session: GoTo lists none of this meeting that began then."
	}
	return "Nobody is recorded, and GoTo does not tell this meeting any more: it was deleted."
}

// waits is the address that a page looks at again by itself.
func (s *server) waits(q attendeeQuery, path string, had int) string {
	v := q.values()
	v.Set(hadRows, strconv.Itoa(had))
	return q.at(path, v)
}

// arrived tells whether a page that waited has more rows now.
func arrived(c echo.Context, rows int) bool {
	had, err := strconv.Atoi(c.QueryParam(hadRows))
	return err == nil && rows > had
}

// notYet names what a look back that reaches to now cannot have: what runs, by
// name as far as the list of upcoming meetings told a moment ago, and what has
// just ended. While something is known to be missing, or nothing is there, the
// page looks again by itself.
func (s *server) notYet(c echo.Context, v *views.History, r dateRange, organizer string, self url.Values, had int) {
	if now := s.meetings.Now(); r.from.After(now) || !r.to.After(now) {
		return
	}
	v.Again = s.prefix + "/history"
	if len(self) > 0 {
		v.Again += "?" + self.Encode()
	}
	v.NotYet = "What runs now, or ended in the last 15 minutes or so, is not listed yet: GoTo adds it once it has its report."
	for _, m := range s.meetings.RunningLately(caller(c), organizer) {
		v.Running = append(v.Running, views.Link{Label: subject(m.Subject), URL: s.address("/meetings/"+m.ID, "organizer", organizer)})
	}
	if len(v.Running) > 0 {
		v.NotYet += " Running now:"
	}
	// Who reads on is not called back to the first page.
	if organizer != meetings.AllOrganizers && v.Paging.Page == 1 && (len(v.Running) > 0 || had == 0) {
		self = maps.Clone(self)
		self.Set(hadRows, strconv.Itoa(had))
		v.Waits = s.prefix + "/history?" + self.Encode()
	}
	switch {
	case arrived(c, had):
		v.Announce = "Past meetings have arrived: " + v.Announce
	case c.QueryParam(hadRows) != "":
		v.Announce = ""
	}
}

// noHistory says why a look back finds nothing, and what to do next.
func (s *server) noHistory(v *views.History, r dateRange, now time.Time, searched, organizer string) {
	switch {
	case searched != "":
		v.Empty = "Nothing matches your search in this range."
		v.EmptyNext = views.Link{Label: "All of the range", URL: s.address("/history", "from", r.typedFrom, "to", r.typed, "organizer", organizer)}
	case r.from.After(now):
		v.Empty = "This range has not begun: nothing was held in it yet."
		v.EmptyNext = views.Link{Label: "Upcoming meetings", URL: s.address("/meetings")}
	case v.NotYet != "":
		v.Empty, v.EmptyNext = "No meeting has ended in this range.", views.Link{Label: "Look again", URL: v.Again}
	default:
		v.Empty = "No meeting was held in this range."
		v.EmptyNext = views.Link{Label: "The last 90 days", URL: s.address("/history", "from", now.AddDate(0, 0, -89).Format(time.DateOnly), "to", now.Format(time.DateOnly), "organizer", organizer)}
	}
}

// ago says how long something is over.
func ago(t, now time.Time) string {
	minutes := int(now.Sub(t).Minutes())
	if minutes < 1 {
		return "less than a minute ago"
	}
	return count(minutes, "minute", "minutes") + " ago"
}
