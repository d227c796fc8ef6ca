package handlers_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// with is a browser that has these cookies and no others.
func (p *portal) with(cookies ...*http.Cookie) *browser {
	b := p.browser()
	for _, c := range cookies {
		b.client.Jar.SetCookies(mustURL(p.t, p.url), []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/", Secure: c.Secure}})
	}
	return b
}

// ticket is the browser's session cookie.
func (b *browser) ticket() *http.Cookie {
	b.t.Helper()
	for _, c := range b.client.Jar.Cookies(mustURL(b.t, b.portal.url)) {
		if c.Name == "sid" {
			return c
		}
	}
	b.t.Fatal("no session cookie")
	return nil
}

func (b *browser) in() bool { return b.get("/settings").StatusCode == http.StatusOK }

// Log-in gives a new id and secret, whatever cookie was planted before, and the
// planted one opens nothing.
func TestSessionFixation(t *testing.T) {
	p := newPortal(t)
	attacker := p.connected("dan")
	for name, planted := range map[string]string{
		"made up":             "v1." + strings.Repeat("A", 22) + "." + strings.Repeat("A", 43),
		"the attacker's own":  attacker.ticket().Value,
		"nonsense":            "x",
		"of somebody else in": p.connected("cleo").ticket().Value,
	} {
		victim := p.with(&http.Cookie{Name: "sid", Value: planted})
		if res := victim.get(victim.consent("/auth/connect", "ben@example.test")); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %d", name, res.StatusCode)
		}
		if got := victim.ticket().Value; got == planted || strings.Split(got, ".")[1] == strings.Split(planted+"..", ".")[1] {
			t.Errorf("%s: the planted id is kept", name)
		}
		if other := p.with(&http.Cookie{Name: "sid", Value: planted}); strings.Contains(other.get("/settings").body, "ben@example.test") {
			t.Errorf("%s: the planted cookie opens the victim's session", name)
		}
	}
}

// A cookie that was signed out, here or by disconnecting elsewhere, is worth
// nothing, however often it comes back.
func TestReplayAfterSignOut(t *testing.T) {
	p := newPortal(t)
	for name, leave := range map[string]string{"sign out": "/auth/signout", "disconnect": "/auth/disconnect"} {
		b, elsewhere := p.connected("ben"), p.connected("ben")
		kept, keptElsewhere, token := b.ticket(), elsewhere.ticket(), b.formToken()
		if res := b.post(leave, nil); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%s: %d", name, res.StatusCode)
		}
		before := p.sandbox.Calls()
		for range 3 {
			replay := p.with(kept)
			if replay.in() {
				t.Errorf("%s: the cookie still opens a page", name)
			}
			if res := replay.post("/meetings", plan("form_token", token)); res.StatusCode != http.StatusSeeOther || strings.HasPrefix(res.Header.Get("Location"), "/meetings/") {
				t.Errorf("%s: a form is taken: %d", name, res.StatusCode)
			}
		}
		if p.sandbox.Calls()[createCall] != before[createCall] {
			t.Errorf("%s: a meeting was made", name)
		}
		if in := p.with(keptElsewhere).in(); in != (leave == "/auth/signout") {
			t.Errorf("%s: the user's other session opens: %t", name, in)
		}
	}
}

// Any bit of a cookie that is turned, and any mix of two cookies, opens
// nothing and disturbs nobody.
func TestCookieTampering(t *testing.T) {
	p := newPortal(t)
	b, other := p.connected("ben"), p.connected("ada")
	good := strings.Split(b.ticket().Value, ".")
	foreign := strings.Split(other.ticket().Value, ".")
	tried := 0
	try := func(name, value string) {
		t.Helper()
		tried++
		res := p.with(&http.Cookie{Name: "sid", Value: value}).get("/settings")
		if res.StatusCode != http.StatusSeeOther || len(res.Header["Set-Cookie"]) > 0 {
			t.Errorf("%s: %d, cookies %v", name, res.StatusCode, res.Header["Set-Cookie"])
		}
	}
	for part := 1; part < 3; part++ {
		raw, err := base64.RawURLEncoding.DecodeString(good[part])
		if err != nil {
			t.Fatal(err)
		}
		for bit := range len(raw) * 8 {
			raw[bit/8] ^= 1 << (bit % 8)
			turned := []string{good[0], good[1], good[2]}
			turned[part] = base64.RawURLEncoding.EncodeToString(raw)
			try("a bit turned", strings.Join(turned, "."))
			raw[bit/8] ^= 1 << (bit % 8)
		}
	}
	try("another's secret", good[0]+"."+good[1]+"."+foreign[2])
	try("another's id", good[0]+"."+foreign[1]+"."+good[2])
	try("the other way round", good[0]+"."+good[2]+"."+good[1])
	try("another version", "v2."+good[1]+"."+good[2])
	try("padded", strings.Join(good, ".")+"=")
	try("longer", strings.Join(good, ".")+".x")
	try("shorter", good[0]+"."+good[1])
	try("empty", "")
	if !b.in() || !other.in() {
		t.Error("somebody was signed out by it")
	}
	t.Logf("%d cookies", tried)
}

