package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// series are the names and labels of all metrics.
func series(t *testing.T, text string) []string {
	t.Helper()
	var names []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			names = append(names, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	if len(names) < 100 {
		t.Fatalf("only %d series, so this shows nothing", len(names))
	}
	slices.Sort(names)
	return names
}

// Whatever is asked for, there are no more series: each id in a label would be
// one for ever, and a secret place to read it.
func TestSeriesDoNotGrowWithWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"DATABASE_URL=" + filepath.Join(t.TempDir(), "s.db"), "METRICS_ADDR=127.0.0.1:0", "GOTO_RATE=1000"}, "-sandbox", "-listen", "localhost:0")
	address := regexp.MustCompile(`http://[^ ]+/metrics`).FindString(p.log.String())
	b := newBrowser(t)
	b.connect(p.base, "ada@example.test").mustBe(t, http.StatusOK, "/meetings", "")
	b.sendJSON(p.base+"/sandbox/control", `{"rate_limit_per_s":0}`)
	b.sendJSON(p.base+"/sandbox/control", `{"expire_access_tokens":true}`)
	round := func(from, n int) {
		for i := from; i < from+n; i++ {
			id := strconv.Itoa(700000000 + i)
			for _, path := range []string{
				"/meetings/" + id, "/meetings/" + id + "/attendees.csv", "/meetings?q=" + id, "/" + id, "/meetings/" + id + "/" + id,
				"/static/" + id + ".css", "/people?q=" + id, "/history?from=2026-01-01&to=2026-01-02&organizer=" + id,
			} {
				b.get(p.base + path)
			}
			req, err := http.NewRequestWithContext(t.Context(), "M"+id, p.base+"/meetings", nil)
			if err != nil {
				t.Fatal(err)
			}
			b.do(req)
		}
	}
	round(0, 2)
	before := series(t, b.get(address).body)
	round(2, 10)
	text := b.get(address).body
	if after := series(t, text); !slices.Equal(before, after) {
		t.Errorf("%d series became %d: %q", len(before), len(after), slices.DeleteFunc(after, func(s string) bool { return slices.Contains(before, s) }))
	}
	if found := regexp.MustCompile(`="[^"]*70000000[0-9]+`).FindString(text); found != "" {
		t.Errorf("the metrics hold the id %s", found)
	}
	for _, want := range []string{
		`portal_request_seconds_count{method="GET",route="/meetings/:id",status="4xx"}`,
		`portal_request_seconds_count{method="other",route="/*",status="4xx"}`,
		`portal_goto_wait_seconds_count{lane="interactive"}`, `portal_goto_wait_seconds_count{lane="token"}`,
		`portal_goto_waiting{lane="background"} 0`, `portal_goto_failing{api="admin"} 0`, `portal_goto_rate 1000`,
		`portal_token_refresh_seconds_count{outcome="refreshed"} 1`,
		`portal_session_store_seconds_count{operation="read",outcome="ok"}`, "go_build_info",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func (b *browser) sendJSON(address, body string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if res := b.do(req); res.status != http.StatusOK {
		b.t.Fatalf("%s answers %d: %s", address, res.status, res.body)
	}
}

// One line for each thing that happened, whatever it is called.
func TestLogLinesAreJSON(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"DATABASE_URL=" + filepath.Join(t.TempDir(), "s.db"), "LOG_FORMAT=json", "LOG_LEVEL=debug"}, "-sandbox", "-listen", "localhost:0")
	b := newBrowser(t)
	b.connect(p.base, "ada@example.test").mustBe(t, http.StatusOK, "/meetings", "")
	const forged = `{"time":"2026-01-01T00:00:00Z","level":"ERROR","msg":"forged"}`
	hostile := "x\r\n" + forged + "\n\u2028\x1b[31m\""
	for _, path := range []string{"/meetings/" + url.PathEscape(hostile), "/" + url.PathEscape(hostile), "/meetings?q=" + url.QueryEscape(hostile), "/auth/callback?state=" + url.QueryEscape(hostile) + "&error=" + url.QueryEscape(hostile)} {
		b.get(p.base + path)
	}
	form := b.get(p.base + "/meetings/new")
	b.submit(form, "/meetings", url.Values{
		"subject": {hostile}, "start_date": {"2030-01-15"}, "start_time": {"10:00"}, "duration": {"45"}, "time_zone": {hostile},
		"meeting_type": {"scheduled"}, "audio": {"custom"}, "audio_text": {hostile},
	})
	// GoTo's words are foreign too.
	b.sendJSON(p.base+"/sandbox/control", `{"faults":[{"match":"GET /G2M/rest/historicalMeetings","times":0,"kind":"status","status":400,"body":`+strconv.Quote(`{"errorCode":"a\nb","message":`+strconv.Quote(forged)+`}`)+`}]}`)
	b.get(p.base + "/history")
	newBrowser(t).get(p.base+"/meetings").mustBe(t, http.StatusOK, "/", "Connect")
	requests, calls, failures := 0, 0, 0
	for line := range strings.Lines(p.log.String()) {
		var entry struct {
			Time  time.Time `json:"time"`
			Level string    `json:"level"`
			Msg   string    `json:"msg"`
			Calls int       `json:"goto_calls"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Time.IsZero() || entry.Level == "" || entry.Msg == "" || entry.Time.Location() != time.UTC {
			t.Errorf("not a line of the log: %q: %v", line, err)
		}
		switch entry.Msg {
		case "forged":
			t.Errorf("a line was forged: %q", line)
		case "request":
			requests++
			calls += entry.Calls
		case "goto call failed":
			failures++
		}
		if strings.Contains(line, "no session") && entry.Level != "INFO" {
			t.Errorf("who is not signed in is no fault of ours: %s", line)
		}
		if strings.Contains(line, "127.0.0.1:") && entry.Msg == "request" {
			t.Errorf("an address is logged: %s", line)
		}
	}
	if requests < 9 || calls < 2 || failures == 0 {
		t.Errorf("%d requests, %d calls and %d failures are logged, so this shows little", requests, calls, failures)
	}
}

// pipes is a listener of connections in memory, so that time can be made up.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A portal that stops serves on, unready, for as long as its load balancer
// needs to notice; a connection that is used meanwhile ends with its answer,
// rather than in the middle of the next request.
func TestDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := pipes{make(chan net.Conn), make(chan struct{})}
		var p portal
		pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/readyz" && p.draining.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = io.WriteString(w, "done")
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		var took time.Duration
		go func() {
			var began time.Time
			err := serveUntil(ctx, newServer(pages, slog.New(slog.DiscardHandler)), l, drainNotice, func() { p.draining.Store(true); began = time.Now() })
			took = time.Since(began)
			ended <- err
		}()
		dials := 0
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dials++
			return l.dial(ctx, network, address)
		}}}
		get := func(path string) (status int, last bool) {
			t.Helper()
			res, err := client.Get("http://portal.example" + path)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); err != nil || string(body) != "done" {
				t.Errorf("%s: %q, %v", path, body, err)
			}
			return res.StatusCode, res.Close
		}
		for range 2 {
			if status, last := get("/readyz"); status != http.StatusOK || last {
				t.Errorf("before: %d, closing: %t", status, last)
			}
		}
		if dials != 1 {
			t.Errorf("%d connections for two requests", dials)
		}
		stop()
		synctest.Wait()
		for i := range 5 {
			path, want := "/readyz", http.StatusServiceUnavailable
			if i%2 == 1 {
				path, want = "/", http.StatusOK
			}
			if status, last := get(path); status != want || !last {
				t.Errorf("%s while it stops: %d, closing: %t", path, status, last)
			}
			time.Sleep(drainNotice / 6)
		}
		if err := <-ended; err != nil || took != drainNotice {
			t.Errorf("it stopped after %v: %v", took, err)
		}
		if res, err := client.Get("http://portal.example/"); err == nil {
			res.Body.Close()
			t.Error("it answers after it stopped")
		}
		client.CloseIdleConnections()
	})
}
