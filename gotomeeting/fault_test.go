package gotomeeting

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestErrorBodies(t *testing.T) {
	tests := []struct {
		name, body   string
		code, detail string
	}{
		{"gateway", `{"int_err_code":"InvalidToken","msg":"Invalid token passed"}`, "InvalidToken", "Invalid token passed"},
		{"router", `{"errorCode":"NOT_FOUND","message":"The requested resource was not found"}`, "NOT_FOUND", "The requested resource was not found"},
		{"product", `{"errorCode":"InvalidRequest","description":"subject is required","incident":"42"}`, "InvalidRequest", "subject is required"},
		{"admin", `{"incidentId":"1","errors":[{"code":"user.not.found","value":"eve@example.test"}]}`, "user.not.found", "eve@example.test"},
		{"scim", `{"error":[{"description":"Incident #1","code":"not.authorized","uri":"/v1/Users"}]}`, "not.authorized", "Incident #1"},
		{"message", `{"message":"This endpoint is no longer valid"}`, "", "This endpoint is no longer valid"},
		{"oauth", `{"error":"invalid_client","error_description":"client not found"}`, "invalid_client", "client not found"},
		{"array", `[{"errorCode":"X","description":"Y"}]`, "X", "Y"},
		{"empty", "", "", ""},
		{"spaces", " \n", "", ""},
		{"empty object", "{}", "", ""},
		{"null", "null", "", ""},
		{"html", "<html><body>Bad gateway</body></html>", "", "a page of HTML"},
		{"plain text", "upstream\nconnect error", "", "upstream connect error"},
		{"truncated", `{"errorCode":"X`, "", "broken JSON"},
		{"wrong types", `{"errorCode":["x"],"message":{"a":1},"errors":7}`, "", ""},
		{"number", `{"code":1234,"message":"m"}`, "1234", "m"},
		{"deep", strings.Repeat(`{"errors":[`, 50) + strings.Repeat(`]}`, 50), "", ""},
		{"not utf-8", "\xff\xfe", "", "�"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := always(t, 400, tt.body).Upcoming(t.Context(), oldToken(), "")
			fault := faultOf(t, err, Refused)
			if fault.Code != tt.code || fault.Detail != tt.detail || fault.Status != 400 {
				t.Errorf("got code %q, detail %q, status %d", fault.Code, fault.Detail, fault.Status)
			}
		})
	}
	t.Run("bounded", func(t *testing.T) {
		long := strings.Repeat("é", 100000)
		_, err := always(t, 400, `{"errorCode":"`+long[:2000]+`","message":"`+long+`"}`).Upcoming(t.Context(), oldToken(), "")
		fault := faultOf(t, err, Refused)
		if len(fault.Code) > 4*maxCode || len(fault.Detail) > 4*maxDetail {
			t.Errorf("code has %d bytes, detail %d", len(fault.Code), len(fault.Detail))
		}
	})
}

