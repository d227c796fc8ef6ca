// Package sandbox imitates the parts of GoTo that the portal talks to: the
// OAuth server, the GoToMeeting REST API v1, the Admin API, SCIM "me", and the
// pages a browser meets (consent, host, join). It is for trying the portal
// without an account and for tests that want a real HTTP peer with the quirks
// of the real one. It is not a security boundary: its client secret and its
// signing key are in this source, and it must never run beside real
// credentials.
//
// Facts about GoTo come from the official OpenAPI description and from what
// working clients were seen to send and receive. Where the two differ the
// setting "wire" chooses: "observed" (the default) or "spec".
package sandbox

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// ClientID and ClientSecret are the one OAuth client the sandbox knows.
const (
	ClientID     = "sandbox"
	ClientSecret = "sandbox"
)

// maxBody bounds what a request may send, in bytes.
const maxBody = 1 << 20

// Config says how a Sandbox runs. The zero value of each field but BaseURL is
// usable.
type Config struct {
	BaseURL string           // origin where it is served, such as "http://localhost:8080"
	Home    string           // address of the portal that pages for people lead back to; "" for none
	Ledger  string           // append-only JSON-lines file; "" keeps changes in memory
	Now     func() time.Time // clock before advance_s; nil is time.Now
	Log     *slog.Logger     // nil discards
}

// Sandbox is the simulator. It is safe for concurrent use.
type Sandbox struct {
	log     *slog.Logger
	clock   func() time.Time
	api     string // origin of API calls
	browser string // origin of pages for people: the other loopback name
	home    string // where these lead back to; "" nowhere
	mux     *http.ServeMux

	mu       sync.Mutex // guards everything below
	settings settings
	faults   []*fault
	advanced time.Duration
	calls    map[string]int
	counts   counts
	recent   map[string][]time.Time // per API, the calls of the last second
	oauth    oauthState
	model    *model
	ledger   *os.File
}

type counts struct {
	grants, refreshes, revocations, created int
}

// Open makes a Sandbox with sample data around today and replays the ledger.
// It fails when BaseURL is not an http(s) origin or the ledger cannot be read.
func Open(c Config) (*Sandbox, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("sandbox base URL: %w", err)
	}
	if base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("sandbox base URL %q is not an http origin", c.BaseURL)
	}
	s := &Sandbox{
		log:      c.Log,
		clock:    c.Now,
		api:      base.Scheme + "://" + base.Host,
		browser:  base.Scheme + "://" + otherLoopback(base),
		home:     c.Home,
		settings: defaultSettings(),
		calls:    map[string]int{},
		recent:   map[string][]time.Time{},
		oauth:    newOAuthState(),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	s.model = newModel(s.now())
	s.mux = s.mount()
	if c.Ledger != "" {
		if err := s.openLedger(c.Ledger); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close closes the ledger. The Sandbox must not be used afterwards.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ledger == nil {
		return nil
	}
	err := s.ledger.Close()
	s.ledger = nil
	return err
}

// AuthorizeURL is the address of the consent page as a browser sees it.
func (s *Sandbox) AuthorizeURL() string { return s.browser + "/sandbox/oauth/authorize" }

// JoinBase is what a meeting id is appended to for its join link.
func (s *Sandbox) JoinBase() string { return s.browser + "/sandbox/join/" }

// otherLoopback swaps localhost and 127.0.0.1, so that pages for people live
// on another origin than the portal, as GoTo's do. Other hosts stay.
func otherLoopback(u *url.URL) string {
	name := u.Hostname()
	switch name {
	case "localhost":
		name = "127.0.0.1"
	case "127.0.0.1", "::1":
		name = "localhost"
	default:
		return u.Host
	}
	if u.Port() == "" {
		return name
	}
	return net.JoinHostPort(name, u.Port())
}

// now is the sandbox's clock, in UTC. Callers hold mu, except Open.
func (s *Sandbox) now() time.Time { return s.clock().Add(s.advanced).UTC() }

// call is one request as the operations see it: body read, caller known.
type call struct {
	r      *http.Request
	body   []byte
	who    *user
	scopes string
}

// reply is what an operation answers; it is written once the lock is free.
type reply struct {
	status int
	header http.Header
	body   []byte
}

type operation func(*call) reply

// ServeHTTP answers every path under /sandbox/.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Sandbox) mount() *http.ServeMux {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		mux.HandleFunc(rt.method+" /sandbox"+rt.path, func(w http.ResponseWriter, r *http.Request) {
			s.serve(w, r, rt)
		})
	}
	mux.HandleFunc("/sandbox/control", s.serveControl)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, route{method: r.Method, path: starred(r.URL.Path), op: notRouted})
	})
	return mux
}

// routes are all operations and pages.
func (s *Sandbox) routes() []route {
	return slices.Concat(s.oauthRoutes(), s.meetingRoutes(), s.organizerRoutes(), s.groupRoutes(), s.adminRoutes(), s.pageRoutes())
}

// route is one operation with the guard that runs before it.
type route struct {
	method, path string // path below /sandbox, wildcards in {braces}
	guard        guard
	op           operation
}

// name is the route's among the call counters.
func (rt route) name() string { return rt.method + " " + starred(rt.path) }

// guard says who may call at all; permissions on a thing are the operation's.
type guard int

const (
	open      guard = iota // pages and OAuth
	product                // GoToMeeting: a token with collab:
	adminAPI               // Admin API: a token with identity:
	scimGuard              // SCIM
)

// starred turns wildcards and ids of a path into *, for the call counters.
func starred(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/sandbox"), "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") || (p != "" && strings.Trim(p, "0123456789") == "") {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, "/")
}

// serve counts, injects faults, checks rate and token, runs the operation
// under the lock, and only then waits and writes: a slow or broken answer thus
// belongs to an operation that has happened, which is the harder case.
func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request, rt route) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			http.Error(w, "request too large", http.StatusRequestEntityTooLarge)
		}
		return
	}
	f, wait, answer := s.run(&call{r: r, body: body}, rt)
	s.log.Debug("sandbox call", "method", r.Method, "route", rt.path, "status", answer.status)
	if !pause(r, wait) {
		return
	}
	if f != nil {
		f.spoil(w, r, answer)
		return
	}
	answer.write(w)
}

// run is the part of serve that needs the lock.
func (s *Sandbox) run(c *call, rt route) (*fault, time.Duration, reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[rt.name()]++
	f := s.takeFault(c.r)
	var answer reply
	if f == nil || f.runs() {
		answer = s.answer(c, rt)
	}
	return f, s.latency(c.r), answer
}

// answer runs the checks in the order the gateway does: rate, token, scope.
func (s *Sandbox) answer(c *call, rt route) reply {
	if rt.guard == open {
		return rt.op(c)
	}
	if s.tooFast(c.r.URL.Path) {
		return jsonReply(http.StatusTooManyRequests, object{"errorCode": "TooManyRequests", "message": "Rate limit exceeded"})
	}
	if no := s.authenticate(c, rt.guard); no != nil {
		return *no
	}
	return rt.op(c)
}

func (rep reply) write(w http.ResponseWriter) {
	for k, v := range rep.header {
		w.Header()[k] = v
	}
	w.WriteHeader(rep.status)
	_, _ = w.Write(rep.body) // the client may be gone; nothing to do about it
}

// pause waits d unless the client leaves first, and says whether it stayed.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
