package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

const (
	flowCookie   = "connect-" // and the beginning of the state's hash
	flowTable    = "flows"
	flowLifetime = 10 * time.Minute
	maxFlows     = 5 // per browser
	textSize     = 43
)

// flowBlob is what a flow keeps sealed: nobody but the browser that holds the
// flow's cookie can make the portal open it.
type flowBlob struct {
	Schema   int    `json:"schema"`
	Verifier string `json:"verifier"`
	Return   string `json:"return"`
	FeedOf   string `json:"feed_of,omitempty"` // whose feed the grant is for; "" for a session
}

// Connect starts a flow and returns GoTo's address to send the browser to.
// Each flow has a state, a PKCE verifier and a cookie of its own, so that tabs
// do not disturb each other; of more than five in one browser the oldest is
// dropped. The caller sees to it that the user asked for it. The error is
// ErrNotConfigured or ErrStore.
func (a *Auth) Connect(w http.ResponseWriter, r *http.Request, returnTo string) (location string, err error) {
	return a.startFlow(w, r, flowBlob{Schema: blobSchema, Return: SafeReturn(returnTo)})
}

// startFlow starts a flow, and gives it its verifier.
func (a *Auth) startFlow(w http.ResponseWriter, r *http.Request, flow flowBlob) (location string, err error) {
	ctx := r.Context()
	client, err := a.client(ctx)
	if err != nil {
		return "", err
	}
	if err := a.dropOldFlows(ctx, w, r); err != nil {
		return "", err
	}
	state, browser := randomText(32), randomText(32)
	flow.Verifier = oauth2.GenerateVerifier()
	plain, err := json.Marshal(flow)
	if err != nil {
		return "", fmt.Errorf("start to connect: %w", err)
	}
	row := FlowRow{StateHash: hash([]byte(state)), BrowserHash: hash([]byte(browser)), Expires: a.cfg.Now().Add(flowLifetime)}
	row.KeyID, row.Sealed, err = a.sealer.seal(place{flowTable, "sealed", row.StateHash}, []byte(browser), plain)
	if err != nil {
		return "", fmt.Errorf("start to connect: %w", err)
	}
	if err := a.cfg.Store.AddFlow(ctx, row); err != nil {
		return "", fmt.Errorf("start to connect: %w: %w", ErrStore, err)
	}
	a.setCookie(w, flowCookieName(row.StateHash), NewSecret(browser), flowLifetime)
	return a.oauthConfig(client).AuthCodeURL(state, oauth2.S256ChallengeOption(flow.Verifier)), nil
}

func flowCookieName(stateHash string) string { return flowCookie + stateHash[:8] }

// dropOldFlows makes room for one more flow. Browsers send older cookies first.
func (a *Auth) dropOldFlows(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	prefix := a.cookieName(flowCookie)
	var open []*http.Cookie
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, prefix) {
			open = append(open, c)
		}
	}
	over := len(open) - maxFlows + 1
	if over <= 0 {
		return nil
	}
	hashes := make([]string, 0, over)
	for _, c := range open[:over] {
		hashes = append(hashes, hash([]byte(c.Value)))
		a.setCookie(w, flowCookie+strings.TrimPrefix(c.Name, prefix), Secret{}, 0)
	}
	if err := a.cfg.Store.DropFlows(ctx, hashes); err != nil {
		return fmt.Errorf("start to connect: %w: %w", ErrStore, err)
	}
	return nil
}

// Callback finishes a flow: it takes the flow, which works once, exchanges the
// code, asks who the user is and whether the account is admitted, and makes a
// new session in place of the one the browser had. A flow that ConnectFeed
// started makes or renews the user's feed instead, and leaves the session alone.
// The error is ErrState, ErrDenied, ErrRefused, ErrClient, ErrUnavailable,
// ErrNotAdmitted, ErrOtherUser, ErrNotConfigured or ErrStore; with ErrDenied and everything after it the
// flow is spent and the way on is to connect again.
func (a *Auth) Callback(w http.ResponseWriter, r *http.Request) (Result, error) {
	ctx := r.Context()
	query := r.URL.Query()
	flow, err := a.takeFlow(ctx, w, r, query["state"])
	if err != nil {
		return Result{}, err
	}
	result := Result{ReturnTo: SafeReturn(flow.Return), ForFeed: flow.FeedOf != ""}
	if query.Has("error") {
		return result, authorizeError(query.Get("error"))
	}
	code := query["code"]
	if len(code) != 1 || code[0] == "" {
		return result, ErrState
	}
	client, err := a.client(ctx)
	if err != nil {
		return result, err
	}
	reply, err := a.exchange(ctx, client, code[0], flow.Verifier)
	if err != nil {
		a.cfg.Log.WarnContext(ctx, "connecting failed at the token endpoint", "cause", err)
		return result, fmt.Errorf("connect: %w", err)
	}
	user, err := a.whoIs(ctx, reply)
	if err == nil {
		err = a.admit(ctx, user)
	}
	if err != nil {
		a.revokeLater(ctx, reply.tokens)
		return result, err
	}
	result.User = user
	if result.ForFeed {
		result.FeedAddress, err = a.keepFeed(ctx, r, flow.FeedOf, user, reply.tokens)
	} else {
		result.Session, err = a.logIn(w, r, user, reply.tokens)
	}
	if err != nil {
		a.revokeLater(ctx, reply.tokens)
		return result, err
	}
	return result, nil
}

