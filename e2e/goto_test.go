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
)

// The OAuth client that the sandbox knows.
const sandboxClient, sandboxSecret = "sandbox", "sandbox"

// grant is what the sandbox's token endpoint answers, as far as the tests need
// it.
type grant struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	Organizer string `json:"organizer_key"`
}

// organizerKey asks the sandbox for a user's organizer key the way any other
// GoTo client would: by an OAuth grant, whose answer carries the key. base is
// http://HOST:PORT/sandbox.
func organizerKey(t *testing.T, base, email string) string {
	t.Helper()
	const callback = "http://localhost:9/callback" // never asked: only its query is read
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := url.Values{"response_type": {"code"}, "client_id": {sandboxClient}, "redirect_uri": {callback}, "state": {"s"}}
	form := url.Values{"user": {email}}
	for k, v := range ask {
		form[k] = v
	}
	res, err := client.PostForm(base+"/oauth/authorize?"+ask.Encode(), form)
	if err != nil {
		t.Fatalf("sign in at the sandbox as %s: %v", email, err)
	}
	res.Body.Close()
	back, err := res.Location()
	if err != nil || back.Query().Get("code") == "" {
		t.Fatalf("signing in at the sandbox as %s answers %s to %v, want a code", email, res.Status, back)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/oauth/token", strings.NewReader(url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {callback},
	}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(sandboxClient, sandboxSecret)
	res, err = client.Do(req)
	if err != nil {
		t.Fatalf("fetch %s's tokens: %v", email, err)
	}
	defer res.Body.Close()
	var g grant
	if err := json.NewDecoder(res.Body).Decode(&g); err != nil || g.Organizer == "" {
		t.Fatalf("the sandbox's token answer (%s) names no organizer key for %s: %v", res.Status, email, err)
	}
	return g.Organizer
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
