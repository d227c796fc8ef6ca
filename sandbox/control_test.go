package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"portal/sandbox"
	"portal/sandbox/sandboxtest"
)

func TestControlRefuses(t *testing.T) {
	s := start(t)
	for _, body := range []string{`{"unknown":1}`, `{"wire":"both"}`, `{"refresh_mode":"x"}`, `{"revoke_kills":"x"}`, `{"scale":0}`,
		`{"access_token_ttl_s":0}`, `{"latency_ms":-1}`, `{"faults":[{"match":"nonsense","kind":"status"}]}`,
		`{"faults":[{"match":"GET /x","kind":"melt"}]}`, `{"faults":[{"match":"GET /x","kind":"status","status":1}]}`, `nonsense`} {
		if resp, _ := send(t, s, "", "POST", "/control", body); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", body, resp.Status)
		}
	}
	if resp, _ := send(t, s, "", "PUT", "/control", "{}"); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %s", resp.Status)
	}
	r := httptest.NewRequest("GET", "/sandbox/control", nil)
	r.RemoteAddr = "192.0.2.7:1234"
	w := httptest.NewRecorder()
	s.Sandbox.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("from another machine: %d", w.Code)
	}
}

func TestControlStateAndAbsentFields(t *testing.T) {
	s := start(t)
	s.Control(map[string]any{"wire": "spec", "advance_s": 3600, "faults": []any{map[string]any{"match": "GET /x", "kind": "empty"}}})
	s.Control(map[string]any{"advance_s": 60})
	create(t, s)
	_, text := send(t, s, "", "GET", "/control", "")
	fits(t, "spec", `{"now":"s","settings":{"refresh_mode":"=rotate","access_token_ttl_s":3600,"latency_ms":0,"token_latency_ms":0,"rate_limit_per_s":0,
		"scopes":"=collab: identity:","wire":"=spec","revoke_kills":"=token","advance_s":3660,"scale":1,"expire_access_tokens":false,"revoke_refresh_tokens":false,
		"faults":[{"match":"=GET /x","times":0,"kind":"=empty","status":0,"body":"=","delay_ms":0}]},
		"calls":{"POST /G2M/rest/meetings":1},"grants":1,"refreshes":0,"revocations":0,"meetings_created":1}`, text)
	var state struct {
		Now      time.Time `json:"now"`
		Settings struct {
			Wire    string           `json:"wire"`
			Advance int              `json:"advance_s"`
			Faults  []map[string]any `json:"faults"`
		} `json:"settings"`
		Grants  int `json:"grants"`
		Created int `json:"meetings_created"`
	}
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	if state.Settings.Wire != "spec" || state.Settings.Advance != 3660 || len(state.Settings.Faults) != 1 || state.Grants != 1 || state.Created != 1 {
		t.Errorf("%s", text)
	}
	if ahead := time.Until(state.Now); ahead < time.Hour || ahead > 62*time.Minute {
		t.Errorf("clock is ahead by %s", ahead)
	}
}

func TestCallsAreCountedWithoutIDs(t *testing.T) {
	s := start(t)
	do(t, s, "ada", "GET", g2m+"/meetings/201480117", "")
	do(t, s, "ada", "GET", g2m+"/meetings/999999999", "")
	do(t, s, "ada", "GET", users+"/"+ben, "")
	do(t, s, "ada", "GET", "/identity/v1/Users/me", "")
	do(t, s, "ada", "GET", g2m+"/nothing/123", "")
	refresh(t, s, "x")
	calls := s.Calls()
	for key, want := range map[string]int{
		"GET /G2M/rest/meetings/*": 2, "GET /admin/rest/v1/accounts/*/users/*": 1, "GET /identity/v1/Users/me": 1,
		"GET /G2M/rest/nothing/*": 1, "POST /oauth/token": 1,
	} {
		if calls[key] != want {
			t.Errorf("%s: %d, want %d", key, calls[key], want)
		}
	}
}

