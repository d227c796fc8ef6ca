package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"portal/meetings"
)

// AddDeed implements meetings.AuditLog.
func (s *Store) AddDeed(ctx context.Context, d meetings.Deed) error {
	search := strings.Join([]string{d.UserKey, d.User, d.Action, d.MeetingID, d.Subject, d.Outcome, d.RequestID}, "\n")
	_, err := s.exec(ctx, `
		INSERT INTO audit (entry, account_key, at, user_key, user_name, action, meeting_id, subject, outcome, request_id, search)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		fmt.Sprintf("%019d-%s", d.At.UnixNano(), rand.Text()), text(d.AccountKey), millis(d.At), text(d.UserKey), text(d.User), d.Action,
		text(d.MeetingID), text(d.Subject), d.Outcome, text(d.RequestID), text(strings.ToLower(search)))
	return wrap("write the audit log", err)
}

// likeText makes text stand for itself in a LIKE pattern.
var likeText = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// maxNeedle is longer than what an entry holds, and shorter than what SQLite
// takes as a pattern.
const maxNeedle = 4000

// Deeds implements meetings.AuditLog.
func (s *Store) Deeds(ctx context.Context, accountKey string, q meetings.DeedQuery) ([]meetings.Deed, int, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	needle := likeText.Replace(text(strings.ToLower(strings.TrimSpace(q.Text))))
	if len(needle) > maxNeedle {
		return nil, 0, nil
	}
	chosen, args := " FROM audit WHERE account_key = $1", []any{text(accountKey)}
	if needle != "" {
		chosen += ` AND search LIKE $2 ESCAPE '\'`
		args = append(args, "%"+needle+"%")
	}
	var total int
	count := fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1%s LIMIT %d) AS counted", chosen, meetings.MostDeeds+1) // #nosec G201 -- constants and a number
	if err := s.read.QueryRowContext(ctx, count, args...).Scan(&total); err != nil {
		return nil, 0, wrap("count the audit log", err)
	}
	limit, offset := meetings.MostDeeds, 0
	if !q.All {
		page, _ := meetings.Pages(min(total, meetings.MostDeeds), q.Page)
		limit, offset = meetings.PageSize, (page-1)*meetings.PageSize
	}
	query := fmt.Sprintf("SELECT at, account_key, user_key, user_name, action, meeting_id, subject, outcome, request_id%s ORDER BY entry DESC LIMIT %d OFFSET %d", chosen, limit, offset) // #nosec G201 -- constants and numbers
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, 0, wrap("read the audit log", err)
	}
	defer rows.Close()
	var list []meetings.Deed
	for rows.Next() {
		var d meetings.Deed
		var at int64
		if err := rows.Scan(&at, &d.AccountKey, &d.UserKey, &d.User, &d.Action, &d.MeetingID, &d.Subject, &d.Outcome, &d.RequestID); err != nil {
			return nil, 0, wrap("read the audit log", err)
		}
		d.At = fromMillis(at)
		list = append(list, d)
	}
	return list, total, wrap("read the audit log", rows.Err())
}
