package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/views"
)

// base is what every page of this request has. It takes the notices, so it is
// called once, for the page that is shown.
func (s *server) base(c echo.Context, nav string, title ...string) views.Base {
	b := views.Base{
		Title: title, Nav: nav, Path: s.prefix, Sandbox: s.sandbox,
		RequestID: c.Response().Header().Get(echo.HeaderXRequestID), Partial: isPartial(c.Request()),
	}
	if session := session(c); session != nil {
		u := session.User()
		b.FormToken, b.Here = session.FormToken(), here(c.Request())
		b.User = &views.User{Name: u.Name(), Email: u.Email, Role: roleLine(u)}
		if !b.Partial && !isHead(c.Request()) {
			for _, n := range session.TakeNotices() {
				b.Notices = append(b.Notices, views.Notice{Kind: n.Kind, Text: n.Text})
			}
			b.Pending = s.pendingBlock(c)
		}
	}
	return b
}

func roleLine(u auth.Identity) string {
	line := "Organizer"
	if u.Admin {
		line = "Account admin"
	}
	if u.AccountName != "" {
		line += " · " + u.AccountName
	}
	return line
}

// isPartial tells whether htmx asked for a part of the page. Only page,
// answerError, reader and showReport decide by it.
func isPartial(r *http.Request) bool {
	return r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-Request-Type") != "full" && r.Header.Get("HX-History-Restore-Request") != "true"
}

// page renders component, or the fragments of it when htmx asked for a part.
// It buffers, so that a fault half-way is a fault and not half a page, and
// saves the session before the first byte.
func (s *server) page(c echo.Context, status int, component templ.Component, fragments ...views.Fragment) error {
	buf := templ.GetBuffer()
	defer templ.ReleaseBuffer(buf)
	// An error page comes after the request's own deadline has been released.
	ctx := context.WithoutCancel(c.Request().Context())
	var err error
	if len(fragments) > 0 && isPartial(c.Request()) {
		ids := make([]any, len(fragments))
		for i, f := range fragments {
			ids[i] = f
		}
		err = templ.RenderFragments(ctx, buf, component, ids...)
	} else {
		err = component.Render(ctx, buf)
	}
	if err != nil {
		return err
	}
	if err := s.save(c); err != nil && status < http.StatusInternalServerError {
		return err
	}
	s.tell(c)
	c.Response().Header().Add(echo.HeaderVary, "HX-Request, HX-Request-Type")
	return c.HTMLBlob(status, buf.Bytes())
}

// save keeps the session's notices. What a form did is done, so then a notice
// that is lost is no failure.
func (s *server) save(c echo.Context) error {
	session := session(c)
	if session == nil || isHead(c.Request()) {
		return nil
	}
	// The answer may come after the request's own deadline; it still counts.
	r := c.Request().WithContext(context.WithoutCancel(c.Request().Context()))
	err := s.auth.Save(c.Response(), r, session)
	switch {
	case err == nil || errors.Is(err, auth.ErrSessionEnded):
		return nil
	case r.Method == http.MethodPost:
		s.log.ErrorContext(r.Context(), "session not saved after a form", "error", err)
		return nil
	}
	return err
}

// to answers 303 to a path of ours, keeping the notices.
func (s *server) to(c echo.Context, path string) error {
	if err := s.save(c); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.prefix+path)
}

func notify(c echo.Context, kind, text string) {
	if session := session(c); session != nil {
		session.Notify(auth.Notice{Kind: kind, Text: text})
	}
}

// answerError is the one place that turns errors into answers: a page, a
// fragment aimed at the banner, or plain JSON for a data twin. After the first
// byte there is no other answer than to break off.
func (s *server) answerError(err error, c echo.Context) {
	if c.Response().Committed {
		c.Set(cutKey, true)
		return
	}
	r := c.Request()
	if isSessionGone(err) {
		s.askToConnect(c, errors.Is(err, auth.ErrSessionEnded))
		return
	}
	told, retryAfter, _ := explain(err, r)
	h := c.Response().Header()
	setRetryAfter(c, retryAfter)
	if r.Method == http.MethodHead {
		_ = c.NoContent(told.status)
		return
	}
	if format(r) != "" {
		_ = c.JSON(told.status, map[string]string{"error": told.title, "text": told.text, "request": h.Get(echo.HeaderXRequestID)})
		return
	}
	failed := told.status >= http.StatusInternalServerError || told.status == http.StatusTooManyRequests
	if failed && r.Method == http.MethodPost && !isPartial(r) {
		err = s.failedForm(c, told)
	} else {
		err = s.failure(c, told, failed)
	}
	if err != nil && !c.Response().Committed {
		s.log.ErrorContext(r.Context(), "error page not rendered", "error", err)
		_ = c.String(told.status, told.title+". "+told.text+"\n")
	}
}

