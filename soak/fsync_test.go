package soak

import (
	"database/sql"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portal/e2e/process"
	"portal/store/storetest"
)

// A kill does not test durability: what the process wrote stays in the
// system's memory. So the calls that bring it to the disk are counted, one
// acknowledged sign-out after the other, each of which is one commit.
//
// SQLite's are counted by strace around the portal, PostgreSQL's by the server
// itself (pg_stat_wal).
func TestFsyncsPerCommitSQLite(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("strace is missing: make setup installs it")
	}
	w := newWorld(t, sqlite(t))
	calls := filepath.Join(t.TempDir(), "calls")
	traced := program
	traced.Under = []string{"strace", "-D", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", calls}
	p := traced.Start(t, w.dir, w.env, "-listen", "localhost:0")
	countSyncs(t, p, func() int {
		text, err := os.ReadFile(calls)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "sync(")
	})
}

func TestFsyncsPerCommitPostgres(t *testing.T) {
	t.Parallel()
	cluster, err := storetest.Start("fsync=on", "wal_sync_method=fdatasync", "autovacuum=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Remove(); err != nil {
			t.Error(err)
		}
	})
	database, err := cluster.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := newWorld(t, database)
	others := func() (n int) {
		// A server process tells its figures when it ends, else when it likes.
		err := db.QueryRowContext(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	countSyncs(t, w.start(), func() (n int) {
		if !within(patience, func() bool { return others() == 0 }) {
			t.Fatal("PostgreSQL's processes do not end")
		}
		if err := db.QueryRowContext(t.Context(), "SELECT wal_sync FROM pg_stat_wal").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	})
}

// countSyncs signs people out one after the other. syncs are those so far.
func countSyncs(t *testing.T, p *process.Process, syncs func() int) {
	began := time.Now()
	const commits = 50
	users, forms := make([]*browser, commits), make([]url.Values, commits)
	for i := range users {
		users[i] = newBrowser(people[i%len(people)], among(p))
		if err := users[i].signIn(); err != nil {
			t.Fatal(err)
		}
		_, forms[i] = users[i].get("/settings").form("/auth/signout")
	}
	before := syncs()
	for i, u := range users {
		var a answer
		if !within(patience, func() bool { // the first ones may meet connections that counting closed
			a = u.post("/auth/signout", forms[i])
			return a.path() == "/"
		}) {
			t.Fatalf("sign out: %s", a)
		}
	}
	after := syncs()
	if got := after - before; got < commits {
		t.Errorf("%d commits were acknowledged after %d syncs", commits, got)
	}
	report(t, began, "%d acknowledged sign-outs, %d syncs: %.2f a commit", commits, after-before, float64(after-before)/commits)
}
