package meetings

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// HoldFor is how long a delete is held back: GoTo cannot bring a meeting back.
const HoldFor = 15 * time.Second

// States of a Pending. The first three are open.
const (
	PendingHeld       = "held"       // GoTo is asked when it is due
	PendingSending    = "sending"    // GoTo is being asked
	PendingUnresolved = "unresolved" // its token is no longer valid: the user decides
	PendingKept       = "kept"       // the user gave it up
	PendingDeleted    = "deleted"    // GoTo deleted the meeting
	PendingGone       = "gone"       // there was no such meeting any more
	PendingRefused    = "refused"    // GoTo does not allow it
)

// Pending is a delete that waits, or what became of it.
type Pending struct {
	ID        string
	MeetingID string
	Subject   string // "" when it cannot be read any more
	State     string
	Due       time.Time // with PendingHeld: when GoTo is asked
	Late      bool      // with PendingHeld: GoTo was asked and did not answer
	Tried     bool      // GoTo may have done it: an answer was lost
}

// IsGoing tells whether the meeting will be deleted unless somebody acts.
func (p Pending) IsGoing() bool { return p.State == PendingHeld || p.State == PendingSending }

// PendingRow is a Pending as stored.
type PendingRow struct {
	ID         string
	Owner      string // Caller.Ref
	AccountKey string
	MeetingID  string
	Created    time.Time

	Version int64 // grows with each write
	State   string
	Place   string    // Config.Place of the process that holds it or asks
	Due     time.Time // when GoTo is asked; with PendingSending, when another process may
	Lapses  time.Time // of Token
	Tried   bool      // an earlier try may have reached GoTo
	Told    bool      // the user has seen what became of it
	KeyID   string    // names the key that sealed what follows
	Details []byte    // sealed: subject and user
	Token   []byte    // sealed: the access token; empty when it is used, or of no more use
}

func (r PendingRow) isOpen() bool {
	return r.State == PendingHeld || r.State == PendingSending || r.State == PendingUnresolved
}

// free returns the row for whoever wants to decide it; false when it is over,
// or somebody is asking GoTo. Of one who was and died it is not known how far
// that came.
func (r PendingRow) free(now time.Time) (PendingRow, bool) {
	if !r.isOpen() || r.State == PendingSending && now.Before(r.Due) {
		return r, false
	}
	r.Tried = r.Tried || r.State == PendingSending
	return r, true
}

// settled is the row without the token, which nothing needs any more.
func (r PendingRow) settled(state string) PendingRow {
	r.State, r.Token = state, nil
	r.Tried = r.Tried && (state == PendingUnresolved || state == PendingKept)
	return r
}

// Holds keeps held deletes. Every write that returned nil survives a crash.
type Holds interface {
	// AddPending inserts p, true, unless its owner has an open one for the
	// same meeting; that one is returned.
	AddPending(ctx context.Context, p PendingRow) (PendingRow, bool, error)
	// SwapPending writes what can change of p where the stored version is
	// p.Version, and adds one to that. False: it is not, or p is gone.
	SwapPending(ctx context.Context, p PendingRow) (bool, error)
	// Pending returns one; false when unknown.
	Pending(ctx context.Context, id string) (PendingRow, bool, error)
	// PendingOf returns those of an owner that are not Told.
	PendingOf(ctx context.Context, owner string) ([]PendingRow, error)
	// PendingToSend returns everybody's PendingHeld and PendingSending.
	PendingToSend(ctx context.Context) ([]PendingRow, error)
	// EveryPending returns all.
	EveryPending(ctx context.Context) ([]PendingRow, error)
	// CountWrite counts a change of a user's, Caller.Ref, in all of the
	// user's sessions. The number that it returns is that of the session with
	// this id.
	CountWrite(ctx context.Context, userRef, idHash string) (int64, error)
}

// Vault seals and opens what is bound to a column of a row.
type Vault interface {
	Seal(column, row string, plain []byte) (keyID string, sealed []byte, err error)
	Open(column, row, keyID string, sealed []byte) ([]byte, error)
}