func TestKinds(t *testing.T) {
	const invalid = `{"int_err_code":"InvalidToken","msg":"Invalid token passed"}`
	tests := []struct {
		name   string
		status int
		body   string
		header []string
		kind   Kind
		calls  int32 // a GET is tried this often, renewal included
	}{
		{"bad request", 400, "", nil, Refused, 1},
		{"conflict", 409, `{"errorCode":"x"}`, nil, Refused, 1},
		{"unauthorized", 401, "", nil, InvalidToken, 2},
		{"invalid token", 403, invalid, nil, InvalidToken, 2},
		{"invalid token, newer", 403, `{"errorCode":"AUTHN_INVALID_TOKEN"}`, nil, InvalidToken, 2},
		{"invalid token, by header", 403, "", []string{"X-Amzn-Errortype", "UnauthorizedException"}, InvalidToken, 2},
		{"scope", 403, `{"errorCode":"AUTHZ_INSUFFICIENT_SCOPE"}`, nil, MissingScope, 1},
		{"scope as 401", 401, `{"errorCode":"AUTHZ_INSUFFICIENT_SCOPE"}`, nil, MissingScope, 1},
		{"forbidden", 403, "", nil, Forbidden, 1},
		{"forbidden with text", 403, `{"errorCode":"Forbidden","description":"not yours"}`, nil, Forbidden, 1},
		{"not found", 404, `{"errorCode":"NOT_FOUND"}`, nil, NotFound, 1},
		{"gone", 410, "", nil, NotFound, 1},
		{"request timeout", 408, "", nil, TimedOut, 1},
		{"rate", 429, "", nil, RateLimited, 3},
		{"internal", 500, "<html>oops</html>", nil, Unavailable, 1},
		{"bad gateway", 502, "", nil, Unavailable, 2},
		{"unavailable", 503, "", nil, Unavailable, 2},
		{"gateway timeout", 504, "", nil, Unavailable, 2},
		{"redirect", 302, "", []string{"Location", "https://elsewhere.example/"}, Unreadable, 1},
		{"not modified", 304, "", nil, Unreadable, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var calls atomic.Int32
			c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host != "goto.example" {
					t.Errorf("called %s", r.URL.Host)
				}
				calls.Add(1)
				return answer(tt.status, tt.body, tt.header...), nil
			}))
			_, err := c.Meeting(t.Context(), oldToken(), "1")
			if fault := faultOf(t, err, tt.kind); fault.Status != tt.status {
				t.Errorf("got status %d", fault.Status)
			}
			if calls.Load() != tt.calls {
				t.Errorf("got %d calls, want %d", calls.Load(), tt.calls)
			}
			if strings.Contains(err.Error(), "token-one") {
				t.Errorf("error shows the token: %v", err)
			}
		})
	}
}

func TestOnlyUnknownOutcomesAreSent(t *testing.T) {
	for status, want := range map[int]bool{400: false, 401: false, 403: false, 404: false, 409: false, 429: false, 500: true, 502: true, 503: true} {
		_, err := always(t, status, "").Create(t.Context(), oldToken(), request())
		fault, ok := errors.AsType[*Error](err)
		if !ok || fault.Sent != want {
			t.Errorf("%d: got %v with Sent %v, want %v", status, err, fault.Sent, want)
		}
	}
}

func TestIDsAreCheckedBeforeCalling(t *testing.T) {
	c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
		t.Errorf("called %s", r.URL)
		return answer(200, "[]"), nil
	}))
	ctx, ts := t.Context(), oldToken()
	for _, id := range []string{"", "abc", "1/2", "..", "1?x=1", "-1", "１２", "123456789012345678901", "1 "} {
		errs := []error{
			second(c.Meeting(ctx, ts, id)), c.Update(ctx, ts, id, request()), c.Delete(ctx, ts, id), second(c.Start(ctx, ts, id)),
			second(c.Attendees(ctx, ts, id)), c.EraseSession(ctx, ts, id, "1"), c.EraseSession(ctx, ts, "1", id), c.EraseAttendees(ctx, ts, id, "1"),
			c.EraseAttendees(ctx, ts, "1", id), second(c.OrganizerAttendees(ctx, ts, id, at("2030-01-01T00:00:00Z"), at("2030-01-02T00:00:00Z"))),
			second(c.Users(ctx, ts, id, UserFilter{})), second(c.User(ctx, ts, "1", id)), second(c.User(ctx, ts, id, "1")),
			second(c.Invite(ctx, ts, id, Invitation{})), second(c.Licenses(ctx, ts, id)),
		}
		if id != "" { // the organizer's own
			errs = append(errs, second(c.Upcoming(ctx, ts, id)), second(c.History(ctx, ts, id, at("2030-01-01T00:00:00Z"), at("2030-01-02T00:00:00Z"))))
		}
		for _, err := range errs {
			faultOf(t, err, NotFound)
		}
	}
}

