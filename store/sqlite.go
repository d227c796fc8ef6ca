package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// readers is how many connections read at once; SQLite has one writer.
const readers = 4

// openSQLite opens the file at path. One connection writes, a few read. The
// write-ahead log lets them do so at once; synchronous=FULL makes a commit
// outlive a power cut, for it may hold the only copy of a rotated token.
func openSQLite(ctx context.Context, path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the database %s: %w", path, err)
	}
	if err := prepare(path, fileSystem); err != nil {
		return nil, err
	}
	write, err := sql.Open("sqlite", dsn(path, "synchronous(FULL)", "foreign_keys(1)"))
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	// The writer's first use makes the write-ahead log, which readers need.
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), write.Close())
	}
	read, err := sql.Open("sqlite", dsn(path, "query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	s := &Store{read: read, write: write, dir: filepath.Dir(path), clock: "CAST(unixepoch('subsec') * 1000 AS INTEGER)"}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), s.Close())
	}
	return s, nil
}

// dsn names the file and the pragmas that each new connection of a pool
// begins with. Temporary data stays in memory: in the image, the directory of
// the database is the only place that can be written.
func dsn(path string, pragmas ...string) string {
	query := url.Values{
		"_pragma": append([]string{"busy_timeout(5000)", "journal_mode(WAL)", "temp_store(MEMORY)"}, pragmas...),
		"_txlock": {"immediate"},
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// prepare makes the directory and the file, for the portal's user alone, and
// finds out in time what would otherwise fail in the middle of the work.
func prepare(path string, fileSystem func(dir string) (string, error)) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unusable(dir, err)
	}
	name, err := fileSystem(dir)
	if err != nil {
		return fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	if name != "" {
		return fmt.Errorf("%s is on %s, a network file system: SQLite loses data there; "+
			"put DATABASE_URL on a local disk, or use PostgreSQL", dir, name)
	}
	// SQLite makes further files beside its own.
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return unusable(dir, err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return unusable(dir, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- the operator names the file
	if err != nil {
		return unusable(path, err)
	}
	return f.Close()
}

// unusable says who cannot write where, and the command that mends it.
func unusable(path string, err error) error {
	cause := err
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		cause = e.Err
	}
	return fmt.Errorf("%s cannot be written by user id %d (%w): run `chown -R %d %s`, or point DATABASE_URL elsewhere",
		path, os.Getuid(), cause, os.Getuid(), path)
}
