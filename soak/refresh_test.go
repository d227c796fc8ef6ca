package soak

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"portal/e2e/process"
	"portal/store/storetest"
)

var refreshModes = []string{"rotate", "same", "omit", "near_expiry"}

var crowd = figure(80, 200) // requests at once

const (
	// pageDeadline is the portal's own, and what a busy machine adds.
	pageDeadline = 12 * time.Second
	// settled: a refresh has a minute.
	settled = 70 * time.Second
)

// A crowd of requests of one session, spread over three portals on one
// PostgreSQL, at the moment its token expires.
func TestRefreshRacePostgres(t *testing.T) {
	t.Parallel()
	for _, mode := range refreshModes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, storetest.Postgres(t))
			raceToRefresh(t, w, mode, w.start(), w.start(), w.start())
		})
	}
}

// The same with one portal on SQLite.
func TestRefreshRaceSQLite(t *testing.T) {
	t.Parallel()
	for _, mode := range refreshModes[:figure(1, len(refreshModes))] {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sqlite(t))
			raceToRefresh(t, w, mode, w.start())
		})
	}
}

func raceToRefresh(t *testing.T, w *world, mode string, portals ...*process.Process) {
	began, r := time.Now(), random(t.Name())
	w.goTo.set(map[string]any{"refresh_mode": mode})
	b := newBrowser(people[0], among(portals...))
	if err := b.signIn(); err != nil {
		t.Fatal(err)
	}
	id, err := b.create("At the time of expiry")
	if err != nil {
		t.Fatal(err)
	}
	delays := tokenDelays(r)
	statuses := map[int]int{}
	var slowest time.Duration
	runs := 0
	defer func() {
		report(t, began, "%d runs × %d requests over %d portals, token endpoint 0 to %s: 1 refresh each, no log-out; answers %v, slowest %.1f s",
			runs, crowd, len(portals), slices.Max(delays), statuses, slowest.Seconds())
	}()
	for run, delay := range delays {
		byClock := run%2 == 1
		before := expireSoon(t, w, b, id, byClock, delay, r)
		for _, a := range rush(b, r, id) {
			statuses[a.status]++
			slowest = max(slowest, a.took)
			if a.status != http.StatusOK && !a.isHonest() {
				t.Errorf("run %d, token endpoint takes %s: %s", run, delay, a)
			}
			if a.took > pageDeadline {
				t.Errorf("run %d, token endpoint takes %s: the answer took %s", run, delay, a.took)
			}
		}
		for n, p := range portals {
			var last answer
			if !within(settled, func() bool {
				last = b.at(among(p)).get("/meetings/" + id + "/edit")
				return last.status == http.StatusOK || !last.isHonest()
			}) || last.status != http.StatusOK {
				t.Fatalf("run %d, token endpoint takes %s: portal %d does not know the session any more: %s", run, delay, n, last)
			}
		}
		if got := w.goTo.figures().Refreshes - before; got != 1 {
			t.Fatalf("run %d, token endpoint takes %s: %d refreshes for one expiry", run, delay, got)
		}
		runs++
	}
}

// tokenDelays are how long the token endpoint takes, one for each run: at once,
// within what a page waits, and longer than that.
func tokenDelays(r *rand.Rand) []time.Duration {
	if !full {
		return []time.Duration{0, 300 * time.Millisecond}
	}
	delays := []time.Duration{0, 20 * time.Second, 16 * time.Second, 12 * time.Second, 10 * time.Second, 9 * time.Second, 8 * time.Second}
	for len(delays) < 25 {
		delays = append(delays, time.Duration(r.IntN(3000))*time.Millisecond)
	}
	r.Shuffle(len(delays), func(i, j int) { delays[i], delays[j] = delays[j], delays[i] })
	return delays
}

// expireSoon brings the session's token to its end: by the clock, so that the
// portal knows, or by GoTo alone, so that it is told by a refusal. It returns
// the refreshes so far.
func expireSoon(t *testing.T, w *world, b *browser, id string, byClock bool, delay time.Duration, r *rand.Rand) int {
	t.Helper()
	const life = 2 * time.Second
	late := map[string]any{"token_latency_ms": delay.Milliseconds(), "access_token_ttl_s": 3600}
	if !byClock {
		late["expire_access_tokens"] = true
		return w.goTo.set(late).Refreshes
	}
	w.goTo.set(map[string]any{"token_latency_ms": 0, "access_token_ttl_s": life.Seconds(), "expire_access_tokens": true})
	if a := b.get("/meetings/" + id + "/edit"); a.status != http.StatusOK {
		t.Fatalf("get a token of %s: %s", life, a)
	}
	// A little before its end or a little after: the moment is the point.
	end := time.After(life - 200*time.Millisecond + time.Duration(r.IntN(400))*time.Millisecond)
	refreshes := w.goTo.set(late).Refreshes
	<-end
	return refreshes
}

// rush sends a crowd of requests at once: pages that are read fresh from GoTo,
// and some others.
func rush(b *browser, r *rand.Rand, id string) []answer {
	paths := make([]string, crowd)
	for i := range paths {
		paths[i] = "/meetings/" + id + "/edit"
		switch r.IntN(10) {
		case 0:
			paths[i] = "/meetings"
		case 1:
			paths[i] = "/meetings/" + id
		}
	}
	answers := make([]answer, crowd)
	var wg sync.WaitGroup
	for i, path := range paths {
		wg.Go(func() { answers[i] = b.get(path) })
	}
	wg.Wait()
	return answers
}
