// Package store is the portal's own memory: browser sessions, connect flows,
// what the portal remembers about meetings and people, and a few settings.
// SQLite by default, PostgreSQL by URL; both behave the same.
//
// It knows no HTTP and no GoTo, and opens nothing that auth sealed.
package store

import (
	"context"
	"time"

	"portal/auth"
	"portal/meetings"
)

type Store struct {
	auth.Store
	meetings.Memory
}

// Open opens and migrates the database: a file path for SQLite, or a
// postgres:// URL.
func Open(ctx context.Context, databaseURL string) (*Store, error) { panic("todo") }

// Close closes the database.
func (s *Store) Close() error { panic("todo") }

// Ping reports whether the database can be asked.
func (s *Store) Ping(ctx context.Context) error { panic("todo") }

// Mode marks the database as sandbox or real on first use and refuses the other.
func (s *Store) Mode(ctx context.Context, mode string) error { panic("todo") }

// Sweep deletes expired sessions and flows and returns how many.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int64, error) { panic("todo") }
