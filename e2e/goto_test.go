package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// The OAuth client that the sandbox knows.
const sandboxClient, sandboxSecret = "sandbox", "sandbox"

// grant is what the sandbox's token endpoint answers, as far as the tests need
// it.
type grant struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// organizerKey asks the sandbox for a user's organizer key the way any other
// GoTo client would: by an OAuth grant and the question who that is. base is
// http://HOST:PORT/sandbox.
func organizerKey(t *testing.T, base, email string) string {
	t.Helper()
	const callback = "http://localhost:9/callback" // never asked: only its query is read
	client := &http.Client{
		Timeout:       requestDeadline,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.PostForm(base+"/oauth/authorize", url.Values{
		"response_type": {"code"}, "client_id": {sandboxClient}, "redirect_uri": {callback}, "user": {email},
	})
	if err != nil {
		t.Fatalf("sign in at the sandbox as %s: %v", email, err)
	}
	res.Body.Close()
	back, err := res.Location()
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("signing in at the sandbox as %s answers %s to %v, want a code", email, res.Status, back)
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {callback}}
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	ask.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	ask.SetBasicAuth(sandboxClient, sandboxSecret)
	var g grant
	answer(t, client, ask, &g)

	ask, err = http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/admin/rest/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	ask.Header.Set("Authorization", "Bearer "+g.Access)
	var me struct {
		Key json.Number `json:"key"` // a string or a number, 19 digits
	}
	answer(t, client, ask, &me)
	if me.Key == "" {
		t.Fatalf("the sandbox does not say %s's key", email)
	}
	return me.Key.String()
}

// requestDeadline bounds a request that a test sends itself.
const requestDeadline = 20 * time.Second

// answer sends a request and decodes its answer, which has to be JSON with
// status 200.
func answer(t *testing.T, client *http.Client, r *http.Request, into any) {
	t.Helper()
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s answers %s", r.Method, r.URL.Path, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
}

// tokenDesk stands between a portal and the sandbox's token endpoint. It lets
// the portal use a client secret that occurs nowhere else, and remembers every
// token that passes, so that a test can look for exactly these texts.
type tokenDesk struct {
	*httptest.Server
	secret string

	mu     sync.Mutex
	tokens []string
}

// newTokenDesk starts a desk for the sandbox at base (http://HOST:PORT/sandbox)
// that expects the secret given.
func newTokenDesk(t *testing.T, base, secret string) *tokenDesk {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	d := &tokenDesk{secret: secret}
	d.Server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, target.Host
			d.exchangeSecret(r.Out)
		},
		ModifyResponse: d.remember,
	})
	t.Cleanup(d.Close)
	return d
}

// exchangeSecret puts the sandbox's own secret in the place of the desk's, in
// either way of sending it.
func (d *tokenDesk) exchangeSecret(r *http.Request) {
	if id, secret, ok := r.BasicAuth(); ok && secret == d.secret {
		r.SetBasicAuth(id, sandboxSecret)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("client_secret") == d.secret {
		form.Set("client_secret", sandboxSecret)
		body = []byte(form.Encode())
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

// remember keeps the tokens of an answer.
func (d *tokenDesk) remember(res *http.Response) error {
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	var g grant
	if json.Unmarshal(body, &g) != nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, token := range []string{g.Access, g.Refresh} {
		if token != "" {
			d.tokens = append(d.tokens, token)
		}
	}
	return nil
}

// seen returns the tokens that passed so far.
func (d *tokenDesk) seen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.tokens...)
}
