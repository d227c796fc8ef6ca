package soak

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"portal/e2e/process"
	"portal/store/storetest"
)

// The portal is killed again and again while sessions are written. What it
// acknowledged is so afterwards.
func TestCrashLoopSQLite(t *testing.T) {
	t.Parallel()
	path := sqlite(t)
	crashLoop(t, newWorld(t, path), func() { checkIntegrity(t, path) })
}

// With PostgreSQL the portal is killed and the server stays.
func TestCrashLoopPostgres(t *testing.T) {
	t.Parallel()
	crashLoop(t, newWorld(t, storetest.Postgres(t)), func() {})
}

func crashLoop(t *testing.T, w *world, check func()) {
	began, r := time.Now(), random(t.Name())
	// A refresh token that outlives its use: whoever is asked to connect again
	// has lost something that was acknowledged.
	w.goTo.set(map[string]any{"refresh_mode": "omit"})
	rounds, total := 0, promises{}
	defer func() {
		report(t, began, "%d kills; acknowledged and kept: %d log-ins, %d sign-outs, %d notices, %d creates; sessions looked at %d times",
			rounds, total.logIns, total.signOuts, total.notices, total.creates, total.looks)
	}()

	p := w.start()
	users := make([]*crashUser, 8)
	for i := range users {
		users[i] = &crashUser{browser: newBrowser(people[i%len(people)], among(p)), name: fmt.Sprint("user ", i), r: random(t.Name(), fmt.Sprint(i))}
		if err := users[i].begin(); err != nil {
			t.Fatal(err)
		}
	}
	for round := range figure(8, 300) {
		// Not each time, since the lease on a refresh that dies has to run out.
		if round%15 == 5 {
			w.goTo.expire()
		}
		workUntilKilled(w, r, p, users)
		p = w.start()
		check()
		var wg sync.WaitGroup
		for _, u := range users {
			u.browser = u.at(among(p))
			wg.Go(func() {
				if err := u.verify(); err != nil {
					t.Errorf("after kill %d: %s: %v", round+1, u.name, err)
				}
			})
		}
		wg.Wait()
		if strings.Contains(p.Log(), "does not open its row") {
			t.Errorf("after kill %d: a row cannot be read", round+1)
		}
		if t.Failed() {
			return
		}
		rounds++
	}
	for _, u := range users {
		total.add(u.kept)
	}
}

// workUntilKilled lets everybody press on, and kills the portal at a random
// moment.
func workUntilKilled(w *world, r *rand.Rand, p *process.Process, users []*crashUser) {
	w.t.Helper()
	killed := make(chan struct{})
	var wg sync.WaitGroup
	for _, u := range users {
		wg.Go(func() {
			for {
				select {
				case <-killed:
					return
				default:
					if !u.act() {
						return
					}
				}
			}
		})
	}
	<-time.After(time.Duration(20+r.IntN(300)) * time.Millisecond)
	p.Kill()
	close(killed)
	wg.Wait()
}

// promises counts what was acknowledged before a kill and true after it.
type promises struct{ logIns, signOuts, notices, creates, looks int }

func (p *promises) add(q promises) {
	p.logIns += q.logIns
	p.signOuts += q.signOuts
	p.notices += q.notices
	p.creates += q.creates
	p.looks += q.looks
}

// certainty is what a browser knows of something on the server.
type certainty int

const (
	no certainty = iota
	yes
	unknown // the answer was cut off
)

// crashUser presses at random and remembers what was acknowledged.
type crashUser struct {
	*browser
	name string
	r    *rand.Rand
	n    int // creates so far

	in      certainty
	meeting string // id of a meeting of its own
	notice  certainty
	left    *browser   // with the cookie of a session that was signed out
	sent    url.Values // the last form that made a meeting in this session,
	made    string     // and that meeting's id

	loggedIn, signedOut bool // since the last verify
	kept                promises
}

func (u *crashUser) begin() (err error) {
	if err := u.signIn(); err != nil {
		return err
	}
	u.in = yes
	u.meeting, err = u.create("Home of " + u.name)
	return err
}

