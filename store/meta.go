package store

import (
	"context"
	"database/sql"
	"fmt"
)

const metaMode = "store.mode"

// Meta returns the value of a name; false when there is none.
func (s *Store) Meta(ctx context.Context, name string) ([]byte, bool, error) {
	var value []byte
	ok, err := s.found(ctx, s.read, "SELECT value FROM meta WHERE name = $1", []any{name}, &value)
	return value, ok, wrap("read "+name, err)
}

// PutMeta inserts or replaces the value of a name.
func (s *Store) PutMeta(ctx context.Context, name string, value []byte) error {
	_, err := s.exec(ctx, `
		INSERT INTO meta (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return wrap("write "+name, err)
}

// PutMetaOnce gives a name its value unless it has one, and returns the value
// that stands. Of several callers at once, all get the same.
func (s *Store) PutMetaOnce(ctx context.Context, name string, value []byte) ([]byte, error) {
	// Most calls find the value there and write nothing.
	standing, ok, err := s.Meta(ctx, name)
	if err != nil || ok {
		return standing, err
	}
	err = s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, value)
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = $1", name).Scan(&standing)
	})
	return standing, wrap("write "+name, err)
}

// Mode marks a fresh database as one of mode ("sandbox" or "real"), and refuses
// a database that was used in the other mode: made-up meetings and real ones
// must not meet.
func (s *Store) Mode(ctx context.Context, mode string) error {
	standing, err := s.PutMetaOnce(ctx, metaMode, []byte(mode))
	if err != nil {
		return err
	}
	if string(standing) != mode {
		return fmt.Errorf("this database was used in %s mode and is refused in %s mode: point DATABASE_URL at another one",
			standing, mode)
	}
	return nil
}
