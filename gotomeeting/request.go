package gotomeeting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	userAgent = "gotomeeting-portal"

	// youngToken: the Admin API and SCIM answer 401 for a missing scope too.
	// A token this young cannot have expired, so then it is the scope.
	youngToken = time.Minute

	maxRetries     = 2
	longestBackOff = 4 * time.Second // what a page can wait for GoTo's limiter
	slow           = 2 * time.Second // no healthy GoTo takes so long
)

// call is one operation of GoTo's, ready to be sent.
type call struct {
	api, op, method string
	path            string // below the base URL, ids checked already
	query           string // encoded
	body            any    // sent as JSON; nil for none

	// read reads a successful answer. Nil ignores its body.
	read func(io.Reader) error

	caller uint64 // tells callers apart
	lost   bool   // GoTo may have done it by now: the answer to a try was lost
}

func (k *call) fault(kind Kind) *Error { return &Error{Kind: kind, API: k.api, Op: k.op} }

// do is the one way to GoTo: it gets the token, sends, and renews the token
// once when GoTo refuses it.
func (c *Client) do(ctx context.Context, ts TokenSource, k call) error {
	var body []byte
	if k.body != nil {
		var err error
		if body, err = encode(k.body); err != nil {
			return fmt.Errorf("goto %s: %s: encode request: %w", k.api, k.op, err)
		}
	}
	token, issued, err := ts.AccessToken(ctx)
	if err != nil {
		return fmt.Errorf("goto %s: %s: get access token: %w", k.api, k.op, err)
	}
	k.caller = maphash.String(c.seed, callerOf(ts, token))
	for renewed := false; ; renewed = true {
		fault := c.send(ctx, token, &k, body)
		if fault == nil {
			return nil
		}
		if fault.Kind != InvalidToken {
			return fault
		}
		young := !issued.IsZero() && c.now().Sub(issued) < youngToken
		if fault.Status == http.StatusUnauthorized && k.api != APIMeeting && young {
			fault.Kind = MissingScope
			return fault
		}
		if renewed {
			return fault
		}
		refused := token
		if token, issued, err = ts.RenewToken(ctx, refused); err != nil {
			if !k.lost {
				return fmt.Errorf("goto %s: %s: renew access token: %w", k.api, k.op, err)
			}
			fault = k.fault(Unavailable)
			fault.Sent, fault.Err = true, fmt.Errorf("renew access token: %w", err)
			return fault
		}
		if token == refused {
			return fault // there is no newer one
		}
	}
}

// callerOf names whose token it is: a user has as many as browsers, and a new
// one every hour.
func callerOf(ts TokenSource, token string) string {
	if user, ok := ts.(interface{ UserRef() string }); ok {
		return user.UserRef()
	}
	return token
}

// send tries until there is an answer worth keeping: after a 429 twice more,
// after an outage once more, within the deadline and the budget. A second GET,
// PUT or DELETE changes nothing more than the first; a POST is sent again only
// if there was no connection to send it on.
func (c *Client) send(ctx context.Context, token string, k *call, body []byte) *Error {
	c.budget.call()
	outages := 0
	for retries := 0; ; retries++ {
		fault := c.once(ctx, token, k, body, retries > 0)
		if fault == nil {
			return nil
		}
		k.lost = k.lost || fault.Sent
		fault.Sent = k.lost // whatever the last try tells
		if k.method == http.MethodDelete && k.lost && fault.Kind == NotFound {
			return nil // the try whose answer was lost did it
		}
		if retries == maxRetries || ctx.Err() != nil {
			return fault
		}
		var pause time.Duration
		switch {
		case k.method == http.MethodPost && (fault.Sent || fault.Status != 0):
			return fault
		case fault.Status == http.StatusTooManyRequests:
			pause = time.Duration(c.random() * float64(time.Second<<retries))
			if fault.RetryAfter > 0 {
				pause += fault.RetryAfter
			}
			if pause > longestBackOff {
				return fault
			}
		case fault.transient && outages == 0:
			outages++
			pause = time.Duration(c.random() * float64(500*time.Millisecond))
		default:
			return fault
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
			return fault
		}
		if !c.budget.retry() || c.sleep(ctx, pause) != nil {
			return fault
		}
	}
}

// once makes one try, and tells Observe and the log.
func (c *Client) once(ctx context.Context, token string, k *call, body []byte, again bool) *Error {
	try := Try{API: k.api, Op: k.op, Lane: laneOf(ctx), Again: again}
	fault := c.attempt(ctx, token, k, body, &try)
	c.observe(try)
	if fault == nil {
		return nil
	}
	if token != "" { // lest GoTo quotes it
		fault.Code = strings.ReplaceAll(fault.Code, token, redacted)
		fault.Detail = strings.ReplaceAll(fault.Detail, token, redacted)
	}
	attrs := []slog.Attr{slog.String("api", k.api), slog.String("op", k.op), slog.String("kind", fault.Kind.String()), slog.Int("status", try.Status), slog.Duration("took", try.Took)}
	if fault.Code != "" {
		attrs = append(attrs, slog.String("code", fault.Code))
	}
	if fault.Detail != "" {
		attrs = append(attrs, slog.String("detail", fault.Detail))
	}
	if fault.Err != nil {
		attrs = append(attrs, slog.String("cause", fault.Err.Error()))
	}
	c.log.LogAttrs(ctx, slog.LevelInfo, "goto call failed", attrs...)
	return fault
}

