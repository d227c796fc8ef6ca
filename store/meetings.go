package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"time"

	"portal/meetings"
)

// Remember implements meetings.Memory.
func (s *Store) Remember(ctx context.Context, accountKey string, r meetings.Remembered) error {
	_, err := s.exec(ctx, `
		INSERT INTO remembered_meetings (account_key, meeting_id, audio, audio_text, join_url)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account_key, meeting_id) DO UPDATE
		SET audio = excluded.audio, audio_text = excluded.audio_text,
		    join_url = CASE excluded.join_url WHEN '' THEN remembered_meetings.join_url ELSE excluded.join_url END`,
		text(accountKey), text(r.MeetingID), text(r.Audio), text(r.AudioText), text(r.JoinURL))
	return wrap("remember a meeting", err)
}

// Recall implements meetings.Memory.
func (s *Store) Recall(ctx context.Context, accountKey, meetingID string) (meetings.Remembered, bool, error) {
	r := meetings.Remembered{MeetingID: meetingID}
	ok, err := s.found(ctx, s.read, `
		SELECT audio, audio_text, join_url FROM remembered_meetings WHERE account_key = $1 AND meeting_id = $2`,
		[]any{text(accountKey), text(meetingID)}, &r.Audio, &r.AudioText, &r.JoinURL)
	if err != nil || !ok {
		return meetings.Remembered{}, false, wrap("recall a meeting", err)
	}
	return r, true, nil
}

// Forget implements meetings.Memory.
func (s *Store) Forget(ctx context.Context, accountKey, meetingID string) error {
	_, err := s.exec(ctx, "DELETE FROM remembered_meetings WHERE account_key = $1 AND meeting_id = $2",
		text(accountKey), text(meetingID))
	return wrap("forget a meeting", err)
}

// BeginCreate implements meetings.Memory.
func (s *Store) BeginCreate(ctx context.Context, i meetings.Intent, orphaned time.Time) (meetings.Intent, bool, error) {
	begun, err := s.found(ctx, s.write, `
		INSERT INTO creates (intent_key, begun, state, meeting_id) VALUES ($1, $2, $3, '')
		ON CONFLICT (intent_key) DO UPDATE
		SET begun = excluded.begun,
		    state = CASE creates.state WHEN 'failed' THEN excluded.state WHEN 'unsure' THEN 'again' ELSE 'look' END
		WHERE creates.state IN ('failed', 'unsure', 'lost') OR creates.state <> 'made' AND creates.begun <= $4
		RETURNING state`,
		[]any{text(i.Key), millis(i.Begun), i.State, millis(orphaned)}, &i.State)
	if err != nil || begun {
		return i, begun, wrap("begin a create", err)
	}
	kept := meetings.Intent{Key: i.Key}
	var at int64
	ok, err := s.found(ctx, s.write, "SELECT begun, state, meeting_id FROM creates WHERE intent_key = $1", []any{text(i.Key)}, &at, &kept.State, &kept.MeetingID)
	if err == nil && !ok {
		err = sql.ErrNoRows // swept this moment
	}
	kept.Begun = fromMillis(at)
	return kept, false, wrap("read a create", err)
}

// EndCreate implements meetings.Memory.
func (s *Store) EndCreate(ctx context.Context, key, state, meetingID string) error {
	_, err := s.exec(ctx, "UPDATE creates SET state = $1, meeting_id = $2 WHERE intent_key = $3 AND state <> 'made'", state, text(meetingID), text(key))
	return wrap("end a create", err)
}

// keepsName tells in SQL, as learned does in Go, whether what is said of a
// person leaves the name as it is.
const keepsName = `(excluded.name = '' OR excluded.given > known_people.given AND known_people.name <> '')`

