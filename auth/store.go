package auth

import (
	"context"
	"time"
)

// SessionRow is a browser session as stored, its tokens left out.
type SessionRow struct {
	IDHash  string // SHA-256 of the cookie's id, hex
	UserRef string // account and user key: whose session it is
	Version int64  // grows with each write of Sealed
	KeyID   string // names the key that sealed Sealed
	Sealed  []byte // identity and notices
	Writes  int64  // grows with each change that the user makes at GoTo
	Browser string // a coarse name, "Firefox on Windows"; "" when unknown

	Created, LastSeen              time.Time
	IdleDeadline, AbsoluteDeadline time.Time
}

// FeedRow is a calendar feed as stored: one a user.
type FeedRow struct {
	IDHash   string    // SHA-256 of its address's secret part, hex
	UserRef  string    // whose it is
	Created  time.Time // when it got its address
	LastUsed time.Time // zero: never
	Writes   int64     // as a session's
	KeyID    string
	Sealed   []byte    // who the user is
	Tokens   TokensRow // without Sealed once the grant is over
}

// Grant names the row that keeps what GoTo granted: a browser session's, or a
// calendar feed's.
type Grant struct {
	IDHash string
	Feed   bool
}

// TokensRow is the token column of such a row: own version, own key id.
type TokensRow struct {
	Version int64
	KeyID   string
	Sealed  []byte
}

// Lease is the right to refresh one grant's tokens, for a while.
type Lease struct {
	Grant
	Holder string // the process that has it
	Fence  int64  // 1, and one more at each take-over
}

// FlowRow is a connect flow under way.
type FlowRow struct {
	StateHash   string // SHA-256 of the state, hex
	BrowserHash string // SHA-256 of the browser's flow cookie, hex
	KeyID       string
	Sealed      []byte // PKCE verifier and return path
	Expires     time.Time
}

// DraftRow is a form that waits for its user to sign in again.
type DraftRow struct {
	IDHash  string // SHA-256 of the draft cookie's id, hex
	KeyID   string
	Sealed  []byte // path and fields
	Expires time.Time
}

// Store keeps sessions, feeds, flows and a few settings. Errors mean that it could
// not be asked or written; a missing row is not an error. Every write that
// returned nil survives a crash.
type Store interface {
	// CreateSession inserts a session and, in the same transaction, deletes
	// the one it replaces ("" for none) and of the user's others all but the
	// keep that were seen last.
	CreateSession(ctx context.Context, s SessionRow, t TokensRow, replaces string, keep int) error
	// Session returns a session without its tokens; false when unknown.
	Session(ctx context.Context, idHash string) (SessionRow, bool, error)
	// SaveSession writes Sealed, KeyID, LastSeen and IdleDeadline where the
	// stored version is from, and makes it s.Version. False: it is not, or
	// the row is gone.
	SaveSession(ctx context.Context, s SessionRow, from int64) (bool, error)
	// TouchSession moves LastSeen and IdleDeadline, never backwards.
	TouchSession(ctx context.Context, idHash string, lastSeen, idleDeadline time.Time) error
	// CountWrite adds one to Writes of all sessions and the feed of the user,
	// and returns that of the session with this id; 0 when it is gone.
	CountWrite(ctx context.Context, userRef, idHash string) (int64, error)
	// Tokens returns the token column; false when the row is unknown, or is a
	// feed whose grant is over.
	Tokens(ctx context.Context, g Grant) (TokensRow, bool, error)
	// TakeLease takes the grant's lease for ttl: when nobody has it, when it
	// was neither dropped nor renewed in time, and when holder has it already.
	// False: somebody else has it, or the row is gone. When a lease lapses
	// is for the store's one clock to say, since those of replicas differ.
	TakeLease(ctx context.Context, g Grant, holder string, ttl time.Duration) (Lease, bool, error)
	// RenewLease makes a lease last for ttl from now; false when it was taken over.
	RenewLease(ctx context.Context, l Lease, ttl time.Duration) (bool, error)
	// DropLease gives a lease up; one that was taken over stays.
	DropLease(ctx context.Context, l Lease) error
	// SwapTokens writes the token column where its stored version is from and
	// nobody took the lease over.
	SwapTokens(ctx context.Context, l Lease, t TokensRow, from int64) (bool, error)
	// EndGrant ends a grant if its tokens still have this version and nobody
	// took the lease over: a session is deleted, since nothing in it is of use; a
	// feed loses its tokens, and keeps its address for when it is connected again.
	EndGrant(ctx context.Context, l Lease, tokensVersion int64) (bool, error)
	// DeleteSession deletes a session; an unknown one is no error.
	DeleteSession(ctx context.Context, idHash string) error
	// UserSessions returns a user's sessions without Sealed, seen last first.
	UserSessions(ctx context.Context, userRef string) ([]SessionRow, error)
	// DeleteUserSession deletes a session if it is the user's; false when it
	// is not, or is gone.
	DeleteUserSession(ctx context.Context, userRef, idHash string) (bool, error)
	// DeleteUserSessions deletes all sessions of a user.
	DeleteUserSessions(ctx context.Context, userRef string) error
	// DeleteUser deletes all sessions and the feed of a user at once. It
	// returns the feed; false when there was none.
	DeleteUser(ctx context.Context, userRef string) (FeedRow, bool, error)

	// AddFeed inserts a feed. False: its user has one, or the session with this
	// id is gone; of a session that ends at the same time none is left behind.
	AddFeed(ctx context.Context, f FeedRow, session string) (bool, error)
	// Feed returns a feed; false when unknown.
	Feed(ctx context.Context, idHash string) (FeedRow, bool, error)
	// FeedOf returns the feed of a user; false when there is none.
	FeedOf(ctx context.Context, userRef string) (FeedRow, bool, error)
	// Feeds returns all feeds.
	Feeds(ctx context.Context) ([]FeedRow, error)
	// SaveFeed writes KeyID, Sealed and Tokens where the stored version of the
	// tokens is from. False: it is not, or the feed is gone.
	SaveFeed(ctx context.Context, f FeedRow, from int64) (bool, error)
	// TouchFeed moves LastUsed, never backwards.
	TouchFeed(ctx context.Context, idHash string, used time.Time) error
	// DeleteFeed deletes the feed of a user, and returns it; false when there is
	// none.
	DeleteFeed(ctx context.Context, userRef string) (FeedRow, bool, error)

	// AddFlow inserts a flow.
	AddFlow(ctx context.Context, f FlowRow) error
	// TakeFlow deletes and returns the flow with this state and browser, if
	// it has not expired. Of concurrent takers one gets it.
	TakeFlow(ctx context.Context, stateHash, browserHash string, now time.Time) (FlowRow, bool, error)
	// DropFlows deletes the flows of these browsers' cookies.
	DropFlows(ctx context.Context, browserHashes []string) error

	// AddDraft inserts a draft and leaves about limit of them at most: those
	// that expire first go.
	AddDraft(ctx context.Context, d DraftRow, limit int) error
	// Draft returns a draft; false when unknown.
	Draft(ctx context.Context, idHash string) (DraftRow, bool, error)
	// DropDraft deletes a draft; an unknown one is no error.
	DropDraft(ctx context.Context, idHash string) error

	// Meta returns a named value; false when there is none.
	Meta(ctx context.Context, name string) ([]byte, bool, error)
	// PutMeta inserts or replaces a named value.
	PutMeta(ctx context.Context, name string, value []byte) error
	// PutMetaOnce inserts a named value unless there is one, and returns
	// the one that stands.
	PutMetaOnce(ctx context.Context, name string, value []byte) ([]byte, error)
}
