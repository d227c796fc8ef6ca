package handlers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

// wiretap stands between the portal and the sandbox and collects every secret
// that passes: tokens, codes, verifiers, host URLs. With padding, tokens are as
// long as GoTo may make them.
type wiretap struct {
	url     string
	padding string

	lose  atomic.Pointer[string] // METHOD /path whose answers get lost, done as they are
	after func(call string)      // told of each answer before it goes back

	sent func(call string, body []byte)               // told of each request
	edit func(call string, answer []byte) (as []byte) // changes an answer before it goes back

	mu      sync.Mutex
	secrets map[string]string // secret → its kind
}

func newWiretap(t *testing.T, sandbox string, padding int) *wiretap {
	t.Helper()
	target, err := url.Parse(sandbox)
	if err != nil {
		t.Fatal(err)
	}
	w := &wiretap{secrets: map[string]string{}, padding: strings.Repeat("p", padding)}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // the sandbox names its pages after it
			if padding > 0 {
				r.Out.Header.Set("Authorization", strings.TrimSuffix(r.In.Header.Get("Authorization"), w.padding))
			}
			if body, err := io.ReadAll(r.In.Body); err == nil {
				w.hear(r.In.Header.Get("Content-Type"), body)
				if w.sent != nil {
					w.sent(r.In.Method+" "+r.In.URL.Path, body)
				}
				r.Out.Body = io.NopCloser(bytes.NewReader(body))
			}
		},
		ModifyResponse: func(res *http.Response) error {
			body, err := io.ReadAll(res.Body)
			if err != nil { // cut off on purpose, and passed on so
				res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), iotest.ErrReader(err)))
				return nil
			}
			var reply map[string]any
			if json.Unmarshal(body, &reply) == nil && reply["access_token"] != nil && padding > 0 {
				reply["access_token"] = fmt.Sprint(reply["access_token"]) + w.padding
				if body, err = json.Marshal(reply); err != nil {
					return err
				}
			}
			w.hear(res.Header.Get("Content-Type"), body)
			if w.edit != nil {
				body = w.edit(res.Request.Method+" "+res.Request.URL.Path, body)
			}
			if lost := w.lose.Load(); lost != nil && *lost == res.Request.Method+" "+res.Request.URL.Path {
				return errors.New("lost")
			}
			if w.after != nil {
				w.after(res.Request.Method + " " + res.Request.URL.Path)
			}
			res.Body = io.NopCloser(bytes.NewReader(body))
			res.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return nil
		},
		FlushInterval: -1,
		// The sandbox resets connections on purpose; so does this, then.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

var secretNames = []string{"access_token", "refresh_token", "code", "code_verifier", "hostURL", "token"}

func (w *wiretap) hear(contentType string, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var reply map[string]any
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(string(body)); err == nil {
			for _, name := range secretNames {
				if v := form.Get(name); len(v) >= 8 {
					w.secrets[v] = name
				}
			}
		}
	} else if json.Unmarshal(body, &reply) == nil {
		for _, name := range secretNames {
			if v, ok := reply[name].(string); ok && len(v) >= 8 {
				w.secrets[v] = name
			}
		}
	}
}

// leaks names the kinds of secrets that text holds, plain or escaped.
func (w *wiretap) leaks(text string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []string
	for secret, kind := range w.secrets {
		if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
			found = append(found, kind)
		}
	}
	return found
}

func TestWiretapHearsAndFinds(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	if res := b.post("/meetings/"+b.create()+"/start", nil); res.StatusCode != http.StatusOK {
		t.Fatalf("start answers %d", res.StatusCode)
	}
	p.wire.mu.Lock()
	kinds := map[string]string{}
	for secret, kind := range p.wire.secrets {
		kinds[kind] = secret
	}
	p.wire.mu.Unlock()
	for _, kind := range []string{"access_token", "refresh_token", "code", "code_verifier", "hostURL"} {
		if kinds[kind] == "" {
			t.Errorf("no %s was heard", kind)
		} else if got := p.wire.leaks("msg=x url=" + url.QueryEscape(kinds[kind])); len(got) != 1 || got[0] != kind {
			t.Errorf("a leaked %s is reported as %v", kind, got)
		}
	}
}

// GoTo's tokens have outgrown columns and cookies before.
func TestVeryLongAccessToken(t *testing.T) {
	p := newPortalWith(t, options{padding: 16_000})
	b := p.connected("ada")
	for _, path := range []string{"/meetings", "/history", "/people"} {
		if res := b.get(path); res.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d", path, res.StatusCode)
		}
	}
	if id := b.create(); id == "" {
		t.Error("no meeting was made")
	}
	p.sandbox.Control(map[string]any{"expire_access_tokens": true})
	if res := b.get("/meetings"); res.StatusCode != http.StatusOK {
		t.Errorf("after a refresh: %d", res.StatusCode)
	}
}

// loseAnswers has GoTo do what this call asks and its answer get lost.
func (w *wiretap) loseAnswers(call string) {
	method, path, _ := strings.Cut(call, " ")
	call = method + " /sandbox" + path
	w.lose.Store(&call)
}
