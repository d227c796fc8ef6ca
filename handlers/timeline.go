package handlers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"portal/meetings"
	"portal/views"
)

// A timeline is as wide as its page. Across, the plot has plotWidth units,
// which the browser stretches; down, all is in pixels. Text is placed by per
// cent of the whole, so that it keeps its shape.
const (
	plotWidth = 1000
	plotLeft  = 24.0 // per cent for names, left of the plot
	plotSpan  = 75.0 // per cent for the plot

	curveTop  = 22 // pixels above the curve, for the words at its peak
	curveHigh = 90

	leastBar  = 3   // units, so that a moment is seen
	mostBars  = 400 // the table has everybody
	panelRows = 20  // lines that paper keeps together
	mostTicks = 8

	scrollsFrom = 400 // pixels of bars, from which app.css gives them a bar to scroll
	mostMet     = 4   // times of a quorum that are named
	mostSteps   = 30  // rows of the curve's table
)

// axis places times across the plot.
type axis struct {
	from   time.Time
	length time.Duration
}

// unit is where t stands, at most at an edge.
func (a axis) unit(t time.Time) int {
	return int(min(max(0, t.Sub(a.from)*plotWidth/a.length), plotWidth))
}

// stretch is where a span stands; a short one is widened to be seen.
func (a axis) stretch(s meetings.Span) views.Stretch {
	from, to := a.unit(s.Start), a.unit(s.End)
	if to-from < leastBar {
		from = min(from, plotWidth-leastBar)
		to = from + leastBar
	}
	return views.Stretch{X: from, Width: to - from}
}

// percent is where a unit stands on the whole drawing.
func (axis) percent(unit int) string {
	return strconv.FormatFloat(plotLeft+plotSpan*float64(unit)/plotWidth, 'f', 2, 64) + "%"
}

// drawTimeline draws who was there when: the curve of people present over all
// of the occurrence, and below it a bar for each of the people given, in their
// order. It is nil when there is no time to draw.
func drawTimeline(at sitting, people []meetings.Attendee, quorum int) *views.Timeline {
	p := at.Presence
	whole := p.Actual
	if at.planned() { // the drawing holds both
		if p.Base.Start.Before(whole.Start) {
			whole.Start = p.Base.Start
		}
		if p.Base.End.After(whole.End) {
			whole.End = p.Base.End
		}
	}
	if whole.Length() == 0 || p.Peak == 0 {
		return nil
	}
	a := axis{whole.Start, whole.Length()}
	t := &views.Timeline{
		Width: plotWidth, Left: "24%", Span: "75%", NamesWidth: "22.5%", CurveTop: curveTop, CurveHeight: curveHigh,
		Ticks: a.ticks(at.loc),
	}
	t.Finding, t.Quorum = finding(at, quorum)
	if at.planned() {
		s := a.stretch(p.Base)
		t.Plan = &s
	}
	high := max(p.Peak, quorum)
	level := func(people int) int { return curveHigh - people*curveHigh/high }
	t.Curve = a.curve(p, level)
	peak := a.unit(p.PeakAt.Start)
	t.Peak = views.Mark{X: a.percent(peak), Y: level(p.Peak), Label: strconv.Itoa(p.Peak) + " at " + shortClock(p.PeakAt.Start, p.Start, at.loc), Anchor: anchor(peak)}
	if quorum > 0 {
		t.QuorumLine = &views.Mark{Y: level(quorum), Label: "quorum " + strconv.Itoa(quorum)}
		for _, s := range p.Quorum {
			t.Met = append(t.Met, a.stretch(s))
		}
	}
	drawn := people[:min(len(people), mostBars)]
	t.RowHeight, t.Look = rowHeight(len(drawn))
	t.Scrolls = len(drawn)*t.RowHeight > scrollsFrom
	for panel := range slices.Chunk(drawn, panelRows) {
		p := views.TimelinePanel{Height: len(panel) * t.RowHeight}
		for i, who := range panel {
			p.Rows = append(p.Rows, a.bars(at, who, i*t.RowHeight))
		}
		t.Panels = append(t.Panels, p)
	}
	if more := len(people) - len(drawn); more > 0 {
		t.More = "Bars of the first " + strconv.Itoa(mostBars) + "; the table has the other " + strconv.Itoa(more) + ", too."
	}
	t.Steps = at.steps(a)
	return t
}

// bars is one person's line.
func (a axis) bars(at sitting, who meetings.Attendee, y int) views.TimelineRow {
	row := views.TimelineRow{Y: y, Name: meetings.Plain(who.Name), StillIn: who.StillIn, Organizer: who.Organizer}
	if row.Name == "" {
		row.Name = who.Email
	}
	if row.Name == "" {
		row.Name = "no name"
	}
	var times []string
	for i, s := range who.Spans {
		row.Bars = append(row.Bars, a.stretch(s))
		until := at.clock(s.End)
		if who.StillIn && i == len(who.Spans)-1 {
			until = "still in"
		}
		times = append(times, at.clock(s.Start)+" – "+until)
	}
	if len(times) == 0 {
		times = []string{"no time counted"}
	}
	row.Title = row.Name + ": " + strings.Join(times, ", ") + "; " + length(meetings.PresentMinutes(who)) + ", " + percent(who.Share)
	return row
}