func TestFaults(t *testing.T) {
	const path = g2m + "/upcomingMeetings"
	for kind, want := range map[string]struct {
		status int
		body   string // "" means broken
	}{
		"status": {503, "oops"}, "html": {503, "oops"}, "empty": {503, ""}, "reset": {}, "truncate": {}, "drip": {200, "["}, "delay": {200, "["},
	} {
		s := start(t)
		token := s.Token("ada@example.test")
		fault := map[string]any{"match": "GET /G2M/rest/*", "times": 1, "kind": kind}
		if want.status != 200 {
			fault["status"], fault["body"] = 503, "oops"
		} else {
			fault["delay_ms"] = 1
		}
		s.Control(map[string]any{"faults": []any{fault}})
		req, err := http.NewRequest("GET", s.API+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", token)
		resp, err := http.DefaultTransport.RoundTrip(req)
		var text []byte
		if err == nil {
			text, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		switch {
		case want.status == 0:
			if err == nil {
				t.Errorf("%s: whole answer of %d bytes", kind, len(text))
			}
		case err != nil || resp.StatusCode != want.status || !strings.HasPrefix(string(text), want.body):
			t.Errorf("%s: %v %v %.40s", kind, err, resp, text)
		}
		if resp, _ := send(t, s, token, "GET", path, ""); resp.StatusCode != 200 {
			t.Errorf("%s: fault was not for one call: %s", kind, resp.Status)
		}
		if n := s.Calls()["GET "+path]; n != 2 {
			t.Errorf("%s: %d calls counted", kind, n)
		}
	}
}

func TestTruncatedCreateHasHappened(t *testing.T) {
	s := start(t)
	token := s.Token("ada@example.test")
	s.Control(map[string]any{"faults": []any{map[string]any{"match": "POST /G2M/rest/meetings", "times": 1, "kind": "truncate"}}})
	req, err := http.NewRequest("POST", s.API+g2m+"/meetings", strings.NewReader(newMeeting))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", token)
	if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
		if _, err = io.ReadAll(resp.Body); err == nil {
			t.Fatal("the answer was whole")
		}
		resp.Body.Close()
	}
	_, text := send(t, s, token, "GET", g2m+"/upcomingMeetings", "")
	if !strings.Contains(string(text), `"subject":"A &lt;b&gt;"`) {
		t.Error("the meeting was not created")
	}
}

func TestRateLimit(t *testing.T) {
	s := sandboxtest.New(t)
	s.Control(map[string]any{"rate_limit_per_s": 3})
	token := s.Token("ada@example.test")
	limited := 0
	for range 20 {
		if resp, _ := send(t, s, token, "GET", g2m+"/meetings/1", ""); resp.StatusCode == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("20 calls at once were not limited to 3 a second")
	}
}

func TestLatency(t *testing.T) {
	s := start(t)
	token := s.Token("ada@example.test")
	took := func(call func()) time.Duration {
		began := time.Now()
		call()
		return time.Since(began)
	}
	api := func() { send(t, s, token, "GET", g2m+"/meetings/1", "") }
	s.Control(map[string]any{"latency_ms": 40})
	if d := took(api); d < 40*time.Millisecond {
		t.Errorf("API call took %s", d)
	}
	s.Control(map[string]any{"latency_ms": 0, "token_latency_ms": 40})
	if d := took(func() { refresh(t, s, "x") }); d < 40*time.Millisecond {
		t.Errorf("token call took %s", d)
	}
}

func TestScale(t *testing.T) {
	s := start(t)
	count := func() (int, int) {
		_, up := do(t, s, "ben", "GET", g2m+"/upcomingMeetings", "")
		_, past := do(t, s, "ben", "GET", g2m+"/historicalMeetings"+span, "")
		return len(rows(t, up)), len(rows(t, past))
	}
	if joins := scaleJoins(t, s); joins != 0 {
		t.Errorf("the sample has the meeting Scale, with %d joins", joins)
	}
	s.Control(map[string]any{"scale": 1}) // asked for, though it is the default
	if joins := scaleJoins(t, s); joins != 100 {
		t.Errorf("scale 1 has %d joins", joins)
	}
	up1, past1 := count()
	create(t, s)
	s.Control(map[string]any{"scale": 3})
	if up, past := count(); up != 3*up1 || past < 3*past1-3 || past > 3*past1 {
		t.Errorf("scale 3: %d of %d, %d of %d", up, up1, past, past1)
	}
	if joins := scaleJoins(t, s); joins != 300 {
		t.Errorf("meeting Scale has %d joins", joins)
	}
	s.Control(map[string]any{"scale": 1})
	if joins := scaleJoins(t, s); joins != 100 {
		t.Errorf("scale 1 has %d joins", joins)
	}
	if up, past := count(); up != up1 || past != past1 {
		t.Errorf("back at 1: %d of %d, %d of %d", up, up1, past, past1)
	}
	_, text := do(t, s, "ada", "GET", g2m+"/upcomingMeetings", "")
	if !strings.Contains(string(text), `"subject":"A &lt;b&gt;"`) {
		t.Error("the created meeting went with the scale")
	}
}

// scaleJoins counts the joins of ada's meeting Scale; 0 when there is none.
func scaleJoins(t *testing.T, s *sandboxtest.Server) int {
	t.Helper()
	_, text := do(t, s, "ada", "GET", g2m+"/historicalMeetings"+span, "")
	for _, m := range rows(t, text) {
		if m["subject"] == "Scale" {
			_, text = do(t, s, "ada", "GET", g2m+"/meetings/"+m["meetingId"].(string)+"/attendees", "")
			return len(rows(t, text))
		}
	}
	return 0
}

func TestBrowserFacingOrigin(t *testing.T) {
	for base, want := range map[string]string{
		"http://localhost:8080": "http://127.0.0.1:8080/sandbox/join/", "http://127.0.0.1:9": "http://localhost:9/sandbox/join/",
		"https://demo.example.test": "https://demo.example.test/sandbox/join/",
	} {
		s, err := sandbox.Open(sandbox.Config{BaseURL: base})
		if err != nil || s.JoinBase() != want {
			t.Errorf("%s: %v %v", base, s.JoinBase(), err)
		}
	}
	if _, err := sandbox.Open(sandbox.Config{BaseURL: "localhost"}); err == nil {
		t.Error("a base URL that is no origin was taken")
	}
}
