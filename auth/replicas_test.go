package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portal/auth"
	"portal/sandbox"
	"portal/sandbox/sandboxtest"
	"portal/store/storetest"
)

// Three replicas, two hundred callers at once, every expiry: the sandbox
// counts one refresh, and everybody gets the same fresh token.
func TestReplicasRefreshOnce(t *testing.T) {
	for _, mode := range []string{"rotate", "same", "omit", "near_expiry"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			sb := sandboxtest.New(t)
			sb.Control(map[string]any{"refresh_mode": mode, "token_latency_ms": 150, "rate_limit_per_s": 0})
			var asked, served atomic.Int32
			w, b := newWorldOn(t, storetest.Postgres(t), func(c *auth.Config) {
				c.AuthURL, c.TokenURL = sb.API+"/oauth/authorize", sb.API+"/oauth/token"
				c.Client = auth.ClientCredentials{ID: sandbox.ClientID, Secret: auth.NewSecret(sandbox.ClientSecret)}
				c.Observe = func(outcome string, _ time.Duration) {
					switch outcome {
					case "refreshed":
						asked.Add(1)
					case "peer":
						served.Add(1)
					default:
						t.Errorf("a refresh ended as %s", outcome)
					}
				}
				c.PublicURL = &url.URL{Scheme: "http", Host: "localhost"}
				c.Identify = func(context.Context, string) (auth.Identity, error) { return ada(), nil }
			}), &browser{}
			w.consent(b)
			replicas := []*world{w, w.replica(), w.replica()}
			for expiry := range 3 {
				if expiry == 2 {
					sb.Advance(28 * 24 * time.Hour) // near_expiry rotates now
				}
				w.pass(time.Hour)
				var fresh sync.Map
				var wg sync.WaitGroup
				for i := range 200 {
					wg.Go(func() {
						s, err := replicas[i%3].Session(b.request("GET", "/"))
						if err != nil || s == nil {
							t.Errorf("no session: %v", err)
							return
						}
						token, _, err := s.AccessToken(t.Context())
						if err != nil {
							t.Error(err)
						}
						fresh.Store(token, true)
					})
				}
				wg.Wait()
				tokens := 0
				fresh.Range(func(any, any) bool { tokens++; return true })
				if got := refreshes(t, sb); got != expiry+1 || tokens != 1 {
					t.Fatalf("%d refreshes and %d tokens after %d expiries", got, tokens, expiry+1)
				}
			}
			for _, r := range replicas {
				if err := r.Close(t.Context()); err != nil { // waits for the last to let go
					t.Fatal(err)
				}
			}
			if n := count(t, w, "SELECT count(*) FROM refresh_leases"); n != 0 {
				t.Errorf("%d leases are left", n)
			}
			if asked.Load() != 3 || served.Load() == 0 {
				t.Errorf("observed %d refreshes, and %d by a peer", asked.Load(), served.Load())
			}
		})
	}
}

// consent logs in at the sandbox.
func (w *world) consent(b *browser) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	location, err := w.Connect(rec, b.request("GET", "/auth/connect"), "/")
	if err != nil {
		w.t.Fatal(err)
	}
	b.take(rec)
	page, err := http.Get(location)
	if err != nil {
		w.t.Fatal(err)
	}
	defer page.Body.Close()
	doc, err := goquery.NewDocumentFromReader(page.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	form := url.Values{"user": {"ada@example.test"}}
	doc.Find("form input[type=hidden]").Each(func(_ int, in *goquery.Selection) {
		form.Set(in.AttrOr("name", ""), in.AttrOr("value", ""))
	})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	done, err := client.PostForm(location, form)
	if err != nil {
		w.t.Fatal(err)
	}
	defer done.Body.Close()
	back, err := done.Location()
	if err != nil {
		text, _ := io.ReadAll(done.Body)
		w.t.Fatalf("consent answers %s: %s", done.Status, text)
	}
	if _, _, err := w.callback(b, back.Query()); err != nil {
		w.t.Fatal(err)
	}
}

// refreshes is the sandbox's own count.
func refreshes(t *testing.T, sb *sandboxtest.Server) int {
	t.Helper()
	res, err := http.Get(sb.API + "/control")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var state struct{ Refreshes int }
	if err := json.NewDecoder(res.Body).Decode(&state); err != nil {
		t.Fatal(err)
	}
	return state.Refreshes
}

// dieIn makes a replica hang in its store, at the first call of method after it
// has taken a lease, as one hangs that was killed: struck is closed then. wake
// lets it go on after all.
func (w *world) dieIn(method string) (struck chan struct{}, wake func()) {
	struck, awake := make(chan struct{}), make(chan struct{})
	wake = sync.OnceFunc(func() { close(awake) })
	w.t.Cleanup(wake)
	var held, dead atomic.Bool
	w.store.failing(func(m string) error {
		switch {
		case m == method && held.Load() && dead.CompareAndSwap(false, true):
			close(struck)
			<-awake
		case m == "TakeLease":
			held.Store(true)
		case m == "RenewLease" && dead.Load():
			<-awake
		}
		return nil
	})
	return struck, wake
}

