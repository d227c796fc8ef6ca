package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// book is a roll in memory that can be out of reach.
type book struct {
	mu      sync.Mutex
	expires map[string]time.Time
	err     error
}

func (b *book) Beat(_ context.Context, replica string, now, expires time.Time) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	b.expires[replica] = expires
	live := 0
	for _, until := range b.expires {
		if until.After(now) {
			live++
		}
	}
	return live, nil
}

func (b *book) Leave(_ context.Context, replica string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.expires, replica)
	return b.err
}

func (b *book) fails(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// part is a replica's part of the rate.
type part struct {
	mu   sync.Mutex
	rate float64
}

func (p *part) set(rate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rate = rate
}

func (p *part) mustBe(t *testing.T, want float64) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate != want {
		t.Errorf("the part is %v, want %v", p.rate, want)
	}
}

func TestReplicasShareTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		roll := &book{expires: map[string]time.Time{}}
		log := &logBook{}
		var a, b part
		join := func(p *part) func(context.Context) error {
			return shareRate(t.Context(), roll, 8, p.set, slog.New(slog.NewTextHandler(log, nil)))
		}
		leaveA := join(&a)
		a.mustBe(t, 8)
		time.Sleep(time.Second)
		leaveB := join(&b)
		b.mustBe(t, 4) // at once
		a.mustBe(t, 8)
		time.Sleep(beatEvery)
		a.mustBe(t, 4) // with its next beat

		// Nobody learns anything while the store is down, nor loses its part.
		roll.fails(errors.New("down"))
		time.Sleep(time.Minute)
		a.mustBe(t, 4)
		b.mustBe(t, 4)
		if got := strings.Count(log.String(), "cannot be counted"); got != 2 {
			t.Errorf("%d warnings from two replicas", got)
		}
		roll.fails(nil)
		time.Sleep(2 * beatEvery)
		a.mustBe(t, 4)
		b.mustBe(t, 4)

		// One says that it stops.
		if err := leaveB(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(beatEvery)
		a.mustBe(t, 8)

		// One is killed.
		roll.mu.Lock()
		roll.expires["killed"] = time.Now().Add(beatLasts)
		roll.mu.Unlock()
		time.Sleep(beatEvery)
		a.mustBe(t, 4)
		time.Sleep(beatLasts)
		a.mustBe(t, 8)
		if err := leaveA(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
