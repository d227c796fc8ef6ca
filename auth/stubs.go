package auth

import (
	"context"
	"net/http"
	"time"
)

type Key struct{}
type sealer struct{}
type rowStore struct{}
type ticket struct{ hash string }
type storedNotice struct{ ID, Kind, Text string }

// LoadKeys parses SESSION_KEY: 32-byte keys in base64, comma-separated.
func LoadKeys(spec string) ([]Key, error) { panic("todo") }

// MakeKeyFile reads the key file, making it with a fresh key first.
func MakeKeyFile(path string) ([]Key, error) { panic("todo") }

// New checks the configuration and returns the door.
func New(c Config) (*Auth, error) { panic("todo") }

// Close waits for refreshes and revocations under way.
func (a *Auth) Close(ctx context.Context) error { panic("todo") }

// RedirectURI is the callback address to register at GoTo.
func (a *Auth) RedirectURI() string { panic("todo") }

// Session returns the request's session: (nil, nil) when there is none,
// ErrStore when the store cannot be asked.
func (a *Auth) Session(r *http.Request) (*Session, error) { panic("todo") }

// Save writes identity and notices when they changed, and last-seen at most once a minute.
func (a *Auth) Save(w http.ResponseWriter, r *http.Request, s *Session) error { panic("todo") }

// Notify adds a notice for the next page; Save keeps it.
func (s *Session) Notify(n Notice) { panic("todo") }

// TakeNotices returns the notices and removes them; Save keeps that.
func (s *Session) TakeNotices() []Notice { panic("todo") }

// AccessToken returns a token to call GoTo with and when it was issued.
func (s *Session) AccessToken(ctx context.Context) (token string, issued time.Time, err error) {
	panic("todo")
}

// RenewToken returns a token other than the one GoTo refused.
func (s *Session) RenewToken(ctx context.Context, refused string) (token string, issued time.Time, err error) {
	panic("todo")
}

// Connect starts a flow and returns where to send the browser.
func (a *Auth) Connect(w http.ResponseWriter, r *http.Request, returnTo string) (location string, err error) {
	panic("todo")
}

// Callback finishes a flow.
func (a *Auth) Callback(w http.ResponseWriter, r *http.Request) (Result, error) { panic("todo") }

// SignOut deletes this browser's session.
func (a *Auth) SignOut(w http.ResponseWriter, r *http.Request, s *Session) error { panic("todo") }

// Disconnect deletes all of the user's sessions and revokes this one's tokens.
func (a *Auth) Disconnect(w http.ResponseWriter, r *http.Request, s *Session) error { panic("todo") }

// Configured reports whether there is an OAuth client.
func (a *Auth) Configured(ctx context.Context) (bool, error) { panic("todo") }

// SetupOpen reports whether /setup accepts credentials.
func (a *Auth) SetupOpen(ctx context.Context) (bool, error) { panic("todo") }

// SetupCode returns the code that Setup asks for, "" when set-up is closed.
func (a *Auth) SetupCode() string { panic("todo") }

// Setup checks and stores an OAuth client.
func (a *Auth) Setup(ctx context.Context, clientID, secret, code string) error { panic("todo") }

// PinnedAccount returns the account that the first connection pinned.
func (a *Auth) PinnedAccount(ctx context.Context) (key, name string, ok bool, err error) {
	panic("todo")
}

// SafeReturn returns raw if it is a local path, "/" otherwise.
func SafeReturn(raw string) string { panic("todo") }
