package gotomeeting

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// most is the most calls that any second holds.
func most(at []time.Duration) int {
	at = slices.Sorted(slices.Values(at))
	n, from := 0, 0
	for i := range at {
		for at[i]-at[from] >= time.Second {
			from++
		}
		n = max(n, i-from+1)
	}
	return n
}

// take waits for a turn, and notes when it came.
func (a *arrivals) take(ctx context.Context, l *limiter, lane Lane) bool {
	tooLong, err := l.wait(ctx, lane, 1)
	if tooLong > 0 || err != nil {
		return false
	}
	a.note()
	return true
}

// Whatever comes, and whatever GoTo and other replicas make of the rate
// meanwhile, no second holds more than ten calls.
func TestNoSecondHoldsMoreThanTen(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			upTo := func(d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }
			l := newLimiter(DefaultRate)
			seen := arrivals{began: time.Now()}
			var all sync.WaitGroup
			for range 400 {
				lane, start, patience := Lane(r.IntN(int(lanes))), upTo(30*time.Second), upTo(20*time.Second)
				all.Go(func() {
					time.Sleep(start)
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					if patience < 5*time.Second { // leaves unannounced
						var leave context.CancelFunc
						ctx, leave = context.WithCancel(t.Context())
						time.AfterFunc(patience, leave)
					}
					seen.take(ctx, l, lane)
				})
			}
			if seed > 0 { // the first is undisturbed
				for range r.IntN(40) {
					at, rate, after := upTo(30*time.Second), r.Float64()*DefaultRate, upTo(3*time.Second)
					all.Go(func() {
						time.Sleep(at)
						if rate > 2 {
							l.setRate(rate)
						} else {
							l.tooMany(after)
						}
					})
				}
			}
			all.Wait()
			if n := most(seen.at); n > 10 || n < 3 {
				t.Errorf("seed %d: %d calls in a second, of %d", seed, n, len(seen.at))
			}
			if seed == 0 && len(seen.at) < 8*30 {
				t.Errorf("only %d calls in half a minute, so the limiter gives less than eight a second", len(seen.at))
			}
		})
	}
}

// Replicas that take equal shares stay below ten together. From six on a
// second may hold one call of each more than its share; the average still holds.
func TestSharesAddUp(t *testing.T) {
	for _, replicas := range []int{1, 2, 3, 4, 5, 8} {
		synctest.Test(t, func(t *testing.T) {
			seen := arrivals{began: time.Now()}
			var all sync.WaitGroup
			for range replicas {
				c, err := New(Config{BaseURL: "https://goto.example", HTTP: &http.Client{Transport: wire(func(*http.Request) (*http.Response, error) {
					seen.note()
					return answer(200, "[]"), nil
				})}})
				if err != nil {
					t.Fatal(err)
				}
				c.SetRate(DefaultRate / float64(replicas))
				for range 120 / replicas {
					all.Go(func() {
						for {
							if _, err := c.Upcoming(t.Context(), oldToken(), ""); err == nil {
								return
							}
							time.Sleep(time.Second)
						}
					})
				}
			}
			all.Wait()
			n, last := most(seen.at), slices.Max(seen.at)
			t.Logf("%d replicas: at most %d calls in a second, %d within %v", replicas, n, len(seen.at), last)
			if n > 10 {
				t.Errorf("%d replicas make %d calls in a second", replicas, n)
			}
			if last > 16*time.Second {
				t.Errorf("%d replicas take %v for %d calls", replicas, last, len(seen.at))
			}
		})
	}
}

