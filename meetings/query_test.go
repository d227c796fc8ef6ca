package meetings

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func at(hours float64) time.Time { return noon.Add(time.Duration(hours * float64(time.Hour))) }

func upcomingSample() []Meeting {
	return []Meeting{
		{ID: "100000001", Subject: "Zoë's board", Start: at(-1), End: at(1), Type: Scheduled, Running: true, Organizer: Person{Key: "11", Name: "Ada"}},
		{ID: "100000002", Subject: "stand-up", Start: at(2), End: at(2.25), Type: Scheduled, Organizer: Person{Key: "11", Name: "Ada"}},
		{ID: "99999999", Subject: "Room", Start: at(-100), End: at(-99), Type: Recurring, Organizer: Person{Key: "8439885694023999999", Name: "Ben"}},
		{ID: "100000004", Subject: "<b>Alpha</b>", Start: at(5), End: at(6), Type: Immediate, Organizer: Person{Key: "11", Name: "Ada"}},
	}
}

func ids(list []Meeting) []string {
	var out []string
	for _, m := range list {
		out = append(out, m.ID[len(m.ID)-1:])
	}
	return out
}

func TestUpcomingQuery(t *testing.T) {
	for name, tt := range map[string]struct {
		query UpcomingQuery
		want  string // last digits of the ids, in order
	}{
		"running first, rooms last": {UpcomingQuery{}, "1 2 4 9"},
		"the same, latest first":    {UpcomingQuery{Desc: true}, "1 4 2 9"},
		"by start alone":            {UpcomingQuery{Sort: "start", Desc: true}, "4 2 1 9"},
		"text in any case":          {UpcomingQuery{Text: " ZOË "}, "1"},
		"id with dashes":            {UpcomingQuery{Text: "100-000-002"}, "2"},
		"organizer key":             {UpcomingQuery{Text: "8439885694023999999"}, "9"},
		"markup is text":            {UpcomingQuery{Text: "<b>"}, "4"},
		"type":                      {UpcomingQuery{Type: Scheduled}, "1 2"},
		"running":                   {UpcomingQuery{Status: "active"}, "1"},
		"not running":               {UpcomingQuery{Status: "inactive"}, "2 4 9"},
		"by subject":                {UpcomingQuery{Sort: "subject"}, "4 9 2 1"},
		"by subject, descended":     {UpcomingQuery{Sort: "subject", Desc: true}, "1 2 9 4"},
		"ids sort as numbers":       {UpcomingQuery{Sort: "meeting_id"}, "9 1 2 4"},
		"by minutes":                {UpcomingQuery{Sort: "minutes"}, "2 9 4 1"},
		"unknown values":            {UpcomingQuery{Sort: "nonsense", Type: "daily", Status: "paused"}, "1 2 4 9"},
		"nothing matches":           {UpcomingQuery{Text: "nobody"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(ids(tt.query.Apply(upcomingSample())), " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestApplyLeavesTheListAlone(t *testing.T) {
	list := upcomingSample()
	before := ids(list)
	UpcomingQuery{Sort: "subject", Desc: true}.Apply(list)
	if !slices.Equal(ids(list), before) {
		t.Errorf("the list was reordered: %v", ids(list))
	}
}

func TestPages(t *testing.T) {
	rows := make([]int, 101)
	for i := range rows {
		rows[i] = i
	}
	for _, tt := range []struct{ ask, page, first, n int }{{1, 1, 0, 50}, {2, 2, 50, 50}, {3, 3, 100, 1}, {0, 1, 0, 50}, {4, 1, 0, 50}, {-7, 1, 0, 50}} {
		cut, page, pages := Page(rows, tt.ask)
		if page != tt.page || pages != 3 || len(cut) != tt.n || cut[0] != tt.first {
			t.Errorf("page %d: %d of %d, %d rows from %d", tt.ask, page, pages, len(cut), cut[0])
		}
	}
	if cut, page, pages := Page([]int(nil), 1); len(cut) != 0 || page != 1 || pages != 1 {
		t.Errorf("an empty list has page %d of %d", page, pages)
	}
}

func TestNext(t *testing.T) {
	list := upcomingSample()
	if m, ok := Next(list, noon); !ok || m.ID != "100000001" {
		t.Errorf("running: %+v, %v", m.ID, ok)
	}
	if m, ok := Next(list[1:], noon); !ok || m.ID != "100000002" {
		t.Errorf("earliest: %+v, %v", m.ID, ok)
	}
	if m, ok := Next(list[2:3], noon); ok {
		t.Errorf("a room came next: %+v", m.ID)
	}
	if m, ok := Next(list[1:2], at(3)); ok {
		t.Errorf("what is over came next: %+v", m.ID)
	}
}

func TestInvitationText(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	m := Meeting{ID: "555012345", Subject: "Board", Start: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 1, 9, 45, 0, 0, time.UTC), Type: Scheduled, JoinURL: "https://meet.goto.com/555012345", DialIn: "US: +1 (555) 010-0100\nAccess Code: 555-012-345", Organizer: Person{Key: "1", Name: "Ada Example"}}
	want := "Board\nTuesday 1 December 2026, 10:00 – 10:45\nBerlin (UTC+1)\n\nhttps://meet.goto.com/555012345\nMeeting ID 555-012-345\n\nUS: +1 (555) 010-0100\nAccess Code: 555-012-345\n\nOrganizer: Ada Example\n"
	if got := InvitationText(m, berlin); got != want {
		t.Errorf("invitation =\n%s\nwant\n%s", got, want)
	}
}
