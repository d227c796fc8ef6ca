package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// startDeadline bounds what New asks the store.
const startDeadline = 10 * time.Second

// New checks the configuration, re-seals what is sealed by an older master
// key, and makes the set-up code when set-up is open. The error is ErrStore
// when the store cannot be asked.
func New(c Config) (*Auth, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("auth: no store")
	case len(c.Keys) == 0:
		return nil, errors.New("auth: no session key")
	case c.PublicURL == nil || c.PublicURL.Host == "":
		return nil, errors.New("auth: no public URL")
	case c.AuthURL == "" || c.TokenURL == "":
		return nil, errors.New("auth: no authorize or token URL")
	case c.Identify == nil:
		return nil, errors.New("auth: nobody to identify users")
	case !c.Client.IsZero() && (c.Client.ID == "" || c.Client.Secret.IsZero()):
		return nil, errors.New("auth: client id and client secret go together")
	}
	if c.Idle <= 0 {
		c.Idle = 12 * time.Hour
	}
	if c.Max <= 0 {
		c.Max = 14 * 24 * time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observe == nil {
		c.Observe = func(string, time.Duration) {}
	}
	c.HTTP = endpointClient(c.HTTP)
	a := &Auth{cfg: c, sealer: sealer{c.Keys}, holder: randomText(16), flights: map[string]*flight{}, cool: map[string]time.Time{}}
	a.rows = &rowStore{a}

	ctx, cancel := context.WithTimeout(context.Background(), startDeadline)
	defer cancel()
	if err := a.startSetup(ctx); err != nil {
		return nil, err
	}
	if err := a.resealFeeds(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// RedirectURI is the callback address to register at GoTo.
func (a *Auth) RedirectURI() string { return a.cfg.PublicURL.JoinPath("auth", "callback").String() }

// endpointClient returns the client for the token endpoint. How long an answer
// may take is for each call to say: giving up on a refresh too early leaves
// open what became of it. A redirect is an answer like any other, since what is
// sent is for one host alone.
func endpointClient(given *http.Client) *http.Client {
	c := &http.Client{Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 3 * time.Second,
		IdleConnTimeout:     time.Minute,
		MaxIdleConnsPerHost: 20,
		MaxConnsPerHost:     100, // connections of slow refreshes must not keep people from signing in
		ForceAttemptHTTP2:   true,
	}}
	if given != nil {
		*c = *given
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	c.Transport = jsonAsker{c.Transport}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// jsonAsker says in each request that the answer has to be JSON, as GoTo's guide
// does; the OAuth library says nothing.
type jsonAsker struct{ http.RoundTripper }

func (a jsonAsker) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "application/json")
	return a.RoundTripper.RoundTrip(r)
}
