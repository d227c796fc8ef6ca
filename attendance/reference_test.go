package attendance

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// reference is the slow and obvious way: it asks of each minute of an
// occurrence who is in it. Times are whole minutes; nil says that GoTo did not
// tell one.
type reference struct {
	from, to int // of the occurrence; to 0: it is not over
	taken    int
	joins    []referenceJoin
}

type referenceJoin struct {
	name, email string
	in, out     *int
}

func (r reference) occurrence() Occurrence {
	o := Occurrence{InstanceKey: "1", Start: minute(r.from)}
	if r.to > 0 {
		o.End = minute(r.to)
	}
	for _, j := range r.joins {
		row := Join{Name: j.name, Email: j.email, InstanceKey: "1", Start: o.Start, End: o.End}
		if j.in != nil {
			row.Joined = minute(*j.in)
		}
		if j.out != nil {
			row.Left = minute(*j.out)
		}
		o.Joins = append(o.Joins, row)
	}
	return o
}

// there tells whether a join has its person in during the minute from m on.
func (r reference) there(j referenceJoin, m int) bool {
	end := r.to
	if r.to == 0 || r.to > r.taken {
		end = r.taken
	}
	if j.in == nil || m < r.from || r.to > 0 && m >= r.to || m < *j.in {
		return false
	}
	if j.out == nil {
		return m < end
	}
	return m < *j.out
}

func (r reference) who(j referenceJoin) string {
	if j.email != "" {
		return strings.ToLower(j.email)
	}
	return strings.ToLower(strings.Join(strings.Fields(j.name), " "))
}

func randomJoins(random *rand.Rand) reference {
	r := reference{from: random.IntN(5), taken: 200}
	r.to = r.from + 1 + random.IntN(90)
	switch random.IntN(6) {
	case 0:
		r.to, r.taken = 0, r.from+1+random.IntN(90)
	case 1:
		r.taken = r.from + random.IntN(r.to-r.from)
	}
	names := []string{"Ada", "ada ", "Ben", "Cleo  C", "cleo c", "Dan"}
	emails := []string{"", "", "", "a@x.test", "A@X.test", "b@x.test"}
	for range random.IntN(14) {
		j := referenceJoin{name: names[random.IntN(len(names))], email: emails[random.IntN(len(emails))]}
		in := r.from - 10 + random.IntN(110)
		out := in - 3 + random.IntN(60) // now and then before the join, or at once
		if random.IntN(10) > 0 {
			j.in = &in
		}
		if random.IntN(10) > 0 {
			j.out = &out
		}
		r.joins = append(r.joins, j)
	}
	return r
}

func TestAgainstMinuteByMinute(t *testing.T) {
	const rounds = 5000
	for seed := range uint64(rounds) {
		random := rand.New(rand.NewPCG(seed, 4))
		r := randomJoins(random)
		quorum := 1 + random.IntN(4)
		p := Measure(r.occurrence(), Terms{Taken: minute(r.taken), Quorum: quorum})
		complain := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d: %s\n%+v\n%v", seed, fmt.Sprintf(format, args...), p.People, r.text())
		}

		present, joins := map[string]int{}, map[string]int{}
		for _, j := range r.joins {
			present[r.who(j)] += 0
			joins[r.who(j)]++
		}
		curve := map[int]int{}
		for m := -20; m < 320; m++ {
			in := map[string]bool{}
			for _, j := range r.joins {
				if r.there(j, m) {
					in[r.who(j)] = true
				}
			}
			for who := range in {
				present[who]++
			}
			curve[m] = len(in)
		}

		got := map[string]int{}
		for _, who := range p.People {
			key := strings.TrimPrefix(strings.TrimPrefix(string(who.ID), byEmail), byName)
			got[key] = WholeMinutes(who.Present)
			if len(who.Joins) != joins[key] {
				complain("%s has %d joins, %d in the rows", key, len(who.Joins), joins[key])
			}
			for i, s := range who.Spans {
				if i > 0 && !s.Start.After(who.Spans[i-1].End) {
					complain("spans of %s touch: %v", key, who.Spans)
				}
			}
		}
		if !maps.Equal(got, present) {
			complain("minutes %v, minute by minute %v", got, present)
		}
		stays := slices.Sorted(maps.Values(present))
		if n := len(stays); n > 0 {
			if want := time.Duration(stays[(n-1)/2]+stays[n/2]) * time.Minute / 2; p.Median != want {
				complain("median %v, want %v", p.Median, want)
			}
		}
		peak := 0
		for m, n := range curve {
			peak = max(peak, n)
			if at := at(p.Steps, minute(m)); at != n {
				complain("%d present in minute %d, minute by minute %d", at, m, n)
			}
			met := slices.ContainsFunc(p.Quorum, func(s Span) bool { return !minute(m).Before(s.Start) && minute(m).Before(s.End) })
			if met != (n >= quorum) {
				complain("quorum of %d with %d in minute %d: %v", quorum, n, m, met)
			}
		}
		if p.Peak != peak || peak > 0 && curve[int(p.PeakAt.Start.Sub(ten)/time.Minute)] != peak {
			complain("peak %d at %v, minute by minute %d", p.Peak, p.PeakAt, peak)
		}
		sum := 0.0
		for _, who := range p.People {
			if sum += who.Share; who.Share < 0 || who.Share > 1 {
				complain("share %f", who.Share)
			}
		}
	}
}

