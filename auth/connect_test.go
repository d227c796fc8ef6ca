package auth_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portal/auth"
)

func TestConnect(t *testing.T) {
	w, b := newWorld(t), &browser{}
	rec := httptest.NewRecorder()
	location, err := w.Connect(rec, b.request("GET", "/auth/connect"), "/meetings?q=x")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, w.goTo.URL+"/authorize?") {
		t.Fatalf("%s, %v", location, err)
	}
	q := u.Query()
	for key, want := range map[string]string{
		"response_type": "code", "client_id": clientID, "code_challenge_method": "S256",
		"redirect_uri": "https://portal.example.test/meet/auth/callback", "scope": "",
	} {
		if got := q.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if len(q.Get("state")) != 43 || len(q.Get("code_challenge")) != 43 {
		t.Errorf("state %q, challenge %q", q.Get("state"), q.Get("code_challenge"))
	}
	c := rec.Result().Cookies()[0]
	if !strings.HasPrefix(c.Name, "__Host-connect-") || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 {
		t.Errorf("cookie %+v", c)
	}
	if strings.Contains(location, "meetings") || strings.Contains(c.Value, q.Get("state")) {
		t.Error("the return path or the state left the server where it should not")
	}
}

func TestLogIn(t *testing.T) {
	w, b := newWorld(t), &browser{}
	state, code := w.connect(b, "/meetings?q=x")
	result, rec, err := w.callback(b, url.Values{"state": {state}, "code": {code}})
	if err != nil {
		t.Fatal(err)
	}
	if result.ReturnTo != "/meetings?q=x" || result.User.Name() != "Ada Admin" || result.User.AccountKey != "77" {
		t.Errorf("%+v", result)
	}
	if !slices.Equal(result.User.Scopes, []string{"collab:", "identity:"}) || result.User.MissingIdentityScope {
		t.Errorf("scopes %v", result.User.Scopes)
	}
	var sid *http.Cookie
	for _, c := range rec.Result().Cookies() {
		if c.Name == "__Host-sid" {
			sid = c
		}
	}
	if sid == nil || !sid.HttpOnly || !sid.Secure || sid.SameSite != http.SameSiteLaxMode || sid.Path != "/" || sid.Domain != "" || len(sid.String()) > 250 {
		t.Fatalf("cookie %+v", sid)
	}
	if len(b.names) != 1 {
		t.Errorf("cookies left over: %v", b.names)
	}
	result.Session.Notify(auth.Notice{Kind: auth.Success, Text: "Connected."})
	if err := w.Save(httptest.NewRecorder(), b.request("GET", "/"), result.Session); err != nil {
		t.Fatal(err)
	}
	s := w.session(b)
	if s == nil || s.User().UserKey != ada().UserKey || s.ID() != result.Session.ID() {
		t.Fatalf("%+v", s)
	}
	if n := s.TakeNotices(); len(n) != 1 || n[0].Text != "Connected." {
		t.Errorf("notices %+v", n)
	}
	if token, issued, err := s.AccessToken(t.Context()); err != nil || token != w.current() || !issued.Equal(w.now) {
		t.Errorf("%v, %v", issued, err)
	}
}

func TestPlainHTTPCookies(t *testing.T) {
	w, b := newWorld(t, func(c *auth.Config) { c.PublicURL, _ = url.Parse("http://localhost:8080") }), &browser{}
	w.logIn(b)
	c := b.values["sid"]
	if c == nil || c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
		t.Fatalf("cookie %+v", c)
	}
	if w.session(b) == nil {
		t.Fatal("no session")
	}
}

