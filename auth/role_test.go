package auth_test

import (
	"errors"
	"testing"
	"time"

	"portal/auth"
)

// Who is no admin any more is none in the session either, once GoTo is asked;
// as long as GoTo does not tell, nothing is taken for granted.
func TestRoleIsConfirmed(t *testing.T) {
	w := newWorld(t)
	b := &browser{}
	w.logIn(b)
	confirm := func() error { return w.session(b).ConfirmRole(t.Context(), 10*time.Minute) }
	tell := func(change func(*auth.Identity), err error) {
		who := ada()
		if change != nil {
			change(&who)
		}
		w.is(who, err)
	}

	tell(func(i *auth.Identity) { i.Admin, i.Roles = false, nil }, nil)
	w.pass(9 * time.Minute)
	if err := confirm(); err != nil || !w.session(b).User().Admin {
		t.Fatalf("asked too early: %v", err)
	}
	w.pass(2 * time.Minute)
	for name, broken := range map[string]func(*auth.Identity){
		"another service": func(i *auth.Identity) { i.Source, i.Admin = "scim", false },
		"another user":    func(i *auth.Identity) { i.UserKey = "2" },
	} {
		tell(broken, nil)
		if err := confirm(); !errors.Is(err, auth.ErrUnavailable) || !w.session(b).User().Admin {
			t.Errorf("%s: %v", name, err)
		}
	}
	tell(nil, errors.New("canary: GoTo is away"))
	if err := confirm(); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("GoTo is away: %v", err)
	}
	tell(nil, nil)
	if err := confirm(); err != nil || !w.session(b).User().Admin {
		t.Errorf("still an admin: %v", err)
	}

	// Two requests at once; one of them has a notice to keep, too.
	w.pass(11 * time.Minute)
	tell(func(i *auth.Identity) { i.Admin, i.Roles = false, nil }, nil)
	one, other := w.session(b), w.session(b)
	other.Notify(auth.Notice{Kind: auth.Info, Text: "kept"})
	if err := errors.Join(one.ConfirmRole(t.Context(), time.Minute), other.ConfirmRole(t.Context(), time.Minute)); err != nil {
		t.Fatal(err)
	}
	after := w.session(b)
	if u := after.User(); u.Admin || len(u.Roles) != 0 || u.Name() != "Ada Admin" {
		t.Errorf("the session still says %+v", u)
	}
	if got := after.TakeNotices(); len(got) != 1 || got[0].Text != "kept" {
		t.Errorf("notices %v", got)
	}

	// In another account one is no admin of this one.
	tell(nil, nil)
	w.pass(11 * time.Minute)
	if err := confirm(); err != nil || !w.session(b).User().Admin {
		t.Errorf("an admin again: %v", err)
	}
	tell(func(i *auth.Identity) { i.AccountKey = "78" }, nil)
	w.pass(11 * time.Minute)
	if err := confirm(); err != nil || w.session(b).User().Admin {
		t.Errorf("admin of another account: %v", err)
	}
}
