package handlers_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Ways in which something on the network fails.
const (
	refused   = "refused"
	blackHole = "black hole"
	slow      = "30 s delay"
	drip      = "drip"
	reset     = "reset"
	truncated = "truncated"
	wrongType = "wrong type"
	tenMB     = "10 MB body"
	busy429   = "429"
	broken500 = "500"
	down503   = "503"
	html      = "HTML"
	badTLS    = "bad TLS"
)

// deadlines are the portal's, real or scaled down to keep a test short.
type deadlines struct {
	page  time.Duration // of a request to the portal
	dial  time.Duration // of one to GoTo, and so on
	head  time.Duration
	whole time.Duration
	delay time.Duration // of a slow answer
}

func deadlinesOf(page time.Duration) deadlines {
	return deadlines{page: page, dial: page / 3, head: page * 10 / 9, whole: page * 15 / 9, delay: page * 30 / 9}
}

// unreliable stands in front of a service, speaks TLS as GoTo does, and fails
// in the way it was last told to.
type unreliable struct {
	url    string
	client *http.Client // the one way to it
	mode   atomic.Value // string
	web    *httptest.Server
}

// newUnreliable stands in front of target, to which it passes everything on
// while it is well.
func newUnreliable(t *testing.T, target string, d deadlines) *unreliable {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	u := &unreliable{}
	u.mode.Store("")
	done := make(chan struct{})
	behind := &http.Transport{}
	proxy := &httputil.ReverseProxy{
		Transport:    behind,
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	u.web = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.fail(w, r, proxy, d.delay, done)
	}))
	bad := selfSigned(t)
	u.web.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if u.mode.Load() == badTLS {
			return &tls.Config{Certificates: []tls.Certificate{bad}}, nil
		}
		return nil, nil
	}}
	u.web.Config.ErrorLog = log.New(io.Discard, "", 0)
	u.web.StartTLS()
	u.url = u.web.URL
	pool := x509.NewCertPool()
	pool.AddCert(u.web.Certificate())
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if u.mode.Load() == refused {
				address = closedPort(t)
			}
			return (&net.Dialer{Timeout: d.dial}).DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: d.dial,
		ResponseHeaderTimeout: d.head, MaxConnsPerHost: 20, MaxIdleConnsPerHost: 20, Protocols: protocols,
	}
	u.client = &http.Client{Transport: transport, Timeout: d.whole}
	t.Cleanup(func() {
		close(done)
		transport.CloseIdleConnections()
		u.web.CloseClientConnections()
		u.web.Close()
		behind.CloseIdleConnections()
	})
	return u
}

// patient leaves it to each call how long to wait for an answer.
func (u *unreliable) patient() {
	u.client.Timeout = 0
	u.client.Transport.(*http.Transport).ResponseHeaderTimeout = 0
}

// set makes it fail in one way from now on; "" makes it well. Connections that
// are open are closed, so that it is true of the next request, and what hung
// hangs no longer.
func (u *unreliable) set(mode string) {
	u.mode.Store(mode)
	u.client.CloseIdleConnections()
	u.web.CloseClientConnections()
}

