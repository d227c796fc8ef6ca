package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"portal/auth"
)

// CreateSession implements auth.Store.
func (s *Store) CreateSession(ctx context.Context, row auth.SessionRow, t auth.TokensRow, replaces string) error {
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if replaces != "" {
			if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE id_hash = $1", replaces); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO sessions (id_hash, user_ref, created, last_seen, idle_deadline, absolute_deadline,
				version, key_id, sealed, writes, browser, tokens_version, tokens_key_id, tokens_sealed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			row.IDHash, text(row.UserRef), millis(row.Created), millis(row.LastSeen), millis(row.IdleDeadline),
			millis(row.AbsoluteDeadline), row.Version, row.KeyID, row.Sealed, row.Writes, row.Browser,
			t.Version, t.KeyID, t.Sealed)
		return err
	})
	if err != nil {
		return fmt.Errorf("insert a session: %w", err)
	}
	return nil
}

// Session implements auth.Store.
func (s *Store) Session(ctx context.Context, idHash string) (auth.SessionRow, bool, error) {
	row := auth.SessionRow{IDHash: idHash}
	var created, lastSeen, idle, absolute int64
	ok, err := s.found(ctx, s.read, `
		SELECT user_ref, created, last_seen, idle_deadline, absolute_deadline, version, key_id, sealed, writes, browser
		FROM sessions WHERE id_hash = $1`, []any{idHash},
		&row.UserRef, &created, &lastSeen, &idle, &absolute, &row.Version, &row.KeyID, &row.Sealed, &row.Writes, &row.Browser)
	if err != nil || !ok {
		return auth.SessionRow{}, false, wrap("read a session", err)
	}
	row.Created, row.LastSeen = fromMillis(created), fromMillis(lastSeen)
	row.IdleDeadline, row.AbsoluteDeadline = fromMillis(idle), fromMillis(absolute)
	return row, true, nil
}

// SaveSession implements auth.Store.
func (s *Store) SaveSession(ctx context.Context, row auth.SessionRow, from int64) (bool, error) {
	n, err := s.exec(ctx, `
		UPDATE sessions SET version = $1, key_id = $2, sealed = $3, last_seen = $4, idle_deadline = $5
		WHERE id_hash = $6 AND version = $7`,
		row.Version, row.KeyID, row.Sealed, millis(row.LastSeen), millis(row.IdleDeadline), row.IDHash, from)
	return n == 1, wrap("write a session", err)
}

// TouchSession implements auth.Store.
func (s *Store) TouchSession(ctx context.Context, idHash string, lastSeen, idleDeadline time.Time) error {
	_, err := s.exec(ctx, "UPDATE sessions SET last_seen = $1, idle_deadline = $2 WHERE id_hash = $3 AND last_seen < $1",
		millis(lastSeen), millis(idleDeadline), idHash)
	return wrap("touch a session", err)
}

