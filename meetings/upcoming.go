package meetings

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"portal/gotomeeting"
)

// PageSize is the number of rows on a page of a list.
const PageSize = 50

// Upcoming returns the meetings of an organizer in start order: the caller's
// own when organizer is "", another's for an admin. It is one call to GoTo.
func (s *Service) Upcoming(ctx context.Context, c Caller, organizer string) ([]Meeting, Seen, error) {
	if organizer == c.UserKey {
		organizer = ""
	}
	if organizer != "" && !c.Admin {
		return nil, Seen{}, notAdmin("upcoming meetings")
	}
	rows, seen, err := s.upcoming(ctx, c, organizer)
	if err != nil {
		return nil, Seen{}, fmt.Errorf("reading upcoming meetings: %w", err)
	}
	list := make([]Meeting, 0, len(rows))
	for _, row := range rows {
		m := Meeting{
			ID: row.ID, Subject: row.Subject, Start: row.Start, End: row.End, Type: row.Type, Running: row.Running,
			PasswordRequired: row.PasswordRequired, DialIn: row.ConferenceCallInfo, JoinURL: s.joinBase + row.ID,
			Organizer: rowOrganizer(row.OrganizerKey, row.OrganizerFirstName, row.OrganizerLastName, row.OrganizerEmail),
		}
		if organizer != "" {
			m.Access = Watched
		}
		list = append(list, m)
	}
	slices.SortStableFunc(list, func(a, b Meeting) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.ID, b.ID))
	})
	return list, seen, nil
}

// upcoming returns GoTo's rows, and learns the organizers' names from them.
func (s *Service) upcoming(ctx context.Context, c Caller, organizer string) ([]gotomeeting.Meeting, Seen, error) {
	return read(ctx, s, c, readDeadline, "upcoming "+organizer, func(ctx context.Context) ([]gotomeeting.Meeting, error) {
		rows, err := s.goTo.Upcoming(ctx, c.Tokens, organizer)
		learned := map[string]Known{}
		for _, row := range rows {
			o := rowOrganizer(row.OrganizerKey, row.OrganizerFirstName, row.OrganizerLastName, row.OrganizerEmail)
			learned[o.Key] = Known{Key: o.Key, Name: o.Name, Email: o.Email}
		}
		s.learn(ctx, c, learned)
		return rows, err
	})
}

// lately is how old an answer may be that tells what runs now.
const lately = 5 * time.Minute

// RunningLately returns the organizer's meetings that ran when the list of
// upcoming ones was last read, as far as that was lately. It asks nobody.
func (s *Service) RunningLately(c Caller, organizer string) []Meeting {
	if organizer == c.UserKey {
		organizer = ""
	}
	rows, _ := kept[[]gotomeeting.Meeting](s, c, lately, "upcoming "+organizer)
	var list []Meeting
	for _, row := range rows {
		if row.Running {
			list = append(list, Meeting{ID: row.ID, Subject: row.Subject, Start: row.Start, End: row.End, Type: row.Type, Running: true})
		}
	}
	return list
}

// UpcomingQuery chooses and orders rows of the upcoming list.
type UpcomingQuery struct {
	Text   string // in subject, meeting id, organizer's name, e-mail or key
	Type   string // scheduled, recurring, immediate; "" any
	Status string // active, inactive; "" any
	Sort   string // a column key; "" what runs, then by start, then rooms
	Desc   bool
}

// Known returns q without what names nothing, as Apply reads it: an unknown
// type, status or column is as good as none.
func (q UpcomingQuery) Known() UpcomingQuery {
	if q.Type != Scheduled && q.Type != Recurring && q.Type != Immediate {
		q.Type = ""
	}
	if q.Status != "active" && q.Status != "inactive" {
		q.Status = ""
	}
	if upcomingOrder(q.Sort) == nil {
		q.Sort = ""
	}
	return q
}

