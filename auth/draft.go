package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	draftCookie   = "draft"
	draftTable    = "drafts"
	draftLifetime = time.Hour
	maxDrafts     = 1000 // in the store: their browsers' sessions may be over long since
)

// Draft is a form that could not be sent because its session was over.
type Draft struct {
	Path string // it was posted to
	Form url.Values
}

type draftBlob struct {
	Schema  int        `json:"schema"`
	UserRef string     `json:"user_ref"` // "" when it is not known
	Path    string     `json:"path"`
	Form    url.Values `json:"form"`
}

// KeepDraft keeps a form for an hour, for this browser alone, in place of an
// earlier one. Its session s may be nil; otherwise only the same user gets the
// form back. False: the browser has never had a session, so nobody loses
// anything. Of too many forms the oldest go. The error is ErrStore.
func (a *Auth) KeepDraft(w http.ResponseWriter, r *http.Request, s *Session, d Draft) (bool, error) {
	if c, err := r.Cookie(a.cookieName(sessionCookie)); err != nil {
		return false, nil
	} else if _, ok := parseTicket(c.Value); !ok {
		return false, nil
	}
	blob := draftBlob{Schema: blobSchema, Path: d.Path, Form: d.Form}
	if s != nil {
		blob.UserRef = s.ref()
	}
	plain, err := json.Marshal(blob)
	if err != nil {
		return false, fmt.Errorf("keep a form: %w", err)
	}
	t := newTicket()
	row := DraftRow{IDHash: t.hash, Expires: a.cfg.Now().Add(draftLifetime)}
	row.KeyID, row.Sealed, err = a.sealer.seal(place{draftTable, "sealed", t.hash}, t.secret[:], plain)
	if err != nil {
		return false, fmt.Errorf("keep a form: %w", err)
	}
	// The session may be over because its request was; the form counts still.
	if err := a.cfg.Store.AddDraft(context.WithoutCancel(r.Context()), row, maxDrafts); err != nil {
		return false, fmt.Errorf("keep a form: %w: %w", ErrStore, err)
	}
	if err := a.DropDraft(w, r); err != nil {
		return false, err
	}
	a.setCookie(w, draftCookie, t.cookie, draftLifetime)
	return true, nil
}

// Draft returns the form kept for this browser, if it is the user's. The error
// is ErrStore.
func (a *Auth) Draft(r *http.Request, s *Session) (Draft, bool, error) {
	t, ok := a.draftTicket(r)
	if !ok {
		return Draft{}, false, nil
	}
	row, ok, err := a.cfg.Store.Draft(r.Context(), t.hash)
	if err != nil {
		return Draft{}, false, fmt.Errorf("read a kept form: %w: %w", ErrStore, err)
	}
	if !ok || !a.cfg.Now().Before(row.Expires) {
		return Draft{}, false, nil
	}
	plain, err := a.sealer.open(place{draftTable, "sealed", t.hash}, t.secret[:], row.KeyID, row.Sealed)
	if err != nil {
		return Draft{}, false, nil // a forged cookie, or a key that was dropped
	}
	var blob draftBlob
	if err := json.Unmarshal(plain, &blob); err != nil || blob.Schema != blobSchema {
		return Draft{}, false, nil
	}
	if blob.UserRef != "" && blob.UserRef != s.ref() {
		return Draft{}, false, nil
	}
	return Draft{Path: blob.Path, Form: blob.Form}, true, nil
}

// DropDraft forgets the form kept for this browser. The error is ErrStore.
func (a *Auth) DropDraft(w http.ResponseWriter, r *http.Request) error {
	t, ok := a.draftTicket(r)
	if !ok {
		return nil
	}
	if err := a.cfg.Store.DropDraft(context.WithoutCancel(r.Context()), t.hash); err != nil {
		return fmt.Errorf("drop a kept form: %w: %w", ErrStore, err)
	}
	a.setCookie(w, draftCookie, Secret{}, 0)
	return nil
}

func (a *Auth) draftTicket(r *http.Request) (ticket, bool) {
	c, err := r.Cookie(a.cookieName(draftCookie))
	if err != nil {
		return ticket{}, false
	}
	return parseTicket(c.Value)
}
