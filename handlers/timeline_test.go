package handlers

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"portal/attendance"
	"portal/meetings"
	"portal/views"
)

// drawn is a session of an hour, from 10:00 in Berlin, in which everybody comes
// and goes at the minutes given: "Ada 0-60 0-20,30-60".
func drawn(t *testing.T, hours float64, people ...string) sitting {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	o := meetings.Occurrence{InstanceKey: "1", Start: start, End: start.Add(time.Duration(hours * float64(time.Hour)))}
	for _, line := range people {
		name, stays, _ := strings.Cut(line, " ")
		for stay := range strings.SplitSeq(stays, ",") {
			var from, to int
			if _, err := fmt.Sscanf(stay, "%d-%d", &from, &to); err != nil {
				t.Fatal(line, err)
			}
			o.Joins = append(o.Joins, meetings.Join{Name: name, InstanceKey: "1", Joined: start.Add(time.Duration(from) * time.Minute), Left: start.Add(time.Duration(to) * time.Minute)})
		}
	}
	p := attendance.Measure(o, attendance.Terms{Quorum: 2, Early: 5 * time.Minute})
	return sitting{meetings.Came{Found: true, Presence: p}, berlin, 5 * time.Minute}
}

func TestDrawTimeline(t *testing.T) {
	at := drawn(t, 1, "Ada 0-60", "Ben 15-30,45-60", "Cleo 20-20", "Dan 59-60")
	tl := drawTimeline(at, at.Presence.People, 2)
	if tl.Finding != "4 people; most at once 3, at 10:59; 3 stayed to the end, give or take 5 minutes." {
		t.Errorf("finding: %s", tl.Finding)
	}
	if tl.Quorum != "A quorum of 2 was met 10:15–10:30, 10:45–11:00: 30 min in all." {
		t.Errorf("quorum: %s", tl.Quorum)
	}
	if got, want := tl.Curve, "M0 90H0V60H250V30H500V60H750V30H983V0H1000V90H1000V90Z"; got != want {
		t.Errorf("curve %s, want %s", got, want)
	}
	rows := tl.Panels[0].Rows
	for i, want := range []string{"[{0 1000}]", "[{250 250} {750 250}]", "[{333 3}]", "[{983 17}]"} {
		if got := fmt.Sprint(rows[i].Bars); got != want {
			t.Errorf("%s: bars %s, want %s", rows[i].Name, got, want)
		}
	}
	if got, want := rows[1].Title, "Ben: 10:15:00 – 10:30:00, 10:45:00 – 11:00:00; 30 min, 50.0 %"; got != want {
		t.Errorf("title %q", got)
	}
	if got := fmt.Sprint(tl.Met); got != "[{250 250} {750 250}]" || tl.QuorumLine.Y != 30 || tl.Peak.Y != 0 {
		t.Errorf("met %s, line at %d, peak at %d", got, tl.QuorumLine.Y, tl.Peak.Y)
	}
	var ticks []string
	for _, k := range tl.Ticks {
		ticks = append(ticks, fmt.Sprintf("%d %s %s %s", k.Unit, k.X, k.Label, k.Anchor))
	}
	if got, want := strings.Join(ticks, ", "), "0 24.00% 10:00 start, 166 36.45% 10:10 middle, 333 48.98% 10:20 middle, 500 61.50% 10:30 middle, 666 73.95% 10:40 middle, 833 86.47% 10:50 middle, 1000 99.00% 11:00 end"; got != want {
		t.Errorf("ticks %s", got)
	}
	if got := fmt.Sprint(tl.Steps); got != "[{10:00:00 1} {10:15:00 2} {10:30:00 1} {10:45:00 2} {10:59:00 3} {11:00:00 0}]" {
		t.Errorf("steps %s", got)
	}
}

