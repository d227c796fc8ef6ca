package auth

import (
	"context"
	"fmt"
	"time"
)

// ConfirmRole asks GoTo again whether the user administers the account, unless
// it said so within the last while, and keeps the answer for the session. An
// answer that does not tell is none. The error is ErrUnavailable or one of
// AccessToken's; then the role stays as it was and decides nothing.
func (s *Session) ConfirmRole(ctx context.Context, within time.Duration) error {
	a, known := s.auth, s.User()
	s.mu.Lock()
	fresh := a.cfg.Now().Sub(s.asked) < within
	s.mu.Unlock()
	if fresh {
		return nil
	}
	token, _, err := s.AccessToken(ctx)
	if err != nil {
		return fmt.Errorf("ask for the user's role: %w", err)
	}
	at := a.cfg.Now()
	told, err := a.cfg.Identify(ctx, token)
	if err != nil {
		a.cfg.Log.WarnContext(ctx, "GoTo did not say what the user's role is", "session", s.ticket.hash[:8], "cause", err)
		return fmt.Errorf("ask for the user's role: %w", ErrUnavailable)
	}
	// Only the admin service knows roles; another answer stands in for it when
	// the user may not ask it, or when it fails.
	if told.Source != known.Source || told.UserKey != known.UserKey {
		return fmt.Errorf("ask for the user's role: GoTo does not tell: %w", ErrUnavailable)
	}
	s.mu.Lock()
	s.user.Admin = told.Admin && told.AccountKey == known.AccountKey
	s.user.Roles, s.asked, s.dirty = told.Roles, at, true
	s.mu.Unlock()
	if known.Admin && !told.Admin {
		a.cfg.Log.InfoContext(ctx, "the user is no account admin any more", "session", s.ticket.hash[:8], "user", known.UserKey)
	}
	return s.save(context.WithoutCancel(ctx))
}
