package auth_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"portal/auth"
)

// What a vault seals opens in its own table, column and row, as it was, and by
// whoever has the key.
func TestVaultIsBoundToItsPlace(t *testing.T) {
	w := newWorld(t)
	vault := w.Vault("pending")
	keyID, sealed, err := vault.Seal("token", "row 1", []byte("canary"))
	if err != nil || bytes.Contains(sealed, []byte("canary")) {
		t.Fatalf("%q, %v", sealed, err)
	}
	w.restart()
	if plain, err := w.Vault("pending").Open("token", "row 1", keyID, sealed); err != nil || string(plain) != "canary" {
		t.Fatalf("after a restart: %q, %v", plain, err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	stranger, err := auth.New(func() auth.Config { c := w.config; c.Keys = keys(t, 1); return c }())
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another row":    func() ([]byte, error) { return vault.Open("token", "row 2", keyID, sealed) },
		"another column": func() ([]byte, error) { return vault.Open("details", "row 1", keyID, sealed) },
		"another table":  func() ([]byte, error) { return w.Vault("feeds").Open("token", "row 1", keyID, sealed) },
		"a session":      func() ([]byte, error) { return w.Vault("sessions").Open("tokens", "row 1", keyID, sealed) },
		"changed":        func() ([]byte, error) { return vault.Open("token", "row 1", keyID, changed) },
		"cut":            func() ([]byte, error) { return vault.Open("token", "row 1", keyID, sealed[:10]) },
		"empty":          func() ([]byte, error) { return vault.Open("token", "row 1", keyID, nil) },
		"no such key":    func() ([]byte, error) { return vault.Open("token", "row 1", "", sealed) },
		"another key":    func() ([]byte, error) { return stranger.Vault("pending").Open("token", "row 1", keyID, sealed) },
	} {
		if plain, err := open(); err == nil || plain != nil {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
}

// The first key seals, all open: a key can be dropped once all is sealed anew.
func TestVaultRotates(t *testing.T) {
	w := newWorld(t)
	old, next := w.config.Keys, keys(t, 1)
	oldID, sealed, err := w.Vault("pending").Seal("token", "row", []byte("canary"))
	if err != nil {
		t.Fatal(err)
	}
	w.config.Keys = append(next, old...)
	w.restart()
	plain, err := w.Vault("pending").Open("token", "row", oldID, sealed)
	if err != nil || string(plain) != "canary" {
		t.Fatalf("with both keys: %q, %v", plain, err)
	}
	newID, resealed, err := w.Vault("pending").Seal("token", "row", plain)
	if err != nil || newID == oldID {
		t.Fatalf("sealed by %s, %v", newID, err)
	}
	w.config.Keys = next
	w.restart()
	if plain, err := w.Vault("pending").Open("token", "row", newID, resealed); err != nil || string(plain) != "canary" {
		t.Errorf("with the new key: %q, %v", plain, err)
	}
	if _, err := w.Vault("pending").Open("token", "row", oldID, sealed); err == nil {
		t.Error("what the dropped key sealed opens")
	}
}

func TestLentToken(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	token, lapses, err := w.session(b).LendToken(t.Context())
	if err != nil || token != w.current() || lapses.Sub(w.config.Now()) != time.Hour {
		t.Fatalf("lapses in %v, %v", lapses.Sub(w.config.Now()), err)
	}
	w.pass(59*time.Minute + 45*time.Second) // too little is left of it
	fresh, lapses, err := w.session(b).LendToken(t.Context())
	if err != nil || fresh == token || fresh != w.current() || lapses.Sub(w.config.Now()) != time.Hour {
		t.Errorf("lapses in %v, %v", lapses.Sub(w.config.Now()), err)
	}
	s := w.session(b)
	w.store.failing(func(string) error { return errors.New("down") })
	if _, _, err := s.LendToken(t.Context()); !errors.Is(err, auth.ErrStore) {
		t.Errorf("without a store: %v", err)
	}
}

// One user is one and the same in every session, and nobody else.
func TestUserRef(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.AllowedAccounts = []string{"*"} })
	refs := map[string]string{}
	for _, who := range []auth.Identity{ada(), {UserKey: "2", AccountKey: "77"}, {UserKey: "2", AccountKey: "78"}, {Email: "a@example.test"}, {Email: "b@example.test"}} {
		w.is(who, nil)
		b := &browser{}
		w.logIn(b)
		ref := w.session(b).UserRef()
		if before, ok := refs[ref]; ok {
			t.Errorf("%+v is %q, as is %s", who, ref, before)
		}
		refs[ref] = who.Name()
		again := &browser{}
		w.logIn(again)
		if got := w.session(again).UserRef(); got != ref {
			t.Errorf("%+v is %q, then %q", who, ref, got)
		}
	}
}
