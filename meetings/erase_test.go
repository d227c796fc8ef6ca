package meetings

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"portal/gotomeeting"
)

// eraser plays GoTo for erasing: rows of one meeting, and a history.
type eraser struct {
	GoTo
	joins  []gotomeeting.Join
	past   []gotomeeting.PastMeeting
	err    error // what erasing answers
	asked  []string
	erased []string
}

func (g *eraser) Attendees(context.Context, gotomeeting.TokenSource, string) ([]gotomeeting.Join, error) {
	g.asked = append(g.asked, "attendees")
	return slices.Clone(g.joins), nil
}

func (g *eraser) History(_ context.Context, _ gotomeeting.TokenSource, organizer string, from, to time.Time) ([]gotomeeting.PastMeeting, error) {
	g.asked = append(g.asked, "history "+organizer+" "+to.Sub(from).String())
	return slices.Clone(g.past), nil
}

func (g *eraser) EraseAttendees(_ context.Context, _ gotomeeting.TokenSource, organizer, session string) error {
	g.erased = append(g.erased, "attendees "+organizer+" "+session)
	return g.err
}

func (g *eraser) EraseSession(_ context.Context, _ gotomeeting.TokenSource, organizer, session string) error {
	g.erased = append(g.erased, "session "+organizer+" "+session)
	return g.err
}

// joined is a row of the organizer "1" in an occurrence that began after noon.
func joined(instance, name string, after time.Duration) gotomeeting.Join {
	return gotomeeting.Join{
		Name: name, Joined: noon.Add(after), Left: noon.Add(after + time.Hour), InstanceKey: instance,
		Start: noon.Add(after), End: noon.Add(after + time.Hour), MeetingID: "100", OrganizerKey: "1", Subject: "Board",
	}
}

func ended(session, meeting string, after time.Duration) gotomeeting.PastMeeting {
	return gotomeeting.PastMeeting{SessionID: session, ID: meeting, Subject: "Board", Start: noon.Add(after), End: noon.Add(after + time.Hour), OrganizerKey: "1"}
}

// What is erased is gone for good, so a session has to be the one and only.
func TestErasableIsNeverAGuess(t *testing.T) {
	ref := func(after time.Duration) string { return noon.Add(after).Format(time.RFC3339) }
	own := []gotomeeting.Join{joined("a", "Bo", 0), joined("a", "Cy", 0), joined("a", "bo", time.Minute)}
	own[2].Start, own[2].End = noon, own[0].End
	for name, tt := range map[string]struct {
		joins []gotomeeting.Join
		past  []gotomeeting.PastMeeting
		ref   string
		want  string // session, or the error
	}{
		"by instance key":                         {own, []gotomeeting.PastMeeting{ended("s", "100", 0)}, "a", "s"},
		"by start":                                {own, []gotomeeting.PastMeeting{ended("s", "100", 0)}, ref(0), "s"},
		"the latest":                              {own, []gotomeeting.PastMeeting{ended("s", "100", 0)}, "", "s"},
		"starts that differ":                      {own, []gotomeeting.PastMeeting{ended("s", "100", 2*time.Minute)}, "a", "s"},
		"starts that differ too much":             {own, []gotomeeting.PastMeeting{ended("s", "100", 2*time.Minute+time.Second)}, "a", ErrNoSession.Error()},
		"starts that differ, the other way":       {own, []gotomeeting.PastMeeting{ended("s", "100", -2*time.Minute)}, "a", "s"},
		"another meeting's":                       {own, []gotomeeting.PastMeeting{ended("s", "101", 0)}, "a", ErrNoSession.Error()},
		"another meeting's beside it":             {own, []gotomeeting.PastMeeting{ended("x", "101", 0), ended("s", "100", time.Second)}, "a", "s"},
		"not in history yet":                      {own, nil, "a", ErrNoSession.Error()},
		"no such occurrence":                      {own, []gotomeeting.PastMeeting{ended("s", "100", 0)}, "b", ErrNoSession.Error()},
		"nothing of it":                           {nil, nil, "", ErrNoSession.Error()},
		"erased already":                          {nil, []gotomeeting.PastMeeting{ended("", "100", 0)}, ref(0), ErrSessionErased.Error()},
		"without attendees":                       {nil, []gotomeeting.PastMeeting{ended("s", "100", 0)}, ref(0), "s"},
		"two near, neither exact":                 {own, []gotomeeting.PastMeeting{ended("s", "100", 30*time.Second), ended("x", "100", -time.Minute)}, "a", ErrWhichSession.Error()},
		"two near, one exact":                     {own, []gotomeeting.PastMeeting{ended("x", "100", 30*time.Second), ended("s", "100", 0)}, "a", "s"},
		"two at the same second":                  {own, []gotomeeting.PastMeeting{ended("s", "100", 0), ended("x", "100", 0)}, "a", ErrWhichSession.Error()},
		"erased, beside another":                  {own, []gotomeeting.PastMeeting{ended("", "100", 0), ended("s", "100", time.Minute)}, ref(0), ErrSessionErased.Error()},
		"another's rows are nearer":               {append(slices.Clone(own), joined("b", "Di", time.Minute)), []gotomeeting.PastMeeting{ended("s", "100", time.Minute)}, "a", ErrWhichSession.Error()},
		"without attendees, beside another's":     {own, []gotomeeting.PastMeeting{ended("s", "100", -90*time.Second)}, ref(-3 * time.Minute), ErrWhichSession.Error()},
		"rows that do not tell when":              {[]gotomeeting.Join{{InstanceKey: "a", Name: "Bo", OrganizerKey: "1"}}, []gotomeeting.PastMeeting{ended("s", "100", 0)}, "a", ErrNoSession.Error()},
		"two occurrences, each with a session":    {append(slices.Clone(own), joined("b", "Di", time.Minute)), []gotomeeting.PastMeeting{ended("s", "100", time.Minute), ended("x", "100", 0)}, "b", "s"},
		"occurrences of different days":           {append(slices.Clone(own), joined("b", "Di", 24*time.Hour)), []gotomeeting.PastMeeting{ended("s", "100", 0)}, "a", "s"},
		"two occurrences of one start":            {append(slices.Clone(own), joined("b", "Di", 0)), []gotomeeting.PastMeeting{ended("s", "100", 0)}, "a", ErrWhichSession.Error()},
		"two occurrences of one start, the other": {append(slices.Clone(own), joined("b", "Di", 0)), []gotomeeting.PastMeeting{ended("s", "100", 0)}, "b", ErrWhichSession.Error()},
	} {
		g := &eraser{joins: tt.joins, past: tt.past}
		got, err := newService(g).Erasable(t.Context(), Caller{UserKey: "1"}, SessionRef{MeetingID: "100", Occurrence: tt.ref})
		said := got.SessionID
		if err != nil {
			said = err.Error()
		}
		if said != tt.want {
			t.Errorf("%s: got %q, want %q", name, said, tt.want)
		}
		if len(g.asked) > 2 || len(g.asked) == 2 && g.asked[1] != "history  4m1s" {
			t.Errorf("%s: GoTo was asked for %q", name, g.asked)
		}
		if name == "by instance key" && (got.People != 2 || got.Joins != 3 || got.Subject != "Board" || got.Organizer.Key != "1" || !got.Start.Equal(noon)) {
			t.Errorf("got %+v", got)
		}
	}
}

