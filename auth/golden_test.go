package auth_test

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// heard are the requests that a GoTo got, as text, with the secrets in them
// replaced by their names.
type heard struct {
	mu       sync.Mutex
	requests []string
}

// listen puts itself before GoTo.
func (h *heard) listen(g *fakeGoTo) {
	next := g.handler
	g.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		h.mu.Lock()
		h.requests = append(h.requests, requestText(r, string(body)))
		h.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func (h *heard) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := h.requests
	h.requests = nil
	return taken
}

func requestText(r *http.Request, body string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s\n", r.Method, r.URL.RequestURI())
	var names []string
	for name := range r.Header {
		if name != "Content-Length" { // depends on the secrets
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		value := strings.Join(r.Header[name], ", ")
		if value == "Basic "+base64.StdEncoding.EncodeToString([]byte(clientID+":"+clientSecret)) {
			value = "Basic (client id:client secret)"
		}
		fmt.Fprintf(&text, "%s: %s\n", name, value)
	}
	return text.String() + "\n" + withoutSecrets(body) + "\n"
}

// withoutSecrets is a query or form with its secrets named, in its own order.
func withoutSecrets(form string) string {
	var parts []string
	for part := range strings.SplitSeq(form, "&") {
		key, value, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(value)
		if err != nil {
			plain = "unreadable"
		}
		switch {
		case key == "token" && strings.HasPrefix(plain, "canary-access-"):
			value = "(access token)"
		case (key == "token" || key == "refresh_token") && strings.HasPrefix(plain, "canary-refresh-"):
			value = "(refresh token)"
		case key == "code" && strings.HasPrefix(plain, "canary-code-"):
			value = "(code)"
		case key == "code" && strings.HasPrefix(plain, "made-up-") && len(plain) > 24:
			value = "made-up-(random)"
		case (key == "code_verifier" || key == "code_challenge" || key == "state") && len(plain) == 43:
			value = "(" + strings.ReplaceAll(key, "_", " ") + ")"
		}
		parts = append(parts, key+"="+value)
	}
	return strings.Join(parts, "&")
}

// TestRequestsSent pins every request that this package makes, and the address
// that it sends browsers to: method, path, headers and body, secrets aside.
func TestRequestsSent(t *testing.T) {
	var h heard
	w, b := newWorld(t), &browser{}
	h.listen(w.goTo)

	location, err := w.Connect(httptest.NewRecorder(), b.request("GET", "/auth/connect"), "/meetings")
	if err != nil {
		t.Fatal(err)
	}
	at, query, _ := strings.Cut(location, "?")
	golden(t, "authorize", "GET "+strings.Replace(at, w.goTo.URL, "(GoTo)", 1)+"\n?"+withoutSecrets(query)+"\n")

	w.logIn(b)
	golden(t, "exchange", h.take()...)

	if _, _, err := w.session(b).RenewToken(t.Context(), w.current()); err != nil {
		t.Fatal(err)
	}
	golden(t, "refresh", h.take()...)

	if err := w.Disconnect(httptest.NewRecorder(), b.request("POST", "/auth/disconnect"), w.session(b)); err != nil {
		t.Fatal(err)
	}
	w.stop() // waits for what goes on behind the answer
	golden(t, "revoke", h.take()...)

	fresh := newWorld(t, setupMode)
	h.listen(fresh.goTo)
	if err := fresh.Setup(t.Context(), clientID, clientSecret, fresh.SetupCode()); err != nil {
		t.Fatal(err)
	}
	golden(t, "setup-probe", h.take()...)
}

func golden(t *testing.T, name string, requests ...string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	got := []byte(strings.Join(requests, "\n"))
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got\n%s\nwant\n%s", file, got, want)
	}
}