// Columns of a PendingRow that are sealed.
const (
	detailsColumn = "details"
	tokenColumn   = "token"
)

// pendingDetails are for the user and the audit log alone.
type pendingDetails struct {
	Subject   string `json:"subject"`
	UserKey   string `json:"user_key"`
	User      string `json:"user"`
	RequestID string `json:"request_id"`
}

// ErrMemory: the portal's own memory could not be asked.
var ErrMemory = errors.New("the portal's memory is unavailable")

// inMemory marks an error of Holds, whose calls say what was being done.
func inMemory(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrMemory, err)
}

// errDoubt is how a delete ended of which nobody knows whether it was done.
var errDoubt = errors.New("GoTo may have deleted the meeting")

// ErrNoPending: the caller has no such held delete.
var ErrNoPending = errors.New("no such held delete")

// GoingError says that a meeting is about to be deleted.
type GoingError struct{ Pending Pending }

func (e *GoingError) Error() string { return "the meeting is being deleted" }

// Hold has m, which the caller organizes, deleted in HoldFor, unless the
// caller keeps it. Asked again meanwhile, it is the same Pending.
func (s *Service) Hold(ctx context.Context, c Caller, m Meeting) (Pending, error) {
	token, lapses, err := c.Tokens.LendToken(ctx)
	if err != nil {
		return Pending{}, fmt.Errorf("holding a delete: %w", err)
	}
	details, err := json.Marshal(pendingDetails{Subject: m.Subject, UserKey: c.UserKey, User: c.Name, RequestID: c.RequestID})
	if err != nil {
		return Pending{}, fmt.Errorf("holding a delete: %w", err)
	}
	now := s.Now()
	row := PendingRow{
		ID: rand.Text(), Owner: c.Ref, AccountKey: c.AccountKey, MeetingID: m.ID, Created: now, Version: 1,
		State: PendingHeld, Place: s.place, Due: now.Add(HoldFor), Lapses: lapses,
	}
	if row, err = s.sealPending(row, details, []byte(token)); err != nil {
		return Pending{}, fmt.Errorf("holding a delete: %w", err)
	}
	for {
		standing, added, err := s.holds.AddPending(ctx, row)
		if added {
			s.record(ctx, c, DeedAskDelete, m.ID, m.Subject, nil)
		}
		if err != nil || added || standing.State != PendingUnresolved {
			return s.toldOf(standing), inMemory(err)
		}
		// It is decided by asking anew.
		standing = standing.settled(PendingKept)
		standing.Told = true
		if _, err := s.holds.SwapPending(ctx, standing); err != nil {
			return Pending{}, inMemory(err)
		}
	}
}

// Pending returns the caller's deletes that wait, and news of those that do no
// more.
func (s *Service) Pending(ctx context.Context, c Caller) ([]Pending, error) {
	rows, err := s.holds.PendingOf(ctx, c.Ref)
	if err != nil {
		return nil, inMemory(err)
	}
	list := make([]Pending, 0, len(rows))
	for _, row := range rows {
		list = append(list, s.toldOf(row))
	}
	return list, nil
}

// Told notes that the caller has seen what became of a delete.
func (s *Service) Told(ctx context.Context, c Caller, id string) error {
	row, err := s.ownPending(ctx, c, id)
	if err != nil || row.isOpen() || row.Told {
		return err
	}
	row.Told = true
	_, err = s.holds.SwapPending(ctx, row)
	return inMemory(err)
}

// Keep gives a delete up, and returns what it came to: PendingKept, or what
// happened before. The error is ErrNoPending or ErrMemory.
func (s *Service) Keep(ctx context.Context, c Caller, id string) (Pending, error) {
	for {
		row, err := s.ownPending(ctx, c, id)
		if err != nil {
			return Pending{}, err
		}
		row, ok := row.free(s.Now())
		if !ok {
			return s.toldOf(row), nil
		}
		row = row.settled(PendingKept)
		if ok, err = s.holds.SwapPending(ctx, row); err != nil {
			return Pending{}, inMemory(err)
		}
		if ok {
			row.Version++
			return s.toldOf(s.gaveUp(ctx, c, row)), nil
		}
	}
}