func TestWhoMayErase(t *testing.T) {
	joins, past := []gotomeeting.Join{joined("a", "Bo", 0)}, []gotomeeting.PastMeeting{ended("s", "100", 0)}
	for name, tt := range map[string]struct {
		who       Caller
		organizer string
		asks      string // whose history
		want      error
	}{
		"its organizer":                     {Caller{UserKey: "1"}, "", "history ", nil},
		"its organizer, named":              {Caller{UserKey: "1"}, "1", "history ", nil},
		"an admin":                          {Caller{UserKey: "2", Admin: true}, "", "history 1", nil},
		"an admin who says whose it is":     {Caller{UserKey: "2", Admin: true}, "1", "history 1", nil},
		"an admin who says another's":       {Caller{UserKey: "2", Admin: true}, "3", "history 3", nil},
		"an admin, of the admin's own":      {Caller{UserKey: "1", Admin: true}, "", "history ", nil},
		"another organizer":                 {Caller{UserKey: "2"}, "", "", ErrNotOrganizer},
		"another organizer, who says whose": {Caller{UserKey: "2"}, "1", "", ErrAdminsOnly},
	} {
		g := &eraser{joins: joins, past: past}
		_, err := newService(g).Erasable(t.Context(), tt.who, SessionRef{MeetingID: "100", Occurrence: "a", Organizer: tt.organizer})
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
		asks := ""
		if len(g.asked) > 1 {
			asks = strings.TrimSuffix(g.asked[1], " 4m1s")
		}
		if asks != tt.asks {
			t.Errorf("%s: asks for %q", name, asks)
		}
	}
}