// Apply returns the rows that q asks for, in its order, as a new slice.
func (q UpcomingQuery) Apply(list []Meeting) []Meeting {
	q = q.Known()
	needle := fold(q.Text)
	idNeedle, isID := ParseID(q.Text)
	out := make([]Meeting, 0, len(list))
	for _, m := range list {
		if q.Type != "" && m.Type != q.Type ||
			q.Status == "active" && !m.Running || q.Status == "inactive" && m.Running {
			continue
		}
		if needle != "" && !contains(needle, m.Subject, m.ID, m.Organizer.Name, m.Organizer.Email, m.Organizer.Key) &&
			!(isID && strings.Contains(m.ID, idNeedle)) {
			continue
		}
		out = append(out, m)
	}
	sortRows(out, upcomingOrder(q.Sort), q.Desc)
	if q.Sort == "" {
		slices.SortStableFunc(out, func(a, b Meeting) int { return cmp.Compare(part(a), part(b)) })
	}
	return out
}

// upcomingOrder is how a column's rows compare; nil for no column.
func upcomingOrder(column string) func(a, b Meeting) int {
	switch column {
	case "subject":
		return func(a, b Meeting) int { return strings.Compare(fold(a.Subject), fold(b.Subject)) }
	case "meeting_id":
		return func(a, b Meeting) int { return compareDigits(a.ID, b.ID) }
	case "", "start":
		return func(a, b Meeting) int { return a.Start.Compare(b.Start) }
	case "end":
		return func(a, b Meeting) int { return a.End.Compare(b.End) }
	case "minutes":
		return func(a, b Meeting) int { return cmp.Compare(a.Length(), b.Length()) }
	case "type":
		return func(a, b Meeting) int { return strings.Compare(a.Type, b.Type) }
	case "status":
		return func(a, b Meeting) int { return compareBool(b.Running, a.Running) }
	case "organizer":
		return func(a, b Meeting) int { return strings.Compare(fold(a.Organizer.Name), fold(b.Organizer.Name)) }
	case "organizer_key":
		return func(a, b Meeting) int { return compareDigits(a.Organizer.Key, b.Organizer.Key) }
	}
	return nil
}

// part tells the parts of the list apart: what runs, what has a date, the rest.
func part(m Meeting) int {
	switch {
	case m.Running:
		return 0
	case m.Timeless():
		return 2
	}
	return 1
}

// sortRows sorts in place and stably; a nil order leaves the rows as they are,
// reversed when desc.
func sortRows[T any](rows []T, by func(a, b T) int, desc bool) {
	if by == nil {
		if desc {
			slices.Reverse(rows)
		}
		return
	}
	slices.SortStableFunc(rows, func(a, b T) int {
		if desc {
			return by(b, a)
		}
		return by(a, b)
	})
}

// Page cuts page number n out of rows, as Pages knows it.
func Page[T any](rows []T, n int) (cut []T, page, pages int) {
	page, pages = Pages(len(rows), n)
	return rows[(page-1)*PageSize : min(page*PageSize, len(rows))], page, pages
}

// Pages returns which page of so many rows is meant by n: it counts from 1,
// and an unknown page is the first. pages is at least 1.
func Pages(rows, n int) (page, pages int) {
	pages = max(1, (rows+PageSize-1)/PageSize)
	if n < 1 || n > pages {
		n = 1
	}
	return n, pages
}

// Next returns the meeting to show first: one that runs now, else the
// earliest that is not over. Rooms without a date do not count.
func Next(list []Meeting, now time.Time) (Meeting, bool) {
	best, found := Meeting{}, false
	for _, m := range list {
		switch {
		case m.Running && (!found || !best.Running):
			best, found = m, true
		case best.Running || m.Type == Recurring || !m.End.After(now):
		case !found || m.Start.Before(best.Start):
			best, found = m, true
		}
	}
	return best, found
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func contains(needle string, in ...string) bool {
	for _, s := range in {
		if strings.Contains(strings.ToLower(s), needle) {
			return true
		}
	}
	return false
}

func compareDigits(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
