package sandbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portal/sandbox"
	"portal/sandbox/sandboxtest"
)

const redirect = "http://localhost:1/auth/callback?keep=1"

func form(words ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(words); i += 2 {
		v.Set(words[i], words[i+1])
	}
	return v
}

func authorize(extra ...string) url.Values {
	v := form("client_id", sandbox.ClientID, "response_type", "code", "redirect_uri", redirect, "state", "a b&c")
	for k, x := range form(extra...) {
		v[k] = x
	}
	return v
}

func consent(t *testing.T, s *sandboxtest.Server, v url.Values) *http.Response {
	t.Helper()
	req, err := http.NewRequest("POST", s.API+"/oauth/authorize", strings.NewReader(v.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// back is the query the browser is sent back with.
func back(t *testing.T, resp *http.Response) url.Values {
	t.Helper()
	u, err := resp.Location()
	if err != nil || resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(u.String(), "http://localhost:1/auth/callback?") {
		t.Fatalf("not sent back: %s %v %v", resp.Status, u, err)
	}
	if u.Query().Get("state") != "a b&c" || u.Query().Get("keep") != "1" {
		t.Fatalf("state or own query lost: %v", u)
	}
	return u.Query()
}

type tokens struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	Type      string `json:"token_type"`
	Expires   int    `json:"expires_in"`
	Scope     string `json:"scope"`
	Principal string `json:"principal"`
	Error     string `json:"error"`
}

func post(t *testing.T, s *sandboxtest.Server, path string, v url.Values, basic ...string) (int, tokens) {
	t.Helper()
	req, err := http.NewRequest("POST", s.API+path, strings.NewReader(v.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if len(basic) == 2 {
		req.SetBasicAuth(basic[0], basic[1])
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
	var tk tokens
	if len(text) > 0 {
		if err := json.Unmarshal(text, &tk); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	return resp.StatusCode, tk
}

func TestConsentPageOffersEverybody(t *testing.T) {
	s := start(t)
	_, text := send(t, s, "", "GET", "/oauth/authorize?"+authorize("code_challenge", strings.Repeat("a", 43), "code_challenge_method", "S256").Encode(), "")
	for _, want := range []string{`method="post"`, `name="state" value="a b&amp;c"`, `name="code_challenge"`, "account admin", "collab:", "identity:",
		`name="user" value="ada@example.test"`, `value="ben@example.test"`, `value="cleo@example.test"`, `value="dan@example.test"`, `value="deny"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("consent page lacks %s", want)
		}
	}
}

func TestAuthorizeRefusals(t *testing.T) {
	s := start(t)
	for field, value := range map[string]string{"client_id": "other", "redirect_uri": "http://example.test/cb"} {
		if resp := consent(t, s, authorize("user", "ada@example.test", field, value)); resp.Header.Get("Location") != "" || resp.StatusCode/100 != 4 {
			t.Errorf("%s=%s: %s to %s", field, value, resp.Status, resp.Header.Get("Location"))
		}
	}
	for want, extra := range map[string][]string{
		"access_denied":             {"user", "deny"},
		"unsupported_response_type": {"response_type", "token"},
		"invalid_scope":             {"scope", "collab: other:"},
		"invalid_request":           {"code_challenge", "x", "code_challenge_method", "plain"},
	} {
		if got := back(t, consent(t, s, authorize(extra...))).Get("error"); got != want {
			t.Errorf("%v: error %q, want %q", extra, got, want)
		}
	}
}

func TestCodeExchange(t *testing.T) {
	s := start(t)
	verifier := strings.Repeat("v", 50)
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	code := func(extra ...string) string {
		return back(t, consent(t, s, authorize(append(extra, "user", "ben@example.test")...))).Get("code")
	}
	pkce := func() string { return code("code_challenge", challenge, "code_challenge_method", "S256") }
	grant := func(words ...string) url.Values { return form(append(words, "grant_type", "authorization_code")...) }

	used := pkce()
	status, tk := post(t, s, "/oauth/token", grant("code", used, "redirect_uri", redirect, "code_verifier", verifier), "sandbox", "sandbox")
	if status != http.StatusOK || tk.Type != "Bearer" || tk.Expires != 3600 || tk.Refresh == "" || tk.Scope != "collab: identity:" || tk.Principal != "ben@example.test" {
		t.Fatalf("%d %+v", status, tk)
	}
	if strings.Count(tk.Access, ".") != 2 || len(tk.Access) < 2000 {
		t.Errorf("access token is not three long parts: %d characters", len(tk.Access))
	}
	if resp, _ := send(t, s, "Bearer "+tk.Access, "GET", g2m+"/upcomingMeetings", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("token not accepted: %s", resp.Status)
	}
	inBody := grant("code", code("scope", "collab:"), "redirect_uri", redirect, "client_id", "sandbox", "client_secret", "sandbox")
	if status, tk = post(t, s, "/oauth/token", inBody); status != http.StatusOK || tk.Scope != "collab:" {
		t.Errorf("client in the body: %d %+v", status, tk)
	}
	for name, tc := range map[string]struct {
		form   url.Values
		secret string
		status int
		err    string
	}{
		"used code":      {grant("code", used, "redirect_uri", redirect, "code_verifier", verifier), "sandbox", 400, "invalid_grant"},
		"made-up code":   {grant("code", "x", "redirect_uri", redirect), "sandbox", 400, "invalid_grant"},
		"other redirect": {grant("code", code(), "redirect_uri", "http://localhost:1/auth/callback"), "sandbox", 400, "invalid_grant"},
		"wrong verifier": {grant("code", pkce(), "redirect_uri", redirect, "code_verifier", "no"), "sandbox", 400, "invalid_grant"},
		"no verifier":    {grant("code", pkce(), "redirect_uri", redirect), "sandbox", 400, "invalid_grant"},
		"wrong secret":   {grant("code", code(), "redirect_uri", redirect), "other", 401, "invalid_client"},
		"password":       {form("grant_type", "password"), "sandbox", 401, "unauthorized_client"},
		"no grant type":  {form(), "sandbox", 400, "invalid_request"},
		"bad refresh":    {form("grant_type", "refresh_token", "refresh_token", tk.Access), "sandbox", 400, "invalid_grant"},
	} {
		if status, tk := post(t, s, "/oauth/token", tc.form, "sandbox", tc.secret); status != tc.status || tk.Error != tc.err {
			t.Errorf("%s: %d %s, want %d %s", name, status, tk.Error, tc.status, tc.err)
		}
	}
	late := code()
	s.Advance(11 * time.Minute)
	if status, _ = post(t, s, "/oauth/token", grant("code", late, "redirect_uri", redirect), "sandbox", "sandbox"); status != http.StatusBadRequest {
		t.Errorf("late code: %d", status)
	}
}

func refresh(t *testing.T, s *sandboxtest.Server, token string) (int, tokens) {
	t.Helper()
	return post(t, s, "/oauth/token", form("grant_type", "refresh_token", "refresh_token", token), "sandbox", "sandbox")
}

func TestRefreshModes(t *testing.T) {
	for mode, want := range map[string]struct {
		again  int  // status when the first refresh token is used twice
		answer bool // a refresh token is in the answer
		differ bool
	}{
		"rotate": {400, true, true}, "same": {200, true, false}, "omit": {200, false, true}, "near_expiry": {200, false, true},
	} {
		s := start(t)
		s.Control(map[string]any{"refresh_mode": mode})
		_, first := s.Sandbox.Grant("ada@example.test")
		status, tk := refresh(t, s, first)
		if status != http.StatusOK || (tk.Refresh != "") != want.answer || (tk.Refresh != first) != want.differ {
			t.Errorf("%s: %d, refresh token in answer %t", mode, status, tk.Refresh != "")
		}
		if status, _ = refresh(t, s, first); status != want.again {
			t.Errorf("%s: again %d, want %d", mode, status, want.again)
		}
	}
	s := start(t)
	s.Control(map[string]any{"refresh_mode": "near_expiry"})
	_, first := s.Sandbox.Grant("ada@example.test")
	s.Advance(28 * 24 * time.Hour)
	if status, tk := refresh(t, s, first); status != http.StatusOK || tk.Refresh == "" || tk.Refresh == first {
		t.Errorf("near expiry: %d, no new refresh token", status)
	}
	_, old := s.Sandbox.Grant("ada@example.test")
	s.Advance(31 * 24 * time.Hour)
	if status, _ := refresh(t, s, old); status != http.StatusBadRequest {
		t.Errorf("expired refresh token: %d", status)
	}
}

func TestAccessTokensExpire(t *testing.T) {
	s := start(t)
	s.Control(map[string]any{"access_token_ttl_s": 60})
	token := "Bearer " + s.Token("ada@example.test")
	s.Advance(59 * time.Second)
	before, _ := send(t, s, token, "GET", g2m+"/upcomingMeetings", "")
	s.Advance(2 * time.Second)
	after, _ := send(t, s, token, "GET", g2m+"/upcomingMeetings", "")
	if before.StatusCode != 200 || after.StatusCode != 403 {
		t.Errorf("before %s, after %s", before.Status, after.Status)
	}
}

func TestRevocation(t *testing.T) {
	for kills, want := range map[string]int{"token": 200, "grant": 403} {
		s := start(t)
		s.Control(map[string]any{"revoke_kills": kills})
		access, first := s.Sandbox.Grant("ada@example.test")
		if status, _ := post(t, s, "/oauth/revoke", form("token", first), "sandbox", "sandbox"); status != http.StatusOK {
			t.Errorf("revoke: %d", status)
		}
		if status, _ := refresh(t, s, first); status != http.StatusBadRequest {
			t.Errorf("%s: refresh afterwards %d", kills, status)
		}
		if resp, _ := send(t, s, access, "GET", g2m+"/upcomingMeetings", ""); resp.StatusCode != want {
			t.Errorf("%s: access afterwards %s, want %d", kills, resp.Status, want)
		}
		if status, _ := post(t, s, "/oauth/revoke", form("token", "nonsense"), "sandbox", "sandbox"); status != http.StatusOK {
			t.Errorf("revoking nonsense: %d", status)
		}
		if status, _ := post(t, s, "/oauth/revoke", form("token", first), "sandbox", "wrong"); status != http.StatusUnauthorized {
			t.Errorf("wrong client: %d", status)
		}
	}
	s := start(t)
	_, first := s.Sandbox.Grant("ada@example.test")
	s.Control(map[string]any{"revoke_refresh_tokens": true})
	if status, _ := refresh(t, s, first); status != http.StatusBadRequest {
		t.Errorf("all revoked: %d", status)
	}
}
