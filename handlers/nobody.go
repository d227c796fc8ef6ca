package handlers

import (
	"time"

	"github.com/labstack/echo/v4"

	"portal/meetings"
	"portal/views"
)

const (
	// freshReport is how long a meeting that is over may lack its report.
	freshReport = time.Hour
	inAWhile    = " GoTo can take about 15 minutes to report who came."
)

// whyNobody says why nobody is recorded, as far as the meeting itself can
// tell, by one more call.
func (s *server) whyNobody(c echo.Context, a meetings.Attendance, seen meetings.Seen, organizer string, v *views.Attendees) error {
	ref, loc, now := c.QueryParam("occurrence"), zone(c), s.meetings.Now()
	v.EmptyNext = views.Link{Label: "Look again", URL: s.address("/meetings/"+a.MeetingID+"/attendees", "occurrence", ref, "organizer", organizer, backTo, v.Back)}
	if len(a.Occurrences) > 0 {
		v.EmptyNext = views.Link{Label: "The latest session with attendees", URL: s.address("/meetings/"+a.MeetingID+"/attendees", "organizer", organizer, backTo, v.Back)}
	}
	m, told, err := s.meetings.Get(c.Request().Context(), reader(c), a.MeetingID, organizer)
	if _, ok := meetings.FaultKind(err); ok { // deleted, perhaps
		v.Empty = "Nobody is recorded. Not yet held, running, or over for minutes only: GoTo does not tell; else nobody joined." + inAWhile
		return nil
	}
	if err != nil {
		return err
	}
	v.Subject, v.Age = subject(m.Subject), s.age(c, seen.And(told))
	since := now.Sub(m.End)
	switch {
	case m.Running:
		v.Empty = "The meeting is running now. GoTo tells who came once it is over."
	case ref != "" && (m.Timeless() || since > freshReport || since < 0):
		started, _ := time.Parse(time.RFC3339, ref)
		v.When = started.In(loc).Format("Monday, 2 January 2006, 15:04")
		v.Empty = "Nobody is recorded for this session: nobody joined it."
		if now.Sub(started) < 24*time.Hour {
			v.Empty = "Nobody is recorded for this session yet. If it ended minutes ago, wait a little:" + inAWhile
		}
	case m.Timeless():
		v.Empty = "Nobody is recorded for this room yet. If a session ended minutes ago, wait a little:" + inAWhile
	case m.Start.After(now):
		v.Empty = "The meeting has not been held yet. Planned: " + longWhen(m, loc, now.In(loc)) + "."
	case since < 0:
		v.Empty = "The meeting is planned for right now, and it is not running: it has not been started, or it ended early." + inAWhile
	case since <= freshReport:
		v.Empty = "The meeting was to end " + count(int(since.Minutes()), "minute", "minutes") + " ago." + inAWhile
	default:
		v.Empty = "Nobody came. Planned: " + longWhen(m, loc, now.In(loc)) + "."
	}
	return nil
}
