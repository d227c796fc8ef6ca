package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	refreshDeadline = time.Minute      // for the calls of one refresh; its save has as long again
	redeemDeadline  = 40 * time.Second // for one of them: the token endpoint may take twenty seconds
	unknownPause    = 2 * time.Second  // before a call whose outcome is unknown is repeated

	leaseTime  = 15 * time.Second       // after which a holder that is silent is replaced
	leaseBeat  = 5 * time.Second        // in which one that lives says so
	leaseLook  = 200 * time.Millisecond // between looks at a lease that somebody else has
	leaseGrace = 10 * time.Second       // for a holder that was replaced to save what it got
	dropTime   = 2 * time.Second        // for giving a lease up, which happens by itself too
)

// What became of a refresh, for Config.Observe.
const (
	wasRefreshed   = "refreshed"
	wasPeer        = "peer"
	wasEnded       = "ended"
	wasRefused     = "refused"
	wasUnknown     = "unknown"
	wasUnavailable = "unavailable"
	wasClient      = "client"
	wasStore       = "store"
)

// outcome names what an error means for a refresh.
func outcome(err error) string {
	switch {
	case errors.Is(err, ErrStore):
		return wasStore
	case errors.Is(err, ErrSessionEnded):
		return wasEnded
	case errors.Is(err, ErrClient), errors.Is(err, ErrNotConfigured):
		return wasClient
	case errors.Is(err, errUnknown):
		return wasUnknown
	}
	return wasUnavailable
}

// renewed returns tokens other than the stale ones: those that another process
// has stored meanwhile, or fresh ones. Of all processes on one store the one
// that has the grant's lease asks GoTo. Without the store there is no lease,
// and without a lease no refresh: two could spend the same token.
func (a *Auth) renewed(ctx context.Context, g grant, stale Secret) (tokens, string, error) {
	waiting, cancel := context.WithTimeout(ctx, refreshDeadline)
	defer cancel()
	sure, notBefore := false, time.Time{} // then the lease is left to the holder that was replaced
	for {
		k, _, err := a.readTokens(waiting, g)
		if err != nil {
			return tokens{}, outcome(err), err
		}
		if a.usable(k, stale) {
			return k, wasPeer, nil
		}
		if !time.Now().Before(notBefore) {
			l, ok, err := a.cfg.Store.TakeLease(waiting, g.Grant, a.holder, leaseTime)
			if err != nil {
				return tokens{}, wasStore, fmt.Errorf("refresh the token: %w: %w", ErrStore, err)
			}
			if ok {
				k, what, err := a.underLease(ctx, g, l, stale, sure || l.Fence == 1)
				if !errors.Is(err, errStepBack) {
					return k, what, err
				}
				sure, notBefore = true, time.Now().Add(leaseGrace)
			}
		}
		select {
		case <-waiting.Done():
			return tokens{}, wasUnavailable, fmt.Errorf("refresh the token: another process has not finished: %w", ErrUnavailable)
		case <-time.After(leaseLook/2 + rand.N(leaseLook)): // #nosec G404 -- a pause is no secret
		}
	}
}

// usable tells whether somebody else was faster.
func (a *Auth) usable(k tokens, stale Secret) bool {
	return k.Access.Reveal() != stale.Reveal() && k.Expires.After(a.cfg.Now())
}

// errStepBack: GoTo refused the token, but a holder before this one did not
// finish, and what it got may still come.
var errStepBack = errors.New("the holder before may have the fresh token")

// underLease refreshes with the grant's lease in hand. Not sure, it does not
// take a refusal for the end.
func (a *Auth) underLease(ctx context.Context, g grant, l Lease, stale Secret, sure bool) (tokens, string, error) {
	stop, release := a.hold(ctx, l), a.drop
	defer func() { stop(); release(ctx, l) }()
	// Again: the holder before may have finished a moment ago.
	old, version, err := a.readTokens(ctx, g)
	if err != nil {
		return tokens{}, outcome(err), err
	}
	if a.usable(old, stale) {
		return old, wasPeer, nil
	}
	if old.Refresh.IsZero() {
		return a.lost(ctx, g, l, version)
	}
	client, err := a.client(ctx)
	if err != nil {
		return tokens{}, outcome(err), err
	}
	r, err := a.redeemSurely(ctx, g, client, old.Refresh)
	switch {
	case err == nil:
		return a.keep(ctx, g, l, r.tokens, version)
	case !errors.Is(err, ErrRefused):
		return tokens{}, outcome(err), fmt.Errorf("refresh the token: %w", err)
	case !sure:
		release = a.lapse
		return tokens{}, "", errStepBack
	}
	return a.lost(ctx, g, l, version)
}

// hold renews a lease until it is stopped. A holder that cannot renew it goes
// on: once it was replaced, the fence keeps it from writing.
func (a *Auth) hold(ctx context.Context, l Lease) (stop func()) {
	renewing, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		beat := time.NewTicker(leaseBeat)
		defer beat.Stop()
		for {
			select {
			case <-renewing.Done():
				return
			case <-beat.C:
			}
			if ok, err := a.cfg.Store.RenewLease(renewing, l, leaseTime); err == nil && !ok {
				return
			}
		}
	}()
	return func() {
		cancel()
		<-stopped
	}
}

