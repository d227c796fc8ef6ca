package store

import (
	"context"

	"portal/meetings"
)

// AddAlias implements meetings.Memory.
func (s *Store) AddAlias(ctx context.Context, owner string, a meetings.Alias) (bool, error) {
	n, err := s.exec(ctx, `
		INSERT INTO aliases (owner, seq, id, kind, person, joined_into, person_label, into_label, user_key, user_name, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT DO NOTHING`,
		text(owner), a.Seq, text(a.ID), string(a.Kind), text(string(a.Person)), text(string(a.Into)), text(a.PersonLabel), text(a.IntoLabel),
		text(a.ByKey), text(a.By), millis(a.At))
	return n == 1, wrap("keep who is who", err)
}

// DropAlias implements meetings.Memory.
func (s *Store) DropAlias(ctx context.Context, owner, id string) (bool, error) {
	n, err := s.exec(ctx, "DELETE FROM aliases WHERE owner = $1 AND id = $2", text(owner), text(id))
	return n == 1, wrap("forget who is who", err)
}

// Aliases implements meetings.Memory.
func (s *Store) Aliases(ctx context.Context, owner string) ([]meetings.Alias, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `
		SELECT seq, id, kind, person, joined_into, person_label, into_label, user_key, user_name, at
		FROM aliases WHERE owner = $1 ORDER BY seq`, text(owner))
	if err != nil {
		return nil, wrap("read who is who", err)
	}
	defer rows.Close()
	var list []meetings.Alias
	for rows.Next() {
		var a meetings.Alias
		var kind, person, into string
		var at int64
		if err := rows.Scan(&a.Seq, &a.ID, &kind, &person, &into, &a.PersonLabel, &a.IntoLabel, &a.ByKey, &a.By, &at); err != nil {
			return nil, wrap("read who is who", err)
		}
		a.Kind, a.Person, a.Into = meetings.AliasKind(kind), meetings.Identity(person), meetings.Identity(into)
		a.At = fromMillis(at)
		list = append(list, a)
	}
	return list, wrap("read who is who", rows.Err())
}
