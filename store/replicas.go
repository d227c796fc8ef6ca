package store

import (
	"context"
	"database/sql"
	"time"
)

// Beat says that a replica of the portal lives until expires, and returns how
// many live at now, this one included. Those that have expired are forgotten.
func (s *Store) Beat(ctx context.Context, replica string, now, expires time.Time) (int, error) {
	live := 0
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO replicas (id, expires) VALUES ($1, $2)
			ON CONFLICT (id) DO UPDATE SET expires = excluded.expires`, replica, millis(expires)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM replicas WHERE expires <= $1", millis(now)); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT count(*) FROM replicas").Scan(&live)
	})
	return live, wrap("say that this replica lives", err)
}

// Leave says that a replica has stopped.
func (s *Store) Leave(ctx context.Context, replica string) error {
	_, err := s.exec(ctx, "DELETE FROM replicas WHERE id = $1", replica)
	return wrap("say that this replica has stopped", err)
}
