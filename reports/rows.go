package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"portal/attendance"
	"portal/meetings"
)

// Query chooses and orders rows of a table.
type Query struct {
	Text string // in any name, address, subject or id of a row
	Sort string // a column key; for no column the rows stay as they come
	Desc bool
}

// Held are the sessions that q asks for.
func (q Query) Held(list []Held) []Held {
	return choose(q, list, heldKeys[q.Sort], func(h Held) []string {
		return []string{h.Subject, h.MeetingID, meetings.GroupID(h.MeetingID), h.SessionID, h.Organizer.Name, h.Organizer.Email, h.Organizer.Key}
	})
}

// People are those that q asks for.
func (q Query) People(list []Person) []Person {
	return choose(q, list, personKeys[q.Sort], func(p Person) []string { return []string{p.Name, p.Email} })
}

// Organizers are those that q asks for.
func (q Query) Organizers(list []Organizer) []Organizer {
	return choose(q, list, organizerKeys[q.Sort], func(o Organizer) []string { return []string{o.Name, o.Email, o.Key} })
}

// Weeks are all of them.
func (q Query) Weeks(list []Week) []Week {
	return choose(q, list, weekKeys[q.Sort], nil)
}

// Attended are the sessions that q asks for.
func (q Query) Attended(list []Attended) []Attended {
	return choose(q, list, attendedKeys[q.Sort], func(a Attended) []string {
		return []string{a.Subject, a.MeetingID, meetings.GroupID(a.MeetingID), a.Organizer.Name, a.Organizer.Email}
	})
}

// key is what a column's rows are ordered by: the number, then the text.
type key struct {
	number int64
	text   string
}

func amount(n int) key        { return key{number: int64(n)} }
func instant(t time.Time) key { return key{number: millis(t)} }

// spelled orders as people read, case and the like aside; nothing goes last.
func spelled(s string) key {
	s = attendance.Fold(s)
	if s == "" {
		return key{number: 1}
	}
	return key{text: s}
}

var heldKeys = map[string]func(Held) key{
	"subject":   func(h Held) key { return spelled(h.Subject) },
	"start":     func(h Held) key { return instant(h.Start) },
	"minutes":   func(h Held) key { return amount(h.Minutes) },
	"people":    func(h Held) key { return amount(h.People) },
	"told":      func(h Held) key { return amount(h.Told) },
	"attended":  func(h Held) key { return amount(h.Attended) },
	"organizer": func(h Held) key { return spelled(h.Organizer.Label()) },
}

var personKeys = map[string]func(Person) key{
	"name":       func(p Person) key { return spelled(p.Name) },
	"email":      func(p Person) key { return spelled(p.Email) },
	"meetings":   func(p Person) key { return amount(p.Meetings) },
	"minutes":    func(p Person) key { return amount(p.Minutes) },
	"first_seen": func(p Person) key { return instant(p.First) },
	"last_seen":  func(p Person) key { return instant(p.Last) },
}

var organizerKeys = map[string]func(Organizer) key{
	"organizer": func(o Organizer) key { return spelled(o.Label()) },
	"meetings":  func(o Organizer) key { return amount(o.Meetings) },
	"minutes":   func(o Organizer) key { return amount(o.Minutes) },
	"people":    func(o Organizer) key { return amount(o.People) },
	"visits":    func(o Organizer) key { return amount(o.Visits) },
	"attended":  func(o Organizer) key { return amount(o.Attended) },
	"last":      func(o Organizer) key { return instant(o.Last) },
}

var weekKeys = map[string]func(Week) key{
	"week":     func(w Week) key { return instant(w.Start) },
	"meetings": func(w Week) key { return amount(w.Meetings) },
	"minutes":  func(w Week) key { return amount(w.Minutes) },
	"people":   func(w Week) key { return amount(w.People) },
	"visits":   func(w Week) key { return amount(w.Visits) },
	"attended": func(w Week) key { return amount(w.Attended) },
}

var attendedKeys = map[string]func(Attended) key{
	"subject":   func(a Attended) key { return spelled(a.Subject) },
	"start":     func(a Attended) key { return instant(a.Start) },
	"minutes":   func(a Attended) key { return amount(a.Minutes) },
	"share":     func(a Attended) key { return amount(int(a.Share * 1e6)) },
	"joins":     func(a Attended) key { return amount(a.Joins) },
	"organizer": func(a Attended) key { return spelled(a.Organizer.Label()) },
}

// choose returns what of list holds the text, sorted stably, as a new slice.
func choose[T any](q Query, list []T, by func(T) key, texts func(T) []string) []T {
	needle := attendance.Fold(q.Text)
	out := make([]T, 0, len(list))
	for _, v := range list {
		if needle == "" || texts == nil || slices.ContainsFunc(texts(v), func(s string) bool { return strings.Contains(attendance.Fold(s), needle) }) {
			out = append(out, v)
		}
	}
	if by == nil {
		return out
	}
	return inOrder(out, q.Desc, func(v T) []key { return []key{by(v)} })
}

// inOrder sorts list stably by keys, each of which is made once.
func inOrder[T any](list []T, desc bool, keys func(T) []key) []T {
	type keyed struct {
		row  T
		keys []key
	}
	rows := make([]keyed, len(list))
	for i, v := range list {
		rows[i] = keyed{v, keys(v)}
	}
	slices.SortStableFunc(rows, func(a, b keyed) int {
		if desc {
			a, b = b, a
		}
		return slices.CompareFunc(a.keys, b.keys, func(a, b key) int {
			return cmp.Or(cmp.Compare(a.number, b.number), strings.Compare(a.text, b.text))
		})
	})
	for i, r := range rows {
		list[i] = r.row
	}
	return list
}
