package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"portal/store"
)

// cluster is a throw-away PostgreSQL server that listens on a socket alone.
type cluster struct {
	dir  string
	stop func() error
}

// server starts the one cluster of this test binary, when a test first asks.
var server = sync.OnceValues(startCluster)

// started tells TestMain whether there is a cluster to stop.
var started atomic.Bool

func TestMain(m *testing.M) {
	code := m.Run()
	if started.Load() {
		if c, err := server(); err == nil {
			if err := c.stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
				code = 1
			}
		}
	}
	os.Exit(code)
}

func startCluster() (*cluster, error) {
	started.Store(true)
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "portal-pg-") // short: a socket's path is limited
	if err != nil {
		return nil, err
	}
	var who *syscall.SysProcAttr
	if os.Getuid() == 0 { // PostgreSQL refuses to run as root
		if who, err = asPostgres(dir); err != nil {
			return nil, err
		}
	}
	run := func(name string, args ...string) error {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Dir, cmd.SysProcAttr = dir, who
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if name == "pg_ctl" { // the server would keep a pipe open
			cmd.Stdout, cmd.Stderr = nil, nil
		}
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, out.Bytes())
		}
		return nil
	}
	data := filepath.Join(dir, "data")
	c := &cluster{dir: dir, stop: func() error {
		return errors.Join(run("pg_ctl", "stop", "-D", data, "-m", "immediate", "-w"), os.RemoveAll(dir))
	}}
	if err := run("initdb", "-D", data, "-U", "portal", "-A", "trust", "-E", "UTF8", "--no-sync"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	options := "-c listen_addresses='' -c fsync=off -c max_connections=200 -k " + dir
	if err := run("pg_ctl", "start", "-D", data, "-w", "-l", filepath.Join(dir, "log"), "-o", options); err != nil {
		text, _ := os.ReadFile(filepath.Join(dir, "log"))
		return nil, errors.Join(fmt.Errorf("%w: %s", err, text), os.RemoveAll(dir))
	}
	return c, nil
}

func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // Debian keeps it off the PATH
	if err != nil || len(found) == 0 {
		return "", errors.New("initdb is missing: install postgresql")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

func asPostgres(dir string) (*syscall.SysProcAttr, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("root cannot run PostgreSQL, and there is no user postgres: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

func (c *cluster) url(database string) string {
	query := url.Values{"host": {c.dir}, "user": {"portal"}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}).String()
}

var databases atomic.Int64

// postgresURL makes an empty database.
func postgresURL(t *testing.T) string {
	t.Helper()
	c, err := server()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return c.url(name)
}

func sqliteURL(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "data", "portal.db")
}

// open opens a store that lives as long as the test.
func open(t *testing.T, databaseURL string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), databaseURL)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// engines runs a test on a fresh database of each engine.
func engines(t *testing.T, test func(t *testing.T, databaseURL string)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, sqliteURL(t)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, postgresURL(t)) })
}

// gone is a context that has ended.
func gone() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
