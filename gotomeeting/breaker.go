package gotomeeting

import (
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	breakerWindow = 30 * time.Second
	breakerCalls  = 20              // so many in the window tell something
	breakerOpen   = time.Second / 2 // pages are to be well a second after GoTo is
)

// verdict is what a call tells about GoTo's health.
type verdict int

const (
	nothing  verdict = iota // refusals, and callers who left
	answered                // GoTo works
	failed                  // it does not
)

// breaker spares an API of GoTo's that is down, and those who would wait for
// it. It opens when half of the calls of the last half minute failed, twenty
// at least, and not all for the same caller: one organizer's trouble is not an
// outage. Twice a second one call tries whether GoTo is back.
type breaker struct {
	api string
	log *slog.Logger

	mu      sync.Mutex
	calls   []tried   // in the window, oldest first; none while it is open
	until   time.Time // open until then, and then on trial; zero: closed
	probing bool      // the one call that tries is under way
}

type tried struct {
	at     time.Time
	failed bool
	caller uint64
}

// begin asks to make a call. It returns what to tell the outcome to, or nil
// and how long to leave GoTo alone.
func (b *breaker) begin() (end func(v verdict, caller uint64), wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	probe := !b.until.IsZero()
	if probe {
		if wait := time.Until(b.until); wait > 0 {
			return nil, wait
		}
		if b.probing {
			return nil, time.Second
		}
		b.probing = true
	}
	return func(v verdict, caller uint64) { b.end(probe, v, caller) }, 0
}

func (b *breaker) end(probe bool, v verdict, caller uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	switch {
	case probe:
		b.probing = false
		switch v {
		case answered:
			b.until = time.Time{}
			b.log.Info("GoTo answers again", "api", b.api)
		case failed:
			b.until = now.Add(breakerOpen)
		}
	case v == nothing, !b.until.IsZero(): // or late, from before it opened
	default:
		b.calls = slices.DeleteFunc(b.calls, func(t tried) bool { return now.Sub(t.at) >= breakerWindow })
		b.calls = append(b.calls, tried{now, v == failed, caller})
		if v == failed && b.tripped() {
			b.until, b.calls = now.Add(breakerOpen), nil
			b.log.Warn("GoTo fails: it is left alone for a while", "api", b.api)
		}
	}
}

func (b *breaker) tripped() bool {
	failures, callers := 0, map[uint64]bool{}
	for _, t := range b.calls {
		if t.failed {
			failures++
			callers[t.caller] = true
		}
	}
	return len(b.calls) >= breakerCalls && 2*failures >= len(b.calls) && len(callers) > 1
}

// BreakerState says whether an API of GoTo's is called.
type BreakerState int

// The states of a breaker.
const (
	BreakerClosed BreakerState = iota // called as usual
	BreakerTrying                     // one call at a time
	BreakerOpen                       // left alone
)

func (b *breaker) state() BreakerState {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return BreakerClosed
	case time.Now().Before(b.until):
		return BreakerOpen
	}
	return BreakerTrying
}
