package store

import (
	"context"
	"database/sql"
	"time"

	"portal/reports"
)

const (
	reportColumns = `id, owner, state, why, place, created, expires, beat, ended, cancelled, request, progress, key_id`
	newestFirst   = " ORDER BY created DESC, id"
)

// AddReport implements reports.Store.
func (s *Store) AddReport(ctx context.Context, r reports.Row, silent time.Time, most int) (reports.Row, bool, error) {
	for range 3 { // the one in the way may end this moment
		_, err := s.exec(ctx, `UPDATE reports SET state = 'interrupted', ended = beat WHERE owner = $1 AND state = 'running' AND beat <= $2`,
			text(r.Owner), millis(silent))
		if err != nil {
			return r, false, wrap("begin a report", err)
		}
		n, err := s.exec(ctx, `
			INSERT INTO reports (`+reportColumns+`, result)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $10, '', $11)
			ON CONFLICT DO NOTHING`,
			r.ID, text(r.Owner), string(r.State), string(r.Why), text(r.Place), millis(r.Created), millis(r.Expires), millis(r.Beat),
			text(string(r.Request)), text(string(r.Progress)), blob(nil))
		if err != nil {
			return r, false, wrap("begin a report", err)
		}
		if n == 1 {
			_, err = s.exec(ctx, `
				DELETE FROM reports WHERE owner = $1 AND state <> 'running' AND id NOT IN
					(SELECT id FROM reports WHERE owner = $1`+newestFirst+` LIMIT $2)`, text(r.Owner), most)
			return r, true, wrap("drop the oldest reports", err)
		}
		running, err := s.reports(ctx, "WHERE owner = $1 AND state = 'running'", text(r.Owner))
		if err != nil || len(running) == 1 {
			return append(running, r)[0], false, err
		}
	}
	return r, false, wrap("begin a report", sql.ErrNoRows)
}

// BeatReport implements reports.Store.
func (s *Store) BeatReport(ctx context.Context, id string, progress []byte, at time.Time) (cancelled, running bool, err error) {
	var asked int64
	running, err = s.found(ctx, s.write, `
		UPDATE reports SET progress = $1, beat = $2 WHERE id = $3 AND state = 'running' RETURNING cancelled`,
		[]any{text(string(progress)), millis(at), id}, &asked)
	return asked != 0, running, wrap("write how far a report is", err)
}

// EndReport implements reports.Store.
func (s *Store) EndReport(ctx context.Context, r reports.Row) (bool, error) {
	n, err := s.exec(ctx, `
		UPDATE reports SET state = $1, why = $2, ended = $3, progress = $4, key_id = $5, result = $6
		WHERE id = $7 AND state = 'running'`,
		string(r.State), string(r.Why), millis(r.Ended), text(string(r.Progress)), r.KeyID, blob(r.Result), r.ID)
	return n == 1, wrap("end a report", err)
}

// CancelReport implements reports.Store.
func (s *Store) CancelReport(ctx context.Context, id string) error {
	_, err := s.exec(ctx, "UPDATE reports SET cancelled = 1 WHERE id = $1 AND state = 'running'", text(id))
	return wrap("cancel a report", err)
}

// Report implements reports.Store.
func (s *Store) Report(ctx context.Context, id string) (reports.Row, bool, error) {
	rows, err := s.reports(ctx, "WHERE id = $1", text(id))
	if err != nil || len(rows) == 0 {
		return reports.Row{}, false, err
	}
	r := rows[0]
	if r.KeyID == "" {
		return r, true, nil
	}
	found, err := s.found(ctx, s.read, "SELECT key_id, result FROM reports WHERE id = $1", []any{r.ID}, &r.KeyID, &r.Result)
	return r, found, wrap("read a report", err)
}

// ReportsOf implements reports.Store.
func (s *Store) ReportsOf(ctx context.Context, owner string) ([]reports.Row, error) {
	return s.reports(ctx, "WHERE owner = $1", text(owner))
}

// EveryReport implements reports.Store.
func (s *Store) EveryReport(ctx context.Context) ([]reports.Row, error) { return s.reports(ctx, "") }

// ResealReport implements reports.Store.
func (s *Store) ResealReport(ctx context.Context, r reports.Row, from string) error {
	_, err := s.exec(ctx, "UPDATE reports SET key_id = $1, result = $2 WHERE id = $3 AND key_id = $4", r.KeyID, blob(r.Result), r.ID, from)
	return wrap("seal a report anew", err)
}

// DropReports implements reports.Store.
func (s *Store) DropReports(ctx context.Context, owner string) error {
	_, err := s.exec(ctx, "DELETE FROM reports WHERE owner = $1", text(owner))
	return wrap("forget reports", err)
}

// reports reads those that where chooses, without their results, the newest
// first.
func (s *Store) reports(ctx context.Context, where string, args ...any) ([]reports.Row, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	query := "SELECT " + reportColumns + " FROM reports " + where + newestFirst // #nosec G202 -- constants alone
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap("read reports", err)
	}
	defer rows.Close()
	var list []reports.Row
	for rows.Next() {
		var r reports.Row
		var state, why, request, progress string
		var created, expires, beat, ended, cancelled int64
		if err := rows.Scan(&r.ID, &r.Owner, &state, &why, &r.Place, &created, &expires, &beat, &ended, &cancelled, &request, &progress, &r.KeyID); err != nil {
			return nil, wrap("read reports", err)
		}
		r.State, r.Why, r.Request, r.Progress = reports.State(state), reports.Reason(why), []byte(request), []byte(progress)
		r.Created, r.Expires, r.Beat, r.Cancelled = fromMillis(created), fromMillis(expires), fromMillis(beat), cancelled != 0
		if ended != 0 {
			r.Ended = fromMillis(ended)
		}
		list = append(list, r)
	}
	return list, wrap("read reports", rows.Err())
}
