package soak

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portal/e2e/process"
	"portal/store/storetest"
)

// Two replicas behind a proxy are restarted in turn while people work. Nobody
// notices.
func TestRollingRestarts(t *testing.T) {
	if !full { // whose figure is not to be one of a machine that does other things
		t.Parallel()
	}
	began := time.Now()
	w := newWorld(t, storetest.Postgres(t))
	replicas := [2]*process.Process{w.start(), w.start()}
	proxy := newProxy(t)
	for i, p := range replicas {
		proxy.use(i, p.Host())
	}
	rounds, restarts := figure(1, 20), 0
	var requests, creates atomic.Int64
	defer func() {
		report(t, began, "%d restarts under load: %d requests, %d of them creates, none failed", restarts, requests.Load(), creates.Load())
	}()

	done := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(done)
	for i := range 6 {
		b := newBrowser(people[i%len(people)], func() string { return proxy.Listener.Addr().String() })
		if err := b.signIn(); err != nil {
			t.Fatal(err)
		}
		id, err := b.create(fmt.Sprint("Home of worker ", i))
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			pace := time.NewTicker(50 * time.Millisecond)
			defer pace.Stop()
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				case <-pace.C:
				}
				if n%5 == 4 {
					requests.Add(2)
					creates.Add(1)
					if _, err := b.create(fmt.Sprintf("Meeting %d of worker %d", n, i)); err != nil {
						t.Errorf("a create failed: %v", err)
					}
					continue
				}
				requests.Add(1)
				path := []string{"/meetings", "/settings", "/meetings/" + id, "/meetings/" + id + "/edit"}[n%4]
				if a := b.get(path); a.status != http.StatusOK {
					t.Errorf("%s failed: %s", path, a)
				}
			}
		})
	}
	for range rounds {
		for i := range replicas {
			before := requests.Load()
			replicas[i].Stop()
			replicas[i] = w.start()
			proxy.use(i, replicas[i].Host())
			restarts++
			if !within(patience, func() bool { return proxy.healthy(i) && requests.Load() > before+20 }) {
				t.Fatalf("replica %d does not get ready", i)
			}
			if t.Failed() {
				return
			}
		}
	}
}

// proxy is a small load balancer: it asks /readyz of each replica five times a
// second, takes turns among those that are ready, and asks the other one only
// when a connection is refused and the request may be sent twice.
type proxy struct {
	*httptest.Server
	backends [2]backend
	turn     atomic.Uint64
}

type backend struct {
	host  atomic.Pointer[string]
	ready atomic.Bool

	checking sync.Mutex // an answer of the replica before says nothing of this one
}

const checkEvery = 200 * time.Millisecond

func newProxy(t *testing.T) *proxy {
	p := &proxy{}
	forward := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host }, // the transport chooses where to
		Transport: &balancer{p, &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 20}},
		ErrorLog:  log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "proxy: "+err.Error(), http.StatusBadGateway)
		},
	}
	p.Server = httptest.NewServer(forward)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range p.backends {
		wg.Go(func() {
			tick := time.NewTicker(checkEvery)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					p.check(i)
				}
			}
		})
	}
	t.Cleanup(func() {
		close(stop)
		wg.Wait()
		p.Close()
	})
	return p
}

// use sends what is for a replica to another address, once that is ready.
func (p *proxy) use(i int, host string) {
	b := &p.backends[i]
	b.checking.Lock()
	b.ready.Store(false)
	b.host.Store(&host)
	b.checking.Unlock()
	p.check(i)
}

func (p *proxy) healthy(i int) bool { return p.backends[i].ready.Load() }

func (p *proxy) check(i int) {
	b := &p.backends[i]
	b.checking.Lock()
	defer b.checking.Unlock()
	host := b.host.Load()
	if host == nil {
		return
	}
	client := &http.Client{Transport: network, Timeout: time.Second}
	res, err := client.Get("http://" + *host + "/readyz")
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return // one answer that is late takes no replica out, on a busy machine
	}
	if err == nil {
		res.Body.Close()
	}
	b.ready.Store(err == nil && res.StatusCode == http.StatusOK)
}

// next returns the address of a replica that is ready.
func (p *proxy) next() (string, bool) {
	first := p.turn.Add(1) // once: in between, others take turns too
	for i := range uint64(len(p.backends)) {
		b := &p.backends[(first+i)%uint64(len(p.backends))]
		if b.ready.Load() {
			return *b.host.Load(), true
		}
	}
	return "", false
}

// balancer is a proxy's way to its replicas.
type balancer struct {
	proxy *proxy
	on    *http.Transport
}

var errNobody = errors.New("no replica is ready")

func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	tries := 1
	if r.Method == http.MethodGet {
		tries = 2
	}
	err := errNobody
	for range tries {
		host, ok := b.proxy.next()
		if !ok {
			return nil, errNobody
		}
		out := r.Clone(r.Context())
		out.URL = &url.URL{Scheme: "http", Host: host, Path: r.URL.Path, RawQuery: r.URL.RawQuery}
		var res *http.Response
		if res, err = b.on.RoundTrip(out); err == nil {
			return res, nil
		}
		if refused, ok := errors.AsType[*net.OpError](err); !ok || refused.Op != "dial" {
			return nil, err
		}
	}
	return nil, err
}
