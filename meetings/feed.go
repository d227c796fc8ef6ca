package meetings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"portal/gotomeeting"
)

// feedAge is how old an answer of GoTo's may be that a calendar gets.
const feedAge = 5 * time.Minute

// Feed returns the caller's meetings to come, for calendars that ask by
// themselves: from GoTo's answer of up to five minutes ago, else by one call,
// before which those that people wait for go first. When GoTo fails there is no
// older one: a calendar has that already.
func (s *Service) Feed(ctx context.Context, c Caller) ([]Meeting, Seen, error) {
	c.MaxAge, c.Stale = feedAge, false
	return s.Upcoming(gotomeeting.WithLane(ctx, gotomeeting.LaneBackground), c, "")
}

// RecordFeed appends to the audit log what the caller did to the own feed.
func (s *Service) RecordFeed(ctx context.Context, c Caller, action string) {
	s.record(ctx, c, action, "", "", nil)
}

// Revision is what a meeting is now, as far as a calendar shows it.
type Revision struct {
	MeetingID string
	Digest    string
	Ends      time.Time // some time after that it is forgotten
}

// Revisions returns by id how often each meeting was seen to be another than
// before: GoTo counts no changes, and calendars want them counted. The error is
// ErrMemory.
func (s *Service) Revisions(ctx context.Context, c Caller, list []Meeting) (map[string]int, error) {
	now := make([]Revision, 0, len(list))
	for _, m := range list {
		// What one meeting's own answer and the organizer's list both say.
		shown, err := json.Marshal([]any{m.Subject, m.Start.Unix(), m.End.Unix(), m.DialIn, m.PasswordRequired})
		if err != nil {
			return nil, fmt.Errorf("looking for changes: %w", err)
		}
		sum := sha256.Sum256(shown)
		now = append(now, Revision{MeetingID: m.ID, Digest: hex.EncodeToString(sum[:]), Ends: m.End})
	}
	count, err := s.memory.Revise(ctx, c.AccountKey, now)
	return count, inMemory(err)
}
