package reports_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"portal/attendance"
	"portal/meetings"
	"portal/reports"
)

var noAliases attendance.Aliases

func berlin(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// join is somebody from the minute in until the minute out of a session.
func join(name, email string, start time.Time, in, out float64) attendance.Join {
	at := func(m float64) time.Time { return start.Add(time.Duration(m * float64(time.Minute))) }
	return attendance.Join{Name: name, Email: email, Joined: at(in), Left: at(out)}
}

// sample has three organizers, one of them idle, and each kind of person.
func sample() *reports.Result {
	// Sunday 23:30 in Berlin, which is a Sunday in UTC, too; Monday 00:30 in
	// Berlin, which is a Sunday in UTC; and a session of which there are no rows.
	sunday := time.Date(2026, 10, 18, 21, 30, 0, 0, time.UTC)
	monday := time.Date(2026, 10, 18, 22, 30, 0, 0, time.UTC)
	later := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	return reports.ResultOf([]string{"1", "2", "3"},
		reports.Session{Organizer: "1", MeetingID: "100", Subject: "Daily", Start: sunday, Minutes: 30, Told: 3, Came: []attendance.Join{
			join("Ann", "ANN@x.test", sunday, 0, 30), join("Ann", "ann@x.test", sunday, 10, 20), // a second device
			join("Bo", "", sunday, 0, 10.4), join("", "", sunday, 0, 5),
		}},
		reports.Session{Organizer: "1", MeetingID: "100", Subject: "Daily, renamed", Start: monday, Minutes: 20, Told: 1, Came: []attendance.Join{
			join("Ann A.", "ann@x.test", monday, 0, 10), join("Ann A.", "ann@x.test", monday, 15, 20), join("", "", monday, 0, 5),
		}},
		reports.Session{Organizer: "2", MeetingID: "200", Subject: "Board", Start: later, Minutes: 60, Told: 2, Came: []attendance.Join{
			join("bo", "bo@x.test", later, 0, 60), join("Bo", "", later, 30, 60),
		}},
		reports.Session{Organizer: "2", MeetingID: "201", Subject: "Nobody", Start: later.Add(2 * time.Hour), Minutes: 15},
	)
}

func TestFigures(t *testing.T) {
	from, to := time.Date(2026, 10, 17, 22, 0, 0, 0, time.UTC), time.Date(2026, 11, 15, 23, 0, 0, 0, time.UTC)
	loc := berlin(t)
	f := sample().Figures(noAliases, loc, from, to)
	if f.Minutes != 125 || f.Attended != 30+10+5+15+5+60+30 || f.Visits != 7 || len(f.Held) != 4 || f.Active() != 2 {
		t.Errorf("%d minutes, %d attended, %d visits, %d held, %d active", f.Minutes, f.Attended, f.Visits, len(f.Held), f.Active())
	}
	var people []string
	for _, p := range f.People {
		people = append(people, fmt.Sprintf("%s <%s> %d %d %v %s-%s", p.Name, p.Email, p.Meetings, p.Minutes, p.Known, p.First.In(loc).Format("02.1504"), p.Last.In(loc).Format("02.1504")))
	}
	if want := []string{
		"Ann A. <ann@x.test> 2 45 true 18.2330-19.0050",
		"bo <bo@x.test> 1 60 true 03.1000-03.1100",
		"Bo <> 2 40 true 18.2330-03.1100",
		" <> 1 5 false 18.2330-18.2335",
		" <> 1 5 false 19.0030-19.0035",
	}; !slices.Equal(people, want) {
		t.Errorf("people are\n%s", strings.Join(people, "\n"))
	}
	var organizers []string
	for _, o := range f.Organizers {
		organizers = append(organizers, fmt.Sprint(o.Key, " ", o.Meetings, o.Minutes, o.People, o.Visits, o.Attended, o.Last.IsZero()))
	}
	if want := []string{"1 2 50 4 5 65 false", "2 2 75 2 2 90 false", "3 0 0 0 0 0 true"}; !slices.Equal(organizers, want) {
		t.Errorf("organizers are %q", organizers)
	}
	var weeks []string
	for _, w := range f.Weeks {
		weeks = append(weeks, fmt.Sprint(w.Start.Format("Mon 2 Jan 15:04"), " ", w.Meetings, w.Minutes, w.People, w.Visits, w.Attended))
	}
	if want := []string{"Mon 12 Oct 00:00 1 30 3 3 45", "Mon 19 Oct 00:00 1 20 2 2 20", "Mon 26 Oct 00:00 0 0 0 0 0", "Mon 2 Nov 00:00 2 75 2 2 90", "Mon 9 Nov 00:00 0 0 0 0 0"}; !slices.Equal(weeks, want) {
		t.Errorf("weeks are %q", weeks)
	}
	// By another clock the second session is on Sunday.
	if w := sample().Figures(noAliases, time.UTC, from, to).Weeks; w[0].Meetings != 2 || w[1].Meetings != 0 {
		t.Errorf("in UTC: %+v", w)
	}
	best, rare := f.Extremes(5)
	if len(best) != 2 || len(rare) != 1 || best[0].MeetingID != "100" || best[0].Subject != "Daily, renamed" || best[0].Average() != 2.5 || rare[0].MeetingID != "201" {
		t.Errorf("best %+v, rare %+v", best, rare)
	}
}

// Who has neither name nor e-mail is nobody in any other session, even where
// GoTo names no instance.
func TestStrangersStayApart(t *testing.T) {
	at := noon.Add(-48 * time.Hour)
	r := reports.ResultOf([]string{"1"},
		reports.Session{Organizer: "1", MeetingID: "1", Start: at, Minutes: 9, Keyless: true, Came: []attendance.Join{join("", "", at, 0, 5), join("", "", at, 0, 5)}},
		reports.Session{Organizer: "1", MeetingID: "1", Start: at.Add(time.Hour), Minutes: 9, Keyless: true, Came: []attendance.Join{join("", "", at.Add(time.Hour), 0, 5)}})
	f := r.Figures(noAliases, time.UTC, at, noon)
	if len(f.People) != 3 || f.Organizers[0].People != 3 || f.Weeks[0].People != 3 {
		t.Errorf("%d people, %+v, %+v", len(f.People), f.Organizers, f.Weeks)
	}
}

// What is decided about who is who holds in every figure.
func TestFiguresAfterDecisions(t *testing.T) {
	from, to := time.Date(2026, 10, 17, 22, 0, 0, 0, time.UTC), time.Date(2026, 11, 15, 23, 0, 0, 0, time.UTC)
	joined := attendance.NewAliases([]attendance.Decision{{ID: "d", Kind: attendance.Joined, Person: "n:bo", Into: "e:bo@x.test"}})
	f := sample().Figures(joined, time.UTC, from, to)
	if len(f.People) != 4 || f.Visits != 6 || f.Attended != 125 || len(f.Decisions) != 1 {
		t.Errorf("%d people, %d visits, %d minutes, %v", len(f.People), f.Visits, f.Attended, f.Decisions)
	}
	for _, id := range []meetings.Identity{"n:bo", "e:bo@x.test"} {
		found := sample().Find(id, joined)
		if len(found) != 1 || found[0].Meetings != 2 || found[0].Minutes != 70 || found[0].Email != "bo@x.test" {
			t.Errorf("%s: %+v", id, found)
		}
	}
	split := attendance.NewAliases([]attendance.Decision{{ID: "s", Kind: attendance.Split, Person: "e:ann@x.test"}})
	found := sample().Find(reports.Identity("", "Ann@X.test"), split)
	if len(found) != 2 || found[0].Name != "Ann" || found[1].Name != "Ann A." || found[0].ID == found[1].ID {
		t.Errorf("%+v", found)
	}
	if one := sample().Find(found[1].ID, split); len(one) != 1 || one[0].Meetings != 1 || one[0].Minutes != 15 {
		t.Errorf("%+v", one)
	}
	for _, nobody := range []meetings.Identity{"", "?", "n:nobody", "e:ann"} {
		if found := sample().Find(nobody, noAliases); len(found) != 0 {
			t.Errorf("%q: %+v", nobody, found)
		}
	}
}

// Each total is the sum of what stands in the tables, whatever is read.
func TestTotalsAddUp(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SOAK_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SOAK_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		from := noon.AddDate(0, 0, -r.IntN(400)-1)
		var list []reports.Session
		for range r.IntN(12) {
			s := reports.Session{
				Organizer: fmt.Sprint(r.IntN(3)), MeetingID: fmt.Sprint(r.IntN(4)), Subject: "S", Minutes: r.IntN(200), Told: r.IntN(5),
				Start: from.Add(time.Duration(r.Int64N(int64(noon.Sub(from))))).Truncate(time.Second),
			}
			for range r.IntN(9) {
				in := r.Float64()*220 - 10
				s.Came = append(s.Came, join([]string{"", "A", "a ", "B"}[r.IntN(4)], []string{"", "", "x@x.test", "X@x.test"}[r.IntN(4)], s.Start, in, in+r.Float64()*100-5))
			}
			list = append(list, s)
		}
		f := reports.ResultOf([]string{"0", "1", "2"}, list...).Figures(noAliases, berlin(t), from, noon)
		var held, people, organizers, weeks [4]int
		for _, h := range f.Held {
			held[0], held[1], held[2], held[3] = held[0]+1, held[1]+h.Minutes, held[2]+h.People, held[3]+h.Attended
		}
		for _, p := range f.People {
			people[2], people[3] = people[2]+p.Meetings, people[3]+p.Minutes
		}
		people[0], people[1] = len(f.Held), f.Minutes
		for _, o := range f.Organizers {
			organizers[0], organizers[1], organizers[2], organizers[3] = organizers[0]+o.Meetings, organizers[1]+o.Minutes, organizers[2]+o.Visits, organizers[3]+o.Attended
		}
		for _, w := range f.Weeks {
			weeks[0], weeks[1], weeks[2], weeks[3] = weeks[0]+w.Meetings, weeks[1]+w.Minutes, weeks[2]+w.Visits, weeks[3]+w.Attended
		}
		want := [4]int{len(list), f.Minutes, f.Visits, f.Attended}
		if held != want || people != want || organizers != want || weeks != want {
			t.Fatalf("%v, but the tables say %v, %v, %v and %v", want, held, people, organizers, weeks)
		}
	}
}