// A holder that dies is replaced when its lease has lapsed, whatever it was
// doing. Nobody is logged out but where GoTo's reply to a spent token died with
// it. And should it only have slept, it does no harm when it wakes.
func TestHolderDies(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		mode     string
		calls    int // of the token endpoint, in all
		ended    bool
	}{
		{"before the call", "Tokens", "rotate", 1, false},
		{"after the call, rotated", "SwapTokens", "rotate", 3, true},
		{"after the call, the same token", "SwapTokens", "same", 2, false},
		{"after the call, none sent along", "SwapTokens", "omit", 2, false},
		{"after the save", "DropLease", "rotate", 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			engines(t, func(t *testing.T, database string) {
				w, b := newWorldOn(t, database), &browser{}
				w.goTo.with(func() { w.goTo.mode = tt.mode })
				w.logIn(b)
				old := w.current()
				w.pass(time.Hour)
				holder, next := w.replica(), w.replica()
				struck, wake := holder.dieIn(tt.in)
				dead := make(chan error)
				s := holder.session(b)
				go func() {
					_, _, err := s.AccessToken(context.Background())
					dead <- err
				}()
				<-struck
				if tt.in != "DropLease" { // who has saved keeps nobody waiting
					soon, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
					if _, _, err := next.session(b).AccessToken(soon); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("did not wait for the lease: %v", err)
					}
					cancel()
					tamper(t, w, "UPDATE refresh_leases SET expires = 0") // fifteen seconds later
				}
				token, err := next.token(b)
				if tt.ended {
					if !errors.Is(err, auth.ErrSessionEnded) || next.session(b) != nil {
						t.Errorf("the token was spent and its reply lost, and yet: %v", err)
					}
				} else if err != nil || token == old || token != w.current() {
					t.Errorf("not recovered: %v", err)
				}
				wake()
				err = <-dead
				if tt.ended != errors.Is(err, auth.ErrSessionEnded) || !tt.ended && err != nil {
					t.Errorf("the one that slept: %v", err)
				}
				if !tt.ended {
					if again, err := next.token(b); err != nil || again != token {
						t.Errorf("the one that slept changed the token: %v", err)
					}
				}
				if _, n := w.goTo.counts(); n != tt.calls {
					t.Errorf("%d calls of the token endpoint, want %d", n, tt.calls)
				}
			})
		})
	}
}

// A page that meets a lease whose holder died waits for it no longer than it
// may, and within fifteen seconds the next one has a token.
func TestLeaseOfADeadHolderLapses(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		b := &browser{}
		w.logIn(b)
		holder := w.replica()
		time.Sleep(time.Hour)
		struck, wake := holder.dieIn("Tokens")
		s := holder.session(b)
		go func() { _, _, _ = s.AccessToken(context.Background()) }()
		<-struck
		died := time.Now()
		page, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		if _, _, err := w.session(b).AccessToken(page); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a page got %v", err)
		}
		if token, err := w.token(b); err != nil || token != w.current() {
			t.Errorf("not recovered: %v", err)
		}
		if took := time.Since(died); took < 15*time.Second || took > 16*time.Second {
			t.Errorf("recovered after %s", took)
		}
		wake()
	})
}

// The store fails one replica while that holds the only copy of a rotated
// token, for longer than its lease. The others find the old token spent, and
// wait for what the first one got instead of ending the session.
func TestReplacedHolderStillSaves(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		b := &browser{}
		w.logIn(b)
		time.Sleep(time.Hour)
		holder, others := w.replica(), []*world{w.replica(), w.replica()}
		saving := make(chan struct{})
		cut := sync.OnceFunc(func() { close(saving) })
		holder.store.failing(func(method string) error {
			if method == "SwapTokens" {
				cut()
			}
			select {
			case <-saving:
				return errors.New("cut off")
			default:
				return nil
			}
		})
		got := make(chan error, 3)
		ask := func(w *world) {
			s := w.session(b)
			go func() {
				token, _, err := s.AccessToken(context.Background())
				if err == nil && token != w.current() {
					err = errors.New("another token")
				}
				got <- err
			}()
		}
		ask(holder)
		<-saving
		refused := make(chan struct{}, 9)
		w.goTo.with(func() {
			w.goTo.intercept = func(http.ResponseWriter, *http.Request) bool { refused <- struct{}{}; return false }
		})
		time.Sleep(15 * time.Second)
		for _, other := range others {
			ask(other)
		}
		<-refused // one of them, by GoTo, which knows the token as spent
		time.Sleep(9 * time.Second)
		holder.store.failing(nil)
		for range 3 {
			if err := <-got; err != nil {
				t.Error(err)
			}
		}
		if w.session(b) == nil {
			t.Error("logged out")
		}
	})
}

// A session that ends while its tokens are refreshed elsewhere is over there
// too, and the fresh tokens go with it.
func TestEndedWhileAnotherReplicaRefreshes(t *testing.T) {
	engines(t, func(t *testing.T, database string) {
		w, b := newWorldOn(t, database), &browser{}
		w.logIn(b)
		other := w.replica()
		w.goTo.with(func() {
			w.goTo.intercept = func(http.ResponseWriter, *http.Request) bool {
				if err := other.SignOut(httptest.NewRecorder(), b.request("POST", "/"), other.session(b)); err != nil {
					t.Error(err)
				}
				return false
			}
		})
		w.pass(time.Hour)
		if _, err := w.token(b); !errors.Is(err, auth.ErrSessionEnded) {
			t.Fatal(err)
		}
		w.stop()
		w.Auth = nil
		w.goTo.with(func() {
			if len(w.goTo.revoked) != 2 {
				t.Errorf("revoked %v", w.goTo.revoked)
			}
		})
	})
}
