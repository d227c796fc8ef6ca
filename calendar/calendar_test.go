package calendar_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"portal/calendar"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// at reads a wall time as people write it; of one that is read twice, the
// first.
func at(t *testing.T, loc *time.Location, wall string) time.Time {
	t.Helper()
	const form = "2006-01-02 15:04"
	when, err := time.ParseInLocation(form, wall, loc)
	if err != nil {
		t.Fatal(err)
	}
	for _, back := range []time.Duration{time.Hour, 30 * time.Minute} {
		if first := when.Add(-back); first.Format(form) == wall {
			return first
		}
	}
	return when
}

func TestDays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		zone, day string
		first     time.Weekday
		from      string // of the week, its first instant
		hours     string // of its days
	}{
		{"Europe/Berlin", "2026-11-23 10:00", time.Monday, "2026-11-23T00:00:00+01:00", "24 24 24 24 24 24 24"},
		{"Europe/Berlin", "2026-11-29 23:59", time.Monday, "2026-11-23T00:00:00+01:00", "24 24 24 24 24 24 24"},
		{"Europe/Berlin", "2026-11-29 00:00", time.Sunday, "2026-11-29T00:00:00+01:00", "24 24 24 24 24 24 24"},
		{"Europe/Berlin", "2026-11-28 00:00", time.Sunday, "2026-11-22T00:00:00+01:00", "24 24 24 24 24 24 24"},
		{"Europe/Berlin", "2026-03-25 10:00", time.Monday, "2026-03-23T00:00:00+01:00", "24 24 24 24 24 24 23"},
		{"Europe/Berlin", "2026-10-25 10:00", time.Monday, "2026-10-19T00:00:00+02:00", "24 24 24 24 24 24 25"},
		{"Europe/Berlin", "2027-01-01 10:00", time.Monday, "2026-12-28T00:00:00+01:00", "24 24 24 24 24 24 24"},
		{"Australia/Lord_Howe", "2026-10-04 10:00", time.Monday, "2026-09-28T00:00:00+10:30", "24 24 24 24 24 24 23.5"},
		{"Australia/Lord_Howe", "2026-04-05 10:00", time.Monday, "2026-03-30T00:00:00+11:00", "24 24 24 24 24 24 24.5"},
		// Midnight is skipped, read twice, and put off by an hour; for St. John's it began twice.
		{"Africa/Cairo", "2026-04-24 10:00", time.Friday, "2026-04-24T01:00:00+03:00", "23 24 24 24 24 24 24"},
		{"America/Havana", "2026-11-01 10:00", time.Sunday, "2026-11-01T00:00:00-04:00", "25 24 24 24 24 24 24"},
		{"America/Sao_Paulo", "2018-02-17 10:00", time.Saturday, "2018-02-17T00:00:00-02:00", "25 24 24 24 24 24 24"},
		{"America/St_Johns", "2010-11-07 10:00", time.Sunday, "2010-11-07T00:00:00-03:30", "24 24 24 24 24 24 24"},
		{"Antarctica/Troll", "2026-03-29 10:00", time.Sunday, "2026-03-29T00:00:00Z", "22 24 24 24 24 24 24"},
		{"Pacific/Apia", "2011-12-29 10:00", time.Thursday, "2011-12-29T00:00:00-10:00", "24 0 24 24 24 24 24"}, // there was no 30th
		{"Pacific/Kiritimati", "2026-02-28 10:00", time.Monday, "2026-02-23T00:00:00+14:00", "24 24 24 24 24 24 24"},
	} {
		days := calendar.Week(at(t, zone(t, tt.zone), tt.day), zone(t, tt.zone), tt.first)
		var hours []string
		for i, d := range days {
			hours = append(hours, fmt.Sprint(d.Hours()))
			if i > 0 && (!days[i-1].End.Equal(d.Start) || !days[i-1].Date.AddDate(0, 0, 1).Equal(d.Date)) {
				t.Errorf("%s, %s: day %d does not begin where the last ends", tt.zone, tt.day, i)
			}
		}
		if got := days[0].Start.Format(time.RFC3339); got != tt.from || strings.Join(hours, " ") != tt.hours {
			t.Errorf("%s, %s: from %s, %s hours; want %s, %s", tt.zone, tt.day, got, hours, tt.from, tt.hours)
		}
	}
}

