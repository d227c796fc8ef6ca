package handlers

import (
	"bytes"
	"container/list"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"
)

// maxMetered bounds how many keys a meter knows, so that it is no way to fill
// the memory.
const maxMetered = 10_000

// limits are generous: neither a person nor a class behind one address meets
// them, a program that runs wild does.
type limits struct {
	doors    *meter // by address: connecting, and forms kept for whoever has to
	guesses  *meter // by address: set-up codes
	allGuess *meter // all of them together, from however many addresses
	changes  *meter // by session: forms
	files    *meter // by session: data twins, which cost more than pages
	feeds    *meter // by feed: calendars that ask for it

	wholes chan struct{} // files that are made in memory, of all of them together
}

// mostWholes is how many files are made in memory at a time: a workbook of many
// rows takes up to 50 MB, for a second.
const mostWholes = 2

func newLimits(now func() time.Time) limits {
	return limits{
		doors:    newMeter(5, 300, now),
		guesses:  newMeter(0.1, 10, now),
		allGuess: newMeter(0.5, 60, now),
		changes:  newMeter(20, 300, now),
		files:    newMeter(5, 60, now),
		feeds:    newMeter(0.2, 30, now),
		wholes:   make(chan struct{}, mostWholes),
	}
}

// meter allows each key a burst and then so many a second. Of too many keys
// the one not heard of for longest is forgotten, which gives it a new burst.
type meter struct {
	perSecond rate.Limit
	burst     int
	now       func() time.Time

	mu     sync.Mutex
	byKey  map[string]*list.Element
	recent *list.List // of *metered, the latest first
}

type metered struct {
	key   string
	limit *rate.Limiter
}

func newMeter(perSecond rate.Limit, burst int, now func() time.Time) *meter {
	return &meter{perSecond: perSecond, burst: burst, now: now, byKey: map[string]*list.Element{}, recent: list.New()}
}

// wait counts one for key, and returns 0, or returns how long to wait.
func (m *meter) wait(key string) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byKey[key]
	if e == nil {
		if len(m.byKey) == maxMetered {
			delete(m.byKey, m.recent.Remove(m.recent.Back()).(*metered).key)
		}
		e = m.recent.PushFront(&metered{key, rate.NewLimiter(m.perSecond, m.burst)})
		m.byKey[key] = e
	}
	m.recent.MoveToFront(e)
	now := m.now()
	r := e.Value.(*metered).limit.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// tooMany: the limit is reached, for so long.
type tooMany struct{ wait time.Duration }

func (e *tooMany) Error() string { return fmt.Sprintf("too many requests, wait %s", e.wait) }

// limitDoors limits by the browser's address.
func (s *server) limitDoors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if wait := s.limits.doors.wait(addressKey(c.RealIP())); wait > 0 {
			return &tooMany{wait}
		}
		return next(c)
	}
}

// limitSession limits what a session sends, and the files it asks for.
func (s *server) limitSession(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		var m *meter
		switch {
		case c.Request().Method == http.MethodPost:
			m = s.limits.changes
		case format(c.Request()) != "":
			m = s.limits.files
		default:
			return next(c)
		}
		if wait := m.wait(session(c).ID()); wait > 0 {
			return &tooMany{wait}
		}
		return next(c)
	}
}

// whole makes a file in memory, in its turn.
func (l *limits) whole(ctx context.Context, write func(io.Writer) error) (*bytes.Buffer, error) {
	select {
	case l.wholes <- struct{}{}:
		defer func() { <-l.wholes }()
	case <-ctx.Done():
		return nil, &tooMany{5 * time.Second}
	}
	var b bytes.Buffer
	return &b, write(&b)
}

// guess counts a set-up code that is tried, and returns how long to wait first.
func (s *server) guess(c echo.Context) time.Duration {
	if wait := s.limits.guesses.wait(addressKey(c.RealIP())); wait > 0 {
		return wait
	}
	return s.limits.allGuess.wait("")
}

// addressKey is what an address counts as: of IPv6 one site has a whole /64.
func addressKey(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() {
		return address
	}
	site, err := a.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return site.String()
}
