package meetings

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portal/gotomeeting"
)

// What a Deed can be.
const (
	DeedCreate    = "create"
	DeedMeetNow   = "meet now"
	DeedUpdate    = "update"
	DeedAskDelete = "ask to delete" // held back, with an Undo
	DeedKeep      = "keep"          // undone while it was held back
	DeedDelete    = "delete"        // sent to GoTo
	DeedStart     = "start"
	DeedInvite    = "invite"
	DeedNameKey   = "name a key"

	DeedConnectFeed   = "connect the calendar feed"
	DeedReconnectFeed = "reconnect the calendar feed"
	DeedRevokeFeed    = "revoke the calendar feed"

	DeedJoinPeople  = "join people"
	DeedSplitPeople = "split a person"
	DeedUndoPeople  = "undo who is who"

	DeedEraseAttendees = "erase attendees" // of one session, which Subject names
	DeedEraseSession   = "erase session"
)

// How a Deed can have ended.
const (
	OutcomeDone    = "done"
	OutcomeRefused = "refused" // nothing was changed: GoTo or the portal refused, or GoTo was never reached
	OutcomeUnknown = "unknown" // GoTo may have done it: its answer was lost
)

// Deed is an entry of the audit log: who did what to which meeting. It holds
// neither a token nor a host URL.
type Deed struct {
	At         time.Time // UTC
	AccountKey string
	UserKey    string
	User       string // the user's name at that time
	Action     string
	MeetingID  string // "" when it is not about a meeting, or none was made
	Subject    string // the meeting's at that time; for an invitation, a named key and aliases, whom it is about
	Outcome    string
	RequestID  string // finds the lines of the log
}

// DeedQuery chooses entries of the audit log.
type DeedQuery struct {
	Text string // in name, key, action, meeting id, subject, outcome or request id
	Page int    // as Pages knows it
	All  bool   // every page, up to MostDeeds entries
}

// MostDeeds is how many entries, the newest, can be looked through at once. A
// search finds what is older.
const MostDeeds = 10_000

// AuditLog is append-only: an entry is never changed, and never deleted.
type AuditLog interface {
	// AddDeed appends an entry.
	AddDeed(ctx context.Context, d Deed) error
	// Deeds returns an account's entries, the newest first, and how many
	// match q on all pages: more than MostDeeds are not counted, but as one
	// more, and those beyond are not returned.
	Deeds(ctx context.Context, accountKey string, q DeedQuery) (list []Deed, total int, err error)
}

// Deeds reads the audit log of the caller's account, for its admins.
func (s *Service) Deeds(ctx context.Context, c Caller, q DeedQuery) (list []Deed, total int, err error) {
	if !c.Admin || c.AccountKey == "" {
		return nil, 0, notAdmin("audit log")
	}
	list, total, err = s.memory.Deeds(ctx, c.AccountKey, q)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the audit log: %w", err)
	}
	return list, total, nil
}

// record appends what the caller did, or tried to do, to the audit log, and
// counts it as a change; err is how it went. What was done is done: an entry
// that cannot be written goes to the log instead.
func (s *Service) record(ctx context.Context, c Caller, action, meetingID, subject string, err error) {
	s.wrote(ctx, c)
	d := Deed{
		At: s.Now(), AccountKey: c.AccountKey, UserKey: c.UserKey, User: c.Name, Action: action,
		MeetingID: meetingID, Subject: subject, Outcome: outcome(err), RequestID: c.RequestID,
	}
	if err := s.memory.AddDeed(context.WithoutCancel(ctx), d); err != nil {
		s.log.ErrorContext(ctx, "not written to the audit log", "error", err, "account", d.AccountKey, "user", d.UserKey,
			"action", d.Action, "meeting", d.MeetingID, "outcome", d.Outcome, "request", d.RequestID)
	}
}

func outcome(err error) string {
	_, unsure := errors.AsType[*UnsureError](err)
	switch {
	case err == nil:
		return OutcomeDone
	case unsure || lostAnswer(err) || errors.Is(err, errDoubt):
		return OutcomeUnknown
	}
	return OutcomeRefused
}

// subjectOf is a meeting's subject as a page last showed it, for the audit log;
// "" when none did since the last change. It is not worth a call.
func (s *Service) subjectOf(c Caller, id string) string {
	if c.Session == nil {
		return ""
	}
	about := func(question string) any {
		if a, found := s.kept.get(key{c.Session.ID(), c.Session.Writes(), question}); found {
			return a.value
		}
		return nil
	}
	if m, ok := about("meeting " + id).(gotomeeting.Meeting); ok {
		return m.Subject
	}
	own, _ := about("upcoming ").([]gotomeeting.Meeting)
	for _, m := range own {
		if m.ID == id {
			return m.Subject
		}
	}
	return ""
}
