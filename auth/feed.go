package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	feedAddressSize = 32        // bytes that nobody guesses
	feedUsedEvery   = time.Hour // is how often it is noted that a feed is used
)

// ErrOtherUser: who allowed the feed at GoTo is not who is signed in here, or
// nobody is any more.
var ErrOtherUser = errors.New("the feed was allowed by somebody else than the user of the session")

// Feed is a user's calendar feed: what whoever knows its address may read, on a
// grant of its own. It outlives the session that made it, and ends none.
type Feed struct {
	bearer
	row  FeedRow
	user Identity
	over bool
}

// User returns whose feed it is; of one that is Over perhaps nobody.
func (f *Feed) User() Identity { return f.user }

// UserRef names the user as Session.UserRef does.
func (f *Feed) UserRef() string { return f.row.UserRef }

// Created returns when the feed got its address, UTC.
func (f *Feed) Created() time.Time { return f.row.Created }

// LastUsed returns when somebody last asked for the feed, within an hour; zero
// when nobody has.
func (f *Feed) LastUsed() time.Time { return f.row.LastUsed }

// Over tells whether the feed has to be connected again: GoTo takes its tokens
// no more, or they cannot be opened here.
func (f *Feed) Over() bool { return f.over }

// ID returns a handle that is no secret, as Session.ID does.
func (f *Feed) ID() string { return f.row.IDHash }

// Writes returns a number that grows with each change the user makes at GoTo.
func (f *Feed) Writes() int64 { return f.row.Writes }

// Wrote does nothing: through a feed nobody changes anything.
func (f *Feed) Wrote(context.Context) error { return nil }

// ConnectFeed starts a flow whose grant is for the feed of the session's user
// alone, and returns GoTo's address as Connect does. The flow ends in Callback.
func (a *Auth) ConnectFeed(w http.ResponseWriter, r *http.Request, s *Session, returnTo string) (location string, err error) {
	return a.startFlow(w, r, flowBlob{Schema: blobSchema, Return: SafeReturn(returnTo), FeedOf: s.ref()})
}

// Feed returns the feed with this address, nil when there is none, and notes
// that it was used. The error is ErrNotAdmitted or ErrStore.
func (a *Auth) Feed(ctx context.Context, address string) (*Feed, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(address)
	if err != nil || len(raw) != feedAddressSize || base64.RawURLEncoding.EncodeToString(raw) != address { // decoding skips line ends
		return nil, nil
	}
	row, found, err := a.cfg.Store.Feed(ctx, hash([]byte(address)))
	if err != nil {
		return nil, fmt.Errorf("read the feed: %w: %w", ErrStore, err)
	}
	if !found {
		return nil, nil
	}
	f := a.openFeed(row)
	if f.over {
		return f, nil
	}
	// A feed lives for years, so who is admitted is asked anew.
	if err := a.stillAdmits(ctx, f.user); err != nil {
		return nil, err
	}
	if now := a.cfg.Now(); now.Sub(row.LastUsed) >= feedUsedEvery {
		if err := a.cfg.Store.TouchFeed(ctx, row.IDHash, now); err != nil {
			return nil, fmt.Errorf("note that the feed is used: %w: %w", ErrStore, err)
		}
	}
	return f, nil
}

// FeedOf returns the feed of the session's user, nil when there is none. The
// error is ErrStore.
func (a *Auth) FeedOf(ctx context.Context, s *Session) (*Feed, error) {
	row, found, err := a.cfg.Store.FeedOf(ctx, s.ref())
	if err != nil {
		return nil, fmt.Errorf("read the feed: %w: %w", ErrStore, err)
	}
	if !found {
		return nil, nil
	}
	return a.openFeed(row), nil
}

// RevokeFeed deletes the feed of the session's user, whose address is worth
// nothing from then on, and asks GoTo, in the background and once, to revoke its
// tokens. False: there is none. The error is ErrStore.
func (a *Auth) RevokeFeed(ctx context.Context, s *Session) (bool, error) {
	row, found, err := a.cfg.Store.DeleteFeed(ctx, s.ref())
	if err != nil {
		return false, fmt.Errorf("revoke the feed: %w: %w", ErrStore, err)
	}
	if found {
		a.revokeFeed(ctx, row)
	}
	return found, nil
}

// revokeFeed asks GoTo to revoke what a row holds that is no more.
func (a *Auth) revokeFeed(ctx context.Context, row FeedRow) {
	if k, err := a.openTokens(row.grant(), row.Tokens); err == nil {
		a.revokeLater(ctx, k)
	}
}

func (row FeedRow) grant() grant { return grant{Grant: Grant{IDHash: row.IDHash, Feed: true}} }

