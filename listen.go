package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"
)

const (
	// drain is how long requests under way may take once the portal stops.
	drain = 20 * time.Second

	// maxConnections bounds what a flood can cost; more wait in the system's
	// queue. There is no bound for each address: behind a proxy all
	// connections come from one, and whoever is counted there is counted in
	// requests.
	maxConnections = 2000
)

// listen opens an address. With port 0 the system picks a free one.
func listen(ctx context.Context, name, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; choose another %s", address, err, name)
	}
	return l, nil
}

// origin is the address of a listener as it was configured: localhost when
// the host is empty, and the port that was picked.
func origin(configured string, l net.Listener) string {
	host, _, _ := net.SplitHostPort(configured)
	if host == "" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port(l))
}

// browserOrigin is the address of a listener for browsers on this machine.
func browserOrigin(configured string, l net.Listener) string {
	host, _, _ := net.SplitHostPort(configured)
	if a, err := netip.ParseAddr(host); err == nil && a.IsUnspecified() {
		return origin("", l)
	}
	return origin(configured, l)
}

// ownOrigin is the address of a listener for this process.
func ownOrigin(l net.Listener) string { return "http://" + dialable(l.Addr().String()) }

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// dialable is where to reach a listener from this machine: one on every
// address is also on loopback.
func dialable(address string) string {
	host, port, _ := net.SplitHostPort(address)
	a, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && a.Unmap().Is4() && a.Unmap().IsUnspecified():
		host = "127.0.0.1"
	case err == nil && a.IsUnspecified():
		host = "localhost" // [::] takes both families, unless the system says no
	}
	return net.JoinHostPort(host, port)
}

// newServer bounds everything that a slow or hostile client could stretch:
// Go's own limits are none.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// serveUntil serves until ctx ends, calls stopping, serves on for notice, so
// that load balancers learn of it, and then lets requests under way finish.
func serveUntil(ctx context.Context, server *http.Server, l net.Listener, notice time.Duration, stopping func()) error {
	handler, leaving := server.Handler, atomic.Bool{}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if leaving.Load() {
			// A connection that its client gives up can not be cut while the
			// client begins its next request.
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, r)
	})
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(netutil.LimitListener(l, maxConnections)) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	leaving.Store(true)
	stopping()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-time.After(notice):
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := server.Shutdown(late)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("some requests did not finish within %s", drain), server.Close())
	}
	return err
}

// healthcheck asks the portal that listens on address whether it lives.
func healthcheck(ctx context.Context, address string) error {
	if _, port, _ := net.SplitHostPort(address); port == "0" {
		return errors.New("LISTEN_ADDR has port 0, so nobody knows where the portal listens: give it a port")
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+dialable(address)+"/healthz", nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the portal does not answer: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the portal answers %s", res.Status)
	}
	return nil
}
