package meetings

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	lookEvery  = time.Second // for what is due, held here or elsewhere
	storePause = 5 * time.Second
	atOnce     = 4                // deletes sent at the same time
	askFor     = 10 * time.Second // how long GoTo may take
	leaseFor   = 2 * askFor       // then whoever asked is gone
	apart      = 10 * time.Second // how much the clocks of replicas may differ
	againMin   = 2 * time.Second  // after GoTo did not answer
	againMax   = time.Minute
)

// Resume is called at every start, before anything is held or sent. It seals
// every held delete with the first key, so that an older one can be dropped,
// and makes due what an earlier life of this process, of the same Place, held.
func (s *Service) Resume(ctx context.Context) error {
	rows, err := s.holds.EveryPending(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := s.resume(ctx, row); err != nil {
			return fmt.Errorf("resuming held deletes: %w", err)
		}
	}
	return nil
}

func (s *Service) resume(ctx context.Context, row PendingRow) error {
	for {
		resumed, changed, err := s.resumed(row)
		if err != nil || !changed {
			return err
		}
		if ok, err := s.holds.SwapPending(ctx, resumed); err != nil || ok {
			return err
		}
		found := false // it moved in another replica's hands
		if row, found, err = s.holds.Pending(ctx, row.ID); err != nil || !found {
			return err
		}
	}
}

// resumed is the row as it should be after a start.
func (s *Service) resumed(row PendingRow) (resumed PendingRow, changed bool, err error) {
	resumed = row
	own := row.Place == s.place && (row.State == PendingHeld || row.State == PendingSending)
	if now := s.Now(); own && row.Due.After(now) {
		resumed.Due, changed = now, true
	}
	details, err := s.vault.Open(detailsColumn, row.ID, row.KeyID, row.Details)
	var token []byte
	if err == nil && len(row.Token) > 0 {
		token, err = s.vault.Open(tokenColumn, row.ID, row.KeyID, row.Token)
	}
	if err != nil {
		// Its key is not here. Another replica may have it; if this is the
		// one that held it, nobody has.
		if own {
			s.log.Warn("a held delete was sealed with another session key: its user is asked", "pending", row.ID)
			return resumed.settled(PendingUnresolved), true, nil
		}
		return resumed, changed, nil
	}
	sealed, err := s.sealPending(resumed, details, token)
	if err != nil || sealed.KeyID == row.KeyID {
		return resumed, changed, err
	}
	return sealed, true, nil
}

// SendPending asks GoTo for what is due, until ctx ends and what is being
// asked is written down; what is held then stays for the next start. Of several
// processes over one store, one asks: the one that holds it, or any other when
// that one has let its time pass.
func (s *Service) SendPending(ctx context.Context) {
	var asking errgroup.Group
	asking.SetLimit(atOnce)
	defer func() { _ = asking.Wait() }()
	for {
		pause := time.NewTimer(s.sendDue(ctx, &asking))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

// sendDue sends what is due, as far as there is room, and returns when to look
// again.
func (s *Service) sendDue(ctx context.Context, asking *errgroup.Group) time.Duration {
	rows, err := s.holds.PendingToSend(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.log.ErrorContext(ctx, "held deletes wait, for the store cannot be asked", "error", err)
		}
		return storePause
	}
	wait := lookEvery
	for _, row := range rows {
		left := row.Due.Sub(s.Now())
		if row.Place != s.place {
			left += apart
		}
		if left > 0 {
			wait = min(wait, left)
			continue
		}
		asking.TryGo(func() error {
			s.sendOne(context.WithoutCancel(ctx), row)
			return nil
		})
	}
	return wait
}

// sendOne sends one delete with the token it was held with.
func (s *Service) sendOne(ctx context.Context, row PendingRow) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	if err := s.sendLent(ctx, row); err != nil {
		s.log.WarnContext(ctx, "a held delete still waits", "pending", row.ID, "error", err)
	}
}

func (s *Service) sendLent(ctx context.Context, row PendingRow) error {
	if len(row.Token) == 0 || !s.Now().Before(row.Lapses) {
		row, ok := row.free(s.Now())
		if !ok {
			return nil
		}
		_, err := s.holds.SwapPending(ctx, row.settled(PendingUnresolved))
		return err
	}
	token, err := s.vault.Open(tokenColumn, row.ID, row.KeyID, row.Token)
	if err != nil {
		return nil // another replica may have the key; else it waits until the token lapses
	}
	row, ok, err := s.claim(ctx, row)
	if err != nil || !ok {
		return err
	}
	details, err := s.openDetails(row)
	if err != nil {
		s.log.WarnContext(ctx, "it is not known for whom a held delete is sent", "pending", row.ID)
	}
	text := string(token)
	row, err = s.carryOut(ctx, row, Caller{
		UserKey: details.UserKey, AccountKey: row.AccountKey, Ref: row.Owner, Name: details.User, RequestID: details.RequestID,
		Tokens: lent{&text, row.Owner}, Session: away{s.holds, row.Owner},
	})
	if row.State == PendingUnresolved {
		return nil // the user is asked
	}
	return err
}

// lent is an access token without its session: it cannot be renewed. The text
// sits behind a pointer, so that no verb prints it.
type lent struct {
	token *string
	owner string
}

// UserRef names whose token it is, as the session does that lent it.
func (l lent) UserRef() string { return l.owner }

func (l lent) AccessToken(context.Context) (string, time.Time, error) {
	return *l.token, time.Time{}, nil
}

func (l lent) RenewToken(context.Context, string) (string, time.Time, error) {
	return *l.token, time.Time{}, nil
}

func (l lent) LendToken(context.Context) (string, time.Time, error) {
	return *l.token, time.Time{}, nil
}

// away is the Session of a user who does not wait: for it nothing is read.
type away struct {
	holds Holds
	owner string
}

func (away) ID() string    { return "" }
func (away) Writes() int64 { return 0 }

func (a away) Wrote(ctx context.Context) error {
	_, err := a.holds.CountWrite(ctx, a.owner, "")
	return err
}
