package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
)

// exchangeDeadline bounds the call that turns a code into tokens; the
// request's own deadline may be shorter.
const exchangeDeadline = 15 * time.Second

// lifetime is what an access token lives when GoTo does not say: GoTo's guide
// names 60 minutes.
const lifetime = time.Hour

// tokens is what the token column holds once opened.
type tokens struct {
	Access  Secret
	Refresh Secret // zero when GoTo gave none
	Issued  time.Time
	Expires time.Time
}

// tokensBlob is the sealed token column: the one place where tokens are text.
type tokensBlob struct {
	Schema  int       `json:"schema"`
	Access  string    `json:"access"`
	Refresh string    `json:"refresh,omitempty"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
}

func (a *Auth) sealTokens(g grant, k tokens, version int64) (TokensRow, error) {
	plain, err := json.Marshal(tokensBlob{
		Schema: blobSchema, Access: k.Access.Reveal(), Refresh: k.Refresh.Reveal(),
		Issued: k.Issued, Expires: k.Expires,
	})
	if err != nil {
		return TokensRow{}, fmt.Errorf("write the tokens: %w", err)
	}
	row := TokensRow{Version: version}
	row.KeyID, row.Sealed, err = a.sealer.seal(g.place(tokensColumn), g.salt, plain)
	if err != nil {
		return TokensRow{}, fmt.Errorf("write the tokens: %w", err)
	}
	return row, nil
}

// readTokens reads and opens the token column. A grant that is gone, or whose
// tokens do not open, is over.
func (a *Auth) readTokens(ctx context.Context, g grant) (tokens, int64, error) {
	row, found, err := a.cfg.Store.Tokens(ctx, g.Grant)
	if err != nil {
		return tokens{}, 0, fmt.Errorf("read the tokens: %w: %w", ErrStore, err)
	}
	if !found {
		return tokens{}, 0, ErrSessionEnded
	}
	k, err := a.openTokens(g, row)
	if err != nil {
		return tokens{}, 0, err
	}
	return k, row.Version, nil
}

// openTokens opens a token column. The error is ErrSessionEnded.
func (a *Auth) openTokens(g grant, row TokensRow) (tokens, error) {
	plain, err := a.sealer.open(g.place(tokensColumn), g.salt, row.KeyID, row.Sealed)
	if err != nil {
		return tokens{}, fmt.Errorf("read the tokens: %w", ErrSessionEnded)
	}
	var b tokensBlob
	if err := json.Unmarshal(plain, &b); err != nil || b.Schema != blobSchema {
		return tokens{}, fmt.Errorf("read the tokens: schema %d: %w", b.Schema, ErrSessionEnded)
	}
	return tokens{Access: NewSecret(b.Access), Refresh: NewSecret(b.Refresh), Issued: b.Issued, Expires: b.Expires}, nil
}

// reply is an answer of the token endpoint.
type reply struct {
	tokens
	user   Identity // what GoTo says of the user along with the token, if anything
	scoped bool     // GoTo named the scopes
}

func (a *Auth) oauthConfig(c ClientCredentials) *oauth2.Config {
	return &oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret.Reveal(), RedirectURL: a.RedirectURI(),
		// A fixed style, or the library tries each on failure, and a code
		// or a rotating refresh token does not stand a second try.
		// Scopes are left out: GoTo then grants all that the client has, and
		// refuses to be asked for one that it has not.
		Endpoint: oauth2.Endpoint{AuthURL: a.cfg.AuthURL, TokenURL: a.cfg.TokenURL, AuthStyle: oauth2.AuthStyleInHeader},
	}
}

// exchange turns a code into tokens. Somebody waits for it.
func (a *Auth) exchange(ctx context.Context, c ClientCredentials, code, verifier string) (reply, error) {
	return a.ask(ctx, exchangeDeadline, func(ctx context.Context) (*oauth2.Token, error) {
		return a.oauthConfig(c).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	})
}

// redeem turns a refresh token into tokens. GoTo's sources disagree on whether
// the answer holds a new refresh token; without one the old one stays good,
// which is right in all four behaviours on record.
func (a *Auth) redeem(ctx context.Context, c ClientCredentials, refresh Secret) (reply, error) {
	return a.ask(ctx, redeemDeadline, func(ctx context.Context) (*oauth2.Token, error) {
		return a.oauthConfig(c).TokenSource(ctx, &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
	})
}

// ask makes one call of the token endpoint. Of one that failed it tells
// whether GoTo may have done what was asked: from the moment there is a
// connection, bytes may leave.
func (a *Auth) ask(ctx context.Context, limit time.Duration, call func(context.Context) (*oauth2.Token, error)) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	t, err := call(context.WithValue(ctx, oauth2.HTTPClient, a.cfg.HTTP))
	if err != nil {
		return reply{}, tokenError(err, sent.Load())
	}
	return a.readReply(t), nil
}

func (a *Auth) readReply(t *oauth2.Token) reply {
	now := a.cfg.Now()
	life := time.Duration(t.ExpiresIn) * time.Second
	if life <= 0 {
		life = lifetime
	}
	text := func(key string) string {
		s, _ := t.Extra(key).(string)
		return s
	}
	r := reply{tokens: tokens{
		Access: NewSecret(t.AccessToken), Refresh: NewSecret(t.RefreshToken), Issued: now, Expires: now.Add(life),
	}}
	// organizer_key and its company came until 2020, scope and principal
	// come today (reference 1.5).
	r.user = Identity{
		UserKey: text("organizer_key"), AccountKey: text("account_key"),
		FirstName: text("firstName"), LastName: text("lastName"), Email: text("email"),
		Scopes: strings.Fields(text("scope")), Source: "token",
	}
	if r.user.Email == "" {
		r.user.Email = text("principal")
	}
	r.scoped = len(r.user.Scopes) > 0
	return r
}

// endpointError is what went wrong at the token endpoint, in our words: the
// kind, the status, and an error code only if it is one of RFC 6749's. The
// library's own errors can hold a whole answer and are never passed on.
type endpointError struct {
	kind   error // ErrRefused, ErrClient, ErrUnavailable or errUnknown
	detail string
}

func (e *endpointError) Error() string { return e.kind.Error() + " (" + e.detail + ")" }
func (e *endpointError) Unwrap() error { return e.kind }

// errUnknown: the request left and no answer came that says what became of it.
var errUnknown = fmt.Errorf("%w, and what it did is unknown", ErrUnavailable)

func tokenError(err error, sent bool) error {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.Response != nil {
		return classify(e.Response.StatusCode, e.ErrorCode)
	}
	if sent {
		return &endpointError{errUnknown, transportDetail(err)}
	}
	return &endpointError{ErrUnavailable, transportDetail(err)}
}

func classify(status int, code string) error {
	switch code {
	case "invalid_grant", "invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type", "invalid_scope":
	default:
		code = ""
	}
	detail := fmt.Sprintf("status %d", status)
	if code != "" {
		detail += ", " + code
	}
	switch {
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return &endpointError{ErrUnavailable, detail}
	case code == "invalid_grant":
		return &endpointError{ErrRefused, detail}
	case code != "", status == http.StatusUnauthorized:
		return &endpointError{ErrClient, detail}
	}
	return &endpointError{ErrUnavailable, detail}
}

// transportDetail says why there was no answer without repeating anything that
// came over the wire.
func transportDetail(err error) string {
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "no answer in time"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Op + ": " + e.Err.Error()
	}
	if errors.Is(err, context.Canceled) {
		return "given up"
	}
	return "no usable answer"
}
