package auth

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	earlyMargin = 5 * time.Minute  // refresh behind the caller's back
	waitMargin  = 30 * time.Second // the caller waits for the refresh
	waitTime    = 2 * time.Second  // for that, while the token at hand outlives it
	coolOff     = 10 * time.Second // between failed early refreshes of a session
)

// bearer hands out the access token of a grant, and sees to it that it is good.
type bearer struct {
	auth  *Auth
	grant grant
}

// AccessToken returns a token to call GoTo with and when it was issued. With
// less than five minutes left it starts a refresh, with less than thirty
// seconds it waits for it. When the refresh fails for a passing reason or takes
// long, a token that is still valid is returned all the same. The error is ErrSessionEnded,
// ErrUnavailable, ErrClient, ErrNotConfigured, ErrStore, or the context's.
func (b bearer) AccessToken(ctx context.Context) (token string, issued time.Time, err error) {
	a, g := b.auth, b.grant
	k, _, err := a.readTokens(ctx, g)
	if err != nil {
		return "", time.Time{}, err
	}
	early, wait := k.margins(g.IDHash)
	left := k.Expires.Sub(a.cfg.Now())
	switch {
	case left >= early, k.Refresh.IsZero() && left > 0:
		return k.Access.Reveal(), k.Issued, nil
	case left >= wait:
		a.refreshEarly(ctx, g, k.Access)
		return k.Access.Reveal(), k.Issued, nil
	}
	waiting := ctx
	if left > waitTime {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, waitTime)
		defer cancel()
	}
	fresh, err := a.refresh(waiting, g, k.Access)
	switch {
	case err == nil:
		return fresh.Access.Reveal(), fresh.Issued, nil
	case left > 0 && !errors.Is(err, ErrSessionEnded) && ctx.Err() == nil:
		return k.Access.Reveal(), k.Issued, nil
	}
	return "", time.Time{}, err
}

// RenewToken returns a token other than the one GoTo refused: one that is
// stored already, or a fresh one. Errors are those of AccessToken.
func (b bearer) RenewToken(ctx context.Context, refused string) (token string, issued time.Time, err error) {
	k, err := b.auth.refresh(ctx, b.grant, NewSecret(refused))
	if err != nil {
		return "", time.Time{}, err
	}
	return k.Access.Reveal(), k.Issued, nil
}

// LendToken returns an access token and when it lapses, for what is done for
// the user after the request. The refresh token is never lent. Errors are those
// of AccessToken.
func (b bearer) LendToken(ctx context.Context) (token string, lapses time.Time, err error) {
	if _, _, err := b.AccessToken(ctx); err != nil { // refreshed, when that is due
		return "", time.Time{}, err
	}
	k, _, err := b.auth.readTokens(ctx, b.grant)
	if err != nil {
		return "", time.Time{}, err
	}
	return k.Access.Reveal(), k.Expires, nil
}

func (s *Session) bearer() bearer { return bearer{s.auth, s.ticket.grant()} }

// AccessToken returns a token to call GoTo with and when it was issued. Errors
// are ErrSessionEnded, ErrUnavailable, ErrClient, ErrNotConfigured, ErrStore, or
// the context's.
func (s *Session) AccessToken(ctx context.Context) (token string, issued time.Time, err error) {
	token, issued, err = s.bearer().AccessToken(ctx)
	return token, issued, s.noted(err)
}

// RenewToken returns a token other than the one GoTo refused. Errors are those
// of AccessToken.
func (s *Session) RenewToken(ctx context.Context, refused string) (token string, issued time.Time, err error) {
	token, issued, err = s.bearer().RenewToken(ctx, refused)
	return token, issued, s.noted(err)
}

// LendToken returns an access token and when it lapses, for what is done for
// the user after the request. Errors are those of AccessToken.
func (s *Session) LendToken(ctx context.Context) (token string, lapses time.Time, err error) {
	token, lapses, err = s.bearer().LendToken(ctx)
	return token, lapses, s.noted(err)
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
// up to a tenth between grants, which come about together at nine o'clock.
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
func (a *Auth) refreshEarly(ctx context.Context, g grant, stale Secret) {
	if a.isCooling(g.IDHash) {
		return
	}
	a.flight(ctx, g, stale)
}

// refresh returns tokens other than the stale ones. Of all callers in this
// process one asks GoTo; each waits no longer than its own context allows.
func (a *Auth) refresh(ctx context.Context, g grant, stale Secret) (tokens, error) {
	var k tokens
	// The flight one joins may have been started for an older token and end
	// with the very token that is stale here; then another one is due.
	for range 2 {
		f := a.flight(ctx, g, stale)
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

// flight returns the grant's refresh under way, starting one if there is
// none. It runs on a context of its own: a tab that is closed must not lose a
// token that GoTo has just handed out.
func (a *Auth) flight(ctx context.Context, g grant, stale Secret) *flight {
	a.flying.Lock()
	defer a.flying.Unlock()
	if f := a.flights[g.IDHash]; f != nil {
		return f
	}
	f := &flight{done: make(chan struct{})}
	if !a.begin() {
		f.err = fmt.Errorf("the portal is stopping: %w", ErrUnavailable)
		close(f.done)
		return f
	}
	a.flights[g.IDHash] = f
	go func() {
		defer a.work.Done()
		began, outcome := time.Now(), ""
		f.tokens, outcome, f.err = a.renewed(context.WithoutCancel(ctx), g, stale)
		a.cfg.Observe(outcome, time.Since(began))
		a.cooled(g.IDHash, f.err)
		a.flying.Lock()
		delete(a.flights, g.IDHash)
		a.flying.Unlock()
		close(f.done)
	}()
	return f
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
