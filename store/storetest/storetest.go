// Package storetest gives tests databases of their own on a throw-away
// PostgreSQL server. It is part of no product.
package storetest

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

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Cluster is a throw-away PostgreSQL server that listens on a socket alone.
type Cluster struct {
	dir     string
	options []string
	run     func(program string, args ...string) error
	made    atomic.Int64
}

// server is the one cluster of a test binary, started when a test first asks.
var server = sync.OnceValues(func() (*Cluster, error) { return Start() })

// asked tells Main whether there is a cluster to stop.
var asked atomic.Bool

// Main runs a package's tests and stops the cluster after them; TestMain exits
// with what it returns.
func Main(m *testing.M) (code int) {
	code = m.Run()
	if !asked.Load() {
		return code
	}
	if c, err := server(); err == nil {
		if err := c.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
			code = 1
		}
	}
	return code
}

// Postgres makes an empty database and returns its URL. The package's
// TestMain has to call Main.
func Postgres(t testing.TB) string {
	t.Helper()
	asked.Store(true)
	c, err := server()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	url, err := c.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// Start starts a server, which lives until Remove. The options, NAME=VALUE each,
// come after its own, of which fsync=off is one.
func Start(options ...string) (*Cluster, error) {
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
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	c := &Cluster{dir: dir, options: options, run: func(program string, args ...string) error {
		cmd := exec.Command(filepath.Join(bin, program), args...) // #nosec G204 -- only for tests, which name the program
		cmd.Dir, cmd.SysProcAttr = dir, who
		var out bytes.Buffer
		if program != "pg_ctl" { // the server would keep a pipe open
			cmd.Stdout, cmd.Stderr = &out, &out
		}
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w: %s", program, err, out.Bytes())
		}
		return nil
	}}
	if err := c.run("initdb", "-D", c.data(), "-U", "portal", "-A", "trust", "-E", "UTF8", "--no-sync"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := c.Resume(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// Socket is the server's socket.
func (c *Cluster) Socket() string { return filepath.Join(c.dir, ".s.PGSQL.5432") }

// Resume starts the server again after Halt.
func (c *Cluster) Resume() error {
	options := "-c listen_addresses='' -c port=5432 -c fsync=off -c max_connections=200 -k " + c.dir
	for _, o := range c.options {
		options += " -c " + o
	}
	if err := c.run("pg_ctl", "start", "-D", c.data(), "-w", "-l", filepath.Join(c.dir, "log"), "-o", options); err != nil {
		text, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		return fmt.Errorf("%w: %s", err, text)
	}
	return nil
}

// Halt stops the server as a power cut would; its databases stay.
func (c *Cluster) Halt() error {
	return c.run("pg_ctl", "stop", "-D", c.data(), "-m", "immediate", "-w")
}

// Remove stops the server and deletes everything.
func (c *Cluster) Remove() error { return errors.Join(c.Halt(), os.RemoveAll(c.dir)) }

// Create makes an empty database and returns its URL.
func (c *Cluster) Create(ctx context.Context) (string, error) {
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return "", err
	}
	defer db.Close()
	name := fmt.Sprintf("test_%d", c.made.Add(1))
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return c.url(name), nil
}

func (c *Cluster) url(database string) string {
	query := url.Values{"host": {c.dir}, "port": {"5432"}, "user": {"portal"}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}).String()
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
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil // #nosec G115 -- ids of the system
}
