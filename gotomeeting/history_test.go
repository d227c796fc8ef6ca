package gotomeeting

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWindows(t *testing.T) {
	day := 24 * time.Hour
	start := at("2030-01-01T00:00:00Z")
	tests := []struct {
		name     string
		from, to time.Time
		want     int
	}{
		{"an instant", start, start, 1},
		{"a day", start, start.Add(day), 1},
		{"just a window", start, start.Add(HistoryWindow), 1},
		{"a second more", start, start.Add(HistoryWindow + time.Second), 2},
		{"ninety days", start, start.Add(90 * day), 3},
		{"a year", start, start.Add(365 * day), 12},
		{"fractions", start.Add(300 * time.Millisecond), start.Add(day + 300*time.Millisecond), 1},
		{"backwards", start, start.Add(-time.Second), 0},
		{"a century", start, start.AddDate(100, 0, 0), maxWindows + 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := windows(tt.from, tt.to)
			if len(got) != tt.want {
				t.Fatalf("got %d windows, want %d", len(got), tt.want)
			}
			if tt.want == 0 || tt.want > maxWindows {
				return
			}
			if got[0].from.After(tt.from) || got[len(got)-1].to.Before(tt.to) {
				t.Errorf("%v does not cover %v to %v", got, tt.from, tt.to)
			}
			for i, w := range got {
				if w.to.Sub(w.from) > HistoryWindow || (i > 0 && !w.from.Equal(got[i-1].to)) {
					t.Errorf("window %d is %v", i, w)
				}
			}
		})
	}
}

// row is a session that a history can hold.
func row(session, start string) string {
	return fmt.Sprintf(`{"sessionId":%q,"meetingId":"1","startTime":%q}`, session, start)
}

func TestHistoryMergesWindows(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
		q := r.URL.Query()
		mu.Lock()
		asked = append(asked, q.Get("startDate")+" "+q.Get("endDate"))
		mu.Unlock()
		// The edge is counted in by both windows; rows come in no order; some
		// have had their session erased.
		rows := map[string]string{
			"2030-01-01T00:00:00Z": row("1", "2030-01-02T00:00:00.+0000") + "," + row("2", "2030-02-01T01:00:00.+0000") + "," + row("", "2030-02-01T01:00:00.+0000") + "," + row("", "2030-01-03T00:00:00.+0000"),
			"2030-02-01T01:00:00Z": row("2", "2030-02-01T01:00:00.+0000") + "," + row("", "2030-02-01T01:00:00.+0000") + "," + row("4", "2030-02-09T00:00:00.+0000") + "," + row("", "2030-02-03T00:00:00.+0000"),
		}
		return answer(200, "["+rows[q.Get("startDate")]+"]"), nil
	}))
	got, err := c.History(t.Context(), oldToken(), "", at("2030-01-01T00:00:00Z"), at("2030-02-10T00:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	var sessions []string
	for _, p := range got {
		sessions = append(sessions, p.SessionID)
	}
	if want := []string{"4", "", "2", "", "", "1"}; !slices.Equal(sessions, want) {
		t.Errorf("got sessions %q, want %q", sessions, want)
	}
	slices.Sort(asked)
	if want := []string{"2030-01-01T00:00:00Z 2030-02-01T01:00:00Z", "2030-02-01T01:00:00Z 2030-02-10T00:00:00Z"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

func TestHistoryFailsWhole(t *testing.T) {
	c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Query().Get("startDate"), "2030-02-01T01") {
			return answer(403, ""), nil
		}
		return answer(200, "[]"), nil
	}))
	got, err := c.History(t.Context(), oldToken(), "2", at("2030-01-01T00:00:00Z"), at("2030-03-10T00:00:00Z"))
	faultOf(t, err, Forbidden)
	if got != nil {
		t.Errorf("got %v beside the error", got)
	}
}

func TestHistoryRefusesOddRanges(t *testing.T) {
	c := newClient(t, wire(func(*http.Request) (*http.Response, error) {
		t.Error("called")
		return answer(200, "[]"), nil
	}))
	start := at("2030-01-01T00:00:00Z")
	for _, to := range []time.Time{start.Add(-time.Hour), start.AddDate(20, 0, 0), start.AddDate(2000, 0, 0)} {
		_, err := c.History(t.Context(), oldToken(), "", start, to)
		faultOf(t, err, Refused)
	}
}

// joined is a row of who joined when, and when the session of that key was.
func joined(instance, name, in, out string) string {
	return fmt.Sprintf(`{"meetingInstanceKey":%q,"attendeeName":%q,"attendeeEmail":"x@guest.test","joinTime":%q,"leaveTime":%q}`, instance, name, in, out)
}

// A session at a window's edge comes with both windows, and counts once; two
// devices that come and go in the same seconds count twice.
func TestOrganizerAttendeesMergesWindows(t *testing.T) {
	const edge, left = "2030-02-01T01:00:00.+0000", "2030-02-01T01:30:00.+0000"
	twice := joined("2", "Bo", edge, left)
	windows := map[string][]string{
		"2030-01-01T00:00:00Z 2030-02-01T01:00:00Z": {joined("1", "Bo", edge, left), joined("1", "Al", edge, left), twice, twice, joined("2", "Bo", edge, "")},
		"2030-02-01T01:00:00Z 2030-02-10T00:00:00Z": {twice, joined("2", "Bo", edge, ""), twice, twice, joined("2", "Cy", edge, left), joined("3", "Bo", edge, left)},
	}
	var mu sync.Mutex
	var asked []string
	c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
		q := r.URL.Query()
		window := q.Get("startDate") + " " + q.Get("endDate")
		mu.Lock()
		asked = append(asked, window)
		mu.Unlock()
		return answer(200, "["+strings.Join(windows[window], ",")+"]"), nil
	}))
	got, err := c.OrganizerAttendees(t.Context(), oldToken(), "1", at("2030-01-01T00:00:00Z"), at("2030-02-10T00:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, j := range got {
		rows = append(rows, fmt.Sprint(j.InstanceKey, " ", j.Name, " ", j.Left.IsZero()))
	}
	want := []string{"1 Bo false", "1 Al false", "2 Bo false", "2 Bo false", "2 Bo true", "2 Bo false", "2 Cy false", "3 Bo false"}
	if !slices.Equal(rows, want) {
		t.Errorf("got  %q\nwant %q", rows, want)
	}
	if slices.Sort(asked); len(asked) != 2 || windows[asked[0]] == nil || windows[asked[1]] == nil {
		t.Errorf("asked for %q", asked)
	}
}

func TestOrganizerAttendeesFailsWhole(t *testing.T) {
	c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Query().Get("startDate"), "2030-02-01T01") {
			return answer(403, ""), nil
		}
		return answer(200, "["+joined("1", "Bo", "", "")+"]"), nil
	}))
	got, err := c.OrganizerAttendees(t.Context(), oldToken(), "2", at("2030-01-01T00:00:00Z"), at("2030-03-10T00:00:00Z"))
	if fault := faultOf(t, err, Forbidden); fault.Op != "organizer's attendees" || got != nil {
		t.Errorf("got %v beside %v", got, fault)
	}
	_, err = c.OrganizerAttendees(t.Context(), oldToken(), "2", at("2030-01-02T00:00:00Z"), at("2030-01-01T00:00:00Z"))
	faultOf(t, err, Refused)
}
