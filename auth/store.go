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

// TokensRow is the token column of a session: own version, own key id.
type TokensRow struct {
	Version int64
	KeyID   string
	Sealed  []byte
}

// Lease is the right to refresh one session's tokens, for a while.
type Lease struct {
	IDHash string // of the session
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

// Store keeps sessions, flows and a few settings. Errors mean that it could
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
	// CountWrite adds one to Writes of all sessions of the user, and returns
	// that of the session with this id; 0 when it is gone.
	CountWrite(ctx context.Context, userRef, idHash string) (int64, error)
	// SessionTokens returns the token column; false when the session is unknown.
	SessionTokens(ctx context.Context, idHash string) (TokensRow, bool, error)
	// TakeLease takes the session's lease for ttl: when nobody has it, when it
	// was neither dropped nor renewed in time, and when holder has it already.
	// False: somebody else has it, or the session is gone. When a lease lapses
	// is for the store's one clock to say, since those of replicas differ.
	TakeLease(ctx context.Context, idHash, holder string, ttl time.Duration) (Lease, bool, error)
	// RenewLease makes a lease last for ttl from now; false when it was taken over.
	RenewLease(ctx context.Context, l Lease, ttl time.Duration) (bool, error)
	// DropLease gives a lease up; one that was taken over stays.
	DropLease(ctx context.Context, l Lease) error
	// SwapTokens writes the token column where its stored version is from and
	// nobody took the lease over.
	SwapTokens(ctx context.Context, l Lease, t TokensRow, from int64) (bool, error)
	// EndSession deletes the session if its tokens still have this version and
	// nobody took the lease over.
	EndSession(ctx context.Context, l Lease, tokensVersion int64) (bool, error)
	// DeleteSession deletes a session; an unknown one is no error.
	DeleteSession(ctx context.Context, idHash string) error
	// UserSessions returns a user's sessions without Sealed, seen last first.
	UserSessions(ctx context.Context, userRef string) ([]SessionRow, error)
	// DeleteUserSession deletes a session if it is the user's; false when it
	// is not, or is gone.
	DeleteUserSession(ctx context.Context, userRef, idHash string) (bool, error)
	// DeleteUserSessions deletes all sessions of a user.
	DeleteUserSessions(ctx context.Context, userRef string) error

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
