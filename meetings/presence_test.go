package meetings

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"portal/attendance"
)

// came is a joining, in minutes after noon.
func came(name, email string, from, to int) Join {
	j := Join{Name: name, Email: email, InstanceKey: "1", Start: noon, End: noon.Add(time.Hour), Joined: noon.Add(time.Duration(from) * time.Minute)}
	if to > 0 {
		j.Left = noon.Add(time.Duration(to) * time.Minute)
	}
	return j
}

func measure(y Yardstick, joins ...Join) Presence {
	return attendance.Measure(attendance.Occurrences(joins)[0], attendance.Terms{Late: y.Late, Early: y.Early, Quorum: y.Quorum, Taken: noon.Add(2 * time.Hour)})
}

func TestPersonQuery(t *testing.T) {
	p := measure(Yardstick{Late: 5 * time.Minute, Early: 5 * time.Minute},
		came("Zoë", "zoe@x.test", 0, 60), came("ben", "", 10, 60), came("Ada", "ADA@x.test", 0, 20), came("Ada", "ada@x.test", 30, 51), came("", "nameless@x.test", 20, 21), came("Cleo", "cleo@x.test", 0, 51))
	for want, q := range map[string]PersonQuery{
		"Ada ben Cleo Zoë ?": {},
		"? Zoë Cleo ben Ada": {Sort: "bogus", Desc: true},
		"Ada":                {Text: " ADA@ "},
		"Zoë":                {Text: "zoe\u0308"},
		"Ada Cleo ?":         {Early: true},
		"ben ?":              {Late: true},
		"?":                  {Late: true, Early: true},
		"ben":                {NoEmail: true},
		"Cleo Zoë":           {AtLeast: 85},
		"Zoë Cleo":           {AtLeast: 85, Sort: "minutes", Desc: true},
		"Zoë ":               {AtLeast: 85.1},
		"? Ada ben Cleo Zoë": {Sort: "minutes"},
		"Ada Cleo ? Zoë ben": {Sort: "email"},
		"ben Cleo Zoë ? Ada": {Sort: "joins"},
		"Ada Cleo Zoë ben ?": {Sort: "first_in"},
		"? Ada Cleo ben Zoë": {Sort: "last_out"},
		"ben ? Ada Cleo Zoë": {Sort: "status"},
		"":                   {Text: "nobody"},
	} {
		var got []string
		for _, who := range q.Apply(p) {
			if who.Name == "" {
				who.Name = "?"
			}
			got = append(got, who.Name)
		}
		if got := strings.Join(got, " "); got != strings.TrimSpace(want) {
			t.Errorf("%+v: %q, want %q", q, got, want)
		}
	}
	if p.People[0].Name != "Ada" {
		t.Error("the people were reordered")
	}
	if TotalMinutes(p.People) != 41+50+51+60+1 {
		t.Errorf("in all %d minutes", TotalMinutes(p.People))
	}
}

// What is shown is what a threshold compares with.
func TestAThresholdIsOfWhatIsShown(t *testing.T) {
	for seconds, want := range map[int]string{3060: "85", 3058: "84.9", 3059: "85", 1: "0", 3600: "100"} {
		j := came("A", "", 0, 0)
		j.Left = j.Joined.Add(time.Duration(seconds) * time.Second)
		p := measure(Yardstick{}, j)
		shown := Percent(p.People[0].Share)
		if got := fmt.Sprint(shown); got != want {
			t.Errorf("%d seconds of an hour are %s %%", seconds, got)
		}
		for _, least := range []float64{84.9, 85, 85.1} {
			if got := len(PersonQuery{AtLeast: least}.Apply(p)) == 1; got != (shown >= least) {
				t.Errorf("%v %% shown, at least %v: %t", shown, least, got)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	grace := Yardstick{Late: 5 * time.Minute, Early: 5 * time.Minute}
	running := func(j Join) Join { j.End = time.Time{}; return j }
	for want, p := range map[string]Presence{
		"on time":          measure(grace, came("A", "", 5, 55)),
		"late":             measure(grace, came("A", "", 6, 60)),
		"left early":       measure(grace, came("A", "", 0, 54)),
		"late, left early": measure(grace, came("A", "", 6, 54)),
		"no time counted":  measure(grace, came("A", "", 70, 80)),
		"late, still in":   measure(grace, running(came("A", "", 6, 0))),
		"left":             measure(grace, running(came("A", "", 0, 10)), running(came("B", "", 0, 0))),
	} {
		if got := Status(p.People[0], p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPlanned(t *testing.T) {
	m := Meeting{ID: "1", Type: Scheduled, Start: noon, End: noon.Add(45 * time.Minute)}
	change := func(f func(*Meeting)) Meeting { m := m; f(&m); return m }
	for name, c := range map[string]struct {
		m     Meeting
		start time.Time
		from  time.Time // of the span; zero for none
		why   Unplanned
	}{
		"begun before its time":       {m, noon.Add(-10 * time.Minute), noon, ""},
		"begun late":                  {m, noon.Add(5 * time.Hour), noon, ""},
		"within half a day":           {m, noon.Add(-12 * time.Hour), noon, ""},
		"a little more than that":     {m, noon.Add(12*time.Hour + time.Second), noon.Add(12*time.Hour + time.Second), ""},
		"held on another day":         {m, noon.Add(26 * time.Hour), noon.Add(26 * time.Hour), ""},
		"planned again for next week": {change(func(m *Meeting) { m.Start, m.End = m.Start.AddDate(0, 0, 7), m.End.AddDate(0, 0, 7) }), noon, noon, ""},
		"a room":                      {change(func(m *Meeting) { m.Type = Recurring }), noon, time.Time{}, PlanOfRoom},
		"an immediate one":            {change(func(m *Meeting) { m.Type = Immediate }), noon, time.Time{}, PlanOfNow},
		"not known any more":          {Meeting{}, noon, time.Time{}, PlanUnknown},
		"without a date":              {Meeting{ID: "1", Type: Scheduled}, noon, time.Time{}, PlanUnknown},
		"without a length":            {change(func(m *Meeting) { m.End = m.Start }), noon, time.Time{}, PlanUnknown},
	} {
		span, why := planned(c.m, c.start)
		want := Span{}
		if !c.from.IsZero() {
			want = Span{Start: c.from, End: c.from.Add(45 * time.Minute)}
		}
		if span != want || why != c.why {
			t.Errorf("%s: %v, %q", name, span, why)
		}
	}
}
