package auth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"portal/auth"
)

// The defects of systems that this field trusts, as they are on record. Each
// scenario logs somebody out there, refreshes twice, or gives a token away.
func TestDefectsOfTrustedSystems(t *testing.T) {
	t.Run("oauth2-proxy, the lock is not renewed", func(t *testing.T) { // pull request 3456
		bubble(t, func(t *testing.T, w *world) {
			b := &browser{}
			w.logIn(b)
			w.goTo.slow(39 * time.Second) // longer than two leases
			other := w.replica()
			time.Sleep(time.Hour)
			mine, theirs := w.session(b), other.session(b)
			got := make(chan string)
			for _, s := range []*auth.Session{mine, theirs} {
				go func() {
					token, _, err := s.AccessToken(context.Background())
					if err != nil {
						t.Error(err)
					}
					got <- token
				}()
			}
			if a, b := <-got, <-got; a != b || a != w.current() {
				t.Error("two tokens")
			}
			if _, n := w.goTo.counts(); n != 1 {
				t.Errorf("%d refreshes", n)
			}
		})
	})
	t.Run("oauth2-proxy, the refresh ends with the request", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			b := &browser{}
			w.logIn(b)
			w.goTo.slow(2 * time.Second)
			time.Sleep(time.Hour)
			tab, closed := context.WithTimeout(t.Context(), time.Second)
			defer closed()
			if _, _, err := w.session(b).AccessToken(tab); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if token, err := w.token(b); err != nil || token != w.current() {
				t.Errorf("the rotated token got lost: %v", err)
			}
			if _, n := w.goTo.counts(); n != 1 {
				t.Errorf("%d refreshes", n)
			}
		})
	})
	t.Run("oauth2-proxy, one error of the store logs out", func(t *testing.T) { // issue 1630
		bubble(t, func(t *testing.T, w *world) {
			b := &browser{}
			w.logIn(b)
			for _, method := range []string{"Session", "Tokens", "TakeLease", "SwapTokens", "DropLease"} {
				time.Sleep(time.Hour)
				failures := 1
				w.store.failing(func(m string) error {
					if m == method && failures > 0 {
						failures--
						return context.DeadlineExceeded
					}
					return nil
				})
				if s, err := w.Session(b.request("GET", "/")); err == nil {
					_, _, err = s.AccessToken(t.Context())
					if errors.Is(err, auth.ErrSessionEnded) {
						t.Errorf("%s: %v", method, err)
					}
				}
				if token, err := w.token(b); err != nil || token != w.current() {
					t.Errorf("after an error of %s: %v", method, err)
				}
			}
		})
	})
	t.Run("oauth2-proxy, the ticket from before the log-in lives on", func(t *testing.T) { // GHSA-f24x-5g9q-753f
		bubble(t, func(t *testing.T, w *world) {
			b := &browser{}
			w.logIn(b)
			before := b.sid()
			planted := &browser{names: []string{"__Host-sid"}, values: map[string]*http.Cookie{"__Host-sid": {Value: before}}}
			w.logIn(b)
			if b.sid() == before || w.session(planted) != nil {
				t.Error("the old ticket is good")
			}
		})
	})
	t.Run("oauth2-proxy, errors are told apart by their text", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			b := &browser{}
			w.logIn(b)
			for _, body := range []string{`{"error":"temporarily_unavailable","error_description":"not invalid_grant"}`, `{"error":"Invalid_Grant "}`, "invalid_grant"} {
				w.goTo.with(func() {
					w.goTo.intercept = func(rec http.ResponseWriter, _ *http.Request) bool {
						rec.Header().Set("Content-Type", "application/json")
						rec.WriteHeader(400)
						_, _ = rec.Write([]byte(body))
						return true
					}
				})
				time.Sleep(time.Hour)
				if _, err := w.token(b); !errors.Is(err, auth.ErrUnavailable) || w.session(b) == nil {
					t.Errorf("%s: %v, or logged out", body, err)
				}
				w.goTo.with(func() { w.goTo.intercept = nil })
				if _, err := w.token(b); err != nil {
					t.Error(err)
				}
			}
		})
	})
	t.Run("Grafana, any error wipes the tokens", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			b := &browser{}
			w.logIn(b)
			w.goTo.with(func() {
				w.goTo.intercept = func(rec http.ResponseWriter, _ *http.Request) bool { rec.Header().Set(lost, "1"); return true }
			})
			time.Sleep(time.Hour)
			for range 5 {
				if _, err := w.token(b); !errors.Is(err, auth.ErrUnavailable) {
					t.Error(err)
				}
			}
			w.goTo.with(func() { w.goTo.intercept = nil })
			if token, err := w.token(b); err != nil || token != w.current() {
				t.Errorf("after a blip: %v", err)
			}
		})
	})
	t.Run("Grafana, the log shows tokens", func(t *testing.T) {
		bubble(t, func(t *testing.T, w *world) {
			b := &browser{}
			w.logIn(b)
			for _, answer := range []string{"", "canary-refused", `{"access_token":"canary-half`} {
				w.goTo.with(func() {
					w.goTo.intercept = func(rec http.ResponseWriter, _ *http.Request) bool {
						_, _ = rec.Write([]byte(answer))
						return answer != ""
					}
				})
				time.Sleep(time.Hour)
				_, _ = w.token(b)
			}
			if log := w.log.String(); strings.Contains(log, "canary") || !strings.Contains(log, "got lost") {
				t.Errorf("the log: %s", log)
			}
		})
	})
	t.Run("neon, without the lock's store it refreshes unlocked", func(t *testing.T) { // mcp-server, pull request 233
		bubble(t, func(t *testing.T, w *world) {
			b := &browser{}
			w.logIn(b)
			w.store.failing(func(method string) error {
				if method == "TakeLease" {
					return errors.New("down")
				}
				return nil
			})
			time.Sleep(time.Hour)
			if _, err := w.token(b); !errors.Is(err, auth.ErrStore) {
				t.Error(err)
			}
			if _, n := w.goTo.counts(); n != 0 {
				t.Errorf("%d refreshes", n)
			}
		})
	})
}