// Who waits longer than others for the same slots.
func TestLanesGoInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1)
		var mu sync.Mutex
		var order []Lane
		var all sync.WaitGroup
		for _, lane := range []Lane{LaneBackground, LaneBackground, LaneInteractive, LaneInteractive, LaneInteractive, LaneToken, LaneToken} {
			all.Go(func() {
				if tooLong, err := l.wait(t.Context(), lane, 1); tooLong > 0 || err != nil {
					t.Error(tooLong, err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, lane)
			})
			synctest.Wait()
		}
		all.Wait()
		// The first found the slot free.
		want := []Lane{LaneBackground, LaneToken, LaneToken, LaneInteractive, LaneInteractive, LaneInteractive, LaneBackground}
		if !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

// However much one caller asks for at once, another waits for one call of it
// at a time, and is never refused for it; nor is the greedy one starved.
func TestCallersTakeTurns(t *testing.T) {
	const greedy, modest, third = 1, 2, 3
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(DefaultRate)
		slot := time.Second / DefaultRate
		ctx, cancel := context.WithCancel(t.Context())
		rush := arrivals{began: time.Now()}
		var all sync.WaitGroup
		for range 200 { // as fast as it can, for as long as it is let
			all.Go(func() {
				for ctx.Err() == nil {
					if tooLong, err := l.wait(ctx, LaneInteractive, greedy); tooLong > 0 && err == nil {
						time.Sleep(slot)
					} else if err == nil {
						rush.note()
					}
				}
			})
		}
		synctest.Wait()
		if _, waiting := l.look(); waiting[LaneInteractive] < 75 {
			t.Fatalf("only %d wait, so the queue is not full", waiting[LaneInteractive])
		}
		const pages = 100
		for n := range pages {
			for _, caller := range []uint64{modest, third} {
				began := time.Now()
				if tooLong, err := l.wait(ctx, LaneInteractive, caller); tooLong > 0 || err != nil {
					t.Fatalf("page %d is refused: %v, %v", n, tooLong, err)
				}
				if took := time.Since(began); took > 3*slot {
					t.Fatalf("page %d waits %v", n, took)
				}
			}
		}
		cancel()
		all.Wait()
		if got := len(rush.at); got < pages*2/3 {
			t.Errorf("the greedy caller got %d slots, the others %d", got, 2*pages)
		}
	})
}

// Reports under a rush of pages: they go on, and cost no page more than a slot.
func TestBackgroundIsNeitherStarvedNorInTheWay(t *testing.T) {
	const rush = time.Minute
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			l := newLimiter(DefaultRate)
			ctx, cancel := context.WithTimeout(t.Context(), rush)
			defer cancel()
			reports := arrivals{began: time.Now()}
			var all sync.WaitGroup
			for range 4 { // a report's calls at a time
				all.Go(func() {
					for ctx.Err() == nil {
						if !reports.take(ctx, l, LaneBackground) {
							time.Sleep(time.Second)
						}
					}
				})
			}
			var mu sync.Mutex
			pages, worst := 0, time.Duration(0)
			for ctx.Err() == nil {
				time.Sleep(time.Duration(r.Int64N(int64(time.Second / 5)))) // ten a second on average
				l.mu.Lock()
				alone := time.Until(l.due(time.Now(), len(l.waiting[LaneInteractive])))
				l.mu.Unlock()
				began := time.Now()
				all.Go(func() {
					if tooLong, err := l.wait(ctx, LaneInteractive, 1); tooLong > 0 || err != nil {
						return
					}
					mu.Lock()
					defer mu.Unlock()
					pages++
					worst = max(worst, time.Since(began)-alone)
				})
				synctest.Wait()
			}
			all.Wait()
			if slot := time.Second / DefaultRate; worst > slot {
				t.Errorf("seed %d: a page waited %v longer for reports, a slot is %v", seed, worst, slot)
			}
			if len(reports.at) < int(rush/maxQueue) || pages < 7*int(rush/time.Second) {
				t.Errorf("seed %d: %d calls of reports and %d of pages", seed, len(reports.at), pages)
			}
		})
	}
}

// Who leaves the queue makes room, and a slot that came too late is not lost.
func TestLeavingTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1)
		seen := arrivals{began: time.Now()}
		var all sync.WaitGroup
		wait := func(ctx context.Context) {
			all.Go(func() { seen.take(ctx, l, LaneInteractive) })
			synctest.Wait()
		}
		wait(t.Context())
		leaving, leave := context.WithCancel(t.Context())
		wait(leaving)
		wait(t.Context())
		leave()
		all.Wait()
		if want := []time.Duration{0, time.Second}; !slices.Equal(seen.at, want) {
			t.Errorf("calls at %v, want %v", seen.at, want)
		}
		if _, waiting := l.look(); waiting != [lanes]int{} {
			t.Errorf("waiting: %v", waiting)
		}

		time.Sleep(time.Minute)
		w, _ := l.enter(t.Context(), LaneInteractive, 1)
		<-w.turn
		l.leave(LaneInteractive, w)
		before := time.Now()
		if !seen.take(t.Context(), l, LaneInteractive) || time.Since(before) != 0 {
			t.Errorf("a slot that was given back is used after %v", time.Since(before))
		}
	})
}

