package gotomeeting

import (
	"sync"
	"time"
)

const (
	budgetShare = 10 // of so many calls one may be tried again
	budgetFloor = 10 // retries a minute that a quiet portal may make all the same
)

// budget bounds the retries of the last minute to a tenth of its calls, lest
// they make an outage worse.
type budget struct {
	mu      sync.Mutex
	seconds [60]struct {
		second         int64 // since 1970
		calls, retries int
	}
}

// call counts a call.
func (b *budget) call() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now().Unix()
	b.seconds[b.at(now)].calls++
}

// retry reports whether a call may be tried again, and counts that.
func (b *budget) retry() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now().Unix()
	calls, retries := 0, 0
	for _, s := range b.seconds {
		if now-s.second < int64(len(b.seconds)) {
			calls += s.calls
			retries += s.retries
		}
	}
	if retries >= max(budgetFloor, calls/budgetShare) {
		return false
	}
	b.seconds[b.at(now)].retries++
	return true
}

// at returns the place of a second, made ready for it.
func (b *budget) at(second int64) int {
	i := int(second % int64(len(b.seconds)))
	if b.seconds[i].second != second {
		b.seconds[i].second, b.seconds[i].calls, b.seconds[i].retries = second, 0, 0
	}
	return i
}
