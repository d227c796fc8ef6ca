package meetings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portal/gotomeeting"
)

// archive plays GoTo: a meeting's joins, and the history.
type archive struct {
	GoTo
	joins   []gotomeeting.Join
	past    []gotomeeting.PastMeeting
	refuse  error
	windows []string // that history was asked for
	asked   int      // for attendees
}

func (g *archive) Attendees(context.Context, gotomeeting.TokenSource, string) ([]gotomeeting.Join, error) {
	g.asked++
	return g.joins, nil
}

func (g *archive) History(_ context.Context, _ gotomeeting.TokenSource, organizer string, from, to time.Time) ([]gotomeeting.PastMeeting, error) {
	g.windows = append(g.windows, fmt.Sprintf("%s %s–%s", organizer, from.Format("2006-01-02T15"), to.Format("2006-01-02T15")))
	return g.past, g.refuse
}

// held adds a session on a day of November with these people, for an hour, which
// history knows to have started some seconds off.
func (g *archive) held(id string, on, off int, people ...string) {
	start := time.Date(2030, 11, on, 9, 0, 0, 0, time.UTC)
	for i, p := range people {
		g.joins = append(g.joins, gotomeeting.Join{Name: p, InstanceKey: fmt.Sprint("i", on), Start: start, End: start.Add(time.Hour), Joined: start, Left: start.Add(time.Hour - time.Duration(i)*10*time.Minute), NumAttendees: len(people)})
	}
	g.past = append(g.past, gotomeeting.PastMeeting{ID: id, SessionID: fmt.Sprint("s", on), Start: start.Add(time.Duration(off) * time.Second), End: start.Add(time.Hour), Attendees: len(people)})
}

// marks are who was there on which date, and the figures.
func marks(r Register, members []Member) string {
	var lines []string
	for _, m := range members {
		line := m.Name + " "
		for date, c := range m.Cells {
			switch {
			case c.There:
				line += "x"
			case r.Held(date):
				line += "."
			default:
				line += "_"
			}
		}
		lines = append(lines, fmt.Sprintf("%s %d/%d %dmin %d %d", line, m.Attended, r.OneOf(), m.Minutes, m.Streak, m.Longest))
	}
	return strings.Join(lines, "; ")
}

func dated(day int) time.Time { return time.Date(2030, 11, day, 0, 0, 0, 0, time.UTC) }

func newArchive() (*archive, *Service) {
	g := &archive{}
	g.held("1", 4, 90, "Ada", "Ben")
	g.held("1", 11, 0)
	g.held("1", 18, -119, "Ada", "Ben")
	g.held("1", 25, 121, "Ada") // history's start is too far off: another session
	g.held("2", 19, 0)          // another meeting's
	return g, New(Config{GoTo: g, Memory: forgetful{}, Now: func() time.Time { return time.Date(2030, 11, 26, 15, 0, 0, 0, time.UTC) }})
}

