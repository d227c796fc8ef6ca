package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAddresses(t *testing.T) {
	for _, tc := range []struct{ configured, printed, browser string }{
		{":0", "http://localhost:", "http://localhost:"},
		{"localhost:0", "http://localhost:", "http://localhost:"},
		{"127.0.0.1:0", "http://127.0.0.1:", "http://127.0.0.1:"},
		{"0.0.0.0:0", "http://0.0.0.0:", "http://localhost:"},
	} {
		l, err := listen(t.Context(), "LISTEN_ADDR", tc.configured)
		if err != nil {
			t.Fatal(err)
		}
		at := port(l)
		if got := origin(tc.configured, l); got != tc.printed+at {
			t.Errorf("%s prints %s", tc.configured, got)
		}
		if got := browserOrigin(tc.configured, l); got != tc.browser+at {
			t.Errorf("%s is %s for browsers", tc.configured, got)
		}
		// The way that the process reaches itself has to work.
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(ownOrigin(l), "http://"), patience)
		if err != nil {
			t.Errorf("%s: %v", tc.configured, err)
		} else {
			conn.Close()
		}
		l.Close()
	}
}

func TestRequestsUnderWayFinishWhenThePortalStops(t *testing.T) {
	t.Parallel()
	l, err := listen(t.Context(), "LISTEN_ADDR", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	arrived, stopping := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-stopping
		_, _ = io.WriteString(w, "done")
	})
	ended := make(chan error, 1)
	go func() {
		ended <- serveUntil(ctx, newServer(slow, slog.New(slog.DiscardHandler)), l, 0, func() { close(stopping) })
	}()
	go func() {
		<-arrived
		stop()
	}()
	res, err := http.Get(ownOrigin(l))
	if err != nil {
		t.Fatalf("the request under way is cut off: %v", err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "done" {
		t.Errorf("the request under way gets %q, %v", body, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	l, err := listen(t.Context(), "LISTEN_ADDR", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	for size, want := range map[int]int{30 << 10: http.StatusNotFound, 40 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ownOrigin(l), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Long", strings.Repeat("x", size))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("a header of %d bytes gets %d, want %d", size, res.StatusCode, want)
		}
	}
}

// Go's own limits are none, so a missing one is a hole.
func TestSlowClientsAreBounded(t *testing.T) {
	t.Parallel()
	s := newServer(nil, slog.New(slog.DiscardHandler))
	for name, got := range map[string]time.Duration{
		"header": s.ReadHeaderTimeout, "read": s.ReadTimeout, "write": s.WriteTimeout, "idle": s.IdleTimeout,
	} {
		if got <= 0 || got > time.Minute {
			t.Errorf("the %s time-out is %s", name, got)
		}
	}
}
