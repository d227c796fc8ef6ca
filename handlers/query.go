package handlers

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portal/meetings"
	"portal/views"
)

var (
	errNoOrganizer  = &refusal{http.StatusNotFound, "GoTo knows no such organizer", "Nobody in your account has this organizer key. Check the number, or choose the person among the account's users.", "People", "/people"}
	errOneOrganizer = &refusal{http.StatusUnprocessableEntity, "This page shows one organizer at a time", "GoTo lists upcoming meetings for one organizer. History can show those of all.", "History of all organizers", "/history?organizer=" + meetings.AllOrganizers}
)

// organizerAsked reads whose meetings are asked for, in the address or in a
// form: "" for one's own, and where all makes sense AllOrganizers.
func organizerAsked(c echo.Context, all bool) (string, error) {
	key, who := c.FormValue("organizer"), caller(c)
	switch {
	case key == "" || key == who.UserKey:
		return "", nil
	case !who.Admin:
		return "", errAdminsOnly
	case key == meetings.AllOrganizers && all:
		return key, nil
	case key == meetings.AllOrganizers:
		return "", errOneOrganizer
	case !idPattern.MatchString(key):
		return "", errNoOrganizer
	}
	return key, nil
}

// ofOrganizer says of a call about another organizer what GoTo does not know.
func ofOrganizer(organizer string, err error) error {
	kind, ok := meetings.FaultKind(err)
	if ok && kind == meetings.NotFound && organizer != "" && organizer != meetings.AllOrganizers {
		return errNoOrganizer
	}
	return err
}

// query holds the pairs that have a value.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// backTo carries, in the address of a page that a list leads to, the list's own
// query, so that the way back keeps the place.
const backTo = "back"

// place is what a list's rows carry in backTo.
func place(self url.Values, page int) string {
	q := maps.Clone(self)
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	return q.Encode()
}

// backLink leads to the list at path where it was left, or to the calendar.
// Only the query comes from the address, so that it leads nowhere else.
func (s *server) backLink(c echo.Context, path, organizer string) string {
	q, err := url.ParseQuery(c.QueryParam(backTo))
	if err != nil || len(q) == 0 {
		return s.address(path, "organizer", organizer)
	}
	if q.Has("view") {
		path = "/calendar"
	}
	return s.prefix + path + "?" + q.Encode()
}

// listLink is backLink by name.
func (s *server) listLink(c echo.Context, label, path, organizer string) views.Link {
	to := s.backLink(c, path, organizer)
	if strings.HasPrefix(to, s.prefix+"/calendar?") {
		label = "Calendar"
	}
	return views.Link{Label: label, URL: to}
}

// pageAsked cuts the page that is asked for out of rows, the first when none
// is. It is not ok when there is no such page.
func pageAsked[T any](c echo.Context, rows []T) (cut []T, page, pages int, ok bool) {
	n := 1
	if typed := c.QueryParam("page"); typed != "" {
		n, _ = strconv.Atoi(typed)
	}
	cut, page, pages = meetings.Page(rows, n)
	return cut, page, pages, page == n
}

// toFirstPage leads from a page that is not there to the first, under the same
// query.
func (s *server) toFirstPage(c echo.Context) error {
	q := url.Values{}
	for name, values := range c.QueryParams() {
		if name != "page" {
			q[name] = values
		}
	}
	path := c.Request().URL.Path
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return s.to(c, path)
}

// plainID leads from a meeting id with dashes, as people write it, to the page
// of the id itself, under the same query. A form is taken as it is.
func plainID(prefix string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			typed, r := c.Param("id"), c.Request()
			id, ok := meetings.ParseID(typed)
			if !ok || id == typed || !strings.HasPrefix(c.Path(), "/meetings/:id") {
				return next(c)
			}
			if r.Method == http.MethodPost {
				c.SetParamValues(id)
				return next(c)
			}
			to := prefix + strings.Replace(c.Path(), ":id", id, 1)
			if f := format(r); f != "" {
				to += "." + f
			}
			if r.URL.RawQuery != "" {
				to += "?" + r.URL.RawQuery
			}
			return c.Redirect(http.StatusSeeOther, to)
		}
	}
}
