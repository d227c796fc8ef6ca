package gotomeeting

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// issuedLongAgo is older than any rule about young tokens.
var issuedLongAgo = time.Now().Add(-time.Hour)

// tokens is a TokenSource that counts and scripts renewals.
type tokens struct {
	token   string
	issued  time.Time
	next    string // what a renewal gives
	nextAge time.Duration
	err     error // what a renewal fails with

	refused []string
}

func (t *tokens) AccessToken(context.Context) (string, time.Time, error) {
	return t.token, t.issued, nil
}

func (t *tokens) RenewToken(_ context.Context, refused string) (string, time.Time, error) {
	t.refused = append(t.refused, refused)
	if t.err != nil {
		return "", time.Time{}, t.err
	}
	t.token, t.issued = t.next, time.Now().Add(-t.nextAge)
	return t.token, t.issued, nil
}

func oldToken() *tokens {
	return &tokens{token: "token-one", issued: issuedLongAgo, next: "token-two"}
}

// wire is a round tripper that answers from a function: no network, so it can
// live in a synctest bubble.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func answer(status int, body string, header ...string) *http.Response {
	res := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
	for i := 0; i+1 < len(header); i += 2 {
		res.Header.Set(header[i], header[i+1])
	}
	return res
}

// newClient returns a client over a round tripper, with a rate that does not
// bind and a back-off that does not wait.
func newClient(t *testing.T, rt http.RoundTripper) *Client {
	t.Helper()
	c, err := New(Config{BaseURL: "https://goto.example", HTTP: &http.Client{Transport: rt}, Rate: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	c.random = func() float64 { return 0 }
	return c
}

// always returns a client that gets one answer to everything.
func always(t *testing.T, status int, body string, header ...string) *Client {
	return newClient(t, wire(func(*http.Request) (*http.Response, error) { return answer(status, body, header...), nil }))
}

// serve returns a client of a real server on the loopback.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(Config{BaseURL: s.URL, Rate: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	c.random = func() float64 { return 0 }
	return c
}

// faultOf fails the test unless err is an Error of the kind.
func faultOf(t *testing.T, err error, kind Kind) *Error {
	t.Helper()
	fault, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got error %v, want one of kind %q", err, kind)
	}
	if fault.Kind != kind {
		t.Fatalf("got %v, want kind %q", err, kind)
	}
	return fault
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func request() MeetingRequest {
	return MeetingRequest{
		Subject: "Board <draft>", Start: at("2030-01-15T11:00:00+01:00"), End: at("2030-01-15T12:00:00.9+01:00"),
		Type: Scheduled, PasswordRequired: true, Audio: AudioHybrid, CoOrganizerKeys: []string{"8439885694023999999"},
	}
}