func TestRequestsAreCheckedBeforeCalling(t *testing.T) {
	c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
		t.Errorf("called %s", r.URL)
		return answer(200, "[]"), nil
	}))
	for name, change := range map[string]func(*MeetingRequest){
		"no subject":         func(r *MeetingRequest) { r.Subject = "" },
		"long subject":       func(r *MeetingRequest) { r.Subject = strings.Repeat("<", 26) },
		"subject not text":   func(r *MeetingRequest) { r.Subject = "\xff" },
		"no start":           func(r *MeetingRequest) { r.Start = time.Time{} },
		"end at start":       func(r *MeetingRequest) { r.End = r.Start },
		"no type":            func(r *MeetingRequest) { r.Type = "" },
		"type in other case": func(r *MeetingRequest) { r.Type = "Scheduled" },
		"no audio":           func(r *MeetingRequest) { r.Audio = "" },
		"long audio":         func(r *MeetingRequest) { r.Audio = strings.Repeat("1", 256) },
		"key of letters":     func(r *MeetingRequest) { r.CoOrganizerKeys = []string{"ben"} },
	} {
		t.Run(name, func(t *testing.T) {
			r := request()
			change(&r)
			faultOf(t, second(c.Create(t.Context(), oldToken(), r)), Refused)
			faultOf(t, c.Update(t.Context(), oldToken(), "1", r), Refused)
		})
	}
}

// hijack answers a request by doing something to its connection.
func hijack(t *testing.T, do func(net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		do(conn)
		_ = conn.Close()
	}
}

func TestLostConnections(t *testing.T) {
	reset := func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }
	send := func(s string) func(net.Conn) { return func(c net.Conn) { _, _ = io.WriteString(c, s) } }
	tests := []struct {
		name string
		do   func(net.Conn)
		kind Kind
	}{
		{"reset", reset, Unavailable},
		{"closed", func(net.Conn) {}, Unavailable},
		{"garbage", send("SSH-2.0-OpenSSH\r\n\r\n"), Unavailable},
		{"cut in the body", send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{\"meetingId\":1},"), Unreadable},
		{"cut chunk", send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n[{\"meetingId\":1},"), Unreadable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var calls atomic.Int32
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				hijack(t, tt.do)(w, r)
			})
			try := func(want int32, call func() error) {
				t.Helper()
				calls.Store(0)
				if fault := faultOf(t, call(), tt.kind); !fault.Sent {
					t.Errorf("bytes may have left, but Sent is false: %v", fault)
				}
				if calls.Load() != want {
					t.Errorf("got %d calls, want %d", calls.Load(), want)
				}
			}
			try(2, func() error { return second(c.Upcoming(t.Context(), oldToken(), "")) })
			try(1, func() error { return second(c.Create(t.Context(), oldToken(), request())) })
			try(1, func() error {
				return second(c.Invite(t.Context(), oldToken(), "1", Invitation{Email: "e@example.test"}))
			})
			if tt.kind == Unavailable { // GoTo's answer to these has no body that could be cut
				try(2, func() error { return c.Update(t.Context(), oldToken(), "1", request()) })
				try(2, func() error { return c.Delete(t.Context(), oldToken(), "1") })
				try(2, func() error { return c.EraseAttendees(t.Context(), oldToken(), "1", "2") })
				try(2, func() error { return c.EraseSession(t.Context(), oldToken(), "1", "2") })
			}
		})
	}
}

func TestASecondTryHelps(t *testing.T) {
	var calls atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			hijack(t, func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{\"meetingId\":1},")
			})(w, r)
			return
		}
		_, _ = io.WriteString(w, `[{"meetingId":1},{"meetingId":2}]`)
	})
	got, err := c.Upcoming(t.Context(), oldToken(), "")
	if err != nil || len(got) != 2 {
		t.Errorf("got %+v, %v; want the two meetings of the second answer", got, err)
	}
}