// authorizeError reads the error parameter of a callback. Its text goes
// nowhere.
func authorizeError(code string) error {
	switch code {
	case "access_denied":
		return ErrDenied
	case "server_error", "temporarily_unavailable":
		return fmt.Errorf("connect: GoTo could not ask the user: %w", ErrUnavailable)
	}
	return fmt.Errorf("connect: GoTo refused to ask the user: %w", ErrClient)
}

// takeFlow finds the one flow that this callback can finish and spends it.
// What is wrong with a callback that finishes none is not told apart.
func (a *Auth) takeFlow(ctx context.Context, w http.ResponseWriter, r *http.Request, states []string) (flowBlob, error) {
	if len(states) != 1 || len(states[0]) != textSize {
		return flowBlob{}, ErrState
	}
	stateHash := hash([]byte(states[0]))
	cookie, err := r.Cookie(a.cookieName(flowCookieName(stateHash)))
	if err != nil || len(cookie.Value) != textSize {
		return flowBlob{}, ErrState
	}
	row, found, err := a.cfg.Store.TakeFlow(ctx, stateHash, hash([]byte(cookie.Value)), a.cfg.Now())
	if err != nil {
		return flowBlob{}, fmt.Errorf("connect: %w: %w", ErrStore, err)
	}
	a.setCookie(w, flowCookieName(stateHash), Secret{}, 0)
	if !found {
		return flowBlob{}, ErrState
	}
	plain, err := a.sealer.open(place{flowTable, "sealed", stateHash}, []byte(cookie.Value), row.KeyID, row.Sealed)
	if err != nil {
		return flowBlob{}, ErrState
	}
	var flow flowBlob
	if err := json.Unmarshal(plain, &flow); err != nil || flow.Schema != blobSchema {
		return flowBlob{}, ErrState
	}
	return flow, nil
}

// logIn makes the new session. The old one, if the browser's cookie opens it,
// goes in the same transaction.
func (a *Auth) logIn(w http.ResponseWriter, r *http.Request, user Identity, k tokens) (*Session, error) {
	g, err := a.rows.Get(r, a.cookieName(sessionCookie))
	if err != nil {
		return nil, err
	}
	s := &Session{auth: a, ticket: newTicket(), user: user, asked: a.cfg.Now(), initial: k, browser: browserName(r.UserAgent())}
	if old, ok := g.Values[sessionValue{}].(*Session); ok {
		s.replaces = old.ticket.hash
		old.end()
	}
	g.Values[sessionValue{}], g.IsNew, g.ID = s, true, ""
	if err := g.Save(r, w); err != nil {
		delete(g.Values, sessionValue{})
		return nil, err
	}
	s.initial = tokens{}
	a.cfg.Log.InfoContext(r.Context(), "connected", "session", s.ticket.hash[:8], "account", user.AccountKey,
		"user", user.UserKey, "admin", user.Admin, "source", user.Source)
	return s, nil
}

// whoIs asks who the token belongs to and completes the answer with what came
// along with the token.
func (a *Auth) whoIs(ctx context.Context, r reply) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	user, err := a.cfg.Identify(ctx, r.Access.Reveal())
	if err != nil {
		a.cfg.Log.WarnContext(ctx, "GoTo did not say who the user is", "cause", err)
		if !user.MissingIdentityScope && (r.user.UserKey == "" || r.user.AccountKey == "") {
			return Identity{}, fmt.Errorf("connect: ask who the user is: %w", ErrUnavailable)
		}
	}
	return merge(user, r), nil
}

// merge fills what asked left empty from the token reply.
func merge(asked Identity, r reply) Identity {
	u, t := asked, r.user
	if u.UserKey == "" {
		u.Source = t.Source
	}
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&u.UserKey, t.UserKey}, {&u.AccountKey, t.AccountKey}, {&u.Email, t.Email},
		{&u.FirstName, t.FirstName}, {&u.LastName, t.LastName},
	} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
	if len(u.Scopes) == 0 {
		u.Scopes = t.Scopes
	}
	// The admin service answers nobody who lacks the scope, so its answer
	// outweighs the list.
	if r.scoped && u.Source != "admin" {
		u.MissingIdentityScope = u.MissingIdentityScope || !slices.Contains(u.Scopes, identityScope)
	}
	return u
}
