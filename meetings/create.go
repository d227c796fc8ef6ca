package meetings

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"portal/gotomeeting"
)

// States of an Intent.
const (
	IntentAsked  = "asked"  // GoTo is being asked, or nobody lived to hear its answer
	IntentMade   = "made"   // the meeting exists
	IntentFailed = "failed" // GoTo refused, or was never reached
	IntentUnsure = "unsure" // asked, no answer, and not found afterwards
	IntentLost   = "lost"   // asked, no answer, and the list could not be read
	IntentAgain  = "again"  // as asked, after it was unsure
	IntentLook   = "look"   // as asked, after it was lost or whoever asked died
)

// Intent is a create as it is remembered: written before GoTo is asked.
type Intent struct {
	Key       string // names one form with one content, of one user
	Begun     time.Time
	State     string
	MeetingID string // with IntentMade
}

const (
	// orphaned: no request lives that long, even by the clock of another
	// replica that is ten seconds ahead, so whoever asked is gone.
	orphaned = 30 * time.Second
	// askDeadline is for asking GoTo, which goes on when the browser has gone:
	// on a second press it drops the first.
	askDeadline = 9 * time.Second
	// lookDeadline is for the look at the list after a lost answer.
	lookDeadline = 5 * time.Second
	lookPause    = 100 * time.Millisecond
)

// UnsureError says that GoTo was asked to make a meeting, that its answer was
// lost, and what the list of upcoming meetings showed afterwards.
type UnsureError struct {
	Listed bool  // the list could be read
	Alike  int   // meetings in it that might be the one
	Err    error // how the answer was lost; nil when a request before this one lost it
}

func (e *UnsureError) Error() string {
	return fmt.Sprintf("it is not known whether the meeting was made; %d alike in the list", e.Alike)
}

// Unwrap returns how the answer was lost.
func (e *UnsureError) Unwrap() error { return e.Err }

// ErrStillAsking: another request with the same form waits for GoTo.
var ErrStillAsking = errors.New("the same form is being sent already")

// Create makes the meeting at GoTo, once for each formID and plan: a second
// press, a reload or another tab gets the same meeting. When GoTo's answer is
// lost the list of upcoming meetings decides: one meeting alike that the portal
// does not know is it; otherwise the error is an *UnsureError, and sending the
// form again makes the meeting.
func (s *Service) Create(ctx context.Context, c Caller, p Plan, formID string) (id string, err error) {
	return s.create(ctx, c, p, formID, DeedCreate)
}

// create is Create, and writes it to the audit log as deed.
func (s *Service) create(ctx context.Context, c Caller, p Plan, formID, deed string) (id string, err error) {
	id, asked, err := s.createOnce(ctx, c, p, intentKey(c, p, formID))
	if asked {
		s.record(ctx, c, deed, id, p.Subject, err)
	}
	return id, err
}

// createOnce also tells whether GoTo was asked about it just now. A press that
// waited for another one never goes beyond it: what is unsure then, nobody has
// told the user yet.
func (s *Service) createOnce(ctx context.Context, c Caller, p Plan, key string) (id string, asked bool, err error) {
	waited := false
	for {
		kept, begun, err := s.memory.BeginCreate(ctx, Intent{Key: key, Begun: s.Now(), State: IntentAsked}, s.Now().Add(-orphaned))
		if err != nil {
			if waited && ctx.Err() != nil {
				err = ErrStillAsking // the time was up while the database was asked
			}
			return "", false, fmt.Errorf("creating meeting: %w", err)
		}
		switch {
		case begun && kept.State == IntentLook:
			id, err := s.look(ctx, c, p, key, nil)
			if u, ok := errors.AsType[*UnsureError](err); ok && u.Listed && u.Alike == 0 && !waited {
				continue // not made, so it is asked for now
			}
			return id, true, err
		case begun && kept.State == IntentAgain && waited:
			id, err := s.look(ctx, c, p, key, nil)
			return id, true, err
		case begun && kept.State == IntentAgain:
			id, err := s.askAgain(ctx, c, p, key)
			return id, true, err
		case begun:
			id, err := s.ask(ctx, c, p, key)
			return id, true, err
		case kept.State == IntentMade:
			return kept.MeetingID, false, nil
		}
		pause := time.NewTimer(lookPause)
		select {
		case <-ctx.Done():
			pause.Stop()
			return "", false, fmt.Errorf("creating meeting: %w", ErrStillAsking)
		case <-pause.C:
			waited = true
		}
	}
}