// Whatever there is to draw, it stands within the drawing, and the curve is as
// high as the peak at the place of the peak.
func TestTimelineStaysWithinItsEdges(t *testing.T) {
	many := make([]string, 900)
	for i := range many {
		many[i] = fmt.Sprintf("P%03d %d-%d", i, i%50, 50+i%70)
	}
	for name, at := range map[string]sitting{
		"one":              drawn(t, 1, "Ada 0-60"),
		"a moment":         drawn(t, 0.02, "Ada 0-1"),
		"nine hundred":     drawn(t, 2, many...),
		"over days":        drawn(t, 80, "Ada 0-4800", "Ben 1440-2880"),
		"a minute of days": drawn(t, 80, "Ada 0-4800", "Ben 97-98"),
		"to the edge":      drawn(t, 1, "Ada 60-90", "Ben 0-60"),
	} {
		for _, quorum := range []int{0, 1, 2000} {
			tl := drawTimeline(at, at.Presence.People, quorum)
			rows := 0
			for _, panel := range tl.Panels {
				rows += len(panel.Rows)
				for i, r := range panel.Rows {
					if r.Y != i*tl.RowHeight || r.Y+tl.RowHeight > panel.Height {
						t.Errorf("%s: row %d at %d of %d", name, i, r.Y, panel.Height)
					}
					for _, s := range append(r.Bars, tl.Met...) {
						if s.X < 0 || s.Width < 1 || s.X+s.Width > plotWidth {
							t.Errorf("%s: %+v", name, s)
						}
					}
				}
			}
			if rows != min(len(at.Presence.People), 400) || (tl.More != "") != (len(at.Presence.People) > 400) || tl.Scrolls != (rows > 15) {
				t.Errorf("%s: %d rows, %q, scrolls: %t", name, rows, tl.More, tl.Scrolls)
			}
			if len(tl.Ticks) > mostTicks || len(tl.Ticks) == 0 {
				t.Errorf("%s: %d ticks", name, len(tl.Ticks))
			}
			if len(tl.Steps) > mostSteps || len(tl.Curve) > 20*plotWidth {
				t.Errorf("%s: %d steps, a curve of %d bytes", name, len(tl.Steps), len(tl.Curve))
			}
			top := curveHigh
			x := 0
			for _, part := range regexp.MustCompile(`[HV]\d+`).FindAllString(tl.Curve, -1) {
				n, _ := strconv.Atoi(part[1:])
				if part[0] == 'H' && (n < x || n > plotWidth) || part[0] == 'V' && (n < 0 || n > curveHigh) {
					t.Fatalf("%s: %s after %d in %s", name, part, x, tl.Curve)
				}
				if part[0] == 'H' {
					x = n
				} else {
					top = min(top, n)
				}
			}
			if top != tl.Peak.Y || quorum <= at.Presence.Peak && top != 0 {
				t.Errorf("%s, quorum %d: the curve's top is %d, the peak's mark at %d", name, quorum, top, tl.Peak.Y)
			}
		}
	}
}

func TestNothingToDraw(t *testing.T) {
	for name, at := range map[string]sitting{
		"no length": drawn(t, 0, "Ada 0-0"), "nobody with a time": drawn(t, 1, "Ada 90-95"), "nothing known": {},
	} {
		if tl := drawTimeline(at, at.Presence.People, 1); tl != nil {
			t.Errorf("%s: %+v", name, tl)
		}
	}
}

// The plan widens the drawing where the session does not reach.
func TestTimelineShowsThePlan(t *testing.T) {
	at := drawn(t, 1, "Ada 0-60")
	at.Presence.Base = meetings.Span{Start: at.Presence.Start.Add(-time.Hour), End: at.Presence.Start.Add(30 * time.Minute)}
	tl := drawTimeline(at, at.Presence.People, 0)
	if *tl.Plan != (views.Stretch{X: 0, Width: 750}) || fmt.Sprint(tl.Panels[0].Rows[0].Bars) != "[{500 500}]" {
		t.Errorf("the plan %+v, Ada %+v", *tl.Plan, tl.Panels[0].Rows[0].Bars)
	}
}

func TestTicksAreRoundOnTheClock(t *testing.T) {
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 11, 24, 16, 2, 0, 0, time.UTC) // 21:32
	for minutes, want := range map[int]string{
		3: "21:32 21:33 21:34 21:35", 57: "21:40 21:50 22:00 22:10 22:20", 200: "22:00 22:30 23:00 23:30 Wed 00:30", 8 * 24 * 60: "26 Nov 28 Nov 30 Nov 2 Dec",
	} {
		a := axis{start, time.Duration(minutes) * time.Minute}
		var got []string
		for _, k := range a.ticks(kolkata) {
			got = append(got, k.Label)
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%d minutes: %s", minutes, got)
		}
	}
}
