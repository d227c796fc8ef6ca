package auth

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// OwnSession is one of a user's browser sessions, as their list shows it.
type OwnSession struct {
	ID                string    // no secret, see Session.ID
	Browser           string    // "Firefox on Windows"; "" when it did not say
	Created, LastSeen time.Time // UTC; last seen is written once a minute
	Current           bool      // the one that asks
}

// Sessions returns the user's open sessions, the current one first, then by
// when they were seen last. The error is ErrStore.
func (a *Auth) Sessions(ctx context.Context, s *Session) ([]OwnSession, error) {
	rows, err := a.cfg.Store.UserSessions(ctx, s.ref())
	if err != nil {
		return nil, fmt.Errorf("list the sessions: %w: %w", ErrStore, err)
	}
	now := a.cfg.Now()
	var list []OwnSession
	for _, row := range rows {
		if !row.open(now) {
			continue
		}
		own := OwnSession{ID: row.IDHash, Browser: row.Browser, Created: row.Created, LastSeen: row.LastSeen, Current: row.IDHash == s.ID()}
		if own.Current {
			list = slices.Insert(list, 0, own)
		} else {
			list = append(list, own)
		}
	}
	return list, nil
}

// EndSession ends another of the user's sessions, at once on every replica; for
// the current one there is SignOut. False: it had ended already, or is not the
// user's. The error is ErrStore.
func (a *Auth) EndSession(ctx context.Context, s *Session, id string) (bool, error) {
	ended, err := a.cfg.Store.DeleteUserSession(ctx, s.ref(), id)
	if err != nil {
		return false, fmt.Errorf("end a session: %w: %w", ErrStore, err)
	}
	return ended, nil
}

// EndSessions ends all of the user's sessions, the current one too. Nothing is
// revoked at GoTo. The error is ErrStore.
func (a *Auth) EndSessions(w http.ResponseWriter, r *http.Request, s *Session) error {
	if err := a.cfg.Store.DeleteUserSessions(r.Context(), s.ref()); err != nil {
		return fmt.Errorf("end all sessions: %w: %w", ErrStore, err)
	}
	s.end()
	a.forget(w)
	return nil
}

// ref names the session's owner.
func (s *Session) ref() string { return userRef(s.User(), s.ticket.hash) }