// Weeks begin on Mondays at midnight, also where clocks change on the way.
func TestWeeks(t *testing.T) {
	loc := berlin(t)
	for _, tt := range []struct {
		from, to time.Time
		want     string
	}{
		{time.Date(2026, 10, 19, 0, 0, 0, 0, loc), time.Date(2026, 10, 26, 0, 0, 0, 0, loc), "19 Oct"},
		{time.Date(2026, 10, 18, 23, 59, 0, 0, loc), time.Date(2026, 10, 26, 0, 0, 1, 0, loc), "12 Oct 19 Oct 26 Oct"},
		{time.Date(2026, 3, 23, 0, 0, 0, 0, loc), time.Date(2026, 4, 6, 0, 0, 0, 0, loc), "23 Mar 30 Mar"},
		{time.Date(2024, 12, 31, 0, 0, 0, 0, loc), time.Date(2025, 1, 2, 0, 0, 0, 0, loc), "30 Dec"},
		{noon, noon, ""},
	} {
		var got []string
		for _, w := range reports.ResultOf(nil).Figures(noAliases, loc, tt.from, tt.to).Weeks {
			if h, m, s := w.Start.Clock(); h+m+s != 0 || w.Start.Weekday() != time.Monday {
				t.Errorf("a week begins at %v", w.Start)
			}
			got = append(got, w.Start.Format("2 Jan"))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%v – %v: %v", tt.from, tt.to, got)
		}
	}
}

