package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// identityScope lets the portal read the user's account and role.
const identityScope = "identity:"

// pinnedAccount is the stored form of the account that connected first.
type pinnedAccount struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// admit decides whether the user's account is served: one of AllowedAccounts,
// any under "*", and without a list the account that connected first.
func (a *Auth) admit(ctx context.Context, u Identity) error {
	if err := a.admitAccount(ctx, u, a.pin); err != nil {
		return err
	}
	if _, err := a.cfg.Store.PutMetaOnce(ctx, metaConnected, []byte("1")); err != nil {
		return fmt.Errorf("connect: %w: %w", ErrStore, err)
	}
	return nil
}

// stillAdmits decides the same for somebody who was admitted once. It pins
// nothing.
func (a *Auth) stillAdmits(ctx context.Context, u Identity) error {
	return a.admitAccount(ctx, u, func(ctx context.Context, u Identity) (pinnedAccount, error) {
		p, had, err := a.pinned(ctx)
		if err == nil && !had {
			p.Key = u.AccountKey
		}
		return p, err
	})
}

// admitAccount asks pin for the account that is served when no list says which.
func (a *Auth) admitAccount(ctx context.Context, u Identity, pin func(context.Context, Identity) (pinnedAccount, error)) error {
	if slices.Contains(a.cfg.AllowedAccounts, "*") {
		return nil
	}
	refused := &NotAdmittedError{AccountKey: u.AccountKey, AccountName: u.AccountName}
	if u.AccountKey == "" {
		// Only the admin service names the account for sure.
		refused.MissingScope = identityScope
		return refused
	}
	if len(a.cfg.AllowedAccounts) > 0 {
		if !slices.Contains(a.cfg.AllowedAccounts, u.AccountKey) {
			return refused
		}
		return nil
	}
	pinned, err := pin(ctx, u)
	if err != nil {
		return err
	}
	if pinned.Key != u.AccountKey {
		return refused
	}
	return nil
}

// pin makes the user's account the one that is served, unless there is one.
func (a *Auth) pin(ctx context.Context, u Identity) (pinnedAccount, error) {
	_, had, err := a.pinned(ctx)
	if err != nil {
		return pinnedAccount{}, err
	}
	if !had {
		value, err := json.Marshal(pinnedAccount{Key: u.AccountKey, Name: u.AccountName})
		if err != nil {
			return pinnedAccount{}, fmt.Errorf("pin the account: %w", err)
		}
		if _, err := a.cfg.Store.PutMetaOnce(ctx, metaPinned, value); err != nil {
			return pinnedAccount{}, fmt.Errorf("pin the account: %w: %w", ErrStore, err)
		}
	}
	p, _, err := a.pinned(ctx) // of two that connect at once, the first
	if err == nil && !had {
		a.cfg.Log.InfoContext(ctx, "from now on only users of this account are admitted; ALLOWED_ACCOUNTS changes that",
			"account", p.Key, "name", p.Name)
	}
	return p, err
}

func (a *Auth) pinned(ctx context.Context) (pinnedAccount, bool, error) {
	value, found, err := a.cfg.Store.Meta(ctx, metaPinned)
	if err != nil {
		return pinnedAccount{}, false, fmt.Errorf("read the pinned account: %w: %w", ErrStore, err)
	}
	if !found {
		return pinnedAccount{}, false, nil
	}
	var p pinnedAccount
	if err := json.Unmarshal(value, &p); err != nil || p.Key == "" {
		return pinnedAccount{}, false, fmt.Errorf("read the pinned account: the stored form is not understood")
	}
	return p, true, nil
}

// PinnedAccount returns the account that the first connection pinned; false
// when none is, because nobody connected yet or AllowedAccounts decides.
func (a *Auth) PinnedAccount(ctx context.Context) (key, name string, ok bool, err error) {
	if len(a.cfg.AllowedAccounts) > 0 {
		return "", "", false, nil
	}
	p, ok, err := a.pinned(ctx)
	return p.Key, p.Name, ok, err
}