// attempt sends once, if the breaker and the limiter let it.
func (c *Client) attempt(ctx context.Context, token string, k *call, body []byte, try *Try) *Error {
	if err := ctx.Err(); err != nil {
		try.Held = HeldQueue
		return networkFault(k, err, false)
	}
	end, wait := c.breakers[k.api].begin()
	if end == nil {
		try.Held = HeldBreaker
		fault := k.fault(Unavailable)
		fault.RetryAfter = wait
		fault.Detail = "left alone after failures"
		return fault
	}
	told := nothing // by a panic too
	defer func() { end(told, k.caller) }()
	began := time.Now()
	if fault := c.wait(ctx, k, try.Lane); fault != nil {
		try.Held, try.Waited = HeldQueue, time.Since(began)
		return fault
	}
	sent := time.Now()
	status, fault := c.exchange(ctx, token, k, body)
	try.Status, try.Waited, try.Took = status, sent.Sub(began), time.Since(sent)
	count(ctx, try.Took)
	told = health(fault, try.Took)
	if status == http.StatusTooManyRequests {
		c.limit.tooMany(fault.RetryAfter)
	}
	return fault
}

// wait waits for a turn, or refuses when that would take too long.
func (c *Client) wait(ctx context.Context, k *call, lane Lane) *Error {
	tooLong, err := c.limit.wait(ctx, lane, k.caller)
	switch {
	case errors.Is(err, context.Canceled):
		return networkFault(k, err, false)
	case err != nil || tooLong > 0:
		fault := k.fault(RateLimited)
		fault.RetryAfter = tooLong
		fault.Detail = "our own limit"
		fault.Err = err
		return fault
	}
	return nil
}

// health is what a try tells about GoTo. An answer other than a 5xx concerns
// the one who asked, and a time-out counts only if GoTo had time.
func health(fault *Error, took time.Duration) verdict {
	switch {
	case fault == nil:
		return answered
	case errors.Is(fault.Err, context.Canceled), fault.Status == http.StatusRequestTimeout, fault.Kind == TimedOut && took < slow:
		return nothing
	case fault.Kind == Unavailable, fault.Kind == TimedOut, fault.transient:
		return failed
	}
	return nothing
}

// exchange sends one request and reads its answer. The status is 0 when there
// was none.
func (c *Client) exchange(ctx context.Context, token string, k *call, body []byte) (int, *Error) {
	// From the moment there is a connection, bytes may leave: what was written
	// to it cannot be told apart from what only sat in a buffer.
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	target := c.base + k.path
	if k.query != "" {
		target += "?" + k.query
	}
	var payload io.Reader
	if body != nil {
		payload = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target, payload)
	if err != nil {
		return 0, networkFault(k, err, false)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	if k.api == APISCIM {
		req.Header.Set("Accept", "application/scim+json")
	}
	req.Header.Set("User-Agent", userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil { // the cause, where the connection names only its end
			err = ctx.Err()
		}
		return 0, networkFault(k, err, sent.Load())
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return res.StatusCode, answerFault(k, res, c.now())
	}
	if k.read != nil {
		err = k.read(res.Body)
	}
	if err == nil {
		// What is left of a short body is read so that the connection is used
		// again; its loss no longer matters.
		_, _ = io.CopyN(io.Discard, res.Body, maxErrorBody)
		return res.StatusCode, nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return res.StatusCode, readFault(k, res, err)
}

// readFault classifies the failure to read a successful answer.
func readFault(k *call, res *http.Response, err error) *Error {
	if fault, ok := errors.AsType[*Error](err); ok { // the reader knew better
		fault.API, fault.Op, fault.Status = k.api, k.op, res.StatusCode
		return fault
	}
	fault := k.fault(Unreadable)
	switch {
	case isTimeout(err):
		fault = networkFault(k, err, true)
	case errors.Is(err, io.ErrUnexpectedEOF): // cut short, by GoTo or on the way
		fault.transient = true
	case isNetwork(err):
		fault = networkFault(k, err, true)
	}
	fault.Status = res.StatusCode
	fault.Sent = true
	fault.Err = err
	if kind := res.Header.Get("Content-Type"); kind != "" {
		fault.Detail = "content type " + bound(kind, maxCode)
	}
	return fault
}

func networkFault(k *call, err error, sent bool) *Error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the URL, which holds ids and addresses
	}
	fault := k.fault(Unavailable)
	fault.Sent = sent
	fault.Err = err
	switch {
	case errors.Is(err, context.Canceled):
	case isTimeout(err):
		fault.Kind = TimedOut
		fault.transient = !sent // who waits for an answer has waited enough
	default:
		fault.transient = true
	}
	return fault
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	slow, ok := errors.AsType[net.Error](err)
	return ok && slow.Timeout()
}

func isNetwork(err error) bool {
	if errors.Is(err, context.Canceled) {
		return true
	}
	_, ok := errors.AsType[net.Error](err)
	return ok
}

// encode writes JSON without HTML escapes, so that what GoTo gets is what the
// reference shows.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// digits reports whether s can stand in a path as an id or key.
func digits(s string) bool {
	if s == "" || len(s) > 20 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// checkIDs refuses, without a call, ids that no GoTo path can hold.
func (k *call) checkIDs(ids ...string) error {
	for _, id := range ids {
		if !digits(id) {
			fault := k.fault(NotFound)
			fault.Detail = "an id that is not digits"
			return fault
		}
	}
	return nil
}