// failure is the page of an error; again offers to try the same address once
// more.
func (s *server) failure(c echo.Context, told refusal, again bool) error {
	r := c.Request()
	b := s.base(c, "", told.title)
	f := views.Failure{Status: told.status, Title: told.title, Text: told.text}
	if told.url != "" {
		f.Next = views.Link{Label: told.next, URL: s.prefix + told.url}
	} else if session(c) != nil {
		f.Next = views.Link{Label: "Upcoming meetings", URL: s.prefix + "/meetings"}
	} else {
		f.Next = views.Link{Label: "Start page", URL: s.prefix + "/"}
	}
	// A callback's address holds a code, which is good once.
	if again && r.Method == http.MethodGet && r.URL.Path != callbackPath {
		f.Again = s.prefix + r.URL.RequestURI()
	}
	toBanner(c)
	return s.page(c, told.status, views.FailurePage(b, f), views.BannerOnly)
}

// setRetryAfter says when to try again, in whole seconds; 0 says nothing.
func setRetryAfter(c echo.Context, d time.Duration) {
	if d > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(wholeSeconds(d)))
	}
}

// toBanner aims what htmx asked for at the banner: the page under it stays.
func toBanner(c echo.Context) {
	if isPartial(c.Request()) {
		h := c.Response().Header()
		h.Set("HX-Retarget", "#banner")
		h.Set("HX-Reswap", "innerHTML show:top")
		h.Set("HX-Push-Url", "false")
	}
}

// askToConnect sends somebody without a session to the start page and says
// where to come back to: 303 for a page, 401 for htmx, which would follow a
// redirect invisibly, and for a data twin.
func (s *server) askToConnect(c echo.Context, ended bool) {
	r := c.Request()
	back := here(r)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		kept, err := s.keepDraft(c)
		if err != nil {
			s.answerError(err, c)
			return
		}
		if kept {
			back = "/resume"
		}
	}
	target := s.prefix + "/?return=" + url.QueryEscape(auth.SafeReturn(back))
	if ended {
		target += "&ended=1"
	}
	switch {
	case r.Header.Get("HX-Request") == "true":
		c.Response().Header().Set("HX-Redirect", target)
		_ = c.NoContent(http.StatusUnauthorized)
	case format(r) != "":
		_ = c.JSON(http.StatusUnauthorized, map[string]string{"error": "Not signed in", "text": "Open the portal in a browser and connect GoTo."})
	default:
		_ = c.Redirect(http.StatusSeeOther, target)
	}
}

// returnPath is the page whose form is posted to path.
func returnPath(path string) string {
	switch {
	case path == "/meetings":
		return "/meetings/new"
	case strings.HasSuffix(path, "/start"):
		return strings.TrimSuffix(path, "/start")
	case strings.HasSuffix(path, "/erase"):
		return strings.TrimSuffix(path, "/erase") + "/attendees"
	case strings.HasPrefix(path, "/people"):
		return "/people"
	case strings.HasPrefix(path, "/reports"):
		return "/reports"
	case path == "/settings/sessions":
		return path
	case strings.HasPrefix(path, "/settings"):
		return "/settings"
	case strings.HasPrefix(path, "/pending"):
		return "/pending"
	case strings.HasPrefix(path, "/meetings/") && path != "/meetings/now":
		return path
	}
	return "/meetings"
}

// address builds a path with a query of the non-empty pairs.
func (s *server) address(path string, pairs ...string) string {
	return s.prefix + local(path, pairs...)
}

// local is address without the path prefix, for to.
func local(path string, pairs ...string) string {
	if q := query(pairs...); len(q) > 0 {
		return path + "?" + q.Encode()
	}
	return path
}
