package auth_test

import (
	"errors"
	"testing"

	"portal/auth"
)

// A change counts in all of one's sessions, on whichever replica. One that
// cannot be counted is not forgotten by the request that made it.
func TestWritesAreSeenByAllOfOnesSessions(t *testing.T) {
	w, here, there, ben := newWorld(t), &browser{}, &browser{}, &browser{}
	w.logIn(here)
	w.logIn(there)
	who := ada()
	who.UserKey = "2"
	w.is(who, nil)
	w.logIn(ben)
	other, err := auth.New(w.config) // another replica
	if err != nil {
		t.Fatal(err)
	}
	before := map[*browser]int64{here: w.session(here).Writes(), there: w.session(there).Writes(), ben: w.session(ben).Writes()}
	s, err := other.Session(here.request("GET", "/"))
	if err != nil || s == nil {
		t.Fatal(err)
	}
	for range 3 {
		was := s.Writes()
		if err := s.Wrote(t.Context()); err != nil || s.Writes() <= was {
			t.Fatalf("%d after %d: %v", s.Writes(), was, err)
		}
	}
	if w.session(here).Writes() != s.Writes() || w.session(there).Writes() <= before[there] {
		t.Error("a replica does not see the change")
	}
	if w.session(ben).Writes() != before[ben] {
		t.Error("somebody else's change was counted")
	}
	counted := s.Writes()
	w.store.failing(func(string) error { return errors.New("down") })
	if err := s.Wrote(t.Context()); !errors.Is(err, auth.ErrStore) || s.Writes() <= counted+1 {
		t.Errorf("%d after %d: %v", s.Writes(), counted, err)
	}
}