func TestRegister(t *testing.T) {
	g, s := newArchive()
	ada := Caller{UserKey: "7", Tokens: &browser{}}
	for name, c := range map[string]struct {
		organizer string
		from, to  time.Time
		refuse    error
		want      string
		told      string // sessions of the dates, as history knows them
		window    string
	}{
		"all":              {want: "Ada x_xx_ 3/3 180min 3 3; Ben x_x._ 2/3 100min 0 2", told: "s4 s11 s18  s25", window: " 2030-10-26T23–2030-11-27T00"},
		"one's own by key": {organizer: "7", want: "Ada x_xx_ 3/3 180min 3 3; Ben x_x._ 2/3 100min 0 2", told: "s4 s11 s18  s25", window: " 2030-10-26T23–2030-11-27T00"},
		"another's":        {organizer: "8", want: "Ada x_xx_ 3/3 180min 3 3; Ben x_x._ 2/3 100min 0 2", told: "s4 s11 s18  s25", window: "8 2030-10-26T23–2030-11-27T00"},
		"from":             {from: dated(11), want: "Ada _xx_ 2/2 120min 2 2; Ben _x._ 1/2 50min 0 1", told: "s11 s18  s25", window: " 2030-11-11T00–2030-11-27T00"},
		"to":               {to: dated(18), want: "Ada x_ 1/1 60min 1 1; Ben x_ 1/1 50min 1 1", told: "s4 s11", window: " 2030-10-17T23–2030-11-18T00"},
		"nobody in it":     {from: dated(10), to: dated(12), want: "", told: "s11", window: " 2030-11-10T00–2030-11-12T00"},
		"to come":          {from: dated(28), want: "", told: ""},
		"refused":          {refuse: &Fault{Kind: Forbidden}, want: "Ada xxx 3/3 180min 3 3; Ben xx. 2/3 100min 0 2", told: "  ", window: " 2030-10-26T23–2030-11-27T00"},
		"down":             {refuse: &Fault{Kind: Unavailable}, want: "Ada xxx 3/3 180min 3 3; Ben xx. 2/3 100min 0 2", told: "  ", window: " 2030-10-26T23–2030-11-27T00"},
	} {
		g.asked, g.windows, g.refuse = 0, nil, c.refuse
		r, seen, err := s.Register(t.Context(), ada, "1", c.organizer, c.from, c.to)
		if err != nil || seen.At.IsZero() {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var told []string
		for _, p := range r.Told {
			told = append(told, p.SessionID)
		}
		if got := marks(r, r.Members); got != c.want || strings.Join(told, " ") != c.told {
			t.Errorf("%s: %q, told of %q", name, got, told)
		}
		if g.asked != 1 || strings.Join(g.windows, ", ") != c.window {
			t.Errorf("%s: %d calls for attendees, history over %q", name, g.asked, g.windows)
		}
		if !errors.Is(r.Missing, c.refuse) || len(r.Occurrences) != 3 {
			t.Errorf("%s: missing is %v", name, r.Missing)
		}
	}
	g.refuse = &Fault{Kind: InvalidToken}
	if _, _, err := s.Register(t.Context(), ada, "1", "", time.Time{}, time.Time{}); !errors.Is(err, g.refuse) {
		t.Errorf("without a session: %v", err)
	}
}

// What a year-old room costs: the history of a year, whatever the range.
func TestRegisterReachesBackAYear(t *testing.T) {
	g, s := newArchive()
	old := time.Date(2028, 1, 1, 9, 0, 0, 0, time.UTC)
	g.joins = append(g.joins, gotomeeting.Join{Name: "Ada", Start: old, End: old.Add(time.Hour), Joined: old, Left: old.Add(time.Hour)})
	for name, c := range map[string]struct {
		from, to time.Time
		want     []string
	}{
		"all":         {time.Time{}, time.Time{}, []string{" 2029-11-26T00–2030-11-27T00"}},
		"since 2000":  {old.AddDate(-28, 0, 0), time.Time{}, []string{" 2029-11-26T00–2030-11-27T00"}},
		"before that": {old.AddDate(-28, 0, 0), dated(1).AddDate(-2, 0, 0), nil},
	} {
		g.windows = nil
		if _, _, err := s.Register(t.Context(), Caller{Tokens: &browser{}}, "1", "", c.from, c.to); err != nil || !slices.Equal(g.windows, c.want) {
			t.Errorf("%s: %q, %v", name, g.windows, err)
		}
	}
}

func TestWhoseHistoryItIs(t *testing.T) {
	g, s := newArchive()
	register := func() Register {
		t.Helper()
		r, _, err := s.Register(t.Context(), Caller{Tokens: &browser{}}, "1", "", time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := register()
	if r.Unlisted() || r.GoTos(0) != 2 || r.GoTos(1) != 0 || r.GoTos(3) != 1 {
		t.Errorf("unlisted %v, GoTo counts %d, %d, %d", r.Unlisted(), r.GoTos(0), r.GoTos(1), r.GoTos(3))
	}
	g.past = nil
	if r := register(); !r.Unlisted() || r.GoTos(0) != 2 {
		t.Errorf("unlisted %v, GoTo counts %d", r.Unlisted(), r.GoTos(0))
	}
	g.joins = nil
	if r := register(); r.Unlisted() || len(r.Dates) != 0 {
		t.Errorf("of nothing: %+v", r)
	}
}

func TestRegisterQuery(t *testing.T) {
	g := &archive{}
	g.held("1", 1, 0, "Ada", "ben", "Zoë")
	g.held("1", 2, 0, "Ada", "ben")
	g.held("1", 3, 0, "ADA", "Zoë")
	for i := range g.joins {
		if strings.EqualFold(g.joins[i].Name, "ada") {
			g.joins[i].Email = "Ada@x.test"
		}
	}
	s := New(Config{GoTo: g, Memory: forgetful{}, Now: func() time.Time { return dated(4) }})
	r, _, err := s.Register(t.Context(), Caller{Tokens: &browser{}}, "1", "", time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	// ADA 3 dates, 180 min, streak 3; ben 2, 100, 0, longest 2; Zoë 2, 90, 1.
	for _, c := range []struct {
		q    RegisterQuery
		want string
	}{
		{RegisterQuery{}, "ADA ben Zoë"}, {RegisterQuery{Sort: "bogus"}, "ADA ben Zoë"}, {RegisterQuery{Desc: true}, "Zoë ben ADA"},
		{RegisterQuery{Sort: "email"}, "ADA ben Zoë"}, {RegisterQuery{Sort: "email", Desc: true}, "ben Zoë ADA"},
		{RegisterQuery{Sort: "attended"}, "ben Zoë ADA"}, {RegisterQuery{Sort: "minutes"}, "Zoë ben ADA"}, {RegisterQuery{Sort: "minutes", Desc: true}, "ADA ben Zoë"},
		{RegisterQuery{Sort: "streak"}, "ben Zoë ADA"}, {RegisterQuery{Sort: "longest"}, "Zoë ben ADA"},
		{RegisterQuery{Text: "zoe\u0308"}, "Zoë"}, {RegisterQuery{Text: "X.TEST"}, "ADA"}, {RegisterQuery{Text: "nobody"}, ""}, {RegisterQuery{Text: "  B "}, "ben"},
	} {
		var got []string
		for _, m := range c.q.Apply(r.Members) {
			got = append(got, m.Name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %q, want %q", c.q, got, c.want)
		}
	}
	if people, minutes := DateTotal(RegisterQuery{Text: "e"}.Apply(r.Members), 0); people != 2 || minutes != 60+50 {
		t.Errorf("those found make %d people, %d minutes", people, minutes)
	}
	if people, minutes := DateTotal(RegisterQuery{Text: "ben"}.Apply(r.Members), 2); people != 0 || minutes != 0 {
		t.Errorf("who was not there makes %d people, %d minutes", people, minutes)
	}
	if r.Members[0].Name != "ADA" {
		t.Error("the members were reordered")
	}
}
