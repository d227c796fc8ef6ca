package meetings

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"portal/gotomeeting"
)

const phones = "US: +1 (555) 010-0100"

func version() Version {
	return Version{Subject: "Board", Start: noon, Minutes: 60, Type: Scheduled, Audio: AudioVoIP, DialIn: "Access Code: 1", CoOrganizerKeys: []string{"11", "22"}}
}

func changed(change func(*Version)) Version {
	v := version()
	v.CoOrganizerKeys = slices.Clone(v.CoOrganizerKeys)
	change(&v)
	return v
}

func TestMerge(t *testing.T) {
	nothing := func(*Version) {}
	typed := func(v *Version) { v.DialIn = "" }
	for name, tt := range map[string]struct {
		mine, now func(*Version)
		fields    string // * when somebody has to look
		merged    func(*Version)
	}{
		"nothing changed":           {nothing, nothing, "", nothing},
		"mine alone":                {func(v *Version) { v.Subject = "Mine" }, nothing, "subject", func(v *Version) { v.Subject = "Mine" }},
		"elsewhere alone":           {nothing, func(v *Version) { v.Subject = "Theirs" }, "subject *", func(v *Version) { v.Subject = "Theirs" }},
		"both, the same":            {func(v *Version) { v.Minutes = 30 }, func(v *Version) { v.Minutes = 30 }, "", func(v *Version) { v.Minutes = 30 }},
		"both, one field":           {func(v *Version) { v.Minutes = 30 }, func(v *Version) { v.Minutes = 45 }, "duration *", func(v *Version) { v.Minutes = 30 }},
		"both, two fields":          {func(v *Version) { v.Minutes = 30 }, func(v *Version) { v.Start = noon.Add(time.Hour) }, "start_date duration *", func(v *Version) { v.Minutes, v.Start = 30, noon.Add(time.Hour) }},
		"the type and the password": {nothing, func(v *Version) { v.Type, v.PasswordRequired = Recurring, true }, "meeting_type password_required *", func(v *Version) { v.Type, v.PasswordRequired = Recurring, true }},
		"audio through the portal":  {nothing, func(v *Version) { v.Audio, v.DialIn = AudioPSTN, phones }, "audio *", func(v *Version) { v.Audio = AudioPSTN }},
		"audio, not through it":     {nothing, func(v *Version) { v.DialIn = phones }, "audio *", func(v *Version) { v.Audio = AudioHybrid }},
		"audio in both":             {func(v *Version) { v.Audio = AudioFree }, func(v *Version) { v.DialIn = phones }, "audio *", func(v *Version) { v.Audio = AudioFree }},
		"audio in both, the same":   {func(v *Version) { v.Audio = AudioPSTN }, func(v *Version) { v.Audio, v.DialIn = AudioPSTN, phones }, "", func(v *Version) { v.Audio = AudioPSTN }},
		"co-organizers":             {func(v *Version) { v.CoOrganizerKeys = []string{"33", "22"} }, func(v *Version) { v.CoOrganizerKeys = []string{"44", "11"} }, "co_organizer_keys", func(v *Version) { v.CoOrganizerKeys = []string{"33", "44"} }},
	} {
		now := changed(tt.now)
		c := Merge(version(), changed(func(v *Version) { typed(v); tt.mine(v) }), now)
		want := changed(func(v *Version) { typed(v); tt.merged(v) })
		got := strings.Join(c.Fields, " ")
		if c.Asks {
			got += " *"
		}
		if got != tt.fields || !same(c.Merged, want) {
			t.Errorf("%s: %q, merged %+v", name, got, c.Merged)
		}
	}
}

// The times of a room mean nothing, and GoTo may answer any.
func TestMergeLeavesTheTimesOfRoomsAlone(t *testing.T) {
	room := changed(func(v *Version) { v.Type = Recurring })
	later := changed(func(v *Version) { v.Type, v.Start, v.Minutes = Recurring, noon.Add(time.Hour), 1 })
	if c := Merge(room, room, later); len(c.Fields) > 0 || !same(c.Merged, room) {
		t.Errorf("%v, %+v", c.Fields, c.Merged)
	}
}

func same(a, b Version) bool {
	keys := sameKeys(a.CoOrganizerKeys, b.CoOrganizerKeys)
	equalStart := a.Start.Equal(b.Start)
	return keys && equalStart && a.Subject == b.Subject && a.Minutes == b.Minutes && a.Type == b.Type &&
		a.PasswordRequired == b.PasswordRequired && a.Audio == b.Audio && a.AudioText == b.AudioText
}

