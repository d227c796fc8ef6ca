package gotomeeting

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// flaky is a GoTo that answers as it is told.
type flaky struct {
	calls atomic.Int64

	mu  sync.Mutex
	how func() (*http.Response, error)
}

func (f *flaky) client(t *testing.T) *Client {
	return newClient(t, wire(func(*http.Request) (*http.Response, error) {
		f.calls.Add(1)
		f.mu.Lock()
		how := f.how
		f.mu.Unlock()
		return how()
	}))
}

// answers has GoTo answer so from now on.
func (f *flaky) answers(how func() (*http.Response, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.how = how
}

// says has GoTo answer a status from now on.
func (f *flaky) says(status int) {
	f.answers(func() (*http.Response, error) { return answer(status, "[]"), nil })
}

// user is a caller of their own.
func user(n int) *tokens { return &tokens{token: fmt.Sprint("token of ", n), issued: issuedLongAgo} }

// browser is one of many that a user has, each with a token of its own.
type browser struct {
	*tokens
	user string
}

func (b browser) UserRef() string { return b.user }

// One organizer's trouble is one caller's, with however many tokens.
func TestBreakerCountsUsers(t *testing.T) {
	for users, opens := range map[int]bool{1: false, 2: true} {
		synctest.Test(t, func(t *testing.T) {
			goTo := &flaky{}
			c := goTo.client(t)
			goTo.says(500)
			for i := range 2 * breakerCalls {
				_, _ = c.Upcoming(t.Context(), browser{user(i), fmt.Sprint("77/", i%users)}, "")
			}
			if opened := c.State().Failing[APIMeeting]; opened != opens {
				t.Errorf("%d users with %d tokens: open %t, want %t", users, 2*breakerCalls, opened, opens)
			}
		})
	}
}

func TestBreaker(t *testing.T) {
	silence := func() (*http.Response, error) { time.Sleep(3 * time.Second); return nil, context.DeadlineExceeded }
	hasty := func() (*http.Response, error) { time.Sleep(time.Second); return nil, context.DeadlineExceeded }
	refused := func() (*http.Response, error) { return nil, fmt.Errorf("connection refused") }
	left := func() (*http.Response, error) { time.Sleep(3 * time.Second); return nil, context.Canceled }
	status := func(status int) func() (*http.Response, error) {
		return func() (*http.Response, error) { return answer(status, `{"errorCode":"x"}`), nil }
	}
	for name, tt := range map[string]struct {
		answer func() (*http.Response, error)
		users  int
		pause  time.Duration // between calls
		fine   int           // calls that succeed first
		opens  bool
	}{
		"500":                       {answer: status(500), users: 2, opens: true},
		"503":                       {answer: status(503), users: 2, opens: true},
		"no connection":             {answer: refused, users: 2, opens: true},
		"no answer":                 {answer: silence, users: 10, pause: time.Second, opens: true},
		"half of them":              {answer: status(500), users: 2, fine: 20, opens: true},
		"one user's trouble":        {answer: status(500), users: 1},
		"seldom":                    {answer: status(500), users: 2, pause: 2 * time.Second},
		"400":                       {answer: status(400), users: 2},
		"401":                       {answer: status(401), users: 2},
		"403":                       {answer: status(403), users: 2},
		"404":                       {answer: status(404), users: 2},
		"408":                       {answer: status(408), users: 2},
		"429":                       {answer: status(429), users: 2},
		"callers leave":             {answer: left, users: 2},
		"callers have little time":  {answer: hasty, users: 2},
		"less than half":            {answer: status(500), users: 2, fine: 60},
		"success of a while ago":    {answer: status(500), users: 2, fine: 200, opens: true},
		"an answer of another kind": {answer: status(302), users: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				goTo := &flaky{}
				c := goTo.client(t)
				goTo.says(200)
				for range tt.fine {
					if _, err := c.Upcoming(t.Context(), user(0), ""); err != nil {
						t.Fatal(err)
					}
				}
				if tt.fine > 100 {
					time.Sleep(breakerWindow)
				}
				goTo.answers(tt.answer)
				var all sync.WaitGroup
				for i := range 40 {
					all.Go(func() { _ = second(c.Create(t.Context(), user(i%tt.users), request())) })
					time.Sleep(max(tt.pause, 100*time.Millisecond))
				}
				if opened := c.State().Failing[APIMeeting]; opened != tt.opens {
					t.Errorf("open: %t, want %t", opened, tt.opens)
				}
				all.Wait()
				if failures := int(goTo.calls.Load()) - tt.fine; tt.opens && tt.pause == 0 && (failures < 20 || failures > 30) {
					t.Errorf("%d failures, want 20 and then one a second", failures)
				}
			})
		})
	}
}

