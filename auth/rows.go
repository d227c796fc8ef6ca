package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/sessions"
)

const (
	identityColumn = "identity"
	blobSchema     = 1

	maxSessions = 50 // a user; one more ends the one longest unseen
)

// sessionValue is the one key under which a gorilla session holds our
// *Session; nothing outside this package can name it.
type sessionValue struct{}

// loadFailed marks a gorilla session whose row could not be read.
type loadFailed struct{}

// errNotLoaded: the row could not be read, so nothing may be written over it.
var errNotLoaded = errors.New("the session was not loaded, so it is not saved")

// rowStore is a gorilla sessions.Store: the cookie is a ticket, everything else
// is a row of Store. It is strict: an id without a row stays without one, and a
// session comes into being at log-in alone, under a new id.
type rowStore struct{ auth *Auth }

var _ sessions.Store = (*rowStore)(nil)

// Get returns the request's session, loaded once.
func (st *rowStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(st, name)
}

// New loads the session that the request's cookie names. Without a row that
// the cookie opens, the session is new and empty. The error is ErrStore.
func (st *rowStore) New(r *http.Request, name string) (*sessions.Session, error) {
	g := sessions.NewSession(st, name)
	g.IsNew = true
	g.Options = &sessions.Options{Path: "/", HttpOnly: true, Secure: st.auth.secure(), SameSite: http.SameSiteLaxMode}
	c, err := r.Cookie(name)
	if err != nil {
		return g, nil
	}
	t, ok := parseTicket(c.Value)
	if !ok {
		return g, nil
	}
	s, err := st.auth.load(r.Context(), t)
	if err != nil {
		g.Values[loadFailed{}] = true
		return g, err
	}
	if s == nil {
		return g, nil
	}
	g.ID, g.IsNew = t.hash, false
	g.Values[sessionValue{}] = s
	return g, nil
}

// Save writes the identity column, and for a session that Callback made the
// whole row and the cookie. It never touches the token column of a row that
// exists, so however late it comes it cannot bring back a spent token.
func (st *rowStore) Save(r *http.Request, w http.ResponseWriter, g *sessions.Session) error {
	if g.Values[loadFailed{}] != nil {
		return errNotLoaded
	}
	s, ok := g.Values[sessionValue{}].(*Session)
	if !ok {
		return errors.New("save a session that nobody logged in to")
	}
	if !g.IsNew {
		return s.save(r.Context())
	}
	if err := s.create(r.Context()); err != nil {
		return err
	}
	g.ID, g.IsNew = s.ticket.hash, false
	st.auth.setCookie(w, sessionCookie, s.ticket.cookie, st.auth.cfg.Max)
	return nil
}

// blob is the sealed identity column.
type blob struct {
	Schema  int            `json:"schema"`
	User    Identity       `json:"user"`
	Asked   time.Time      `json:"asked"` // when GoTo said who the user is
	Notices []storedNotice `json:"notices,omitempty"`
}

// storedNotice is a Notice with an id, so that two tabs that change the list
// at once can be reconciled.
type storedNotice struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// load reads a session; nil when there is none, when it has expired, or when
// the ticket does not open it.
func (a *Auth) load(ctx context.Context, t ticket) (*Session, error) {
	row, found, err := a.cfg.Store.Session(ctx, t.hash)
	if err != nil {
		return nil, fmt.Errorf("load the session: %w: %w", ErrStore, err)
	}
	now := a.cfg.Now()
	if !found || !row.open(now) {
		return nil, nil
	}
	b, err := a.openBlob(t, row)
	if err != nil {
		// A forged secret, a row moved or changed, or a key that was
		// dropped: whoever it is, this cookie is no way in.
		a.cfg.Log.WarnContext(ctx, "a session cookie does not open its row", "session", t.hash[:8], "key_id", row.KeyID)
		return nil, nil
	}
	return &Session{auth: a, ticket: t, row: row, user: b.User, asked: b.Asked, notices: b.Notices}, nil
}

// open tells whether neither deadline has passed.
func (row SessionRow) open(now time.Time) bool {
	return now.Before(row.IdleDeadline) && now.Before(row.AbsoluteDeadline)
}

func (a *Auth) openBlob(t ticket, row SessionRow) (blob, error) {
	plain, err := a.sealer.open(place{sessionTable, identityColumn, t.hash}, t.secret[:], row.KeyID, row.Sealed)
	if err != nil {
		return blob{}, err
	}
	var b blob
	if err := json.Unmarshal(plain, &b); err != nil || b.Schema != blobSchema {
		return blob{}, fmt.Errorf("identity column of schema %d", b.Schema)
	}
	return b, nil
}

