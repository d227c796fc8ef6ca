package soak

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"portal/e2e/process"
	"portal/store/storetest"
)

// A portal is killed while it refreshes tokens, at each step in turn. The
// other one goes on: with the old refresh token while that is good, else by
// asking each user once to connect again, who finds place and draft as they
// were.
func TestHolderKilledPostgres(t *testing.T) {
	t.Parallel()
	for _, mode := range refreshModes[:figure(1, len(refreshModes))] {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, storetest.Postgres(t))
			other := w.start()
			killHolders(t, w, mode, other, func() (*process.Process, func()) { return other, func() {} })
		})
	}
}

// With SQLite the next one is the same one, started again.
func TestHolderKilledSQLite(t *testing.T) {
	t.Parallel()
	for _, mode := range refreshModes[:figure(1, len(refreshModes))] {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sqlite(t))
			killHolders(t, w, mode, nil, func() (*process.Process, func()) {
				again := w.start()
				return again, again.Stop
			})
		})
	}
}

// held is one session whose refresh dies.
type held struct {
	*browser
	grant   string
	place   string // a page that is read fresh from GoTo
	subject string // of a meeting that is typed
	draft   url.Values
}

// killHolders runs the rounds. Others who want the token that is being fetched
// wait at meanwhile, unless it is nil; next is the portal that goes on after a
// kill, and what to do with it after the round.
func killHolders(t *testing.T, w *world, mode string, meanwhile *process.Process, next func() (*process.Process, func())) {
	began, r := time.Now(), random(t.Name())
	steps := []string{afterGoTo, beforeGoTo, afterAnswer, atAnyMoment}
	d := newDesk(t, w.goTo)
	w.goTo.set(map[string]any{"refresh_mode": mode})
	outcomes := map[string]int{}
	kills := 0
	defer func() { report(t, began, "%d kills of a portal that refreshes: %v", kills, outcomes) }()
	for round := range figure(1, 12) {
		step := steps[round%len(steps)]
		victim := d.portal(w)
		d.holdAt(throughNobody)
		sessions := make([]*held, figure(6, 8))
		for i := range sessions {
			sessions[i] = hold(t, victim, d, fmt.Sprintf("%s, round %d, draft %d", mode, round, i), i)
		}
		d.holdAt(step)
		w.goTo.expire()
		killDuring(t, r, victim, meanwhile, d, step, sessions)
		kills++

		p, release := next()
		var wg sync.WaitGroup
		var mu sync.Mutex
		for i, s := range sessions {
			wg.Go(func() {
				outcome, err := s.goOn(w, p, i%2 == 1)
				if err == nil && outcome == askedOnce && (mode != "rotate" || !d.spentFor(s.grant)) {
					err = fmt.Errorf("asked to connect again, though its refresh token was still good")
				}
				if err != nil {
					t.Errorf("round %d, killed %s: %v", round, step, err)
				}
				mu.Lock()
				defer mu.Unlock()
				outcomes[outcome]++
			})
		}
		wg.Wait()
		release()
	}
}

// hold signs somebody in at the portal that will die, makes a meeting to look
// at and types another.
func hold(t *testing.T, victim *process.Process, d *desk, subject string, n int) *held {
	t.Helper()
	s := &held{browser: newBrowser(people[n%len(people)], among(victim)), subject: subject}
	if err := s.signIn(); err != nil {
		t.Fatal(err)
	}
	s.grant = d.lastGrant()
	id, err := s.create("Before " + subject)
	if err != nil {
		t.Fatal(err)
	}
	s.place = "/meetings/" + id + "/edit?from=here"
	if s.draft, err = s.newMeeting(subject); err != nil {
		t.Fatal(err)
	}
	return s
}

// killDuring has every session need a new token, and kills the portal when
// their refreshes have reached the step.
func killDuring(t *testing.T, r *rand.Rand, victim, meanwhile *process.Process, d *desk, step string, sessions []*held) {
	t.Helper()
	var wg sync.WaitGroup
	for _, s := range sessions {
		wg.Go(func() { s.get(s.place) }) // dies with the portal
	}
	arrived := func(n int) func() bool { return func() bool { return d.arrived() >= n } }
	switch step {
	case atAnyMoment:
		<-time.After(time.Duration(r.IntN(60)) * time.Millisecond)
	case afterAnswer: // some are being saved, some are still on their way
		if !within(patience, arrived(1)) {
			t.Errorf("no refresh was answered")
		}
	default:
		if !within(patience, arrived(len(sessions))) {
			t.Errorf("of %d refreshes %d were held %s", len(sessions), d.arrived(), step)
		}
		if meanwhile != nil {
			for _, s := range sessions[:len(sessions)/2] {
				wg.Go(func() {
					if a := s.at(among(meanwhile)).get(s.place); a.status != http.StatusOK && !a.isHonest() {
						t.Errorf("who waits for somebody else's refresh is told: %s", a)
					}
				})
			}
		}
	}
	victim.Kill()
	wg.Wait()
}

// What becomes of a session whose portal died.
const (
	recovered = "recovered"
	askedOnce = "asked once to connect again"
	lost      = "lost"
)

// goOn is what its user does who presses on at the next portal, whatever that
// says: opens the page, or sends the form.
func (s *held) goOn(w *world, next *process.Process, sends bool) (outcome string, err error) {
	b := s.at(among(next))
	press := func() answer { return b.get(s.place) }
	if sends {
		press = func() answer { return b.post("/meetings", s.draft) }
	}
	var a answer
	within(settled, func() bool { // the lease of the dead has to run out
		a = press()
		return !a.isHonest()
	})
	outcome = recovered
	if back, ok := a.comesBack(); ok {
		outcome = askedOnce
		want := s.place
		if sends {
			want = "/resume"
		}
		if back != want {
			return lost, fmt.Errorf("the way back leads to %q, want %q", back, want)
		}
		if a, err = b.reconnect(a, want); err != nil {
			return lost, err
		}
		if sends {
			action, form := a.form("http://" + public + "/meetings")
			if action == "" {
				action, form = a.form("/meetings")
			}
			if form.Get("subject") != s.subject {
				return lost, fmt.Errorf("the draft is not kept: %s", a)
			}
			a = b.post(action, form)
		}
	}
	if !sends {
		if a.status != http.StatusOK {
			return lost, fmt.Errorf("the page: %s", a)
		}
		return outcome, nil
	}
	id, ok := a.made()
	if !ok {
		return lost, fmt.Errorf("the form: %s", a)
	}
	if ids, err := w.goTo.made(s.subject); err != nil || len(ids) != 1 || ids[0] != id {
		return lost, fmt.Errorf("the portal says %q is meeting %s, GoTo has %v, %v", s.subject, id, ids, err)
	}
	if a := b.get(s.place); a.status != http.StatusOK {
		return lost, fmt.Errorf("afterwards: %s", a)
	}
	return outcome, nil
}

// reconnect goes from the redirect to the start page over its Connect link and
// GoTo's consent back to the place given, and returns that page.
func (b *browser) reconnect(a answer, place string) (answer, error) {
	start := b.follow(a)
	link, ok := start.doc().Find(`a[href^="/auth/connect"]`).First().Attr("href")
	if !ok {
		return a, fmt.Errorf("the start page has no way on: %s", start)
	}
	a = b.connect(link)
	if a.location() != place {
		return a, fmt.Errorf("connected again, the user is sent elsewhere than to %s: %s", place, a)
	}
	return b.follow(a), nil
}
