package gotomeeting_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portal/gotomeeting"
	"portal/sandbox/sandboxtest"
)

// bearer is a token that nothing renews.
type bearer string

func (b bearer) AccessToken(context.Context) (string, time.Time, error) {
	return string(b), time.Time{}, nil
}

func (b bearer) RenewToken(context.Context, string) (string, time.Time, error) {
	return string(b), time.Time{}, nil
}

func newClient(t *testing.T, c gotomeeting.Config) *gotomeeting.Client {
	t.Helper()
	client, err := gotomeeting.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// GoTo's word that it is too much slows the client down.
func TestTooManyAtTheSandbox(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.New(t)
	sb.Control(map[string]any{"rate_limit_per_s": 1})
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	var c *gotomeeting.Client
	var refused atomic.Bool
	c = newClient(t, gotomeeting.Config{BaseURL: sb.API, Rate: 1000, Observe: func(try gotomeeting.Try) {
		if try.Status != http.StatusTooManyRequests {
			return
		}
		refused.Store(true)
		enough()
		if rate := c.State().Rate; rate > 600 {
			t.Errorf("%v calls a second after a 429", rate)
		}
	}})
	token := bearer(sb.Token("ada@example.test"))
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() { _, _ = c.Upcoming(ctx, token, "") })
	}
	all.Wait()
	if !refused.Load() {
		t.Error("nothing was too much, so this shows nothing")
	}
}

// An outage that two users meet is nobody's call any more, and no other API's.
func TestOutageAtTheSandbox(t *testing.T) {
	t.Parallel()
	for kind, fault := range map[string]map[string]any{
		"503":   {"match": "GET /G2M/rest/upcomingMeetings", "times": 0, "kind": "status", "status": 503},
		"500":   {"match": "GET /G2M/rest/upcomingMeetings", "times": 0, "kind": "status", "status": 500},
		"reset": {"match": "GET /G2M/rest/upcomingMeetings", "times": 0, "kind": "reset"},
		"cut":   {"match": "GET /G2M/rest/upcomingMeetings", "times": 0, "kind": "truncate"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			sb := sandboxtest.New(t)
			sb.Control(map[string]any{"rate_limit_per_s": 0, "faults": []any{fault}})
			c := newClient(t, gotomeeting.Config{BaseURL: sb.API, Rate: 1000})
			users := []bearer{bearer(sb.Token("ada@example.test")), bearer(sb.Token("ben@example.test"))}
			calls := func() int { return sb.Calls()["GET /G2M/rest/upcomingMeetings"] }
			for i := 0; !c.State().Failing[gotomeeting.APIMeeting]; i++ {
				if _, err := c.Upcoming(t.Context(), users[i%2], ""); err == nil {
					t.Fatal("no fault")
				}
				if i > 20 {
					t.Fatalf("the breaker is closed after %d failures", calls())
				}
			}
			before := calls()
			if before != 20 {
				t.Errorf("opened after %d calls", before)
			}
			for range 10 {
				_, err := c.Upcoming(t.Context(), users[0], "")
				if failed, ok := errors.AsType[*gotomeeting.Error](err); !ok || failed.Status == 0 && failed.Kind != gotomeeting.Unavailable {
					t.Errorf("got %v", err)
				}
			}
			if n := calls() - before; n > 5 {
				t.Errorf("%d of 10 calls arrived", n)
			}
			if _, err := c.Me(t.Context(), string(users[0])); err != nil {
				t.Errorf("the Admin API: %v", err)
			}
			sb.Control(map[string]any{"faults": []any{}})
			_, err := c.Upcoming(t.Context(), users[0], "")
			if held, ok := errors.AsType[*gotomeeting.Error](err); ok {
				<-time.After(held.RetryAfter)
				_, err = c.Upcoming(t.Context(), users[0], "")
			}
			if err != nil {
				t.Errorf("when it may try again: %v", err)
			}
			if c.State().Failing[gotomeeting.APIMeeting] {
				t.Error("it answers, and counts as failing")
			}
		})
	}
}

// What GoTo refuses one user is that user's affair.
func TestRefusalsAtTheSandboxAreNoOutage(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.New(t)
	sb.Control(map[string]any{"rate_limit_per_s": 0})
	c := newClient(t, gotomeeting.Config{BaseURL: sb.API, Rate: 1000})
	for i := range 60 {
		token := bearer(fmt.Sprint("no token ", i%2))
		if i%3 == 0 {
			token = bearer(sb.Token("ben@example.test"))
		}
		if _, err := c.Meeting(t.Context(), token, "999999999"); err == nil {
			t.Fatal("no refusal")
		}
	}
	if _, err := c.Upcoming(t.Context(), bearer(sb.Token("ada@example.test")), ""); err != nil {
		t.Error(err)
	}
}

// A connection that never came about carried nothing, so a create is sent
// again; one that was lost may have carried it, so it is not.
func TestCreateIsSentAgainOnlyIfItNeverLeft(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		dial func(net.Conn, int) (net.Conn, error) // the nth connection
		made int
		err  bool
	}{
		"refused once": {func(conn net.Conn, n int) (net.Conn, error) {
			if n == 1 {
				_ = conn.Close()
				return nil, errors.New("connection refused")
			}
			return conn, nil
		}, 1, false},
		"lost once": {func(conn net.Conn, n int) (net.Conn, error) {
			if n == 1 {
				return deaf{conn}, nil
			}
			return conn, nil
		}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			sb := sandboxtest.New(t)
			dials := 0
			transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				dials++
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return tt.dial(conn, dials)
			}}
			c := newClient(t, gotomeeting.Config{BaseURL: sb.API, HTTP: &http.Client{Transport: transport}})
			start := time.Now().Add(24 * time.Hour)
			_, err := c.Create(t.Context(), bearer(sb.Token("ada@example.test")), gotomeeting.MeetingRequest{
				Subject: "Once", Start: start, End: start.Add(time.Hour), Type: gotomeeting.Scheduled, Audio: gotomeeting.AudioHybrid,
			})
			if (err != nil) != tt.err {
				t.Errorf("got %v", err)
			}
			if n := sb.Calls()["POST /G2M/rest/meetings"]; n != tt.made {
				t.Errorf("the create arrived %d times, want %d", n, tt.made)
			}
		})
	}
}

// deaf sends, and hears no answer.
type deaf struct{ net.Conn }

func (d deaf) Read(b []byte) (int, error) {
	_, _ = d.Conn.Read(b)
	return 0, errors.New("connection lost")
}
