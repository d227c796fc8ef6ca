// Package auth answers who is at the other end: it connects a browser to a
// GoTo account (OAuth code grant with state and PKCE), keeps the browser
// session and its tokens, and refreshes those tokens once and in time.
//
// It knows net/http and nothing of the web framework, the pages, GoTo's API
// beyond the token endpoint, or the database: rows go through Store, and who
// a token belongs to is asked through Config.Identify.
package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// The outcomes a caller tells apart with errors.Is. None of them carries a
// token, a code, a state or text that GoTo sent.
var (
	// ErrDenied: the user pressed Deny at GoTo.
	ErrDenied = errors.New("the connection was denied at GoTo")
	// ErrState: the callback does not belong to a flow that this browser
	// started in the last ten minutes and has not finished yet. Which of
	// missing, forged, replayed and expired it was is nobody's business.
	ErrState = errors.New("the callback belongs to no open flow of this browser")
	// ErrNotAdmitted: the user's account is not one the portal serves; the
	// error is a *NotAdmittedError.
	ErrNotAdmitted = errors.New("the account is not admitted")
	// ErrRefused: GoTo refused the code (invalid_grant): used twice or too old.
	ErrRefused = errors.New("GoTo refused the code")
	// ErrClient: GoTo does not accept the client id and secret. Only the
	// operator can mend that; sessions are kept.
	ErrClient = errors.New("GoTo refused the OAuth client")
	// ErrUnavailable: GoTo could not be asked (network, 5xx, 429, time-out,
	// an answer that is none). Trying again later can help.
	ErrUnavailable = errors.New("GoTo's sign-in service is unavailable")
	// ErrStore: the portal's own store could not be asked. Sessions and
	// cookies stay as they are.
	ErrStore = errors.New("the store is unavailable")
	// ErrSessionEnded: the session is over, because GoTo refused its refresh
	// token or because it was ended elsewhere. Connecting again is the way on.
	ErrSessionEnded = errors.New("the session has ended")
	// ErrNotConfigured: there is no OAuth client yet; /setup makes one known.
	ErrNotConfigured = errors.New("no OAuth client is configured")
	// ErrSetupCode: the set-up code is wrong.
	ErrSetupCode = errors.New("the set-up code is wrong")
	// ErrSetupClosed: set-up is over, because credentials are configured
	// elsewhere or have connected before.
	ErrSetupClosed = errors.New("set-up is closed")
)

// NotAdmittedError says which account was turned away and, when GoTo did not
// name the account, which scope is missing. errors.Is finds ErrNotAdmitted.
type NotAdmittedError struct {
	AccountKey, AccountName string // "" when GoTo did not say
	MissingScope            string // "identity:" when the account is unknown for want of it
}

func (e *NotAdmittedError) Error() string {
	if e.MissingScope != "" {
		return "the account is unknown: the scope " + e.MissingScope + " is missing"
	}
	return "the account " + e.AccountKey + " is not admitted"
}

// Is makes errors.Is(err, ErrNotAdmitted) true.
func (e *NotAdmittedError) Is(target error) bool { return target == ErrNotAdmitted }

// Identity is who the user is, as GoTo says.
type Identity struct {
	UserKey     string   `json:"user_key"`    // GoTo's user key, which is the organizer key too
	AccountKey  string   `json:"account_key"` // "" when GoTo does not name the account
	AccountName string   `json:"account_name"`
	FirstName   string   `json:"first_name"`
	LastName    string   `json:"last_name"`
	Email       string   `json:"email"`
	TimeZone    string   `json:"time_zone"` // IANA, or "" when unknown
	Locale      string   `json:"locale"`    // as GoTo writes it, en_US
	Admin       bool     `json:"admin"`     // administers the account
	Roles       []string `json:"roles"`
	Scopes      []string `json:"scopes"` // what the token was granted, when GoTo said
	// MissingIdentityScope: the token lacks identity:, so that account,
	// role and other people's data cannot be read.
	MissingIdentityScope bool   `json:"missing_identity_scope"`
	Source               string `json:"source"` // where it comes from: admin, scim or token
}

// Name returns the user's name, else the e-mail address, else the key.
func (i Identity) Name() string {
	name := i.FirstName
	if i.FirstName != "" && i.LastName != "" {
		name += " "
	}
	name += i.LastName
	switch {
	case name != "":
		return name
	case i.Email != "":
		return i.Email
	}
	return i.UserKey
}

// ClientCredentials are the OAuth client's id and secret.
type ClientCredentials struct {
	ID     string
	Secret Secret
}

// IsZero reports whether there are none.
func (c ClientCredentials) IsZero() bool { return c.ID == "" && c.Secret.IsZero() }

// Config is what New needs. Store, Keys, PublicURL, AuthURL, TokenURL and
// Identify are required.
type Config struct {
	Store     Store
	Keys      []Key    // the first seals, all open
	PublicURL *url.URL // scheme, host and path prefix that browsers use

	AuthURL, TokenURL string
	RevokeURL         string            // "" revokes nothing
	Client            ClientCredentials // zero: from the store, entered through Setup

	Sandbox         bool          // never open for set-up
	AllowedAccounts []string      // account keys; empty: the first account that connects; "*": any
	Idle, Max       time.Duration // browser sessions; 0: 12 h idle, 336 h in all

	HTTP *http.Client     // for the token endpoint; nil: one of its own
	Now  func() time.Time // nil: time.Now
	Log  *slog.Logger     // nil: nowhere

	// Observe is told how each refresh of a session's tokens ended and how long
	// it took: refreshed; peer (another process had done it); ended (the
	// session was over by then); refused (GoTo ended it); unknown (the answer
	// got lost, twice); unavailable, client and store, as ErrUnavailable,
	// ErrClient and ErrStore. nil: nobody.
	Observe func(outcome string, took time.Duration)

	// Identify asks GoTo who a token belongs to. With an error, or with
	// fields left empty, what the token reply says is taken; when only the
	// scope is wanting it sets MissingIdentityScope and returns no error.
	Identify func(ctx context.Context, accessToken string) (Identity, error)
}

// Auth is the portal's door. Its methods may be called at the same time.
type Auth struct {
	cfg       Config
	sealer    sealer
	rows      *rowStore
	setupCode Secret
	holder    string // of leases: this process

	cooling sync.Mutex
	cool    map[string]time.Time // grant -> when to try an early refresh again

	flying  sync.Mutex
	flights map[string]*flight // grant -> its refresh under way

	closing sync.Mutex
	closed  bool
	work    sync.WaitGroup
}

// Result is what a finished connect flow yields.
type Result struct {
	ReturnTo string // local path the user came from, "/" when none
	User     Identity
	Session  *Session // the new session, for a notice; Save it

	ForFeed     bool   // ConnectFeed started it: there is no new session
	FeedAddress Secret // the secret part of the new feed's address; zero when the feed had one
}
