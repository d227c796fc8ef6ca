package reports

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"portal/attendance"
	"portal/meetings"
)

// Attended is one session that somebody came to.
type Attended struct {
	Held
	Joins            int
	Minutes          int
	Share            float64   // of the session's actual length
	FirstIn, LastOut time.Time // UTC; zero when no row tells
	NoTime           bool      // nothing of it counts
}

// Somebody is a person and the sessions that they came to, oldest first.
type Somebody struct {
	Person
	Attended []Attended
}

// Find looks for somebody by name and e-mail, or by identity: whoever is called
// so, now or before somebody decided who it is. They are several when what is
// looked for was split.
func (r *Result) Find(id meetings.Identity, a attendance.Aliases) []Somebody {
	var list []Somebody
	at := map[meetings.Identity]int{}
	for i := range r.Sessions {
		presence, held := r.measure(i, a)
		for _, who := range presence.People {
			if !who.ID.Known() || !is(who, id) {
				continue
			}
			n, known := at[who.ID]
			if !known {
				n = len(list)
				at[who.ID] = n
				list = append(list, Somebody{Person: Person{ID: who.ID, Known: true}})
			}
			list[n].meet(who)
			list[n].Attended = append(list[n].Attended, Attended{
				Held: held, Joins: len(who.Joins), Minutes: attendance.WholeMinutes(who.Present), Share: who.Share,
				FirstIn: who.FirstIn, LastOut: who.LastOut, NoTime: len(who.Spans) == 0,
			})
		}
	}
	if n, exact := at[id]; exact {
		list = list[n : n+1]
	}
	for _, who := range list {
		slices.SortStableFunc(who.Attended, func(a, b Attended) int { return a.Start.Compare(b.Start) })
	}
	return inOrder(list, false, func(s Somebody) []key { return []key{spelled(s.Name), {text: string(s.ID)}} })
}

// is tells whether the person is called id, now or before somebody was joined
// into it.
func is(who attendance.Person, id meetings.Identity) bool {
	return who.ID == id || slices.ContainsFunc(who.Joins, func(j attendance.Join) bool {
		return attendance.IdentityOf(j.Name, j.Email) == id
	})
}

// Identity is who a name and an e-mail stand for.
func Identity(name, email string) meetings.Identity { return attendance.IdentityOf(name, email) }

// mostDirect is how many meetings one page reads one by one.
const mostDirect = 40

// Direct reads the caller's own sessions that started in [from, to), within a
// request. The calls are those of a report on them, but answers may be kept ones
// as the caller allows. False: that would be too many calls for a page.
func (s *Service) Direct(ctx context.Context, c meetings.Caller, from, to time.Time) (*Result, meetings.Seen, bool, error) {
	var held atomic.Int64
	g := gatherer{
		Meetings: s.cfg.Meetings, caller: c, most: mostDirect, step: func() {}, more: func(int) {},
		holds: func(rows int) bool { return held.Add(int64(rows)) <= mostHeld },
		ask:   func(ctx context.Context, call func(context.Context) error) error { return call(ctx) },
	}
	spans := windows(from, to)
	sessions, strays, err := g.organizer(ctx, "", spans)
	switch {
	case errors.Is(err, errManyMeetings), errors.Is(err, errTooMuch):
		return nil, meetings.Seen{}, false, nil
	case err != nil:
		return nil, meetings.Seen{}, false, fmt.Errorf("reading one's own sessions: %w", err)
	}
	r := &Result{Schema: resultSchema, Taken: g.seen.At}
	fits := r.add(meetings.Person{Key: c.UserKey, Name: c.Name, Email: c.Email}, sessions, strays)
	return r, g.seen, fits, nil
}
