// Package store is the portal's own memory: browser sessions, connect flows,
// what the portal remembers about meetings and people, and a few settings.
// SQLite by default, PostgreSQL by URL; both behave the same.
//
// It knows no HTTP and no GoTo, and cannot open what auth seals.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"portal/auth"
	"portal/meetings"
	"portal/reports"
)

// deadline bounds every question to the database; a caller's own may be
// shorter.
const deadline = 5 * time.Second

var (
	_ auth.Store      = (*Store)(nil)
	_ meetings.Memory = (*Store)(nil)
	_ meetings.Holds  = (*Store)(nil)
	_ reports.Store   = (*Store)(nil)
)

// Store is an open database. Its methods may be called at the same time, and
// with PostgreSQL from several processes. A nil error of a writing method means
// that the write is durable.
type Store struct {
	read, write *sql.DB // the same pool with PostgreSQL
	postgres    bool
	clock       string // milliseconds since 1970 by the database's clock, in its own SQL
	dir         string // of the SQLite file
}

// Open opens the database and brings its tables up to date. The URL is
// postgres://… or the path of an SQLite file, whose directory is made when it
// is missing. Errors are sentences for whoever starts the portal.
func Open(ctx context.Context, databaseURL string) (*Store, error) {
	s, err := connect(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func connect(ctx context.Context, databaseURL string) (*Store, error) {
	scheme, _, isURL := strings.Cut(databaseURL, "://")
	switch {
	case databaseURL == "":
		return nil, errors.New("DATABASE_URL is empty: give the path of a file, or postgres://…")
	case !isURL:
		return openSQLite(ctx, databaseURL)
	case scheme == "postgres" || scheme == "postgresql":
		return openPostgres(ctx, databaseURL)
	}
	return nil, fmt.Errorf("DATABASE_URL begins with %s://: give the path of a file for SQLite, or postgres://…", url.PathEscape(scheme))
}

// Close closes the database.
func (s *Store) Close() error {
	err := s.write.Close()
	if s.read != s.write {
		err = errors.Join(s.read.Close(), err)
	}
	return err
}

// Ping asks the database whether it can be read.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var one int
	if err := s.read.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	return nil
}

// createsKept is how long a form that was sent is known again.
const createsKept = 30 * 24 * time.Hour

// leasesKept is how long a lease of a process that died stays after it lapsed.
// That it is there tells the next holder that the one before did not finish.
const leasesKept = time.Hour

// pendingKept is how long a held delete waits for its user to decide, and how
// long it is known what became of it.
const pendingKept = 30 * 24 * time.Hour

// feedsKept is how long a feed stays that nobody asks for. GoTo's refresh tokens
// last a month without use.
const feedsKept = 90 * 24 * time.Hour

// revisionsKept is how long it is known of a meeting that is over how often it
// was changed.
const revisionsKept = 30 * 24 * time.Hour

// Sweep deletes sessions, feeds, connect flows, drafts, creates, held deletes
// and reports that have expired and returns how many there were.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int64, error) {
	var total int64
	for _, expired := range []struct {
		statement string
		at        time.Time
	}{
		{"DELETE FROM sessions WHERE idle_deadline <= $1 OR absolute_deadline <= $1", now},
		{"DELETE FROM feeds WHERE created <= $1 AND last_used <= $1", now.Add(-feedsKept)},
		{"DELETE FROM flows WHERE expires <= $1", now},
		{"DELETE FROM drafts WHERE expires <= $1", now},
		{"DELETE FROM refresh_leases WHERE expires <= $1", now.Add(-leasesKept)},
		{"DELETE FROM feed_leases WHERE expires <= $1", now.Add(-leasesKept)},
		{"DELETE FROM creates WHERE begun <= $1", now.Add(-createsKept)},
		{"DELETE FROM pending WHERE created <= $1", now.Add(-pendingKept)},
		{"DELETE FROM revisions WHERE ends <= $1", now.Add(-revisionsKept)},
		{"DELETE FROM reports WHERE expires <= $1", now},
	} {
		n, err := s.exec(ctx, expired.statement, millis(expired.at))
		if err != nil {
			return total, fmt.Errorf("sweep what has expired: %w", err)
		}
		total += n
	}
	return total, nil
}

// exec runs one statement by itself and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	result, err := s.write.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// transact runs f in a transaction.
func (s *Store) transact(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(ctx, tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

// ignoreDone drops the complaint that a context's end rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// found reads a query's one row; false when there is none.
func (s *Store) found(ctx context.Context, db *sql.DB, query string, args []any, dest ...any) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	err := db.QueryRowContext(ctx, query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func millis(t time.Time) int64 { return t.UnixMilli() }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// text makes foreign text storable in both engines alike: PostgreSQL takes
// neither NUL nor broken UTF-8.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
