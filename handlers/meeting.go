package handlers

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/meetings"
	"portal/views"
)

// createdNotice marks, in a meeting page's address, that it was just made.
const createdNotice = "created"

func (s *server) showMeeting(c echo.Context) error {
	id, err := meetingID(c)
	if err != nil {
		return err
	}
	who, loc := reader(c), zone(c)
	organizer, err := organizerAsked(c, false)
	if err != nil {
		return err
	}
	m, seen, err := s.meetings.Get(c.Request().Context(), who, id, organizer)
	if err != nil {
		return err
	}
	switch format(c.Request()) {
	case "":
	case "ics":
		return s.events(c, []meetings.Meeting{m}, loc, m.Subject)
	default:
		return s.twin(c, upcomingTable([]meetings.Meeting{m}, loc), s.facts(c, seen, "Meeting "+id+", 1 call", "", s.organizerFact(c, organizer)), m.Subject, m.Start.In(loc).Format(time.DateOnly), "meeting")
	}
	now := s.meetings.Now().In(loc)
	start, end := m.Start.In(loc), m.End.In(loc)
	v := views.Meeting{
		ID: m.ID, Grouped: meetings.GroupID(m.ID), Subject: subject(m.Subject), Zone: meetings.ZoneLabel(loc, start),
		When: longWhen(m, loc, now), Type: typeName(m.Type), Running: m.Running, Password: m.PasswordRequired,
		Audio: audioNames[m.Audio], DialIn: meetings.Plain(m.DialIn), JoinURL: m.JoinURL, Organizer: views.Person(m.Organizer),
		Invitation: meetings.InvitationText(m, loc), Withheld: m.Withheld, Created: c.QueryParam(createdNotice) != "",
		Age:          s.age(c, seen),
		AttendeesURL: s.address("/meetings/"+id+"/attendees", "organizer", organizer),
		Back:         s.listLink(c, "Upcoming", "/meetings", organizer),
	}
	if m.Type != meetings.Recurring && end.After(start) {
		v.Length = length(int(m.Length().Minutes()))
	}
	if m.Type != meetings.Recurring && !m.Start.IsZero() {
		v.ICS = s.address("/meetings/"+id+".ics", "organizer", organizer)
	}
	if m.MaxParticipants > 0 {
		v.MaxParticipants = strconv.Itoa(m.MaxParticipants)
	}
	if m.Forgotten {
		v.Missing = "The portal cannot read all of its own data just now: names, the audio choice and the join link that GoTo gave may be missing here."
	} else if m.AudioInferred {
		v.AudioWhy = "Read off the dial-in text: this meeting was made elsewhere, and GoTo does not say which option it has."
	}
	if m.Audio == meetings.AudioCustom {
		v.Audio += ": " + meetings.Plain(m.AudioText)
	}
	for _, p := range m.CoOrganizers {
		v.CoOrganizers = append(v.CoOrganizers, views.Person(p))
	}
	v.Mailto = "mailto:?" + strings.ReplaceAll(url.Values{"subject": {v.Subject}, "body": {v.Invitation}}.Encode(), "+", "%20")
	p, going := s.going(c, id)
	switch {
	case going:
		held := s.viewPending(p)
		v.Going, v.Role = &held, "Organizer: you are having it deleted"
	case m.Access == meetings.Own:
		v.StartURL, v.EditURL, v.DeleteURL = s.address("/meetings/"+id+"/start"), s.address("/meetings/"+id+"/edit", backTo, c.QueryParam(backTo)), s.address("/meetings/"+id+"/delete", backTo, c.QueryParam(backTo))
	case m.Access == meetings.CoOrganized:
		v.StartURL = s.address("/meetings/" + id + "/start")
		v.Role = "Co-organizer: you can start it; only its organizer can change or delete it."
		if m.Organizer.Key == "" {
			v.Doubt = views.Link{Label: "Edit it", URL: s.address("/meetings/"+id+"/edit", backTo, c.QueryParam(backTo))}
		}
		if !who.Admin {
			v.AttendeesURL = "" // GoTo refuses them
		}
	case m.Access == meetings.Watched:
		v.Watching = meetings.Person(v.Organizer).Label()
		v.Role = "Account admin: you can look, its organizer can change it"
	}
	if m.Type == meetings.Recurring && v.AttendeesURL != "" {
		v.RegisterURL = s.address(registerPath(id), "organizer", organizer)
	}
	return s.page(c, http.StatusOK, views.MeetingPage(s.base(c, "meetings", v.Subject, "Meeting"), v))
}

