package handlers

import (
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/meetings"
	"portal/views"
)

// How old an answer of GoTo's may be.
const (
	pageAge = time.Second      // who presses a link expects the truth
	partAge = 30 * time.Second // typing in a search box makes no calls
)

// reader is caller for what only looks. What a change is decided by is read with
// caller, which asks GoTo each time.
func reader(c echo.Context) meetings.Caller {
	who, r := caller(c), c.Request()
	who.Stale = format(r) == "" // an old file would be taken for a new one
	switch control := r.Header.Get("Cache-Control"); {
	case strings.Contains(control, "no-cache"), strings.Contains(control, "max-age=0"): // the browser's Reload
	case c.QueryParam(hadRows) != "": // a page that waits for news
	case isPartial(r):
		who.MaxAge = partAge
	default:
		who.MaxAge = pageAge
	}
	return who
}

// age says on a page how old what it shows is, and why it is not newer.
func (s *server) age(c echo.Context, seen meetings.Seen) views.Age {
	at, now := seen.At.In(zone(c)), s.meetings.Now().In(zone(c))
	a := views.Age{AsOf: at.Format("15:04"), Day: at.Format("Monday, 2 January 2006")}
	if daysBetween(at, now) != 0 {
		a.AsOf = at.Format("Mon 15:04")
	}
	if seen.Err != nil {
		told, _, _ := explain(seen.Err, c.Request())
		a.Why, a.Again = told.title, s.prefix+c.Request().URL.RequestURI()
	}
	return a
}