// CountWrite implements auth.Store. PostgreSQL locks the rows in one order, or
// two requests of one user could wait for each other.
func (s *Store) CountWrite(ctx context.Context, userRef, idHash string) (int64, error) {
	lock := ""
	if s.postgres {
		lock = "FOR UPDATE"
	}
	var own int64
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			UPDATE sessions SET writes = writes + 1 WHERE id_hash IN (
				SELECT id_hash FROM sessions WHERE user_ref = $1 ORDER BY id_hash `+lock+`)`, text(userRef))
		if err != nil {
			return err
		}
		err = tx.QueryRowContext(ctx, "SELECT writes FROM sessions WHERE id_hash = $1", idHash).Scan(&own)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return own, wrap("count a write", err)
}

// SessionTokens implements auth.Store.
func (s *Store) SessionTokens(ctx context.Context, idHash string) (auth.TokensRow, bool, error) {
	var t auth.TokensRow
	ok, err := s.found(ctx, s.read, "SELECT tokens_version, tokens_key_id, tokens_sealed FROM sessions WHERE id_hash = $1",
		[]any{idHash}, &t.Version, &t.KeyID, &t.Sealed)
	return t, ok, wrap("read a session's tokens", err)
}

// SwapTokens implements auth.Store.
func (s *Store) SwapTokens(ctx context.Context, idHash string, t auth.TokensRow, from int64) (bool, error) {
	n, err := s.exec(ctx, `
		UPDATE sessions SET tokens_version = $1, tokens_key_id = $2, tokens_sealed = $3
		WHERE id_hash = $4 AND tokens_version = $5`, t.Version, t.KeyID, t.Sealed, idHash, from)
	return n == 1, wrap("write a session's tokens", err)
}

// EndSession implements auth.Store.
func (s *Store) EndSession(ctx context.Context, idHash string, tokensVersion int64) (bool, error) {
	n, err := s.exec(ctx, "DELETE FROM sessions WHERE id_hash = $1 AND tokens_version = $2", idHash, tokensVersion)
	return n == 1, wrap("end a session", err)
}

// DeleteSession implements auth.Store.
func (s *Store) DeleteSession(ctx context.Context, idHash string) error {
	_, err := s.exec(ctx, "DELETE FROM sessions WHERE id_hash = $1", idHash)
	return wrap("delete a session", err)
}

// DeleteUserSessions implements auth.Store.
func (s *Store) DeleteUserSessions(ctx context.Context, userRef string) error {
	_, err := s.exec(ctx, "DELETE FROM sessions WHERE user_ref = $1", text(userRef))
	return wrap("delete a user's sessions", err)
}

// AddFlow implements auth.Store.
func (s *Store) AddFlow(ctx context.Context, f auth.FlowRow) error {
	_, err := s.exec(ctx, "INSERT INTO flows (state_hash, browser_hash, expires, key_id, sealed) VALUES ($1, $2, $3, $4, $5)",
		f.StateHash, f.BrowserHash, millis(f.Expires), f.KeyID, f.Sealed)
	return wrap("insert a flow", err)
}

// TakeFlow implements auth.Store.
func (s *Store) TakeFlow(ctx context.Context, stateHash, browserHash string, now time.Time) (auth.FlowRow, bool, error) {
	f := auth.FlowRow{StateHash: stateHash, BrowserHash: browserHash}
	var expires int64
	ok, err := s.found(ctx, s.write, `
		DELETE FROM flows WHERE state_hash = $1 AND browser_hash = $2
		RETURNING expires, key_id, sealed`, []any{stateHash, browserHash}, &expires, &f.KeyID, &f.Sealed)
	if err != nil || !ok || expires <= millis(now) {
		return auth.FlowRow{}, false, wrap("take a flow", err)
	}
	f.Expires = fromMillis(expires)
	return f, true, nil
}

// DropFlows implements auth.Store.
func (s *Store) DropFlows(ctx context.Context, browserHashes []string) error {
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, h := range browserHashes {
			if _, err := tx.ExecContext(ctx, "DELETE FROM flows WHERE browser_hash = $1", h); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("drop flows", err)
}

// AddDraft implements auth.Store.
func (s *Store) AddDraft(ctx context.Context, d auth.DraftRow, limit int) (bool, error) {
	var count int
	if _, err := s.found(ctx, s.read, "SELECT count(*) FROM drafts", nil, &count); err != nil || count >= limit {
		return false, wrap("count drafts", err)
	}
	_, err := s.exec(ctx, "INSERT INTO drafts (id_hash, expires, key_id, sealed) VALUES ($1, $2, $3, $4)", d.IDHash, millis(d.Expires), d.KeyID, d.Sealed)
	return err == nil, wrap("insert a draft", err)
}

// Draft implements auth.Store.
func (s *Store) Draft(ctx context.Context, idHash string) (auth.DraftRow, bool, error) {
	d := auth.DraftRow{IDHash: idHash}
	var expires int64
	ok, err := s.found(ctx, s.read, "SELECT expires, key_id, sealed FROM drafts WHERE id_hash = $1", []any{idHash}, &expires, &d.KeyID, &d.Sealed)
	d.Expires = fromMillis(expires)
	return d, ok, wrap("read a draft", err)
}

// DropDraft implements auth.Store.
func (s *Store) DropDraft(ctx context.Context, idHash string) error {
	_, err := s.exec(ctx, "DELETE FROM drafts WHERE id_hash = $1", idHash)
	return wrap("drop a draft", err)
}

// wrap says what was being done; nil stays nil.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
