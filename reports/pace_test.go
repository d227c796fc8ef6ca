package reports_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portal/gotomeeting"
	"portal/meetings"
	"portal/reports"
)

// network is GoTo at the end of a line: it answers after a while, whatever the
// rate, and writes down when it was asked.
type network struct {
	takes time.Duration

	mu    sync.Mutex
	asked []time.Time
	paths []string
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.asked, n.paths = append(n.asked, time.Now()), append(n.paths, r.URL.Path)
	n.mu.Unlock()
	select {
	case <-time.After(n.takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	rows := []map[string]any{}
	from, _ := time.Parse(time.RFC3339, r.URL.Query().Get("startDate"))
	switch {
	case strings.HasSuffix(r.URL.Path, "/users"):
		for i := range 9 {
			rows = append(rows, map[string]any{"key": fmt.Sprint(100 + i), "firstName": "Organizer", "lastName": fmt.Sprint(i), "status": "ACTIVE"})
		}
	case strings.HasSuffix(r.URL.Path, "/historicalMeetings"):
		rows = append(rows, map[string]any{"meetingId": "5", "sessionId": from.Unix(), "startTime": from.Add(time.Hour), "endTime": from.Add(2 * time.Hour), "duration": "60", "numAttendees": "1"})
	case strings.HasSuffix(r.URL.Path, "/attendees"):
		rows = append(rows, map[string]any{"meetingId": 5, "meetingInstanceKey": from.Unix(), "attendeeName": "Ann", "startTime": from.Add(time.Hour), "endTime": from.Add(2 * time.Hour),
			"joinTime": from.Add(time.Hour), "leaveTime": from.Add(2 * time.Hour)})
	}
	body, err := json.Marshal(rows)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, err
}

// token is a user's.
type token string

func (t token) UserRef() string { return string(t) }
func (t token) AccessToken(context.Context) (string, time.Time, error) {
	return "token of " + string(t), time.Time{}, nil
}
func (t token) RenewToken(_ context.Context, refused string) (string, time.Time, error) {
	return refused, time.Time{}, nil
}
func (t token) LendToken(ctx context.Context) (string, time.Time, error) { return t.AccessToken(ctx) }

// forgetful keeps nothing.
type forgetful struct{ meetings.Memory }

func (forgetful) Learn(context.Context, string, []meetings.Known) error   { return nil }
func (forgetful) Known(context.Context, string) ([]meetings.Known, error) { return nil, nil }

// While the report on an account is made at GoTo's real rate, pages wait less
// than 300 ms longer for their turn than they would without it: those of the
// user who asked for it, and those of others. Nothing here depends on the
// machine: all times are the limiter's.
func TestPagesGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := &network{takes: 250 * time.Millisecond}
		goTo, err := gotomeeting.New(gotomeeting.Config{BaseURL: "http://goto.test", HTTP: &http.Client{Transport: line}})
		if err != nil {
			t.Fatal(err)
		}
		service := meetings.New(meetings.Config{GoTo: goTo, Memory: forgetful{}})
		s := reports.New(reports.Config{Meetings: service, Store: newShelf(), Vault: vault{[]string{"k"}}, Place: "one"})
		admin := ada
		admin.UserKey, admin.AccountKey, admin.Tokens = "100", "9", token("ada")
		id := start(t, s, admin, all(days(90)))

		var waits sync.Mutex
		worst, pages := map[string]time.Duration{}, 0
		page := func(user string) {
			began := time.Now()
			if _, err := goTo.Upcoming(t.Context(), token(user), ""); err != nil {
				t.Error(err)
			}
			waits.Lock()
			defer waits.Unlock()
			pages++
			worst[user] = max(worst[user], time.Since(began)-line.takes)
		}
		var open sync.WaitGroup
		// A page every 0.7 s each, at all phases of the limiter's spacing.
		for i := 0; get(t, s, admin, id).State == reports.Running; i++ {
			open.Go(func() { page("ada") })
			time.Sleep(350 * time.Millisecond)
			open.Go(func() { page("ben") })
			time.Sleep(353 * time.Millisecond)
		}
		open.Wait()
		r := get(t, s, admin, id)
		took := r.Ended.Sub(r.Begun)
		if r.State != reports.Done || r.Progress.Calls != 55 {
			t.Errorf("%s after %d calls", r.State, r.Progress.Calls)
		}
		for user, wait := range worst {
			if wait >= 300*time.Millisecond {
				t.Errorf("a page of %s's waited %v for its turn", user, wait)
			}
		}
		if pages < 15 {
			t.Errorf("only %d pages were opened meanwhile", pages)
		}
		// GoTo's rate is kept: no second holds more than ten calls.
		for i := range line.asked {
			if i >= 10 && line.asked[i].Sub(line.asked[i-10]) < time.Second {
				t.Errorf("eleven calls from %v on", line.asked[i-10])
			}
		}
		t.Logf("55 calls in %v beside %d pages; added wait at most %v for ada, who asked for it, and %v for ben", took, pages, worst["ada"], worst["ben"])
	})
}
