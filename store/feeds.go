package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"portal/auth"
)

const feedColumns = "id_hash, user_ref, created, last_used, writes, key_id, sealed, tokens_version, tokens_key_id, tokens_sealed"

// readFeed reads a row of feedColumns.
func readFeed(scan func(dest ...any) error) (auth.FeedRow, error) {
	var f auth.FeedRow
	var created, used int64
	err := scan(&f.IDHash, &f.UserRef, &created, &used, &f.Writes, &f.KeyID, &f.Sealed, &f.Tokens.Version, &f.Tokens.KeyID, &f.Tokens.Sealed)
	f.Created, f.LastUsed = fromMillis(created), fromMillis(used)
	return f, err
}

// AddFeed implements auth.Store. PostgreSQL keeps the session from being deleted
// before the feed is there for whoever deletes both.
func (s *Store) AddFeed(ctx context.Context, f auth.FeedRow, session string) (bool, error) {
	lock := ""
	if s.postgres {
		lock = " FOR SHARE"
	}
	added := false
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var one int
		err := tx.QueryRowContext(ctx, "SELECT 1 FROM sessions WHERE id_hash = $1"+lock, session).Scan(&one) // #nosec G202 -- a constant
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `
			INSERT INTO feeds (`+feedColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT DO NOTHING`,
			f.IDHash, text(f.UserRef), millis(f.Created), millis(f.LastUsed), f.Writes, f.KeyID, f.Sealed,
			f.Tokens.Version, f.Tokens.KeyID, f.Tokens.Sealed)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		added = n == 1
		return err
	})
	return added && err == nil, wrap("insert a feed", err)
}

// Feed implements auth.Store.
func (s *Store) Feed(ctx context.Context, idHash string) (auth.FeedRow, bool, error) {
	return oneFeed(s.feeds(ctx, "WHERE id_hash = $1", idHash))
}

// FeedOf implements auth.Store.
func (s *Store) FeedOf(ctx context.Context, userRef string) (auth.FeedRow, bool, error) {
	return oneFeed(s.feeds(ctx, "WHERE user_ref = $1", text(userRef)))
}

// Feeds implements auth.Store.
func (s *Store) Feeds(ctx context.Context) ([]auth.FeedRow, error) { return s.feeds(ctx, "") }

// SaveFeed implements auth.Store.
func (s *Store) SaveFeed(ctx context.Context, f auth.FeedRow, from int64) (bool, error) {
	n, err := s.exec(ctx, `
		UPDATE feeds SET key_id = $1, sealed = $2, tokens_version = $3, tokens_key_id = $4, tokens_sealed = $5
		WHERE id_hash = $6 AND tokens_version = $7`,
		f.KeyID, f.Sealed, f.Tokens.Version, f.Tokens.KeyID, blob(f.Tokens.Sealed), f.IDHash, from)
	return n == 1, wrap("write a feed", err)
}

// TouchFeed implements auth.Store.
func (s *Store) TouchFeed(ctx context.Context, idHash string, used time.Time) error {
	_, err := s.exec(ctx, "UPDATE feeds SET last_used = $1 WHERE id_hash = $2 AND last_used < $1", millis(used), idHash)
	return wrap("touch a feed", err)
}

const deleteFeed = "DELETE FROM feeds WHERE user_ref = $1 RETURNING " + feedColumns

// DeleteFeed implements auth.Store.
func (s *Store) DeleteFeed(ctx context.Context, userRef string) (auth.FeedRow, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	f, err := readFeed(s.write.QueryRowContext(ctx, deleteFeed, text(userRef)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return auth.FeedRow{}, false, nil
	}
	return f, err == nil, wrap("delete a feed", err)
}

// DeleteUser implements auth.Store. The sessions go first: whoever is adding a
// feed has one of them locked, and is waited for.
func (s *Store) DeleteUser(ctx context.Context, userRef string) (auth.FeedRow, bool, error) {
	var f auth.FeedRow
	had := false
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE user_ref = $1", text(userRef)); err != nil {
			return err
		}
		var err error
		f, err = readFeed(tx.QueryRowContext(ctx, deleteFeed, text(userRef)).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		had = err == nil
		return err
	})
	if err != nil || !had {
		return auth.FeedRow{}, false, wrap("delete a user", err)
	}
	return f, true, nil
}

// feeds reads those that where chooses.
func (s *Store) feeds(ctx context.Context, where string, args ...any) ([]auth.FeedRow, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	query := "SELECT " + feedColumns + " FROM feeds " + where + " ORDER BY id_hash" // #nosec G202 -- constants alone
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap("read feeds", err)
	}
	defer rows.Close()
	var list []auth.FeedRow
	for rows.Next() {
		f, err := readFeed(rows.Scan)
		if err != nil {
			return nil, wrap("read feeds", err)
		}
		list = append(list, f)
	}
	return list, wrap("read feeds", rows.Err())
}

func oneFeed(list []auth.FeedRow, err error) (auth.FeedRow, bool, error) {
	if err != nil || len(list) == 0 {
		return auth.FeedRow{}, false, err
	}
	return list[0], true, nil
}