// fill seals identity and notices into row and moves its deadlines.
func (s *Session) fill(row *SessionRow) error {
	plain, err := json.Marshal(blob{Schema: blobSchema, User: s.user, Asked: s.asked, Notices: s.notices})
	if err != nil {
		return fmt.Errorf("write the session: %w", err)
	}
	row.KeyID, row.Sealed, err = s.auth.sealer.seal(place{sessionTable, identityColumn, s.ticket.hash}, s.ticket.secret[:], plain)
	if err != nil {
		return fmt.Errorf("write the session: %w", err)
	}
	s.seen(row, s.auth.cfg.Now())
	return nil
}

// seen moves last-seen and the idle deadline, the latter never past the
// absolute one.
func (s *Session) seen(row *SessionRow, now time.Time) {
	row.LastSeen = now
	row.IdleDeadline = now.Add(s.auth.cfg.Idle)
	if row.IdleDeadline.After(row.AbsoluteDeadline) {
		row.IdleDeadline = row.AbsoluteDeadline
	}
}

// create inserts the row of a session that Callback made, in place of the one
// that the browser had.
func (s *Session) create(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.auth.cfg.Now()
	row := SessionRow{
		IDHash: s.ticket.hash, UserRef: userRef(s.user, s.ticket.hash), Version: 1,
		Created: now, AbsoluteDeadline: now.Add(s.auth.cfg.Max),
		Browser: s.browser,
	}
	if err := s.fill(&row); err != nil {
		return err
	}
	tokens, err := s.auth.sealTokens(s.ticket.grant(), s.initial, 1)
	if err != nil {
		return err
	}
	if err := s.auth.cfg.Store.CreateSession(ctx, row, tokens, s.replaces, maxSessions-1); err != nil {
		return fmt.Errorf("create the session: %w: %w", ErrStore, err)
	}
	s.row, s.dirty, s.added, s.taken = row, false, nil, nil
	return nil
}

// save writes what changed. A writer that was faster is not overwritten: its
// notices are read and ours added to them.
func (s *Session) save(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return ErrSessionEnded
	}
	if !s.dirty {
		if s.auth.cfg.Now().Sub(s.row.LastSeen) < time.Minute {
			return nil
		}
		// What an older key sealed is written anew, so that the key can go.
		if s.row.KeyID == s.auth.cfg.Keys[0].id {
			return s.touch(ctx)
		}
	}
	for range 8 {
		row := s.row
		row.Version++
		if err := s.fill(&row); err != nil {
			return err
		}
		ok, err := s.auth.cfg.Store.SaveSession(ctx, row, s.row.Version)
		if err != nil {
			return fmt.Errorf("save the session: %w: %w", ErrStore, err)
		}
		if ok {
			s.row, s.dirty, s.added, s.taken = row, false, nil, nil
			return nil
		}
		differs, err := s.reload(ctx)
		if err != nil {
			return err
		}
		if !differs { // whoever was faster wrote the same
			s.dirty, s.added, s.taken = false, nil, nil
			return nil
		}
	}
	return errors.New("save the session: others keep writing it")
}

// touch moves last-seen.
func (s *Session) touch(ctx context.Context) error {
	row := s.row
	s.seen(&row, s.auth.cfg.Now())
	if err := s.auth.cfg.Store.TouchSession(ctx, row.IDHash, row.LastSeen, row.IdleDeadline); err != nil {
		return fmt.Errorf("save the session: %w: %w", ErrStore, err)
	}
	s.row = row
	return nil
}

// reload reads the row again, makes this request's changes to it, and tells
// whether there is anything left to write.
func (s *Session) reload(ctx context.Context) (differs bool, err error) {
	row, found, err := s.auth.cfg.Store.Session(ctx, s.ticket.hash)
	if err != nil {
		return false, fmt.Errorf("save the session: %w: %w", ErrStore, err)
	}
	if !found {
		s.ended = true
		return false, ErrSessionEnded
	}
	b, err := s.auth.openBlob(s.ticket, row)
	if err != nil {
		return false, fmt.Errorf("save the session: %w", err)
	}
	s.row = row
	newer := s.asked.After(b.Asked)
	if !newer {
		s.user, s.asked = b.User, b.Asked
	}
	s.notices = s.notices[:0:0]
	for _, n := range b.Notices {
		if !s.taken[n.ID] {
			s.notices = append(s.notices, n)
		}
	}
	for _, n := range s.added {
		if !s.taken[n.ID] {
			s.notices = append(s.notices, n)
		}
	}
	return newer || !slices.Equal(s.notices, b.Notices) || row.KeyID != s.auth.cfg.Keys[0].id, nil
}

// userRef names the owner of a session among all accounts. A user whom GoTo
// does not name (admitted under "*" alone) owns this one session.
func userRef(u Identity, idHash string) string {
	switch {
	case u.UserKey != "":
		return u.AccountKey + "/" + u.UserKey
	case u.Email != "":
		return "email/" + hash([]byte(u.Email))
	}
	return "session/" + idHash
}
