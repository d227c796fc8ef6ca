package auth

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	refreshDeadline = time.Minute      // for one refresh, its save included
	earlyMargin     = 5 * time.Minute  // refresh behind the caller's back
	waitMargin      = 30 * time.Second // the caller waits for the refresh
	coolOff         = 10 * time.Second // between failed early refreshes of a session
)

// AccessToken returns a token to call GoTo with and when it was issued. With
// less than five minutes left it starts a refresh, with less than thirty
// seconds it waits for it. When the refresh fails for a passing reason, a token
// that is still valid is returned all the same. The error is ErrSessionEnded,
// ErrUnavailable, ErrClient, ErrNotConfigured, ErrStore, or the context's.
func (s *Session) AccessToken(ctx context.Context) (token string, issued time.Time, err error) {
	a := s.auth
	k, _, err := a.readTokens(ctx, s.ticket)
	if err != nil {
		return "", time.Time{}, s.noted(err)
	}
	early, wait := k.margins(s.ticket.hash)
	left := k.Expires.Sub(a.cfg.Now())
	switch {
	case left >= early, k.Refresh.IsZero() && left > 0:
		return k.Access.Reveal(), k.Issued, nil
	case left >= wait:
		a.refreshEarly(ctx, s.ticket, k.Access)
		return k.Access.Reveal(), k.Issued, nil
	}
	fresh, err := a.refresh(ctx, s.ticket, k.Access)
	switch {
	case err == nil:
		return fresh.Access.Reveal(), fresh.Issued, nil
	case left > 0 && !errors.Is(err, ErrSessionEnded) && ctx.Err() == nil:
		return k.Access.Reveal(), k.Issued, nil
	}
	return "", time.Time{}, s.noted(err)
}

// RenewToken returns a token other than the one GoTo refused: one that is
// stored already, or a fresh one. Errors are those of AccessToken.
func (s *Session) RenewToken(ctx context.Context, refused string) (token string, issued time.Time, err error) {
	k, err := s.auth.refresh(ctx, s.ticket, NewSecret(refused))
	if err != nil {
		return "", time.Time{}, s.noted(err)
	}
	return k.Access.Reveal(), k.Issued, nil
}

// noted remembers that the session is over.
func (s *Session) noted(err error) error {
	if errors.Is(err, ErrSessionEnded) {
		s.end()
	}
	return err
}

// margins returns how long before its end a token is refreshed, and how long
// before it the caller waits. They shrink with tokens that live shorter than
// GoTo's hour, which would otherwise be refreshed all the time, and differ by
// up to a tenth between sessions, which log in together at nine o'clock.
func (k tokens) margins(idHash string) (early, wait time.Duration) {
	life := k.Expires.Sub(k.Issued)
	early = min(earlyMargin, life/4)
	wait = min(waitMargin, life/10)
	jitter := time.Duration(idHash[0]^idHash[1]) % 21 // 0 to 20
	return early * (90 + jitter) / 100, wait
}

// begin counts work that Close waits for; false once Close was called.
func (a *Auth) begin() bool {
	a.closing.Lock()
	defer a.closing.Unlock()
	if a.closed {
		return false
	}
	a.work.Add(1)
	return true
}

// Close refuses new refreshes and waits for those under way, and for
// revocations, until ctx ends.
func (a *Auth) Close(ctx context.Context) error {
	a.closing.Lock()
	a.closed = true
	a.closing.Unlock()
	done := make(chan struct{})
	go func() {
		a.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for token refreshes: %w", ctx.Err())
	}
}

// refreshEarly refreshes while the caller goes on with the token it has.
func (a *Auth) refreshEarly(ctx context.Context, t ticket, stale Secret) {
	if a.isCooling(t.hash) {
		return
	}
	a.flight(ctx, t, stale)
}

// refresh returns tokens other than the stale ones. Of all callers in this
// process one asks GoTo; each waits no longer than its own context allows.
func (a *Auth) refresh(ctx context.Context, t ticket, stale Secret) (tokens, error) {
	var k tokens
	// The flight one joins may have been started for an older token and end
	// with the very token that is stale here; then another one is due.
	for range 2 {
		f := a.flight(ctx, t, stale)
		select {
		case <-ctx.Done():
			return tokens{}, fmt.Errorf("wait for a fresh token: %w", ctx.Err())
		case <-f.done:
		}
		if f.err != nil {
			return tokens{}, f.err
		}
		k = f.tokens
		if k.Access.Reveal() != stale.Reveal() {
			break
		}
	}
	return k, nil
}

// flight is a refresh under way.
type flight struct {
	done   chan struct{}
	tokens tokens // valid once done is closed
	err    error
}