// Sealed columns that somebody with the database swaps open for neither user.
func TestSwappedRows(t *testing.T) {
	p := newPortal(t)
	db, err := sql.Open("sqlite", p.file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for column, path := range map[string]string{"sealed": "/settings", "tokens_sealed": "/meetings"} {
		ada, ben := p.connected("ada"), p.connected("ben")
		keys, sealed := map[*browser]string{}, map[*browser][]byte{}
		for _, b := range []*browser{ada, ben} {
			id, err := base64.RawURLEncoding.DecodeString(strings.Split(b.ticket().Value, ".")[1])
			if err != nil {
				t.Fatal(err)
			}
			keys[b] = fmt.Sprintf("%x", sha256.Sum256(id))
			var value []byte
			if err := db.QueryRowContext(t.Context(), "SELECT "+column+" FROM sessions WHERE id_hash = $1", keys[b]).Scan(&value); err != nil {
				t.Fatal(err)
			}
			sealed[b] = value
		}
		for b, from := range map[*browser]*browser{ada: ben, ben: ada} {
			if _, err := db.ExecContext(t.Context(), "UPDATE sessions SET "+column+" = $1 WHERE id_hash = $2", sealed[from], keys[b]); err != nil {
				t.Fatal(err)
			}
		}
		for name, b := range map[string]*browser{"ada": ada, "ben": ben} {
			if res := b.get(path); res.StatusCode != http.StatusSeeOther {
				t.Errorf("%s swapped: %s gets %d", column, name, res.StatusCode)
			}
		}
	}
}

// Whatever stands in ?return=, the links and redirects of the portal stay in it.
func TestReturnsStayHere(t *testing.T) {
	p := newPortal(t)
	var all []string
	for _, begin := range []string{"", "/", "//", "///", `/\`, `\\`, "/\t/", "/%09/", "/%2f", "/.//", "/../", "https:", "https://", "javascript:", "\r\n//", " //", "／／", "/meetings\r\nX: "} {
		for _, host := range []string{"evil.example", "evil.example/%2e%2e", "user@evil.example", "evil。example"} {
			all = append(all, begin+host)
		}
	}
	for _, raw := range all {
		at := "/?return=" + url.QueryEscape(raw)
		link := p.browser().get(at).doc(t).Find(`main a[href^="/auth/connect"]`).AttrOr("href", "none")
		if back := mustURL(t, link).Query().Get("return"); back != "" && (!strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.ContainsAny(back, "\\\t\r\n%")) {
			t.Errorf("%q: the start page leads to %q", raw, back)
		}
		// And what was asked for without a session.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = strings.NewReplacer("\r", "%0d", "\n", "%0a", "\t", "%09", " ", "%20").Replace("//" + req.URL.Host + "//evil.example/" + raw)
		res, err := p.browser().client.Do(req)
		if err != nil {
			continue // net/http sends no such request
		}
		res.Body.Close()
		if to := res.Header.Get("Location"); to != "" && !strings.HasPrefix(to, "/?return=") {
			t.Errorf("%s leads to %q", req.URL.Opaque, to)
		}
	}
	for n, raw := range all {
		if n%9 != 0 {
			continue
		}
		b := p.browser()
		res := b.get(b.consent("/auth/connect?return="+url.QueryEscape(raw), "ben@example.test"))
		if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\t\r\n") {
			t.Errorf("%q: signed in, it leads to %q", raw, to)
		}
	}
	t.Logf("%d strings", len(all))
}
