package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// patience bounds every wait; test machines are slow.
const patience = time.Minute

// program is a run of the whole program.
type program struct {
	t    *testing.T
	base string // http://HOST:PORT as printed
	out  chan string
	log  *logBook
	stop func() error // ends it as SIGTERM does, and returns what run returned
}

// start runs the program until the test ends, and waits until it listens.
func start(t *testing.T, environ []string, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	p := &program{t: t, out: make(chan string, 100), log: &logBook{}}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, args, environ, write, p.log)
		write.Close()
	}()
	go func() {
		defer close(p.out)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			p.out <- lines.Text()
		}
	}()
	p.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			t.Error("the program does not stop")
			return nil
		}
	})
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Errorf("%q ended with: %v", args, err)
		}
		if t.Failed() {
			t.Logf("log of %q:\n%s", args, p.log)
		}
	})
	p.base = p.said("listening on ")
	return p
}

// said returns what follows prefix on the next line of standard output.
func (p *program) said(prefix string) string {
	p.t.Helper()
	select {
	case line, open := <-p.out:
		rest, ok := strings.CutPrefix(line, prefix)
		if !open || !ok {
			p.t.Fatalf("the program says %q, want %q; it ended with: %v; its log:\n%s", line, prefix, p.stop(), p.log)
		}
		return rest
	case <-time.After(patience):
		p.t.Fatalf("the program does not say %q", prefix)
	}
	return ""
}

// logBook is a log that can be read while it is written.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// browser is a browser without scripts.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// page is an answer, after redirects.
type page struct {
	*goquery.Document
	status int
	header http.Header
	url    *url.URL
	body   string
}

func (b *browser) get(address string) page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

// submit sends the first form of the page that goes to action, with its hidden
// fields and those given.
func (b *browser) submit(p page, action string, fields url.Values) page {
	b.t.Helper()
	form := p.Find("form").FilterFunction(func(_ int, s *goquery.Selection) bool {
		return strings.Contains(s.AttrOr("action", ""), action)
	}).First()
	if form.Length() == 0 {
		b.t.Fatalf("%s has no form to %q: %s", p.url, action, p.body)
	}
	form.Find("input[type=hidden]").Each(func(_ int, s *goquery.Selection) {
		fields.Set(s.AttrOr("name", ""), s.AttrOr("value", ""))
	})
	target, err := p.url.Parse(form.AttrOr("action", ""))
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, target.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", p.url.Scheme+"://"+p.url.Host)
	return b.do(req)
}

func (b *browser) do(req *http.Request) page {
	b.t.Helper()
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(body))
	if err != nil {
		b.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return page{doc, res.StatusCode, res.Header, res.Request.URL, string(body)}
}

// connect presses Connect and signs in at the sandbox.
func (b *browser) connect(portal, email string) page {
	b.t.Helper()
	consent := b.get(portal + "/auth/connect")
	home, err := url.Parse(portal)
	if err != nil {
		b.t.Fatal(err)
	}
	if consent.status != http.StatusOK || consent.url.Hostname() == home.Hostname() {
		b.t.Fatalf("connecting leads to %s with %d, want a page on another loopback name: %s", consent.url, consent.status, consent.body)
	}
	return b.submit(consent, "", url.Values{"user": {email}})
}

func (p page) mustBe(t *testing.T, status int, path, text string) {
	t.Helper()
	if p.status != status || p.url.Path != path || !strings.Contains(p.Text(), text) {
		t.Fatalf("%s answers %d, want %d at %s with %q: %s", p.url, p.status, status, path, text, p.body)
	}
}

