package meetings

import (
	"context"
	"time"
)

// Remembered is what the portal keeps of a meeting because GoTo will not say
// it again: the audio option that was sent (GoTo answers rendered dial-in text
// only) and the join URL (returned by create alone).
type Remembered struct {
	MeetingID string
	Audio     string // one of the Audio values, "" when not known
	AudioText string // the organizer's own text, only with AudioCustom
	JoinURL   string
}

// Known is an entry of the address book: a user key and what people call its
// owner.
type Known struct {
	Key   string
	Name  string
	Email string
	Given bool // the name was typed by a person, since GoTo told none
}

// Memory is the portal's own memory about meetings. Everything is kept per
// account, so that nobody reads another account's names or meetings.
type Memory interface {
	// Remember inserts or replaces what is kept of a meeting; an empty JoinURL
	// leaves the one that is kept.
	Remember(ctx context.Context, accountKey string, r Remembered) error
	// Recall returns what is kept of a meeting; false when nothing is.
	Recall(ctx context.Context, accountKey, meetingID string) (Remembered, bool, error)
	// Forget drops what is kept of a meeting; unknown ids are no error.
	Forget(ctx context.Context, accountKey, meetingID string) error
	// BeginCreate inserts an intent, true, unless there is one of that key
	// that GoTo is being asked for or that was made; that one is returned. One
	// that failed begins anew, and so does one that stayed unsure, as
	// IntentAgain, and one that was lost, or begun at orphaned or before and
	// never ended, as IntentLook. Of concurrent callers one begins.
	BeginCreate(ctx context.Context, i Intent, orphaned time.Time) (Intent, bool, error)
	// EndCreate notes how it went. What was made stays so.
	EndCreate(ctx context.Context, key, state, meetingID string) error
	// Learn inserts or updates people. A Given name never overwrites one that
	// GoTo told, and nothing is written when nothing changes.
	Learn(ctx context.Context, accountKey string, people []Known) error
	// Known returns the address book of the account, by name.
	Known(ctx context.Context, accountKey string) ([]Known, error)
	// Meet notes that a user has met the owners of the keys; nothing is written
	// when that is no news.
	Meet(ctx context.Context, accountKey, viewerKey string, keys []string) error
	// Met returns whom a user has met, by name; those whom the address book
	// does not name have a key only.
	Met(ctx context.Context, accountKey, viewerKey string) ([]Known, error)

	// Revise notes what meetings are now, and returns by id how often each was
	// seen to be another than before: 0 for one that is new. Nothing is written
	// when nothing is news.
	Revise(ctx context.Context, accountKey string, now []Revision) (map[string]int, error)

	AuditLog
	AliasMemory
}
