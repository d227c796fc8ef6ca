package attendance

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Series is people by the occurrences of one meeting.
type Series struct {
	Dates   []Presence // oldest first
	Members []Member   // by name
}

// Member is one person's line in a series.
type Member struct {
	ID          Identity
	Name, Email string // as last seen
	Cells       []Cell // one for each date
	Attended    int    // dates
	Minutes     int    // the sum of the cells'
	Streak      int    // dates held in a row up to the last one
	Longest     int    // dates held in a row, ever
	Decisions   []Decision
}

// Cell is one person on one date.
type Cell struct {
	There   bool // also for a moment that rounds to no minute
	Minutes int
	Person  *Person // of the date; nil when not there
}

// Held tells whether anybody is recorded on a date. One on which nobody is says
// nothing of anybody: it breaks no streak.
func (s Series) Held(date int) bool { return len(s.Dates[date].People) > 0 }

// Roll puts the occurrences of a meeting side by side.
func Roll(list []Presence) Series {
	s := Series{Dates: slices.Clone(list)}
	slices.SortStableFunc(s.Dates, func(a, b Presence) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.InstanceKey, b.InstanceKey))
	})
	at := map[Identity]int{}
	for date, p := range s.Dates {
		for n := range p.People {
			who := &p.People[n]
			i, seen := at[who.ID]
			if !seen {
				i = len(s.Members)
				at[who.ID] = i
				s.Members = append(s.Members, Member{ID: who.ID, Cells: make([]Cell, len(s.Dates))})
			}
			m := &s.Members[i]
			m.Name, m.Email = cmp.Or(who.Name, m.Name), cmp.Or(who.Email, m.Email)
			m.Cells[date] = Cell{There: true, Minutes: WholeMinutes(who.Present), Person: who}
			for _, d := range who.Decisions {
				if !slices.Contains(m.Decisions, d) {
					m.Decisions = append(m.Decisions, d)
				}
			}
		}
	}
	for i := range s.Members {
		m := &s.Members[i]
		for date, c := range m.Cells {
			if !c.There {
				if s.Held(date) {
					m.Streak = 0
				}
				continue
			}
			m.Streak++
			m.Attended++
			m.Minutes += c.Minutes
			m.Longest = max(m.Longest, m.Streak)
		}
	}
	slices.SortStableFunc(s.Members, func(a, b Member) int {
		return cmp.Or(compareNames(Fold(a.Name), Fold(b.Name)), strings.Compare(a.Email, b.Email), cmp.Compare(a.ID, b.ID))
	})
	return s
}

// Total is a date's figure: people, and the sum of their minutes.
func (s Series) Total(date int) (people, minutes int) {
	for _, m := range s.Members {
		if c := m.Cells[date]; c.There {
			people, minutes = people+1, minutes+c.Minutes
		}
	}
	return people, minutes
}

// Span is from the first date to the end of the last.
func (s Series) Span() Span {
	if len(s.Dates) == 0 {
		return Span{}
	}
	var end time.Time
	for _, p := range s.Dates {
		end = later(end, p.Actual.End)
	}
	return Span{s.Dates[0].Actual.Start, end}
}