// draw writes a column as text: each box with the clock that its edges stand
// at, its events and its lane.
func draw(p calendar.Page, column int) string {
	clock := func(slot int) string {
		for _, r := range p.Rows {
			if slot >= r.From && slot < r.To {
				minutes := r.Minutes + (slot-r.From)*5
				again := ""
				if r.Again {
					again = "*"
				}
				return fmt.Sprintf("%02d:%02d%s", minutes/60, minutes%60, again)
			}
		}
		return "end"
	}
	var out []string
	for _, b := range p.Columns[column].Boxes {
		text := clock(b.From) + "-" + clock(b.To) + " " + strings.Trim(fmt.Sprint(b.Events), "[]")
		if b.Lanes > 1 {
			text += fmt.Sprintf(" %d/%d", b.Lane, b.Lanes)
		}
		if b.Before {
			text = "<" + text
		}
		if b.After {
			text += ">"
		}
		out = append(out, text)
	}
	for _, g := range p.Columns[column].Gaps {
		out = append(out, "no "+clock(g.From)+"-"+clock(g.To))
	}
	return strings.Join(out, "; ")
}

func TestLay(t *testing.T) {
	t.Parallel()
	const berlin, lordHowe, cairo = "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo"
	for name, tt := range map[string]struct {
		zone   string // Berlin unless said
		day    string // the first of two
		events []string
		lanes  int // three unless said
		rows   string
		want   [2]string
	}{
		"nothing":   {day: "2026-11-23", rows: "07:00-19:00 12"},
		"one":       {day: "2026-11-23", events: []string{"23 10:00 60m"}, rows: "07:00-19:00 12", want: [2]string{"10:00-11:00 0"}},
		"early":     {day: "2026-11-23", events: []string{"23 05:55 60m"}, rows: "05:00-19:00 14", want: [2]string{"05:55-06:55 0"}},
		"late":      {day: "2026-11-23", events: []string{"24 19:00 60m"}, rows: "07:00-20:00 13", want: [2]string{"", "19:00-end 0"}},
		"touching":  {day: "2026-11-23", events: []string{"23 10:00 60m", "23 11:00 60m"}, rows: "07:00-19:00 12", want: [2]string{"10:00-11:00 0; 11:00-12:00 1"}},
		"by start":  {day: "2026-11-23", events: []string{"23 11:00 60m", "23 10:00 60m"}, rows: "07:00-19:00 12", want: [2]string{"10:00-11:00 1; 11:00-12:00 0"}},
		"odd":       {day: "2026-11-23", events: []string{"23 10:03 58m"}, rows: "07:00-19:00 12", want: [2]string{"10:00-11:05 0"}},
		"short":     {day: "2026-11-23", events: []string{"23 10:00 5m", "23 10:20 5m", "23 12:00 0m", "23 14:00 -9m"}, rows: "07:00-19:00 12", want: [2]string{"10:00-10:30 0 0/2; 10:20-10:50 1 1/2; 12:00-12:30 2; 14:00-14:30 3"}},
		"two":       {day: "2026-11-23", events: []string{"23 10:00 60m", "23 10:30 60m", "23 12:00 60m"}, rows: "07:00-19:00 12", want: [2]string{"10:00-11:00 0 0/2; 10:30-11:30 1 1/2; 12:00-13:00 2"}},
		"chain":     {day: "2026-11-23", events: []string{"23 10:00 60m", "23 10:30 60m", "23 11:00 60m"}, rows: "07:00-19:00 12", want: [2]string{"10:00-11:00 0 0/2; 10:30-11:30 1 1/2; 11:00-12:00 2 0/2"}},
		"longest":   {day: "2026-11-23", events: []string{"23 10:00 30m", "23 10:00 90m"}, rows: "07:00-19:00 12", want: [2]string{"10:00-11:30 1 0/2; 10:00-10:30 0 1/2"}},
		"just fits": {day: "2026-11-23", events: []string{"23 10:00 60m", "23 10:00 60m", "23 10:00 60m"}, rows: "07:00-19:00 12", want: [2]string{"10:00-11:00 0 0/3; 10:00-11:00 1 1/3; 10:00-11:00 2 2/3"}},
		"too many": {day: "2026-11-23", events: []string{"23 10:00 60m", "23 10:00 60m", "23 10:00 60m", "23 10:30 60m", "23 11:30 60m"}, rows: "07:00-19:00 12",
			want: [2]string{"10:00-11:00 0 0/3; 10:00-11:00 1 1/3; 10:00-11:30 2 3 2/3; 11:30-12:30 4"}},
		"no lane but one": {day: "2026-11-23", lanes: 1, events: []string{"23 10:00 60m", "23 10:30 60m"}, rows: "07:00-19:00 12", want: [2]string{"10:00-11:30 0 1"}},
		"over midnight":   {day: "2026-11-23", events: []string{"23 23:30 60m"}, rows: "00:00-end 24", want: [2]string{"23:30-end 0>", "<00:00-00:30 0"}},
		"until midnight":  {day: "2026-11-23", events: []string{"23 23:00 60m"}, rows: "07:00-end 17", want: [2]string{"23:00-end 0"}},
		"from midnight":   {day: "2026-11-23", events: []string{"24 00:00 60m"}, rows: "00:00-19:00 19", want: [2]string{"", "00:00-01:00 0"}},
		"at the very end": {day: "2026-11-23", events: []string{"23 23:55 5m"}, rows: "07:00-end 17", want: [2]string{"23:30-end 0"}},
		"two whole days":  {day: "2026-11-23", events: []string{"22 12:00 4000m"}, rows: "00:00-end 24", want: [2]string{"<00:00-end 0>", "<00:00-end 0>"}},
		"elsewhere":       {day: "2026-11-23", events: []string{"22 23:00 60m", "25 00:00 60m"}, rows: "07:00-19:00 12"},
		"forward": {day: "2026-03-28", events: []string{"29 01:30 60m", "28 01:30 60m"}, rows: "01:00-19:00 18",
			want: [2]string{"01:30-02:30 1", "01:30-03:30 0; no 02:00-03:00"}},
		"forward, no night shown": {day: "2026-03-28", events: []string{"29 10:00 60m"}, rows: "07:00-19:00 12", want: [2]string{"", "10:00-11:00 0"}},
		"back": {day: "2026-10-24", events: []string{"25 02:30 60m", "24 02:30 60m", "25 02:15 15m"}, rows: "02:00-19:00 18",
			want: [2]string{"02:30-03:30 1; no 02:00*-03:00", "02:15-02:45 2 0/2; 02:30-02:30* 0 1/2"}},
		"back, the second time": {day: "2026-10-25", events: []string{"25 02:00 30m", "25 02:00 60m+60m"}, rows: "02:00-19:00 18",
			want: [2]string{"02:00-02:30 0; 02:00*-03:00 1", "no 02:00*-03:00"}},
		"half an hour back": {zone: lordHowe, day: "2026-04-04", events: []string{"05 01:30 60m"}, rows: "01:00-19:00 18.5",
			want: [2]string{"no 01:30*-02:00", "01:30-02:00 0"}},
		"half an hour forward": {zone: lordHowe, day: "2026-10-03", events: []string{"04 01:30 60m"}, rows: "01:00-19:00 18",
			want: [2]string{"", "01:30-03:00 0; no 02:00-02:30"}},
		"no midnight": {zone: cairo, day: "2026-04-23", events: []string{"23 23:30 60m"}, rows: "01:00-end 23",
			want: [2]string{"23:30-end 0>", "<01:00-01:30 0"}},
		"no such day": {zone: "Pacific/Apia", day: "2011-12-29", events: []string{"29 23:00 180m"}, rows: "07:00-end 17",
			want: [2]string{"23:00-end 0>", "no 07:00-end"}},
	} {
		loc := zone(t, berlin)
		if tt.zone != "" {
			loc = zone(t, tt.zone)
		}
		var events []calendar.Event
		for _, text := range tt.events {
			f := strings.Fields(text)
			add, length, later := f[2], f[2], time.Duration(0)
			if a, b, ok := strings.Cut(add, "+"); ok {
				length = a
				later, _ = time.ParseDuration(b)
			}
			d, err := time.ParseDuration(length)
			if err != nil {
				t.Fatal(err)
			}
			start := at(t, loc, tt.day[:8]+f[0]+" "+f[1]).Add(later)
			events = append(events, calendar.Event{Start: start, End: start.Add(d)})
		}
		lanes := 3
		if tt.lanes > 0 {
			lanes = tt.lanes
		}
		p := calendar.Lay(calendar.Days(at(t, loc, tt.day+" 12:00"), loc, 2), events, time.Time{}, lanes, 6)
		first, last := p.Rows[0], p.Rows[len(p.Rows)-1]
		end := "end"
		if m := last.Minutes + (last.To-last.From)*5; m < 24*60 {
			end = fmt.Sprintf("%02d:%02d", m/60, m%60)
		}
		if got := fmt.Sprintf("%02d:%02d-%s %v", first.Minutes/60, first.Minutes%60, end, float64(p.To)/12); got != tt.rows {
			t.Errorf("%s: the page has %s, want %s", name, got, tt.rows)
		}
		for i, want := range tt.want {
			if got := draw(p, i); got != want {
				t.Errorf("%s, day %d:\n got %s\nwant %s", name, i, got, want)
			}
		}
	}
}

