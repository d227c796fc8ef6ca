package auth_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portal/auth"
)

// own lists the sessions of whom b belongs to.
func (w *world) own(b *browser) []auth.OwnSession {
	w.t.Helper()
	list, err := w.Sessions(w.t.Context(), w.session(b))
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func TestListOfOnesSessions(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Idle = time.Hour })
	laptop, phone, idle, ben := &browser{}, &browser{}, &browser{}, &browser{}
	idle.agent = "curl/8.0"
	w.logIn(idle)
	w.pass(30 * time.Minute)
	laptop.agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	w.logIn(laptop)
	created := w.now
	w.pass(20 * time.Minute)
	phone.agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
	w.logIn(phone)
	seen := w.now
	if list := w.own(laptop); len(list) != 3 {
		t.Errorf("%+v", list)
	}
	w.pass(15 * time.Minute) // idle's hour is over
	who := ada()
	who.UserKey = "2"
	w.is(who, nil)
	w.logIn(ben)
	want := []auth.OwnSession{
		{ID: w.session(laptop).ID(), Browser: "Firefox on Windows", Created: created, LastSeen: created, Current: true},
		{ID: w.session(phone).ID(), Browser: "Safari on iPhone", Created: seen, LastSeen: seen},
	}
	if list := w.own(laptop); !slices.Equal(list, want) {
		t.Errorf("%+v", list)
	}
	if list := w.own(ben); len(list) != 1 {
		t.Errorf("ben sees %+v", list)
	}
	if n := count(t, w, "SELECT count(*) FROM sessions WHERE browser LIKE '%Mozilla%' OR browser LIKE '%140%'"); n != 0 {
		t.Error("the raw User-Agent is stored")
	}
	s := w.session(laptop)
	w.store.failing(func(string) error { return errors.New("down") })
	if _, err := w.Sessions(t.Context(), s); !errors.Is(err, auth.ErrStore) {
		t.Error(err)
	}
}

// A session that is ended is over at once, on every replica, also for a request
// that has it loaded and for a refresh under way.
func TestEndingOnesSessions(t *testing.T) {
	engines(t, func(t *testing.T, database string) {
		w := newWorldOn(t, database)
		other := w.replica()
		here, there, third, ben := &browser{}, &browser{}, &browser{}, &browser{}
		for _, b := range []*browser{here, there, third} {
			w.logIn(b)
		}
		who := ada()
		who.UserKey = "2"
		w.is(who, nil)
		w.logIn(ben)
		end := func(b *browser, id string, want bool) {
			t.Helper()
			if ok, err := w.EndSession(t.Context(), w.session(b), id); err != nil || ok != want {
				t.Errorf("%v, %v", ok, err)
			}
		}
		loaded := other.session(there)
		id := loaded.ID()
		end(ben, id, false)
		if other.session(there) == nil {
			t.Fatal("somebody else ended it")
		}
		end(here, id, true)
		if other.session(there) != nil {
			t.Error("still open on another replica")
		}
		if _, _, err := loaded.AccessToken(t.Context()); !errors.Is(err, auth.ErrSessionEnded) {
			t.Errorf("whoever has it loaded gets a token: %v", err)
		}
		end(here, id, false)
		end(here, "no id", false)

		if other.session(third) == nil {
			t.Error("more than one was ended")
		}
		kept := &browser{names: slices.Clone(here.names), values: map[string]*http.Cookie{"__Host-sid": here.values["__Host-sid"]}}
		rec := httptest.NewRecorder()
		if err := w.EndSessions(rec, here.request("POST", "/"), w.session(here)); err != nil {
			t.Fatal(err)
		}
		here.take(rec)
		if here.sid() != "" || other.session(kept) != nil || other.session(third) != nil || other.session(ben) == nil {
			t.Error("not exactly one's own sessions went")
		}
		w.stop()
		w.Auth = nil
		if len(w.goTo.revoked) != 0 {
			t.Errorf("revoked %v", w.goTo.revoked)
		}
	})
}

