package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

const sessionCookie = "sid"

// Kinds of notices.
const (
	Success = "success"
	Info    = "info"
	Warning = "warning"
)

// maxNotices bounds what waits for a page that is never opened.
const maxNotices = 10

// Notice is one sentence for the user's next page.
type Notice struct {
	Kind string // success, info or warning
	Text string
}

// Session is one browser's session, as loaded for one request. Its methods may
// be called at the same time.
type Session struct {
	auth   *Auth
	ticket ticket

	// Of a session that Callback made and nobody saved yet.
	initial  tokens
	replaces string
	browser  string

	mu      sync.Mutex
	row     SessionRow
	user    Identity
	asked   time.Time // when GoTo last said so
	notices []storedNotice
	added   []storedNotice  // by this request, since the last save
	taken   map[string]bool // by this request, since the last save
	dirty   bool
	ended   bool
}

// Session returns the request's session, loaded once a request: (nil, nil) when
// there is none, when it expired, or when the cookie is no ticket to one, and
// ErrStore when the store cannot be asked, which says nothing about the session
// and must leave the cookie alone.
func (a *Auth) Session(r *http.Request) (*Session, error) {
	g, err := a.rows.Get(r, a.cookieName(sessionCookie))
	if err != nil {
		return nil, err
	}
	s, ok := g.Values[sessionValue{}].(*Session)
	if !ok || s.isEnded() {
		return nil, nil
	}
	return s, nil
}

// Save writes notices when they changed, and otherwise last-seen, at most once
// a minute. It must come before the first byte of the body. The error is
// ErrStore, or ErrSessionEnded when the session was ended meanwhile.
func (a *Auth) Save(w http.ResponseWriter, r *http.Request, s *Session) error {
	g, err := a.rows.Get(r, a.cookieName(sessionCookie))
	if err != nil {
		return errNotLoaded
	}
	if g.Values[sessionValue{}] != s {
		return s.save(r.Context()) // loaded by another request
	}
	return g.Save(r, w)
}

// User returns who the session belongs to.
func (s *Session) User() Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user
}

// ID returns a handle that is no secret: the hash of the cookie's id. It opens
// nothing; it tells sessions apart in caches and logs.
func (s *Session) ID() string { return s.ticket.hash }

// FormToken returns what the forms of this session carry, so that only its own
// pages can submit them. It is derived from the cookie's secret, which it does
// not give away, and changes with every log-in. Each call masks it anew: of a
// compressed page's length nobody can learn it piece by piece.
func (s *Session) FormToken() string {
	mask := make([]byte, sha256.Size, 2*sha256.Size)
	_, _ = rand.Read(mask)
	return base64.RawURLEncoding.EncodeToString(append(mask, masked(s.formMAC(), mask)...))
}

// OwnsForm tells whether a form that carries token is this session's.
func (s *Session) OwnsForm(token string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != 2*sha256.Size || strings.ContainsAny(token, "\r\n") { // which decoding skips
		return false
	}
	return hmac.Equal(masked(b[sha256.Size:], b[:sha256.Size]), s.formMAC())
}

func (s *Session) formMAC() []byte {
	mac := hmac.New(sha256.New, s.ticket.secret[:])
	mac.Write([]byte("portal/form-token/v1/" + s.ticket.hash))
	return mac.Sum(nil)
}

// masked combines two texts of one length; twice with the same mask gives the
// first back.
func masked(text, mask []byte) []byte {
	out := make([]byte, len(text))
	subtle.XORBytes(out, text, mask)
	return out
}

// Notify adds a notice for the next page; Save keeps it. Of more than ten that
// nobody looked at, the oldest go.
func (s *Session) Notify(n Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := storedNotice{ID: randomText(6), Kind: n.Kind, Text: n.Text}
	s.notices = append(s.notices, stored)
	if over := len(s.notices) - maxNotices; over > 0 {
		s.take(s.notices[:over])
		s.notices = s.notices[over:]
	}
	s.added = append(s.added, stored)
	s.dirty = true
}

// TakeNotices returns the notices, oldest first, and removes them; Save keeps
// that.
func (s *Session) TakeNotices() []Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.notices) == 0 {
		return nil
	}
	taken := make([]Notice, 0, len(s.notices))
	for _, n := range s.notices {
		taken = append(taken, Notice{Kind: n.Kind, Text: n.Text})
	}
	s.take(s.notices)
	s.notices, s.added, s.dirty = nil, nil, true
	return taken
}

// Writes returns a number that grows with each change the user makes at GoTo,
// in whichever session and on whichever replica. As part of the key of what is
// cached, beside ID, it keeps one from seeing a list older than one's own change.
func (s *Session) Writes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.row.Writes
}

// Wrote counts a change that the user has just made at GoTo. The error is
// ErrStore; then Writes still grows for this request, to what no count reaches.
func (s *Session) Wrote(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	writes, err := s.auth.cfg.Store.CountWrite(ctx, s.row.UserRef, s.row.IDHash)
	if err != nil {
		s.row.Writes += 1 << 32
		return fmt.Errorf("count a change: %w: %w", ErrStore, err)
	}
	s.row.Writes = max(writes, s.row.Writes+1)
	return nil
}

func (s *Session) take(notices []storedNotice) {
	if s.taken == nil {
		s.taken = map[string]bool{}
	}
	for _, n := range notices {
		s.taken[n.ID] = true
	}
}

func (s *Session) isEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *Session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

// String returns a handle for logs, never the cookie.
func (s *Session) String() string { return "session " + s.ticket.hash[:8] }

// Format prints String whatever the verb.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue returns String.
func (s *Session) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns String; JSON goes through it too.
func (s *Session) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
