package gotomeeting

import (
	"context"
	"sync/atomic"
	"time"
)

// Try is one attempt at a call, as [Config.Observe] is told of it.
type Try struct {
	API    string // [APIMeeting], [APIAdmin] or [APISCIM]
	Op     string // the operation's name, without ids
	Lane   Lane
	Again  bool          // a retry
	Held   string        // why it was not sent: [HeldQueue], [HeldBreaker], or "": it was
	Status int           // GoTo's; 0 for no answer
	Waited time.Duration // for its turn
	Took   time.Duration // from then on
}

// Why a call was not sent.
const (
	HeldQueue   = "queue"   // it would have waited too long, or its caller left
	HeldBreaker = "breaker" // GoTo has been failing
)

// State is how a [Client] stands just now.
type State struct {
	Rate    float64         // calls a second: less than set after a 429
	Waiting map[Lane]int    // calls that wait for their turn
	Failing map[string]bool // by API: the breaker is open
}

// State returns how the client stands.
func (c *Client) State() State {
	pace, waiting := c.limit.look()
	s := State{Rate: pace, Waiting: map[Lane]int{}, Failing: map[string]bool{}}
	for lane, n := range waiting {
		s.Waiting[Lane(lane)] = n
	}
	for api, b := range c.breakers {
		s.Failing[api] = b.open()
	}
	return s
}

// SetRate changes how many calls a second the client makes at most. It must be
// above zero.
func (c *Client) SetRate(perSecond float64) { c.limit.setRate(perSecond) }

// Tally counts what was asked of GoTo under a context. It may be read and
// added to at the same time.
type Tally struct{ calls, took atomic.Int64 }

type tallyKey struct{}

// WithTally returns a context whose calls are counted, and where.
func WithTally(ctx context.Context) (context.Context, *Tally) {
	t := &Tally{}
	return context.WithValue(ctx, tallyKey{}, t), t
}

// Calls is how many calls were sent, retries included.
func (t *Tally) Calls() int { return int(t.calls.Load()) }

// Took is how long they took in all, without waiting for their turn. Calls side
// by side add up.
func (t *Tally) Took() time.Duration { return time.Duration(t.took.Load()) }

func count(ctx context.Context, took time.Duration) {
	if t, ok := ctx.Value(tallyKey{}).(*Tally); ok {
		t.calls.Add(1)
		t.took.Add(int64(took))
	}
}