func TestSandboxInside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, []string{"DATABASE_URL=" + filepath.Join(dir, "new", "sandbox.db")}, "-sandbox", "-listen", "localhost:0")
	if !regexp.MustCompile(`^http://localhost:[0-9]+$`).MatchString(p.base) {
		t.Errorf("it listens on %q", p.base)
	}
	if !strings.Contains(p.log.String(), "ada@example.test") {
		t.Error("the terminal does not say who to sign in as")
	}
	b := newBrowser(t)
	b.get(p.base+"/").mustBe(t, http.StatusOK, "/", "Connect")
	b.get(p.base+"/readyz").mustBe(t, http.StatusOK, "/readyz", "")
	b.connect(p.base, "ada@example.test").mustBe(t, http.StatusOK, "/meetings", "Connected as")

	// The middleware is around the portal's pages and nothing else.
	const csp = "Content-Security-Policy"
	if got := b.get(p.base + "/sandbox/gallery").header.Get(csp); !strings.Contains(got, "default-src 'none'") {
		t.Errorf("the gallery is not one of the portal's pages: CSP %q", got)
	}
	control := b.get(p.base + "/sandbox/control")
	if control.status != http.StatusOK || control.header.Get(csp) == b.get(p.base+"/").header.Get(csp) {
		t.Errorf("/sandbox/control answers %d with the portal's middleware around it", control.status)
	}

	for name, mode := range map[string]os.FileMode{"session.key": 0o600, "sandbox.db": 0o600, "sandbox.ledger": 0o600} {
		info, err := os.Stat(filepath.Join(dir, "new", name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want mode %v", name, info, err, mode)
		}
	}
}

// The way to the real GoTo, with a sandbox alone in GoTo's place; and a restart
// in between, which nobody notices.
func TestSetupConnectRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	alone := start(t, nil, "sandbox", "-listen", "127.0.0.1:0", "-ledger", filepath.Join(dir, "alone", "sandbox.ledger"))
	sim, err := url.Parse(alone.base)
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{
		"DATABASE_URL=" + filepath.Join(dir, "portal.db"),
		"GOTO_AUTH_URL=http://127.0.0.1:" + sim.Port() + "/sandbox/oauth/authorize",
		"GOTO_TOKEN_URL=" + alone.base + "/sandbox/oauth/token",
		"GOTO_REVOKE_URL=" + alone.base + "/sandbox/oauth/revoke",
		"GOTO_API_URL=" + alone.base + "/sandbox",
		"GOTO_JOIN_URL=" + alone.base + "/sandbox/join/",
	}
	p := start(t, environ, "-listen", "localhost:0")
	code := p.said("setup code: ")

	b := newBrowser(t)
	form := b.get(p.base + "/setup")
	form.mustBe(t, http.StatusOK, "/setup", "/auth/callback")
	if wrong := b.submit(form, "/setup", url.Values{"client_id": {"sandbox"}, "client_secret": {"guess"}, "setup_code": {code}}); wrong.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong secret gets %d: %s", wrong.status, wrong.body)
	}
	if done := b.submit(form, "/setup", url.Values{"client_id": {"sandbox"}, "client_secret": {"sandbox"}, "setup_code": {code}}); done.status != http.StatusOK {
		t.Fatalf("set-up gets %d: %s", done.status, done.body)
	}
	b.connect(p.base, "ben@example.test").mustBe(t, http.StatusOK, "/meetings", "Connected as")

	if err := p.stop(); err != nil {
		t.Fatalf("stopping: %v", err)
	}
	if _, err := http.Get(p.base + "/healthz"); err == nil {
		t.Error("a stopped portal answers")
	}
	again := start(t, environ, "-listen", "localhost:0")
	b.get(again.base+"/").mustBe(t, http.StatusOK, "/meetings", "Upcoming")
	if strings.Contains(p.log.String()+again.log.String(), code) {
		t.Error("the set-up code is in the log")
	}
}

func TestUnderAPathPrefix(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"DATABASE_URL=" + filepath.Join(t.TempDir(), "p.db"), "PUBLIC_URL=https://example.com/portal/"}, "-listen", "localhost:0")
	b := newBrowser(t)
	b.get(p.base+"/portal/").mustBe(t, http.StatusOK, "/portal/", "")
	b.get(p.base+"/healthz").mustBe(t, http.StatusOK, "/healthz", "ok")
	if outside := b.get(p.base + "/meetings"); outside.status != http.StatusNotFound {
		t.Errorf("outside the prefix: %d", outside.status)
	}
	u, err := url.Parse(p.base)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"healthcheck"}, []string{"LISTEN_ADDR=" + u.Host}, io.Discard, io.Discard); err != nil {
		t.Errorf("the health check says: %v", err)
	}
}