// openFeed opens what a row holds sealed, as far as it can be opened.
func (a *Auth) openFeed(row FeedRow) *Feed {
	f := &Feed{bearer: bearer{a, row.grant()}, row: row}
	var b blob
	plain, err := a.sealer.open(f.grant.place(identityColumn), nil, row.KeyID, row.Sealed)
	if err == nil {
		err = json.Unmarshal(plain, &b)
	}
	_, tokensErr := a.openTokens(f.grant, row.Tokens)
	f.user, f.over = b.User, err != nil || b.Schema != blobSchema || tokensErr != nil
	return f
}

// keepFeed keeps what GoTo granted for the feed of ref, who has to be the user
// of the request's session and the one whom GoTo names. A feed that the user has
// is connected anew and keeps its address; else the new one's is returned, which
// nobody can find out again.
func (a *Auth) keepFeed(ctx context.Context, r *http.Request, ref string, user Identity, k tokens) (address Secret, err error) {
	s, err := a.Session(r)
	if err != nil {
		return Secret{}, err
	}
	if s == nil || s.ref() != ref || userRef(user, "") != ref {
		return Secret{}, ErrOtherUser
	}
	for range 3 { // another tab may be at it
		old, had, err := a.cfg.Store.FeedOf(ctx, ref)
		if err != nil {
			return Secret{}, fmt.Errorf("keep the feed: %w: %w", ErrStore, err)
		}
		row := old
		if !had {
			address = NewSecret(randomText(feedAddressSize))
			row = FeedRow{IDHash: hash([]byte(address.Reveal())), UserRef: ref, Created: a.cfg.Now()}
		}
		if row, err = a.sealFeed(row, user, k, old.Tokens.Version+1); err != nil {
			return Secret{}, err
		}
		var ok bool
		if had {
			ok, err = a.cfg.Store.SaveFeed(ctx, row, old.Tokens.Version)
		} else {
			ok, err = a.cfg.Store.AddFeed(ctx, row, s.ID())
		}
		if err != nil {
			return Secret{}, fmt.Errorf("keep the feed: %w: %w", ErrStore, err)
		}
		if ok {
			a.revokeFeed(ctx, old)
			a.cfg.Log.InfoContext(ctx, "a feed is connected", row.grant().attr(), "account", user.AccountKey, "user", user.UserKey)
			return address, nil
		}
		address = Secret{}
	}
	return Secret{}, ErrOtherUser // the session has ended meanwhile
}

// sealFeed seals who the user is and the tokens into row, with the first key.
func (a *Auth) sealFeed(row FeedRow, user Identity, k tokens, version int64) (FeedRow, error) {
	plain, err := json.Marshal(blob{Schema: blobSchema, User: user, Asked: a.cfg.Now()})
	if err == nil {
		row.KeyID, row.Sealed, err = a.sealer.seal(row.grant().place(identityColumn), nil, plain)
	}
	if err != nil {
		return row, fmt.Errorf("write the feed: %w", err)
	}
	row.Tokens, err = a.sealTokens(row.grant(), k, version)
	return row, err
}

// resealFeeds moves every feed to the first key, so that an older one can be
// dropped after a start with both. What is sealed stays what it was, and so does
// the version of the tokens: a refresh under way in another replica may still
// store what it gets.
func (a *Auth) resealFeeds(ctx context.Context) error {
	rows, err := a.cfg.Store.Feeds(ctx)
	if err != nil {
		return fmt.Errorf("seal the feeds anew: %w: %w", ErrStore, err)
	}
	for _, row := range rows {
		if err := a.resealFeed(ctx, row); err != nil {
			return fmt.Errorf("seal a feed anew: %w", err)
		}
	}
	return nil
}

func (a *Auth) resealFeed(ctx context.Context, row FeedRow) error {
	first := a.cfg.Keys[0].id
	for row.KeyID != first || len(row.Tokens.Sealed) > 0 && row.Tokens.KeyID != first {
		from, g := row.Tokens.Version, row.grant()
		plain, err := a.sealer.open(g.place(identityColumn), nil, row.KeyID, row.Sealed)
		var secret []byte
		if err == nil && len(row.Tokens.Sealed) > 0 {
			secret, err = a.sealer.open(g.place(tokensColumn), nil, row.Tokens.KeyID, row.Tokens.Sealed)
		}
		if err != nil { // another replica may have the key
			a.cfg.Log.WarnContext(ctx, "a feed was sealed with another session key: its user has to connect it again", g.attr())
			return nil
		}
		if row.KeyID, row.Sealed, err = a.sealer.seal(g.place(identityColumn), nil, plain); err != nil {
			return err
		}
		if len(secret) > 0 {
			if row.Tokens.KeyID, row.Tokens.Sealed, err = a.sealer.seal(g.place(tokensColumn), nil, secret); err != nil {
				return err
			}
		}
		ok, err := a.cfg.Store.SaveFeed(ctx, row, from)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrStore, err)
		}
		if ok {
			return nil
		}
		found := false // it was refreshed or revoked meanwhile
		if row, found, err = a.cfg.Store.Feed(ctx, row.IDHash); err != nil || !found {
			return err
		}
	}
	return nil
}