// made is one of few versions, so that fields often agree.
func made(seed uint64) Version {
	r := rand.New(rand.NewPCG(seed, 1))
	of := func(list ...string) string { return list[r.IntN(len(list))] }
	v := Version{
		Subject: of("Board", "Stand-up", "Ünïcode <b>"), Minutes: 15 * (1 + r.IntN(3)), Type: of(Scheduled, Recurring, Immediate),
		PasswordRequired: r.IntN(2) == 0, Audio: of(AudioVoIP, AudioHybrid, AudioCustom), DialIn: of("", "Access Code: 1", phones),
	}
	if r.IntN(5) > 0 {
		v.Start = noon.Add(time.Duration(r.IntN(3)) * time.Hour)
	}
	if v.Audio == AudioCustom {
		v.AudioText = of("Room 1", "Room 2")
	}
	for _, key := range []string{"11", "22", "33", "44"} {
		if r.IntN(2) == 0 {
			v.CoOrganizerKeys = append(v.CoOrganizerKeys, key)
		}
	}
	return v
}

func FuzzMerge(f *testing.F) {
	for i := range uint64(300) {
		f.Add(i, i/3, i/7)
	}
	f.Fuzz(func(t *testing.T, a, b, c uint64) {
		read, mine, now := made(a), made(b), made(c)
		mine.DialIn = "" // nobody types it
		got := Merge(read, mine, now)
		merged := got.Merged
		rooms := mine.Type == Recurring && now.Type == Recurring

		// Nothing is invented: each field is one side's, and what one side alone
		// changed is that side's.
		check := func(field string, r, m, n, is any) {
			t.Helper()
			switch {
			case is != m && is != n:
				t.Errorf("%s is %v, of neither %v nor %v", field, is, m, n)
			case m != r && is != m:
				t.Errorf("%s: my %v is lost to %v", field, m, is)
			case m == r && n != r && is != n:
				t.Errorf("%s: GoTo's %v is overwritten with %v", field, n, is)
			}
			if noted := slices.Contains(got.Fields, field); noted != (n != m) || n != r && n != m && !got.Asks {
				t.Errorf("%s: read %v, mine %v, now %v: noted is %t, asks is %t", field, r, m, n, noted, got.Asks)
			}
		}
		check("subject", read.Subject, mine.Subject, now.Subject, merged.Subject)
		check("meeting_type", read.Type, mine.Type, now.Type, merged.Type)
		check("password_required", read.PasswordRequired, mine.PasswordRequired, now.PasswordRequired, merged.PasswordRequired)
		if !rooms {
			check("start_date", read.Start, mine.Start, now.Start, merged.Start)
			check("duration", read.Minutes, mine.Minutes, now.Minutes, merged.Minutes)
		}
		type audio struct{ option, text string }
		heard, my, theirs := audio{merged.Audio, merged.AudioText}, audio{mine.Audio, mine.AudioText}, audio{got.Now.Audio, got.Now.AudioText}
		if heard != my && heard != theirs || my != (audio{read.Audio, read.AudioText}) && heard != my {
			t.Errorf("audio %v of mine %v and theirs %v", heard, my, theirs)
		}
		if now.DialIn != read.DialIn && heard != theirs && !got.Asks {
			t.Errorf("audio changed elsewhere to %v is overwritten with %v in silence", theirs, heard)
		}
		for _, key := range []string{"11", "22", "33", "44"} {
			r, m, n := slices.Contains(read.CoOrganizerKeys, key), slices.Contains(mine.CoOrganizerKeys, key), slices.Contains(now.CoOrganizerKeys, key)
			want := m && n || m && !r || n && !r
			if slices.Contains(merged.CoOrganizerKeys, key) != want {
				t.Errorf("key %s: read %t, mine %t, now %t: merged is not %t", key, r, m, n, want)
			}
		}

		if got.Asks && len(got.Fields) == 0 {
			t.Error("asks about nothing")
		}

		// Saving again goes through, with what the form then holds.
		again := Merge(now, merged, now)
		if again.Asks || !same(again.Merged, merged) {
			t.Errorf("saved again: %v, %+v instead of %+v", again.Fields, again.Merged, merged)
		}
	})
}

