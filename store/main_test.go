package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"portal/store"
	"portal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

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
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, storetest.Postgres(t)) })
}

// gone is a context that has ended.
func gone() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