func TestDeleteWhoseAnswerWasLost(t *testing.T) {
	for name, second := range map[string]int{"already gone": 404, "gone now": 204} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) == 1 {
					hijack(t, func(net.Conn) {})(w, r)
					return
				}
				w.WriteHeader(second)
			})
			for _, again := range []func() error{
				func() error { return c.Delete(t.Context(), oldToken(), "1") },
				func() error { return c.EraseSession(t.Context(), oldToken(), "1", "2") },
				func() error { return c.EraseAttendees(t.Context(), oldToken(), "1", "2") },
			} {
				calls.Store(0)
				if err := again(); err != nil || calls.Load() != 2 {
					t.Errorf("%d calls, %v", calls.Load(), err)
				}
			}
		})
	}
	faultOf(t, always(t, 404, "").Delete(t.Context(), oldToken(), "1"), NotFound)
	faultOf(t, always(t, 404, "").EraseSession(t.Context(), oldToken(), "1", "2"), NotFound)
	faultOf(t, always(t, 404, "").EraseAttendees(t.Context(), oldToken(), "1", "2"), NotFound)
}

// A try whose answer was lost may have done it, whatever the tries after it
// come to.
func TestLostAnswerIsRemembered(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	status := func(status int) func(*http.Request) (*http.Response, error) {
		return func(*http.Request) (*http.Response, error) { return answer(status, ""), nil }
	}
	dial := func(*http.Request) (*http.Response, error) { return nil, refused }
	reset := func(r *http.Request) (*http.Response, error) { // after it was sent
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
		return nil, io.ErrUnexpectedEOF
	}
	renewal := errors.New("no newer token")
	type tries []func(*http.Request) (*http.Response, error)
	for name, tt := range map[string]struct {
		tries  tries
		renew  error
		update Kind // 0: done
		delete Kind
		sent   bool
	}{
		"reset, refused":             {tries: tries{reset, dial}, update: Unavailable, delete: Unavailable, sent: true},
		"refused, refused":           {tries: tries{dial, dial}, update: Unavailable, delete: Unavailable},
		"reset, 429 three times":     {tries: tries{reset, status(429), status(429)}, update: RateLimited, delete: RateLimited, sent: true},
		"reset, 403":                 {tries: tries{reset, status(403)}, update: Forbidden, delete: Forbidden, sent: true},
		"502, 401, 404":              {tries: tries{status(502), status(401), status(404)}, update: NotFound, sent: true},
		"502, 401, refused, refused": {tries: tries{status(502), status(401), dial, dial}, update: Unavailable, delete: Unavailable, sent: true},
		"401, 404":                   {tries: tries{status(401), status(404)}, update: NotFound, delete: NotFound},
		"502, 401, not renewed":      {tries: tries{status(502), status(401)}, renew: renewal, update: Unavailable, delete: Unavailable, sent: true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, op := range []struct {
				call func(*Client, TokenSource) error
				kind Kind
			}{
				{func(c *Client, ts TokenSource) error { return c.Update(t.Context(), ts, "1", request()) }, tt.update},
				{func(c *Client, ts TokenSource) error { return c.Delete(t.Context(), ts, "1") }, tt.delete},
			} {
				n := 0
				c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
					n++
					return tt.tries[n-1](r)
				}))
				ts := oldToken()
				ts.err = tt.renew
				err := op.call(c, ts)
				if n != len(tt.tries) {
					t.Errorf("%d tries, want %d", n, len(tt.tries))
				}
				if op.kind == 0 {
					if err != nil {
						t.Error(err)
					}
					continue
				}
				if fault := faultOf(t, err, op.kind); fault.Sent != tt.sent || tt.renew != nil && !errors.Is(err, tt.renew) {
					t.Errorf("Sent is %t, want %t: %v", fault.Sent, tt.sent, err)
				}
			}
		})
	}
}

func TestNoConnectionMeansNotSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	c, err := New(Config{BaseURL: "http://" + address, Rate: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Create(t.Context(), oldToken(), request())
	if fault := faultOf(t, err, Unavailable); fault.Sent {
		t.Error("nothing was connected, but Sent is true")
	}
}

func TestSlowAnswers(t *testing.T) {
	release := make(chan struct{})
	slow := func(headers bool) *Client {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if headers {
				_, _ = io.WriteString(w, "[")
				w.(http.Flusher).Flush()
			}
			<-release
		})
		c.http.Timeout = 50 * time.Millisecond
		return c
	}
	for name, headers := range map[string]bool{"before the headers": false, "in the body": true} {
		t.Run(name, func(t *testing.T) {
			_, err := slow(headers).Create(t.Context(), oldToken(), request())
			if fault := faultOf(t, err, TimedOut); !fault.Sent {
				t.Error("bytes left, but Sent is false")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			_, err = slow(headers).Upcoming(ctx, oldToken(), "")
			faultOf(t, err, TimedOut)
		})
	}
	t.Run("the caller leaves", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := slow(false).Upcoming(ctx, oldToken(), "")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	close(release)
}

func TestRenewal(t *testing.T) {
	const invalid = `{"int_err_code":"InvalidToken","msg":"Invalid token passed"}`
	lapsed := errors.New("refresh refused")
	admin := func(ctx context.Context, c *Client, ts TokenSource) error { return second(c.Licenses(ctx, ts, "1")) }
	meeting := func(ctx context.Context, c *Client, ts TokenSource) error { return second(c.Upcoming(ctx, ts, "")) }
	create := func(ctx context.Context, c *Client, ts TokenSource) error {
		return second(c.Create(ctx, ts, request()))
	}
	tests := []struct {
		name    string
		call    func(context.Context, *Client, TokenSource) error
		status  int
		body    string
		age     time.Duration // of the first token; 0 = not known
		nextAge time.Duration // of the second
		next    string
		err     error
		cures   bool // GoTo takes the second token
		kind    Kind // 0 = success
		renewed int
	}{
		{name: "401", call: meeting, status: 401, age: time.Hour, next: "token-two", cures: true, renewed: 1},
		{name: "403 InvalidToken", call: meeting, status: 403, body: invalid, age: time.Hour, next: "token-two", cures: true, renewed: 1},
		{name: "401 of a young token at G2M", call: meeting, status: 401, age: time.Second, next: "token-two", cures: true, renewed: 1},
		{name: "age not known", call: admin, status: 401, next: "token-two", cures: true, renewed: 1},
		{name: "plain 403", call: meeting, status: 403, age: time.Hour, next: "token-two", kind: Forbidden},
		{name: "create", call: create, status: 403, body: invalid, age: time.Hour, next: "token-two", cures: true, renewed: 1},
		{name: "once only", call: meeting, status: 401, age: time.Hour, next: "token-two", kind: InvalidToken, renewed: 1},
		{name: "no newer token", call: meeting, status: 401, age: time.Hour, next: "token-one", kind: InvalidToken, renewed: 1},
		{name: "admin, old token", call: admin, status: 401, age: time.Hour, next: "token-two", cures: true, renewed: 1},
		{name: "admin, young token", call: admin, status: 401, age: 59 * time.Second, next: "token-two", kind: MissingScope},
		{name: "admin, token of a minute", call: admin, status: 401, age: 61 * time.Second, next: "token-two", cures: true, renewed: 1},
		{name: "admin, refused anew", call: admin, status: 401, age: time.Hour, next: "token-two", kind: MissingScope, renewed: 1},
		{name: "admin, refused anew, renewed by another a while ago", call: admin, status: 401, age: time.Hour, nextAge: time.Hour, next: "token-two", kind: InvalidToken, renewed: 1},
		{name: "admin, young token, 403 InvalidToken", call: admin, status: 403, body: invalid, age: time.Second, next: "token-two", cures: true, renewed: 1},
		{name: "admin, plain 403", call: admin, status: 403, age: time.Second, next: "token-two", kind: Forbidden},
		{name: "renewal fails", call: meeting, status: 401, age: time.Hour, err: lapsed, renewed: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var seen []string
			c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
				token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
				seen = append(seen, token)
				if tt.cures && token == "token-two" {
					return answer(200, `[{"meetingid":1,"key":1}]`), nil
				}
				return answer(tt.status, tt.body), nil
			}))
			ts := &tokens{token: "token-one", next: tt.next, nextAge: tt.nextAge, err: tt.err}
			if tt.age != 0 {
				ts.issued = time.Now().Add(-tt.age)
			}
			err := tt.call(t.Context(), c, ts)
			switch {
			case tt.err != nil:
				if !errors.Is(err, tt.err) {
					t.Errorf("got %v, want it to wrap %v", err, tt.err)
				}
			case tt.kind != 0:
				faultOf(t, err, tt.kind)
			case err != nil:
				t.Error(err)
			}
			if len(ts.refused) != tt.renewed || (tt.renewed == 1 && ts.refused[0] != "token-one") {
				t.Errorf("renewed %v, want %d renewals of the first token", ts.refused, tt.renewed)
			}
			want := 1
			if tt.renewed == 1 && tt.err == nil && tt.next != "token-one" {
				want = 2
			}
			if len(seen) != want {
				t.Errorf("called with %v, want %d calls", seen, want)
			}
		})
	}
}

