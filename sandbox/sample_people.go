package sandbox

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	firstNames = []string{"Mary", "José", "Anna", "Wei", "Fatima", "Olu", "Søren", "Zoë", "Ivan", "Nguyễn", "Priya", "Tom", "Łukasz", "Noor", "Grace", "Émile"}
	lastNames  = []string{"Smith", "García", "Müller", "Zhang", "O’Neill", "Okafor", "Jørgensen", "D'Angelo", "Petrov", "Văn An", "Patel", "van der Berg", "Nowak", "al-Hassan", "Hopper", "Lefèvre"}
)

// oddNames are what people and attackers type into a join dialog.
var oddNames = []person{
	{Name: `=HYPERLINK("http://x")`, Email: "formula@example.test"},
	{Name: "<script>alert(1)</script>"},
	{Name: "@SUM(1+1)*cmd|' /C calc'!A0", Email: "cmd@example.test"},
	{Name: "山田 太郎", Email: "taro@example.test"},
	{Name: "عمر الفاروق", Email: "omar@example.test"},
	{Name: "Guest"},
	{Name: "iPhone"},
	{Name: "  spaced   out  ", Email: "Spaced@Example.TEST"},
	{Name: "Room 4\tprojector"},
	{Name: strings.Repeat("Long", 40), Email: "long@example.test"},
}

// sampleJoins has everybody come and go: the organizer for the whole, others
// late or leaving early, some twice, some on two devices at once, some
// without an address, and two people of one name.
func sampleJoins(r *rand.Rand, start, end time.Time, host person, people int) []join {
	length := end.Sub(start)
	joins := []join{{host.Name, host.Email, start, end}}
	seen := map[person]bool{}
	for i := 1; i < people; i++ {
		p := samplePerson(r, i)
		if seen[p] {
			p = person{Name: p.Name + " " + strconv.Itoa(i)} // so that it is that many people
		}
		seen[p] = true
		in := start.Add(time.Duration(r.Int64N(int64(length/6) + 1))).Truncate(time.Second)
		if r.IntN(8) == 0 {
			in = start.Add(time.Duration(r.Int64N(int64(length/2) + 1))).Truncate(time.Second)
		}
		out := end
		if r.IntN(4) == 0 {
			out = in.Add(time.Duration(r.Int64N(int64(end.Sub(in)) + 1))).Truncate(time.Second)
		}
		switch gone := out.Sub(in); {
		case r.IntN(6) == 0 && gone > 6*time.Minute: // dropped out and came back
			third := (gone / 3).Truncate(time.Second)
			joins = append(joins, join{p.Name, p.Email, in, in.Add(third)}, join{p.Name, p.Email, in.Add(third + time.Minute), out})
		case r.IntN(9) == 0 && gone > 6*time.Minute: // a second device meanwhile
			joins = append(joins, join{p.Name, p.Email, in, out}, join{p.Name, p.Email, in.Add(2 * time.Minute), out.Add(-time.Minute)})
		default:
			joins = append(joins, join{p.Name, p.Email, in, out})
		}
	}
	slices.SortStableFunc(joins, func(a, b join) int { return cmp.Compare(a.In.Unix(), b.In.Unix()) })
	return joins
}

func samplePerson(r *rand.Rand, i int) person {
	switch {
	case i == 2 || i == 3: // one name, two people
		return person{Name: "Sam Taylor", Email: "sam" + strconv.Itoa(i) + "@example.test"}
	case i%5 == 4:
		return oddNames[r.IntN(len(oddNames))]
	}
	a, b := r.IntN(len(firstNames)), r.IntN(len(lastNames))
	p := person{Name: firstNames[a] + " " + lastNames[b]}
	if r.IntN(5) > 0 {
		p.Email = fmt.Sprintf("person%d@example.test", a*len(lastNames)+b)
	}
	return p
}

// rescale adds scale-1 copies of the sample and the meeting "Scale" of
// yesterday with 100·scale joins. What callers made stays.
func (m *model) rescale(scale int) {
	for id, mt := range m.meetings {
		if mt.Copy > 0 {
			delete(m.meetings, id)
		}
	}
	for id, s := range m.sessions {
		if s.Copy > 0 {
			delete(m.sessions, id)
		}
	}
	var meetings []*meeting
	for _, mt := range m.meetings {
		if sampleID(mt.ID) {
			meetings = append(meetings, mt)
		}
	}
	slices.SortFunc(meetings, func(a, b *meeting) int { return cmp.Compare(a.ID, b.ID) })
	sessions := m.sessionsOf(time.Time{}, m.day, func(s *session) bool { return true })
	for c := 1; c < scale; c++ {
		for n, mt := range meetings {
			twin := *mt
			twin.ID, twin.Copy, twin.Running = strconv.Itoa(530_000_000+c*1000+n), c, time.Time{}
			twin.Subject = fmt.Sprintf("%.80s (%d)", mt.Subject, c+1)
			twin.Start, twin.End = mt.Start.Add(time.Duration(c)*time.Hour), mt.End.Add(time.Duration(c)*time.Hour)
			m.meetings[twin.ID] = &twin
		}
		for n, s := range sessions {
			m.copySession(s, c, n)
		}
	}
	m.scaleMeeting(scale)
}

// sampleID tells the ids of sampleMeetings from those callers made.
func sampleID(id string) bool { return len(id) == 9 && id < "520000000" }

func (m *model) copySession(s *session, c, n int) {
	id := 4_000_000_000_000_000_000 + int64(c)*10_000 + int64(n)
	twin := *s
	twin.ID, twin.Instance = strconv.FormatInt(id, 10), strconv.FormatInt(id-3_990_000_000_000_000_000, 10)
	twin.Copy, twin.Recording = c, nil
	shift := time.Duration(c%600) * time.Second
	twin.Start, twin.End = s.Start.Add(shift), s.End.Add(shift)
	twin.Joins = slices.Clone(s.Joins[:min(len(s.Joins), 3)])
	for i := range twin.Joins {
		twin.Joins[i].In, twin.Joins[i].Out = twin.Joins[i].In.Add(shift), twin.Joins[i].Out.Add(shift)
	}
	m.strip(&twin)
	m.sessions[twin.ID] = &twin
}

func (m *model) scaleMeeting(scale int) {
	start := m.day.Add(-12 * time.Hour)
	end := start.Add(2 * time.Hour)
	s := &session{ID: "4900000000000000001", Instance: "5900000000001", Meeting: "590000001", Organizer: keyAda,
		Subject: "Scale", Type: "scheduled", Audio: "Hybrid", Start: start, End: end, Copy: 1}
	for i := range 100 * scale {
		in := start.Add(time.Duration(i%3600) * time.Second)
		s.Joins = append(s.Joins, join{fmt.Sprintf("Person %05d", i/2), fmt.Sprintf("person%05d@example.test", i/2), in, end.Add(-time.Duration(i%1800) * time.Second)})
	}
	m.strip(s)
	m.sessions[s.ID] = s
}