func TestNow(t *testing.T) {
	t.Parallel()
	loc := zone(t, "Europe/Berlin")
	for wall, want := range map[string]string{
		"2026-11-24 08:32": "07:00: -1 18 -1", "2026-11-24 03:00": "03:00: -1 0 -1", "2026-11-25 23:59": "07:00: -1 -1 203", "2026-11-26 00:00": "07:00: -1 -1 -1",
	} {
		now := at(t, loc, wall)
		p := calendar.Lay(calendar.Days(at(t, loc, "2026-11-23 12:00"), loc, 3), nil, now, 3, 6)
		if got := fmt.Sprintf("%02d:00: %d %d %d", p.Rows[0].Minutes/60, p.Columns[0].Now, p.Columns[1].Now, p.Columns[2].Now); got != want {
			t.Errorf("at %s: %s, want %s", wall, got, want)
		}
	}
}

// What holds for every page, over weeks in which clocks are set and others.
func TestLayHolds(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana", "America/Santiago", "Africa/Casablanca",
		"Antarctica/Troll", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns", "Asia/Pyongyang", "America/Caracas", "Asia/Tehran", "Pacific/Chatham"}
	for range 200 {
		loc := zone(t, zones[r.IntN(len(zones))])
		day := time.Date(2008, 1, 1+r.IntN(30*365), r.IntN(24), 0, 0, 0, loc)
		days := calendar.Week(day, loc, time.Weekday(r.IntN(7)))
		lanes, least := 1+r.IntN(6), 1+r.IntN(12)
		var events []calendar.Event
		for range r.IntN(60) {
			start := days[0].Start.Add(time.Duration(r.IntN(9*24*3600)-24*3600) * time.Second)
			events = append(events, calendar.Event{Start: start, End: start.Add(time.Duration(r.IntN(4*3600)-600) * time.Second)})
			if r.IntN(20) == 0 {
				events[len(events)-1].End = start.Add(time.Duration(r.IntN(100)) * time.Hour)
			}
		}
		now := days[0].Start.Add(time.Duration(r.IntN(8*24)) * time.Hour)
		p := calendar.Lay(days, events, now, lanes, least)
		wrong := func(format string, args ...any) {
			t.Helper()
			t.Errorf("seed %d, %s, week of %s: %s", seed, loc, days[0].Start, fmt.Sprintf(format, args...))
		}

		// The rows are all of the clock's hours, without a hole, from one to another.
		for i, row := range p.Rows {
			if row.From >= row.To || i > 0 && row.From != p.Rows[i-1].To || i == 0 && row.From != 0 {
				wrong("row %d is %+v", i, row)
			}
		}
		if p.From != 0 || p.To != p.Rows[len(p.Rows)-1].To {
			wrong("%+v", p.Span)
		}
		for i, column := range p.Columns {
			times := map[int]int{}
			for n, b := range column.Boxes {
				if b.From < 0 || b.To > p.To || b.To-b.From < least || b.Lane < 0 || b.Lane >= b.Lanes || b.Lanes > lanes {
					wrong("day %d: the box %+v", i, b)
				}
				if n > 0 && b.From < column.Boxes[n-1].From {
					wrong("day %d: the box %+v comes after %+v", i, b, column.Boxes[n-1])
				}
				if len(b.Events) > 1 && b.Lane != lanes-1 {
					wrong("day %d: %+v gathers before the last lane", i, b)
				}
				for _, e := range b.Events {
					times[e]++
				}
				for _, other := range column.Boxes[:n] {
					if meet := b.From < other.To && other.From < b.To; meet && (b.Lane == other.Lane || b.Lanes != other.Lanes) {
						wrong("day %d: %+v covers %+v", i, b, other)
					}
				}
			}
			for n, e := range events {
				want := 0
				if e.On(days[i]) {
					want = 1
				}
				if times[n] != want {
					wrong("day %d: event %d, %v, is there %d times", i, n, e, times[n])
				}
			}
			if (column.Now >= 0) != days[i].Has(now) || column.Now >= p.To {
				wrong("day %d: now, %v, is at %d", i, now, column.Now)
			}
			for _, g := range column.Gaps {
				if g.From < 0 || g.From >= g.To || g.To > p.To {
					wrong("day %d: the gap %+v", i, g)
				}
			}
		}
		// A box stands where the clock reads its start, unless it is moved up
		// from the day's end.
		if loc.String() == "America/St_Johns" {
			continue // until 2011 its clocks went back a minute after midnight, so that a day began twice
		}
		for i, d := range days {
			for _, b := range p.Columns[i].Boxes {
				e := events[b.Events[0]]
				if len(b.Events) > 1 || b.Before || d.End.Sub(e.Start) < 2*time.Hour {
					continue
				}
				at := slices.IndexFunc(p.Rows, func(r calendar.Row) bool { return b.From >= r.From && b.From < r.To })
				reads := p.Rows[at].Minutes + (b.From-p.Rows[at].From)*5
				if want := e.Start.Hour()*60 + e.Start.Minute()/5*5; reads != want {
					wrong("day %d: what starts at %v stands at %d:%02d", i, e.Start, reads/60, reads%60)
				}
			}
		}
	}
}
