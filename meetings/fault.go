package meetings

import (
	"context"
	"errors"

	"portal/gotomeeting"
)

// Fault is how GoTo failed us, for the one place that turns errors into pages.
// It is the client's own error type, named here so that rooms above need not
// know the client.
type Fault = gotomeeting.Error

// Tally counts the calls to GoTo that one request makes.
type Tally = gotomeeting.Tally

// WithTally returns a context whose calls to GoTo are counted, and where.
func WithTally(ctx context.Context) (context.Context, *Tally) { return gotomeeting.WithTally(ctx) }

// HostURL opens a meeting as its host without a log-in: a secret.
type HostURL = gotomeeting.HostURL

// The kinds of Fault.
const (
	NotFound     = gotomeeting.NotFound
	Forbidden    = gotomeeting.Forbidden
	InvalidToken = gotomeeting.InvalidToken
	MissingScope = gotomeeting.MissingScope
	RateLimited  = gotomeeting.RateLimited
	Unavailable  = gotomeeting.Unavailable
	TimedOut     = gotomeeting.TimedOut
	Refused      = gotomeeting.Refused
	Unreadable   = gotomeeting.Unreadable
)

// FaultKind returns the kind of the Fault in err's chain; false when there is
// none.
func FaultKind(err error) (gotomeeting.Kind, bool) {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Kind, true
	}
	return 0, false
}

func isKind(err error, kind gotomeeting.Kind) bool {
	k, ok := FaultKind(err)
	return ok && k == kind
}