func TestCallbackRefusals(t *testing.T) {
	answer := func(status int, kind, body string) func(*world) {
		return func(w *world) {
			w.goTo.with(func() {
				w.goTo.intercept = func(rw http.ResponseWriter, _ *http.Request) bool {
					rw.Header().Set("Content-Type", kind)
					rw.WriteHeader(status)
					_, _ = io.WriteString(rw, body)
					return true
				}
			})
		}
	}
	tests := []struct {
		name   string
		change func(q url.Values, b *browser)
		before func(w *world)
		want   error
	}{
		{"missing state", func(q url.Values, _ *browser) { q.Del("state") }, nil, auth.ErrState},
		{"wrong state", func(q url.Values, _ *browser) { q.Set("state", strings.Repeat("A", 43)) }, nil, auth.ErrState},
		{"short state", func(q url.Values, _ *browser) { q.Set("state", q.Get("state")[:42]) }, nil, auth.ErrState},
		{"two states", func(q url.Values, _ *browser) { q.Add("state", q.Get("state")) }, nil, auth.ErrState},
		{"no cookie", func(_ url.Values, b *browser) { *b = browser{} }, nil, auth.ErrState},
		{"another browser's cookie", func(_ url.Values, b *browser) { b.values[b.names[0]].Value = strings.Repeat("B", 43) }, nil, auth.ErrState},
		{"expired", nil, func(w *world) { w.pass(10 * time.Minute) }, auth.ErrState},
		{"no code", func(q url.Values, _ *browser) { q.Del("code") }, nil, auth.ErrState},
		{"two codes", func(q url.Values, _ *browser) { q.Add("code", "x") }, nil, auth.ErrState},
		{"denied", func(q url.Values, _ *browser) { q.Del("code"); q.Set("error", "access_denied") }, nil, auth.ErrDenied},
		{"denied by a forger", func(q url.Values, _ *browser) { q.Set("error", "access_denied"); q.Del("state") }, nil, auth.ErrState},
		{"GoTo is down", func(q url.Values, _ *browser) { q.Set("error", "temporarily_unavailable") }, nil, auth.ErrUnavailable},
		{"the client may not", func(q url.Values, _ *browser) { q.Set("error", "unauthorized_client") }, nil, auth.ErrClient},
		{"another code", func(q url.Values, _ *browser) { q.Set("code", "stolen") }, nil, auth.ErrRefused},
		{"code refused", nil, answer(400, "application/json", `{"error":"invalid_grant"}`), auth.ErrRefused},
		{"client refused", nil, answer(401, "application/json", `{"error":"invalid_client","error_description":"client not found"}`), auth.ErrClient},
		{"refused without a code", nil, answer(401, "text/plain", `no`), auth.ErrClient},
		{"500", nil, answer(500, "text/html", `<html>canary-upstream-text`), auth.ErrUnavailable},
		{"503 that says invalid_grant", nil, answer(503, "application/json", `{"error":"invalid_grant"}`), auth.ErrUnavailable},
		{"429", nil, answer(429, "application/json", `{"error":"invalid_request"}`), auth.ErrUnavailable},
		{"retired endpoint", nil, answer(410, "application/json", `{"message":"This endpoint is no longer valid"}`), auth.ErrUnavailable},
		{"redirect", nil, answer(302, "text/html", ``), auth.ErrUnavailable},
		{"200 with HTML", nil, answer(200, "text/html", `<html>canary-upstream-text`), auth.ErrUnavailable},
		{"200 without a token", nil, answer(200, "application/json", `{}`), auth.ErrUnavailable},
		{"200, truncated", nil, answer(200, "application/json", `{"access_token":"canary-acc`), auth.ErrUnavailable},
		{"200, wrong type", nil, answer(200, "application/json", `{"access_token":["canary-access"]}`), auth.ErrUnavailable},
		{"unreachable", nil, func(w *world) { w.goTo.CloseClientConnections(); w.goTo.Server.Close() }, auth.ErrUnavailable},
		{"nobody knows who", nil, func(w *world) { w.is(auth.Identity{}, errors.New("canary-upstream-text")) }, auth.ErrUnavailable},
		{"store down", nil, func(w *world) { w.store.failing(func(string) error { return errors.New("down") }) }, auth.ErrStore},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, b := newWorld(t), &browser{}
			state, code := w.connect(b, "/meetings/1")
			q := url.Values{"state": {state}, "code": {code}}
			if test.change != nil {
				test.change(q, b)
			}
			if test.before != nil {
				test.before(w)
			}
			result, _, err := w.callback(b, q)
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if result.Session != nil || b.sid() != "" {
				t.Error("a session all the same")
			}
			for _, secret := range []string{"canary", state, code} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows %s: %v", secret, err)
				}
			}
		})
	}
}

