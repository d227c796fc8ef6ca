package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portal/auth"
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

// Standard output and input serve as well as a file, for an image without a
// shell, and nothing is left in the volume.
func TestBackupAndRestoreThroughStreams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := database{auth.NewSecret(filepath.Join(dir, "portal.db"))}
	db, err := store.Open(t.Context(), d.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.PutMeta(t.Context(), "k", []byte("before")); err != nil {
		t.Fatal(err)
	}
	var copied, report bytes.Buffer
	if err := run(t.Context(), []string{"backup", "-"}, []string{"DATABASE_URL=" + d.Reveal()}, &copied, &report); err != nil || !strings.Contains(report.String(), "to standard output") {
		t.Fatalf("backup: %v, %q", err, report.String())
	}
	if err := db.PutMeta(t.Context(), "k", []byte("after")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := restore(t.Context(), d, "-", time.Now(), strings.NewReader(copied.String()[:copied.Len()/2]), io.Discard); err == nil || !strings.Contains(err.Error(), "standard input is not a backup") {
		t.Errorf("half of a backup: %v", err)
	}
	if err := restore(t.Context(), d, "-", time.Now(), &copied, &report); err != nil || !strings.Contains(report.String(), "from standard input") {
		t.Fatalf("restore: %v, %q", err, report.String())
	}
	if db, err = store.Open(t.Context(), d.Reveal()); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if value, _, err := db.Meta(t.Context(), "k"); err != nil || string(value) != "before" {
		t.Errorf("restored: %q, %v", value, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".copy-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A new key logs nobody out, and the one before it stays until no session can
// need it.
func TestNewKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	environ, file := []string{"DATABASE_URL=" + filepath.Join(dir, "portal.db")}, filepath.Join(dir, "session.key")
	newKey := func(more ...string) error {
		return run(t.Context(), []string{"newkey"}, append(more, environ...), io.Discard, io.Discard)
	}
	keys := func() []string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(text)), ",")
	}
	if err := newKey(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a new key before the first: %v", err)
	}
	p := start(t, environ, "-sandbox", "-listen", "localhost:0")
	b := newBrowser(t)
	b.connect(p.base, "ada@example.test").mustBe(t, http.StatusOK, "/meetings", "Connected as")
	first := keys()
	if err := newKey(); err != nil {
		t.Fatal(err)
	}
	second := keys()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || len(first) != 1 || len(second) != 2 || second[1] != first[0] || second[0] == first[0] {
		t.Fatalf("%d keys became %d, in %v, %v", len(first), len(second), info, err)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	again := start(t, environ, "-sandbox", "-listen", "localhost:0")
	b.get(again.base+"/settings").mustBe(t, http.StatusOK, "/settings", "Ada")

	if err := newKey(); err == nil || !strings.Contains(err.Error(), "sessions may still need") {
		t.Errorf("a third key at once: %v", err)
	}
	long := time.Now().Add(-337 * time.Hour)
	if err := os.Chtimes(file, long, long); err != nil {
		t.Fatal(err)
	}
	if err := newKey(); err != nil {
		t.Fatal(err)
	}
	if third := keys(); len(third) != 2 || third[1] != second[0] {
		t.Errorf("there are %d keys, the second is the one before: %t", len(third), third[1] == second[0])
	}
	if err := newKey("SESSION_KEY=" + aKey); err == nil || !strings.Contains(err.Error(), "SESSION_KEY") {
		t.Errorf("a new key with the keys in the environment: %v", err)
	}
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
