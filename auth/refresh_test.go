package auth_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"portal/auth"
)

func TestNoRefreshWhileThereIsTime(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	w.pass(54 * time.Minute)
	if _, err := w.token(b); err != nil {
		t.Fatal(err)
	}
	w.stop()
	w.Auth = nil
	if _, n := w.goTo.counts(); n != 0 {
		t.Fatalf("%d refreshes", n)
	}
}

// With a few minutes left the caller goes on with the token it has, and the
// next one finds a fresh one.
func TestEarlyRefresh(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	old := w.current()
	release := make(chan struct{})
	w.goTo.with(func() {
		w.goTo.intercept = func(http.ResponseWriter, *http.Request) bool { <-release; return false }
	})
	w.pass(58 * time.Minute)
	for range 5 {
		if token, err := w.token(b); err != nil || token != old {
			t.Fatalf("waited, or got another token: %v", err)
		}
	}
	close(release)
	token, _, err := w.session(b).RenewToken(t.Context(), old) // joins or follows the refresh
	if err != nil || token == old || token != w.current() {
		t.Fatal(err)
	}
	if token, err := w.token(b); err != nil || token != w.current() {
		t.Fatal(err)
	}
	if _, n := w.goTo.counts(); n != 1 {
		t.Fatalf("%d refreshes", n)
	}
}

func TestRefreshInAllFourModes(t *testing.T) {
	for _, mode := range []string{"rotate", "same", "omit", "near_expiry"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w, b := newWorld(t), &browser{}
			w.goTo.with(func() { w.goTo.mode = mode })
			w.logIn(b)
			for i := range 6 {
				w.pass(time.Hour - 20*time.Second)
				if i%2 == 1 {
					w.pass(time.Minute) // expired by now
				}
				var wg sync.WaitGroup
				for range 30 {
					wg.Go(func() {
						s, err := w.Session(b.request("GET", "/"))
						if err != nil || s == nil {
							t.Error("no session", err)
							return
						}
						if token, _, err := s.AccessToken(context.Background()); err != nil || token != w.current() {
							t.Errorf("refresh %d: %v", i, err)
						}
					})
				}
				wg.Wait()
				if _, n := w.goTo.counts(); n != i+1 {
					t.Fatalf("%d refreshes after %d expiries", n, i+1)
				}
			}
		})
	}
}

func TestRefreshRace(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	old := w.current()
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	w.goTo.with(func() {
		w.goTo.intercept = func(http.ResponseWriter, *http.Request) bool {
			arrived <- struct{}{}
			<-release
			return false
		}
	})
	w.pass(time.Hour)
	var wg sync.WaitGroup
	ask := func() {
		s, err := w.Session(b.request("GET", "/"))
		if err != nil || s == nil {
			t.Error("no session", err)
			return
		}
		if token, _, err := s.AccessToken(context.Background()); err != nil || token == old {
			t.Error("no fresh token", err)
		}
		if token, _, err := s.RenewToken(context.Background(), old); err != nil || token == old {
			t.Error("no fresh token", err)
		}
	}
	for range 100 {
		wg.Go(ask)
	}
	<-arrived
	for range 100 {
		wg.Go(ask)
	}
	close(release)
	wg.Wait()
	if _, n := w.goTo.counts(); n != 1 {
		t.Fatalf("%d refreshes", n)
	}
}

// A token that GoTo refuses although it should live is replaced once, and a
// late caller that was refused the old one gets the new one.
func TestRenewRefusedToken(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	old := w.current()
	for range 3 {
		token, _, err := w.session(b).RenewToken(t.Context(), old)
		if err != nil || token == old || token != w.current() {
			t.Fatal(err)
		}
	}
	if _, n := w.goTo.counts(); n != 1 {
		t.Fatalf("%d refreshes", n)
	}
	fresh := w.current()
	if token, _, err := w.session(b).RenewToken(t.Context(), fresh); err != nil || token == fresh {
		t.Fatal("the second refused token was not replaced", err)
	}
}

