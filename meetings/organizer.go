package meetings

import (
	"context"
	"fmt"
	"time"

	"portal/attendance"
	"portal/gotomeeting"
)

// OrganizerAttendees reads who came to the sessions of an organizer, "" for the
// caller's own, that started in [from, to), by meeting in GoTo's order. It is
// one call per window. GoTo grants it to account admins alone.
func (s *Service) OrganizerAttendees(ctx context.Context, c Caller, organizer string, from, to time.Time) ([]Attendance, Seen, error) {
	if organizer == "" {
		organizer = c.UserKey
	}
	if organizer != c.UserKey && !c.Admin {
		return nil, Seen{}, notAdmin("attendees of an organizer")
	}
	question := fmt.Sprint("attendees of ", organizer, " ", from.Unix(), " ", to.Unix())
	rows, seen, err := read(ctx, s, c, pastDeadline, question, func(ctx context.Context) ([]gotomeeting.Join, error) {
		return s.goTo.OrganizerAttendees(ctx, c.Tokens, organizer, from, to)
	})
	if err != nil {
		return nil, Seen{}, fmt.Errorf("reading attendees of an organizer: %w", err)
	}
	joins, at := map[string][]Join{}, map[string]int{}
	var list []Attendance
	for _, r := range rows {
		if r.Start.Before(from) && !r.Start.IsZero() || !r.Start.Before(to) {
			continue
		}
		if _, known := at[r.MeetingID]; !known {
			at[r.MeetingID] = len(list)
			list = append(list, Attendance{MeetingID: r.MeetingID, Subject: r.Subject})
		}
		joins[r.MeetingID] = append(joins[r.MeetingID], joinOf(r))
	}
	for i := range list {
		list[i].Occurrences = attendance.Occurrences(joins[list[i].MeetingID])
	}
	return list, seen, nil
}
