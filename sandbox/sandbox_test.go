package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"portal/sandbox/sandboxtest"
)

const (
	account = "9007199254740993001"
	ada     = "8439885694023990001"
	ben     = "8439885694023990002"
	g2m     = "/G2M/rest"
	span    = "?startDate=2000-01-01T00:00:00Z&endDate=2100-01-01T00:00:00Z"
)

// start serves a sandbox without the rate limit, which one test looks at.
func start(t *testing.T) *sandboxtest.Server {
	t.Helper()
	s := sandboxtest.New(t)
	s.Control(map[string]any{"rate_limit_per_s": 0})
	return s
}

// do sends one call as the person with that address ("" for nobody) and
// returns the answer with its whole body.
func do(t *testing.T, s *sandboxtest.Server, who, method, path, body string) (*http.Response, []byte) {
	t.Helper()
	token := ""
	if who != "" {
		token = "Bearer " + s.Token(who+"@example.test")
	}
	return send(t, s, token, method, path, body)
}

func send(t *testing.T, s *sandboxtest.Server, authorization, method, path, body string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, s.API+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, text
}

func parse(t *testing.T, text []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return v
}

func rows(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	list, ok := parse(t, text).([]any)
	if !ok {
		t.Fatalf("not an array: %.200s", text)
	}
	out := []map[string]any{}
	for _, v := range list {
		out = append(out, v.(map[string]any))
	}
	return out
}

const newMeeting = `{"subject":"A &lt;b&gt;","starttime":"2090-01-01T10:00:00Z","endtime":"2090-01-01T11:00:00Z",
	"passwordrequired":true,"conferencecallinfo":"Hybrid","timezonekey":"","meetingtype":"scheduled","coorganizerKeys":["` + ben + `"]}`

// create makes ada's meeting and returns its id.
func create(t *testing.T, s *sandboxtest.Server) string {
	t.Helper()
	resp, text := do(t, s, "ada", "POST", g2m+"/meetings", newMeeting)
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("create: %s %s", resp.Status, text)
	}
	return rows(t, text)[0]["meetingid"].(json.Number).String()
}
