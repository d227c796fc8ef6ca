package meetings

import (
	"testing"
	"time"
)

func TestWhyNobodyIsRecorded(t *testing.T) {
	plan := func(from, minutes int, kind string, running bool) Meeting {
		start := noon.Add(time.Duration(from) * time.Minute)
		return Meeting{ID: "1", Type: kind, Start: start, End: start.Add(time.Duration(minutes) * time.Minute), Running: running}
	}
	held := func(from, to, attendees int) Past {
		return Past{MeetingID: "1", SessionID: "s", Start: noon.Add(time.Duration(from) * time.Minute), End: noon.Add(time.Duration(to) * time.Minute), Attendees: attendees}
	}
	erased := held(-600, -500, 0)
	erased.SessionID = ""
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	unknown := Meeting{}
	for name, c := range map[string]struct {
		m       Meeting
		session Past
		start   time.Time // zero: no session is asked for
		want    Cause
		passes  bool
		ended   time.Time
	}{
		"running":                                {plan(-10, 60, Scheduled, true), Past{}, time.Time{}, StillRunning, true, time.Time{}},
		"planned for later":                      {plan(10, 60, Scheduled, false), Past{}, time.Time{}, NotHeldYet, false, time.Time{}},
		"planned for later, held early":          {plan(600, 60, Scheduled, false), held(-40, -6, 4), time.Time{}, JustEnded, true, at(-6)},
		"planned for now":                        {plan(-10, 60, Scheduled, false), Past{}, time.Time{}, NotStarted, true, time.Time{}},
		"planned for now, over already":          {plan(-30, 60, Scheduled, false), held(-29, -6, 4), time.Time{}, JustEnded, true, at(-6)},
		"its time is just over":                  {plan(-70, 60, Scheduled, false), Past{}, time.Time{}, JustEnded, true, at(-10)},
		"its time is over by an hour":            {plan(-120, 60, Scheduled, false), Past{}, time.Time{}, JustEnded, true, at(-60)},
		"its time is long over":                  {plan(-121, 60, Scheduled, false), Past{}, time.Time{}, NotHeld, false, time.Time{}},
		"a room":                                 {plan(0, 60, Recurring, false), Past{}, time.Time{}, NeverUsed, false, time.Time{}},
		"a room just left":                       {plan(0, 60, Recurring, false), held(-20, -1, 2), time.Time{}, JustEnded, true, at(-1)},
		"a room in use":                          {plan(0, 60, Recurring, true), Past{}, time.Time{}, StillRunning, true, time.Time{}},
		"gone":                                   {unknown, Past{}, time.Time{}, NotKnown, false, time.Time{}},
		"gone, just over":                        {unknown, held(-20, -1, 2), time.Time{}, JustEnded, true, at(-1)},
		"that session is just over":              {unknown, held(-20, -1, 2), at(-20), JustEnded, true, at(-1)},
		"nobody joined that session":             {plan(-600, 60, Scheduled, false), held(-600, -500, 0), at(-600), NobodyJoined, false, time.Time{}},
		"GoTo does not tell who":                 {plan(-600, 60, Scheduled, false), held(-600, -500, 3), at(-600), NotListed, false, time.Time{}},
		"that session was erased":                {plan(-600, 60, Scheduled, false), erased, at(-600), Erased, false, time.Time{}},
		"no such session":                        {plan(-600, 60, Scheduled, false), Past{}, at(-900), NoSuchSession, false, time.Time{}},
		"no such session of what is gone":        {unknown, Past{}, at(-900), NoSuchSession, false, time.Time{}},
		"not listed yet, by the plan over":       {plan(-70, 60, Scheduled, false), Past{}, at(-69), JustEnded, true, at(-10)},
		"an old one, though the plan is over":    {plan(-70, 60, Scheduled, false), Past{}, at(-5000), NoSuchSession, false, time.Time{}},
		"the session that runs":                  {plan(0, 60, Recurring, true), Past{}, at(-30), StillRunning, true, time.Time{}},
		"an old session of what runs":            {plan(0, 60, Recurring, true), Past{}, at(-5000), NoSuchSession, false, time.Time{}},
		"an old, empty session of what runs now": {plan(0, 60, Recurring, true), held(-600, -500, 0), at(-600), NobodyJoined, false, time.Time{}},
	} {
		got := absent(c.m, c.m.ID != "", c.session, c.start, noon)
		if got.Cause != c.want || got.Passes() != c.passes || !got.Ended.Equal(c.ended) {
			t.Errorf("%s: %q, passes: %t, ended %v", name, got.Cause, got.Passes(), got.Ended)
		}
	}
}
