package gotomeeting

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// log of when calls arrived, since a start.
type arrivals struct {
	mu    sync.Mutex
	began time.Time
	at    []time.Duration
}

func (a *arrivals) note() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, time.Since(a.began))
	return len(a.at)
}

func TestRateStaysBelowGoTosLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := arrivals{began: time.Now()}
		c, err := New(Config{BaseURL: "https://goto.example", HTTP: &http.Client{Transport: wire(func(*http.Request) (*http.Response, error) {
			seen.note()
			return answer(200, "[]"), nil
		})}})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 60 {
			all.Go(func() {
				if _, err := c.Upcoming(t.Context(), oldToken(), ""); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		slices.Sort(seen.at)
		for i := range seen.at {
			if i+10 < len(seen.at) && seen.at[i+10]-seen.at[i] < time.Second {
				t.Fatalf("eleven calls within a second, from %v", seen.at[i])
			}
		}
		if last := seen.at[len(seen.at)-1]; last > 8*time.Second {
			t.Errorf("60 calls took %v, so the limiter gives less than eight a second", last)
		}
	})
}

func TestLimiterRefusesWhatCannotBeInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := arrivals{began: time.Now()}
		c, err := New(Config{BaseURL: "https://goto.example", Rate: 1, HTTP: &http.Client{Transport: wire(func(*http.Request) (*http.Response, error) {
			calls.note()
			return answer(200, "[]"), nil
		})}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Upcoming(t.Context(), oldToken(), ""); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err = c.Upcoming(ctx, oldToken(), "")
		fault := faultOf(t, err, RateLimited)
		if fault.Sent || fault.Status != 0 || fault.RetryAfter <= 0 || fault.RetryAfter > time.Second {
			t.Errorf("got %+v", fault)
		}
		if waited := time.Since(calls.began); waited != 0 {
			t.Errorf("waited %v to say so", waited)
		}

		// Without a deadline the queue is bounded.
		var all sync.WaitGroup
		var mu sync.Mutex
		refused := 0
		for range 30 {
			all.Go(func() {
				_, err := c.Upcoming(t.Context(), oldToken(), "")
				if fault, ok := errors.AsType[*Error](err); ok && fault.Kind == RateLimited {
					mu.Lock()
					refused++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if refused != 20 {
			t.Errorf("%d of 30 refused, want 20: ten seconds hold ten calls", refused)
		}

		// Who leaves while waiting gives the turn back.
		ctx, cancel = context.WithCancel(t.Context())
		var left error
		all.Go(func() { _, left = c.Upcoming(ctx, oldToken(), "") })
		synctest.Wait()
		cancel()
		all.Wait()
		if !errors.Is(left, context.Canceled) {
			t.Errorf("got %v", left)
		}
	})
}

func TestBackOff(t *testing.T) {
	tests := []struct {
		name     string
		random   float64
		answers  []*http.Response // the last one repeats
		at       []time.Duration
		kind     Kind
		deadline time.Duration
	}{
		{"429 twice, then fine", 0.5, []*http.Response{answer(429, ""), answer(429, ""), answer(200, "[]")}, []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond}, 0, 0},
		{"429 for good", 1, []*http.Response{answer(429, "")}, []time.Duration{0, time.Second, 3 * time.Second}, RateLimited, 0},
		{"429 with Retry-After", 0, []*http.Response{answer(429, "", "Retry-After", "2"), answer(200, "[]")}, []time.Duration{0, 2 * time.Second}, 0, 0},
		{"429 with a long Retry-After", 0, []*http.Response{answer(429, "", "Retry-After", "86400")}, []time.Duration{0}, RateLimited, 0},
		{"429 past the deadline", 1, []*http.Response{answer(429, "")}, []time.Duration{0}, RateLimited, 900 * time.Millisecond},
		{"503, then fine", 1, []*http.Response{answer(503, ""), answer(200, "[]")}, []time.Duration{0, 500 * time.Millisecond}, 0, 0},
		{"503 for good", 1, []*http.Response{answer(503, "")}, []time.Duration{0, 500 * time.Millisecond}, Unavailable, 0},
		{"503, 429, fine", 1, []*http.Response{answer(503, ""), answer(429, ""), answer(200, "[]")}, []time.Duration{0, 500 * time.Millisecond, 2500 * time.Millisecond}, 0, 0},
		{"500", 1, []*http.Response{answer(500, "")}, []time.Duration{0}, Unavailable, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seen := arrivals{began: time.Now()}
				c := newClient(t, wire(func(*http.Request) (*http.Response, error) {
					res := *tt.answers[min(seen.note(), len(tt.answers))-1]
					if res.StatusCode == 200 {
						return answer(200, "[]"), nil
					}
					res.Body = http.NoBody
					return &res, nil
				}))
				c.random = func() float64 { return tt.random }
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				_, err := c.Upcoming(ctx, oldToken(), "")
				if tt.kind != 0 {
					fault := faultOf(t, err, tt.kind)
					if tt.name == "429 with a long Retry-After" && fault.RetryAfter != maxRetryAfter {
						t.Errorf("got Retry-After %v", fault.RetryAfter)
					}
				} else if err != nil {
					t.Error(err)
				}
				if !slices.Equal(seen.at, tt.at) {
					t.Errorf("called at %v, want %v", seen.at, tt.at)
				}
			})
		})
	}
}

// A second GET, PUT or DELETE changes nothing; a second POST might.
func TestWhatIsTriedAgainAfterAnAnswer(t *testing.T) {
	for status, tries := range map[int]int{429: 3, 500: 1, 502: 2, 503: 2, 504: 2} {
		for name, call := range map[string]func(*Client) error{
			"create": func(c *Client) error { return second(c.Create(t.Context(), oldToken(), request())) },
			"invite": func(c *Client) error {
				return second(c.Invite(t.Context(), oldToken(), "1", Invitation{Email: "e@example.test"}))
			},
			"update": func(c *Client) error { return c.Update(t.Context(), oldToken(), "1", request()) },
			"delete": func(c *Client) error { return c.Delete(t.Context(), oldToken(), "1") },
			"read":   func(c *Client) error { return second(c.Meeting(t.Context(), oldToken(), "1")) },
		} {
			calls := 0
			c := newClient(t, wire(func(*http.Request) (*http.Response, error) {
				calls++
				return answer(status, ""), nil
			}))
			want := tries
			if name == "create" || name == "invite" {
				want = 1
			}
			if err := call(c); err == nil || calls != want {
				t.Errorf("%s after %d: %d calls, want %d; %v", name, status, calls, want, err)
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := at("2030-01-15T10:00:00Z")
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "0": 0, "-3": 0, "86400": time.Minute, "99999999999999999999": 0, "soon": 0,
		"Tue, 15 Jan 2030 10:00:30 GMT": 30 * time.Second, "Tue, 15 Jan 2030 09:00:00 GMT": 0, "Wed, 16 Jan 2030 10:00:00 GMT": time.Minute,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
}
