package reports

import (
	"context"
	"time"
)

// Row is a report as stored.
type Row struct {
	ID        string
	Owner     string // meetings.Caller.Ref
	State     State
	Why       Reason
	Place     string // Config.Place of the process that makes it
	Created   time.Time
	Expires   time.Time
	Beat      time.Time // when that process last gave a sign of life
	Ended     time.Time // zero while it runs
	Cancelled bool      // its user wants it to end
	Request   []byte    // JSON of a Request
	Progress  []byte    // JSON of a Progress
	KeyID     string    // names the key that sealed Result; "" when there is none
	Result    []byte    // sealed, see pack
}

// Store keeps reports. Every write that returned nil survives a crash.
type Store interface {
	// AddReport inserts r, true, unless its owner has one that is Running and
	// gave a sign of life after silent; that one is returned. One that did not
	// becomes Interrupted. Of all of the owner's the newest, most, stay.
	AddReport(ctx context.Context, r Row, silent time.Time, most int) (Row, bool, error)
	// BeatReport writes the progress of a report that is Running, and that its
	// process is alive. It returns whether its user wants it to end, and false
	// when it does not run, or is gone.
	BeatReport(ctx context.Context, id string, progress []byte, at time.Time) (cancelled, running bool, err error)
	// EndReport writes State, Why, Ended, Progress, KeyID and Result of a
	// report that is Running. False: it is not, or is gone.
	EndReport(ctx context.Context, r Row) (bool, error)
	// CancelReport notes that the user wants a report that is Running to end.
	CancelReport(ctx context.Context, id string) error
	// Report returns one; false when unknown.
	Report(ctx context.Context, id string) (Row, bool, error)
	// ReportsOf returns an owner's, the newest first, without their results.
	ReportsOf(ctx context.Context, owner string) ([]Row, error)
	// EveryReport returns everybody's, without their results.
	EveryReport(ctx context.Context) ([]Row, error)
	// ResealReport replaces KeyID and Result where KeyID is still from.
	ResealReport(ctx context.Context, r Row, from string) error
	// DropReports deletes an owner's.
	DropReports(ctx context.Context, owner string) error
}

// Vault seals and opens what is bound to a column of a row.
type Vault interface {
	Seal(column, row string, plain []byte) (keyID string, sealed []byte, err error)
	Open(column, row, keyID string, sealed []byte) ([]byte, error)
}
