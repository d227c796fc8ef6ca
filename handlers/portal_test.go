package handlers_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portal/auth"
	"portal/gotomeeting"
	"portal/handlers"
	"portal/meetings"
	"portal/reports"
	"portal/sandbox"
	"portal/sandbox/sandboxtest"
	"portal/static"
	"portal/store"
)

// portal is the whole portal on a real listener, over the sandbox, the real
// client and a real database.
type portal struct {
	t        *testing.T
	url      string
	sandbox  *sandboxtest.Server
	log      *logBuffer
	store    *store.Store
	meetings *meetings.Service
	reports  *reports.Service
	file     string // of the database
	wire     *wiretap
	goTo     *unreliable  // with deadlines
	tokens   *unreliable  // with deadlines
	ahead    atomic.Int64 // of the clock, in nanoseconds
	prefix   string

	doorAhead atomic.Int64 // of auth's clock, in nanoseconds
	demoted   atomic.Bool  // GoTo calls nobody an admin

	door   *auth.Auth
	config handlers.Config
	outage *outage
	over   http.RoundTripper // how its browsers reach it
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newPortal(t *testing.T) *portal {
	t.Helper()
	return newPortalWith(t, options{})
}

type options struct {
	padding int    // characters that access tokens are longer
	prefix  string // path of PUBLIC_URL

	https   bool           // PUBLIC_URL, and the listener
	proxies []netip.Prefix // TRUSTED_PROXIES
	setup   bool           // no OAuth client yet
	account string         // the one that is admitted; "" admits any

	deadlines deadlines // with a page deadline, GoTo is behind lines that can fail
	database  string    // "": a fresh SQLite file
}

func newPortalWith(t *testing.T, o options) *portal {
	t.Helper()
	sb := sandboxtest.New(t)
	sb.Control(map[string]any{"rate_limit_per_s": 0})
	dir := t.TempDir()
	db, err := store.Open(t.Context(), cmp.Or(o.database, filepath.Join(dir, "portal.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	keys, err := auth.MakeKeyFile(filepath.Join(dir, "session.key"))
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	if o.https {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	public, err := url.Parse(server.URL + o.prefix)
	if err != nil {
		t.Fatal(err)
	}
	api, err := url.Parse(sb.API)
	if err != nil {
		t.Fatal(err)
	}
	wire := newWiretap(t, "http://"+api.Host, o.padding)
	tapped := wire.url + api.Path
	p := &portal{t: t, url: server.URL, sandbox: sb, log: &logBuffer{}, store: db, file: filepath.Join(dir, "portal.db"), wire: wire, prefix: o.prefix,
		outage: &outage{Store: db}, over: server.Client().Transport}
	t.Cleanup(func() {
		if found := wire.leaks(p.log.String()); len(found) > 0 {
			t.Errorf("the log holds secrets: %v", found)
		}
	})
	log := slog.New(handlers.LogRequests(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	calls, places := gotomeeting.Config{BaseURL: tapped, Rate: 1000, Log: log}, auth.Config{TokenURL: tapped + "/oauth/token", RevokeURL: tapped + "/oauth/revoke"}
	if o.deadlines.page > 0 {
		p.goTo, p.tokens = newUnreliable(t, wire.url, o.deadlines), newUnreliable(t, wire.url, o.deadlines)
		p.tokens.patient()
		calls.BaseURL, calls.HTTP = p.goTo.url+api.Path, p.goTo.client
		places.TokenURL, places.RevokeURL, places.HTTP = p.tokens.url+api.Path+"/oauth/token", p.tokens.url+api.Path+"/oauth/revoke", p.tokens.client
	}
	goTo, err := gotomeeting.New(calls)
	if err != nil {
		t.Fatal(err)
	}
	client := auth.ClientCredentials{ID: sandbox.ClientID, Secret: auth.NewSecret(sandbox.ClientSecret)}
	if o.setup {
		client = auth.ClientCredentials{}
	}
	door, err := auth.New(auth.Config{
		Store: p.outage, Keys: keys, PublicURL: public, AuthURL: sb.API + "/oauth/authorize", TokenURL: places.TokenURL, RevokeURL: places.RevokeURL, HTTP: places.HTTP,
		Client: client, Sandbox: !o.setup, AllowedAccounts: []string{cmp.Or(o.account, "*")}, Log: log,
		Now: func() time.Time { return time.Now().Add(time.Duration(p.doorAhead.Load())) },
		Identify: func(ctx context.Context, token string) (auth.Identity, error) {
			me, err := goTo.Me(ctx, token)
			account := ""
			for _, a := range me.Accounts {
				account = a.Name
			}
			return auth.Identity{
				UserKey: me.Key, AccountKey: me.AccountKey, AccountName: account, FirstName: me.FirstName, LastName: me.LastName, Email: me.Email, TimeZone: me.TimeZone,
				Admin: len(me.AdminRoles) > 0 && !p.demoted.Load(), Roles: me.AdminRoles, MissingIdentityScope: me.ScopeMissing, Source: string(me.Source),
			}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = door.Close(context.Background()) })
	p.meetings = meetings.New(meetings.Config{
		GoTo: goTo, Memory: p.outage, Holds: db, Vault: door.Vault("pending"), Place: "here", JoinBase: "https://meet.goto.com/", Log: log,
		Now: func() time.Time { return time.Now().Add(time.Duration(p.ahead.Load())) },
	})
	p.door = door
	p.reports = reports.New(reports.Config{
		Meetings: p.meetings, Store: db, Vault: door.Vault("reports"), Place: "here", Log: log, Pause: time.Millisecond,
		Ended: func(err error) bool { return errors.Is(err, auth.ErrSessionEnded) },
		Now:   func() time.Time { return time.Now().Add(time.Duration(p.ahead.Load())) },
	})
	t.Cleanup(func() { _ = p.reports.Stop(context.Background()) })
	p.config = handlers.Config{
		Auth: door, Meetings: p.meetings, Reports: p.reports,
		PublicURL: public, Sandbox: true, TrustedProxies: o.proxies, Assets: static.Handler(), Ready: db.Ping, Log: log, Deadline: o.deadlines.page,
	}
	handler, err = handlers.New(p.config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// browser is a client with cookies that follows no redirect on its own.
type browser struct {
	t      *testing.T
	portal *portal
	client *http.Client

	signedIn bool
	agent    string // its User-Agent; "" is Go's
	token    string // see formToken
}

func (p *portal) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &browser{t: p.t, portal: p, client: &http.Client{Jar: jar, Transport: p.over, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (a answer) doc(t *testing.T) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func (b *browser) do(method, target string, form url.Values, header ...string) answer {
	b.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.portal.url + target
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, target, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.portal.url)
	}
	if b.agent != "" {
		req.Header.Set("User-Agent", b.agent)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.HasSuffix(b.portal.url, "://"+res.Request.URL.Host) {
		if found := b.portal.wire.leaks(string(text) + res.Header.Get("Location")); len(found) > 0 {
			b.t.Errorf("%s %s shows secrets: %v", method, target, found)
		}
	}
	return answer{res, string(text)}
}

func (b *browser) get(path string, header ...string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil, header...)
}

func (b *browser) post(path string, form url.Values, header ...string) answer {
	b.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	if b.signedIn && !form.Has("form_token") && strings.HasPrefix(path, "/") {
		form.Set("form_token", b.formToken())
	}
	return b.do(http.MethodPost, path, form, header...)
}

// consent walks from the connect link to the callback's address, without
// visiting that.
func (b *browser) consent(connect, user string) string {
	b.t.Helper()
	res := b.get(connect)
	if res.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("connect answers %d", res.StatusCode)
	}
	return b.allow(res.Header.Get("Location"), user)
}

// allow consents at GoTo's address as user, or denies it, and returns the
// callback's address.
func (b *browser) allow(authorize, user string) string {
	b.t.Helper()
	page := b.get(authorize)
	form := url.Values{"user": {user}}
	page.doc(b.t).Find("form input[type=hidden]").Each(func(_ int, in *goquery.Selection) {
		form.Set(in.AttrOr("name", ""), in.AttrOr("value", ""))
	})
	action, err := page.Request.URL.Parse(page.doc(b.t).Find("form").AttrOr("action", ""))
	if err != nil {
		b.t.Fatal(err)
	}
	done := b.post(action.String(), form, "Origin", b.portal.sandbox.URL)
	if done.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("consent answers %d: %s", done.StatusCode, done.body)
	}
	return done.Header.Get("Location")
}

// connected is a browser signed in as user.
func (p *portal) connected(user string) *browser {
	p.t.Helper()
	b := p.browser()
	res := b.get(b.consent(p.prefix+"/auth/connect", user+"@example.test"))
	if res.StatusCode != http.StatusSeeOther || !strings.HasSuffix(res.Header.Get("Location"), "/meetings") {
		p.t.Fatalf("callback answers %d to %q: %s", res.StatusCode, res.Header.Get("Location"), res.body)
	}
	b.signedIn = true
	return b
}

// formToken is what the session's forms carry.
func (b *browser) formToken() string {
	b.t.Helper()
	if b.token == "" {
		b.token = b.get(b.portal.prefix+"/settings").doc(b.t).Find("[name=form_token]").First().AttrOr("value", "")
	}
	if len(b.token) < 40 {
		b.t.Fatalf("forms carry the token %q", b.token)
	}
	return b.token
}

// plan is a sound meeting form.
func plan(change ...string) url.Values {
	form := url.Values{
		"subject": {"Board"}, "start_date": {"2030-01-15"}, "start_time": {"10:00"}, "duration": {"45"}, "time_zone": {"Europe/Berlin"},
		"meeting_type": {"scheduled"}, "audio": {"VoIP"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	return form
}

// create makes a meeting and returns its id.
func (b *browser) create(change ...string) string {
	b.t.Helper()
	res := b.post(b.portal.prefix+"/meetings", plan(change...))
	if res.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("create answers %d: %s", res.StatusCode, res.body)
	}
	at, err := url.Parse(res.Header.Get("Location"))
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.TrimPrefix(at.Path, b.portal.prefix+"/meetings/")
}

// fields are a form's inputs as a browser would send them.
func fields(form *goquery.Selection) url.Values {
	values := url.Values{}
	form.Find("input[name], textarea[name]").Each(func(_ int, in *goquery.Selection) {
		kind := in.AttrOr("type", "text")
		if _, checked := in.Attr("checked"); (kind == "checkbox" || kind == "radio") && !checked {
			return
		}
		values.Add(in.AttrOr("name", ""), cmp.Or(in.AttrOr("value", ""), in.Text()))
	})
	form.Find("select[name]").Each(func(_ int, in *goquery.Selection) {
		chosen := in.Find("option[selected]")
		if chosen.Length() == 0 {
			chosen = in.Find("option")
		}
		values.Add(in.AttrOr("name", ""), chosen.First().AttrOr("value", ""))
	})
	return values
}

// editForm is the form of a meeting as a browser would send it unchanged.
func (b *browser) editForm(id string) url.Values {
	b.t.Helper()
	res := b.get(b.portal.prefix + "/meetings/" + id + "/edit")
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("edit answers %d", res.StatusCode)
	}
	return res.form(b.t)
}

// form is the page's meeting form as a browser would send it unchanged.
func (a answer) form(t *testing.T) url.Values {
	t.Helper()
	form := fields(a.doc(t).Find("form#meeting"))
	if !form.Has("subject") {
		t.Fatalf("%d, and no form", a.StatusCode)
	}
	return form
}
