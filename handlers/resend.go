package handlers

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"portal/views"
)

const formToken = "form_token"

// needFormToken holds back a form that is not this session's: one made before
// the user signed in again, or one that somebody else made. What was typed is
// shown on a page from which it can be sent after all.
func (s *server) needFormToken(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method != http.MethodPost || session(c).OwnsForm(c.FormValue(formToken)) {
			return next(c)
		}
		form, err := c.FormParams()
		if err != nil {
			return errNotAForm
		}
		toBanner(c)
		return s.page(c, http.StatusForbidden, views.ResendPage(s.base(c, "", "Nothing was sent"), views.Resend{
			Title:  "Nothing was sent yet",
			Text:   "This form was made before you signed in, or in another session. Everything you typed is kept: send it now, or leave it.",
			Action: s.prefix + c.Request().URL.Path, Fields: typed(form), Leave: s.prefix + returnPath(c.Request()),
		}), views.BannerOnly)
	}
}

// typed is a form as it was sent, in a stable order, without the token.
func typed(form url.Values) []views.Field {
	var fields []views.Field
	for name, values := range form {
		for _, v := range values {
			if name != formToken {
				fields = append(fields, views.Field{Name: name, Value: v})
			}
		}
	}
	slices.SortStableFunc(fields, func(a, b views.Field) int { return cmp.Compare(a.Name, b.Name) })
	return fields
}