// drop gives up a lease whose work is done, one way or the other.
func (a *Auth) drop(ctx context.Context, l Lease) {
	ctx, cancel := context.WithTimeout(ctx, dropTime)
	defer cancel()
	if err := a.cfg.Store.DropLease(ctx, l); err != nil {
		a.cfg.Log.WarnContext(ctx, "a lease was not given up, it lapses by itself", l.attr(), "cause", err)
	}
}

// lapse gives up a lease of which a holder before this one may still be in
// need: its fence stays, so that the next one knows that too.
func (a *Auth) lapse(ctx context.Context, l Lease) {
	ctx, cancel := context.WithTimeout(ctx, dropTime)
	defer cancel()
	if _, err := a.cfg.Store.RenewLease(ctx, l, 0); err != nil {
		a.cfg.Log.WarnContext(ctx, "a lease was not given up, it lapses by itself", l.attr(), "cause", err)
	}
}

// redeemSurely asks GoTo for fresh tokens, and once more with the same token
// when the answer got lost: if GoTo had spent the token, it says so then.
func (a *Auth) redeemSurely(ctx context.Context, g grant, c ClientCredentials, refresh Secret) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, refreshDeadline)
	defer cancel()
	r, err := a.redeem(ctx, c, refresh)
	if errors.Is(err, errUnknown) {
		a.cfg.Log.WarnContext(ctx, "the answer to a token refresh got lost, asking again", g.attr(), "cause", err)
		select {
		case <-ctx.Done():
			return reply{}, err
		case <-time.After(unknownPause):
		}
		r, err = a.redeem(ctx, c, refresh)
	}
	switch {
	case errors.Is(err, ErrClient):
		a.cfg.Log.ErrorContext(ctx, "GoTo refuses the OAuth client, tokens are not refreshed", g.attr(), "cause", err)
	case err != nil && !errors.Is(err, ErrRefused):
		a.cfg.Log.WarnContext(ctx, "token refresh failed", g.attr(), "cause", err)
	}
	return r, err
}

// keep stores fresh tokens before anybody uses them. They may be the only copy
// of a token that replaced a spent one, so this write is tried for longer than
// anything else. Should the lease have lapsed meanwhile, it is taken again:
// unless its next holder has stored tokens, these are still the ones to keep.
func (a *Auth) keep(ctx context.Context, g grant, l Lease, fresh tokens, version int64) (tokens, string, error) {
	row, err := a.sealTokens(g, fresh, version+1)
	if err != nil {
		return tokens{}, wasUnavailable, err
	}
	ctx, cancel := context.WithTimeout(ctx, refreshDeadline)
	defer cancel()
	held := l
	defer func() {
		if held != l {
			a.drop(context.WithoutCancel(ctx), held)
		}
	}()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		ok, err := a.cfg.Store.SwapTokens(ctx, held, row, version)
		if ok {
			return fresh, wasRefreshed, nil
		}
		if err == nil {
			stored, at, err := a.readTokens(ctx, g)
			switch {
			case errors.Is(err, ErrSessionEnded):
				a.revokeLater(ctx, fresh)
				return tokens{}, wasEnded, err
			case err == nil && at != version:
				// The write before this try, whose acknowledgement was lost, or
				// the next holder's.
				return stored, wasPeer, nil
			}
			if again, ok, err := a.cfg.Store.TakeLease(ctx, g.Grant, a.holder, leaseTime); err == nil && ok {
				held = again
				continue
			}
		}
		select {
		case <-ctx.Done():
			a.cfg.Log.ErrorContext(ctx, "a refreshed token could not be stored", g.attr(), "cause", err)
			return tokens{}, wasStore, fmt.Errorf("store the token: %w: %w", ErrStore, cmp.Or(err, ctx.Err()))
		case <-time.After(pause):
		}
	}
}

// lost is reached when GoTo refuses the refresh token. Only if nobody renewed
// it meanwhile is the grant over.
func (a *Auth) lost(ctx context.Context, g grant, l Lease, version int64) (tokens, string, error) {
	ended, err := a.cfg.Store.EndGrant(ctx, l, version)
	if err != nil {
		return tokens{}, wasStore, fmt.Errorf("end the grant: %w: %w", ErrStore, err)
	}
	if ended {
		a.cfg.Log.InfoContext(ctx, "GoTo refused the refresh token, the grant is over", g.attr())
		return tokens{}, wasRefused, ErrSessionEnded
	}
	stored, at, err := a.readTokens(ctx, g)
	switch {
	case err != nil:
		return tokens{}, outcome(err), err
	case at == version:
		return tokens{}, wasUnavailable, fmt.Errorf("refresh the token: another process took over: %w", ErrUnavailable)
	}
	return stored, wasPeer, nil
}
