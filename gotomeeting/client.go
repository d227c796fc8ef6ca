package gotomeeting

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// TokenSource gives the access token to call with. It names only standard
// types, so that a browser session satisfies it without importing this package.
type TokenSource interface {
	// AccessToken returns the token to use and when it was issued; the zero
	// time when that is not known.
	AccessToken(ctx context.Context) (token string, issued time.Time, err error)
	// RenewToken is told which token GoTo refused. It refreshes once, or
	// returns a newer one that is stored already.
	RenewToken(ctx context.Context, refused string) (token string, issued time.Time, err error)
}

// DefaultRate is how many calls a second a [Client] makes: GoTo allows ten by
// default, and answers 429 above.
const DefaultRate = 8

// Config of a [Client].
type Config struct {
	// BaseURL is what stands before /G2M, /admin and /identity.
	BaseURL string
	// HTTP is the client to call with. Its redirects are refused whatever it
	// says. Nil means an own one with the limits of [NewTransport].
	HTTP *http.Client
	// Rate is calls a second; 0 means [DefaultRate].
	Rate float64
	// Now is the clock that a token's age is taken from; nil means time.Now.
	Now func() time.Time
	// Log gets one line per failed try; nil discards them. No line holds an id or a secret.
	Log *slog.Logger
	// Observe is told of each try: the operation, GoTo's status (0 for none)
	// and how long it took. It may be nil; it must be safe for concurrent use.
	Observe func(op string, status int, d time.Duration)
}

// Client calls GoTo. It is safe for concurrent use.
type Client struct {
	base    string
	http    *http.Client
	limit   *rate.Limiter
	now     func() time.Time
	log     *slog.Logger
	observe func(op string, status int, d time.Duration)

	random func() float64 // in [0,1), for back-off
	sleep  func(ctx context.Context, d time.Duration) error
}

// New returns a Client, or an error that says what is wrong with the Config.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("base URL %q of GoTo's API is not an http(s) URL with just host and path", c.BaseURL)
	}
	if c.Rate < 0 {
		return nil, fmt.Errorf("rate of %v calls a second is negative", c.Rate)
	}
	return &Client{base: strings.TrimRight(c.BaseURL, "/")}, nil
}

var errTODO = fmt.Errorf("not written yet")

// Upcoming lists the meetings that are planned or running (operation 7), or
// with organizerKey those of that organizer (operation 10, for account admins).
func (c *Client) Upcoming(ctx context.Context, ts TokenSource, organizerKey string) ([]Meeting, error) {
	return nil, errTODO
}

// Meeting reads one meeting (operation 2).
func (c *Client) Meeting(ctx context.Context, ts TokenSource, id string) (Meeting, error) {
	return Meeting{}, errTODO
}

// Create makes a meeting (operation 1).
func (c *Client) Create(ctx context.Context, ts TokenSource, r MeetingRequest) (Created, error) {
	return Created{}, errTODO
}

// Update replaces a meeting (operation 3).
func (c *Client) Update(ctx context.Context, ts TokenSource, id string, r MeetingRequest) error {
	return errTODO
}

// Delete deletes a meeting (operation 4).
func (c *Client) Delete(ctx context.Context, ts TokenSource, id string) error { return errTODO }

// Start asks for the URL that opens the meeting as its host (operation 5).
func (c *Client) Start(ctx context.Context, ts TokenSource, id string) (HostURL, error) {
	return HostURL{}, errTODO
}

// History lists ended sessions that started in [from, to].
func (c *Client) History(ctx context.Context, ts TokenSource, organizerKey string, from, to time.Time) ([]PastMeeting, error) {
	return nil, errTODO
}

// Attendees lists every join of every session of a meeting (operation 6).
func (c *Client) Attendees(ctx context.Context, ts TokenSource, meetingID string) ([]Join, error) {
	return nil, errTODO
}

// EraseSession drops a session with its attendees and recordings (operation 14).
func (c *Client) EraseSession(ctx context.Context, ts TokenSource, organizerKey, sessionID string) error {
	return errTODO
}

// EraseAttendees drops a session's attendee list (operation 15).
func (c *Client) EraseAttendees(ctx context.Context, ts TokenSource, organizerKey, sessionID string) error {
	return errTODO
}

// Me says who a token belongs to.
func (c *Client) Me(ctx context.Context, accessToken string) (Profile, error) {
	return Profile{}, errTODO
}

// Users lists users of an account.
func (c *Client) Users(ctx context.Context, ts TokenSource, accountKey string, f UserFilter) ([]User, error) {
	return nil, errTODO
}

// User reads one user of an account.
func (c *Client) User(ctx context.Context, ts TokenSource, accountKey, key string) (User, error) {
	return User{}, errTODO
}

// Invite adds a user to an account.
func (c *Client) Invite(ctx context.Context, ts TokenSource, accountKey string, i Invitation) ([]InvitedUser, error) {
	return nil, errTODO
}

// Licenses lists an account's licences.
func (c *Client) Licenses(ctx context.Context, ts TokenSource, accountKey string) ([]License, error) {
	return nil, errTODO
}
