package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"portal/meetings"
)

func openTest(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSQLitePragmas(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "data dir", "100% #1?.db"))
	want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "temp_store": "2"}
	for name, value := range want {
		var got string
		if err := s.write.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil || got != value {
			t.Errorf("writer: %s is %q, %v", name, got, err)
		}
	}
	// Every connection of the pool has them, and none can write.
	for range readers {
		conn, err := s.read.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var mode, timeout string
		err = errors.Join(conn.QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&mode),
			conn.QueryRowContext(t.Context(), "PRAGMA busy_timeout").Scan(&timeout))
		if err != nil || mode != "wal" || timeout != "5000" {
			t.Errorf("reader: %s, %s, %v", mode, timeout, err)
		}
		if _, err := conn.ExecContext(t.Context(), "DELETE FROM meta"); err == nil {
			t.Error("a reader wrote")
		}
	}
	if n := s.write.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d writers", n)
	}
}

func TestSQLiteFilesArePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "portal.db")
	s := openTest(t, path)
	if err := s.PutMeta(t.Context(), "x", []byte("1")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{filepath.Dir(path): 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", filepath.Base(name), info.Mode().Perm(), err)
		}
	}
}

func TestUnusableDirectoryNamesTheRemedy(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), filepath.Join(file, "portal.db")) // fails for root too
	if err == nil {
		t.Fatal("opened")
	}
	uid := strconv.Itoa(os.Getuid())
	for _, want := range []string{file, "user id " + uid, "chown -R " + uid + " " + file} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestNetworkFileSystemIsRefused(t *testing.T) {
	for magic, want := range map[uint32]string{0x6969: "NFS", 0xff534d42: "SMB", 0xfe534d42: "SMB", 0x01021997: "9P", 0xef53: "", 0x794c7630: "", 0x01021994: ""} {
		if got := networkFileSystem(magic); got != want {
			t.Errorf("%#x: %q, want %q", magic, got, want)
		}
	}
	path := filepath.Join(t.TempDir(), "portal.db")
	err := prepare(path, func(string) (string, error) { return "NFS", nil })
	if err == nil || !strings.Contains(err.Error(), "NFS") || !strings.Contains(err.Error(), "PostgreSQL") {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the database was made all the same")
	}
}

func TestUnknownURLs(t *testing.T) {
	for _, databaseURL := range []string{"", "mysql://host/db", "postgres://host:port:1/db?user=x&password=canary"} {
		_, err := Open(t.Context(), databaseURL)
		if err == nil || !strings.Contains(err.Error(), "DATABASE_URL") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", databaseURL, err)
		}
	}
}

func TestUnreachablePostgresShowsNoPassword(t *testing.T) {
	dir := t.TempDir() // no socket in it
	_, err := Open(t.Context(), "postgres://portal:canary@/portal?host="+dir)
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), `"portal"`) {
		t.Fatalf("got %v", err)
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portal.db")
	s := openTest(t, path)
	if _, err := s.exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path)
	if err == nil || !strings.Contains(err.Error(), "newer portal") {
		t.Fatalf("got %v", err)
	}
}

// What a portal of the 12th migration left gets the tables that came after it:
// goose refuses one whose number is below the last.
func TestOlderDatabaseIsBroughtUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portal.db")
	s := openTest(t, path)
	for _, statement := range []string{"DROP TABLE reports", "DELETE FROM goose_db_version WHERE version_id > 12"} {
		if _, err := s.exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := openTest(t, path).ReportsOf(t.Context(), "acc/ada"); err != nil {
		t.Error(err)
	}
}

// Learning the same people again writes nothing: every list page learns.
func TestLearnWritesOnlyNews(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "portal.db"))
	people := []meetings.Known{{Key: "1", Name: "Ada", Email: "a@example.test"}, {Key: "2", Name: "Ben"}}
	changes := func() (n int) {
		t.Helper()
		if err := s.write.QueryRowContext(t.Context(), "SELECT total_changes()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := s.Learn(t.Context(), "acc", people); err != nil {
		t.Fatal(err)
	}
	if err := s.Meet(t.Context(), "acc", "1", []string{"2"}); err != nil {
		t.Fatal(err)
	}
	before := changes()
	for range 3 {
		if err := s.Learn(t.Context(), "acc", people); err != nil {
			t.Fatal(err)
		}
		if err := s.Meet(t.Context(), "acc", "1", []string{"2"}); err != nil {
			t.Fatal(err)
		}
	}
	if after := changes(); after != before {
		t.Errorf("%d rows written for no news", after-before)
	}
	people[1].Name = "Benno"
	if err := s.Learn(t.Context(), "acc", people); err != nil {
		t.Fatal(err)
	}
	if after := changes(); after != before+1 {
		t.Errorf("%d rows written for one piece of news", after-before)
	}
}

// A transaction that fails half-way leaves nothing behind and frees the writer.
func TestTransactionRollsBack(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "portal.db"))
	failure := errors.New("half-way")
	err := s.transact(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO meta (name, value) VALUES ('x', 'y')")
		return errors.Join(err, failure)
	})
	if !errors.Is(err, failure) {
		t.Fatal(err)
	}
	if _, ok, err := s.Meta(t.Context(), "x"); err != nil || ok {
		t.Fatalf("%v, %v", ok, err)
	}
	if err := s.PutMeta(t.Context(), "x", []byte("z")); err != nil {
		t.Fatalf("the writer is stuck: %v", err)
	}
}