func TestCallbackWorksOnce(t *testing.T) {
	w, b := newWorld(t), &browser{}
	state, code := w.connect(b, "/")
	cookies := *b
	cookies.names = slices.Clone(b.names)
	cookies.values = map[string]*http.Cookie{b.names[0]: b.values[b.names[0]]}
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			r := cookies.request("GET", "/auth/callback?"+url.Values{"state": {state}, "code": {code}}.Encode())
			_, err := w.Callback(httptest.NewRecorder(), r)
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, auth.ErrState):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if exchanges, _ := w.goTo.counts(); won.Load() != 1 || exchanges != 1 {
		t.Fatalf("%d won, %d exchanges", won.Load(), exchanges)
	}
}

func TestTabsConnectAtOnce(t *testing.T) {
	w, b := newWorld(t), &browser{}
	type flow struct{ state, code string }
	var flows []flow
	for range 6 {
		state, code := w.connect(b, "/")
		flows = append(flows, flow{state, code})
	}
	if len(b.names) != 5 {
		t.Fatalf("%d flow cookies", len(b.names))
	}
	for i, f := range flows {
		_, _, err := w.callback(b, url.Values{"state": {f.state}, "code": {f.code}})
		if i == 0 && !errors.Is(err, auth.ErrState) || i > 0 && err != nil {
			t.Errorf("flow %d: %v", i, err)
		}
	}
}

// A new log-in gets a new id, and the one before works no more.
func TestLogInAgainReplaces(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	old := browser{names: slices.Clone(b.names), values: map[string]*http.Cookie{"__Host-sid": b.values["__Host-sid"]}}
	w.logIn(b)
	if old.sid() == b.sid() || w.session(b) == nil {
		t.Fatal("the id was kept, or the new one does not work")
	}
	if w.session(&old) != nil {
		t.Fatal("the old session still works")
	}
}

// An id that the portal did not hand out is never adopted: fixation.
func TestUnknownIDIsNotAdopted(t *testing.T) {
	w := newWorld(t)
	planted := "v1." + strings.Repeat("A", 22) + "." + strings.Repeat("A", 43)
	b := &browser{names: []string{"__Host-sid"}, values: map[string]*http.Cookie{"__Host-sid": {Value: planted}}}
	if s := w.session(b); s != nil {
		t.Fatal("a session out of nothing")
	}
	w.logIn(b)
	if b.sid() == planted {
		t.Fatal("the planted id was adopted")
	}
	if w.session(&browser{names: []string{"__Host-sid"}, values: map[string]*http.Cookie{"__Host-sid": {Value: planted}}}) != nil {
		t.Fatal("the planted id became a session")
	}
}

func TestAdmission(t *testing.T) {
	person := func(account string) auth.Identity {
		i := ada()
		i.AccountKey = account
		return i
	}
	unscoped := auth.Identity{UserKey: "5", Source: "scim", MissingIdentityScope: true}
	tests := []struct {
		name    string
		allowed []string
		people  []auth.Identity
		admit   []bool
		missing bool
	}{
		{"the first is pinned", nil, []auth.Identity{person("77"), person("88"), person("77")}, []bool{true, false, true}, false},
		{"listed", []string{"88", "99"}, []auth.Identity{person("77"), person("88"), person("99")}, []bool{false, true, true}, false},
		{"any", []string{"*"}, []auth.Identity{person("77"), person("88"), unscoped}, []bool{true, true, true}, false},
		{"unknown is not pinned", nil, []auth.Identity{unscoped, person("77")}, []bool{false, true}, true},
		{"unknown is not listed", []string{"77", ""}, []auth.Identity{unscoped}, []bool{false}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *auth.Config) { c.AllowedAccounts = test.allowed })
			for i, who := range test.people {
				w.is(who, nil)
				w.goTo.with(func() { w.goTo.revoked = nil })
				b := &browser{}
				state, code := w.connect(b, "/")
				_, _, err := w.callback(b, url.Values{"state": {state}, "code": {code}})
				if admitted := err == nil; admitted != test.admit[i] {
					t.Fatalf("%d: %v", i, err)
				}
				if err == nil {
					continue
				}
				e, ok := errors.AsType[*auth.NotAdmittedError](err)
				if !ok || !errors.Is(err, auth.ErrNotAdmitted) || e.AccountKey != who.AccountKey || (e.MissingScope == "identity:") != test.missing {
					t.Errorf("%d: %+v", i, err)
				}
			}
		})
	}
}

