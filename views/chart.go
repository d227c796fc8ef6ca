package views

import (
	"math"
	"strconv"
)

// Chart is bars over time, drawn by the server. Its finding is said in words,
// and the same numbers stand in a table.
type Chart struct {
	Title, Finding string
	Unit           string // of the values
	Bars           []Bar
	Table          Table // the same numbers; without columns it stands elsewhere
}

// Bar is one value.
type Bar struct {
	Label string // below it
	Says  string // all of it, for who points at it
	Value int
}

// The chart's own units are pixels where it is shown as wide as it is.
const (
	chartHeight = 220
	chartTop    = 18 // room for half a line
	chartEnd    = 20 // for half a label
	fewBars     = 16
	manyBars    = 30
)

// step is how wide a bar is, with the gap beside it.
func (c Chart) step() int {
	switch n := len(c.Bars); {
	case n <= fewBars:
		return 54
	case n <= manyBars:
		return 28
	}
	return 15
}

func (c Chart) width() int { return c.edge() + max(6, len(c.Bars))*c.step() + chartEnd }

func (c Chart) viewBox() string {
	return "0 0 " + strconv.Itoa(c.width()) + " " + strconv.Itoa(c.tall())
}

// edge is the room for labels at the side, foot for those below: on a narrow
// screen their letters are larger than the chart's own units.
func (c Chart) edge() int { return map[string]int{"": 40, "some": 56}[c.size()] + 84*c.long() }
func (c Chart) foot() int { return map[string]int{"": 28, "some": 40}[c.size()] + 56*c.long() }

// long is 1 for a chart that a narrow screen shrinks a lot, else 0.
func (c Chart) long() int {
	if len(c.Bars) > fewBars {
		return 1
	}
	return 0
}

// size tells by a class how much a narrow screen shrinks the chart.
func (c Chart) size() string {
	switch n := len(c.Bars); {
	case n <= fewBars/2:
		return ""
	case n <= fewBars:
		return "some"
	case n <= manyBars:
		return "more"
	}
	return "many"
}

func (c Chart) tall() int { return chartHeight + 60*c.long() }

// top is a round number above all values.
func (c Chart) top() int {
	most := 1
	for _, b := range c.Bars {
		most = max(most, b.Value)
	}
	for size := 1; ; size *= 10 {
		for _, n := range []int{2, 4, 6, 10, 14} {
			if n*size >= most {
				return n * size
			}
		}
	}
}

// line is a horizontal line with its label.
type line struct{ y, label string }

func (c Chart) lines() []line {
	top := c.top()
	var list []line
	for _, v := range []int{0, top / 2, top} {
		list = append(list, line{c.y(v), strconv.Itoa(v)})
	}
	return list
}

func (c Chart) height(v int) float64 {
	return float64(c.tall()-chartTop-c.foot()) * float64(v) / float64(c.top())
}

func (c Chart) y(v int) string { return length(float64(c.tall()-c.foot()) - c.height(v)) }

func (c Chart) x(i int) string { return length(float64(c.edge() + i*c.step() + c.step()/6)) }

func (c Chart) middle(i int) string {
	return length(float64(c.edge()+i*c.step()) + float64(c.step())/2)
}

func (c Chart) barWidth() string { return length(float64(c.step() - 2*(c.step()/6))) }

func (c Chart) barHeight(v int) string { return length(c.height(v)) }

// labelled tells which bars have a label below, and which of them also where
// there is little room.
func (c Chart) labelled(i int) (wide, narrow bool) {
	every := int(math.Ceil(56 / float64(c.step())))
	return i%every == 0, i%(every*map[string]int{"": 1, "some": 2, "more": 4, "many": 4}[c.size()]) == 0
}

// length writes a length as SVG does.
func length(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }
