package gotomeeting_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portal/gotomeeting"
	"portal/sandbox/sandboxtest"
)

// bearer is a token that nothing renews.
type bearer string

func (b bearer) AccessToken(context.Context) (string, time.Time, error) {
	return string(b), time.Time{}, nil
}

func (b bearer) RenewToken(context.Context, string) (string, time.Time, error) {
	return string(b), time.Time{}, nil
}

func newClient(t *testing.T, c gotomeeting.Config) *gotomeeting.Client {
	t.Helper()
	client, err := gotomeeting.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// GoTo's word that it is too much slows the client down.
func TestTooManyAtTheSandbox(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.New(t)
	sb.Control(map[string]any{"rate_limit_per_s": 1})
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	var c *gotomeeting.Client
	var refused atomic.Bool
	c = newClient(t, gotomeeting.Config{BaseURL: sb.API, Rate: 1000, Observe: func(try gotomeeting.Try) {
		if try.Status != http.StatusTooManyRequests {
			return
		}
		refused.Store(true)
		enough()
		if rate := c.State().Rate; rate > 600 {
			t.Errorf("%v calls a second after a 429", rate)
		}
	}})
	token := bearer(sb.Token("ada@example.test"))
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() { _, _ = c.Upcoming(ctx, token, "") })
	}
	all.Wait()
	if !refused.Load() {
		t.Error("nothing was too much, so this shows nothing")
	}
}

// An outage that two users meet is nobody's call any more, and no other API's.
func TestOutageAtTheSandbox(t *testing.T) {
	t.Parallel()
	for kind, fault := range map[string]map[string]any{
		"503":   {"match": "GET /G2M/rest/upcomingMeetings", "times": 0, "kind": "status", "status": 503},
		"500":   {"match": "GET /G2M/rest/upcomingMeetings", "times": 0, "kind": "status", "status": 500},
		"reset": {"match": "GET /G2M/rest/upcomingMeetings", "times": 0, "kind": "reset"},
		"cut":   {"match": "GET /G2M/rest/upcomingMeetings", "times": 0, "kind": "truncate"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			sb := sandboxtest.New(t)
			sb.Control(map[string]any{"rate_limit_per_s": 0, "faults": []any{fault}})
			c := newClient(t, gotomeeting.Config{BaseURL: sb.API, Rate: 1000})
			users := []bearer{bearer(sb.Token("ada@example.test")), bearer(sb.Token("ben@example.test"))}
			calls := func() int { return sb.Calls()["GET /G2M/rest/upcomingMeetings"] }
			for i := 0; !c.State().Failing[gotomeeting.APIMeeting]; i++ {
				if _, err := c.Upcoming(t.Context(), users[i%2], ""); err == nil {
					t.Fatal("no fault")
				}
				if i > 20 {
					t.Fatalf("the breaker is closed after %d failures", calls())
				}
			}
			before := calls()
			if before != 20 {
				t.Errorf("opened after %d calls", before)
			}
			for range 10 {
				_, err := c.Upcoming(t.Context(), users[0], "")
				if failed, ok := errors.AsType[*gotomeeting.Error](err); !ok || failed.Status == 0 && failed.Kind != gotomeeting.Unavailable {
					t.Errorf("got %v", err)
				}
			}
			if n := calls() - before; n > 5 {
				t.Errorf("%d of 10 calls arrived", n)
			}
			if _, err := c.Me(t.Context(), string(users[0])); err != nil {
				t.Errorf("the Admin API: %v", err)
			}
			sb.Control(map[string]any{"faults": []any{}})
			_, err := c.Upcoming(t.Context(), users[0], "")
			if held, ok := errors.AsType[*gotomeeting.Error](err); ok {
				<-time.After(held.RetryAfter)
				_, err = c.Upcoming(t.Context(), users[0], "")
			}
			if err != nil {
				t.Errorf("when it may try again: %v", err)
			}
			if c.State().Failing[gotomeeting.APIMeeting] {
				t.Error("it answers, and counts as failing")
			}
		})
	}
}

// What GoTo refuses one user is that user's affair.
func TestRefusalsAtTheSandboxAreNoOutage(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.New(t)
	sb.Control(map[string]any{"rate_limit_per_s": 0})
	c := newClient(t, gotomeeting.Config{BaseURL: sb.API, Rate: 1000})
	for i := range 60 {
		token := bearer(fmt.Sprint("no token ", i%2))
		if i%3 == 0 {
			token = bearer(sb.Token("ben@example.test"))
		}
		if _, err := c.Meeting(t.Context(), token, "999999999"); err == nil {
			t.Fatal("no refusal")
		}
	}
	if _, err := c.Upcoming(t.Context(), bearer(sb.Token("ada@example.test")), ""); err != nil {
		t.Error(err)
	}
}

// A connection that never came about carried nothing, so a create is sent
// again; one that was lost may have carried it, so it is not.
func TestCreateIsSentAgainOnlyIfItNeverLeft(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		dial func(net.Conn, int) (net.Conn, error) // the nth connection
		made int
		err  bool
	}{
		"refused once": {func(conn net.Conn, n int) (net.Conn, error) {
			if n == 1 {
				_ = conn.Close()
				return nil, errors.New("connection refused")
			}
			return conn, nil
		}, 1, false},
		"lost once": {func(conn net.Conn, n int) (net.Conn, error) {
			if n == 1 {
				return deaf{conn}, nil
			}
			return conn, nil
		}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			sb := sandboxtest.New(t)
			dials := 0
			transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				dials++
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return tt.dial(conn, dials)
			}}
			c := newClient(t, gotomeeting.Config{BaseURL: sb.API, HTTP: &http.Client{Transport: transport}})
			start := time.Now().Add(24 * time.Hour)
			_, err := c.Create(t.Context(), bearer(sb.Token("ada@example.test")), gotomeeting.MeetingRequest{
				Subject: "Once", Start: start, End: start.Add(time.Hour), Type: gotomeeting.Scheduled, Audio: gotomeeting.AudioHybrid,
			})
			if (err != nil) != tt.err {
				t.Errorf("got %v", err)
			}
			if n := sb.Calls()["POST /G2M/rest/meetings"]; n != tt.made {
				t.Errorf("the create arrived %d times, want %d", n, tt.made)
			}
		})
	}
}

// deaf sends, and hears no answer.
type deaf struct{ net.Conn }

func (d deaf) Read(b []byte) (int, error) {
	_, _ = d.Conn.Read(b)
	return 0, errors.New("connection lost")
}

// The keys of the sandbox's people, who are of one account but for dan.
const (
	ada = "8439885694023990001"
	ben = "8439885694023990002"
)

func kindOf(err error) gotomeeting.Kind {
	if fault, ok := errors.AsType[*gotomeeting.Error](err); ok {
		return fault.Kind
	}
	return 0
}

// What an organizer's attendees are, over a range of several windows, each of
// the meetings tells as well.
func TestOrganizerAttendeesAtTheSandbox(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.New(t)
	sb.Control(map[string]any{"rate_limit_per_s": 0})
	ctx, token := t.Context(), bearer(sb.Token("ada@example.test"))
	c := newClient(t, gotomeeting.Config{BaseURL: sb.API, Rate: 1000})
	from, to := time.Now().AddDate(0, 0, -100), time.Now()
	for _, wire := range []string{"observed", "spec"} {
		sb.Control(map[string]any{"wire": wire})
		before := sb.Calls()["GET /G2M/rest/organizers/*/attendees"]
		got, err := c.OrganizerAttendees(ctx, token, ben, from, to)
		if err != nil || len(got) < 20 {
			t.Fatalf("%s: %d joins, %v", wire, len(got), err)
		}
		if calls := sb.Calls()["GET /G2M/rest/organizers/*/attendees"] - before; calls != 4 {
			t.Errorf("%s: %d calls for 100 days", wire, calls)
		}
		byMeeting := map[string][]gotomeeting.Join{}
		for _, j := range got {
			if j.Minutes != int(j.Left.Sub(j.Joined).Round(time.Minute)/time.Minute) || j.OrganizerKey != ben || j.OrganizerEmail != "ben@example.test" {
				t.Errorf("%s: got %+v", wire, j)
			}
			j.Minutes = 0 // by meeting it is the session's
			byMeeting[j.MeetingID] = append(byMeeting[j.MeetingID], j)
		}
		for id, joins := range byMeeting {
			all, err := c.Attendees(ctx, token, id)
			if err != nil {
				t.Fatal(err)
			}
			want := all[:0]
			for _, j := range all {
				if j.Minutes = 0; !j.Start.Before(from.Truncate(time.Second)) {
					want = append(want, j)
				}
			}
			if !reflect.DeepEqual(joins, want) {
				t.Errorf("%s: meeting %s: %d joins by organizer, %d by meeting, or they differ", wire, id, len(joins), len(want))
			}
		}
	}
}

