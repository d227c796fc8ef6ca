package gotomeeting

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// TokenSource gives the access token to call with. It names only standard
// types, so that a browser session satisfies it without importing this package.
// One that has a method UserRef() string names its user, however many tokens
// the user has; without it each token is a caller of its own.
type TokenSource interface {
	// AccessToken returns the token to use and when it was issued; the zero
	// time when that is not known.
	AccessToken(ctx context.Context) (token string, issued time.Time, err error)
	// RenewToken is told which token GoTo refused. It refreshes once, or
	// returns a newer one that is stored already.
	RenewToken(ctx context.Context, refused string) (token string, issued time.Time, err error)
}

// DefaultRate is how many calls a second a [Client] makes: GoTo allows ten by
// default, and answers 429 above.
const DefaultRate = 8

// Config of a [Client].
type Config struct {
	// BaseURL is what stands before /G2M, /admin and /identity.
	BaseURL string
	// HTTP is the client to call with. Redirects are refused whatever it says,
	// and its transport must not replay a POST. Nil means an own one with time limits.
	HTTP *http.Client
	// Rate is calls a second; 0 means [DefaultRate]. No second holds more than
	// it and a quarter of it, one call at least.
	Rate float64
	// Now is the clock that a token's age is taken from; nil means time.Now.
	Now func() time.Time
	// Log gets one line per failed try; nil discards them. No line holds an id or a secret.
	Log *slog.Logger
	// Observe is told of each try. It may be nil; it must be safe for concurrent use.
	Observe func(Try)
}

// Client calls GoTo. It is safe for concurrent use.
type Client struct {
	base     string
	http     *http.Client
	limit    *limiter
	breakers map[string]*breaker // by API
	budget   budget
	now      func() time.Time
	log      *slog.Logger
	observe  func(Try)

	seed   maphash.Seed   // tells callers apart without keeping who they are
	random func() float64 // in [0,1), for back-off
	sleep  func(ctx context.Context, d time.Duration) error
}

// New returns a Client, or an error that says what is wrong with the Config.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("base URL of GoTo's API is not an http(s) URL with just host and path")
	}
	perSecond := c.Rate
	if perSecond == 0 {
		perSecond = DefaultRate
	}
	if !(perSecond > 0) {
		return nil, fmt.Errorf("rate of %v calls a second is not above zero", c.Rate)
	}
	client := &Client{
		base:     strings.TrimRight(c.BaseURL, "/"),
		http:     newHTTPClient(),
		limit:    newLimiter(perSecond),
		breakers: map[string]*breaker{},
		now:      c.Now,
		log:      c.Log,
		observe:  c.Observe,
		seed:     maphash.MakeSeed(),
		random:   rand.Float64,
		sleep:    sleep,
	}
	if c.HTTP != nil {
		own := *c.HTTP // the caller's stays as it is
		client.http = &own
	}
	// Go would carry Authorization along to the same host and its subdomains.
	client.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if client.now == nil {
		client.now = time.Now
	}
	if client.log == nil {
		client.log = slog.New(slog.DiscardHandler)
	}
	if client.observe == nil {
		client.observe = func(Try) {}
	}
	for _, api := range []string{APIMeeting, APIAdmin, APISCIM} {
		client.breakers[api] = &breaker{api: api, log: client.log}
	}
	return client, nil
}

// newHTTPClient returns a client with a limit on everything that can hang. It
// speaks HTTP/1.1 only: there the transport never replays a POST of which a
// byte was written, whereas HTTP/2 may after some protocol errors. No proxy is
// taken from the environment.
func newHTTPClient() *http.Client {
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		Timeout: 15 * time.Second,
		Transport: &http.Transport{
			Proxy:                 nil,
			DialContext:           dialer.DialContext,
			TLSHandshakeTimeout:   3 * time.Second,
			TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
			ResponseHeaderTimeout: 10 * time.Second,
			IdleConnTimeout:       30 * time.Second,
			MaxConnsPerHost:       20,
			MaxIdleConnsPerHost:   20,
			MaxIdleConns:          20,
			Protocols:             protocols,
		},
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
