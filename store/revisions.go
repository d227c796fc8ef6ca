package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"portal/meetings"
)

// atATime is how many meetings one question asks for: engines bound the
// parameters of one.
const atATime = 500

// Revise implements meetings.Memory. As Learn does, it reads first.
func (s *Store) Revise(ctx context.Context, accountKey string, now []meetings.Revision) (map[string]int, error) {
	counts := make(map[string]int, len(now))
	var news []meetings.Revision
	for part := range slices.Chunk(now, atATime) {
		known, err := s.revisions(ctx, accountKey, part)
		if err != nil {
			return nil, wrap("read revisions", err)
		}
		for _, r := range part {
			old, ok := known[r.MeetingID]
			counts[r.MeetingID] = old.sequence
			if !ok || old.digest != r.Digest {
				news = append(news, r)
			}
		}
	}
	if len(news) == 0 {
		return counts, nil
	}
	// In one order, or two that write the same rows could wait for each other.
	slices.SortFunc(news, func(a, b meetings.Revision) int { return strings.Compare(a.MeetingID, b.MeetingID) })
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, r := range news {
			var sequence int
			err := tx.QueryRowContext(ctx, `
				INSERT INTO revisions (account_key, meeting_id, digest, sequence, ends) VALUES ($1, $2, $3, 0, $4)
				ON CONFLICT (account_key, meeting_id) DO UPDATE
				SET sequence = revisions.sequence + CASE revisions.digest WHEN excluded.digest THEN 0 ELSE 1 END,
				    digest = excluded.digest, ends = excluded.ends
				RETURNING sequence`, text(accountKey), text(r.MeetingID), r.Digest, millis(r.Ends)).Scan(&sequence)
			if err != nil {
				return err
			}
			counts[r.MeetingID] = sequence
		}
		return nil
	})
	if err != nil {
		return nil, wrap("write revisions", err)
	}
	return counts, nil
}

type revision struct {
	digest   string
	sequence int
}

func (s *Store) revisions(ctx context.Context, accountKey string, of []meetings.Revision) (map[string]revision, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	places, args := make([]string, 0, len(of)), []any{text(accountKey)}
	for _, r := range of {
		args = append(args, text(r.MeetingID))
		places = append(places, fmt.Sprintf("$%d", len(args)))
	}
	query := "SELECT meeting_id, digest, sequence FROM revisions WHERE account_key = $1 AND meeting_id IN (" + strings.Join(places, ", ") + ")" // #nosec G202 -- numbered places
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := make(map[string]revision, len(of))
	for rows.Next() {
		var id string
		var r revision
		if err := rows.Scan(&id, &r.digest, &r.sequence); err != nil {
			return nil, err
		}
		known[id] = r
	}
	return known, rows.Err()
}
