package handlers

import (
	"cmp"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/meetings"
	"portal/views"
)

// showSessions lists where the user is signed in.
func (s *server) showSessions(c echo.Context) error { return s.listSessions(c, http.StatusOK) }

func (s *server) listSessions(c echo.Context, status int) error {
	own, err := s.auth.Sessions(c.Request().Context(), session(c))
	if err != nil {
		return err
	}
	loc := zone(c)
	now := s.meetings.Now().In(loc)
	v := views.Sessions{Zone: meetings.ZoneLabel(loc, now)}
	for _, o := range own {
		v.Rows = append(v.Rows, views.SessionRow{
			ID: o.ID, Browser: cmp.Or(o.Browser, "Unknown browser"), Current: o.Current,
			Seen: moment(o.LastSeen.In(loc), now), SeenDatetime: o.LastSeen.Format(time.RFC3339),
			Since: moment(o.Created.In(loc), now), SinceDatetime: o.Created.Format(time.RFC3339),
		})
	}
	return s.page(c, status, views.SessionsPage(s.base(c, "settings", "Where you are signed in"), v))
}

// endSessions ends one of the user's sessions, or all of them.
func (s *server) endSessions(c echo.Context) error {
	switch end := c.FormValue("end"); end {
	case "":
		notify(c, auth.Warning, "Nothing was ended: press the button beside a session.")
		return s.listSessions(c, http.StatusUnprocessableEntity)
	case session(c).ID():
		return s.signOut(c)
	case "all":
		if err := s.reports.Forget(c.Request().Context(), caller(c)); err != nil {
			return err
		}
		if err := s.auth.EndSessions(c.Response(), c.Request(), session(c)); err != nil {
			return err
		}
		s.meetings.Forget(caller(c))
		return s.goodbye(c, leftEverywhere)
	default:
		ended, err := s.auth.EndSession(c.Request().Context(), session(c), end)
		if err != nil {
			return err
		}
		if ended {
			notify(c, auth.Success, "That session is over.")
		} else {
			notify(c, auth.Info, "That session was over already.")
		}
		return s.to(c, "/settings/sessions")
	}
}
