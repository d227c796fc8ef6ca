package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"portal/auth"
)

// CreateSession implements auth.Store.
func (s *Store) CreateSession(ctx context.Context, row auth.SessionRow, t auth.TokensRow, replaces string, keep int) error {
	err := s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if replaces != "" {
			if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE id_hash = $1", replaces); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `
			DELETE FROM sessions WHERE user_ref = $1 AND id_hash NOT IN (
				SELECT id_hash FROM sessions WHERE user_ref = $1 ORDER BY last_seen DESC, id_hash LIMIT $2)`, text(row.UserRef), keep)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
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
		if _, err := tx.ExecContext(ctx, "UPDATE feeds SET writes = writes + 1 WHERE user_ref = $1", text(userRef)); err != nil {
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

// inTables writes a statement for the tables of a grant: that of its row, and
// that of its lease. What is put in are constants.
func inTables(g auth.Grant, statement string) string {
	if g.Feed {
		return strings.NewReplacer("ROWS", "feeds", "LEASES", "feed_leases").Replace(statement)
	}
	return strings.NewReplacer("ROWS", "sessions", "LEASES", "refresh_leases").Replace(statement)
}

// Tokens implements auth.Store.
func (s *Store) Tokens(ctx context.Context, g auth.Grant) (auth.TokensRow, bool, error) {
	var t auth.TokensRow
	ok, err := s.found(ctx, s.read, inTables(g, "SELECT tokens_version, tokens_key_id, tokens_sealed FROM ROWS WHERE id_hash = $1"),
		[]any{g.IDHash}, &t.Version, &t.KeyID, &t.Sealed)
	return t, ok && len(t.Sealed) > 0, wrap("read a grant's tokens", err)
}

// holds is true where a lease is still its holder's.
const holds = "EXISTS (SELECT 1 FROM LEASES l WHERE l.id_hash = $1 AND l.holder = $2 AND l.fence = $3)"

// TakeLease implements auth.Store.
func (s *Store) TakeLease(ctx context.Context, g auth.Grant, holder string, ttl time.Duration) (auth.Lease, bool, error) {
	l := auth.Lease{Grant: g, Holder: holder}
	ok, err := s.found(ctx, s.write, inTables(g, `
		INSERT INTO LEASES (id_hash, holder, fence, expires)
		SELECT id_hash, $2, 1, `+s.clock+` + $3 FROM ROWS WHERE id_hash = $1
		ON CONFLICT (id_hash) DO UPDATE
		SET holder = excluded.holder, fence = LEASES.fence + 1, expires = excluded.expires
		WHERE LEASES.expires <= `+s.clock+` OR LEASES.holder = excluded.holder
		RETURNING fence`), []any{g.IDHash, holder, ttl.Milliseconds()}, &l.Fence)
	return l, ok, wrap("take a lease", err)
}

// RenewLease implements auth.Store.
func (s *Store) RenewLease(ctx context.Context, l auth.Lease, ttl time.Duration) (bool, error) {
	n, err := s.exec(ctx, inTables(l.Grant, "UPDATE LEASES SET expires = "+s.clock+" + $4 WHERE id_hash = $1 AND holder = $2 AND fence = $3"),
		l.IDHash, l.Holder, l.Fence, ttl.Milliseconds())
	return n == 1, wrap("renew a lease", err)
}

// DropLease implements auth.Store.
func (s *Store) DropLease(ctx context.Context, l auth.Lease) error {
	_, err := s.exec(ctx, inTables(l.Grant, "DELETE FROM LEASES WHERE id_hash = $1 AND holder = $2 AND fence = $3"), l.IDHash, l.Holder, l.Fence)
	return wrap("drop a lease", err)
}

// SwapTokens implements auth.Store.
func (s *Store) SwapTokens(ctx context.Context, l auth.Lease, t auth.TokensRow, from int64) (bool, error) {
	n, err := s.exec(ctx, inTables(l.Grant, `
		UPDATE ROWS SET tokens_version = $4, tokens_key_id = $5, tokens_sealed = $6
		WHERE id_hash = $1 AND tokens_version = $7 AND `+holds),
		l.IDHash, l.Holder, l.Fence, t.Version, t.KeyID, t.Sealed, from)
	return n == 1, wrap("write a grant's tokens", err)
}

// EndGrant implements auth.Store.
func (s *Store) EndGrant(ctx context.Context, l auth.Lease, tokensVersion int64) (bool, error) {
	statement, args := "DELETE FROM ROWS", []any{l.IDHash, l.Holder, l.Fence, tokensVersion}
	if l.Feed {
		statement, args = "UPDATE ROWS SET tokens_version = tokens_version + 1, tokens_sealed = $5", append(args, blob(nil))
	}
	n, err := s.exec(ctx, inTables(l.Grant, statement+" WHERE id_hash = $1 AND tokens_version = $4 AND "+holds), args...)
	return n == 1, wrap("end a grant", err)
}

// DeleteSession implements auth.Store.
func (s *Store) DeleteSession(ctx context.Context, idHash string) error {
	_, err := s.exec(ctx, "DELETE FROM sessions WHERE id_hash = $1", idHash)
	return wrap("delete a session", err)
}

// UserSessions implements auth.Store.
func (s *Store) UserSessions(ctx context.Context, userRef string) ([]auth.SessionRow, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `
		SELECT id_hash, user_ref, created, last_seen, idle_deadline, absolute_deadline, version, key_id, writes, browser
		FROM sessions WHERE user_ref = $1 ORDER BY last_seen DESC, id_hash`, text(userRef))
	if err != nil {
		return nil, wrap("list a user's sessions", err)
	}
	defer rows.Close()
	var list []auth.SessionRow
	for rows.Next() {
		var row auth.SessionRow
		var created, lastSeen, idle, absolute int64
		if err := rows.Scan(&row.IDHash, &row.UserRef, &created, &lastSeen, &idle, &absolute, &row.Version, &row.KeyID, &row.Writes, &row.Browser); err != nil {
			return nil, wrap("list a user's sessions", err)
		}
		row.Created, row.LastSeen = fromMillis(created), fromMillis(lastSeen)
		row.IdleDeadline, row.AbsoluteDeadline = fromMillis(idle), fromMillis(absolute)
		list = append(list, row)
	}
	return list, wrap("list a user's sessions", rows.Err())
}

// DeleteUserSession implements auth.Store.
func (s *Store) DeleteUserSession(ctx context.Context, userRef, idHash string) (bool, error) {
	n, err := s.exec(ctx, "DELETE FROM sessions WHERE id_hash = $1 AND user_ref = $2", idHash, text(userRef))
	return n == 1, wrap("delete a user's session", err)
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

// AddDraft implements auth.Store. Too many go one at a time, so that no two
// requests wait for each other's rows.
func (s *Store) AddDraft(ctx context.Context, d auth.DraftRow, limit int) error {
	var count int
	if _, err := s.found(ctx, s.read, "SELECT count(*) FROM drafts", nil, &count); err != nil {
		return wrap("count drafts", err)
	}
	for range count - limit + 1 {
		if _, err := s.exec(ctx, "DELETE FROM drafts WHERE id_hash = (SELECT id_hash FROM drafts ORDER BY expires, id_hash LIMIT 1)"); err != nil {
			return wrap("drop the oldest draft", err)
		}
	}
	_, err := s.exec(ctx, "INSERT INTO drafts (id_hash, expires, key_id, sealed) VALUES ($1, $2, $3, $4)", d.IDHash, millis(d.Expires), d.KeyID, d.Sealed)
	return wrap("insert a draft", err)
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
