package gotomeeting

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxErrorBody  = 64 << 10
	maxCode       = 80
	maxDetail     = 300
	maxRetryAfter = time.Minute
)

// Codes that GoTo's error bodies carry.
const (
	codeInvalidToken = "InvalidToken"             // int_err_code, at the gateway
	codeAuthnInvalid = "AUTHN_INVALID_TOKEN"      // newer services
	codeScopeMissing = "AUTHZ_INSUFFICIENT_SCOPE" // newer services
	amznErrorType    = "X-Amzn-Errortype"         // header that the gateway adds
	amznUnauthorized = "UnauthorizedException"    // its value for a bad token
)

// answerFault classifies an answer that is not a success. A bad token is a 401
// or, at GoTo's gateway, a 403 that says InvalidToken; a plain 403 is not.
func answerFault(k *call, res *http.Response, now time.Time) *Error {
	// An unreadable or cut error body still has a status.
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorBody))
	fault := k.fault(Refused)
	fault.Status = res.StatusCode
	fault.Code, fault.Detail = readErrorBody(body)
	switch status := res.StatusCode; {
	case fault.Code == codeScopeMissing && (status == http.StatusUnauthorized || status == http.StatusForbidden):
		fault.Kind = MissingScope
	case status == http.StatusUnauthorized:
		fault.Kind = InvalidToken
	case status == http.StatusForbidden:
		fault.Kind = Forbidden
		if fault.Code == codeInvalidToken || fault.Code == codeAuthnInvalid ||
			strings.HasPrefix(res.Header.Get(amznErrorType), amznUnauthorized) {
			fault.Kind = InvalidToken
		}
	case status == http.StatusNotFound, status == http.StatusGone:
		fault.Kind = NotFound
	case status == http.StatusTooManyRequests:
		fault.Kind = RateLimited
		fault.RetryAfter = retryAfter(res.Header.Get("Retry-After"), now)
	case status == http.StatusRequestTimeout:
		fault.Kind = TimedOut
	case status >= 500:
		fault.Kind = Unavailable
		fault.Sent = true
		fault.transient = status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
		fault.RetryAfter = retryAfter(res.Header.Get("Retry-After"), now)
	case status < 400: // a redirect, which GoTo's API has no reason for
		fault.Kind = Unreadable
		fault.Sent = true
	}
	return fault
}

// retryAfter reads the header Retry-After, seconds or a date; at most a minute.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(header, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), int64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// readErrorBody takes code and text out of whatever GoTo sent with an error:
// one of its three JSON shapes, the Admin API's errors, SCIM's error, a lone
// message, an HTML page, or nothing. Both are bounded.
func readErrorBody(body []byte) (code, detail string) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return "", ""
	}
	code, detail, ok := readErrorObject(body, 3)
	switch {
	case ok:
	case body[0] == '<':
		return "", "a page of HTML"
	case body[0] == '{' || body[0] == '[': // what it holds is not known, and may be no message
		return "", "broken JSON"
	default:
		detail = string(body)
	}
	return bound(code, maxCode), bound(detail, maxDetail)
}

// readErrorObject looks into an object, or the first element of an array, at
// most depth levels down. It reports false for what is not JSON.
func readErrorObject(raw []byte, depth int) (code, detail string, ok bool) {
	if depth == 0 {
		return "", "", json.Valid(raw)
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		if len(list) == 0 {
			return "", "", true
		}
		return readErrorObject(list[0], depth-1)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return "", "", json.Valid(raw)
	}
	for _, name := range []string{"int_err_code", "errorCode", "code", "error"} {
		if code == "" {
			code = errorText(fields[name])
		}
	}
	for _, name := range []string{"msg", "description", "message", "value", "error_description"} {
		if detail == "" {
			detail = errorText(fields[name])
		}
	}
	for _, name := range []string{"errors", "error"} {
		if code == "" && detail == "" && len(fields[name]) > 0 {
			code, detail, _ = readErrorObject(fields[name], depth-1)
		}
	}
	return code, detail, true
}

func errorText(raw json.RawMessage) string {
	var t text
	if len(raw) == 0 || t.UnmarshalJSON(raw) != nil {
		return ""
	}
	return string(t)
}

// bound makes foreign text fit for a log line: valid, one line, at most n
// characters.
func bound(s string, n int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "�")), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}
