package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres opens a pool of connections to PostgreSQL. The URL may hold a
// password, so it appears in no error of ours, and the driver leaves it out.
func openPostgres(ctx context.Context, databaseURL string) (*Store, error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return nil, errors.New("DATABASE_URL is not understood: postgres://USER:PASSWORD@HOST:PORT/DATABASE is its form")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = deadline
	}
	// A commit that was acknowledged survives a power cut whatever the
	// server's default: it may hold the only copy of a rotated token.
	config.RuntimeParams["synchronous_commit"] = "on"
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(8)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s := &Store{read: db, write: db, postgres: true, clock: "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the PostgreSQL database %q on %s as %q: %w",
			config.Database, config.Host, config.User, err), db.Close())
	}
	return s, nil
}
