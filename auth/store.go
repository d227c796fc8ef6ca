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
	// the one it replaces ("" for none).
	CreateSession(ctx context.Context, s SessionRow, t TokensRow, replaces string) error
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
	// SwapTokens writes the token column where its stored version is from.
	SwapTokens(ctx context.Context, idHash string, t TokensRow, from int64) (bool, error)
	// EndSession deletes the session if its tokens still have this version.
	EndSession(ctx context.Context, idHash string, tokensVersion int64) (bool, error)
	// DeleteSession deletes a session; an unknown one is no error.
	DeleteSession(ctx context.Context, idHash string) error
	// DeleteUserSessions deletes all sessions of a user.
	DeleteUserSessions(ctx context.Context, userRef string) error

	// AddFlow inserts a flow.
	AddFlow(ctx context.Context, f FlowRow) error
	// TakeFlow deletes and returns the flow with this state and browser, if
	// it has not expired. Of concurrent takers one gets it.
	TakeFlow(ctx context.Context, stateHash, browserHash string, now time.Time) (FlowRow, bool, error)
	// DropFlows deletes the flows of these browsers' cookies.
	DropFlows(ctx context.Context, browserHashes []string) error

	// AddDraft inserts a draft unless there are about limit of them already.
	AddDraft(ctx context.Context, d DraftRow, limit int) (bool, error)
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