// rowHeight is how high a line is drawn, the lower the more there are, and the
// class of its letters in app.css.
func rowHeight(rows int) (pixels int, look string) {
	switch {
	case rows <= 15:
		return 24, ""
	case rows <= 60:
		return 18, "low"
	}
	return 13, "dense"
}

// curve is the outline of the people present. Of what falls into one unit the
// most counts, so that no peak is lost.
func (a axis) curve(p meetings.Presence, level func(int) int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M0 %d", level(0))
	now, drawn := 0, 0
	for i := 0; i < len(p.Steps); {
		x, most := a.unit(p.Steps[i].At), 0
		for ; i < len(p.Steps) && a.unit(p.Steps[i].At) == x; i++ {
			most, now = max(most, p.Steps[i].People), p.Steps[i].People
		}
		if most != drawn {
			fmt.Fprintf(&b, "H%dV%d", x, level(most))
			drawn = most
		}
		if now != drawn && (i == len(p.Steps) || a.unit(p.Steps[i].At) > x+1) { // the unit's peak is over
			fmt.Fprintf(&b, "H%dV%d", x+1, level(now))
			drawn = now
		}
	}
	fmt.Fprintf(&b, "H%dV%dZ", plotWidth, level(0))
	return b.String()
}

// tickSteps are the distances between the times on the axis.
var tickSteps = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// step is the least of them that gives at most so many.
func (a axis) step(most int) time.Duration {
	for _, s := range tickSteps {
		if a.length/s < time.Duration(most) {
			return s
		}
	}
	day := 24 * time.Hour
	return (a.length/time.Duration(most)/day + 1) * day
}

// rounds are the times at even distances on loc's clock.
func (a axis) rounds(loc *time.Location, step time.Duration) []time.Time {
	from := a.from.In(loc)
	t := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, loc)
	t = t.Add(from.Sub(t) / step * step)
	if t.Before(from) {
		t = t.Add(step)
	}
	var out []time.Time
	for ; !t.After(a.from.Add(a.length)); t = t.Add(step) {
		out = append(out, t)
	}
	return out
}

// ticks are the times that the axis names.
func (a axis) ticks(loc *time.Location) []views.Tick {
	step := a.step(mostTicks)
	layout := "15:04"
	if step >= 24*time.Hour {
		layout = "2 Jan"
	}
	var list []views.Tick
	for _, t := range a.rounds(loc, step) {
		u := a.unit(t)
		tick := views.Tick{Unit: u, X: a.percent(u), Label: t.Format(layout), Anchor: anchor(u), Minor: len(list)%2 == 1}
		if layout == "15:04" && t.Hour() == 0 && t.Minute() == 0 {
			tick.Label = t.Format("Mon")
		}
		list = append(list, tick)
	}
	return list
}

// anchor keeps words at the edges within the drawing.
func anchor(unit int) string {
	switch {
	case unit < plotWidth/20:
		return "start"
	case unit > plotWidth-plotWidth/20:
		return "end"
	}
	return "middle"
}

// finding says in words what the drawing shows.
func finding(at sitting, quorum int) (text, met string) {
	p := at.Presence
	stayed, in := 0, 0
	for _, who := range p.People {
		switch {
		case who.StillIn:
			in++
		case len(who.Spans) > 0 && !who.Early && !p.Running:
			stayed++
		}
	}
	text = count(len(p.People), "person", "people") + "; most at once " + strconv.Itoa(p.Peak) + ", at " + shortClock(p.PeakAt.Start, p.Start, at.loc) + "; "
	if p.Running {
		text += strconv.Itoa(in) + " still in."
	} else {
		text += strconv.Itoa(stayed) + " stayed to the end"
		if at.early > 0 {
			text += ", give or take " + count(int(at.early.Minutes()), "minute", "minutes")
		}
		text += "."
	}
	if quorum == 0 {
		return text, ""
	}
	if len(p.Quorum) == 0 {
		return text, "A quorum of " + strconv.Itoa(quorum) + " was never met."
	}
	var times []string
	met = "A quorum of " + strconv.Itoa(quorum) + " was met "
	sum := time.Duration(0)
	for i, s := range p.Quorum {
		sum += s.Length()
		if i < mostMet {
			times = append(times, shortClock(s.Start, p.Start, at.loc)+"–"+shortClock(s.End, p.Start, at.loc))
		}
	}
	if more := len(p.Quorum) - mostMet; more > 0 {
		times = append(times, count(more, "more time", "more times"))
	}
	return text, met + strings.Join(times, ", ") + ": " + length(int(sum.Round(time.Minute).Minutes())) + " in all."
}

// steps are the curve as rows of a table: each change, or where there are many,
// how it stood at even distances.
func (s sitting) steps(a axis) []views.Step {
	p := s.Presence
	var list []views.Step
	if len(p.Steps) <= mostSteps {
		for _, st := range p.Steps {
			list = append(list, views.Step{When: s.clock(st.At), People: st.People})
		}
		return list
	}
	i, now := 0, 0
	for _, t := range a.rounds(s.loc, a.step(mostSteps)) {
		for ; i < len(p.Steps) && !p.Steps[i].At.After(t); i++ {
			now = p.Steps[i].People
		}
		list = append(list, views.Step{When: shortClock(t, p.Start, s.loc), People: now})
	}
	return list
}