type noToken struct{ tokens }

func (noToken) AccessToken(context.Context) (string, time.Time, error) {
	return "", time.Time{}, errSignedOut
}

var errSignedOut = errors.New("signed out")

func TestTokenSourceErrorsPassThrough(t *testing.T) {
	c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
		t.Error("called without a token")
		return answer(200, "[]"), nil
	}))
	if _, err := c.Upcoming(t.Context(), &noToken{}, ""); !errors.Is(err, errSignedOut) {
		t.Errorf("got %v", err)
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	const token, host = "t0k3n-secret", "h0st-secret"
	var log bytes.Buffer
	bodies := []string{
		`{"message":"token ` + token + ` is bad"}`, token, `{"errorCode":"` + token + `"}`, `[{"hostURL":"` + host + `"`,
	}
	for _, status := range []int{200, 400, 500} {
		for _, body := range bodies {
			c := always(t, status, body)
			c.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			_, err := c.Start(t.Context(), &tokens{token: token, issued: issuedLongAgo}, "555012345")
			if err == nil {
				t.Fatalf("%d %s: no error", status, body)
			}
			fmt.Fprintln(&log, err)
		}
	}
	// The URL of a failed call holds an address.
	c := newClient(t, wire(func(*http.Request) (*http.Response, error) { return nil, errors.New("broken wire") }))
	c.log = slog.New(slog.NewTextHandler(&log, nil))
	_, err := c.Users(t.Context(), &tokens{token: token, issued: issuedLongAgo}, "1", UserFilter{Email: "ada@example.test"})
	fmt.Fprintln(&log, err)

	if !strings.Contains(log.String(), "broken wire") || !strings.Contains(log.String(), "goto call failed") {
		t.Fatal("the log holds no failure, so this shows nothing")
	}
	for _, secret := range []string{token, host, "ada@", "555012345"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("log holds %s:\n%s", secret, log.String())
		}
	}
}

func TestLongTokens(t *testing.T) {
	long := strings.Repeat("x", 16000)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+long {
			t.Error("the token did not arrive whole")
		}
		_, _ = io.WriteString(w, "[]")
	})
	if _, err := c.Upcoming(t.Context(), &tokens{token: long}, ""); err != nil {
		t.Error(err)
	}
}

func TestNewRefusesBadConfigs(t *testing.T) {
	for _, base := range []string{"", "api.getgo.com", "ftp://x", "https://", "https://u:p@x", "https://x?a=1", "https://x#f", "https://x y"} {
		if _, err := New(Config{BaseURL: base}); err == nil {
			t.Errorf("base URL %q is taken", base)
		} else if strings.Contains(err.Error(), "u:p") {
			t.Errorf("error shows a password: %v", err)
		}
	}
	if _, err := New(Config{BaseURL: "https://x", Rate: -1}); err == nil {
		t.Error("a negative rate is taken")
	}
}

