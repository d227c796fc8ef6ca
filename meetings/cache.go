package meetings

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"portal/gotomeeting"
)

const (
	// staleFor is how long an answer stands in for one that GoTo fails to give.
	staleFor = time.Hour
	// keptBytes bounds what is kept of all sessions together.
	keptBytes = 64 << 20

	overhead = 128 // of list and index, for each answer

	// Deadlines of one read, below those of the pages that ask: time is left to
	// show what is kept. A look back can take many calls.
	readDeadline = 8 * time.Second
	pastDeadline = 25 * time.Second
)

// Session is the browser session that asks. Its handle and the number of its
// own changes are part of the key of all that is kept: nobody sees another's
// data, and nobody a list older than one's own change, on any replica.
type Session interface {
	ID() string
	Writes() int64
	Wrote(ctx context.Context) error
}

// Seen says how old what was read is.
type Seen struct {
	At  time.Time // when GoTo was asked for the oldest part of it, UTC
	Err error     // how GoTo failed to give a newer answer; nil when it did not
}

// And is the age of a page that shows both.
func (s Seen) And(other Seen) Seen {
	if s.At.IsZero() || !other.At.IsZero() && other.At.Before(s.At) {
		s.At = other.At
	}
	if s.Err == nil {
		s.Err = other.Err
	}
	return s
}

// read answers a question from what GoTo answered the same session before, if
// that is young enough for the caller, else from GoTo. The question names the
// operation and its arguments. What it returns is shared: nobody writes to it.
func read[T any](ctx context.Context, s *Service, c Caller, within time.Duration, question string, goTo func(context.Context) (T, error)) (T, Seen, error) {
	v, seen, err := s.kept.read(ctx, c, within, question, func(ctx context.Context) (any, error) { return goTo(ctx) })
	answer, _ := v.(T)
	return answer, seen, err
}

// answers keeps what GoTo answered, least recently used first out.
type answers struct {
	now     func() time.Time
	limit   int64 // bytes
	flights singleflight.Group

	mu     sync.Mutex
	index  map[key]*list.Element
	began  map[key]time.Time // when the flight that others may join was begun
	order  list.List         // of *answer, the most recently used first
	bytes  int64
	forgot int // how often forget was called
}

type key struct {
	session  string
	writes   int64
	question string
}

func (k key) String() string {
	return strings.Join([]string{k.session, strconv.FormatInt(k.writes, 10), k.question}, "\n")
}

type answer struct {
	key   key
	user  string
	value any
	at    time.Time
	bytes int64
}

func newAnswers(limit int64, now func() time.Time) *answers {
	return &answers{now: now, limit: limit, index: map[key]*list.Element{}, began: map[key]time.Time{}}
}

func (a *answers) read(ctx context.Context, c Caller, within time.Duration, question string, goTo func(context.Context) (any, error)) (any, Seen, error) {
	if c.Session == nil {
		at := a.now().UTC()
		v, err := goTo(ctx)
		return v, Seen{At: at}, err
	}
	k := key{c.Session.ID(), c.Session.Writes(), question}
	old, found := a.get(k)
	if found && a.now().Sub(old.at) < c.MaxAge {
		return old.value, Seen{At: old.at}, nil
	}
	fresh, err := a.fetch(ctx, c, k, within, goTo)
	if err == nil {
		return fresh.value, Seen{At: fresh.at}, nil
	}
	if c.Stale && found && passing(err) && a.now().Sub(old.at) < staleFor {
		return old.value, Seen{At: old.at, Err: err}, nil
	}
	return nil, Seen{}, err
}

// passing tells whether GoTo failed to answer, as against answering no.
func passing(err error) bool {
	kind, ok := FaultKind(err)
	return ok && slices.Contains([]gotomeeting.Kind{Unavailable, TimedOut, RateLimited, Unreadable}, kind) ||
		!ok && errors.Is(err, context.DeadlineExceeded)
}

// fetch asks GoTo. Whoever wants its word of this very moment asks alone; others
// share one call, which outlives the request that began it. Who has left begins
// none.
func (a *answers) fetch(ctx context.Context, c Caller, k key, within time.Duration, goTo func(context.Context) (any, error)) (*answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("ask GoTo: %w", err)
	}
	call := func(ctx context.Context) (*answer, error) {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		began, at := a.forgotten(), a.now().UTC()
		v, err := goTo(ctx)
		if err != nil {
			if _, answered := FaultKind(err); answered && !passing(err) {
				a.drop(k) // the answer now is no
			}
			return nil, err
		}
		fresh := &answer{key: k, user: c.Ref, value: v, at: at}
		a.put(fresh, began)
		return fresh, nil
	}
	if c.MaxAge == 0 {
		return call(ctx)
	}
	began := a.board(k, c.MaxAge)
	flight := a.flights.DoChan(k.String()+"\n"+began.String(), func() (v any, err error) {
		defer a.land(k, began)
		defer func() { // singleflight would end the process
			if r := recover(); r != nil {
				err = fmt.Errorf("panic while GoTo was asked: %v\n%s", r, debug.Stack())
			}
		}()
		return call(context.WithoutCancel(ctx))
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for GoTo's answer: %w", ctx.Err())
	case done := <-flight:
		fresh, _ := done.Val.(*answer)
		return fresh, done.Err
	}
}

