package attendance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// hour is an occurrence from ten to eleven with joins given in minutes.
func hour(joins ...Join) Occurrence {
	return Occurrence{InstanceKey: "1", Start: ten, End: ten.Add(time.Hour), Joins: joins}
}

func in(name, email string, from, to int) Join {
	j := join(name, "1", ten, from, to)
	j.Email = email
	return j
}

func minute(m int) time.Time { return ten.Add(time.Duration(m) * time.Minute) }

// line writes a person so that tests can compare it.
func line(p Person) string {
	marks := []string{fmt.Sprintf("%s <%s> %d min %d joins %.0f%%", p.Name, p.Email, WholeMinutes(p.Present), len(p.Joins), 100*p.Share)}
	for _, m := range []struct {
		is   bool
		word string
	}{{p.Late, "late"}, {p.Early, "early"}, {p.StillIn, "in"}, {p.Organizer, "organizer"}, {p.CanSplit, "splits"}} {
		if m.is {
			marks = append(marks, m.word)
		}
	}
	return strings.Join(marks, " ")
}

func lines(p Presence) []string {
	var out []string
	for _, who := range p.People {
		out = append(out, line(who))
	}
	return out
}

func TestPeople(t *testing.T) {
	five := Terms{Late: 5 * time.Minute, Early: 5 * time.Minute, Taken: ten.Add(2 * time.Hour)}
	still := Join{Name: "Cy", InstanceKey: "1", Start: ten, Joined: minute(10)}
	for name, c := range map[string]struct {
		o     Occurrence
		terms Terms
		want  []string
	}{
		"a rejoin is one person":                 {hour(in("Bo", "bo@x.test", 0, 20), in("Bo", "bo@x.test", 30, 60)), five, []string{"Bo <bo@x.test> 50 min 2 joins 83%"}},
		"a second device does not count twice":   {hour(in("Bo", "bo@x.test", 0, 60), in("Bo", "bo@x.test", 10, 40)), five, []string{"Bo <bo@x.test> 60 min 2 joins 100%"}},
		"an address in another case is the same": {hour(in("Bo", "Bo@X.test", 0, 30), in("Bob", "bo@x.TEST", 30, 60)), five, []string{"Bo <Bo@X.test> 60 min 2 joins 100% splits"}},
		"the name most used is shown":            {hour(in("Bob", "bo@x.test", 0, 10), in("Bo", "bo@x.test", 10, 30), in("Bo", "bo@x.test", 30, 60)), five, []string{"Bo <bo@x.test> 60 min 3 joins 100% splits"}},
		"one name, two addresses, two people": {hour(in("Sam Taylor", "sam2@x.test", 0, 60), in("Sam Taylor", "sam3@x.test", 0, 60)), five,
			[]string{"Sam Taylor <sam2@x.test> 60 min 1 joins 100%", "Sam Taylor <sam3@x.test> 60 min 1 joins 100%"}},
		"a name with an address is not the name without": {hour(in("Sam", "sam@x.test", 0, 60), in("Sam", "", 0, 60)), five,
			[]string{"Sam <> 60 min 1 joins 100%", "Sam <sam@x.test> 60 min 1 joins 100%"}},
		"without an address the name tells, however it is spelt": {hour(in("Zoë  Q", "", 0, 10), in("zoe\u0308 q", "", 20, 60)), five, []string{"Zoë  Q <> 50 min 2 joins 83%"}},
		"the same name at the same time may be two people":       {hour(in("iPad", "", 0, 60), in("iPad", "", 5, 55)), five, []string{"iPad <> 60 min 2 joins 100% splits"}},
		"nobody knows who the nameless are":                      {hour(in("", "", 0, 60), in(" ", "", 0, 60)), five, []string{" <> 60 min 1 joins 100%", " <> 60 min 1 joins 100%"}},
		"late and early":                                         {hour(in("A", "", 5, 55), in("B", "", 6, 54)), five, []string{"A <> 50 min 1 joins 83%", "B <> 48 min 1 joins 80% late early"}},
		"no time at all":                                         {hour(in("A", "", 30, 30)), five, []string{"A <> 0 min 1 joins 0% late early"}},
		"leave before join":                                      {hour(in("A", "", 30, 20)), five, []string{"A <> 0 min 1 joins 0%"}},
		"out of the session":                                     {hour(in("A", "", -30, -10), in("B", "", 70, 80)), five, []string{"A <> 0 min 1 joins 0%", "B <> 0 min 1 joins 0%"}},
		"over the edges":                                         {hour(in("A", "", -30, 90)), five, []string{"A <> 60 min 1 joins 100%"}},
		"no leave time, and the meeting is over":                 {hour(Join{Name: "A", InstanceKey: "1", Joined: minute(10)}), five, []string{"A <> 50 min 1 joins 83% late"}},
		"no join time":                                           {hour(Join{Name: "A", InstanceKey: "1", Left: minute(10)}), five, []string{"A <> 0 min 1 joins 0%"}},
		"still in":                                               {Occurrence{Start: ten, Joins: []Join{still, in("A", "", 0, 5)}}, Terms{Taken: minute(40)}, []string{"A <> 5 min 1 joins 12%", "Cy <> 30 min 1 joins 75% late in"}},
		"nobody is in for ever":                                  {Occurrence{Start: ten, Joins: []Join{still, in("A", "", 0, 30)}}, Terms{Taken: ten.AddDate(0, 0, 3)}, []string{"A <> 30 min 1 joins 100%", "Cy <> 20 min 1 joins 67% late"}},
		"of the planned time":                                    {hour(in("A", "", 0, 60), in("B", "", 0, 45)), Terms{Planned: Span{minute(-10), minute(50)}, Early: 5 * time.Minute}, []string{"A <> 60 min 1 joins 100% late", "B <> 45 min 1 joins 75% late"}},
		"the organizer":                                          {hour(Join{Name: "Ada", Email: "ADA@x.test", OrganizerEmail: "ada@x.test", InstanceKey: "1", Joined: ten, Left: minute(60)}), five, []string{"Ada <ADA@x.test> 60 min 1 joins 100% organizer"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := lines(Measure(c.o, c.terms)); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestRemarks(t *testing.T) {
	within := Span{ten, minute(60)}
	open := Join{Joined: minute(30)}
	for name, c := range map[string]struct {
		j      Join
		within Span
		from   int
		to     int
		remark Remark
	}{
		"as it reads":   {in("", "", 0, 60), within, 0, 60, ""},
		"clipped":       {in("", "", -5, 61), within, 0, 60, Clipped},
		"no leave":      {open, within, 30, 60, NoLeaveTime},
		"still in":      {open, Span{Start: ten}, 30, 90, StillIn},
		"in until then": {open, Span{ten, minute(120)}, 30, 90, StillIn},
		"at the edge":   {in("", "", 60, 70), within, 60, 60, Clipped},
	} {
		span, remark := Counted(c.j, c.within, minute(90))
		if want := (Span{minute(c.from), minute(c.to)}); span != want || remark != c.remark {
			t.Errorf("%s: %v, %q", name, span, remark)
		}
	}
	for want, j := range map[Remark]Join{NoJoinTime: {Left: ten}, Backwards: in("", "", 2, 1), OutOfIt: in("", "", 61, 62)} {
		if span, remark := Counted(j, within, minute(90)); span != (Span{}) || remark != want {
			t.Errorf("%s: %v, %q", want, span, remark)
		}
	}
}

func TestPeakMedianQuorum(t *testing.T) {
	p := Measure(hour(in("A", "", 0, 60), in("B", "", 5, 30), in("C", "", 10, 20), in("C", "", 40, 50), in("D", "", 20, 30)), Terms{Quorum: 2})
	if p.Peak != 3 || p.PeakAt != (Span{minute(10), minute(30)}) {
		t.Errorf("peak %d at %v", p.Peak, p.PeakAt)
	}
	if p.Median != 22*time.Minute+30*time.Second {
		t.Errorf("median %v of 60, 25, 20 and 10 minutes", p.Median)
	}
	if want := []Span{{minute(5), minute(30)}, {minute(40), minute(50)}}; !slices.Equal(p.Quorum, want) {
		t.Errorf("quorum met %v", p.Quorum)
	}
	if want := []Step{{minute(0), 1}, {minute(5), 2}, {minute(10), 3}, {minute(30), 1}, {minute(40), 2}, {minute(50), 1}, {minute(60), 0}}; !slices.Equal(p.Steps, want) {
		t.Errorf("curve %v", p.Steps)
	}
	if p := Measure(hour(), Terms{Quorum: 1}); p.Peak != 0 || p.Median != 0 || p.Quorum != nil || p.Steps != nil {
		t.Errorf("of nobody: %+v", p)
	}
}

// A moment changes who is present, but never counts two who come and go.
func TestWhoComesAsAnotherGoesIsNotAPeak(t *testing.T) {
	p := Measure(hour(in("A", "", 0, 30), in("B", "", 30, 60)), Terms{Quorum: 1})
	if p.Peak != 1 || len(p.Quorum) != 1 || p.Quorum[0].Length() != time.Hour {
		t.Errorf("peak %d, quorum %v", p.Peak, p.Quorum)
	}
}

func TestReconcile(t *testing.T) {
	five := func(j Join) Join { j.Attendees, j.Minutes = 5, 60; return j }
	o := hour(five(in("A", "a@x", 0, 60)), five(in("B", "", 0, 10)), five(in("B", "", 20, 60)))
	if told := o.Told(); told != (Told{5, 60}) {
		t.Errorf("told %+v", told)
	}
	o.Joins[1].Minutes = 10
	if told := o.Told(); told.Minutes != 0 {
		t.Errorf("minutes of joins are taken for the meeting's: %+v", told)
	}
	merged := Terms{Aliases: NewAliases([]Decision{{Kind: Joined, Person: "n:b", Into: "e:a@x"}})}
	for want, c := range map[Verdict]struct {
		told  int
		terms Terms
	}{
		Untold: {0, Terms{}}, Agrees: {2, Terms{}}, CountsJoins: {3, Terms{}}, RowsAreMissing: {4, Terms{}}, Differs: {1, Terms{}}, CountsSplits: {2, merged},
	} {
		if r := Reconcile(Measure(o, c.terms), Told{Attendees: c.told}); r.Verdict != want {
			t.Errorf("GoTo's %d: %s, want %s", c.told, r.Verdict, want)
		}
	}
	for minutes, agree := range map[int]bool{0: true, 58: false, 59: true, 60: true, 61: true, 62: false} {
		if r := Reconcile(Measure(o, Terms{}), Told{Minutes: minutes}); r.MinutesAgree() != agree {
			t.Errorf("%d of %d minutes: %v", minutes, r.Length, !agree)
		}
	}
}

func TestRoll(t *testing.T) {
	var weeks []Presence
	for week, names := range []string{"A B", "A", "A B", "B C"} {
		start := ten.AddDate(0, 0, 7*week)
		o := Occurrence{InstanceKey: fmt.Sprint(week), Start: start, End: start.Add(time.Hour)}
		for i, n := range strings.Fields(names) {
			o.Joins = append(o.Joins, join(n, o.InstanceKey, start, 0, 60-10*i))
		}
		weeks = append(weeks, Measure(o, Terms{}))
	}
	slices.Reverse(weeks) // as Occurrences lists them
	s := Roll(weeks)
	var got []string
	for _, m := range s.Members {
		marks := ""
		for _, c := range m.Cells {
			marks += map[bool]string{true: "x", false: "."}[c.There]
		}
		got = append(got, fmt.Sprintf("%s %s %d dates %d min streak %d longest %d", m.Name, marks, m.Attended, m.Minutes, m.Streak, m.Longest))
	}
	if want := []string{"A xxx. 3 dates 180 min streak 0 longest 3", "B x.xx 3 dates 160 min streak 2 longest 2", "C ...x 1 dates 50 min streak 1 longest 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if people, minutes := s.Total(0); people != 2 || minutes != 110 {
		t.Errorf("first date: %d people, %d minutes", people, minutes)
	}
	if want := (Span{ten, ten.AddDate(0, 0, 21).Add(time.Hour)}); s.Span() != want {
		t.Errorf("span %v", s.Span())
	}
	nobody := Measure(Occurrence{InstanceKey: "2b", Start: ten.AddDate(0, 0, 15), End: ten.AddDate(0, 0, 15).Add(time.Hour)}, Terms{})
	if s := Roll(append(weeks, nobody)); len(s.Dates) != 5 || s.Held(3) || !s.Held(2) || s.Members[1].Streak != 2 || s.Members[0].Longest != 3 || s.Members[1].Cells[3].There {
		t.Errorf("a date on which nobody is recorded counts: %+v", s.Members)
	}
	if s := Roll(nil); len(s.Members) != 0 || s.Span() != (Span{}) {
		t.Errorf("of nothing: %+v", s)
	}
}
