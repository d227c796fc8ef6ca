package handlers

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/meetings"
	"portal/views"
)

// startPage greets; who is signed in goes on to the meetings.
func (s *server) startPage(c echo.Context) error {
	back := c.QueryParam("return")
	ended := c.QueryParam("ended") != ""
	if session(c) != nil && !ended {
		return s.to(c, "/meetings")
	}
	return s.showStart(c, http.StatusOK, back, ended)
}

// What a start page's address may say the user just did: words of ours, not of
// the address.
const (
	leftSignedOut    = "signed-out"
	leftEverywhere   = "everywhere"
	leftDisconnected = "disconnected"
)

var leftWords = map[string]string{
	leftSignedOut:    "You are signed out of this browser.",
	leftEverywhere:   "You are signed out everywhere.",
	leftDisconnected: "You are disconnected: your sessions and your calendar feed are over everywhere, and GoTo is asked to take the portal's permission back.",
}

// goodbye leads to the start page, which says what the user just did.
func (s *server) goodbye(c echo.Context, left string) error {
	return c.Redirect(http.StatusSeeOther, s.address("/", "left", left))
}

func (s *server) showStart(c echo.Context, status int, back string, ended bool) error {
	configured, err := s.auth.Configured(c.Request().Context())
	if err != nil {
		return err
	}
	b := s.base(c, "", "Connect")
	b.User = nil // the frame of a signed-in user would promise what is gone
	return s.page(c, status, views.StartPage(b, views.Start{
		ConnectURL: s.address("/auth/connect", "return", safeReturn(back)), Configured: configured, Ended: ended, Returning: back != "",
		Left: leftWords[c.QueryParam("left")],
	}))
}

// safeReturn is a local path to come back to, or "" for none.
func safeReturn(raw string) string {
	if raw == "" {
		return ""
	}
	if path := auth.SafeReturn(raw); path != "/" {
		return path
	}
	return ""
}

// connect sends the browser to GoTo. It is a link, not a form, since GoTo hops
// between hosts; so another site could send people here, and gets them the
// start page instead.
func (s *server) connect(c echo.Context) error {
	back := c.QueryParam("return")
	if site := c.Request().Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return s.showStart(c, http.StatusOK, back, false)
	}
	location, err := s.auth.Connect(c.Response(), c.Request(), safeReturn(back))
	if errors.Is(err, auth.ErrNotConfigured) {
		return c.Redirect(http.StatusSeeOther, s.prefix+"/setup")
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, location)
}

func (s *server) callback(c echo.Context) error {
	result, err := s.auth.Callback(c.Response(), c.Request())
	switch {
	case result.ForFeed:
		return s.feedConnected(c, result, err)
	case errors.Is(err, auth.ErrState) && session(c) != nil:
		return errSignedInAlready
	case err != nil:
		return &signInFault{err, result.ReturnTo}
	}
	c.Set(sessionKey, result.Session)
	u := result.User
	text := "Connected as " + u.Name()
	if u.Email != "" && u.Email != u.Name() {
		text += " (" + u.Email + ")"
	}
	if u.AccountName != "" {
		text += ", account " + u.AccountName
	} else if u.AccountKey != "" {
		text += ", account " + u.AccountKey
	}
	if u.Admin {
		text += ", account admin"
	} else {
		text += ", organizer"
	}
	text += "."
	if len(u.Scopes) > 0 {
		text += " Granted:"
		for _, scope := range u.Scopes {
			text += " " + scope
		}
	}
	notify(c, auth.Success, text)
	if u.MissingIdentityScope {
		notify(c, auth.Warning, "The scope identity: is missing: attendees, other organizers and the account's users stay closed. Whoever runs the portal can add it at GoTo.")
	}
	back := result.ReturnTo
	if back == "" || back == "/" {
		back = "/meetings"
	}
	return s.to(c, back)
}

func (s *server) signOut(c echo.Context) error {
	if err := s.auth.SignOut(c.Response(), c.Request(), session(c)); err != nil {
		return err
	}
	s.meetings.Forget(caller(c))
	return s.goodbye(c, leftSignedOut)
}

// disconnect sends held deletes first: afterwards there is no token to send
// them with. What was collected about people goes with the permission.
func (s *server) disconnect(c echo.Context) error {
	if err := s.meetings.Flush(c.Request().Context(), caller(c)); err != nil {
		return err
	}
	if err := s.reports.Forget(c.Request().Context(), caller(c)); err != nil {
		return err
	}
	feed, err := s.auth.FeedOf(c.Request().Context(), session(c))
	if err != nil {
		return err
	}
	if err := s.auth.Disconnect(c.Response(), c.Request(), session(c)); err != nil {
		return err
	}
	if feed != nil {
		s.meetings.RecordFeed(c.Request().Context(), caller(c), meetings.DeedRevokeFeed)
	}
	s.meetings.Forget(caller(c))
	return s.goodbye(c, leftDisconnected)
}