func TestMetricsHaveTheirOwnListener(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"DATABASE_URL=" + filepath.Join(t.TempDir(), "s.db"), "METRICS_ADDR=127.0.0.1:0"}, "-sandbox", "-listen", "localhost:0")
	address := regexp.MustCompile(`http://[^ ]+/metrics`).FindString(p.log.String())
	if address == "" {
		t.Fatal("the log does not say where the metrics are")
	}
	b := newBrowser(t)
	b.connect(p.base, "ada@example.test").mustBe(t, http.StatusOK, "/meetings", "")
	got := b.get(address)
	for _, want := range []string{"go_goroutines", "process_cpu_seconds_total", "go_build_info", `portal_goto_call_seconds_count{api="G2M",operation=`, "portal_kept_bytes "} {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if p := b.get(p.base + "/metrics"); p.status != http.StatusNotFound {
		t.Errorf("the portal's own listener answers /metrics with %d", p.status)
	}
}

func TestStartsThatFail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inSandbox := filepath.Join(dir, "sandbox.db")
	busy := start(t, []string{"DATABASE_URL=" + inSandbox}, "-sandbox", "-listen", "127.0.0.1:0")
	taken := strings.TrimPrefix(busy.base, "http://")
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	free := "127.0.0.1:0"
	for name, tc := range map[string]struct {
		args, env, want []string
	}{
		"port taken":         {[]string{"-listen", taken}, []string{"DATABASE_URL=" + filepath.Join(dir, "a.db")}, []string{taken, "LISTEN_ADDR"}},
		"metrics port taken": {[]string{"-listen", free}, []string{"DATABASE_URL=" + filepath.Join(dir, "a.db"), "METRICS_ADDR=" + taken}, []string{taken, "METRICS_ADDR"}},
		"other mode":         {[]string{"-listen", free}, []string{"DATABASE_URL=" + inSandbox}, []string{"sandbox", "DATABASE_URL"}},
		"unusable volume":    {[]string{"-listen", free}, []string{"DATABASE_URL=" + filepath.Join(file, "portal.db")}, []string{file, "chown"}},
		"wrong setting":      {nil, []string{"LOG_LEVEL=loud"}, []string{"LOG_LEVEL"}},
		"unknown command":    {[]string{"frobnicate"}, nil, []string{`"frobnicate"`, "healthcheck"}},
		"too many words":     {[]string{"serve", "please"}, nil, []string{`"please"`}},
		"no file":            {[]string{"backup"}, nil, []string{"portal backup FILE"}},
		"sandbox flag":       {[]string{"sandbox", "-leger", "x"}, nil, []string{"-leger", "-ledger"}},
		"sandbox, real":      {[]string{"sandbox"}, []string{"GOTO_CLIENT_ID=7"}, []string{"GOTO_CLIENT_ID"}},
		"health of port 0":   {[]string{"healthcheck", "-listen", ":0"}, nil, []string{"port 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(t.Context(), tc.args, tc.env, &out, io.Discard)
			if err == nil {
				t.Fatal("it starts")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if out.Len() > 0 {
				t.Errorf("it says %q", out.String())
			}
		})
	}
}

func TestConfigCommandHidesSecrets(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{"config", "-listen", "localhost:1"}, []string{
		"GOTO_CLIENT_ID=7", "GOTO_CLIENT_SECRET=hunter2", "SESSION_KEY=" + aKey, "DATABASE_URL=postgres://u:hunter3@db/portal", "LOG_LEVEL=loud",
	}, &out, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "LOG_LEVEL") {
		t.Errorf("the problem is not reported: %v", err)
	}
	for _, want := range []string{"LISTEN_ADDR=localhost:1\t# -listen", "GOTO_CLIENT_ID=7", "GOTO_CLIENT_SECRET=[redacted]", "SESSION_KEY=[redacted]", "DATABASE_URL=postgres://db/portal", "SESSION_IDLE=12h\t# default"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "hunter") || strings.Contains(out.String(), aKey) {
		t.Errorf("a secret is shown:\n%s", out.String())
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"help"}, {"-h"}, {"sandbox", "--help"}} {
		var out bytes.Buffer
		if err := run(t.Context(), args, nil, &out, io.Discard); err != nil || !strings.HasPrefix(out.String(), "usage: portal") {
			t.Errorf("%q: %v, %q", args, err, out.String())
		}
	}
}
