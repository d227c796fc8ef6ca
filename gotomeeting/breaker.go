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
	breakerTry    = time.Second / 2 // between calls that try whether GoTo is back
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
// outage. From then on one call twice a second tries whether GoTo is back, and
// the first that succeeds closes it. A try may hang, so the next does not wait
// for it: pages are well within a second of GoTo.
type breaker struct {
	api string
	log *slog.Logger

	mu    sync.Mutex
	calls []tried   // in the window, oldest first; none while it is open
	next  time.Time // when the next call may try; zero: closed
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
	trial := !b.next.IsZero()
	if trial {
		now := time.Now()
		if wait := b.next.Sub(now); wait > 0 {
			return nil, wait
		}
		b.next = now.Add(breakerTry)
	}
	return func(v verdict, caller uint64) { b.end(trial, v, caller) }, 0
}

func (b *breaker) end(trial bool, v verdict, caller uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	open, now := !b.next.IsZero(), time.Now()
	switch {
	case trial && open && v == answered:
		b.next = time.Time{}
		b.log.Info("GoTo answers again", "api", b.api)
	case trial, open, v == nothing: // open: late, from before it opened
	default:
		b.calls = slices.DeleteFunc(b.calls, func(t tried) bool { return now.Sub(t.at) >= breakerWindow })
		b.calls = append(b.calls, tried{now, v == failed, caller})
		if v == failed && b.tripped() {
			b.next, b.calls = now.Add(breakerTry), nil
			b.log.Warn("GoTo fails: two calls a second try whether it is back", "api", b.api)
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

func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.next.IsZero()
}
