package handlers

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/meetings"
	"portal/views"
)

// confirmErase says what would be gone for good, and asks.
func (s *server) confirmErase(c echo.Context) error {
	return s.showErase(c, http.StatusOK)
}

// erasing reads which session is meant.
func erasing(c echo.Context) (meetings.SessionRef, error) {
	id, err := meetingID(c)
	if err != nil {
		return meetings.SessionRef{}, err
	}
	organizer, err := organizerAsked(c, false)
	return meetings.SessionRef{MeetingID: id, Occurrence: c.FormValue("occurrence"), Organizer: organizer}, err
}

func (s *server) showErase(c echo.Context, status int, problems ...views.Problem) error {
	r, err := erasing(c)
	if err != nil {
		return err
	}
	e, err := s.meetings.Erasable(c.Request().Context(), caller(c), r)
	if err != nil {
		return eraseRefused(r, err)
	}
	loc := zone(c)
	v := views.Erase{
		Subject: subject(e.Subject), Grouped: meetings.GroupID(r.MeetingID), When: sessionTime(e, loc), Zone: meetings.ZoneLabel(loc, e.Start),
		Organizer: views.Person(e.Organizer), Recording: e.Recording, Problems: problems,
		Action: s.address("/meetings/"+r.MeetingID+"/erase", backTo, c.QueryParam(backTo)),
		Back:   s.prefix + attendeesOf(c, r, e),
		Fields: []views.Field{{Name: "occurrence", Value: startOf(e)}, {Name: "session", Value: e.SessionID}},
	}
	if r.Organizer != "" {
		v.Fields = append(v.Fields, views.Field{Name: "organizer", Value: r.Organizer})
	}
	if e.Joins > 0 {
		v.People, v.Joins = count(e.People, "person", "people"), count(e.Joins, "join", "joins")
	}
	b := s.base(c, "history", v.Subject, "Erase")
	b.Wrong = len(problems) > 0
	return s.page(c, status, views.ErasePage(b, v))
}

func sessionTime(e meetings.Erasable, loc *time.Location) string {
	return e.Start.In(loc).Format("Monday, 2 January 2006") + ", " + span(e.Start.In(loc), e.End.In(loc))
}

// startOf names the session where history and attendee rows have to be told
// apart by nothing else.
func startOf(e meetings.Erasable) string { return e.Start.UTC().Format(time.RFC3339) }

// attendeesOf is the path of the session's attendees.
func attendeesOf(c echo.Context, r meetings.SessionRef, e meetings.Erasable) string {
	return local("/meetings/"+r.MeetingID+"/attendees", "occurrence", startOf(e), "organizer", r.Organizer, backTo, c.QueryParam(backTo))
}

// erase erases at once: the form names the session that was shown, and for
// all of it a box has to be ticked.
func (s *server) erase(c echo.Context) error {
	what := cmp.Or(c.FormValue("what"), meetings.EraseAttendees)
	switch {
	case what != meetings.EraseAttendees && what != meetings.EraseSession:
		return s.showErase(c, http.StatusUnprocessableEntity, views.Problem{Field: "attendees", Text: "Press one of the buttons below: nothing is erased yet"})
	case what == meetings.EraseSession && c.FormValue("sure") == "":
		return s.showErase(c, http.StatusUnprocessableEntity, views.Problem{Field: "sure", Text: "Tick the box to say that the whole session shall be gone: nothing is erased yet"})
	}
	r, err := erasing(c)
	if err != nil {
		return err
	}
	e, err := s.meetings.Erase(c.Request().Context(), caller(c), r, what, c.FormValue("session"))
	switch {
	case errors.Is(err, meetings.ErrOtherSession):
		return s.showErase(c, http.StatusUnprocessableEntity, views.Problem{Field: "attendees", Text: "This is not the session that you were shown, so nothing is erased yet. Look at it first"})
	case errors.Is(err, meetings.ErrMaybeErased):
		return s.maybeErased(c, attendeesOf(c, r, e), err)
	case err != nil:
		return eraseRefused(r, err)
	}
	which := "“" + subject(e.Subject) + "”, " + sessionTime(e, zone(c)) + " " + meetings.ZoneLabel(zone(c), e.Start)
	if what == meetings.EraseSession {
		notify(c, auth.Success, "The session is erased at GoTo, with its attendee data and recordings: "+which+".")
		return s.to(c, strings.TrimPrefix(s.backLink(c, "/history", r.Organizer), s.prefix))
	}
	notify(c, auth.Success, "The attendee data is erased at GoTo: "+which+".")
	return s.to(c, attendeesOf(c, r, e))
}

// maybeErased tells that nobody knows, and leads to where it can be seen.
// Sending the form again is not offered: that is for who has looked.
func (s *server) maybeErased(c echo.Context, session string, err error) error {
	told, retryAfter, _ := explain(err, c.Request())
	setRetryAfter(c, retryAfter)
	s.log.ErrorContext(c.Request().Context(), "not known whether it was erased", "error", err, "request", c.Response().Header().Get(echo.HeaderXRequestID))
	return s.failure(c, refusal{
		told.status, "It is not certain that it was erased",
		"GoTo's answer was lost: it may have erased what you asked for, or not. Look at the session again; what is still there can be erased then.",
		"Look at the session", session,
	}, false)
}

// eraseRefused says why a session cannot be erased.
func eraseRefused(r meetings.SessionRef, err error) error {
	told := refusal{status: http.StatusConflict, next: "All its sessions", url: local("/meetings/"+r.MeetingID+"/attendees", "organizer", r.Organizer)}
	switch {
	case errors.Is(err, meetings.ErrNoSession):
		told.status, told.title = http.StatusNotFound, "GoTo lists no such session"
		told.text = "A session that is running, or ended minutes ago, cannot be erased yet: GoTo lists it once it is over. If it ended a while ago, look for it in History."
	case errors.Is(err, meetings.ErrSessionErased):
		told.title, told.text = "This session is erased already", "GoTo holds neither its attendee data nor its recordings any more. Nothing was changed now."
	case errors.Is(err, meetings.ErrWhichSession):
		told.title = "The portal cannot tell which session this is"
		told.text = "Several sessions of this meeting began within two minutes, and GoTo does not say which attendees are whose. What is erased cannot be brought back, so nothing was erased. GoTo's own website can tell them apart."
	case errors.Is(err, meetings.ErrNotOrganizer):
		told.status, told.title = http.StatusForbidden, "Only its organizer can erase this"
		told.text = "Attendee data can be erased by the organizer of the meeting and by account admins. Ask one of them."
	default:
		return err
	}
	return &told
}