// intentKey tells creates apart. The plan is part of it: a form that was
// changed after it was sent means another meeting.
func intentKey(c Caller, p Plan, formID string) string {
	if formID == "" {
		formID = rand.Text() // nothing to know it again by
	}
	if p.Anytime {
		p.Start, p.End = time.Time{}, time.Time{}.Add(p.End.Sub(p.Start))
	}
	plan, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings, times and booleans
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{c.AccountKey, c.UserKey, c.Email, formID, string(plan)}, "\n")))
	return hex.EncodeToString(sum[:])
}

func (s *Service) ask(ctx context.Context, c Caller, p Plan, key string) (string, error) {
	ctx, cancel := outlive(ctx, askDeadline)
	defer cancel()
	made, err := s.goTo.Create(ctx, c.Tokens, p.request(c))
	if err == nil {
		return s.made(ctx, c, p, key, made), nil
	}
	err = fmt.Errorf("creating meeting: %w", err)
	if lostAnswer(err) {
		return s.look(ctx, c, p, key, err)
	}
	s.finish(ctx, key, IntentFailed, "")
	return "", err
}

// outlive returns a context that ends with ctx's deadline, or after d without
// one, and not when the browser goes away.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(d)
	}
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}

// lostAnswer tells whether GoTo may have done what the failed call asked.
func lostAnswer(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && f.Sent
}

// askAgain asks for what was unsure, unless GoTo has made it in the meantime.
func (s *Service) askAgain(ctx context.Context, c Caller, p Plan, key string) (string, error) {
	one, _, err := s.alike(ctx, c, p)
	if err != nil {
		s.finish(ctx, key, IntentUnsure, "")
		return "", fmt.Errorf("creating meeting: %w", err)
	}
	if one != "" {
		return s.made(ctx, c, p, key, gotomeeting.Created{ID: one}), nil
	}
	return s.ask(ctx, c, p, key)
}

// look decides by the list of upcoming meetings whether the meeting was made.
func (s *Service) look(ctx context.Context, c Caller, p Plan, key string, cause error) (string, error) {
	// The request's own time may be up; the user still has to be told.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookDeadline)
	defer cancel()
	one, alike, err := s.alike(ctx, c, p)
	if err != nil {
		s.log.WarnContext(ctx, "list not read after a lost answer", "error", err)
		s.finish(ctx, key, IntentLost, "") // the next press looks first
		return "", &UnsureError{Err: cause}
	}
	if one != "" {
		return s.made(ctx, c, p, key, gotomeeting.Created{ID: one}), nil
	}
	s.finish(ctx, key, IntentUnsure, "")
	return "", &UnsureError{Listed: true, Alike: alike, Err: cause}
}

// alike looks for the meeting that p asked for among those to come that the
// portal made none of: how many it may be, and which one it is, if it is sure.
func (s *Service) alike(ctx context.Context, c Caller, p Plan) (one string, count int, err error) {
	list, err := s.goTo.Upcoming(ctx, c.Tokens, "")
	if err != nil {
		return "", 0, err
	}
	for _, m := range list {
		if m.Subject != p.Subject || m.Type != p.Type || p.Type != Recurring && !sameTimes(p, m) {
			continue
		}
		_, known, err := s.memory.Recall(ctx, c.AccountKey, m.ID)
		if err != nil {
			return "", 0, err
		}
		if !known {
			one = m.ID
			if count++; !sameTimes(p, m) {
				one = "" // a room of that name, which may be an older one
			}
		}
	}
	if count > 1 {
		one = ""
	}
	return one, count, nil
}

// sameTimes compares to the minute, as GoTo may; what was to begin at once may
// have begun a little later.
func sameTimes(p Plan, m gotomeeting.Meeting) bool {
	within := time.Minute
	if p.Anytime {
		within = 10 * time.Minute
	}
	return m.Start.Sub(p.Start).Abs() < within && m.End.Sub(p.End).Abs() < within
}

func (s *Service) made(ctx context.Context, c Caller, p Plan, key string, made gotomeeting.Created) string {
	// Remembered without being noted, it would not be recognized by the look
	// that an orphaned create gets.
	if s.finish(ctx, key, IntentMade, made.ID) {
		s.remember(ctx, c, Remembered{MeetingID: made.ID, Audio: p.Audio, AudioText: p.AudioText, JoinURL: made.JoinURL})
	}
	s.meet(ctx, c, p.CoOrganizerKeys)
	return made.ID
}

func (s *Service) finish(ctx context.Context, key, state, id string) bool {
	err := s.memory.EndCreate(context.WithoutCancel(ctx), key, state, id)
	if err != nil {
		s.log.ErrorContext(ctx, "create not noted", "state", state, "error", err)
	}
	return err == nil
}