// A tab that is closed during the refresh loses nothing.
func TestRefreshOutlivesItsCaller(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	old := w.current()
	arrived, release := make(chan struct{}), make(chan struct{})
	w.goTo.with(func() {
		w.goTo.intercept = func(http.ResponseWriter, *http.Request) bool {
			close(arrived)
			<-release
			return false
		}
	})
	w.pass(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, _, err := w.session(b).AccessToken(ctx)
		done <- err
	}()
	<-arrived
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("the caller got %v", err)
	}
	close(release)
	if token, err := w.token(b); err != nil || token == old {
		t.Fatal(err)
	}
	if _, n := w.goTo.counts(); n != 1 {
		t.Fatalf("%d refreshes", n)
	}
}

func TestRefreshFailsForAWhile(t *testing.T) {
	status := func(code int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	tests := []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request) bool
		want   error
	}{
		{"500", status(500, "<html>"), auth.ErrUnavailable},
		{"503 invalid_grant", status(503, `{"error":"invalid_grant"}`), auth.ErrUnavailable},
		{"429", status(429, ""), auth.ErrUnavailable},
		{"empty 200", status(200, ""), auth.ErrUnavailable},
		{"HTML 200", status(200, "<html>"), auth.ErrUnavailable},
		{"404", status(404, "{}"), auth.ErrUnavailable},
		{"client refused", status(401, `{"error":"invalid_client"}`), auth.ErrClient},
		{"reset", func(w http.ResponseWriter, _ *http.Request) bool { w.Header().Set(lost, "1"); return true }, auth.ErrUnavailable},
		{"too slow", func(http.ResponseWriter, *http.Request) bool { time.Sleep(2 * time.Minute); return true }, auth.ErrUnavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				b := &browser{}
				w.logIn(b)
				old := w.current()
				w.goTo.with(func() { w.goTo.intercept = test.answer })
				time.Sleep(time.Hour - 3*time.Minute)
				if _, _, err := w.session(b).RenewToken(t.Context(), old); !errors.Is(err, test.want) {
					t.Fatalf("renew: %v", err)
				}
				time.Sleep(time.Minute + 50*time.Second) // with ten seconds left, or seventy
				if token, err := w.token(b); err != nil || token != old {
					t.Fatalf("a token that is still valid was not used: %v", err)
				}
				time.Sleep(10 * time.Minute)
				if _, err := w.token(b); !errors.Is(err, test.want) || errors.Is(err, auth.ErrSessionEnded) {
					t.Fatalf("got %v", err)
				}
				if w.session(b) == nil {
					t.Fatal("logged out")
				}
				w.goTo.with(func() { w.goTo.intercept = nil })
				if token, err := w.token(b); err != nil || token == old {
					t.Fatalf("after recovery: %v", err)
				}
				time.Sleep(2 * time.Minute) // for what is slow
			})
		})
	}
}

// A connection that is reset under the request, on a real network.
func TestResetUnderTheRefreshIsAskedAgain(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	var once sync.Once
	w.goTo.with(func() {
		w.goTo.intercept = func(w http.ResponseWriter, _ *http.Request) (answered bool) {
			once.Do(func() {
				answered = true
				if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
					_ = conn.(*net.TCPConn).SetLinger(0)
					_ = conn.Close()
				}
			})
			return answered
		}
	})
	w.pass(time.Hour)
	if token, err := w.token(b); err != nil || token != w.current() {
		t.Fatal(err)
	}
	if _, n := w.goTo.counts(); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// An early refresh that fails is not repeated by each request.
func TestEarlyRefreshCoolsOff(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	w.goTo.with(func() {
		w.goTo.intercept = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true }
	})
	if _, _, err := w.session(b).RenewToken(t.Context(), w.current()); !errors.Is(err, auth.ErrUnavailable) {
		t.Fatal(err)
	}
	w.pass(5 * time.Second)
	s := w.session(b)
	w.pass(57*time.Minute - 5*time.Second)
	w.goTo.with(func() { w.goTo.refreshes = 0 })
	if _, _, err := s.RenewToken(t.Context(), w.current()); !errors.Is(err, auth.ErrUnavailable) {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := w.token(b); err != nil {
			t.Fatal(err)
		}
	}
	w.stop() // waits for what might run
	w.Auth = nil
	if _, n := w.goTo.counts(); n != 1 {
		t.Fatalf("%d refreshes", n)
	}
}