// act does one thing; false: there was no answer, or the user has a rest after
// one, so that the kill comes after it.
func (u *crashUser) act() bool {
	rests := u.r.IntN(3) == 0
	if u.in == no {
		return u.logIn() && !rests
	}
	switch n := u.r.IntN(10); {
	case n < 2:
		return u.signOut() && !rests
	case n < 5:
		return u.changeMeeting() && !rests
	case n < 7:
		return u.page("/settings").status == http.StatusOK
	case n < 8:
		return u.page("/meetings/"+u.meeting+"/edit").status == http.StatusOK
	}
	return u.makeMeeting()
}

func (u *crashUser) logIn() bool {
	a := u.connect("/auth/connect")
	if a.status != http.StatusSeeOther || a.path() != "/meetings" {
		return false
	}
	u.in, u.notice, u.loggedIn = yes, unknown, true // the notice is a greeting
	return true
}

func (u *crashUser) signOut() bool {
	action, form := u.page("/settings").form("/auth/signout")
	if action == "" {
		return false
	}
	before := u.copied()
	u.in, u.sent = unknown, nil
	if a := u.post(action, form); a.status != http.StatusSeeOther {
		return false
	}
	u.in, u.left, u.notice, u.loggedIn, u.signedOut = no, before, no, false, true
	return true
}

const savedNotice = "The meeting is saved."

// changeMeeting leaves a notice for the next page.
func (u *crashUser) changeMeeting() bool {
	action, form := u.page("/meetings/" + u.meeting + "/edit").form("/meetings/" + u.meeting)
	if action == "" {
		return false
	}
	form.Set("subject", fmt.Sprintf("Home of %s, %d", u.name, u.r.IntN(1000)))
	u.notice = unknown
	if a := u.post(action, form); a.status != http.StatusSeeOther {
		return false
	}
	u.notice = yes
	return true
}

// page opens a page, which shows the notices.
func (u *crashUser) page(path string) answer {
	u.notice = unknown
	a := u.get(path)
	if a.err == nil {
		u.notice = no
	}
	return a
}

func (u *crashUser) makeMeeting() bool {
	u.n++
	u.notice = unknown
	form, err := u.newMeeting(fmt.Sprintf("Meeting %d of %s", u.n, u.name))
	if err != nil {
		return false
	}
	u.notice = no
	id, ok := u.post("/meetings", form).made()
	if !ok {
		return false
	}
	u.sent, u.made = form, id
	return true
}

// verify checks what was acknowledged, and finds out what was cut off.
func (u *crashUser) verify() error {
	a := u.get("/settings")
	switch _, out := a.comesBack(); {
	case a.status == http.StatusOK && u.in == no:
		return fmt.Errorf("signed out, and still in: %s", a)
	case a.status == http.StatusOK && !a.says(u.user):
		return fmt.Errorf("the session is somebody else's: %s", a)
	case a.status == http.StatusOK:
		u.in = yes
	case out && u.in == yes:
		return fmt.Errorf("signed in, and out: %s", a)
	case out:
		u.in = no
	default:
		return fmt.Errorf("%s", a)
	}
	if u.in == yes && u.notice == yes {
		if !strings.Contains(string(a.body), savedNotice) {
			return fmt.Errorf("the notice is lost: %s", a)
		}
		u.kept.notices++
	}
	u.notice = no
	if u.left != nil {
		if a := u.left.at(u.client.Transport.(front)).get("/settings"); a.status == http.StatusOK || a.err != nil {
			return fmt.Errorf("a session that was signed out is back: %s", a)
		}
		if u.signedOut {
			u.kept.signOuts++
		}
	}
	if u.in == yes {
		var a answer
		if within(settled, func() bool {
			a = u.get("/meetings/" + u.meeting + "/edit")
			return !a.isHonest()
		}); a.status != http.StatusOK {
			return fmt.Errorf("the tokens: %s", a)
		}
		u.kept.looks++
		if u.loggedIn {
			u.kept.logIns++
		}
	}
	if u.in == yes && u.sent != nil {
		if id, ok := u.post("/meetings", u.sent).made(); !ok || id != u.made {
			return fmt.Errorf("the form that made meeting %s, sent again, makes %q", u.made, id)
		}
		u.kept.creates++
		u.sent = nil
	}
	u.loggedIn, u.signedOut = false, false
	return nil
}

// checkIntegrity has SQLite look through the whole file, while the portal runs.
func checkIntegrity(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var found string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&found); err != nil || found != "ok" {
		t.Errorf("integrity_check: %q, %v", found, err)
	}
}
