// Package calendar places what has a start and an end on a calendar's page:
// on which day, how far down its clock, and side by side with what. It is
// pure: no I/O, no clock of its own, and it knows neither meetings nor HTML.
package calendar

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// Slot is the step in which things are placed. Since 2000 no zone has moved
// its clocks by anything else than a multiple of it.
const Slot = 5 * time.Minute

const (
	slotsAnHour = int(time.Hour / Slot)
	slotsADay   = 24 * slotsAnHour

	// The hours that a page always has; it has more when there is something in
	// them.
	firstHour, lastHour = 7, 19
)

// Day is a day of a zone's calendar, from its first instant to that of the next
// day. Where clocks go forward over a whole day, both are the same.
type Day struct {
	Date       time.Time // its date, as midnight UTC
	Start, End time.Time
}

// Week returns the days in loc of the week that a date is in. Only the date of
// date counts.
func Week(date time.Time, loc *time.Location, first time.Weekday) []Day {
	back := (int(date.Weekday()) - int(first) + 7) % 7
	return Days(date.AddDate(0, 0, -back), loc, 7)
}

// Days returns n days in loc from a date on. Only the date of date counts.
func Days(date time.Time, loc *time.Location, n int) []Day {
	days := make([]Day, n)
	for i := range days {
		date := time.Date(date.Year(), date.Month(), date.Day()+i, 0, 0, 0, 0, time.UTC)
		days[i] = Day{date, beginning(date, loc), beginning(date.AddDate(0, 0, 1), loc)}
	}
	return days
}

// beginning is the first instant of a date. time.Date answers either side of a
// midnight that clocks skip or read twice.
func beginning(date time.Time, loc *time.Location) time.Time {
	before := date.Add(-15 * time.Hour) // clocks are up to 14 hours ahead of UTC, and 12 behind
	minutes := sort.Search(30*60, func(n int) bool {
		y, m, d := before.Add(time.Duration(n) * time.Minute).In(loc).Date()
		return !time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Before(date)
	})
	return before.Add(time.Duration(minutes) * time.Minute).In(loc)
}

// Hours is how long the day is: 24, or what clocks that are set on it make of
// that.
func (d Day) Hours() float64 { return d.End.Sub(d.Start).Hours() }

// Has tells whether t is on the day.
func (d Day) Has(t time.Time) bool { return !t.Before(d.Start) && t.Before(d.End) }

// Event is what is placed. One that ends before it starts is as long as a slot.
type Event struct{ Start, End time.Time }

func (e Event) end() time.Time {
	if !e.End.After(e.Start) {
		return e.Start.Add(Slot)
	}
	return e.End
}

// On tells whether some of the event is on the day.
func (e Event) On(d Day) bool {
	return e.Start.Before(d.End) && e.end().After(d.Start) && d.Start.Before(d.End)
}

// Page is days side by side, along one clock.
type Page struct {
	Rows    []Row // the hours of the clock, down the page
	Columns []Column
	Span    // of all rows
}

// Span is a piece of the page in slots from its top; To is not part of it.
type Span struct{ From, To int }

// Row is an hour of the clock. On a day that reads an hour twice it is there
// twice; a zone that sets its clocks by half an hour has one of half the
// height.
type Row struct {
	Span
	Minutes int  // that the clock reads, from midnight
	Again   bool // read for the second time on a day
}

// Column is what one day holds.
type Column struct {
	Boxes []Box  // by start
	Gaps  []Span // what this day's clock does not read and another's does
	Now   int    // the slot of now, -1 on any other day than today
}

// Box is one event, or those that stand behind the last lane because there are
// more than can stand side by side.
type Box struct {
	Span
	Events      []int // places in the list of events
	Lane, Lanes int
	Before      bool // begins on an earlier day
	After       bool // ends on a later day
}

// Lay places events. At most lanes boxes stand side by side, and none is lower
// than least slots, so that it can be read and pressed.
func Lay(days []Day, events []Event, now time.Time, lanes, least int) Page {
	clock := clockOf(days)
	p := Page{Columns: make([]Column, len(days))}
	need := Span{clock.hour(firstHour), clock.hour(lastHour)}
	for i, d := range days {
		column := Column{Gaps: clock.gaps(i), Now: -1}
		if d.Has(now) {
			column.Now = clock.slot(i, now)
			need = need.and(Span{column.Now, column.Now + 1})
		}
		for n, e := range events {
			if !e.On(d) {
				continue
			}
			b := Box{Events: []int{n}, Span: clock.span(i, e, least), Before: e.Start.Before(d.Start), After: e.end().After(d.End)}
			need = need.and(b.Span)
			column.Boxes = append(column.Boxes, b)
		}
		column.Boxes = sideBySide(column.Boxes, lanes)
		p.Columns[i] = column
	}
	p.Rows = slices.DeleteFunc(clock.rows(), func(r Row) bool { return r.To <= need.From || r.From >= need.To })
	p.cut(Span{p.Rows[0].From, p.Rows[len(p.Rows)-1].To})
	return p
}

// cut leaves of the page what is within whole, and counts from there.
func (p *Page) cut(whole Span) {
	p.Span = Span{0, whole.To - whole.From}
	move := func(s *Span) { s.From, s.To = s.From-whole.From, s.To-whole.From }
	for i := range p.Rows {
		move(&p.Rows[i].Span)
	}
	for i := range p.Columns {
		c := &p.Columns[i]
		for j := range c.Boxes {
			move(&c.Boxes[j].Span)
		}
		gaps := c.Gaps[:0]
		for _, g := range c.Gaps {
			if g = (Span{max(g.From, whole.From), min(g.To, whole.To)}); g.From < g.To {
				move(&g)
				gaps = append(gaps, g)
			}
		}
		c.Gaps = gaps
		if c.Now >= 0 {
			c.Now -= whole.From
		}
	}
}

func (s Span) and(o Span) Span { return Span{min(s.From, o.From), max(s.To, o.To)} }

// sideBySide gives each box a lane of its own among those that it meets. What
// finds none among the first lanes-1 is gathered in the last.
func sideBySide(boxes []Box, lanes int) []Box {
	slices.SortStableFunc(boxes, func(a, b Box) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(b.To, a.To)) })
	var out []Box
	for len(boxes) > 0 {
		var ends []int // of the lanes so far
		n, reach := 0, boxes[0].To
		for ; n < len(boxes) && boxes[n].From < reach; n++ {
			b := &boxes[n]
			b.Lane = slices.IndexFunc(ends, func(end int) bool { return end <= b.From })
			if b.Lane < 0 {
				b.Lane = len(ends)
				ends = append(ends, 0)
			}
			ends[b.Lane], reach = b.To, max(reach, b.To)
		}
		out = append(out, gather(boxes[:n], min(len(ends), lanes))...)
		boxes = boxes[n:]
	}
	return out
}

// gather makes one box of those that meet in the last lane or behind it.
func gather(boxes []Box, lanes int) []Box {
	out, last := make([]Box, 0, len(boxes)), -1
	for _, b := range boxes {
		b.Lanes = lanes
		if b.Lane >= lanes-1 {
			b.Lane = lanes - 1
			if last >= 0 && b.From < out[last].To {
				out[last].Span, out[last].Events = out[last].and(b.Span), append(out[last].Events, b.Events...)
				continue
			}
			last = len(out)
		}
		out = append(out, b)
	}
	return out
}