// gaveUp looks whether a try whose answer was lost had done what is now given
// up, and writes to the audit log what it came to.
func (s *Service) gaveUp(ctx context.Context, c Caller, row PendingRow) PendingRow {
	deed := DeedKeep
	var unknown error
	if row.Tried {
		_, err := s.goTo.Meeting(ctx, c.Tokens, row.MeetingID)
		switch {
		case err == nil:
			row.Tried = false
		case isKind(err, NotFound):
			row.State, row.Tried, deed = PendingDeleted, false, DeedDelete
			s.forget(ctx, row)
		default:
			unknown = errDoubt
			s.log.WarnContext(ctx, "not known whether a delete that was given up had been done", "pending", row.ID, "error", err)
		}
		if _, err := s.holds.SwapPending(ctx, row); err != nil {
			s.log.WarnContext(ctx, "not written down what became of a delete", "pending", row.ID, "error", err)
		}
	}
	s.record(ctx, c, deed, row.MeetingID, s.toldOf(row).Subject, unknown)
	return row
}

// forget drops what the portal remembers of a meeting that is gone.
func (s *Service) forget(ctx context.Context, row PendingRow) {
	if err := s.memory.Forget(ctx, row.AccountKey, row.MeetingID); err != nil {
		s.log.WarnContext(ctx, "deleted meeting not forgotten", "error", err)
	}
}

// DeleteNow sends a delete that waits, with the caller's own token, and
// returns what it came to. The error is ErrNoPending, ErrMemory, or that of
// asking GoTo, after which it waits as before.
func (s *Service) DeleteNow(ctx context.Context, c Caller, id string) (Pending, error) {
	row, err := s.ownPending(ctx, c, id)
	if err != nil {
		return Pending{}, err
	}
	claimed, ok, err := s.claim(ctx, row)
	switch {
	case err != nil:
		return Pending{}, err
	case ok:
		row, err = s.carryOut(ctx, claimed, c)
	default:
		row, err = s.ownPending(ctx, c, id)
	}
	return s.toldOf(row), err
}

// flushFor is how long GoTo may take over all that Flush sends.
const flushFor = 5 * time.Second

// Flush sends what the caller has held back, because the caller's tokens are
// about to be revoked. What GoTo cannot be told in time waits for the caller
// to decide.
func (s *Service) Flush(ctx context.Context, c Caller) error {
	rows, err := s.holds.PendingOf(ctx, c.Ref)
	if err != nil {
		return inMemory(err)
	}
	asking, cancel := context.WithTimeout(ctx, flushFor)
	defer cancel()
	for _, row := range rows {
		if len(row.Token) == 0 {
			continue
		}
		row.Token = nil // of no use from now on
		claimed, ok, err := s.claim(ctx, row)
		if err != nil {
			return err
		}
		if ok {
			_, err = s.carryOut(asking, claimed, c)
		}
		if err != nil {
			s.log.WarnContext(ctx, "a held delete was not sent before disconnecting", "pending", row.ID, "error", err)
		}
	}
	return nil
}

// claim takes the row for this process, for as long as asking GoTo can take.
// Of several that try, one gets it.
func (s *Service) claim(ctx context.Context, row PendingRow) (PendingRow, bool, error) {
	now := s.Now()
	row, ok := row.free(now)
	if !ok {
		return row, false, nil
	}
	row.State, row.Place, row.Due = PendingSending, s.place, now.Add(leaseFor)
	ok, err := s.holds.SwapPending(ctx, row)
	row.Version++
	return row, ok, inMemory(err)
}

