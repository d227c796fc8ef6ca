package sandbox

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// refreshLife is how long a refresh token lives (GoTo's guides: 30 days).
const refreshLife = 30 * 24 * time.Hour

// signingKey is public on purpose: tokens must outlive a restart, and they
// open nothing but sample data.
const signingKey = "the sandbox signs nothing of value"

// claims are the content of a token. GoTo's carry sc, sub, aud, typ, iat and
// exp too; the others let the sandbox forget state and still revoke.
type claims struct {
	Sub        string `json:"sub"` // user key
	Scopes     string `json:"sc"`
	Audience   string `json:"aud"`
	Type       string `json:"typ"` // "a" access, "r" refresh
	Issued     int64  `json:"iat"` // seconds
	Expires    int64  `json:"exp"` // seconds
	ID         string `json:"jti"`
	Grant      string `json:"ls"` // one consent
	Generation int    `json:"gen"`
	Padding    string `json:"pad"` // see padding
}

// padding makes tokens long: GoTo's guides warn that its own have outgrown
// columns and cookies, so nobody may count on short ones.
var padding = strings.Repeat("x", 1500)

// oauthState is what the OAuth server remembers until it stops.
type oauthState struct {
	codes             map[string]code
	spent             map[string]bool // jti of used or revoked tokens
	dead              map[string]bool // revoked grants
	accessGeneration  int             // older access tokens are expired
	refreshGeneration int             // older refresh tokens are revoked
}

type code struct {
	user, redirect, challenge, scopes string
	expires                           time.Time
}

func newOAuthState() oauthState {
	return oauthState{codes: map[string]code{}, spent: map[string]bool{}, dead: map[string]bool{}}
}

// randomText is an unguessable name for codes, tokens and grants.
func randomText() string { return rand.Text() }

func (s *Sandbox) accessToken(sub, scopes, grant string) string {
	now := s.now()
	return sign(claims{Sub: sub, Scopes: scopes, Audience: ClientID, Type: "a", Issued: now.Unix(),
		Expires: now.Add(time.Duration(s.settings.TTL) * time.Second).Unix(),
		ID:      randomText(), Grant: grant, Generation: s.oauth.accessGeneration})
}

func (s *Sandbox) refreshToken(sub, scopes, grant string) string {
	now := s.now()
	return sign(claims{Sub: sub, Scopes: scopes, Audience: ClientID, Type: "r", Issued: now.Unix(),
		Expires: now.Add(refreshLife).Unix(), ID: randomText(), Grant: grant, Generation: s.oauth.refreshGeneration})
}

func sign(c claims) string {
	c.Padding = padding
	head, _ := json.Marshal(object{"alg": "HS256", "kid": "sandbox"})
	body, _ := json.Marshal(c) // strings and integers cannot fail
	text := b64(head) + "." + b64(body)
	return text + "." + b64(mac(text))
}

func mac(text string) []byte {
	h := hmac.New(sha256.New, []byte(signingKey))
	h.Write([]byte(text))
	return h.Sum(nil)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// parse checks the signature only; live checks the rest.
func parse(token string) (claims, bool) {
	var c claims
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return c, false
	}
	sum, err := base64.RawURLEncoding.DecodeString(token[i+1:])
	if err != nil || !hmac.Equal(sum, mac(token[:i])) {
		return c, false
	}
	_, payload, _ := strings.Cut(token[:i], ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return c, false
	}
	return c, true
}

// live says whether a token of the wanted type works now. Generations start
// at zero at every start, so tokens of an earlier run stay good.
func (s *Sandbox) live(token, typ string) (claims, bool) {
	c, ok := parse(token)
	if !ok || c.Type != typ || s.oauth.spent[c.ID] || s.oauth.dead[c.Grant] {
		return c, false
	}
	generation := s.oauth.accessGeneration
	if typ == "r" {
		generation = s.oauth.refreshGeneration
	}
	if c.Generation < generation || s.now().Unix() >= c.Expires {
		return c, false
	}
	u := s.model.users[c.Sub]
	return c, u != nil && u.Status != suspended
}

// bearer takes the three forms seen in working clients: "Bearer t", a bare
// "t" and "OAuth oauth_token=t".
func bearer(r *http.Request) string {
	h := strings.TrimSpace(r.Header.Get("Authorization"))
	kind, rest, two := strings.Cut(h, " ")
	if !two {
		return h
	}
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(kind) {
	case "bearer":
		return rest
	case "oauth":
		return strings.Trim(strings.TrimPrefix(rest, "oauth_token="), `"`)
	}
	return ""
}

// authenticate fills in the caller or gives the refusal of that API.
func (s *Sandbox) authenticate(c *call, g guard) *reply {
	cl, ok := s.live(bearer(c.r), "a")
	var no reply
	switch {
	case g == scimGuard && !ok:
		no = reply{status: http.StatusUnauthorized, header: http.Header{
			"Www-Authenticate": {`Bearer error="invalid_token"`}}}
	case g == adminAPI && (!ok || !hasScope(cl.Scopes, "identity:")):
		no = adminError(http.StatusUnauthorized, "not.authenticated", "")
	case g == product && !ok:
		no = jsonReply(http.StatusForbidden, object{"int_err_code": "InvalidToken", "msg": "Invalid token passed"})
		no.header.Set("X-Amzn-Errortype", "UnauthorizedException")
	case g == product && !hasScope(cl.Scopes, "collab:"):
		no = insufficientScope()
	default:
		c.who, c.scopes = s.model.users[cl.Sub], cl.Scopes
		return nil
	}
	return &no
}

func hasScope(scopes, want string) bool {
	for _, sc := range strings.Fields(scopes) {
		if sc == want {
			return true
		}
	}
	return false
}

func insufficientScope() reply {
	return jsonReply(http.StatusForbidden, object{"errorCode": "AUTHZ_INSUFFICIENT_SCOPE"})
}

// Grant consents for the user with this e-mail address, with the scopes of
// the client, and returns the tokens. It is for tests; an unknown address
// gives empty tokens.
func (s *Sandbox) Grant(email string) (accessToken, refreshToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.model.byEmail(email)
	if u == nil {
		return "", ""
	}
	s.counts.grants++
	grant := randomText()
	return s.accessToken(u.Key, s.settings.Scopes, grant), s.refreshToken(u.Key, s.settings.Scopes, grant)
}