func (u *unreliable) fail(w http.ResponseWriter, r *http.Request, well http.Handler, delay time.Duration, done <-chan struct{}) {
	wait := func(d time.Duration) bool {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return true
		case <-r.Context().Done():
		case <-done:
		}
		return false
	}
	body := func(kind, text string) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, text)
	}
	status := func(code int) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(code)
	}
	switch mode := u.mode.Load(); mode {
	case blackHole:
		_, _ = io.Copy(io.Discard, r.Body) // so that the server sees the client go
		wait(time.Hour)
		panic(http.ErrAbortHandler)
	case slow:
		in, err := io.ReadAll(r.Body)
		if err != nil || !wait(delay) {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(strings.NewReader(string(in)))
		well.ServeHTTP(w, r)
	case drip, truncated:
		rec := httptest.NewRecorder()
		well.ServeHTTP(rec, r)
		text := rec.Body.String()
		if text == "" {
			text = "{}"
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(rec.Code)
		flush := http.NewResponseController(w)
		if mode == truncated {
			_, _ = io.WriteString(w, text[:len(text)/2])
			_ = flush.Flush()
			panic(http.ErrAbortHandler)
		}
		for i := range len(text) {
			if _, err := w.Write([]byte{text[i]}); err != nil || flush.Flush() != nil || !wait(delay/20) {
				panic(http.ErrAbortHandler)
			}
		}
	case reset:
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			if raw, ok := conn.(*tls.Conn); ok {
				if tcp, ok := raw.NetConn().(*net.TCPConn); ok {
					_ = tcp.SetLinger(0)
					_ = tcp.Close()
				}
			}
			_ = conn.Close()
		}
	case wrongType:
		body("application/json", `"neither a list nor an object"`)
	case tenMB:
		body("application/json", `[{"meetingId":"1","subject":"`+strings.Repeat("x", 10<<20)+`"}]`)
	case busy429:
		status(http.StatusTooManyRequests)
	case broken500:
		status(http.StatusInternalServerError)
	case down503:
		status(http.StatusServiceUnavailable)
	case html:
		body("text/html", "<!DOCTYPE html><title>Sign in</title><h1>Corporate proxy</h1>")
	default:
		well.ServeHTTP(w, r)
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return "127.0.0.1:1"
	}
	defer l.Close()
	return l.Addr().String()
}

// selfSigned is a certificate that nobody trusts.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// badLine stands between the portal and PostgreSQL and fails as a network does.
type badLine struct {
	t     *testing.T
	to    string // the server's socket
	mu    sync.Mutex
	mode  string
	l     net.Listener
	at    string
	conns map[net.Conn]bool
	delay time.Duration
	work  sync.WaitGroup
}

func newBadLine(t *testing.T, socket string, d deadlines) *badLine {
	t.Helper()
	b := &badLine{t: t, to: socket, conns: map[net.Conn]bool{}, delay: d.delay}
	b.listen("127.0.0.1:0")
	t.Cleanup(func() {
		b.mu.Lock()
		if b.l != nil {
			_ = b.l.Close()
		}
		b.cut()
		b.mu.Unlock()
		b.work.Wait()
	})
	return b
}

func (b *badLine) listen(at string) {
	l, err := net.Listen("tcp", at)
	if err != nil {
		b.t.Errorf("listen again: %v", err)
		return
	}
	b.l, b.at = l, l.Addr().String()
	b.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.work.Go(func() { b.carry(c) })
		}
	})
}

// cut closes every connection. The caller holds the lock.
func (b *badLine) cut() {
	for c := range b.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
	clear(b.conns)
}

// set makes the line fail in one way from now on; "" makes it well.
func (b *badLine) set(mode string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mode == refused && mode != refused {
		b.listen(b.at)
	}
	b.mode = mode
	switch mode {
	case refused:
		_ = b.l.Close()
		b.cut()
	case reset, "":
		b.cut()
	}
}

func (b *badLine) now() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mode
}

func (b *badLine) keep(c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns[c] = true
}

func (b *badLine) carry(c net.Conn) {
	b.keep(c)
	defer c.Close()
	if b.now() == reset {
		_ = c.(*net.TCPConn).SetLinger(0)
		return
	}
	db, err := net.Dial("unix", b.to)
	if err != nil {
		return
	}
	b.keep(db)
	defer db.Close()
	gone := make(chan struct{}) // the client is
	b.work.Go(func() {
		defer close(gone)
		defer db.Close()
		_, _ = io.Copy(db, c)
	})
	buf := make([]byte, 32<<10)
	for {
		n, err := db.Read(buf)
		if n > 0 && !b.pass(c, buf[:n], gone) || err != nil {
			return
		}
	}
}

// pass carries an answer of the server, in the way the line fails now.
func (b *badLine) pass(c net.Conn, text []byte, gone <-chan struct{}) bool {
	wait := func(d time.Duration) bool {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return true
		case <-gone:
			return false
		}
	}
	switch b.now() {
	case blackHole:
		return wait(time.Hour)
	case slow:
		if !wait(b.delay) {
			return false
		}
	case drip:
		for i := range text {
			if _, err := c.Write(text[i : i+1]); err != nil || !wait(b.delay/20) {
				return false
			}
		}
		return true
	case truncated:
		_, _ = c.Write(text[:len(text)/2])
		return false
	}
	_, err := c.Write(text)
	return err == nil
}