func TestWhoMayAskForAndEraseAttendees(t *testing.T) {
	t.Parallel()
	type what func(c *gotomeeting.Client, token bearer, key string, sessions []gotomeeting.PastMeeting) error
	now, ctx := time.Now(), t.Context()
	ask := func(c *gotomeeting.Client, token bearer, key string, _ []gotomeeting.PastMeeting) error {
		_, err := c.OrganizerAttendees(ctx, token, key, now.AddDate(0, 0, -7), now)
		return err
	}
	attendees := func(c *gotomeeting.Client, token bearer, key string, sessions []gotomeeting.PastMeeting) error {
		return c.EraseAttendees(ctx, token, key, sessions[0].SessionID)
	}
	session := func(c *gotomeeting.Client, token bearer, key string, sessions []gotomeeting.PastMeeting) error {
		return c.EraseSession(ctx, token, key, sessions[1].SessionID)
	}
	unknown := func(c *gotomeeting.Client, token bearer, key string, _ []gotomeeting.PastMeeting) error {
		return c.EraseAttendees(ctx, token, key, "1")
	}
	anothers := func(c *gotomeeting.Client, token bearer, _ string, sessions []gotomeeting.PastMeeting) error {
		return c.EraseSession(ctx, token, ada, sessions[0].SessionID) // ben's
	}
	twice := func(c *gotomeeting.Client, token bearer, key string, sessions []gotomeeting.PastMeeting) error {
		if err := session(c, token, key, sessions); err != nil {
			return err
		}
		return session(c, token, key, sessions)
	}
	for _, tt := range []struct {
		name, who, scopes string
		do                what
		key               string
		want              gotomeeting.Kind // 0: done
		erases            bool
	}{
		{"admin asks", "ada", "", ask, ben, 0, false},
		{"admin asks, own, no identity:", "ada", "collab:", ask, ada, 0, false},
		{"admin asks, no identity:", "ada", "collab:", ask, ben, gotomeeting.MissingScope, false},
		{"organizer asks, own", "ben", "", ask, ben, gotomeeting.Forbidden, false},
		{"organizer asks for another", "cleo", "", ask, ben, gotomeeting.Forbidden, false},
		{"of no such organizer", "ada", "", ask, "1", gotomeeting.NotFound, false},
		{"of another account", "dan", "", ask, ben, gotomeeting.Forbidden, false},
		{"organizer's own attendees", "ben", "", attendees, ben, 0, true},
		{"organizer's own, no identity:", "ben", "collab:", attendees, ben, 0, true},
		{"organizer's own session", "ben", "", session, ben, 0, true},
		{"admin, attendees", "ada", "", attendees, ben, 0, true},
		{"admin, session", "ada", "", session, ben, 0, true},
		{"admin, no identity:", "ada", "collab:", attendees, ben, gotomeeting.MissingScope, false},
		{"another's attendees", "cleo", "", attendees, ben, gotomeeting.Forbidden, false},
		{"another's session", "cleo", "", session, ben, gotomeeting.Forbidden, false},
		{"of another account's", "dan", "", session, ben, gotomeeting.Forbidden, false},
		{"no such session", "ben", "", unknown, ben, gotomeeting.NotFound, false},
		{"a session that is another's", "ada", "", anothers, ada, gotomeeting.NotFound, false},
		{"a session twice", "ben", "", twice, ben, gotomeeting.NotFound, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sb := sandboxtest.New(t)
			sb.Control(map[string]any{"rate_limit_per_s": 0})
			c := newClient(t, gotomeeting.Config{BaseURL: sb.API, Rate: 1000})
			owner := bearer(sb.Token("ben@example.test"))
			past := func() []gotomeeting.PastMeeting {
				list, err := c.History(ctx, owner, "", now.AddDate(0, 0, -60), now)
				if err != nil {
					t.Fatal(err)
				}
				return list
			}
			before := past()
			if tt.scopes != "" {
				sb.Control(map[string]any{"scopes": tt.scopes})
			}
			token := bearer(sb.Token(tt.who + "@example.test"))
			if err := tt.do(c, token, tt.key, before); kindOf(err) != tt.want || (err == nil) != (tt.want == 0) {
				t.Errorf("got %v, want kind %q", err, tt.want)
			}
			after := past()
			if len(after) != len(before) {
				t.Fatalf("%d sessions of %d", len(after), len(before))
			}
			changed := 0
			for i := range after {
				if !reflect.DeepEqual(after[i], before[i]) {
					changed++
				}
			}
			if (changed == 1) != tt.erases || changed > 1 {
				t.Errorf("%d sessions are changed", changed)
			}
		})
	}
}