func TestBaseURLWithPath(t *testing.T) {
	var path string
	c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
		path = r.URL.String()
		return answer(200, "[]"), nil
	}))
	c2, err := New(Config{BaseURL: "http://localhost:8080/sandbox/", HTTP: c.http, Rate: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c2.Upcoming(t.Context(), oldToken(), ""); err != nil {
		t.Fatal(err)
	}
	if want := "http://localhost:8080/sandbox/G2M/rest/upcomingMeetings"; path != want {
		t.Errorf("called %s, want %s", path, want)
	}
}

func TestObserve(t *testing.T) {
	var seen []string
	c := always(t, 503, "")
	c.observe = func(try Try) {
		seen = append(seen, fmt.Sprint(try.API, " ", try.Op, " ", try.Lane, " ", try.Again, " ", try.Held, " ", try.Status, " ", try.Waited >= 0, " ", try.Took >= 0))
	}
	_, err := c.Meeting(WithLane(t.Context(), LaneBackground), oldToken(), "1")
	faultOf(t, err, Unavailable)
	if want := "[G2M get meeting background false  503 true true G2M get meeting background true  503 true true]"; fmt.Sprint(seen) != want {
		t.Errorf("got %v", seen)
	}
	// Log-ins have a lane of their own.
	seen = nil
	c = always(t, 200, `{"key":1}`)
	c.observe = func(try Try) { seen = append(seen, try.Lane.String()) }
	if _, err := c.Me(t.Context(), "token"); err != nil || fmt.Sprint(seen) != "[token]" {
		t.Errorf("%v, %v", seen, err)
	}
}

// An empty body is no answer, as opposed to the answer that there is nothing:
// nobody may conclude from it that a list is empty.
func TestEmptyBodiesAreNoAnswers(t *testing.T) {
	ctx, ts, day := t.Context(), oldToken(), at("2030-01-15T10:00:00Z")
	for op, tt := range map[string]struct {
		send  func(*Client) error
		calls int32 // a GET is asked again
	}{
		"upcoming":             {func(c *Client) error { return second(c.Upcoming(ctx, ts, "")) }, 2},
		"organizer's upcoming": {func(c *Client) error { return second(c.Upcoming(ctx, ts, "1")) }, 2},
		"history":              {func(c *Client) error { return second(c.History(ctx, ts, "", day, day)) }, 2},
		"attendees":            {func(c *Client) error { return second(c.Attendees(ctx, ts, "1")) }, 2},
		"users":                {func(c *Client) error { return second(c.Users(ctx, ts, "1", UserFilter{})) }, 2},
		"users by address":     {func(c *Client) error { return second(c.Users(ctx, ts, "1", UserFilter{Email: "eve@example.test"})) }, 2},
		"user":                 {func(c *Client) error { return second(c.User(ctx, ts, "1", "2")) }, 2},
		"licences":             {func(c *Client) error { return second(c.Licenses(ctx, ts, "1")) }, 2},
		"meeting":              {func(c *Client) error { return second(c.Meeting(ctx, ts, "1")) }, 2},
		"start":                {func(c *Client) error { return second(c.Start(ctx, ts, "1")) }, 2},
		"create":               {func(c *Client) error { return second(c.Create(ctx, ts, request())) }, 1},
		"invite":               {func(c *Client) error { return second(c.Invite(ctx, ts, "1", Invitation{})) }, 1},
	} {
		for _, body := range []string{"", " \r\n"} {
			var calls atomic.Int32
			err := tt.send(newClient(t, wire(func(*http.Request) (*http.Response, error) {
				calls.Add(1)
				return answer(200, body), nil
			})))
			if fault := faultOf(t, err, Unreadable); !errors.Is(fault, io.ErrUnexpectedEOF) || !fault.Sent || calls.Load() != tt.calls {
				t.Errorf("%s, %q: %v after %d calls, want %d", op, body, err, calls.Load(), tt.calls)
			}
		}
	}
}
