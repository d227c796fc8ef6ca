package auth_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"portal/auth"
)

// observed collects what Config.Observe is told.
type observed struct {
	mu       sync.Mutex
	outcomes []string
	took     []time.Duration
}

func (o *observed) config(c *auth.Config) {
	c.Observe = func(outcome string, took time.Duration) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.outcomes, o.took = append(o.outcomes, outcome), append(o.took, took)
	}
}

func (o *observed) want(t *testing.T, took time.Duration, outcomes ...string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.outcomes, outcomes) || len(o.took) > 0 && o.took[len(o.took)-1].Round(time.Second) != took {
		t.Errorf("observed %v after %v, want %v after %s", o.outcomes, o.took, outcomes, took)
	}
}

// slow makes the token endpoint take so long, each time.
func (g *fakeGoTo) slow(d time.Duration) {
	g.with(func() {
		g.intercept = func(http.ResponseWriter, *http.Request) bool { time.Sleep(d); return false }
	})
}

// The token endpoint may take nearly twenty seconds. A page gives up at its own
// deadline and loses nothing; the refresh goes on behind it and keeps its
// lease, and the next page finds the token.
func TestTokenEndpointSlowerThanPagesAndLeases(t *testing.T) {
	var o observed
	bubble(t, func(t *testing.T, w *world) {
		b := &browser{}
		w.logIn(b)
		old := w.current()
		var beats atomic.Int32
		w.store.failing(func(method string) error {
			if method == "RenewLease" {
				beats.Add(1)
			}
			return nil
		})
		w.goTo.slow(19 * time.Second)
		time.Sleep(time.Hour)
		for range 2 {
			page, cancel := context.WithTimeout(t.Context(), 9*time.Second)
			if _, _, err := w.session(b).AccessToken(page); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a page got %v", err)
			}
			cancel()
		}
		if token, err := w.token(b); err != nil || token == old || token != w.current() {
			t.Errorf("after the refresh: %v", err)
		}
		if _, n := w.goTo.counts(); n != 1 || beats.Load() != 3 {
			t.Errorf("%d refreshes, and the lease was renewed %d times", n, beats.Load())
		}
		o.want(t, 19*time.Second, "refreshed")
	}, o.config)
}

// A token that is still valid is used when the token endpoint is slow: the page
// waits a little for a fresh one, and does without.
func TestSlowTokenEndpointWhileTheTokenIsValid(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		b := &browser{}
		w.logIn(b)
		old := w.current()
		w.goTo.slow(19 * time.Second)
		time.Sleep(time.Hour - 20*time.Second)
		began := time.Now()
		page, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		token, _, err := w.session(b).AccessToken(page)
		if took := time.Since(began); err != nil || token != old || took != 2*time.Second {
			t.Errorf("after %s: %v, or another token", took, err)
		}
		time.Sleep(17 * time.Second)
		if token, err := w.token(b); err != nil || token == old || time.Since(began) != 19*time.Second {
			t.Errorf("after %s: %v, or the old token", time.Since(began), err)
		}
		if _, n := w.goTo.counts(); n != 1 {
			t.Errorf("%d refreshes", n)
		}
	})
}

// An answer that takes longer than it may has an unknown outcome: GoTo is asked
// once more with the same token, and then no more.
func TestTokenEndpointNeverAnswers(t *testing.T) {
	var o observed
	bubble(t, func(t *testing.T, w *world) {
		b := &browser{}
		w.logIn(b)
		w.goTo.slow(2 * time.Hour)
		time.Sleep(time.Hour)
		if _, err := w.token(b); !errors.Is(err, auth.ErrUnavailable) || errors.Is(err, auth.ErrSessionEnded) {
			t.Errorf("got %v", err)
		}
		if _, n := w.goTo.counts(); n != 2 {
			t.Errorf("%d calls", n)
		}
		if w.session(b) == nil {
			t.Error("logged out")
		}
		o.want(t, time.Minute, "unknown")
		time.Sleep(3 * time.Hour) // for what still sleeps
	}, o.config)
}

// What becomes of a session whose refresh fails, by how it fails and, when it
// is asked again, by how that ends.
func TestUnknownOutcomes(t *testing.T) {
	lose := func(w http.ResponseWriter) bool { w.Header().Set(lost, "1"); return false } // GoTo did it
	cut := func(w http.ResponseWriter) bool { w.Header().Set(lost, "1"); return true }   // GoTo did nothing
	half := func(w http.ResponseWriter) bool { _, _ = w.Write([]byte(`{"access_to`)); return true }
	status := func(code int) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool { w.WriteHeader(code); return true }
	}
	for _, tt := range []struct {
		name    string
		mode    string
		answers []func(http.ResponseWriter) bool // then it works
		calls   int
		outcome string
		err     error
		took    time.Duration
	}{
		{"lost, then works", "rotate", []func(http.ResponseWriter) bool{cut}, 2, "refreshed", nil, 2 * time.Second},
		{"half, then works", "rotate", []func(http.ResponseWriter) bool{half}, 2, "refreshed", nil, 2 * time.Second},
		{"done and lost, same token", "same", []func(http.ResponseWriter) bool{lose}, 2, "refreshed", nil, 2 * time.Second},
		{"done and lost, rotated", "rotate", []func(http.ResponseWriter) bool{lose}, 2, "refused", auth.ErrSessionEnded, 2 * time.Second},
		{"lost twice", "rotate", []func(http.ResponseWriter) bool{cut, cut}, 2, "unknown", auth.ErrUnavailable, 2 * time.Second},
		{"lost, then 503", "rotate", []func(http.ResponseWriter) bool{cut, status(503)}, 2, "unavailable", auth.ErrUnavailable, 2 * time.Second},
		{"503", "rotate", []func(http.ResponseWriter) bool{status(503)}, 1, "unavailable", auth.ErrUnavailable, 0},
		{"429", "rotate", []func(http.ResponseWriter) bool{status(429)}, 1, "unavailable", auth.ErrUnavailable, 0},
		{"client refused", "rotate", []func(http.ResponseWriter) bool{status(401)}, 1, "client", auth.ErrClient, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var o observed
			bubble(t, func(t *testing.T, w *world) {
				b := &browser{}
				w.goTo.with(func() { w.goTo.mode = tt.mode })
				w.logIn(b)
				answers := tt.answers
				w.goTo.with(func() {
					w.goTo.intercept = func(rec http.ResponseWriter, _ *http.Request) bool {
						if len(answers) == 0 {
							return false
						}
						now := answers[0]
						answers = answers[1:]
						return now(rec)
					}
				})
				time.Sleep(time.Hour)
				token, err := w.token(b)
				if !errors.Is(err, tt.err) || err == nil && token != w.current() {
					t.Errorf("got %v", err)
				}
				if _, n := w.goTo.counts(); n != tt.calls {
					t.Errorf("%d calls", n)
				}
				o.want(t, tt.took, tt.outcome)
				if ended := w.session(b) == nil; ended != errors.Is(tt.err, auth.ErrSessionEnded) {
					t.Errorf("the session has ended: %t", ended)
				} else if !ended {
					if token, err := w.token(b); err != nil || token != w.current() {
						t.Errorf("afterwards: %v", err)
					}
				}
			}, o.config)
		})
	}
}