// A range is cut into windows that share nothing and lack nothing.
func TestWindows(t *testing.T) {
	const day = 24 * time.Hour
	for n, want := range map[time.Duration]int{time.Second: 1, day: 1, 31 * day: 1, 31*day + 2*time.Hour: 2, 90 * day: 3, 400 * day: 13, 0: 0, -day: 0} {
		w := reports.Windows(noon.Add(-n), noon)
		if len(w)-1 != want {
			t.Errorf("%v: %d windows, want %d", n, len(w)-1, want)
		}
		for i := range len(w) - 1 {
			if d := w[i+1].Sub(w[i]); d <= 0 || d > 31*day+time.Hour {
				t.Errorf("%v: a window of %v", n, d)
			}
		}
	}
}

// Sessions and attendee rows are matched one to one by meeting and start.
func TestPairing(t *testing.T) {
	past := func(id string, minute int) meetings.Past {
		return meetings.Past{MeetingID: id, SessionID: fmt.Sprint(id, minute), Start: noon.Add(time.Duration(minute) * time.Minute)}
	}
	came := func(id string, minutes ...float64) meetings.Attendance {
		a := meetings.Attendance{MeetingID: id}
		for _, m := range minutes {
			a.Occurrences = append(a.Occurrences, attendance.Occurrence{InstanceKey: fmt.Sprint(id, "@", m), Start: noon.Add(time.Duration(m * float64(time.Minute)))})
		}
		return a
	}
	for name, tt := range map[string]struct {
		past   []meetings.Past
		came   []meetings.Attendance
		want   []string
		strays int
	}{
		"one":                      {[]meetings.Past{past("1", 5)}, []meetings.Attendance{came("1", 5)}, []string{"1@5"}, 0},
		"a little apart":           {[]meetings.Past{past("1", 5)}, []meetings.Attendance{came("1", 6.9)}, []string{"1@6.9"}, 0},
		"too far apart":            {[]meetings.Past{past("1", 5)}, []meetings.Attendance{came("1", 7.1)}, []string{""}, 1},
		"another meeting's":        {[]meetings.Past{past("1", 5)}, []meetings.Attendance{came("2", 5)}, []string{""}, 1},
		"started again at once":    {[]meetings.Past{past("1", 6), past("1", 5)}, []meetings.Attendance{came("1", 5, 6)}, []string{"1@5", "1@6"}, 0},
		"one of the two has rows":  {[]meetings.Past{past("1", 5), past("1", 6)}, []meetings.Attendance{came("1", 5)}, []string{"1@5", ""}, 0},
		"in several answers":       {[]meetings.Past{past("1", 5), past("1", 50)}, []meetings.Attendance{came("1", 50), came("1", 5)}, []string{"1@5", "1@50"}, 0},
		"out of the range":         {nil, []meetings.Attendance{came("1", -1, 60)}, nil, 0},
		"running, or erased since": {nil, []meetings.Attendance{came("1", 0, 59)}, nil, 2},
	} {
		got, strays := reports.Pair(tt.past, tt.came, noon, noon.Add(time.Hour))
		if !slices.Equal(got, tt.want) || strays != tt.strays {
			t.Errorf("%s: %q and %d strays, want %q and %d", name, got, strays, tt.want, tt.strays)
		}
	}
}