func (s *server) setupPage(c echo.Context) error {
	return s.showSetup(c, http.StatusOK, views.Setup{})
}

func (s *server) showSetup(c echo.Context, status int, v views.Setup) error {
	open, err := s.auth.SetupOpen(c.Request().Context())
	if err != nil {
		return err
	}
	configured, err := s.auth.Configured(c.Request().Context())
	if err != nil {
		return err
	}
	v.RedirectURI, v.NeedsPublicURL = s.auth.RedirectURI(), s.needsURL && open
	v.Done = !open || configured && len(v.Problems) == 0 && c.QueryParam("again") == ""
	b := s.base(c, "", "Set-up")
	b.Wrong = len(v.Problems) > 0
	return s.page(c, status, views.SetupPage(b, v))
}

func (s *server) setUp(c echo.Context) error {
	if s.needsURL {
		return s.showSetup(c, http.StatusForbidden, views.Setup{})
	}
	v := views.Setup{ClientID: c.FormValue("client_id"), SetupCode: c.FormValue("setup_code")}
	if v.ClientID == "" {
		v.Problems = append(v.Problems, views.Problem{Field: "client_id", Text: "Enter the Client ID that GoTo shows"})
	}
	if c.FormValue("client_secret") == "" {
		v.Problems = append(v.Problems, views.Problem{Field: "client_secret", Text: "Enter the Client Secret that GoTo shows"})
	}
	if v.SetupCode == "" {
		v.Problems = append(v.Problems, views.Problem{Field: "setup_code", Text: "Enter the code that the portal printed when it started"})
	}
	if len(v.Problems) == 0 {
		if wait := s.guess(c); wait > 0 {
			v.Problems = append(v.Problems, views.Problem{Field: "setup_code", Text: "Too many codes were tried. Wait " + seconds(wait) + ", then enter the Client Secret and the code again"})
			setRetryAfter(c, wait)
			return s.showSetup(c, http.StatusTooManyRequests, v)
		}
		err := s.auth.Setup(c.Request().Context(), v.ClientID, c.FormValue("client_secret"), v.SetupCode)
		switch {
		case err == nil:
			return c.Redirect(http.StatusSeeOther, s.prefix+"/setup")
		case errors.Is(err, auth.ErrSetupCode):
			v.Problems = append(v.Problems, views.Problem{Field: "setup_code", Text: "This is not the code that the portal printed when it last started"})
		case errors.Is(err, auth.ErrClient):
			v.Problems = append(v.Problems, views.Problem{Field: "client_secret", Text: "GoTo does not know this pair of Client ID and Client Secret; paste both again"})
		case errors.Is(err, auth.ErrSetupClosed):
			return s.showSetup(c, http.StatusForbidden, views.Setup{})
		case errors.Is(err, auth.ErrUnavailable):
			v.Problems = append(v.Problems, views.Problem{Field: "client_secret", Text: "GoTo could not be asked just now, so the pair is not checked; try again in a moment"})
			c.Response().Header().Set("Retry-After", "10")
			return s.showSetup(c, http.StatusServiceUnavailable, v)
		default:
			return err
		}
	}
	return s.showSetup(c, http.StatusUnprocessableEntity, v)
}

func (s *server) helpPage(c echo.Context) error {
	return s.page(c, http.StatusOK, views.HelpPage(s.base(c, "help", "Help")))
}

func (s *server) showSettings(c echo.Context) error { return s.settings(c, http.StatusOK) }

func (s *server) settings(c echo.Context, status int) error {
	u := session(c).User()
	v := views.Settings{
		Name: u.Name(), Email: u.Email, Key: u.UserKey, Account: accountLine(u), Role: roleLine(auth.Identity{Admin: u.Admin}),
		Zone: zone(c).String(), Scopes: u.Scopes, MissingScope: u.MissingIdentityScope, Connect: s.address("/auth/connect", "return", "/settings"),
	}
	if u.Admin {
		v.AuditURL = s.address("/audit")
	}
	key, name, pinned, err := s.auth.PinnedAccount(c.Request().Context())
	if err != nil {
		return err
	}
	if pinned {
		v.Pinned = accountLine(auth.Identity{AccountKey: key, AccountName: name})
	}
	if v.Feed, err = s.feedState(c); err != nil {
		return err
	}
	return s.page(c, status, views.SettingsPage(s.base(c, "settings", "Settings"), v))
}

func accountLine(u auth.Identity) string {
	switch {
	case u.AccountName != "" && u.AccountKey != "":
		return u.AccountName + " (" + u.AccountKey + ")"
	case u.AccountKey != "":
		return u.AccountKey
	}
	return "not named by GoTo"
}
