package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"
)

const (
	beatEvery = 5 * time.Second
	beatLasts = 3 * beatEvery // two may get lost
)

// roll is where the replicas of the portal are counted.
type roll interface {
	Beat(ctx context.Context, replica string, now, expires time.Time) (int, error)
	Leave(ctx context.Context, replica string) error
}

// shareRate keeps this replica's part of GoTo's rate: as many times less as
// there are replicas. It sets the part before it returns, and from then on
// until leave is called. While the store cannot be asked, the last part stands.
func shareRate(ctx context.Context, r roll, rate float64, set func(perSecond float64), log *slog.Logger) (leave func(context.Context) error) {
	// The portal calls GoTo as long as it has requests to finish.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	self, replicas, lost := rand.Text(), 0, false
	beat := func() {
		now := time.Now()
		n, err := r.Beat(ctx, self, now, now.Add(beatLasts))
		switch {
		case ctx.Err() != nil:
		case err != nil && !lost:
			lost = true
			log.Warn("the other replicas cannot be counted: this one keeps its part of GoTo's rate", "error", err)
		case err == nil:
			lost = false
			if n != replicas {
				replicas = n
				set(rate / float64(n))
				log.Info("GoTo's rate is shared", "replicas", n, "calls_a_second", rate/float64(n))
			}
		}
	}
	beat()
	var beating sync.WaitGroup
	beating.Go(func() {
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				beat()
			}
		}
	})
	return func(ctx context.Context) error {
		stop()
		beating.Wait()
		return r.Leave(ctx, self)
	}
}
