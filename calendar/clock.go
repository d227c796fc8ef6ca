package calendar

import (
	"slices"
	"time"
)

// reading is what a clock reads for one slot: how many slots after midnight,
// and whether for the second time on that day.
type reading struct {
	slot  int
	again bool
}

// clock is what all days of a page are drawn along: the 24 hours, and what one
// of the days reads twice, where it does.
type clock struct {
	days  []Day
	scale []reading
	at    [][]int // for each day and slot of it, the place on the scale
}

func clockOf(days []Day) clock {
	c := clock{days: days, scale: make([]reading, slotsADay), at: make([][]int, len(days))}
	for i := range c.scale {
		c.scale[i].slot = i
	}
	read := make([][]reading, len(days))
	for i, d := range days {
		read[i] = d.readings()
		for n, r := range read[i] {
			if r.again && !slices.Contains(c.scale, r) {
				c.scale = slices.Insert(c.scale, slices.Index(c.scale, read[i][n-1])+1, r)
			}
		}
	}
	places := make(map[reading]int, len(c.scale))
	for place, r := range c.scale {
		places[r] = place
	}
	for i := range days {
		for _, r := range read[i] {
			c.at[i] = append(c.at[i], places[r])
		}
	}
	return c
}

// readings are what the clock reads on the day, slot by slot.
func (d Day) readings() []reading {
	var all []reading
	var seen [slotsADay]bool
	for t := d.Start; t.Before(d.End); t = t.Add(Slot) {
		slot := (t.Hour()*60 + t.Minute()) / int(Slot/time.Minute)
		all = append(all, reading{slot, seen[slot]})
		seen[slot] = true
	}
	return all
}

// hour is where the scale begins an hour.
func (c clock) hour(h int) int {
	if h == 24 {
		return len(c.scale)
	}
	return slices.Index(c.scale, reading{slot: h * slotsAnHour})
}

// slot is the place of a moment of day i on the scale.
func (c clock) slot(i int, t time.Time) int {
	return c.at[i][int(t.Sub(c.days[i].Start)/Slot)]
}

// span is the place on the scale of what of e is on day i, and at least so many
// slots.
func (c clock) span(i int, e Event, least int) Span {
	d, places := c.days[i], c.at[i]
	first, last := places[0], places[len(places)-1]
	if e.Start.After(d.Start) {
		first = c.slot(i, e.Start)
	}
	if e.end().Before(d.End) {
		last = c.slot(i, e.end().Add(-1))
	}
	s := Span{first, max(last+1, first+least)}
	if over := s.To - len(c.scale); over > 0 {
		s.From, s.To = s.From-over, s.To-over
	}
	return s
}

// gaps are the pieces of the scale that day i does not have.
func (c clock) gaps(i int) []Span {
	var gaps []Span
	for place := range c.scale {
		if slices.Contains(c.at[i], place) {
			continue
		}
		if n := len(gaps); n > 0 && gaps[n-1].To == place {
			gaps[n-1].To++
		} else {
			gaps = append(gaps, Span{place, place + 1})
		}
	}
	return gaps
}

// rows are the hours of the scale.
func (c clock) rows() []Row {
	var rows []Row
	for place, r := range c.scale {
		if place == 0 || r.slot%slotsAnHour == 0 || r.again != c.scale[place-1].again {
			rows = append(rows, Row{Span{place, place}, r.slot * int(Slot/time.Minute), r.again})
		}
		rows[len(rows)-1].To++
	}
	return rows
}
