package meetings

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func sound() Draft {
	return Draft{Subject: "Board", StartDate: "2026-12-01", StartTime: "10:00", Duration: "45", TimeZone: "Europe/Berlin", Type: Scheduled, Audio: AudioVoIP}
}

func TestDraftBecomesPlan(t *testing.T) {
	d := sound()
	d.Subject = "  Board \t <draft> "
	d.CoOrganizerKeys = []string{"8439885694023999999, 111-222-333", "8439885694023999999"}
	p, wrong := d.Check(noon)
	if len(wrong) > 0 {
		t.Fatalf("refused: %v", wrong)
	}
	if p.Subject != "Board <draft>" {
		t.Errorf("subject = %q", p.Subject)
	}
	if want := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC); !p.Start.Equal(want) || p.End.Sub(p.Start) != 45*time.Minute {
		t.Errorf("start, end = %v, %v", p.Start, p.End)
	}
	if want := []string{"8439885694023999999", "111222333"}; !slices.Equal(p.CoOrganizerKeys, want) {
		t.Errorf("keys = %v", p.CoOrganizerKeys)
	}
}

func TestEveryFieldIsRefusedBesideItself(t *testing.T) {
	d := Draft{Subject: strings.Repeat("<", 26), StartDate: "1.12.", StartTime: "25:00", Duration: "soon", TimeZone: "Mars/Base", Type: "daily", Audio: "shout", CoOrganizerKeys: []string{"ben"}}
	_, wrong := d.Check(noon)
	var fields []string
	for _, w := range wrong {
		fields = append(fields, w.Field)
		if w.Text == "" {
			t.Errorf("%s is refused without a word", w.Field)
		}
	}
	want := []string{"subject", "start_date", "start_time", "duration", "time_zone", "meeting_type", "audio", "co_organizer_keys"}
	if !slices.Equal(fields, want) {
		t.Errorf("refused %v, want %v", fields, want)
	}
}

func TestDraftRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Draft)
		field  string // "" = accepted
	}{
		"empty subject":           {func(d *Draft) { d.Subject = "  " }, "subject"},
		"subject of 100":          {func(d *Draft) { d.Subject = strings.Repeat("é", 100) }, ""},
		"subject of 101":          {func(d *Draft) { d.Subject = strings.Repeat("é", 101) }, "subject"},
		"brackets count as four":  {func(d *Draft) { d.Subject = strings.Repeat("x", 97) + ">" }, "subject"},
		"brackets that fit":       {func(d *Draft) { d.Subject = strings.Repeat("x", 96) + ">" }, ""},
		"skipped hour":            {func(d *Draft) { d.StartDate, d.StartTime = "2027-03-28", "02:30" }, "start_time"},
		"doubled hour":            {func(d *Draft) { d.StartDate, d.StartTime = "2027-10-31", "02:30" }, "fold"},
		"doubled hour, answered":  {func(d *Draft) { d.StartDate, d.StartTime, d.Fold = "2027-10-31", "02:30", "second" }, ""},
		"over already":            {func(d *Draft) { d.StartDate = "2026-11-23" }, "start_date"},
		"under way":               {func(d *Draft) { d.StartDate, d.StartTime = "2026-11-24", "12:45" }, ""},
		"zero minutes":            {func(d *Draft) { d.Duration = "0" }, "duration"},
		"half minutes":            {func(d *Draft) { d.Duration = "1.5" }, "duration"},
		"no minutes":              {func(d *Draft) { d.Duration = "" }, "duration"},
		"room without a time":     {func(d *Draft) { d.Type, d.StartDate, d.StartTime, d.Duration = Recurring, "", "", "" }, ""},
		"room with half a time":   {func(d *Draft) { d.Type, d.StartDate = Recurring, "" }, "start_date"},
		"local zone":              {func(d *Draft) { d.TimeZone = "Local" }, "time_zone"},
		"no zone":                 {func(d *Draft) { d.TimeZone = "" }, "time_zone"},
		"custom without text":     {func(d *Draft) { d.Audio = AudioCustom }, "audio_text"},
		"custom of 256":           {func(d *Draft) { d.Audio, d.AudioText = AudioCustom, strings.Repeat("1", 256) }, "audio_text"},
		"custom of 255":           {func(d *Draft) { d.Audio, d.AudioText = AudioCustom, strings.Repeat("1", 255) }, ""},
		"custom that is a word":   {func(d *Draft) { d.Audio, d.AudioText = AudioCustom, "PSTN" }, "audio_text"},
		"text counts only custom": {func(d *Draft) { d.AudioText = strings.Repeat("1", 999) }, ""},
		"invalid UTF-8":           {func(d *Draft) { d.Subject = "a\xff" }, "subject"},
	} {
		t.Run(name, func(t *testing.T) {
			d := sound()
			tt.change(&d)
			_, wrong := d.Check(noon)
			switch {
			case tt.field == "" && len(wrong) > 0:
				t.Errorf("refused: %v", wrong)
			case tt.field != "" && (len(wrong) != 1 || wrong[0].Field != tt.field):
				t.Errorf("got %v, want one refusal of %s", wrong, tt.field)
			}
		})
	}
}

func TestTimelessMeetingsStartNowForAnHour(t *testing.T) {
	p, wrong := Draft{Subject: "Now", Type: Immediate, TimeZone: "UTC"}.Check(noon.Add(30 * time.Second))
	if len(wrong) > 0 || !p.Start.Equal(noon.Add(time.Minute)) || p.End.Sub(p.Start) != time.Hour {
		t.Errorf("plan = %+v, refused %v", p, wrong)
	}
}

