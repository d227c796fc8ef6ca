package auth_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"portal/auth"
	"portal/store"
)

const (
	clientID     = "the-client"
	clientSecret = "canary-client-secret"
)

// fakeGoTo is the little of GoTo's sign-in service that these tests need. It
// is strict where GoTo is said to be, and counts.
type fakeGoTo struct {
	*httptest.Server // in a bubble it has nothing but a URL
	handler          http.Handler
	mu               sync.Mutex
	mode             string            // rotate, same, omit, near_expiry
	codes            map[string]string // code -> PKCE challenge
	refresh          map[string]bool   // refresh tokens that work
	access           string            // the access token handed out last
	extra            map[string]any    // further fields of a reply
	expiresIn        any
	padding          string // makes access tokens long
	serial           int
	exchanges        int
	refreshes        int
	revoked          []string
	intercept        func(w http.ResponseWriter, r *http.Request) bool // true: answered
}

func newFakeGoTo() *fakeGoTo {
	g := &fakeGoTo{mode: "rotate", codes: map[string]string{}, refresh: map[string]bool{}, expiresIn: 3600}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", g.token)
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if id, secret, _ := r.BasicAuth(); id == clientID && secret == clientSecret {
			g.revoked = append(g.revoked, r.PostFormValue("token_type_hint")+" "+r.PostFormValue("token"))
		}
	})
	g.handler = mux
	return g
}

// RoundTrip answers without a network, which a bubble of fake time cannot wait
// for. The answer of a call that intercept loses does not arrive.
func (g *fakeGoTo) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	answer := make(chan *http.Response, 1)
	go func() {
		rec := httptest.NewRecorder()
		g.handler.ServeHTTP(rec, r.WithContext(context.WithoutCancel(r.Context())))
		answer <- rec.Result()
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case res := <-answer:
		if res.Header.Get(lost) != "" {
			return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		}
		return res, nil
	}
}

// lost is a header that intercept sets on an answer that shall get lost.
const lost = "Lost"

func (g *fakeGoTo) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	intercept := g.intercept
	if r.PostFormValue("grant_type") == "refresh_token" {
		g.refreshes++
	} else {
		g.exchanges++
	}
	g.mu.Unlock()
	if intercept != nil && intercept(w, r) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if id, secret, _ := r.BasicAuth(); id != clientID || secret != clientSecret {
		refuse(w, 401, "invalid_client")
		return
	}
	refresh := ""
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		challenge, ok := g.codes[r.PostFormValue("code")]
		delete(g.codes, r.PostFormValue("code"))
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != challenge {
			refuse(w, 400, "invalid_grant")
			return
		}
		refresh = g.newRefresh()
	case "refresh_token":
		old := r.PostFormValue("refresh_token")
		if !g.refresh[old] {
			refuse(w, 400, "invalid_grant")
			return
		}
		switch g.mode {
		case "rotate", "near_expiry":
			if g.mode == "rotate" || g.refreshes%2 == 0 {
				delete(g.refresh, old)
				refresh = g.newRefresh()
			} else {
				refresh = old
			}
		case "same":
			refresh = old
		case "omit":
		}
	default:
		refuse(w, 400, "unsupported_grant_type")
		return
	}
	g.serial++
	g.access = fmt.Sprintf("canary-access-%d%s", g.serial, g.padding)
	reply := map[string]any{"access_token": g.access, "token_type": "Bearer", "expires_in": g.expiresIn, "scope": "collab: identity:", "principal": "ada@example.test"}
	if refresh != "" {
		reply["refresh_token"] = refresh
	}
	maps.Copy(reply, g.extra)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(reply)
}

func (g *fakeGoTo) newRefresh() string {
	g.serial++
	token := fmt.Sprintf("canary-refresh-%d", g.serial)
	g.refresh[token] = true
	return token
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":%q,"error_description":"canary-upstream-text"}`, code)
}

