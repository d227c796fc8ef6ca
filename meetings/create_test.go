package meetings_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"portal/gotomeeting"
	"portal/meetings"
	"portal/store"
)

// unhurriedGoTo makes what it is asked for once it is let, whether or not
// somebody still listens, and lists it last of all.
type unhurriedGoTo struct {
	meetings.GoTo
	asked   chan struct{}
	let     chan struct{}
	creates atomic.Int32
}

func (g *unhurriedGoTo) Create(ctx context.Context, _ gotomeeting.TokenSource, _ gotomeeting.MeetingRequest) (gotomeeting.Created, error) {
	g.creates.Add(1)
	g.asked <- struct{}{}
	select {
	case <-g.let:
		return gotomeeting.Created{ID: "123456789"}, nil
	case <-ctx.Done():
		return gotomeeting.Created{}, &gotomeeting.Error{Kind: gotomeeting.Unavailable, Sent: true, Err: ctx.Err()}
	}
}

func (g *unhurriedGoTo) Upcoming(context.Context, gotomeeting.TokenSource, string) ([]gotomeeting.Meeting, error) {
	return nil, nil
}

// On the second click of a double click the browser drops the first request,
// which GoTo has got already.
func TestDroppedPressMakesTheMeeting(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "portal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	goTo := &unhurriedGoTo{asked: make(chan struct{}, 8), let: make(chan struct{})}
	s := meetings.New(meetings.Config{GoTo: goTo, Memory: db})
	plan := meetings.Plan{Subject: "Board", Type: meetings.Scheduled, Start: time.Unix(1e9, 0), End: time.Unix(1e9+3600, 0)}
	type result struct {
		id  string
		err error
	}
	press := func(ctx context.Context) <-chan result {
		done := make(chan result, 1)
		go func() {
			id, err := s.Create(ctx, meetings.Caller{UserKey: "1", AccountKey: "2"}, plan, "form")
			done <- result{id, err}
		}()
		return done
	}

	first, drop := context.WithCancel(t.Context())
	one := press(first)
	<-goTo.asked
	two := press(t.Context())
	drop()
	close(goTo.let)
	for _, done := range []<-chan result{one, two} {
		if got := <-done; got.id != "123456789" || got.err != nil {
			t.Errorf("a press leads to %q, %v", got.id, got.err)
		}
	}
	if n := goTo.creates.Load(); n != 1 {
		t.Errorf("GoTo was asked %d times", n)
	}
}
