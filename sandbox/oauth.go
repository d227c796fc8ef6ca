package sandbox

import (
	"crypto/sha256"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// codeLife is how long an authorization code can be exchanged. GoTo's is not
// published.
const codeLife = 10 * time.Minute

func (s *Sandbox) oauthRoutes() []route {
	return []route{
		{method: "GET", path: "/oauth/authorize", op: s.showConsent},
		{method: "POST", path: "/oauth/authorize", op: s.takeConsent},
		{method: "POST", path: "/oauth/token", op: s.token},
		{method: "POST", path: "/oauth/revoke", op: s.revoke},
	}
}

// authorization is a checked authorize request.
type authorization struct {
	redirect                 *url.URL
	sent                     string // redirect_uri as sent, for the exact comparison later
	state, scopes, challenge string
}

// checkAuthorize says with a page what cannot be redirected, and redirects
// the other faults, as RFC 6749 section 4.1.2.1 asks.
func (s *Sandbox) checkAuthorize(q url.Values) (authorization, *reply) {
	var a authorization
	if q.Get("client_id") != ClientID {
		return a, pagePtr(http.StatusUnauthorized, problemPage{"Unknown client", "This sandbox knows one OAuth client: its id is “sandbox”.", s.home})
	}
	a.sent = q.Get("redirect_uri")
	u, err := url.Parse(a.sent)
	if err != nil || !isLoopback(u.Hostname()) || (u.Scheme != "http" && u.Scheme != "https") || u.Fragment != "" {
		return a, pagePtr(http.StatusBadRequest, problemPage{"Redirect address refused", "The sandbox redirects to loopback addresses only.", s.home})
	}
	a.redirect, a.state, a.challenge = u, q.Get("state"), q.Get("code_challenge")
	if q.Get("response_type") != "code" {
		return a, a.fail("unsupported_response_type")
	}
	if m := q.Get("code_challenge_method"); (a.challenge != "" || m != "") && (m != "S256" || len(a.challenge) != 43) {
		return a, a.fail("invalid_request")
	}
	a.scopes = strings.Join(strings.Fields(q.Get("scope")), " ")
	if a.scopes == "" {
		a.scopes = s.settings.Scopes
	}
	for _, sc := range strings.Fields(a.scopes) {
		if !hasScope(s.settings.Scopes, sc) {
			return a, a.fail("invalid_scope")
		}
	}
	return a, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (a authorization) fail(code string) *reply {
	rep := a.back(url.Values{"error": {code}})
	return &rep
}

// back redirects to the client with 303, adding to the query it asked for.
func (a authorization) back(add url.Values) reply {
	q := a.redirect.Query()
	for k, v := range add {
		q[k] = v
	}
	if a.state != "" {
		q.Set("state", a.state)
	}
	to := *a.redirect
	to.RawQuery = q.Encode()
	return reply{status: http.StatusSeeOther, header: http.Header{
		"Location": {to.String()}, "Cache-Control": {"no-store"}}}
}

func (s *Sandbox) showConsent(c *call) reply {
	q := c.r.URL.Query()
	a, no := s.checkAuthorize(q)
	if no != nil {
		return *no
	}
	view := consentPage{Client: "GoToMeeting Portal", Back: a.redirect.Host, Scopes: strings.Fields(a.scopes)}
	for _, k := range []string{"client_id", "response_type", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method"} {
		if q.Has(k) {
			view.Hidden = append(view.Hidden, field{k, q.Get(k)})
		}
	}
	for _, email := range signIns {
		if u := s.model.byEmail(email); u != nil {
			view.Users = append(view.Users, person{Email: u.Email, Name: u.name(), Role: s.model.role(u)})
		}
	}
	return page(http.StatusOK, view)
}

func (s *Sandbox) takeConsent(c *call) reply {
	q, err := url.ParseQuery(string(c.body))
	if err != nil {
		return page(http.StatusBadRequest, problemPage{"Unreadable form", "The form could not be read.", s.home})
	}
	a, no := s.checkAuthorize(q)
	if no != nil {
		return *no
	}
	u := s.model.byEmail(q.Get("user"))
	if q.Get("user") == "deny" {
		return a.back(url.Values{"error": {"access_denied"}})
	}
	if u == nil || u.Status != active {
		return page(http.StatusBadRequest, problemPage{"Nobody chosen", "Go back and choose whom to sign in as.", s.home})
	}
	name := randomText()
	s.oauth.codes[name] = code{user: u.Key, redirect: a.sent, challenge: a.challenge, scopes: a.scopes, expires: s.now().Add(codeLife)}
	return a.back(url.Values{"code": {name}})
}

func oauthError(status int, code, text string) reply {
	rep := jsonReply(status, object{"error": code, "error_description": text})
	rep.header.Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		rep.header.Set("Www-Authenticate", `Basic realm="sandbox"`)
	}
	return rep
}

// clientForm reads the form and checks the client, by Basic or by body.
func clientForm(c *call) (url.Values, *reply) {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		no := oauthError(http.StatusBadRequest, "invalid_request", "unreadable form")
		return nil, &no
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, pass, ok := c.r.BasicAuth(); ok {
		id, secret = unescape(user), unescape(pass)
	}
	if id != ClientID {
		no := oauthError(http.StatusUnauthorized, "invalid_client", "client not found")
		return nil, &no
	}
	if secret != ClientSecret {
		no := oauthError(http.StatusUnauthorized, "invalid_client", "invalid client credentials")
		return nil, &no
	}
	return form, nil
}

// unescape undoes the form encoding of RFC 6749 section 2.3.1, which some
// clients apply to Basic credentials and some do not.
func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

func (s *Sandbox) token(c *call) reply {
	form, no := clientForm(c)
	if no != nil {
		return *no
	}
	switch form.Get("grant_type") {
	case "authorization_code":
		return s.exchange(form)
	case "refresh_token":
		return s.refresh(form)
	case "":
		return oauthError(http.StatusBadRequest, "invalid_request", "grant_type is missing")
	}
	// GoTo answers 401 here (a probe of 2026); its error code is not known.
	return oauthError(http.StatusUnauthorized, "unauthorized_client", "Unauthorized grant type")
}

func (s *Sandbox) exchange(form url.Values) reply {
	name := form.Get("code")
	cd, ok := s.oauth.codes[name]
	delete(s.oauth.codes, name) // single use, also when the rest is wrong
	if !ok || s.now().After(cd.expires) || s.model.users[cd.user] == nil {
		return oauthError(http.StatusBadRequest, "invalid_grant", "invalid authorization code")
	}
	if form.Get("redirect_uri") != cd.redirect {
		return oauthError(http.StatusBadRequest, "invalid_grant", "redirect_uri does not match")
	}
	verifier := form.Get("code_verifier")
	sum := sha256.Sum256([]byte(verifier))
	if cd.challenge != "" && b64(sum[:]) != cd.challenge {
		return oauthError(http.StatusBadRequest, "invalid_grant", "code_verifier does not match")
	}
	s.counts.grants++
	grant := randomText()
	return s.tokens(cd.user, cd.scopes, grant, s.refreshToken(cd.user, cd.scopes, grant))
}

// refresh follows one of the four behaviours that GoTo's guides have
// described over the years. The newest tells of "omit".
func (s *Sandbox) refresh(form url.Values) reply {
	old := form.Get("refresh_token")
	cl, ok := s.live(old, "r")
	if !ok {
		return oauthError(http.StatusBadRequest, "invalid_grant", "invalid refresh token")
	}
	s.counts.refreshes++
	next := ""
	switch s.settings.RefreshMode {
	case refreshSame:
		next = old
	case refreshOmit:
	case refreshNearExpiry:
		if time.Unix(cl.Expires, 0).Sub(s.now()) < 3*24*time.Hour {
			s.oauth.spent[cl.ID] = true
			next = s.refreshToken(cl.Sub, cl.Scopes, cl.Grant)
		}
	default:
		s.oauth.spent[cl.ID] = true
		next = s.refreshToken(cl.Sub, cl.Scopes, cl.Grant)
	}
	return s.tokens(cl.Sub, cl.Scopes, cl.Grant, next)
}

func (s *Sandbox) tokens(sub, scopes, grant, refresh string) reply {
	body := object{
		"access_token": s.accessToken(sub, scopes, grant), "token_type": "Bearer",
		"expires_in": s.settings.TTL, "scope": scopes, "principal": s.model.users[sub].Email,
	}
	if refresh != "" {
		body["refresh_token"] = refresh
	}
	rep := jsonReply(http.StatusOK, body)
	rep.header.Set("Cache-Control", "no-store")
	return rep
}

// revoke follows RFC 7009: 200 whatever the token was. Whether GoTo ends the
// token or the whole grant is not known, hence the setting.
func (s *Sandbox) revoke(c *call) reply {
	form, no := clientForm(c)
	if no != nil {
		return *no
	}
	if cl, ok := parse(form.Get("token")); ok {
		s.counts.revocations++
		s.oauth.spent[cl.ID] = true
		if s.settings.RevokeKills == revokeGrant {
			s.oauth.dead[cl.Grant] = true
		}
	}
	return reply{status: http.StatusOK, header: http.Header{"Cache-Control": {"no-store"}}}
}
