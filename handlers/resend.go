package handlers

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/views"
)

const (
	formToken = "form_token"
	resumed   = "resumed" // the form comes from the page that resume shows
)

// needFormToken holds back a form that is not this session's: one made before
// the user signed in again, or one that somebody else made. What was typed is
// shown on a page from which it can be sent after all.
func (s *server) needFormToken(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method != http.MethodPost {
			return next(c)
		}
		form := c.Request().PostForm
		if session(c).OwnsForm(form.Get(formToken)) {
			if form.Get(resumed) != "" {
				if err := s.auth.DropDraft(c.Response(), c.Request()); err != nil {
					return err
				}
			}
			return next(c)
		}
		toBanner(c)
		return s.page(c, http.StatusForbidden, views.ResendPage(s.base(c, "", "Nothing was sent"), views.Resend{
			Title:  "Nothing was sent yet",
			Text:   "This form was made before you signed in, or in another session. Everything you typed is kept: send it now, or leave it.",
			Action: s.prefix + c.Request().URL.Path, Fields: typed(form), Leave: s.leave(c),
		}), views.BannerOnly)
	}
}

// leave leads away from a form that was not sent.
func (s *server) leave(c echo.Context) views.Link {
	return views.Link{Label: "Leave it", URL: s.prefix + returnPath(c.Request().URL.Path)}
}

// failedForm is the page for a form that the portal or GoTo could not take just
// now: it says so and sends the same form again.
func (s *server) failedForm(c echo.Context, told refusal) error {
	r := c.Request()
	resend := views.Resend{
		Status: told.status, Title: told.title, Text: told.text, Send: "Send it again",
		Action: s.prefix + r.URL.Path, Fields: typed(r.PostForm), Leave: s.leave(c),
	}
	if told.url != "" {
		resend.Leave = views.Link{Label: told.next, URL: s.prefix + told.url}
	}
	b := s.base(c, "", told.title)
	if b.FormToken == "" && r.PostForm.Get(formToken) != "" {
		// The session cannot be read just now, so its own token is kept.
		resend.Fields = append(resend.Fields, views.Field{Name: formToken, Value: r.PostForm.Get(formToken)})
	}
	return s.page(c, told.status, views.ResendPage(b, resend), views.BannerOnly)
}

// keepDraft keeps a form whose session is over until its user is back; false
// when it could not be kept. Each takes room in the store, so they count as
// connecting does. The error is *tooMany.
func (s *server) keepDraft(c echo.Context) (bool, error) {
	form := c.Request().PostForm
	if len(typed(form)) == 0 {
		return false, nil
	}
	if wait := s.limits.doors.wait(addressKey(c.RealIP())); wait > 0 {
		return false, &tooMany{wait}
	}
	kept, err := s.auth.KeepDraft(c.Response(), c.Request(), session(c), auth.Draft{Path: c.Request().URL.Path, Form: form})
	if err != nil {
		s.log.ErrorContext(c.Request().Context(), "a form was not kept", "error", err)
	}
	return kept, nil
}

// resume offers the form that was kept while its user signed in again.
func (s *server) resume(c echo.Context) error {
	d, ok, err := s.auth.Draft(c.Request(), session(c))
	if err != nil {
		return err
	}
	if !ok {
		return s.to(c, "/meetings")
	}
	fields := append(typed(d.Form), views.Field{Name: resumed, Value: "1"})
	return s.page(c, http.StatusOK, views.ResendPage(s.base(c, "", "Welcome back"), views.Resend{
		Title: "Welcome back", Text: "Your connection to GoTo was over, so nothing was sent. Everything you typed is kept: send it now, or leave it.",
		Action: s.prefix + d.Path, Fields: fields, Leave: views.Link{Label: "Leave it", URL: s.prefix + returnPath(d.Path)},
	}))
}

// typed is a form as it was sent, in a stable order, without the token and
// without a secret, which has to be typed again.
func typed(form url.Values) []views.Field {
	var fields []views.Field
	for name, values := range form {
		for _, v := range values {
			if name != formToken && name != resumed && name != "client_secret" {
				fields = append(fields, views.Field{Name: name, Value: v})
			}
		}
	}
	slices.SortStableFunc(fields, func(a, b views.Field) int { return cmp.Compare(a.Name, b.Name) })
	return fields
}