// Each way that it can end: what GoTo was asked, and what the audit log says.
func TestErase(t *testing.T) {
	fault := func(kind gotomeeting.Kind, sent bool) error { return &gotomeeting.Error{Kind: kind, Sent: sent} }
	for name, tt := range map[string]struct {
		what, shown string
		err         error
		erased      string
		want        error
		outcome     string // "" no entry
	}{
		"attendees":              {EraseAttendees, "s", nil, "attendees 1 s", nil, OutcomeDone},
		"the session":            {EraseSession, "s", nil, "session 1 s", nil, OutcomeDone},
		"not the one shown":      {EraseSession, "x", nil, "", ErrOtherSession, ""},
		"none was shown":         {EraseAttendees, "", nil, "", ErrOtherSession, ""},
		"gone meanwhile":         {EraseSession, "s", fault(gotomeeting.NotFound, false), "session 1 s", ErrSessionErased, OutcomeRefused},
		"refused":                {EraseAttendees, "s", fault(gotomeeting.Forbidden, false), "attendees 1 s", fault(gotomeeting.Forbidden, false), OutcomeRefused},
		"never sent":             {EraseAttendees, "s", fault(gotomeeting.Unavailable, false), "attendees 1 s", fault(gotomeeting.Unavailable, false), OutcomeRefused},
		"its answer was lost":    {EraseSession, "s", fault(gotomeeting.TimedOut, true), "session 1 s", ErrMaybeErased, OutcomeUnknown},
		"lost, and then refused": {EraseSession, "s", fault(gotomeeting.Forbidden, true), "session 1 s", ErrMaybeErased, OutcomeUnknown},
	} {
		log := &diary{}
		g := &eraser{joins: []gotomeeting.Join{joined("a", "Bo", 0)}, past: []gotomeeting.PastMeeting{ended("s", "100", 0)}, err: tt.err}
		s := New(Config{GoTo: g, Memory: log, Holds: nothingHeld{}})
		e, err := s.Erase(t.Context(), Caller{UserKey: "1", Name: "Ada"}, SessionRef{MeetingID: "100", Occurrence: "a"}, tt.what, tt.shown)
		if kind, _ := FaultKind(tt.want); kind != 0 {
			if !isKind(err, kind) || errors.Is(err, ErrMaybeErased) {
				t.Errorf("%s: %v", name, err)
			}
		} else if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Join(g.erased, ", ") != tt.erased || e.Joins != 1 {
			t.Errorf("%s: GoTo was asked %q, of %+v", name, g.erased, e)
		}
		var entries []string
		for _, d := range log.deeds {
			entries = append(entries, d.Action+" "+d.MeetingID+" "+d.Subject+": "+d.Outcome)
		}
		want := []string{"erase " + tt.what + " 100 Board, session s of " + noon.Format("2006-01-02 15:04") + " UTC: " + tt.outcome}
		if tt.outcome == "" {
			want = nil
		}
		if !slices.Equal(entries, want) {
			t.Errorf("%s: the audit log has %q, want %q", name, entries, want)
		}
	}
}

// Who was refused before GoTo was asked to erase is in the audit log; that
// looking lost an answer makes no difference to what was changed: nothing.
func TestEraseThatCannotLook(t *testing.T) {
	for name, g := range map[string]GoTo{
		"refused":             &blind{err: &gotomeeting.Error{Kind: gotomeeting.Forbidden}},
		"its answer was lost": &blind{err: &gotomeeting.Error{Kind: gotomeeting.Unavailable, Sent: true}},
	} {
		log := &diary{}
		s := New(Config{GoTo: g, Memory: log, Holds: nothingHeld{}})
		_, err := s.Erase(t.Context(), Caller{UserKey: "1"}, SessionRef{MeetingID: "100", Occurrence: "a"}, EraseSession, "s")
		if _, isFault := FaultKind(err); !isFault || errors.Is(err, ErrMaybeErased) {
			t.Errorf("%s: %v", name, err)
		}
		if len(log.deeds) != 1 || log.deeds[0].Action != DeedEraseSession || log.deeds[0].Outcome != OutcomeRefused {
			t.Errorf("%s: the audit log has %+v", name, log.deeds)
		}
	}
}

// blind answers nothing about attendees.
type blind struct {
	GoTo
	err error
}

func (b *blind) Attendees(context.Context, gotomeeting.TokenSource, string) ([]gotomeeting.Join, error) {
	return nil, b.err
}

// Nobody is shown rows that were kept before they were erased, however GoTo is.
func TestErasedRowsAreNotKept(t *testing.T) {
	g := &eraser{joins: []gotomeeting.Join{joined("a", "Bo", 0)}, past: []gotomeeting.PastMeeting{ended("s", "100", 0)}}
	s := newService(g)
	mine, theirs := &browser{id: "1"}, &browser{id: "2"}
	own, admin := mine.caller(time.Hour, true), theirs.caller(time.Hour, true)
	own.UserKey, admin.Admin = "1", true
	for _, c := range []Caller{own, admin} {
		if _, _, err := s.Attendees(t.Context(), c, "100"); err != nil {
			t.Fatal(err)
		}
	}
	now := own
	now.MaxAge = 0
	if _, err := s.Erase(t.Context(), now, SessionRef{MeetingID: "100", Occurrence: "a"}, EraseAttendees, "s"); err != nil {
		t.Fatal(err)
	}
	g.joins = nil
	for _, c := range []Caller{own, admin} {
		if a, _, err := s.Attendees(t.Context(), c, "100"); err != nil || len(a.Occurrences) > 0 {
			t.Errorf("%s is shown %+v, %v", c.UserKey, a, err)
		}
	}
}