// at is how many the curve has at a time.
func at(curve []Step, t time.Time) int {
	n := 0
	for _, s := range curve {
		if !s.At.After(t) {
			n = s.People
		}
	}
	return n
}

func (r reference) text() string {
	s := fmt.Sprintf("from %d to %d, taken %d:", r.from, r.to, r.taken)
	show := func(m *int) string {
		if m == nil {
			return "?"
		}
		return fmt.Sprint(*m)
	}
	for _, j := range r.joins {
		s += fmt.Sprintf("\n  %q %q %s–%s", j.name, j.email, show(j.in), show(j.out))
	}
	return s
}

// Whatever the order of the rows, the figures are the same.
func TestTheOrderOfRowsDoesNotCount(t *testing.T) {
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 5))
		r := randomJoins(random)
		figures := func() string {
			p := Measure(r.occurrence(), Terms{Taken: minute(r.taken), Late: 5 * time.Minute, Early: 5 * time.Minute, Quorum: 2,
				Aliases: NewAliases([]Decision{{Kind: Split, Person: "e:a@x.test"}, {Kind: Joined, Person: "n:dan", Into: "e:b@x.test"}})})
			s := fmt.Sprint(p.Peak, p.PeakAt, p.Median, p.Quorum, p.Steps, p.Running, p.Identities)
			for _, who := range p.People {
				s += fmt.Sprintf("\n%s %v %v %v %v", who.ID, who.Spans, who.Late, who.Early, who.StillIn)
			}
			return s
		}
		before := figures()
		random.Shuffle(len(r.joins), func(i, j int) { r.joins[i], r.joins[j] = r.joins[j], r.joins[i] })
		if after := figures(); after != before {
			t.Fatalf("seed %d\n%s\nshuffled\n%s\n%s", seed, before, after, r.text())
		}
	}
}

func tenThousand() Occurrence {
	random := rand.New(rand.NewPCG(1, 1))
	o := Occurrence{InstanceKey: "1", Start: ten, End: ten.Add(2 * time.Hour)}
	for i := range 10_000 {
		from := random.IntN(100)
		o.Joins = append(o.Joins, in(fmt.Sprintf("Attendee %d", i/2), fmt.Sprintf("person%d@example.test", i/2), from, from+random.IntN(30)))
	}
	return o
}

func TestTenThousandJoins(t *testing.T) {
	p := Measure(tenThousand(), Terms{Quorum: 100, Taken: ten.AddDate(0, 0, 1)})
	if len(p.People) != 5000 || len(p.Joins) != 10_000 || p.Peak < 100 || len(p.Steps) > 131 {
		t.Errorf("%d people of %d joins, peak %d, %d steps", len(p.People), len(p.Joins), p.Peak, len(p.Steps))
	}
}

func BenchmarkMeasureTenThousand(b *testing.B) {
	o := tenThousand()
	b.ReportAllocs()
	for b.Loop() {
		Measure(o, Terms{Quorum: 100})
	}
}