// carryOut asks GoTo for the caller to delete the meeting of a claimed row, and
// writes down what it came to. The error is that of asking, when the delete
// still waits.
func (s *Service) carryOut(ctx context.Context, row PendingRow, c Caller) (PendingRow, error) {
	err := s.goTo.Delete(ctx, c.Tokens, row.MeetingID)
	kind, _ := FaultKind(err)
	_, isLent := c.Tokens.(lent)
	row.Tried = row.Tried || lostAnswer(err)
	switch {
	case err == nil, kind == NotFound && row.Tried:
		row, err = row.settled(PendingDeleted), nil
	case kind == NotFound:
		row = row.settled(PendingGone)
	case kind == Forbidden, kind == MissingScope, kind == Refused:
		row = row.settled(PendingRefused)
	case kind == InvalidToken && isLent, len(row.Token) == 0:
		row = row.settled(PendingUnresolved)
	default:
		row.State, row.Due = PendingHeld, s.again(row, err)
	}
	// The request's time may be up; what happened has to be known all the same.
	ctx = context.WithoutCancel(ctx)
	ok, writing := s.holds.SwapPending(ctx, row)
	row.Version++
	switch {
	case writing != nil: // whoever takes the row over finds out, and records it
		s.log.ErrorContext(ctx, "not written down what became of a held delete", "pending", row.ID, "error", writing)
		return row, err
	case !ok: // it took so long that another took over
		row, err = s.ownPending(ctx, c, row.ID)
		return row, err
	}
	if row.isOpen() {
		return row, err
	}
	s.record(ctx, c, DeedDelete, row.MeetingID, s.toldOf(row).Subject, err)
	if row.State != PendingRefused {
		s.forget(ctx, row)
	}
	return row, nil
}

// again returns when to ask once more: after as long as it has been late
// already, so that GoTo is left in peace the longer it is down, and not after
// the token has lapsed.
func (s *Service) again(row PendingRow, err error) time.Time {
	now, next := s.Now(), row.Created.Add(HoldFor)
	if fault, ok := errors.AsType[*Fault](err); ok {
		next = now.Add(max(fault.RetryAfter, min(max(now.Sub(next), againMin), againMax)))
	}
	if next.After(row.Lapses) {
		return row.Lapses
	}
	return next
}

// notGoing is for what makes no sense with a meeting that is being deleted.
// The error is a *GoingError or ErrMemory.
func (s *Service) notGoing(ctx context.Context, c Caller, meetingID string) error {
	list, err := s.Pending(ctx, c)
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.MeetingID == meetingID && p.IsGoing() {
			return &GoingError{p}
		}
	}
	return nil
}

func (s *Service) ownPending(ctx context.Context, c Caller, id string) (PendingRow, error) {
	row, ok, err := s.holds.Pending(ctx, id)
	if err == nil && (!ok || row.Owner != c.Ref) {
		return row, ErrNoPending
	}
	return row, inMemory(err)
}

func (s *Service) toldOf(row PendingRow) Pending {
	p := Pending{ID: row.ID, MeetingID: row.MeetingID, State: row.State, Due: row.Due, Tried: row.Tried}
	p.Late = row.State == PendingHeld && row.Due.After(row.Created.Add(HoldFor))
	if d, err := s.openDetails(row); err == nil {
		p.Subject = d.Subject
	}
	return p
}

func (s *Service) openDetails(row PendingRow) (pendingDetails, error) {
	var d pendingDetails
	plain, err := s.vault.Open(detailsColumn, row.ID, row.KeyID, row.Details)
	if err == nil {
		err = json.Unmarshal(plain, &d)
	}
	return d, err
}

// sealPending seals both columns with the first key. No token stays none.
func (s *Service) sealPending(row PendingRow, details, token []byte) (PendingRow, error) {
	var err error
	if row.KeyID, row.Details, err = s.vault.Seal(detailsColumn, row.ID, details); err != nil || len(token) == 0 {
		row.Token = nil
		return row, err
	}
	row.KeyID, row.Token, err = s.vault.Seal(tokenColumn, row.ID, token)
	return row, err
}
