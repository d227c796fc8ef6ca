package gotomeeting

import (
	"fmt"
	"strings"
	"time"
)

// Kind classifies how a call failed.
type Kind int

// The kinds of failure.
const (
	// NotFound: GoTo knows no such thing, or will not admit that it does.
	NotFound Kind = iota + 1
	// Forbidden: GoTo refuses this user.
	Forbidden
	// InvalidToken: GoTo refuses the token, a freshly renewed one included.
	InvalidToken
	// MissingScope: the OAuth client lacks a scope, as a rule "identity:".
	MissingScope
	// RateLimited: too many calls, by GoTo's word or by our own limiter.
	RateLimited
	// Unavailable: GoTo answered 5xx, or could not be reached.
	Unavailable
	// TimedOut: GoTo was too slow.
	TimedOut
	// Refused: GoTo refuses what was sent (400, 409 and the like).
	Refused
	// Unreadable: GoTo answered success with something that is not the answer.
	Unreadable
)

var kindNames = [...]string{"unknown failure", "not found", "forbidden", "invalid token", "missing scope", "rate limited", "unavailable", "timed out", "refused", "unreadable"}

// String names the kind in lower-case words.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return kindNames[0]
	}
	return kindNames[k]
}

// The services of GoTo, as [Error] names them.
const (
	APIMeeting = "G2M"
	APIAdmin   = "admin"
	APISCIM    = "scim"
)

// Error is how a call to GoTo failed.
type Error struct {
	Kind   Kind
	API    string // [APIMeeting], [APIAdmin] or [APISCIM]
	Op     string // the operation's name, without ids, such as "get meeting"
	Status int    // HTTP status; 0 when there was no answer
	// Code and Detail are GoTo's own words, bounded. They are foreign text:
	// for logs only, never for pages.
	Code, Detail string
	// RetryAfter is what GoTo or our limiter asks to wait; 0 = not told.
	RetryAfter time.Duration
	// Sent says that bytes of a try may have left and that no answer says what
	// became of it: none came, it was a 5xx, or it was unreadable. Another try
	// may have failed otherwise since. After a create with Sent the meeting may
	// exist.
	Sent bool
	// Err is the cause, if it was not an answer of GoTo's.
	Err error

	transient bool // a second try may well succeed
}

// Error says what failed, in one line and without ids or secrets.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "goto %s: %s: %s", e.API, e.Op, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (status %d)", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, " %q", e.Code)
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %q", e.Detail)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