// with changes the fake under its lock.
func (g *fakeGoTo) with(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

func (g *fakeGoTo) counts() (exchanges, refreshes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.exchanges, g.refreshes
}

// flaky is a real store that fails when told to.
type flaky struct {
	auth.Store
	mu   sync.Mutex
	fail func(method string) error
}

func (f *flaky) failing(fail func(method string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *flaky) check(method string) error {
	f.mu.Lock()
	fail := f.fail
	f.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(method) // which may block
}

func (f *flaky) Session(ctx context.Context, idHash string) (auth.SessionRow, bool, error) {
	if err := f.check("Session"); err != nil {
		return auth.SessionRow{}, false, err
	}
	return f.Store.Session(ctx, idHash)
}

func (f *flaky) SaveSession(ctx context.Context, row auth.SessionRow, from int64) (bool, error) {
	if err := f.check("SaveSession"); err != nil {
		return false, err
	}
	return f.Store.SaveSession(ctx, row, from)
}

func (f *flaky) TouchSession(ctx context.Context, idHash string, seen, idle time.Time) error {
	if err := f.check("TouchSession"); err != nil {
		return err
	}
	return f.Store.TouchSession(ctx, idHash, seen, idle)
}

func (f *flaky) CountWrite(ctx context.Context, userRef, idHash string) (int64, error) {
	if err := f.check("CountWrite"); err != nil {
		return 0, err
	}
	return f.Store.CountWrite(ctx, userRef, idHash)
}

func (f *flaky) Tokens(ctx context.Context, g auth.Grant) (auth.TokensRow, bool, error) {
	if err := f.check("Tokens"); err != nil {
		return auth.TokensRow{}, false, err
	}
	return f.Store.Tokens(ctx, g)
}

func (f *flaky) TakeLease(ctx context.Context, g auth.Grant, holder string, ttl time.Duration) (auth.Lease, bool, error) {
	if err := f.check("TakeLease"); err != nil {
		return auth.Lease{}, false, err
	}
	return f.Store.TakeLease(ctx, g, holder, ttl)
}

func (f *flaky) RenewLease(ctx context.Context, l auth.Lease, ttl time.Duration) (bool, error) {
	if err := f.check("RenewLease"); err != nil {
		return false, err
	}
	return f.Store.RenewLease(ctx, l, ttl)
}

func (f *flaky) DropLease(ctx context.Context, l auth.Lease) error {
	if err := f.check("DropLease"); err != nil {
		return err
	}
	return f.Store.DropLease(ctx, l)
}

func (f *flaky) SwapTokens(ctx context.Context, l auth.Lease, t auth.TokensRow, from int64) (bool, error) {
	if err := f.check("SwapTokens"); err != nil {
		return false, err
	}
	return f.Store.SwapTokens(ctx, l, t, from)
}

func (f *flaky) EndGrant(ctx context.Context, l auth.Lease, version int64) (bool, error) {
	if err := f.check("EndGrant"); err != nil {
		return false, err
	}
	return f.Store.EndGrant(ctx, l, version)
}

func (f *flaky) DeleteSession(ctx context.Context, idHash string) error {
	if err := f.check("DeleteSession"); err != nil {
		return err
	}
	return f.Store.DeleteSession(ctx, idHash)
}

func (f *flaky) UserSessions(ctx context.Context, user string) ([]auth.SessionRow, error) {
	if err := f.check("UserSessions"); err != nil {
		return nil, err
	}
	return f.Store.UserSessions(ctx, user)
}

func (f *flaky) DeleteUserSession(ctx context.Context, user, idHash string) (bool, error) {
	if err := f.check("DeleteUserSession"); err != nil {
		return false, err
	}
	return f.Store.DeleteUserSession(ctx, user, idHash)
}

func (f *flaky) DeleteUserSessions(ctx context.Context, user string) error {
	if err := f.check("DeleteUserSessions"); err != nil {
		return err
	}
	return f.Store.DeleteUserSessions(ctx, user)
}

func (f *flaky) DeleteUser(ctx context.Context, user string) (auth.FeedRow, bool, error) {
	if err := f.check("DeleteUser"); err != nil {
		return auth.FeedRow{}, false, err
	}
	return f.Store.DeleteUser(ctx, user)
}

func (f *flaky) SaveFeed(ctx context.Context, row auth.FeedRow, from int64) (bool, error) {
	if err := f.check("SaveFeed"); err != nil {
		return false, err
	}
	return f.Store.SaveFeed(ctx, row, from)
}

func (f *flaky) TakeFlow(ctx context.Context, state, browser string, now time.Time) (auth.FlowRow, bool, error) {
	if err := f.check("TakeFlow"); err != nil {
		return auth.FlowRow{}, false, err
	}
	return f.Store.TakeFlow(ctx, state, browser, now)
}

// world is an Auth with everything around it.
type world struct {
	*auth.Auth
	t      *testing.T
	goTo   *fakeGoTo
	store  *flaky
	path   string // of the SQLite file, or PostgreSQL's URL
	config auth.Config
	log    *bytes.Buffer

	mu    sync.Mutex
	now   time.Time
	who   auth.Identity
	whoIs error
}

func ada() auth.Identity {
	return auth.Identity{
		UserKey: "1000000000000000001", AccountKey: "77", AccountName: "Example", FirstName: "Ada", LastName: "Admin",
		Email: "ada@example.test", TimeZone: "Europe/Berlin", Locale: "en_US", Admin: true, Roles: []string{"SUPER_USER"}, Source: "admin",
	}
}

func newWorld(t *testing.T, change ...func(*auth.Config)) *world {
	t.Helper()
	return newWorldOn(t, filepath.Join(t.TempDir(), "portal.db"), change...)
}

func newWorldOn(t *testing.T, database string, change ...func(*auth.Config)) *world {
	t.Helper()
	g := newFakeGoTo()
	g.Server = httptest.NewServer(g.handler)
	t.Cleanup(g.Close)
	return makeWorld(t, g, database, change...)
}

// bubble runs a test in fake time, which passes when everybody waits.
func bubble(t *testing.T, test func(t *testing.T, w *world), change ...func(*auth.Config)) {
	path := filepath.Join(t.TempDir(), "portal.db")
	synctest.Test(t, func(t *testing.T) {
		g := newFakeGoTo()
		g.Server = &httptest.Server{URL: "http://goto.test"}
		change = append([]func(*auth.Config){func(c *auth.Config) { c.Now, c.HTTP = time.Now, &http.Client{Transport: g} }}, change...)
		test(t, makeWorld(t, g, path, change...))
	})
}

func makeWorld(t *testing.T, g *fakeGoTo, database string, change ...func(*auth.Config)) *world {
	t.Helper()
	w := &world{t: t, goTo: g, path: database, log: &bytes.Buffer{}, who: ada(), now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	public, _ := url.Parse("https://portal.example.test/meet")
	w.config = auth.Config{
		Keys: keys(t, 1), PublicURL: public,
		AuthURL: g.URL + "/authorize", TokenURL: g.URL + "/token", RevokeURL: g.URL + "/revoke",
		Client: auth.ClientCredentials{ID: clientID, Secret: auth.NewSecret(clientSecret)},
		Log:    slog.New(slog.NewJSONHandler(&locked{w: w.log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: func() time.Time {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.now
		},
		Identify: func(_ context.Context, token string) (auth.Identity, error) {
			if !strings.HasPrefix(token, "canary-access-") {
				t.Errorf("asked with the token %q", token)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.who, w.whoIs
		},
	}
	for _, c := range change {
		c(&w.config)
	}
	w.restart()
	return w
}

// replica is another process of the same portal: its own store and its own
// Auth on the same database.
func (w *world) replica() *world {
	w.t.Helper()
	other := &world{t: w.t, goTo: w.goTo, path: w.path, config: w.config, log: w.log}
	other.restart()
	return other
}

// restart closes everything and opens the same database again.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	s, err := store.Open(w.t.Context(), w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	w.store = &flaky{Store: s}
	w.config.Store = w.store
	a, err := auth.New(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Auth = a
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := a.Close(ctx); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *world) stop() {
	if w.Auth == nil {
		return
	}
	if err := w.Auth.Close(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Store.(*store.Store).Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) is(who auth.Identity, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.who, w.whoIs = who, err
}

// locked lets goroutines share a buffer.
type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// keys returns n fresh keys.
func keys(t *testing.T, n int) []auth.Key {
	t.Helper()
	k, err := auth.LoadKeys(keySpec(n))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func keySpec(n int) string {
	parts := make([]string, n)
	for i := range parts {
		raw := make([]byte, 32)
		_, _ = rand.Read(raw)
		parts[i] = base64.StdEncoding.EncodeToString(raw)
	}
	return strings.Join(parts, ",")
}

// browser keeps cookies in the order they were set, as browsers send them.
type browser struct {
	names  []string
	values map[string]*http.Cookie
	agent  string // User-Agent
}

func (b *browser) request(method, target string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("User-Agent", b.agent)
	for _, name := range b.names {
		r.AddCookie(&http.Cookie{Name: name, Value: b.values[name].Value})
	}
	return r
}

func (b *browser) take(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		b.drop(c.Name)
		if c.MaxAge < 0 {
			continue
		}
		if b.values == nil {
			b.values = map[string]*http.Cookie{}
		}
		b.names = append(b.names, c.Name)
		b.values[c.Name] = c
	}
}

func (b *browser) drop(name string) {
	for i, n := range b.names {
		if n == name {
			b.names = append(b.names[:i:i], b.names[i+1:]...)
		}
	}
	delete(b.values, name)
}

func (b *browser) sid() string {
	for _, name := range []string{"__Host-sid", "sid"} {
		if c := b.values[name]; c != nil {
			return c.Value
		}
	}
	return ""
}

// connect starts a flow and returns the state and a code that GoTo has granted.
func (w *world) connect(b *browser, returnTo string) (state, code string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	location, err := w.Connect(rec, b.request("GET", "/auth/connect"), returnTo)
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

func (w *world) callback(b *browser, query url.Values) (auth.Result, *httptest.ResponseRecorder, error) {
	rec := httptest.NewRecorder()
	result, err := w.Callback(rec, b.request("GET", "/auth/callback?"+query.Encode()))
	b.take(rec)
	return result, rec, err
}

// logIn does the whole walk.
func (w *world) logIn(b *browser) auth.Result {
	w.t.Helper()
	state, code := w.connect(b, "/meetings")
	result, _, err := w.callback(b, url.Values{"state": {state}, "code": {code}})
	if err != nil {
		w.t.Fatalf("log in: %v", err)
	}
	return result
}

// session loads the browser's session as a new request does.
func (w *world) session(b *browser) *auth.Session {
	w.t.Helper()
	s, err := w.Session(b.request("GET", "/meetings"))
	if err != nil {
		w.t.Fatalf("load the session: %v", err)
	}
	return s
}

// token asks the browser's session for an access token.
func (w *world) token(b *browser) (string, error) {
	w.t.Helper()
	s := w.session(b)
	if s == nil {
		w.t.Fatal("no session")
	}
	token, _, err := s.AccessToken(w.t.Context())
	return token, err
}

func (w *world) current() string {
	w.goTo.mu.Lock()
	defer w.goTo.mu.Unlock()
	return w.goTo.access
}
