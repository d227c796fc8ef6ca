package gotomeeting

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// Lane says who goes first when calls queue for GoTo.
type Lane int

// The lanes, the first goes first.
const (
	LaneToken       Lane = iota // log-ins: nothing else can be done before
	LaneInteractive             // somebody waits for a page; the default
	LaneBackground              // reports and sweeps
	lanes
)

// String names the lane in one lower-case word.
func (l Lane) String() string {
	if l < 0 || l >= lanes {
		return "unknown"
	}
	return [lanes]string{"token", "interactive", "background"}[l]
}

type laneKey struct{}

// WithLane returns a context whose calls queue in a lane.
func WithLane(ctx context.Context, lane Lane) context.Context {
	return context.WithValue(ctx, laneKey{}, lane)
}

func laneOf(ctx context.Context) Lane {
	if lane, ok := ctx.Value(laneKey{}).(Lane); ok && lane >= 0 && lane < lanes {
		return lane
	}
	return LaneInteractive
}

const (
	maxQueue = 10 * time.Second // longest wait for a turn

	// backgroundShare is of how many slots the background gets one while
	// others wait.
	backgroundShare = 8

	slowestRate  = 0.1         // calls a second, whatever is asked for
	deepestCut   = 8           // GoTo's 429s slow us to an eighth at most
	cutEvery     = time.Second // calls under way are refused together: that is one cut
	recoveryRate = 0.05        // of the full rate, a second
)

// limiter spaces calls out. Whatever the order of arrivals, no second holds
// more than the rate and a quarter of it (one call at least): at eight a
// second, GoTo's ten. A 429 halves the rate, which then grows back steadily.
//
// Calls that have to wait queue in lanes, and in each the callers take turns:
// whoever asks for a hundred things at once holds up nobody but itself. The background gets what the others
// leave and, lest it starves, one slot in eight, but never delays the same
// caller twice.
type limiter struct {
	mu    sync.Mutex
	full  float64   // calls a second, as set
	pace  float64   // calls a second just now: less than full after a 429
	paced time.Time // when pace was last brought up to date
	cut   time.Time // when a 429 last cut it

	next  time.Time // when the next call is due; a burst may be ahead of it
	quiet time.Time // GoTo wants no call before

	waiting  [lanes][]*waiter // by round
	round    [lanes]int       // of the last that went
	slots    int              // given away so far
	lastBack int              // the last of them that the background got
	timer    *time.Timer      // runs whenever somebody waits
}

// waiter is a call in the queue.
type waiter struct {
	turn   chan struct{} // closed when it may go
	came   int           // slots given away before
	cost   time.Duration // what its slot takes; set when turn is closed
	caller uint64
	round  int // in each a caller has one call
}

func newLimiter(perSecond float64) *limiter {
	l := &limiter{paced: time.Now()}
	l.setRate(perSecond)
	return l
}

// setRate changes how many calls a second there may be.
func (l *limiter) setRate(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.catchUp(now)
	slowed := l.pace < l.full // by a 429: then the way up stays slow
	l.full = max(perSecond, slowestRate)
	if !slowed || l.pace > l.full {
		l.pace = l.full
	}
	l.serve(now)
}

// tooMany is told of a 429, with the wait that GoTo asks for, if any.
func (l *limiter) tooMany(retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.catchUp(now)
	if now.Sub(l.cut) >= cutEvery {
		l.pace, l.cut = max(l.pace/2, l.full/deepestCut), now
	}
	if until := now.Add(min(retryAfter, maxRetryAfter)); until.After(l.quiet) {
		l.quiet = until
	}
}

// wait waits for the caller's turn. When that would take too long, the second result says
// at once how long; the error is the context's.
func (l *limiter) wait(ctx context.Context, lane Lane, caller uint64) (tooLong time.Duration, err error) {
	w, pause := l.enter(ctx, lane, caller)
	if w == nil && pause <= 0 { // the deadline is over, which the context notices later
		return 0, context.DeadlineExceeded
	}
	if w == nil {
		return pause, nil
	}
	select {
	case <-w.turn:
		return 0, nil
	case <-ctx.Done():
		l.leave(lane, w)
		return 0, ctx.Err()
	}
}

