package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"portal/store"
)

// stream in place of a file's name means standard input or output: the image
// has no shell, and a copy in the data volume could not be deleted from there.
const stream = "-"

// backup copies the SQLite database into a new file, or to stdout and then
// reports to stderr, while the portal may run. The session key stays out: with
// it the copy would open what it holds sealed.
func backup(ctx context.Context, d database, file string, stdout, stderr io.Writer) error {
	if d.postgres() {
		return errors.New("portal backup copies SQLite databases: with PostgreSQL use pg_dump")
	}
	from := d.Reveal()
	if _, err := os.Stat(from); err != nil {
		return fmt.Errorf("there is no database to copy: %w", err)
	}
	copied, report, err := file, stdout, error(nil)
	if file == stream {
		copied, report = "standard output", stderr
		err = withFile(from, func(path string) error {
			if err := copyDatabase(ctx, from, path); err != nil {
				return err
			}
			f, err := os.Open(path) // #nosec G304 -- made just now
			if err != nil {
				return err
			}
			_, err = io.Copy(stdout, f)
			return errors.Join(err, f.Close())
		})
	} else {
		err = copyDatabase(ctx, from, file)
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	_, err = fmt.Fprintf(report, "copied %s to %s\nthe session key is not in it: keep a copy of %s, or of SESSION_KEY, in another place\n", from, copied, d.keyFile())
	return err
}

// restore puts a backup, a file or stdin, in the place of the SQLite database,
// of which a copy is kept beside it. The portal must not be running.
func restore(ctx context.Context, d database, file string, now time.Time, stdin io.Reader, stdout io.Writer) error {
	if d.postgres() {
		return errors.New("portal restore is for SQLite databases: with PostgreSQL use pg_restore")
	}
	if err := os.MkdirAll(filepath.Dir(d.Reveal()), 0o700); err != nil {
		return fmt.Errorf("make the directory of the database: %w", err)
	}
	if file != stream {
		return restoreFile(ctx, d, file, file, now, stdout)
	}
	return withFile(d.Reveal(), func(path string) error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- in a directory made just now
		if err != nil {
			return fmt.Errorf("keep what standard input holds: %w", err)
		}
		_, err = io.Copy(f, stdin)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("keep what standard input holds: %w", err)
		}
		return restoreFile(ctx, d, path, "standard input", now, stdout)
	})
}

// restoreFile does it; name is what the backup is called.
func restoreFile(ctx context.Context, d database, file, name string, now time.Time, stdout io.Writer) error {
	to := d.Reveal()
	if err := checkBackup(ctx, file); err != nil {
		return fmt.Errorf("%s is not a backup of the portal: %w", name, err)
	}
	fresh := to + ".restoring"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear what an earlier restore left: %w", err)
	}
	if err := copyDatabase(ctx, file, fresh); err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	if err := unresolve(ctx, fresh); err != nil {
		return errors.Join(fmt.Errorf("prepare the copy of %s: %w", name, err), os.Remove(fresh))
	}
	if _, err := os.Stat(to); err == nil {
		kept := to + "." + now.UTC().Format("20060102T150405Z")
		if err := setAside(ctx, to, kept); err != nil {
			return errors.Join(fmt.Errorf("set %s aside: %w", to, err), os.Remove(fresh))
		}
		if _, err := fmt.Fprintf(stdout, "what was there is now %s\n", kept); err != nil {
			return err
		}
	}
	if err := os.Rename(fresh, to); err != nil {
		return fmt.Errorf("put the copy in place: %w", err)
	}
	_, err := fmt.Fprintf(stdout, "restored %s from %s\nthe session key is not part of a backup: put the one that belongs to it at %s, or into SESSION_KEY\n", to, name, d.keyFile())
	return err
}

// withFile calls use with the path of a new file that is gone afterwards. It is
// beside the database, where there is room for another and the right to write.
func withFile(database string, use func(path string) error) error {
	dir, err := os.MkdirTemp(filepath.Dir(database), ".copy-*")
	if err != nil {
		return err
	}
	return errors.Join(use(filepath.Join(dir, "portal.db")), os.RemoveAll(dir))
}

// unresolve keeps a restored database from deleting what its user has kept since
// the backup: each user is asked again.
func unresolve(ctx context.Context, file string) error {
	db, err := store.Open(ctx, file)
	if err != nil {
		return err
	}
	return errors.Join(db.UnresolvePending(ctx), db.Close())
}

// copyDatabase writes a consistent copy into a file that must not exist yet,
// and that only the portal's user may read.
func copyDatabase(ctx context.Context, from, to string) (err error) {
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the operator names the file
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already: name a new file", to)
	}
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(to))
		}
	}()
	db, err := openFile(from, url.Values{"_pragma": {"busy_timeout(10000)"}})
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return errors.Join(err, db.Close(), f.Sync())
}

// checkBackup refuses a file that is damaged or that is another program's.
func checkBackup(ctx context.Context, file string) (err error) {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	db, err := openFile(file, url.Values{"mode": {"ro"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return errors.New(verdict)
	}
	var n int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM meta").Scan(&n); err != nil {
		return err
	}
	return nil
}

// setAside renames a database that nobody has open, with its write-ahead log
// folded in. When somebody has it open it stays where it is.
func setAside(ctx context.Context, path, kept string) error {
	db, err := openFile(path, url.Values{"_pragma": {"busy_timeout(0)", "locking_mode(EXCLUSIVE)"}})
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, "PRAGMA journal_mode = DELETE")
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("is the portal still running? stop it first: %w", err)
	}
	return os.Rename(path, kept)
}

func openFile(path string, query url.Values) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
}