// board returns the beginning of the flight to join: the last one's, unless it
// is maxAge ago by now, and with it what the flight will bring.
func (a *answers) board(k key, maxAge time.Duration) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	began, flying := a.began[k]
	if now := a.now(); !flying || now.Sub(began) >= maxAge {
		began = now
		a.began[k] = now
	}
	return began
}

func (a *answers) land(k key, began time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.began[k].Equal(began) {
		delete(a.began, k)
	}
}

// kept is the answer to a question if it is there and at most maxAge old,
// without asking anybody.
func kept[T any](s *Service, c Caller, maxAge time.Duration, question string) (T, bool) {
	var none T
	if c.Session == nil {
		return none, false
	}
	a, found := s.kept.get(key{c.Session.ID(), c.Session.Writes(), question})
	if !found || s.kept.now().Sub(a.at) > maxAge {
		return none, false
	}
	v, ok := a.value.(T)
	return v, ok
}

func (a *answers) get(k key) (*answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, found := a.index[k]
	if !found {
		return nil, false
	}
	a.order.MoveToFront(at)
	return at.Value.(*answer), true
}

// put keeps an answer, unless a newer one is there, or a session was forgotten
// since it was asked for: it might be that one. An answer of more than an
// eighth of the room would push out too many others.
func (a *answers) put(fresh *answer, began int) {
	fresh.bytes = overhead + weigh(reflect.ValueOf(fresh))
	a.mu.Lock()
	defer a.mu.Unlock()
	if old, found := a.index[fresh.key]; found {
		if old.Value.(*answer).at.After(fresh.at) {
			return
		}
		a.remove(old)
	}
	if began != a.forgot || fresh.bytes > a.limit/8 {
		return
	}
	a.index[fresh.key] = a.order.PushFront(fresh)
	a.bytes += fresh.bytes
	for last := a.order.Back(); a.bytes > a.limit || fresh.at.Sub(last.Value.(*answer).at) > staleFor; last = a.order.Back() {
		a.remove(last)
	}
}

func (a *answers) remove(e *list.Element) {
	gone := a.order.Remove(e).(*answer)
	delete(a.index, gone.key)
	a.bytes -= gone.bytes
}

func (a *answers) drop(k key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e, found := a.index[k]; found {
		a.remove(e)
	}
}

func (a *answers) forgotten() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.forgot
}

// Kept estimates the bytes of what is kept of all sessions, for operators.
func (s *Service) Kept() int64 {
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	return s.kept.bytes
}

// Forget drops what is kept for the caller's session, and for the user's other
// ones.
func (s *Service) Forget(c Caller) {
	if c.Session != nil {
		s.kept.forget(func(a *answer) bool { return a.key.session == c.Session.ID() || c.Ref != "" && a.user == c.Ref })
	}
}

// forgetQuestion drops what anybody was answered to a question.
func (a *answers) forgetQuestion(question string) {
	a.forget(func(a *answer) bool { return a.key.question == question })
}

func (a *answers) forget(drop func(*answer) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgot++
	for _, e := range a.index {
		if drop(e.Value.(*answer)) {
			a.remove(e)
		}
	}
}

// wrote counts a change that the caller asked for, whether or not it came about:
// nothing that was kept before it is shown after it. Where it cannot be counted,
// that holds for this process at least.
func (s *Service) wrote(ctx context.Context, c Caller) {
	if c.Session == nil {
		return
	}
	// The request's own time may be up; other replicas still have to know.
	if err := c.Session.Wrote(context.WithoutCancel(ctx)); err != nil {
		s.log.ErrorContext(ctx, "change not counted", "error", err)
		s.Forget(c)
	}
}

// weigh estimates the bytes that v holds on to.
func weigh(v reflect.Value) int64 {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return 0
		}
		return int64(v.Elem().Type().Size()) + weigh(v.Elem()) // #nosec G115 -- a type is small
	case reflect.String:
		return int64(v.Len())
	case reflect.Slice:
		bytes := int64(v.Cap()) * int64(v.Type().Elem().Size()) // #nosec G115 -- a type is small
		for i := range v.Len() {
			bytes += weigh(v.Index(i))
		}
		return bytes
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return 0 // zones are shared
		}
		var bytes int64
		for i := range v.NumField() {
			bytes += weigh(v.Field(i))
		}
		return bytes
	}
	return 0
}
