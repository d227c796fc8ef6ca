package soak

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portal/e2e/process"
	"portal/store/storetest"
)

// backAfter is how soon all is well after an outage; more in the sample, which
// has no machine of its own.
var backAfter = time.Duration(figure(3, 1)) * time.Second

// PostgreSQL goes away under load and comes back: pages say so, nobody is
// signed out.
func TestStoreOutage(t *testing.T) {
	cluster, err := storetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Remove(); err != nil {
			t.Error(err)
		}
	})
	database, err := cluster.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, database)
	crowd := gather(t, w, w.start(), w.start())
	crowd.sitOut(t, outage{
		what:  "PostgreSQL is down",
		begin: func() { must(t, cluster.Halt()) },
		end:   func() { must(t, cluster.Resume()) },
		honest: func(a answer) bool {
			return a.status == http.StatusServiceUnavailable && a.isHonest() && a.says("its own data")
		},
	})
}

// GoTo is killed and comes back with what it knew.
func TestGoToOutage(t *testing.T) {
	w := newWorld(t, sqlite(t))
	crowd := gather(t, w, w.start())
	at := w.goTo.p.Host()
	crowd.sitOut(t, outage{
		what:   "GoTo is down",
		begin:  func() { w.goTo.p.Kill() },
		end:    func() { w.goTo.start(at) },
		honest: func(a answer) bool { return a.isHonest() && a.says("GoTo") },
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// outage is what goes away, and how pages say so.
type outage struct {
	what       string
	begin, end func()
	honest     func(answer) bool
}

// gathering are people at work.
type gathering struct {
	people []*browser
	places []string // a page of each that is read fresh from GoTo
}

func gather(t *testing.T, w *world, portals ...*process.Process) gathering {
	t.Helper()
	var g gathering
	for i := range 6 {
		b := newBrowser(people[i%len(people)], among(portals...))
		must(t, b.signIn())
		id, err := b.create(fmt.Sprint("Home of ", i))
		must(t, err)
		g.people, g.places = append(g.people, b), append(g.places, "/meetings/"+id+"/edit")
	}
	return g
}

// sitOut has everybody open pages and send forms before, during and after an
// outage.
func (g gathering) sitOut(t *testing.T, o outage) {
	began := time.Now()
	lasts := time.Duration(figure(2, 30)) * time.Second
	var phase atomic.Int32 // 0 before, 1 during, 2 after
	var counts [3]atomic.Int64
	var told, slowest atomic.Int64
	var back time.Duration
	defer func() {
		report(t, began, "%s for %s: %d answers before, %d during (%d said so), %d after; slowest %.1f s; all well after %d ms; nobody signed out",
			o.what, lasts, counts[0].Load(), counts[1].Load(), told.Load(), counts[2].Load(),
			time.Duration(slowest.Load()).Seconds(), back.Milliseconds())
	}()

	done := make(chan struct{})
	var wg sync.WaitGroup
	for i, b := range g.people {
		r := random(t.Name(), fmt.Sprint(i))
		wg.Go(func() {
			pace := time.NewTicker(40 * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-done:
					return
				case <-pace.C:
				}
				first := phase.Load()
				a := b.get([]string{"/meetings", "/settings", g.places[i]}[r.IntN(3)])
				last := phase.Load()
				counts[first].Add(1)
				if int64(a.took) > slowest.Load() {
					slowest.Store(int64(a.took))
				}
				switch {
				case a.status == http.StatusOK:
				case o.honest(a) && (first == 1 || last == 1):
					told.Add(1)
				default:
					t.Errorf("%s: %s", []string{"before", "during", "after"}[first], a)
				}
				if a.signsOut() {
					t.Errorf("the session's cookie is taken away: %s", a)
				}
				if a.took > pageDeadline {
					t.Errorf("it took %s", a.took)
				}
			}
		})
	}
	enough := func(n int) bool { return within(patience, func() bool { return counts[n].Load() >= 100 }) }
	if !enough(0) {
		t.Error("no load")
	}
	phase.Store(1)
	o.begin()
	<-time.After(lasts)
	o.end()
	ended := time.Now()
	for i, b := range g.people {
		if !within(patience, func() bool { return b.get(g.places[i]).status == http.StatusOK }) {
			t.Errorf("user %d has no page any more: %s", i, b.get(g.places[i]))
		}
	}
	back = time.Since(ended)
	if back > backAfter {
		t.Errorf("all is well %s after it is back", back)
	}
	phase.Store(2)
	if !enough(2) {
		t.Error("no load afterwards")
	}
	close(done)
	wg.Wait()
	if told.Load() == 0 {
		t.Error("nobody was told")
	}
}
