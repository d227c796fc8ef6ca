package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portal/meetings"
	"portal/store"
)

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	live, copied := filepath.Join(dir, "live", "sandbox.db"), filepath.Join(dir, "copy.db")
	environ := []string{"DATABASE_URL=" + live}
	command := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), args, environ, &out, io.Discard)
		return out.String(), err
	}
	if _, err := command("backup", copied); err == nil || !strings.Contains(err.Error(), "no database") {
		t.Errorf("a backup of nothing: %v", err)
	}

	p := start(t, environ, "-sandbox", "-listen", "localhost:0")
	b := newBrowser(t)
	b.connect(p.base, "ada@example.test").mustBe(t, http.StatusOK, "/meetings", "Connected as")

	said, err := command("backup", copied) // while it runs
	if err != nil || !strings.Contains(said, "session key is not in it") {
		t.Fatalf("backup: %v, %q", err, said)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is %v, %v", info, err)
	}
	key, err := os.ReadFile(filepath.Join(dir, "live", "session.key"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(copied); err != nil || bytes.Contains(text, bytes.TrimSpace(key)) {
		t.Errorf("the copy holds the session key, or: %v", err)
	}
	if _, err := command("backup", copied); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a backup over another: %v", err)
	}
	if _, err := command("restore", copied); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("a restore under a running portal: %v", err)
	}
	b.get(p.base+"/").mustBe(t, http.StatusOK, "/meetings", "") // unharmed

	// Disconnecting ends all of ada's sessions; the copy brings this one back,
	// for a browser that still holds the cookie.
	holder := newBrowser(t)
	home := b.get(p.base + "/settings").url
	holder.client.Jar.SetCookies(home, b.client.Jar.Cookies(home))
	if left := b.submit(b.get(p.base+"/settings"), "/auth/disconnect", map[string][]string{}); left.status != http.StatusOK {
		t.Fatalf("disconnect: %d %s", left.status, left.body)
	}
	holder.get(p.base+"/settings").mustBe(t, http.StatusOK, "/", "")
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if said, err := command("restore", copied); err != nil || !strings.Contains(said, "what was there is now "+live) {
		t.Fatalf("restore: %v, %q", err, said)
	}
	if info, err := os.Stat(live); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the restored database is %v, %v", info, err)
	}
	again := start(t, environ, "-sandbox", "-listen", "localhost:0")
	holder.get(again.base+"/settings").mustBe(t, http.StatusOK, "/settings", "Ada")
}

// A delete that a backup holds back may have been undone since.
func TestRestoreAsksAboutHeldDeletes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	live, copied := filepath.Join(dir, "portal.db"), filepath.Join(dir, "copy.db")
	open := func() *store.Store {
		db, err := store.Open(t.Context(), live)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open()
	row := meetings.PendingRow{ID: "a", Owner: "77/1", MeetingID: "7", Version: 1, State: meetings.PendingHeld, Token: []byte("sealed token")}
	if _, _, err := db.AddPending(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"backup", "restore"} {
		if err := run(t.Context(), []string{command, copied}, []string{"DATABASE_URL=" + live}, io.Discard, io.Discard); err != nil {
			t.Fatal(command, err)
		}
	}
	if left, err := filepath.Glob(live + ".restoring*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	db = open()
	defer db.Close()
	rows, err := db.EveryPending(t.Context())
	if err != nil || len(rows) != 1 || rows[0].State != meetings.PendingUnresolved || len(rows[0].Token) > 0 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestRestoreRefusesWhatIsNoBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	live := filepath.Join(dir, "portal.db")
	for _, file := range []string{text, filepath.Join(dir, "missing")} {
		err := run(t.Context(), []string{"restore", file}, []string{"DATABASE_URL=" + live}, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "is not a backup") {
			t.Errorf("restore from %s: %v", file, err)
		}
	}
	if _, err := os.Stat(live); err == nil {
		t.Error("a refused restore leaves a database")
	}
}

func TestPostgresHasItsOwnTools(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=postgres://db/portal", "SESSION_KEY=" + aKey}
	for command, tool := range map[string]string{"backup": "pg_dump", "restore": "pg_restore"} {
		err := run(t.Context(), []string{command, filepath.Join(t.TempDir(), "f")}, environ, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tool) {
			t.Errorf("%s: %v", command, err)
		}
	}
}
