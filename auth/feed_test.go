package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portal/auth"
)

// askFeed starts a flow for a feed and returns the state and a code that GoTo
// has granted.
func (w *world) askFeed(b *browser) (state, code string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	location, err := w.ConnectFeed(rec, b.request("POST", "/settings/feed"), w.session(b), "/settings")
	if err != nil {
		w.t.Fatal(err)
	}
	b.take(rec)
	u, err := url.Parse(location)
	if err != nil {
		w.t.Fatal(err)
	}
	code = "canary-code-" + u.Query().Get("state")[:8]
	w.goTo.with(func() { w.goTo.codes[code] = u.Query().Get("code_challenge") })
	return u.Query().Get("state"), code
}

// connectFeed does the whole walk and returns the feed's address, "" when it
// stays the same.
func (w *world) connectFeed(b *browser) string {
	w.t.Helper()
	state, code := w.askFeed(b)
	before := b.sid()
	result, _, err := w.callback(b, url.Values{"state": {state}, "code": {code}})
	if err != nil || !result.ForFeed || result.Session != nil || result.ReturnTo != "/settings" {
		w.t.Fatalf("%+v, %v", result, err)
	}
	if b.sid() != before {
		w.t.Error("the browser has another session now")
	}
	return result.FeedAddress.Reveal()
}

