package reports

import (
	"cmp"
	"slices"
	"time"

	"portal/attendance"
	"portal/meetings"
)

// Figures are what a report says. Minutes are whole: totals add up what is
// shown, so that each table's column and the figure above it are the same.
type Figures struct {
	Held       []Held      // sessions, oldest first
	People     []Person    // by name
	Organizers []Organizer // by name
	Weeks      []Week      // of the whole range, oldest first
	Series     []Series    // sessions by meeting id, by subject
	Minutes    int         // that sessions took
	Attended   int         // minutes that people were there
	Visits     int         // people of each session, added up
	Decisions  []attendance.Decision
}

// Held is one session.
type Held struct {
	MeetingID, SessionID string
	Subject, Type        string
	Start, End           time.Time // UTC
	Minutes              int       // GoTo's own length
	Told                 int       // people as GoTo counts them
	People               int
	Attended             int // minutes that they were there
	Organizer            meetings.Person
}

// Person is somebody who came.
type Person struct {
	ID          meetings.Identity
	Known       bool // the identity means the same person in every meeting
	Name, Email string
	Meetings    int // sessions
	Minutes     int
	First, Last time.Time // seen, UTC; zero when no row tells
}

// Organizer is one organizer's part.
type Organizer struct {
	meetings.Person
	Meetings int // sessions
	Minutes  int
	People   int // different ones
	Visits   int
	Attended int
	Last     time.Time // when the last session began, UTC; zero: there is none
}

// Week is Monday to Sunday by the reader's clock.
type Week struct {
	Start    time.Time // Monday, in the reader's zone
	Meetings int       // sessions that began in it
	Minutes  int
	People   int // different ones
	Visits   int
	Attended int
}

// Series is a meeting with all its sessions.
type Series struct {
	MeetingID string
	Subject   string // the last one
	Organizer meetings.Person
	Meetings  int // sessions
	Visits    int
	Last      time.Time
}

// Average is how many people a session had.
func (s Series) Average() float64 { return float64(s.Visits) / float64(max(1, s.Meetings)) }

// Figures makes them of what was read, by what is decided about who is who.
// Weeks are cut by loc's calendar over [from, to).
func (r *Result) Figures(a attendance.Aliases, loc *time.Location, from, to time.Time) Figures {
	f := Figures{Weeks: weeks(from, to, loc)}
	for _, p := range r.Organizers {
		f.Organizers = append(f.Organizers, Organizer{Person: p})
	}
	people, series := map[meetings.Identity]int{}, map[string]int{}
	perOrganizer, perWeek := make([]map[int]bool, len(f.Organizers)), make([]map[int]bool, len(f.Weeks)) // people by index
	decided := map[string]bool{}
	for i, s := range r.Sessions {
		p, h := r.measure(i, a)
		f.Held = append(f.Held, h)
		f.Minutes += h.Minutes
		f.Attended += h.Attended
		f.Visits += h.People

		o := &f.Organizers[s.Organizer]
		o.Meetings, o.Minutes, o.Visits, o.Attended = o.Meetings+1, o.Minutes+h.Minutes, o.Visits+h.People, o.Attended+h.Attended
		if h.Start.After(o.Last) {
			o.Last = h.Start
		}
		week := weekOf(f.Weeks, h.Start)
		if week >= 0 {
			w := &f.Weeks[week]
			w.Meetings, w.Minutes, w.Visits, w.Attended = w.Meetings+1, w.Minutes+h.Minutes, w.Visits+h.People, w.Attended+h.Attended
		}
		n, known := series[h.MeetingID]
		if !known {
			n = len(f.Series)
			series[h.MeetingID] = n
			f.Series = append(f.Series, Series{MeetingID: h.MeetingID, Organizer: h.Organizer})
		}
		m := &f.Series[n]
		m.Meetings, m.Visits = m.Meetings+1, m.Visits+h.People
		if !h.Start.Before(m.Last) {
			m.Last, m.Subject = h.Start, h.Subject
		}

		for _, who := range p.People {
			n, known := people[who.ID]
			if !known || !who.ID.Known() { // who has neither name nor address is nobody else's
				n = len(f.People)
				people[who.ID] = n
				f.People = append(f.People, Person{ID: who.ID, Known: who.ID.Known()})
			}
			f.People[n].meet(who)
			mark(&perOrganizer[s.Organizer], n)
			if week >= 0 {
				mark(&perWeek[week], n)
			}
			for _, d := range who.Decisions {
				if !decided[d.ID] {
					decided[d.ID] = true
					f.Decisions = append(f.Decisions, d)
				}
			}
		}
	}
	for i := range f.Organizers {
		f.Organizers[i].People = len(perOrganizer[i])
	}
	for i := range f.Weeks {
		f.Weeks[i].People = len(perWeek[i])
	}
	inOrder(f.Held, false, func(h Held) []key { return []key{instant(h.Start), {text: h.SessionID}} })
	inOrder(f.People, false, func(p Person) []key { return []key{spelled(p.Name), spelled(p.Email), {text: string(p.ID)}} })
	inOrder(f.Organizers, false, func(o Organizer) []key { return []key{spelled(o.Label())} })
	inOrder(f.Series, false, func(m Series) []key { return []key{spelled(m.Subject), {text: m.MeetingID}} })
	return f
}

