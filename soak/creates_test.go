package soak

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portal/e2e/process"
	"portal/store/storetest"
)

// Meetings are made while GoTo's answers are spoilt, people press twice,
// reload and send again, and the portal is killed. Each form makes one
// meeting, and what its user is told is true. With PostgreSQL there are two
// portals, and two presses meet both.
func TestCreates(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); makeMeetings(t, newWorld(t, sqlite(t)), 1) })
	t.Run("Postgres", func(t *testing.T) { t.Parallel(); makeMeetings(t, newWorld(t, storetest.Postgres(t)), 2) })
}

func makeMeetings(t *testing.T, w *world, replicas int) {
	began, r := time.Now(), random(t.Name())
	w.goTo.set(map[string]any{"refresh_mode": "omit"}) // a kill never costs a session
	creates, kills := figure(30, 1000), figure(1, 12)
	portals := make([]atomic.Pointer[process.Process], replicas) // as they are now
	for i := range portals {
		portals[i].Store(w.start())
	}
	var turn atomic.Uint64
	here := front(func() string { return portals[turn.Add(1)%uint64(replicas)].Load().Host() })

	var next, made atomic.Int64
	told := tally{counts: map[string]int{}}
	defer func() {
		report(t, began, "%d forms made %d meetings, none twice, under %d kills of %d portals; told: %v", next.Load(), made.Load(), kills, replicas, told.counts)
	}()
	var wg sync.WaitGroup
	for i := range 10 {
		m := &maker{browser: newBrowser(people[i%len(people)], here), w: w, r: random(t.Name(), fmt.Sprint(i)), told: &told}
		if err := m.signIn(); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for {
				n := int(next.Add(1))
				if n > creates || t.Failed() {
					next.Add(-1)
					return
				}
				if err := m.make(fmt.Sprintf("Meeting %d of %d", n, creates)); err != nil {
					t.Errorf("form %d: %v; its story:\n%s", n, err, strings.Join(m.story, "\n"))
				}
				made.Add(1)
			}
		})
	}
	for k := range kills {
		due := int64((k + 1) * creates / (kills + 1))
		if !within(10*time.Minute, func() bool { return next.Load() >= due || t.Failed() }) {
			t.Error("it takes too long")
		}
		<-time.After(time.Duration(r.IntN(100)) * time.Millisecond)
		portals[k%replicas].Load().Kill()
		portals[k%replicas].Store(w.start())
	}
	wg.Wait()

	w.goTo.set(map[string]any{"faults": []any{}})
	if _, err := w.goTo.made(""); err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(w.goTo.ledger.made)
	for n := range creates {
		subject := fmt.Sprintf("Meeting %d of %d", n+1, creates)
		if got := len(all[subject]); got != 1 {
			t.Errorf("%q was made %d times", subject, got)
		}
		delete(all, subject)
	}
	for subject := range all {
		t.Errorf("%q was made, and nobody asked for it", subject)
	}
}

// tally counts what users were told.
type tally struct {
	sync.Mutex
	counts map[string]int
}

func (y *tally) add(what string) {
	y.Lock()
	defer y.Unlock()
	y.counts[what]++
}

// What the answer to a form says about its meeting.
const (
	saidMade   = "made"
	saidNot    = "not made"
	saidUnsure = "not certain, look"       // the list was read and lacks it
	saidLost   = "not certain, send again" // the list could not be read
	saidBusy   = "being asked, send again" // by another press of the same form
	saidAlike  = "not certain, several alike"
	noAnswer   = "no answer" // the portal died
)

// verdict reads an answer as its user does.
func verdict(a answer) (said, id string, err error) {
	if id, ok := a.made(); ok {
		return saidMade, id, nil
	}
	switch {
	case a.err != nil:
		return noAnswer, "", nil
	case a.says("might be it"):
		return saidAlike, "", nil
	case a.says("not certain that the meeting was made") && a.says("cannot be read just now"):
		return saidLost, "", nil
	case a.says("not certain that the meeting was made"):
		return saidUnsure, "", nil
	case a.says("GoTo is still being asked"):
		return saidBusy, "", nil
	case a.isPage() && (a.status == http.StatusBadGateway || a.status == http.StatusTooManyRequests || a.isHonest()):
		return saidNot, "", nil
	}
	return "", "", fmt.Errorf("%s", a)
}

// maker is somebody who makes meetings and believes what the portal says.
type maker struct {
	*browser
	w    *world
	r    *rand.Rand
	told *tally

	story []string // of the form in hand, for a failure
}