func TestRefusedRefreshEndsTheSession(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	w.goTo.with(func() { clear(w.goTo.refresh) })
	w.pass(time.Hour)
	s := w.session(b)
	if _, _, err := s.AccessToken(t.Context()); !errors.Is(err, auth.ErrSessionEnded) {
		t.Fatal(err)
	}
	s.Notify(auth.Notice{Kind: auth.Info, Text: "too late"})
	if err := w.Save(httptest.NewRecorder(), b.request("GET", "/"), s); !errors.Is(err, auth.ErrSessionEnded) {
		t.Errorf("saved an ended session: %v", err)
	}
	if w.session(b) != nil {
		t.Fatal("the session came back")
	}
}

// The store fails while it is given the only copy of a rotated token.
func TestFreshTokenIsWrittenUntilItIsStored(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	var mu sync.Mutex
	failures := 3
	w.store.failing(func(method string) error {
		mu.Lock()
		defer mu.Unlock()
		if method == "SwapTokens" && failures > 0 {
			failures--
			return errors.New("down")
		}
		return nil
	})
	w.pass(time.Hour)
	if token, err := w.token(b); err != nil || token != w.current() {
		t.Fatal(err)
	}
	w.restart()
	if token, err := w.token(b); err != nil || token != w.current() {
		t.Fatal("not stored:", err)
	}
}

// A session that ends during its refresh takes the fresh tokens with it.
func TestRefreshOfAnEndedSession(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	s := w.session(b)
	w.goTo.with(func() {
		w.goTo.intercept = func(http.ResponseWriter, *http.Request) bool {
			if err := w.store.Store.DeleteSession(context.Background(), s.ID()); err != nil {
				t.Error(err)
			}
			return false
		}
	})
	w.pass(time.Hour)
	if _, _, err := s.AccessToken(t.Context()); !errors.Is(err, auth.ErrSessionEnded) {
		t.Fatal(err)
	}
	w.stop()
	w.Auth = nil
	w.goTo.with(func() {
		if len(w.goTo.revoked) != 2 || !strings.Contains(w.goTo.revoked[1], w.goTo.access) {
			t.Errorf("revoked %v", w.goTo.revoked)
		}
	})
}

// A Save that was loaded before a refresh and comes after it cannot bring back
// the spent token.
func TestLateSave(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	r := b.request("GET", "/")
	late, err := w.Session(r)
	if err != nil {
		t.Fatal(err)
	}
	late.Notify(auth.Notice{Kind: auth.Info, Text: "late"})
	w.pass(time.Hour)
	fresh, err := w.token(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Save(httptest.NewRecorder(), r, late); err != nil {
		t.Fatal(err)
	}
	if token, err := w.token(b); err != nil || token != fresh {
		t.Fatal("the spent token came back", err)
	}
	if n := w.session(b).TakeNotices(); len(n) != 1 {
		t.Fatalf("notices %+v", n)
	}
}

func TestShortLivedTokensAreNotRefreshedAllTheTime(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.goTo.with(func() { w.goTo.expiresIn = 120 })
	w.logIn(b)
	for range 60 {
		w.pass(time.Second)
		if _, err := w.token(b); err != nil {
			t.Fatal(err)
		}
	}
	w.stop()
	w.Auth = nil
	if _, n := w.goTo.counts(); n != 0 {
		t.Fatalf("%d refreshes in the first half", n)
	}
}

func TestWithoutRefreshToken(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.goTo.with(func() { w.goTo.extra = map[string]any{"refresh_token": ""} })
	w.logIn(b)
	w.pass(time.Hour - time.Second)
	if _, err := w.token(b); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	if _, err := w.token(b); !errors.Is(err, auth.ErrSessionEnded) {
		t.Fatal(err)
	}
}

func TestCloseRefusesNewRefreshes(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	s := w.session(b)
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	if _, _, err := s.AccessToken(t.Context()); !errors.Is(err, auth.ErrUnavailable) {
		t.Fatal(err)
	}
}

func TestLongTokens(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.goTo.with(func() { w.goTo.padding = strings.Repeat("x", 16_000) })
	w.logIn(b)
	for i := range 3 {
		if token, err := w.token(b); err != nil || len(token) < 16_000 || token != w.current() {
			t.Fatal(i, len(token), err)
		}
		w.pass(time.Hour)
	}
}