// enter joins the queue, unless that is too long.
func (l *limiter) enter(ctx context.Context, lane Lane, caller uint64) (w *waiter, tooLong time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.catchUp(now)
	w = &waiter{turn: make(chan struct{}), came: l.slots, caller: caller, round: l.round[lane] + 1}
	at := 0
	for i, other := range l.waiting[lane] {
		if other.caller == caller {
			w.round = other.round + 1
		}
		if other.round <= w.round {
			at = i + 1
		}
	}
	ahead := at
	for _, queue := range l.waiting[:lane] {
		ahead += len(queue)
	}
	pause := l.due(now, ahead).Sub(now)
	deadline, bounded := ctx.Deadline()
	if pause > maxQueue || bounded && deadline.Sub(now) < pause {
		return nil, pause
	}
	l.waiting[lane] = slices.Insert(l.waiting[lane], at, w)
	l.serve(now)
	return w, 0
}

// leave takes a waiter out of the queue, or gives its slot back.
func (l *limiter) leave(lane Lane, w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.catchUp(now)
	if i := slices.Index(l.waiting[lane], w); i >= 0 {
		l.waiting[lane] = slices.Delete(l.waiting[lane], i, i+1)
	} else {
		l.next = l.next.Add(-w.cost)
	}
	l.serve(now)
}

// serve lets those go who are due, and sets the timer for the next.
func (l *limiter) serve(now time.Time) {
	for {
		lane, some := l.turn()
		if !some {
			return
		}
		if pause := l.due(now, 0).Sub(now); pause > 0 {
			if l.timer == nil {
				l.timer = time.AfterFunc(pause, l.tick)
			} else {
				l.timer.Reset(pause)
			}
			return
		}
		w := l.waiting[lane][0]
		l.waiting[lane] = slices.Delete(l.waiting[lane], 0, 1)
		w.cost = l.spacing()
		l.next = later(l.next, now).Add(w.cost)
		l.slots++
		l.round[lane] = w.round
		if lane == LaneBackground {
			l.lastBack = l.slots
		}
		close(w.turn)
	}
}

func (l *limiter) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.catchUp(now)
	l.serve(now)
}

// turn says whose the next slot is; false when nobody waits.
func (l *limiter) turn() (Lane, bool) {
	first := slices.IndexFunc(l.waiting[:], func(queue []*waiter) bool { return len(queue) > 0 })
	if first < 0 {
		return 0, false
	}
	if len(l.waiting[LaneBackground]) == 0 || l.slots-l.lastBack < backgroundShare {
		return Lane(first), true
	}
	for _, queue := range l.waiting[:LaneBackground] {
		if len(queue) > 0 && queue[0].came < l.lastBack { // was held up already
			return Lane(first), true
		}
	}
	return LaneBackground, true
}

// due is when a call may go that has others ahead of it.
func (l *limiter) due(now time.Time, ahead int) time.Time {
	earliest := later(now, l.quiet)
	burst := max(1, int(l.pace/4))
	return later(earliest, later(l.next, earliest).Add(time.Duration(ahead-burst+1)*l.spacing()))
}

func (l *limiter) spacing() time.Duration {
	return time.Duration(math.Ceil(float64(time.Second) / l.pace))
}

// catchUp lets the rate grow back.
func (l *limiter) catchUp(now time.Time) {
	l.pace = min(l.full, l.pace+recoveryRate*l.full*now.Sub(l.paced).Seconds())
	l.paced = now
}

// look returns calls a second just now, and how many wait in each lane.
func (l *limiter) look() (pace float64, waiting [lanes]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.catchUp(time.Now())
	for lane, queue := range l.waiting {
		waiting[lane] = len(queue)
	}
	return l.pace, waiting
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