// longWhen writes the day and the clock times of a meeting.
func longWhen(m meetings.Meeting, loc *time.Location, now time.Time) string {
	if m.Type == meetings.Recurring {
		return "Any time: this is a room"
	}
	if m.Start.IsZero() {
		return "GoTo did not say when"
	}
	word, date := dayLabel(m.Start.In(loc), now)
	if word != "" {
		date = word + ", " + date
	}
	return date + ", " + span(m.Start.In(loc), m.End.In(loc))
}

// ownMeeting reads the meeting of the path, for what its organizer alone may
// do.
func (s *server) ownMeeting(c echo.Context) (meetings.Meeting, error) {
	id, err := meetingID(c)
	if err != nil {
		return meetings.Meeting{}, err
	}
	return s.meetings.GetOwn(c.Request().Context(), caller(c), id)
}

func (s *server) confirmDelete(c echo.Context) error {
	m, err := s.ownMeeting(c)
	if err != nil {
		return err
	}
	id := m.ID
	if err := s.notGoing(c, id); err != nil {
		return err
	}
	loc := zone(c)
	v := views.Delete{
		Subject: subject(m.Subject), Grouped: meetings.GroupID(id), When: longWhen(m, loc, s.meetings.Now().In(loc)),
		Action: s.address("/meetings/"+id+"/delete", backTo, c.QueryParam(backTo)), Back: s.address("/meetings/"+id, backTo, c.QueryParam(backTo)),
		Seconds: int(meetings.HoldFor.Seconds()),
		Lost: []string{
			"The meeting ID " + meetings.GroupID(id) + " and its join link stop working, in every invitation that holds them.",
			"GoTo cannot bring it back: a new meeting gets another id.",
			"GoTo tells nobody. Let the people you invited know.",
		},
	}
	if n := len(m.CoOrganizers); n > 0 {
		v.Lost = append(v.Lost, count(n, "co-organizer loses it too.", "co-organizers lose it too."))
	}
	if m.Running {
		v.Lost = append([]string{"The meeting is running right now."}, v.Lost...)
	}
	v.Lost = append(v.Lost, "What is past stays: sessions and attendees remain in History.")
	return s.page(c, http.StatusOK, views.DeletePage(s.base(c, "meetings", v.Subject, "Delete"), v))
}

// deleteMeeting holds the delete back: GoTo is asked in a while, unless the
// user undoes it. Every page says so until then.
func (s *server) deleteMeeting(c echo.Context) error {
	m, err := s.ownMeeting(c)
	if err != nil {
		return err
	}
	if _, err := s.meetings.Hold(c.Request().Context(), caller(c), m); err != nil {
		return err
	}
	return s.to(c, strings.TrimPrefix(s.backLink(c, "/meetings", ""), s.prefix))
}

// startMeeting answers with a page and the host URL in the Refresh header
// only. A redirect out of a form to another origin is blocked by form-action.
func (s *server) startMeeting(c echo.Context) error {
	id, err := meetingID(c)
	if err != nil {
		return err
	}
	host, err := s.meetings.Start(c.Request().Context(), caller(c), id)
	if err != nil {
		return err
	}
	return s.starting(c, id, host)
}

func (s *server) starting(c echo.Context, id string, host meetings.HostURL) error {
	target := host.Target()
	if target == "" {
		return errNoHostURL
	}
	c.Response().Header().Set("Refresh", "0; url="+target)
	b := s.base(c, "meetings", "Starting")
	return s.page(c, http.StatusOK, views.StartingPage(b, views.Starting{Subject: "Meeting " + meetings.GroupID(id), Back: s.address("/meetings/" + id)}))
}

// meetNow creates an immediate meeting and starts it. When it was made but did
// not start, its page says so: nothing made is lost.
func (s *server) meetNow(c echo.Context) error {
	who := caller(c)
	id, host, err := s.meetings.CreateNow(c.Request().Context(), who, c.FormValue("form_id"))
	if id != "" && err != nil {
		notify(c, auth.Warning, "The meeting is made, but GoTo did not start it. Press Start to try again.")
		return s.to(c, "/meetings/"+id)
	}
	if err != nil {
		return err
	}
	return s.starting(c, id, host)
}