func (w *world) feed(address string) *auth.Feed {
	w.t.Helper()
	f, err := w.Feed(w.t.Context(), address)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// feedToken is the feed's access token, which has to be good.
func (w *world) feedToken(address string) string {
	w.t.Helper()
	f := w.feed(address)
	if f == nil || f.Over() {
		w.t.Fatal("no feed, or its grant is over")
	}
	token, _, err := f.AccessToken(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func (w *world) revoked() []string {
	w.t.Helper()
	if err := w.Close(w.t.Context()); err != nil { // what goes on behind the answers
		w.t.Fatal(err)
	}
	w.restart()
	w.goTo.mu.Lock()
	defer w.goTo.mu.Unlock()
	return slices.Clone(w.goTo.revoked)
}

func TestAFeedAndASessionDoNotEndEachOther(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	sessions, err := w.token(b)
	if err != nil {
		t.Fatal(err)
	}
	address := w.connectFeed(b)
	feeds := w.feedToken(address)
	if feeds == sessions || feeds != w.current() {
		t.Fatal("the feed has the session's token")
	}
	f := w.feed(address)
	if u := f.User(); u.UserKey != ada().UserKey || u.TimeZone != "Europe/Berlin" || f.UserRef() != w.session(b).UserRef() {
		t.Errorf("the feed is %+v's", u)
	}
	w.restart()
	if w.feedToken(address) != feeds {
		t.Error("another token after a restart")
	}
	// Signing out, here and everywhere, leaves the feed alone.
	other := &browser{}
	w.logIn(other)
	if err := w.SignOut(httptest.NewRecorder(), b.request("POST", "/"), w.session(b)); err != nil {
		t.Fatal(err)
	}
	if err := w.EndSessions(httptest.NewRecorder(), other.request("POST", "/"), w.session(other)); err != nil {
		t.Fatal(err)
	}
	if w.feedToken(address) != feeds {
		t.Error("signing out has changed the feed")
	}
	// Revoking it leaves the sessions alone.
	w.logIn(b)
	was := w.current()
	if ok, err := w.RevokeFeed(t.Context(), w.session(b)); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if w.feed(address) != nil {
		t.Error("the feed is still there")
	}
	if ok, err := w.RevokeFeed(t.Context(), w.session(b)); err != nil || ok {
		t.Error("revoked twice", err)
	}
	if token, err := w.token(b); err != nil || token != was {
		t.Error("the session is over", err)
	}
	if got := w.revoked(); len(got) != 2 || got[1] != "access_token "+feeds {
		t.Errorf("revoked at GoTo: %v", got)
	}
}

func TestDisconnectEndsTheFeed(t *testing.T) {
	w, b, bens := newWorld(t), &browser{}, &browser{}
	w.logIn(b)
	session := w.current()
	address := w.connectFeed(b)
	feeds := w.feedToken(address)
	w.is(auth.Identity{UserKey: "2", AccountKey: "77", Source: "admin"}, nil)
	w.logIn(bens)
	bensFeed := w.connectFeed(bens)

	w.store.failing(func(m string) error {
		if m == "DeleteUser" {
			return context.DeadlineExceeded
		}
		return nil
	})
	if err := w.Disconnect(httptest.NewRecorder(), b.request("POST", "/"), w.session(b)); !errors.Is(err, auth.ErrStore) {
		t.Fatal(err)
	}
	w.store.failing(nil)
	if w.session(b) == nil || w.feed(address) == nil {
		t.Fatal("half of it was done")
	}
	rec := httptest.NewRecorder()
	if err := w.Disconnect(rec, b.request("POST", "/"), w.session(b)); err != nil {
		t.Fatal(err)
	}
	if w.session(b) != nil || w.feed(address) != nil || !strings.Contains(rec.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Error("something is left")
	}
	if w.feed(bensFeed) == nil {
		t.Error("another user's feed is gone")
	}
	got := w.revoked()
	for _, token := range []string{session, feeds} {
		if !slices.Contains(got, "access_token "+token) {
			t.Errorf("not revoked: %s, of %v", token, got)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d tokens were revoked", len(got))
	}
}

func TestFeedRefreshInAllFourModes(t *testing.T) {
	for _, mode := range []string{"rotate", "same", "omit", "near_expiry"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w, b := newWorld(t), &browser{}
			w.goTo.with(func() { w.goTo.mode = mode })
			w.logIn(b)
			address := w.connectFeed(b)
			for i := range 6 {
				w.pass(time.Hour + time.Minute)
				var wg sync.WaitGroup
				for range 30 {
					wg.Go(func() {
						f, err := w.Feed(context.Background(), address)
						if err != nil || f == nil {
							t.Error("no feed", err)
							return
						}
						if token, _, err := f.AccessToken(context.Background()); err != nil || token != w.current() {
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

// Of two replicas one refreshes.
func TestFeedRefreshOnTwoReplicas(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	address := w.connectFeed(b)
	w.pass(2 * time.Hour)
	other := w.replica()
	var wg sync.WaitGroup
	for _, r := range []*world{w, other} {
		for range 10 {
			wg.Go(func() {
				f, err := r.Feed(context.Background(), address)
				if err != nil || f == nil {
					t.Error("no feed", err)
				} else if token, _, err := f.AccessToken(context.Background()); err != nil || token != w.current() {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if _, n := w.goTo.counts(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

// A grant that GoTo ends ends neither the address nor the session, and connecting
// the feed again is all there is to do.
func TestAFeedIsConnectedAgainAtItsAddress(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	address := w.connectFeed(b)
	first := w.feed(address)
	w.goTo.with(func() { clear(w.goTo.refresh) })
	w.pass(30 * time.Minute)
	if _, _, err := first.RenewToken(t.Context(), w.current()); !errors.Is(err, auth.ErrSessionEnded) {
		t.Fatal(err)
	}
	over := w.feed(address)
	if over == nil || !over.Over() {
		t.Fatal("the feed is gone, or goes on")
	}
	if _, _, err := over.AccessToken(t.Context()); !errors.Is(err, auth.ErrSessionEnded) {
		t.Error(err)
	}
	if own, err := w.FeedOf(t.Context(), w.session(b)); err != nil || own == nil || !own.Over() {
		t.Error("Settings do not know", err)
	}
	if got := w.connectFeed(b); got != "" {
		t.Errorf("another address")
	}
	if w.feedToken(address) != w.current() {
		t.Error("an old token")
	}
	if again := w.feed(address); !again.Created().Equal(first.Created()) {
		t.Error("it was made anew")
	}
	// One that is well can be connected again too: what it had is revoked.
	had := w.current()
	if w.connectFeed(b) != "" || w.feedToken(address) == had {
		t.Error("not connected anew")
	}
	if got := w.revoked(); !slices.Contains(got, "access_token "+had) {
		t.Errorf("revoked: %v", got)
	}
}

func TestAFeedIsForTheUserOfTheSession(t *testing.T) {
	ben := auth.Identity{UserKey: "2", AccountKey: "77", Source: "admin"}
	for name, change := range map[string]func(w *world, b *browser){
		"another user at GoTo":    func(w *world, _ *browser) { w.is(ben, nil) },
		"another account":         func(w *world, _ *browser) { u := ada(); u.AccountKey = "78"; w.is(u, nil) },
		"nobody at GoTo":          func(w *world, _ *browser) { w.is(auth.Identity{AccountKey: "77"}, nil) },
		"signed out meanwhile":    func(w *world, b *browser) { b.drop("__Host-sid") },
		"ended elsewhere":         func(w *world, b *browser) { _ = w.store.DeleteUserSessions(t.Context(), w.session(b).UserRef()) },
		"signed in as another":    func(w *world, b *browser) { w.is(ben, nil); w.logIn(b); w.is(ada(), nil) },
		"another user, both ways": func(w *world, b *browser) { w.is(ben, nil); w.logIn(b) },
	} {
		t.Run(name, func(t *testing.T) {
			w, b := newWorld(t, func(c *auth.Config) { c.AllowedAccounts = []string{"*"} }), &browser{}
			w.goTo.with(func() { w.goTo.extra = map[string]any{"principal": ""} })
			w.logIn(b)
			state, code := w.askFeed(b)
			change(w, b)
			result, _, err := w.callback(b, url.Values{"state": {state}, "code": {code}})
			if !errors.Is(err, auth.ErrOtherUser) || !result.ForFeed || !result.FeedAddress.IsZero() {
				t.Fatalf("%+v, %v", result, err)
			}
			granted := w.current()
			if rows, err := w.store.Feeds(t.Context()); err != nil || len(rows) != 0 {
				t.Errorf("%d feeds, %v", len(rows), err)
			}
			if got := w.revoked(); !slices.Contains(got, "access_token "+granted) {
				t.Errorf("what was granted is not given back: %v", got)
			}
		})
	}
}

func TestAFeedEndsWithItsAccount(t *testing.T) {
	w, b := newWorld(t, func(c *auth.Config) { c.AllowedAccounts = []string{"77"} }), &browser{}
	w.logIn(b)
	address := w.connectFeed(b)
	for _, tt := range []struct {
		allowed []string
		in      bool
	}{{[]string{"78"}, false}, {[]string{"78", "77"}, true}, {[]string{"*"}, true}, {nil, true}} {
		w.config.AllowedAccounts = tt.allowed
		w.restart()
		f, err := w.Feed(t.Context(), address)
		if (err == nil && f != nil) != tt.in || !tt.in && !errors.Is(err, auth.ErrNotAdmitted) {
			t.Errorf("%v: %v", tt.allowed, err)
		}
	}
	if _, _, pinned, err := w.PinnedAccount(t.Context()); pinned || err != nil {
		t.Error("a calendar has pinned the account", err)
	}
	u := ada()
	u.AccountKey = "78"
	w.is(u, nil)
	w.logIn(&browser{}) // pins
	if _, err := w.Feed(t.Context(), address); !errors.Is(err, auth.ErrNotAdmitted) {
		t.Errorf("another account is pinned: %v", err)
	}
}

func TestFeedKeysRotate(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	address := w.connectFeed(b)
	w.is(auth.Identity{UserKey: "2", AccountKey: "77", Source: "admin"}, nil)
	bens := &browser{}
	w.logIn(bens)
	over := w.connectFeed(bens)
	w.goTo.with(func() { clear(w.goTo.refresh) })
	if _, _, err := w.feed(over).RenewToken(t.Context(), w.current()); !errors.Is(err, auth.ErrSessionEnded) {
		t.Fatal(err)
	}
	w.is(ada(), nil)
	token := w.feedToken(address)
	old := w.config.Keys
	for range 3 {
		fresh := keys(t, 1)
		w.config.Keys = append(fresh, old...)
		w.restart()
		w.config.Keys, old = fresh, fresh
		w.restart()
		if w.feedToken(address) != token {
			t.Fatal("another token after the key was changed")
		}
		if f := w.feed(over); f == nil || !f.Over() {
			t.Fatal("a feed without tokens is gone, or goes on")
		}
	}
	// Without the key it was sealed with, it waits to be connected again.
	w.config.Keys = keys(t, 1)
	w.restart()
	if f := w.feed(address); f == nil || !f.Over() {
		t.Fatal("opened without its key")
	}
	w.logIn(b)
	if w.connectFeed(b) != "" || w.feedToken(address) != w.current() {
		t.Error("not connected again")
	}
}

// What a refresh in another replica stores while a start seals all rows anew is
// not lost, and is sealed anew too.
func TestResealingMeetsARefresh(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	address := w.connectFeed(b)
	other := w.replica()
	old := w.config.Keys
	w.config.Keys = append(keys(t, 1), old...)
	met := false
	meeting := &flaky{Store: w.store.Store}
	meeting.failing(func(m string) error {
		if m == "SaveFeed" && !met {
			met = true
			f, err := other.Feed(t.Context(), address)
			if err == nil {
				_, _, err = f.RenewToken(t.Context(), w.current())
			}
			return err
		}
		return nil
	})
	config := w.config
	config.Store = meeting
	a, err := auth.New(config)
	if err != nil || !met {
		t.Fatal(met, err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.config.Keys = w.config.Keys[:1]
	w.restart()
	if w.feedToken(address) != w.current() {
		t.Error("the fresh token is lost")
	}
}

// An address is understood in the one way it is written, and found by its hash.
func TestFeedAddresses(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	address := w.connectFeed(b)
	if raw, err := base64.RawURLEncoding.DecodeString(address); err != nil || len(raw) != 32 {
		t.Fatalf("an address of %d bytes, %v", len(raw), err)
	}
	rows, err := w.store.Feeds(t.Context())
	if err != nil || len(rows) != 1 {
		t.Fatal(len(rows), err)
	}
	last := address[:42] + string(rune(address[42])+1)
	for _, wrong := range []string{"", "x", rows[0].IDHash, address + "A", address[:42], address[:20] + "\n" + address[20:], address + "=", " " + address, last, strings.ToUpper(address), strings.Repeat("A", 43)} {
		if w.feed(wrong) != nil {
			t.Errorf("%q opens the feed", wrong)
		}
	}
	// It is noted once an hour that the feed is used.
	used := func() time.Time {
		t.Helper()
		own, err := w.FeedOf(t.Context(), w.session(b))
		if err != nil {
			t.Fatal(err)
		}
		return own.LastUsed()
	}
	if !used().IsZero() {
		t.Error("used before anybody asked")
	}
	w.feed(address)
	first := used()
	w.pass(59 * time.Minute)
	w.feed(address)
	if first.IsZero() || !used().Equal(first) {
		t.Errorf("used at %s and at %s", first, used())
	}
	w.pass(2 * time.Minute)
	w.feed(address)
	if got := used().Sub(first); got != 61*time.Minute {
		t.Errorf("an hour later: %s", got)
	}
	// Neither the database nor the log can tell the address or a token.
	w.stop()
	w.Auth = nil
	database, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{address, "canary-"} {
		if strings.Contains(string(database), secret) || strings.Contains(w.log.String(), secret) {
			t.Errorf("%q is in the database or in the log", secret)
		}
	}
}