func TestFiftySessionsAUser(t *testing.T) {
	w := newWorld(t)
	browsers := make([]*browser, 51)
	for i := range browsers {
		browsers[i] = &browser{}
		w.logIn(browsers[i])
		w.pass(time.Minute)
		if i == 49 { // the first is seen again
			r := browsers[0].request("GET", "/")
			s, err := w.Session(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Save(httptest.NewRecorder(), r, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(w.own(browsers[0])); n != 50 {
		t.Errorf("%d sessions", n)
	}
	if w.session(browsers[1]) != nil || w.session(browsers[2]) == nil || w.session(browsers[50]) == nil {
		t.Error("not the one longest unseen went")
	}
}

// Each character of a cookie counts.
func TestTamperedCookie(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	good := b.sid()
	for i := range good {
		for _, c := range []string{"A", "b", "-", ".", "=", "", "AA"} {
			if c == good[i:i+1] {
				continue
			}
			b.values["__Host-sid"].Value = good[:i] + c + good[i+1:]
			if w.session(b) != nil {
				t.Errorf("opened with %q for %q at %d", c, good[i], i)
			}
		}
	}
	b.values["__Host-sid"].Value = good
	if w.session(b) == nil {
		t.Error("forged cookies ended the session")
	}
}

// Two replicas under load get a new key twice, each time one after the other:
// first to open with, then to seal with. Nobody is logged out, and once every
// session was used the old keys open nothing that is needed.
func TestKeysRotateUnderLoad(t *testing.T) {
	engines(t, func(t *testing.T, database string) {
		k := keys(t, 3)
		w := newWorldOn(t, database, func(c *auth.Config) { c.Keys = k[:1] })
		browsers := make([]*browser, 4)
		for i := range browsers {
			browsers[i] = &browser{}
			w.logIn(browsers[i])
		}
		var replicas [2]atomic.Pointer[auth.Auth]
		swap := func(i int, keys ...auth.Key) {
			config := w.config
			config.Keys = keys
			next, err := auth.New(config)
			if err != nil {
				t.Error(err)
				return
			}
			if old := replicas[i].Swap(next); old != nil {
				if err := old.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
		request := func(b *browser) {
			a, r := replicas[rand.N(len(replicas))].Load(), b.request("GET", "/")
			s, err := a.Session(r)
			if err != nil || s == nil {
				t.Errorf("logged out: %v", err)
				return
			}
			// One that is being replaced refuses to refresh and says so.
			if _, _, err := s.AccessToken(t.Context()); err != nil && !strings.Contains(err.Error(), "stopping") {
				t.Error(err)
			}
			if rand.N(3) == 0 {
				s.Notify(auth.Notice{Kind: auth.Info, Text: "x"})
			}
			if err := a.Save(httptest.NewRecorder(), r, s); err != nil {
				t.Error(err)
			}
		}
		load := func(swaps func()) {
			var wg sync.WaitGroup
			for _, b := range browsers {
				for range 5 {
					wg.Go(func() { request(b) })
				}
			}
			wg.Go(swaps)
			wg.Wait()
			w.pass(25 * time.Minute)
		}
		swap(0, k[0])
		swap(1, k[0])
		for _, order := range [][]auth.Key{{k[0], k[1]}, {k[1], k[0]}, {k[1], k[0], k[2]}, {k[2], k[1], k[0]}} {
			for i := range replicas {
				load(func() { swap(i, order...) })
			}
		}
		w.pass(time.Hour)
		for _, b := range browsers { // is touched, and its token refreshed
			request(b)
		}
		if n := count(t, w, fmt.Sprintf("SELECT count(*) FROM sessions WHERE key_id <> '%[1]s' OR tokens_key_id <> '%[1]s'", keyID(t, w))); n != 0 {
			t.Errorf("%d of %d sessions still need an old key", n, len(browsers))
		}
		for i := range replicas {
			load(func() { swap(i, k[2]) })
		}
		for i := range replicas {
			swap(i, k[2])
		}
	})
}

// keyID is the id of the key that sealed last.
func keyID(t *testing.T, w *world) (id string) {
	t.Helper()
	db := behind(t, w)
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "SELECT key_id FROM sessions ORDER BY last_seen DESC, version DESC LIMIT 1").Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// A session that is only looked at moves to the first key all the same.
func TestTouchedSessionMovesToTheFirstKey(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	w.config.Keys = append(keys(t, 1), w.config.Keys...)
	w.restart()
	before := keyID(t, w)
	visit := func() {
		t.Helper()
		r := b.request("GET", "/")
		s, err := w.Session(r)
		if err != nil || s == nil {
			t.Fatal("logged out", err)
		}
		if err := w.Save(httptest.NewRecorder(), r, s); err != nil {
			t.Fatal(err)
		}
	}
	visit()
	if keyID(t, w) != before {
		t.Error("written within the minute")
	}
	w.pass(time.Minute)
	visit()
	if keyID(t, w) == before {
		t.Error("still sealed by the old key")
	}
}
