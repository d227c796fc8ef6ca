package store

import (
	"context"
	"database/sql"

	"portal/meetings"
)

const pendingColumns = `id, owner, account_key, meeting_id, created, version, state, place, due, lapses, tried, told, key_id, details, token`

// AddPending implements meetings.Holds.
func (s *Store) AddPending(ctx context.Context, p meetings.PendingRow) (meetings.PendingRow, bool, error) {
	for range 3 { // the one in the way may be settled this moment
		n, err := s.exec(ctx, `
			INSERT INTO pending (`+pendingColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
			ON CONFLICT DO NOTHING`,
			p.ID, text(p.Owner), text(p.AccountKey), text(p.MeetingID), millis(p.Created), p.Version, p.State, text(p.Place), millis(p.Due),
			millis(p.Lapses), flag(p.Tried), flag(p.Told), p.KeyID, blob(p.Details), blob(p.Token))
		if err != nil || n == 1 {
			return p, n == 1, wrap("hold a delete", err)
		}
		open, err := s.pending(ctx, "WHERE owner = $1 AND meeting_id = $2 AND state IN ('held', 'sending', 'unresolved')",
			text(p.Owner), text(p.MeetingID))
		if err != nil || len(open) == 1 {
			return append(open, p)[0], false, err
		}
	}
	return p, false, wrap("hold a delete", sql.ErrNoRows)
}

// SwapPending implements meetings.Holds.
func (s *Store) SwapPending(ctx context.Context, p meetings.PendingRow) (bool, error) {
	n, err := s.exec(ctx, `
		UPDATE pending SET version = version + 1, state = $1, place = $2, due = $3, lapses = $4, tried = $5, told = $6,
			key_id = $7, details = $8, token = $9
		WHERE id = $10 AND version = $11`,
		p.State, text(p.Place), millis(p.Due), millis(p.Lapses), flag(p.Tried), flag(p.Told), p.KeyID, blob(p.Details), blob(p.Token), p.ID, p.Version)
	return n == 1, wrap("write a held delete", err)
}

// Pending implements meetings.Holds.
func (s *Store) Pending(ctx context.Context, id string) (meetings.PendingRow, bool, error) {
	rows, err := s.pending(ctx, "WHERE id = $1", text(id))
	if err != nil || len(rows) == 0 {
		return meetings.PendingRow{}, false, err
	}
	return rows[0], true, nil
}

// PendingOf implements meetings.Holds.
func (s *Store) PendingOf(ctx context.Context, owner string) ([]meetings.PendingRow, error) {
	return s.pending(ctx, "WHERE owner = $1 AND told = 0", text(owner))
}

// PendingToSend implements meetings.Holds.
func (s *Store) PendingToSend(ctx context.Context) ([]meetings.PendingRow, error) {
	return s.pending(ctx, "WHERE state IN ('held', 'sending')")
}

// EveryPending implements meetings.Holds.
func (s *Store) EveryPending(ctx context.Context) ([]meetings.PendingRow, error) {
	return s.pending(ctx, "")
}

// UnresolvePending leaves each delete that waits to its user, and forgets its
// token. A restored backup needs that: what was decided after it was made is
// not in it.
func (s *Store) UnresolvePending(ctx context.Context) error {
	_, err := s.exec(ctx, `
		UPDATE pending SET version = version + 1, tried = CASE WHEN state = 'sending' THEN 1 ELSE tried END, state = 'unresolved', token = $1
		WHERE state IN ('held', 'sending')`, blob(nil))
	return wrap("leave held deletes to their users", err)
}

// pending reads the held deletes that where chooses, the oldest first.
func (s *Store) pending(ctx context.Context, where string, args ...any) ([]meetings.PendingRow, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	query := "SELECT " + pendingColumns + " FROM pending " + where + " ORDER BY created, id" // #nosec G202 -- constants alone
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap("read held deletes", err)
	}
	defer rows.Close()
	var list []meetings.PendingRow
	for rows.Next() {
		var p meetings.PendingRow
		var created, due, lapses, tried, told int64
		if err := rows.Scan(&p.ID, &p.Owner, &p.AccountKey, &p.MeetingID, &created, &p.Version, &p.State, &p.Place, &due,
			&lapses, &tried, &told, &p.KeyID, &p.Details, &p.Token); err != nil {
			return nil, wrap("read held deletes", err)
		}
		p.Created, p.Due, p.Lapses = fromMillis(created), fromMillis(due), fromMillis(lapses)
		p.Tried, p.Told = tried != 0, told != 0
		list = append(list, p)
	}
	return list, wrap("read held deletes", rows.Err())
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// blob keeps an empty column from being NULL.
func blob(b []byte) []byte { return append([]byte{}, b...) }
