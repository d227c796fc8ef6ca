package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// revokeDeadline bounds how long GoTo is asked to forget tokens.
const revokeDeadline = 3 * time.Second

// SignOut deletes this browser's session and takes its cookie away; nothing is
// revoked at GoTo. The row goes first: if that fails the error is ErrStore and
// the browser stays signed in. A nil session only loses its cookie.
func (a *Auth) SignOut(w http.ResponseWriter, r *http.Request, s *Session) error {
	if s != nil {
		if err := a.cfg.Store.DeleteSession(r.Context(), s.ticket.hash); err != nil {
			return fmt.Errorf("sign out: %w: %w", ErrStore, err)
		}
		s.end()
	}
	a.forget(w)
	return nil
}

// Disconnect deletes all sessions of the user and the feed, and asks GoTo, in
// the background and once, to revoke this session's tokens and the feed's.
// Tokens of the other sessions cannot be opened without their cookies, and
// lapse.
func (a *Auth) Disconnect(w http.ResponseWriter, r *http.Request, s *Session) error {
	ctx := r.Context()
	k, _, err := a.readTokens(ctx, s.ticket.grant())
	if err != nil && !errors.Is(err, ErrSessionEnded) {
		return err
	}
	feed, had, err := a.cfg.Store.DeleteUser(ctx, s.ref())
	if err != nil {
		return fmt.Errorf("disconnect: %w: %w", ErrStore, err)
	}
	s.end()
	a.forget(w)
	a.revokeLater(ctx, k)
	if had {
		a.revokeFeed(ctx, feed)
	}
	return nil
}

// forget makes the browser drop the session cookie and what it keeps of us.
func (a *Auth) forget(w http.ResponseWriter) {
	a.setCookie(w, sessionCookie, Secret{}, 0)
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// revokeLater asks GoTo to revoke tokens, detached from the request. The
// refresh token goes first, since it lives longest.
func (a *Auth) revokeLater(ctx context.Context, k tokens) {
	if a.cfg.RevokeURL == "" || k.Access.IsZero() && k.Refresh.IsZero() || !a.begin() {
		return
	}
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer a.work.Done()
		ctx, cancel := context.WithTimeout(ctx, revokeDeadline)
		defer cancel()
		client, err := a.client(ctx)
		if err == nil {
			err = errors.Join(
				a.revoke(ctx, client, "refresh_token", k.Refresh),
				a.revoke(ctx, client, "access_token", k.Access))
		}
		if err != nil {
			a.cfg.Log.WarnContext(ctx, "tokens were not revoked at GoTo, they lapse by themselves", "cause", err)
		}
	}()
}

// revoke follows RFC 7009; that GoTo does so too is assumed (reference 1.8).
func (a *Auth) revoke(ctx context.Context, c ClientCredentials, hint string, token Secret) error {
	if token.IsZero() {
		return nil
	}
	form := url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.cfg.RevokeURL, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("revoke: bad revocation URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret.Reveal()))
	resp, err := a.cfg.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("revoke %s: %s", hint, transportDetail(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("revoke %s: status %d", hint, resp.StatusCode)
	}
	return nil
}