// make gets one meeting made, whatever it takes, and checks every answer
// against what GoTo has.
func (m *maker) make(subject string) error {
	m.story = nil
	form, err := m.openForm(subject)
	if err != nil {
		return err
	}
	if err := m.spoil(); err != nil {
		return err
	}
	for late := time.Now().Add(4 * time.Minute); time.Now().Before(late); {
		said, id, err := m.press(form, subject)
		if err != nil {
			return err
		}
		switch said {
		case saidMade:
			return m.reload(form, subject, id)
		case saidAlike:
			return errors.New("GoTo is said to have several, of a subject that is used once")
		case saidUnsure:
			if seen, err := m.isListed(subject); err != nil || seen {
				return err
			}
		}
		<-time.After(time.Duration(50+m.r.IntN(300)) * time.Millisecond) // "in a moment"
	}
	return errors.New("not made in four minutes")
}

// press sends the form, once or by a double click, and returns what the user
// is told in the end: the better news of two.
func (m *maker) press(form url.Values, subject string) (said, id string, err error) {
	presses := 1
	if m.r.IntN(4) == 0 {
		presses = 2
	}
	answers := make([]answer, presses)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = m.post("/meetings", form) })
	}
	wg.Wait()
	ids, err := m.w.goTo.made(subject)
	if err != nil {
		return "", "", err
	}
	for _, a := range answers {
		m.story = append(m.story, fmt.Sprintf("%s: %s; GoTo has %v", time.Now().UTC().Format("15:04:05.000"), a, ids))
	}
	if len(ids) > 1 {
		return "", "", fmt.Errorf("made %d times", len(ids))
	}
	for _, a := range answers {
		verdict, madeID, err := verdict(a)
		if err != nil {
			return "", "", err
		}
		m.told.add(verdict)
		if verdict == saidMade && (len(ids) != 1 || ids[0] != madeID) {
			return "", "", fmt.Errorf("said to be made as %s, GoTo has %v", madeID, ids)
		}
		if said == "" || verdict == saidMade || said != saidMade && verdict == saidUnsure {
			said, id = verdict, madeID
		}
	}
	if said == saidNot && len(ids) > 0 {
		return "", "", fmt.Errorf("said not to be made, GoTo has %v: %s", ids, answers[0])
	}
	return said, id, nil
}

// reload sends a form again that made a meeting, as a reload of the page or a
// look back in the browser does.
func (m *maker) reload(form url.Values, subject, id string) error {
	if m.r.IntN(3) > 0 {
		return nil
	}
	a := m.post("/meetings", form)
	if again, ok := a.made(); a.err == nil && (!ok || again != id) {
		return fmt.Errorf("sent again after meeting %s was made: %s", id, a)
	}
	return nil
}

// isListed looks where the page says to look. A list that cannot be read says
// nothing.
func (m *maker) isListed(subject string) (bool, error) {
	a := m.get("/meetings?q=" + url.QueryEscape(subject))
	switch {
	case a.status == http.StatusOK:
		seen := false
		a.doc().Find(`main a[href^="/meetings/"]`).Each(func(_ int, link *goquery.Selection) {
			seen = seen || strings.Contains(link.Text(), subject)
		})
		ids, err := m.w.goTo.made(subject)
		if err == nil && seen && len(ids) != 1 {
			err = fmt.Errorf("in the list, and GoTo has %v", ids)
		}
		return seen, err
	case a.err != nil || a.status == http.StatusBadGateway || a.isHonest():
		return false, nil
	}
	return false, fmt.Errorf("the list: %s", a)
}

// openForm opens the form until the portal is there.
func (m *maker) openForm(subject string) (form url.Values, err error) {
	if within(time.Minute, func() bool {
		form, err = m.newMeeting(subject)
		return err == nil
	}) {
		return form, nil
	}
	return nil, err
}

// spoil has GoTo's next answers be spoilt, whoever's they are.
func (m *maker) spoil() error {
	var faults []map[string]any
	spoil := func(match string, kinds ...string) {
		kind := kinds[m.r.IntN(len(kinds))]
		f := map[string]any{"match": match, "times": 1 + m.r.IntN(2), "kind": kind}
		switch kind {
		case "status":
			f["status"] = []int{500, 502, 503}[m.r.IntN(3)]
		case "drip":
			f["delay_ms"] = m.r.IntN(40)
		case "delay":
			f["delay_ms"] = m.r.IntN(400)
			if full && m.r.IntN(10) == 0 {
				f["delay_ms"] = 12_000 // longer than anybody waits
			}
		}
		faults = append(faults, f)
	}
	if m.r.IntN(2) == 0 {
		spoil("POST /G2M/rest/meetings", "reset", "delay", "truncate", "status", "drip", "html", "empty")
	}
	if m.r.IntN(5) == 0 {
		spoil("GET /G2M/rest/upcomingMeetings", "reset", "delay", "truncate", "status", "drip", "html", "empty")
	}
	if len(faults) == 0 {
		return nil
	}
	_, err := m.w.goTo.control(map[string]any{"faults": faults})
	return err
}