// A form that is sent as it was shown changes nothing, in any zone, in the hour
// that comes twice too.
func TestUntouchedFormChangesNothing(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"}
	twice := time.Date(2027, 10, 31, 0, 30, 0, 0, time.UTC) // 02:30 in Berlin, for the first time
	for i := range uint64(3000) {
		loc, err := time.LoadLocation(zones[i%uint64(len(zones))])
		if err != nil {
			t.Fatal(err)
		}
		v := made(i)
		v.Start = twice.Add(time.Duration(rand.N(200_000)-100_000) * time.Minute)
		if i%5 == 0 {
			v.Start = twice.Add(time.Duration(rand.N(180)-60) * time.Minute)
		}
		p, wrong := v.Draft(loc).Check(noon)
		if len(wrong) > 0 || !same(p.version(), v) {
			t.Fatalf("%s, %v: %v, %+v instead of %+v", loc, v.Start.In(loc), wrong, p.version(), v)
		}
	}
	room := made(1)
	room.Type, room.Start, room.Minutes = Recurring, time.Time{}, 0
	if p, wrong := room.Draft(time.UTC).Check(noon); len(wrong) > 0 || !p.version().Start.IsZero() {
		t.Errorf("%v %+v", wrong, p)
	}
}

// one plays a GoTo with one meeting.
type one struct {
	goTo
	meeting gotomeeting.Meeting
	sent    []gotomeeting.MeetingRequest
}

func (o *one) Meeting(context.Context, gotomeeting.TokenSource, string) (gotomeeting.Meeting, error) {
	return o.meeting, nil
}

func (o *one) Update(_ context.Context, _ gotomeeting.TokenSource, _ string, r gotomeeting.MeetingRequest) error {
	o.sent = append(o.sent, r)
	return nil
}

// broken is a Memory that cannot be read.
type broken struct{ forgetful }

func (broken) Known(context.Context, string) ([]Known, error) { return nil, errors.New("no book") }
func (broken) Recall(context.Context, string, string) (r Remembered, ok bool, err error) {
	return r, false, errors.New("no memory")
}

func TestUpdateSavesNothingOnDoubt(t *testing.T) {
	b, start := &browser{id: "a"}, time.Now().UTC().Truncate(time.Minute).Add(time.Hour)
	c := b.caller(0, false)
	g := &one{meeting: gotomeeting.Meeting{ID: "1", Subject: "Board", Start: start, End: start.Add(time.Hour), Type: Scheduled, ConferenceCallInfo: phones}}
	s := newService(g)
	live, _, err := s.Get(t.Context(), c, "1", "")
	if err != nil {
		t.Fatal(err)
	}
	read := live.Version()
	p := Plan{Subject: "Mine", Start: start, End: start.Add(time.Hour), Type: Scheduled, Audio: AudioHybrid}

	g.meeting.Subject = "Theirs"
	err = s.Update(t.Context(), c, "1", p, &read)
	if e, ok := errors.AsType[*ChangedError](err); !ok || e.Live.Subject != "Theirs" || strings.Join(e.Fields, " ") != "subject" {
		t.Errorf("changed elsewhere: %v", err)
	}
	g.meeting.CoOrganizerKeys = []string{c.UserKey}
	if err := s.Update(t.Context(), c, "1", p, &read); !errors.Is(err, ErrNotOrganizer) {
		t.Errorf("by a co-organizer: %v", err)
	}
	g.meeting.CoOrganizerKeys, g.meeting.Subject = []string{"11"}, "Board"
	s.memory = broken{}
	if err := s.Update(t.Context(), c, "1", p, &read); !errors.Is(err, ErrForgotten) {
		t.Errorf("without memory: %v", err)
	}
	if len(g.sent) > 0 {
		t.Fatalf("sent %+v", g.sent)
	}
	if m, _, err := s.Get(t.Context(), c, "1", ""); err != nil || !m.Forgotten || m.CoOrganizers[0].Key != "11" {
		t.Errorf("the page without memory: %+v, %v", m, err)
	}
	s.memory = forgetful{}
	if err := s.Update(t.Context(), c, "1", p, &read); err != nil || len(g.sent) != 1 || !slices.Equal(g.sent[0].CoOrganizerKeys, []string{"11"}) {
		t.Errorf("with a co-organizer from elsewhere: %v, sent %+v", err, g.sent)
	}
	if b.Writes() != 1 {
		t.Errorf("%d changes counted", b.Writes())
	}
}