// Learn implements meetings.Memory. What is not new is found out by reading,
// which is cheap, so that listing the same people again writes nothing.
func (s *Store) Learn(ctx context.Context, accountKey string, people []meetings.Known) error {
	known, err := s.Known(ctx, accountKey)
	if err != nil {
		return err
	}
	news := changed(known, people)
	if len(news) == 0 {
		return nil
	}
	err = s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, p := range news {
			// The condition holds against writers between reading and here.
			_, err := tx.ExecContext(ctx, `
				INSERT INTO known_people (account_key, user_key, name, email, given) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (account_key, user_key) DO UPDATE
				SET name = CASE WHEN `+keepsName+` THEN known_people.name ELSE excluded.name END,
				    given = CASE WHEN `+keepsName+` THEN known_people.given ELSE excluded.given END,
				    email = CASE WHEN excluded.email = '' THEN known_people.email ELSE excluded.email END`,
				text(accountKey), p.Key, p.Name, p.Email, flag(p.Given))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("learn people", err)
}

// changed returns which of the people, if learned, would change what is known,
// one entry a key and in the order of keys: two writers that take rows in the
// same order do not wait for each other in a circle.
func changed(known, people []meetings.Known) []meetings.Known {
	have := make(map[string]meetings.Known, len(known))
	for _, k := range known {
		have[k.Key] = k
	}
	news := map[string]meetings.Known{}
	for _, p := range people {
		p.Key, p.Name, p.Email = text(p.Key), text(p.Name), text(p.Email)
		old, ok := have[p.Key]
		if p.Key == "" || ok && learned(old, p) == old {
			continue
		}
		have[p.Key] = learned(old, p)
		news[p.Key] = have[p.Key]
	}
	sorted := make([]meetings.Known, 0, len(news))
	for _, p := range news {
		sorted = append(sorted, p)
	}
	slices.SortFunc(sorted, func(a, b meetings.Known) int { return strings.Compare(a.Key, b.Key) })
	return sorted
}

// learned returns what is known of a person after news of them: a name that
// GoTo told outweighs a given one, and nothing said leaves what was known.
func learned(old, news meetings.Known) meetings.Known {
	if news.Name == "" || news.Given && !old.Given && old.Name != "" {
		news.Name, news.Given = old.Name, old.Given
	}
	if news.Email == "" {
		news.Email = old.Email
	}
	return news
}

// Known implements meetings.Memory.
func (s *Store) Known(ctx context.Context, accountKey string) ([]meetings.Known, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	return s.people(ctx, "SELECT user_key, name, email, given FROM known_people WHERE account_key = $1", text(accountKey))
}

// Meet implements meetings.Memory. As Learn does, it reads first.
func (s *Store) Meet(ctx context.Context, accountKey, viewerKey string, keys []string) error {
	met, err := s.Met(ctx, accountKey, viewerKey)
	if err != nil {
		return err
	}
	news := map[string]bool{}
	for _, key := range keys {
		if key = text(key); key != "" {
			news[key] = true
		}
	}
	for _, m := range met {
		delete(news, m.Key)
	}
	if len(news) == 0 {
		return nil
	}
	err = s.transact(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, key := range slices.Sorted(maps.Keys(news)) {
			_, err := tx.ExecContext(ctx, `
				INSERT INTO met_people (account_key, viewer_key, user_key) VALUES ($1, $2, $3)
				ON CONFLICT (account_key, viewer_key, user_key) DO NOTHING`,
				text(accountKey), text(viewerKey), key)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("note who was met", err)
}

// Met implements meetings.Memory.
func (s *Store) Met(ctx context.Context, accountKey, viewerKey string) ([]meetings.Known, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	return s.people(ctx, `
		SELECT m.user_key, COALESCE(k.name, ''), COALESCE(k.email, ''), COALESCE(k.given, 0)
		FROM met_people m LEFT JOIN known_people k ON k.account_key = m.account_key AND k.user_key = m.user_key
		WHERE m.account_key = $1 AND m.viewer_key = $2`, text(accountKey), text(viewerKey))
}

// people reads entries of the address book, by name.
func (s *Store) people(ctx context.Context, query string, args ...any) ([]meetings.Known, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap("read the address book", err)
	}
	defer rows.Close()
	var people []meetings.Known
	for rows.Next() {
		var p meetings.Known
		var given int64
		if err := rows.Scan(&p.Key, &p.Name, &p.Email, &given); err != nil {
			return nil, wrap("read the address book", err)
		}
		p.Given = given != 0
		people = append(people, p)
	}
	if err := rows.Err(); err != nil {
		return nil, wrap("read the address book", err)
	}
	// Sorted here, since the two engines do not agree on the order of text.
	slices.SortFunc(people, byName)
	return people, nil
}

func byName(a, b meetings.Known) int {
	if c := strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)); c != 0 {
		return c
	}
	return strings.Compare(a.Key, b.Key)
}