// measure tells who was in a session, and says it short.
func (r *Result) measure(i int, a attendance.Aliases) (attendance.Presence, Held) {
	s := r.Sessions[i]
	h := Held{
		MeetingID: s.Meeting, SessionID: s.Session, Subject: s.Subject, Type: s.Type, Start: moment(s.Start), End: moment(s.End),
		Minutes: s.Minutes, Told: s.Told, Organizer: r.Organizers[s.Organizer],
	}
	p := attendance.Measure(r.occurrence(s), attendance.Terms{Aliases: a, Taken: r.Taken})
	h.People = len(p.People)
	for _, who := range p.People {
		h.Attended += attendance.WholeMinutes(who.Present)
	}
	return p, h
}

// meet counts one session that the person came to.
func (p *Person) meet(who attendance.Person) {
	p.Name, p.Email = cmp.Or(who.Name, p.Name), cmp.Or(who.Email, p.Email)
	p.Meetings++
	p.Minutes += attendance.WholeMinutes(who.Present)
	if !who.FirstIn.IsZero() && (p.First.IsZero() || who.FirstIn.Before(p.First)) {
		p.First = who.FirstIn
	}
	for _, at := range []time.Time{who.FirstIn, who.LastOut} {
		if at.After(p.Last) {
			p.Last = at
		}
	}
}

func mark(set *map[int]bool, n int) {
	if *set == nil {
		*set = map[int]bool{}
	}
	(*set)[n] = true
}

// weeks are those that [from, to) touches.
func weeks(from, to time.Time, loc *time.Location) []Week {
	if !from.Before(to) {
		return nil
	}
	var list []Week
	for day := monday(from.In(loc)); day.Before(to); day = day.AddDate(0, 0, 7) {
		list = append(list, Week{Start: day})
	}
	return list
}

// monday is when the week of t began in its zone.
func monday(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()-(int(t.Weekday())+6)%7, 0, 0, 0, 0, t.Location())
}

// weekOf is which of the weeks t is in; -1 when none.
func weekOf(list []Week, t time.Time) int {
	n, found := slices.BinarySearchFunc(list, t, func(w Week, t time.Time) int { return w.Start.Compare(t) })
	if found {
		return n
	}
	if n == len(list) && (n == 0 || !t.Before(list[n-1].Start.AddDate(0, 0, 7))) {
		return -1
	}
	return n - 1
}

// Extremes are the meetings with the most and with the fewest people a session,
// at most so many of each, and none twice.
func (f Figures) Extremes(most int) (best, rare []Series) {
	list := slices.Clone(f.Series)
	slices.SortStableFunc(list, func(a, b Series) int { return cmp.Compare(b.Average(), a.Average()) })
	best = list[:min(most, (len(list)+1)/2)]
	rest := list[len(best):]
	rare = slices.Clone(rest[max(0, len(rest)-most):])
	slices.Reverse(rare)
	return best, rare
}

// Active counts the organizers who held a meeting.
func (f Figures) Active() int {
	n := 0
	for _, o := range f.Organizers {
		if o.Meetings > 0 {
			n++
		}
	}
	return n
}