func TestWallTimes(t *testing.T) {
	for name, tt := range map[string]struct {
		zone string
		wall Wall
		want []string // instants
		near []string
	}{
		"plain":                    {"Europe/Berlin", Wall{2026, 12, 1, 10, 0}, []string{"2026-12-01T09:00:00Z"}, nil},
		"skipped":                  {"Europe/Berlin", Wall{2027, 3, 28, 2, 30}, nil, []string{"2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z"}},
		"doubled":                  {"Europe/Berlin", Wall{2027, 10, 31, 2, 30}, []string{"2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z"}, nil},
		"half-hour shift, skipped": {"Australia/Lord_Howe", Wall{2026, 10, 4, 2, 15}, nil, []string{"2026-10-03T15:15:00Z", "2026-10-03T15:45:00Z"}},
		"south, doubled":           {"America/Santiago", Wall{2027, 4, 3, 23, 30}, []string{"2027-04-04T02:30:00Z", "2027-04-04T03:30:00Z"}, nil},
		"quarter-hour zone":        {"Asia/Kathmandu", Wall{2026, 12, 1, 10, 0}, []string{"2026-12-01T04:15:00Z"}, nil},
		"day that never was":       {"Pacific/Apia", Wall{2011, 12, 30, 12, 0}, nil, []string{"2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			loc, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			at, near := tt.wall.instants(loc)
			if got := stamps(at); !slices.Equal(got, tt.want) {
				t.Errorf("instants = %v, want %v", got, tt.want)
			}
			if got := stamps(near); !slices.Equal(got, tt.near) {
				t.Errorf("neighbours = %v, want %v", got, tt.near)
			}
		})
	}
}

func stamps(list []time.Time) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.UTC().Format(time.RFC3339))
	}
	return out
}

func TestClocksAsPeopleTypeThem(t *testing.T) {
	for typed, want := range map[string][2]int{
		"9": {9, 0}, "9:00": {9, 0}, "0900": {9, 0}, "9am": {9, 0}, "9 PM": {21, 0}, "12am": {0, 0}, "12:30 p": {12, 30},
		"14.45": {14, 45}, "14h05": {14, 5}, "23:59:00": {23, 59}, " 7:05 ": {7, 5},
	} {
		if h, m, ok := parseClock(typed); !ok || [2]int{h, m} != want {
			t.Errorf("%q = %d:%02d, %v", typed, h, m, ok)
		}
	}
	for _, typed := range []string{"", "24:00", "9:60", "13pm", "0am", "nine", "9:5", "99999"} {
		if h, m, ok := parseClock(typed); ok {
			t.Errorf("%q was read as %d:%02d", typed, h, m)
		}
	}
}

func TestKeysAsPeoplePasteThem(t *testing.T) {
	keys, bad := ParseKeys([]string{
		"8439885694023999999 8439885694024000000,\n555-012-345;;555012345",
		"https://admin.example.test/admin#/users/1234567890123456789/settings",
		"https://admin.example.test/accounts/42/members?userKey=9876543210987654321&x=1",
		"ben@example.test", "https://example.test/nothing", strings.Repeat("1", 21),
	})
	if want := []string{"8439885694023999999", "8439885694024000000", "555012345", "1234567890123456789", "9876543210987654321"}; !slices.Equal(keys, want) {
		t.Errorf("keys = %v", keys)
	}
	if len(bad) != 3 {
		t.Errorf("bad = %q", bad)
	}
}

// A key that came in pieces is one key, if it makes one as long as GoTo's.
func TestKeysInPieces(t *testing.T) {
	for entry, want := range map[string][]string{
		"8439-8856 94023990003":                   {"8439885694023990003"},
		" 8439 8856 9402 3990 003 ":               {"8439885694023990003"},
		"8439885694023990003\n":                   {"8439885694023990003"},
		"111111 222222":                           {"111111", "222222"},
		"8439885694023990003 8439885694023990004": {"8439885694023990003", "8439885694023990004"},
		"8439885694,023990003":                    {"8439885694", "023990003"},
	} {
		if keys, bad := ParseKeys([]string{entry}); len(bad) != 0 || !slices.Equal(keys, want) {
			t.Errorf("%q: %q, bad %q", entry, keys, bad)
		}
	}
}

func TestMeetingIDsAsPeopleTypeThem(t *testing.T) {
	for _, typed := range []string{"555-012-345", " 555012345 ", "555 012 345", "https://meet.goto.com/555012345", "https://global.gotomeeting.com/join/555012345?x=1"} {
		if id, ok := ParseID(typed); !ok || id != "555012345" {
			t.Errorf("%q = %q, %v", typed, id, ok)
		}
	}
	for _, typed := range []string{"", "abc", "555x", "-", strings.Repeat("9", 20)} {
		if id, ok := ParseID(typed); ok {
			t.Errorf("%q was read as %q", typed, id)
		}
	}
	if got := GroupID("555012345"); got != "555-012-345" {
		t.Errorf("grouped = %q", got)
	}
}

func FuzzDraft(f *testing.F) {
	f.Add("Board", "2026-12-01", "10:00", "45", "Europe/Berlin", "1,2 3")
	f.Add("<", "", "9am", "-1", "Local", "https://x/users/12345")
	f.Fuzz(func(t *testing.T, subject, date, clock, minutes, zone, keys string) {
		p, wrong := Draft{Subject: subject, StartDate: date, StartTime: clock, Duration: minutes, TimeZone: zone, Type: Scheduled, CoOrganizerKeys: []string{keys}}.Check(noon)
		if len(wrong) > 0 {
			return
		}
		if !p.End.After(p.Start) || p.End.Sub(p.Start) > MaxMinutes*time.Minute || p.Subject == "" {
			t.Errorf("accepted %+v", p)
		}
		for _, key := range p.CoOrganizerKeys {
			if !digits(key) {
				t.Errorf("accepted key %q", key)
			}
		}
	})
}
