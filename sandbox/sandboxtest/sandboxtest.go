// Package sandboxtest serves the sandbox to tests of other packages. It is
// not for production code.
package sandboxtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"portal/sandbox"
)

// Server is a running sandbox on a port of its own.
type Server struct {
	URL     string // origin
	API     string // base of the API paths: URL + "/sandbox"
	Sandbox *sandbox.Sandbox

	t testing.TB
}

// New starts a sandbox without ledger and stops it when the test ends.
func New(t testing.TB) *Server {
	t.Helper()
	web := httptest.NewUnstartedServer(nil)
	origin := "http://" + web.Listener.Addr().String()
	box, err := sandbox.Open(sandbox.Config{BaseURL: origin})
	if err != nil {
		web.Close()
		t.Fatal(err)
	}
	web.Config.Handler = box
	web.Start()
	t.Cleanup(func() {
		web.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Server{URL: origin, API: origin + "/sandbox", Sandbox: box, t: t}
}

// Token is an access token of one of the sandbox's people.
func (s *Server) Token(email string) string {
	s.t.Helper()
	token, _ := s.Sandbox.Grant(email)
	if token == "" {
		s.t.Fatalf("the sandbox knows no %s", email)
	}
	return token
}

// Control changes settings; the keys are those of POST /sandbox/control.
func (s *Server) Control(settings map[string]any) {
	s.t.Helper()
	body, err := json.Marshal(settings)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.Post(s.API+"/control", "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("control %s: %s", body, resp.Status)
	}
}

// Calls counts the calls so far, by method and path with ids as *.
func (s *Server) Calls() map[string]int {
	s.t.Helper()
	resp, err := http.Get(s.API + "/control")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var state struct {
		Calls map[string]int `json:"calls"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
		s.t.Fatal(err)
	}
	return state.Calls
}

// Advance moves the sandbox's clock on by whole seconds.
func (s *Server) Advance(d time.Duration) {
	s.t.Helper()
	s.Control(map[string]any{"advance_s": int(d / time.Second)})
}