// While it is open GoTo has peace and callers an answer at once; one call a
// second tries, and all go on when one succeeds.
func TestBreakerOpensAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goTo := &flaky{}
		c := goTo.client(t)
		var held atomic.Value
		c.observe = func(try Try) {
			if try.Held != "" {
				held.Store(try.Held)
			}
		}
		read := func(n int) error { return second(c.Upcoming(t.Context(), user(n), "")) }
		failing := func() bool { return c.State().Failing[APIMeeting] }
		for goTo.says(500); !failing(); {
			_ = read(int(goTo.calls.Load() % 2))
		}

		calls, began := goTo.calls.Load(), time.Now()
		if calls != breakerCalls {
			t.Errorf("opened after %d calls", calls)
		}
		fault := faultOf(t, read(1), Unavailable)
		if fault.RetryAfter != breakerTry || fault.Sent || fault.Status != 0 || time.Since(began) != 0 || held.Load() != HeldBreaker {
			t.Errorf("while it is open: %+v after %v, held by %q", fault, time.Since(began), held.Load())
		}
		if fault := faultOf(t, second(c.Create(t.Context(), user(1), request())), Unavailable); fault.Sent {
			t.Error("a create that was not sent is in doubt")
		}
		if n := goTo.calls.Load() - calls; n > 0 {
			t.Errorf("%d calls while it is open", n)
		}
		// The other APIs are called.
		goTo.answers(func() (*http.Response, error) { return answer(200, `{"key":1}`), nil })
		if _, err := c.Me(t.Context(), "token"); err != nil {
			t.Errorf("another API: %v", err)
		}

		// Tries that hang, fail, say nothing or never end do not stop the next.
		for name, bad := range map[string]func() (*http.Response, error){
			"hangs":        func() (*http.Response, error) { time.Sleep(9 * time.Second); return nil, context.DeadlineExceeded },
			"fails":        func() (*http.Response, error) { return answer(500, ""), nil },
			"says nothing": func() (*http.Response, error) { return answer(403, ""), nil },
			"panics":       func() (*http.Response, error) { panic("here") },
		} {
			time.Sleep(breakerTry)
			goTo.answers(bad)
			calls = goTo.calls.Load()
			go func() {
				defer func() { _ = recover() }()
				_ = read(1)
			}()
			synctest.Wait()
			faultOf(t, read(2), Unavailable)
			if n := goTo.calls.Load() - calls; n != 1 || !failing() {
				t.Errorf("a try that %s: %d calls, open: %t", name, n, failing())
			}
		}

		goTo.says(200)
		recovered := time.Now()
		for read(1) != nil {
			time.Sleep(time.Second / 10)
		}
		if took := time.Since(recovered); took > time.Second || failing() {
			t.Errorf("people go on %v after GoTo, open: %t", took, failing())
		}
		for range 5 {
			if err := read(1); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(10 * time.Second) // the try that hung has ended: that was before
		goTo.says(500)
		faultOf(t, read(1), Unavailable)
		if failing() {
			t.Error("open after one failure more")
		}
	})
}

// Calls that were under way when it opened are the outage that it opened for.
func TestBreakerIgnoresLateFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker{log: slog.New(slog.DiscardHandler)}
		var late []func(verdict, uint64)
		for range 3 * breakerCalls {
			end, _ := b.begin()
			late = append(late, end)
		}
		for i, end := range late {
			end(failed, uint64(i))
			if i == breakerCalls {
				time.Sleep(breakerTry / 2)
			}
		}
		if _, wait := b.begin(); wait != breakerTry/2 || len(b.calls) > 0 {
			t.Errorf("the next call may try in %v, and %d failures are kept", wait, len(b.calls))
		}
	})
}

func TestRetriesAreATenth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goTo := &flaky{}
		c := goTo.client(t)
		retries := 0
		c.observe = func(try Try) {
			if try.Again {
				retries++
			}
		}
		read := func(n int) {
			for range n {
				_, _ = c.Upcoming(t.Context(), user(0), "")
			}
		}
		goTo.says(429)
		read(100)
		if retries != budgetFloor {
			t.Errorf("%d retries of a hundred calls, want %d", retries, budgetFloor)
		}
		goTo.says(200)
		read(900)
		goTo.says(429)
		read(100)
		if want := 108; retries > want+2 || retries < 100 {
			t.Errorf("%d retries of 1,100 calls, want a tenth", retries)
		}
		// The minute slides.
		time.Sleep(59 * time.Second)
		before := retries
		read(5)
		if retries != before {
			t.Errorf("%d retries too many within the minute", retries-before)
		}
		time.Sleep(time.Second)
		read(100)
		if retries != before+budgetFloor {
			t.Errorf("%d retries in a new minute, want %d", retries-before, budgetFloor)
		}
	})
}
