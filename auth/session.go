package auth

import (
	"fmt"
	"log/slog"
	"sync"
)

// Kinds of notices.
const (
	Success = "success"
	Info    = "info"
	Warning = "warning"
)

// Notice is one sentence for the user's next page.
type Notice struct {
	Kind string // success, info or warning
	Text string
}

// Session is one browser's session, as loaded for one request.
type Session struct {
	auth   *Auth
	ticket ticket

	mu      sync.Mutex
	row     SessionRow
	user    Identity
	notices []storedNotice
	added   []storedNotice
	taken   map[string]bool
	dirty   bool
	ended   bool
}

// User returns who the session belongs to.
func (s *Session) User() Identity { return s.user }

// ID returns a handle that is no secret: the hash of the cookie's id. It opens
// nothing; it tells sessions apart in logs, caches and form tokens.
func (s *Session) ID() string { return s.ticket.hash }

// String returns a handle for logs, never the cookie.
func (s *Session) String() string { return "session " + s.ticket.hash[:8] }

// Format prints String whatever the verb.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue returns String.
func (s *Session) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns String; JSON goes through it too.
func (s *Session) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