// late is a context whose deadline is over and that has not noticed yet.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now().Add(-time.Nanosecond), true }

func TestDeadlineThatIsOverGetsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(8)
		if tooLong, err := l.wait(late{t.Context()}, LaneInteractive, 0); tooLong != 0 || !errors.Is(err, context.DeadlineExceeded) || l.slots != 0 {
			t.Errorf("%v, %v after %d slots", tooLong, err, l.slots)
		}
	})
}

// A deadline that was in sight when the call queued, until others went first.
func TestDeadlineInTheQueueIsOurOwnLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{BaseURL: "https://goto.example", Rate: 1, HTTP: &http.Client{Transport: wire(func(*http.Request) (*http.Response, error) {
			return answer(200, "[]"), nil
		})}})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		call := func(ctx context.Context) *error {
			var err error
			all.Go(func() { _, err = c.Upcoming(ctx, oldToken(), "") })
			synctest.Wait()
			return &err
		}
		ctx, cancel := context.WithTimeout(WithLane(t.Context(), LaneBackground), 1500*time.Millisecond)
		defer cancel()
		call(t.Context())
		late := call(ctx)
		call(t.Context())
		call(t.Context())
		all.Wait()
		if fault := faultOf(t, *late, RateLimited); fault.Sent || !errors.Is(*late, context.DeadlineExceeded) {
			t.Errorf("got %+v", fault)
		}
	})
}

func TestTooManySlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(DefaultRate)
		rate := func() float64 {
			pace, _ := l.look()
			return pace
		}
		for range 5 { // calls under way are refused together
			l.tooMany(0)
		}
		if got := rate(); got != 4 {
			t.Errorf("halved to %v", got)
		}
		time.Sleep(5 * time.Second)
		if got := rate(); got < 5.99 || got > 6.01 {
			t.Errorf("%v after five seconds, want 6", got)
		}
		time.Sleep(5 * time.Second)
		if got := rate(); got != DefaultRate {
			t.Errorf("%v after ten seconds", got)
		}
		for range 10 {
			l.tooMany(0)
			time.Sleep(cutEvery)
		}
		if got := rate(); got < 1 || got > 2 {
			t.Errorf("%v after 429s without end", got)
		}
		l.setRate(4)
		if got := rate(); got > 2 {
			t.Errorf("a smaller share raises the rate to %v", got)
		}
		time.Sleep(time.Minute)
		if got := rate(); got != 4 {
			t.Errorf("%v in the end, want the share", got)
		}
		l.setRate(0)
		if got := rate(); got != slowestRate {
			t.Errorf("a rate of none is %v", got)
		}
	})
}

// GoTo's Retry-After is for all, and bounded.
func TestRetryAfterHoldsEverybody(t *testing.T) {
	for header, want := range map[string]time.Duration{"3": 3 * time.Second, "86400": maxRetryAfter} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			c := newClient(t, wire(func(*http.Request) (*http.Response, error) {
				if calls++; calls == 1 {
					return answer(429, "", "Retry-After", header), nil
				}
				return answer(200, "[]"), nil
			}))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := c.Upcoming(ctx, oldToken(), "")
			faultOf(t, err, RateLimited)
			_, err = c.Upcoming(ctx, oldToken(), "")
			if fault := faultOf(t, err, RateLimited); fault.Status != 0 || fault.RetryAfter != want || calls != 1 {
				t.Errorf("%s: another caller gets %v after %d calls", header, err, calls)
			}
			time.Sleep(want)
			if _, err := c.Upcoming(t.Context(), oldToken(), ""); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSetRateWorksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(0.2)
		seen := arrivals{began: time.Now()}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { seen.take(t.Context(), l, LaneInteractive) })
		}
		synctest.Wait()
		l.setRate(1) // the slot that was given before still takes its five seconds
		all.Wait()
		if want := []time.Duration{0, 5 * time.Second, 6 * time.Second}; !slices.Equal(seen.at, want) {
			t.Errorf("calls at %v, want %v", seen.at, want)
		}
	})
}
