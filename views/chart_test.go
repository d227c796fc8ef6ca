package views

import (
	"strconv"
	"testing"
)

// Bars and labels stay within the drawing, whatever the values, and labels
// apart from each other.
func TestChartFits(t *testing.T) {
	number := func(s string) float64 {
		t.Helper()
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, n := range []int{1, 2, 8, 9, 16, 17, 30, 31, 58} {
		for _, most := range []int{0, 1, 3, 99, 100, 101, 1_234_567} {
			c, highest := Chart{}, 0
			for i := range n {
				c.Bars = append(c.Bars, Bar{Label: "31 Dec", Value: most * (i % 3) / 2})
				highest = max(highest, c.Bars[i].Value)
			}
			if c.top() < highest || c.top() > 10*max(1, highest) {
				t.Errorf("%d up to %d: the scale ends at %d", n, most, c.top())
			}
			before, narrow := -100.0, -100.0
			for i, b := range c.Bars {
				x, y, w, h := number(c.x(i)), number(c.y(b.Value)), number(c.barWidth()), number(c.barHeight(b.Value))
				if x < float64(c.edge()) || x+w > float64(c.width()) || y < chartTop-.1 || h < 0 || y+h > float64(c.tall()-c.foot())+.2 || (h == 0) != (b.Value == 0) && b.Value*1000 > c.top() {
					t.Errorf("%d up to %d: bar %d of %d is at %v %v, %v wide and %v high", n, most, i, b.Value, x, y, w, h)
				}
				wide, small := c.labelled(i)
				if small && !wide {
					t.Errorf("%d: label %d is only where there is little room", n, i)
				}
				if at := number(c.middle(i)); wide {
					if at-before < 54 || at+20 > float64(c.width()) {
						t.Errorf("%d: label %d is %v after the one before, at %v of %d", n, i, at-before, at, c.width())
					}
					before = at
				}
				if at := number(c.middle(i)); small {
					if letters := map[string]float64{"": 40, "some": 75, "more": 105, "many": 105}[c.size()]; at-narrow < letters {
						t.Errorf("%d, narrow: label %d is %v after the one before", n, i, at-narrow)
					}
					narrow = at
				}
			}
		}
	}
}