// What is sealed is what was read.
func TestResultsArePacked(t *testing.T) {
	s := replica(&account{}, newShelf(), "one")
	want := sample()
	sealed, err := s.Pack(*want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Unpack("k1", sealed)
	if err != nil {
		t.Fatal(err)
	}
	from, to := noon.AddDate(0, -2, 0), noon
	if a, b := want.Figures(noAliases, time.UTC, from, to), got.Figures(noAliases, time.UTC, from, to); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v, want %+v", b, a)
	}
	for name, bad := range map[string][]byte{"cut": sealed[:len(sealed)-9], "empty": nil, "elsewhere": []byte("k1|result|y|")} {
		if _, err := s.Unpack("k1", bad); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// What is too long to be opened again is not kept.
func TestHugeResultsAreNotPacked(t *testing.T) {
	s := replica(&account{}, newShelf(), "one")
	long := reports.Session{Organizer: "1", MeetingID: "1", Subject: strings.Repeat("x", 33<<20), Start: noon}
	if _, err := s.Pack(*reports.ResultOf([]string{"1"}, long)); err != nil {
		t.Error(err)
	}
	if _, err := s.Pack(*reports.ResultOf([]string{"1"}, long, long)); err == nil {
		t.Error("packed what cannot be opened")
	}
}