// A connection that never came about has a known outcome: nothing.
func TestRefusedConnectionIsNotRepeated(t *testing.T) {
	dials := 0
	down := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dials++
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}}}
	var o observed
	bubble(t, func(t *testing.T, w *world) {
		b := &browser{}
		w.logIn(b)
		w.config.HTTP = down
		w.restart()
		time.Sleep(time.Hour)
		if _, err := w.token(b); !errors.Is(err, auth.ErrUnavailable) {
			t.Error(err)
		}
		if dials != 1 || w.session(b) == nil {
			t.Errorf("%d dials, or logged out", dials)
		}
		o.want(t, 0, "unavailable")
	}, o.config)
}

// The store is down for half a minute while a rotated token waits to be kept,
// which is longer than the lease. Within a second of its return pages work.
func TestStoreOutageDuringTheSave(t *testing.T) {
	var o observed
	bubble(t, func(t *testing.T, w *world) {
		b := &browser{}
		w.logIn(b)
		old := w.current()
		s := w.session(b)
		var up time.Time
		w.store.failing(func(method string) error {
			if method == "SwapTokens" && up.IsZero() {
				up = time.Now().Add(30 * time.Second)
			}
			if time.Now().Before(up) {
				return errors.New("down")
			}
			return nil
		})
		time.Sleep(time.Hour)
		page, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		if _, _, err := s.AccessToken(page); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a page got %v", err)
		}
		if _, err := w.Session(b.request("GET", "/")); !errors.Is(err, auth.ErrStore) {
			t.Errorf("during the outage: %v", err)
		}
		time.Sleep(time.Until(up))
		began := time.Now()
		if token, err := w.token(b); err != nil || token == old || token != w.current() {
			t.Errorf("after the outage: %v", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %s to recover", took)
		}
		w.restart()
		if token, err := w.token(b); err != nil || token != w.current() {
			t.Errorf("not stored: %v", err)
		}
		o.want(t, 31*time.Second, "refreshed")
	}, o.config)
}

// Without the store there is no lease, and without a lease nobody asks GoTo: a
// token that works once must not be spent by two.
func TestNoLeaseNoRefresh(t *testing.T) {
	var o observed
	bubble(t, func(t *testing.T, w *world) {
		b := &browser{}
		w.logIn(b)
		w.store.failing(func(method string) error {
			if method == "TakeLease" {
				return errors.New("down")
			}
			return nil
		})
		time.Sleep(time.Hour - 10*time.Second)
		if token, err := w.token(b); err != nil || token != w.current() {
			t.Errorf("the token that is still valid was not used: %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := w.token(b); !errors.Is(err, auth.ErrStore) {
			t.Errorf("got %v", err)
		}
		if _, n := w.goTo.counts(); n != 0 {
			t.Errorf("%d refreshes without a lease", n)
		}
		w.store.failing(nil)
		if token, err := w.token(b); err != nil || token != w.current() {
			t.Errorf("after recovery: %v", err)
		}
		o.want(t, 0, "store", "store", "refreshed")
	}, o.config)
}

// A lease that could not be given up does not keep its own process waiting.
func TestLeaseThatWasNotDropped(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		b := &browser{}
		w.logIn(b)
		w.store.failing(func(method string) error {
			if method == "DropLease" {
				return errors.New("down")
			}
			return nil
		})
		began := time.Now()
		for range 3 {
			if token, _, err := w.session(b).RenewToken(t.Context(), w.current()); err != nil || token != w.current() {
				t.Error(err)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("took %s", took)
		}
	})
}

// That GoTo refuses the portal itself is the operator's affair.
func TestRefusedClientIsAnErrorInTheLog(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	w.config.Client.Secret = auth.NewSecret("changed at GoTo")
	w.restart()
	w.pass(time.Hour)
	if _, err := w.token(b); !errors.Is(err, auth.ErrClient) || w.session(b) == nil {
		t.Fatalf("%v, or logged out", err)
	}
	w.stop()
	w.Auth = nil
	if log := w.log.String(); !strings.Contains(log, `"level":"ERROR","msg":"GoTo refuses the OAuth client`) {
		t.Errorf("the log: %s", log)
	}
}
