package handlers

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/export"
	"portal/meetings"
	"portal/views"
)

// feedRefresh is how often calendars are told to ask.
const feedRefresh = 30 * time.Minute

var (
	errNoFeed   = &refusal{http.StatusNotFound, "No such feed", "There is no calendar feed at this address, or it was revoked. Its owner can create one in the portal's Settings.", "Settings", "/settings"}
	errFeedOver = &refusal{http.StatusForbidden, "This feed has to be connected again", "GoTo no longer accepts the permission behind this calendar feed. Its owner can reconnect it in the portal's Settings; the address stays the same.", "Settings", "/settings"}
)

// serveFeed answers a calendar that knows the feed's address and nothing else.
// While GoTo cannot be asked the calendar keeps what it has.
func (s *server) serveFeed(c echo.Context) error {
	c.Response().Header().Set("Referrer-Policy", "no-referrer") // the address is the key
	ctx := c.Request().Context()
	if format(c.Request()) != "ics" {
		return errNoFeed
	}
	feed, err := s.auth.Feed(ctx, c.Param("token"))
	if err != nil {
		return err
	}
	if feed == nil {
		return errNoFeed
	}
	if wait := s.limits.feeds.wait(feed.ID()); wait > 0 {
		return &tooMany{wait}
	}
	if feed.Over() {
		return errFeedOver
	}
	u := feed.User()
	who := meetings.Caller{
		UserKey: u.UserKey, AccountKey: u.AccountKey, Ref: feed.UserRef(), Name: u.Name(), Email: u.Email, Tokens: feed, Session: feed,
		RequestID: c.Response().Header().Get(echo.HeaderXRequestID),
	}
	list, seen, err := s.meetings.Feed(ctx, who)
	if errors.Is(err, auth.ErrSessionEnded) {
		return errFeedOver
	}
	if err != nil {
		return err
	}
	events, err := s.planned(c, who, list, zoneOf(u), seen.At)
	if err != nil {
		return err
	}
	return s.calendar(c, export.Calendar{Refresh: feedRefresh, Events: events}, "meetings")
}

// feedState is what Settings says of the user's feed.
func (s *server) feedState(c echo.Context) (views.Feed, error) {
	feed, err := s.auth.FeedOf(c.Request().Context(), session(c))
	if err != nil || feed == nil {
		return views.Feed{}, err
	}
	now := s.meetings.Now().In(zone(c))
	v := views.Feed{Exists: true, Over: feed.Over(), Created: moment(feed.Created().In(zone(c)), now), CreatedDatetime: feed.Created().Format(time.RFC3339)}
	if used := feed.LastUsed(); !used.IsZero() {
		v.Used, v.UsedDatetime = moment(used.In(zone(c)), now), used.Format(time.RFC3339)
	}
	return v, nil
}

// changeFeed sends the user to GoTo to allow a feed, or revokes the one there
// is. Going to GoTo takes a page with a header, as starting a meeting does:
// form-action stops a form that is redirected there.
func (s *server) changeFeed(c echo.Context) error {
	switch c.FormValue("action") {
	case "create":
		location, err := s.auth.ConnectFeed(c.Response(), c.Request(), session(c), "/settings")
		if errors.Is(err, auth.ErrNotConfigured) {
			return s.to(c, "/setup")
		}
		if err != nil {
			return err
		}
		c.Response().Header().Set("Refresh", "0; url="+location)
		return s.page(c, http.StatusOK, views.FeedLeavingPage(s.base(c, "settings", "Asking GoTo"), views.FeedLeaving{
			User: session(c).User().Name(), URL: location, Back: s.address("/settings"),
		}))
	case "revoke":
		revoked, err := s.auth.RevokeFeed(c.Request().Context(), session(c))
		if err != nil {
			return err
		}
		if revoked {
			s.meetings.RecordFeed(c.Request().Context(), caller(c), meetings.DeedRevokeFeed)
			notify(c, auth.Success, "The feed is revoked: its address opens nothing any more, and GoTo is asked to take its permission back.")
		} else {
			notify(c, auth.Info, "There was no feed any more.")
		}
		return s.to(c, "/settings")
	}
	notify(c, auth.Warning, "Nothing was changed: press one of the buttons under Calendar feed.")
	return s.settings(c, http.StatusUnprocessableEntity)
}

// feedConnected ends a visit to GoTo that was for a feed. The address of a new
// one is on this page and nowhere else.
func (s *server) feedConnected(c echo.Context, result auth.Result, err error) error {
	if err != nil {
		return &feedFault{err}
	}
	if result.FeedAddress.IsZero() {
		s.meetings.RecordFeed(c.Request().Context(), caller(c), meetings.DeedReconnectFeed)
		notify(c, auth.Success, "The feed is connected again, at the address that your calendars know.")
		return s.to(c, "/settings")
	}
	s.meetings.RecordFeed(c.Request().Context(), caller(c), meetings.DeedConnectFeed)
	return s.page(c, http.StatusOK, views.FeedReadyPage(s.base(c, "settings", "Your calendar feed"), views.FeedReady{
		Address: s.public.Scheme + "://" + s.public.Host + s.address("/feed/"+result.FeedAddress.Reveal()+".ics"), Back: s.address("/settings"),
	}))
}

// feedFault is why a visit to GoTo for a feed came to nothing.
type feedFault struct{ err error }

func (f *feedFault) Error() string { return "connect a feed: " + f.err.Error() }
func (f *feedFault) Unwrap() error { return f.err }

// retell tells it to somebody who is signed in and wanted a feed.
func (f *feedFault) retell(told refusal) refusal {
	switch {
	case errors.Is(f.err, auth.ErrDenied):
		told.title, told.text = "You did not allow the feed", "You pressed Deny at GoTo, so nothing has changed: a feed that you had goes on as before. You stay signed in."
	case errors.Is(f.err, auth.ErrRefused):
		told.text = "The code that GoTo handed out is no longer good. Try again from Settings; it takes a few seconds."
	}
	told.next, told.url = "Back to Settings", "/settings"
	return told
}
