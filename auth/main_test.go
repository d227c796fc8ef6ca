package auth_test

import (
	"database/sql/driver"
	"os"
	"path/filepath"
	"testing"
	"time"

	"modernc.org/sqlite"

	"portal/store/storetest"
)

// In a bubble of fake time SQLite has to live in it too, so that leases lapse
// there. Outside of one this is the clock that it has anyway.
func init() {
	sqlite.MustRegisterScalarFunction("unixepoch", -1, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return float64(time.Now().UnixMilli()) / 1000, nil
	})
}

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// engines runs a test on a fresh database of each engine.
func engines(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, filepath.Join(t.TempDir(), "portal.db")) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, storetest.Postgres(t)) })
}