// flight returns the session's refresh under way, starting one if there is
// none. It runs on a context of its own: a tab that is closed must not lose a
// token that GoTo has just handed out.
func (a *Auth) flight(ctx context.Context, t ticket, stale Secret) *flight {
	a.flying.Lock()
	defer a.flying.Unlock()
	if f := a.flights[t.hash]; f != nil {
		return f
	}
	f := &flight{done: make(chan struct{})}
	if !a.begin() {
		f.err = fmt.Errorf("the portal is stopping: %w", ErrUnavailable)
		close(f.done)
		return f
	}
	a.flights[t.hash] = f
	go func() {
		defer a.work.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshDeadline)
		defer cancel()
		f.tokens, f.err = a.refreshOnce(ctx, t, stale)
		a.cooled(t.hash, f.err)
		a.flying.Lock()
		delete(a.flights, t.hash)
		a.flying.Unlock()
		close(f.done)
	}()
	return f
}

func (a *Auth) refreshOnce(ctx context.Context, t ticket, stale Secret) (tokens, error) {
	old, version, err := a.readTokens(ctx, t)
	if err != nil {
		return tokens{}, err
	}
	if old.Access.Reveal() != stale.Reveal() && old.Expires.After(a.cfg.Now()) {
		return old, nil // somebody else was faster
	}
	if old.Refresh.IsZero() {
		return a.lost(ctx, t, version, stale)
	}
	client, err := a.client(ctx)
	if err != nil {
		return tokens{}, err
	}
	r, err := a.redeem(ctx, client, old.Refresh)
	switch {
	case errors.Is(err, ErrRefused):
		return a.lost(ctx, t, version, stale)
	case err != nil:
		a.cfg.Log.WarnContext(ctx, "token refresh failed", "session", t.hash[:8], "cause", err)
		return tokens{}, fmt.Errorf("refresh the token: %w", err)
	}
	return a.keep(ctx, t, r.tokens, version, stale)
}

// keep stores fresh tokens before anybody uses them. They may be the only copy
// of a token that replaced a spent one, so this write is tried for as long as
// the refresh may take.
func (a *Auth) keep(ctx context.Context, t ticket, fresh tokens, version int64, stale Secret) (tokens, error) {
	row, err := a.sealTokens(t, fresh, version+1)
	if err != nil {
		return tokens{}, err
	}
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		ok, err := a.cfg.Store.SwapTokens(ctx, t.hash, row, version)
		if ok {
			return fresh, nil
		}
		if err == nil {
			return a.overtaken(ctx, t, fresh, stale)
		}
		select {
		case <-ctx.Done():
			a.cfg.Log.ErrorContext(ctx, "a refreshed token could not be stored", "session", t.hash[:8], "cause", err)
			return tokens{}, fmt.Errorf("store the token: %w: %w", ErrStore, err)
		case <-time.After(pause):
		}
	}
}

// overtaken is reached when the token column moved during a refresh. Either
// the write before this try did it and only its acknowledgement was lost, or
// another process refreshed, or the session is gone; then the fresh tokens
// must not outlive it.
func (a *Auth) overtaken(ctx context.Context, t ticket, fresh tokens, stale Secret) (tokens, error) {
	stored, _, err := a.readTokens(ctx, t)
	switch {
	case errors.Is(err, ErrSessionEnded):
		a.revokeLater(ctx, fresh)
		return tokens{}, err
	case err != nil:
		return tokens{}, err
	case stored.Access.Reveal() == stale.Reveal():
		return tokens{}, fmt.Errorf("refresh the token: it was written elsewhere: %w", ErrUnavailable)
	}
	return stored, nil
}

// lost is reached when GoTo refuses the refresh token. Only if nobody renewed
// it meanwhile is the session over; the row goes, since nothing in it is of use.
func (a *Auth) lost(ctx context.Context, t ticket, version int64, stale Secret) (tokens, error) {
	ended, err := a.cfg.Store.EndSession(ctx, t.hash, version)
	if err != nil {
		return tokens{}, fmt.Errorf("end the session: %w: %w", ErrStore, err)
	}
	if ended {
		a.cfg.Log.InfoContext(ctx, "GoTo refused the refresh token, the session has ended", "session", t.hash[:8])
		return tokens{}, ErrSessionEnded
	}
	stored, _, err := a.readTokens(ctx, t)
	if err != nil {
		return tokens{}, err
	}
	if stored.Access.Reveal() == stale.Reveal() {
		return tokens{}, fmt.Errorf("refresh the token: %w", ErrUnavailable)
	}
	return stored, nil
}

// maxCooling bounds the memory of failed refreshes.
const maxCooling = 10_000

func (a *Auth) isCooling(idHash string) bool {
	a.cooling.Lock()
	defer a.cooling.Unlock()
	return a.cfg.Now().Before(a.cool[idHash])
}

// cooled notes how a refresh ended, so that a token endpoint that is down is
// not asked again by every request whose token is still valid.
func (a *Auth) cooled(idHash string, err error) {
	a.cooling.Lock()
	defer a.cooling.Unlock()
	if err == nil || errors.Is(err, ErrSessionEnded) {
		delete(a.cool, idHash)
		return
	}
	if len(a.cool) >= maxCooling {
		clear(a.cool)
	}
	a.cool[idHash] = a.cfg.Now().Add(coolOff)
}