func TestPinnedAccountIsNamed(t *testing.T) {
	w := newWorld(t)
	if _, _, ok, err := w.PinnedAccount(t.Context()); ok || err != nil {
		t.Fatal(ok, err)
	}
	w.logIn(&browser{})
	key, name, ok, err := w.PinnedAccount(t.Context())
	if key != "77" || name != "Example" || !ok || err != nil {
		t.Fatal(key, name, ok, err)
	}
	w.stop()
	if !strings.Contains(w.log.String(), `"account":"77","name":"Example"`) {
		t.Error("the log does not name it")
	}
	w.Auth = nil
}

// Whom the admin service does not name, the token reply may.
func TestIdentityFromTheTokenReply(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.is(auth.Identity{}, errors.New("down"))
	w.goTo.with(func() {
		w.goTo.extra = map[string]any{"organizer_key": "12345", "account_key": "77", "email": "old@example.test", "firstName": "Old", "lastName": "Timer", "scope": "collab:"}
		w.goTo.expiresIn = "3600"
	})
	u := w.logIn(b).User
	if u.UserKey != "12345" || u.AccountKey != "77" || u.Name() != "Old Timer" || u.Email != "old@example.test" || u.Source != "token" || !u.MissingIdentityScope {
		t.Fatalf("%+v", u)
	}
	w.pass(59 * time.Minute)
	if token, err := w.token(b); err != nil || token == "" {
		t.Fatal(err)
	}
}

func TestNames(t *testing.T) {
	for want, who := range map[string]auth.Identity{
		"Ada Admin": {FirstName: "Ada", LastName: "Admin"}, "Ada": {FirstName: "Ada"}, "Admin": {LastName: "Admin"},
		"a@example.test": {Email: "a@example.test", UserKey: "1"}, "1": {UserKey: "1"},
	} {
		if got := who.Name(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestReturnPathIsCheckedAtConnect(t *testing.T) {
	w, b := newWorld(t), &browser{}
	state, code := w.connect(b, "https://evil.example.test/")
	result, _, err := w.callback(b, url.Values{"state": {state}, "code": {code}})
	if err != nil || result.ReturnTo != "/" {
		t.Fatal(result.ReturnTo, err)
	}
}

func TestUnconfigured(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Client = auth.ClientCredentials{} })
	_, err := w.Connect(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), "/")
	if !errors.Is(err, auth.ErrNotConfigured) {
		t.Fatal(err)
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*auth.Config){
		"store": func(c *auth.Config) { c.Store = nil }, "key": func(c *auth.Config) { c.Keys = nil },
		"public URL": func(c *auth.Config) { c.PublicURL = nil }, "token URL": func(c *auth.Config) { c.TokenURL = "" },
		"identify": func(c *auth.Config) { c.Identify = nil }, "together": func(c *auth.Config) { c.Client.Secret = auth.Secret{} },
	} {
		c := w.config
		change(&c)
		if _, err := auth.New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := fmt.Sprint(w.RedirectURI()); got != "https://portal.example.test/meet/auth/callback" {
		t.Error(got)
	}
}
