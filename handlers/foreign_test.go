package handlers_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"portal/handlers"
)

// What a request says of where it comes from, against what it asks for. The
// portal is on https, so that a page of the same host without TLS is foreign.
func TestWhereARequestComesFrom(t *testing.T) {
	t.Parallel()
	p := newPortalWith(t, options{https: true})
	b, stranger := p.connected("ben"), p.connected("cleo")
	good, others := b.formToken(), stranger.formToken()
	own := p.url
	host := strings.TrimPrefix(own, "https://")
	sites := []string{"", "same-origin", "same-site", "cross-site", "none", "nonsense"}
	origins := map[string]string{
		"same": own, "another": "https://evil.example", "null": "null", "none": "", "without TLS": "http://" + host, "another port": "https://127.0.0.1:1",
	}
	// A browser that names the site is believed; PUBLIC_URL as the origin is;
	// without either a form from a browser with a cookie is nobody's.
	passes := func(site, origin string, cookie bool) bool {
		switch {
		case origin == own, site == "same-origin", site == "none":
			return true
		case site == "":
			return origin == "" && !cookie
		}
		return false
	}
	cells := 0
	before := p.sandbox.Calls()
	for _, site := range sites {
		for name, origin := range origins {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
				for _, cookie := range []bool{true, false} {
					for _, token := range []string{good, others, ""} {
						if token != good && method != "POST" {
							continue
						}
						cells++
						who := b
						if !cookie {
							who = p.browser()
						}
						path, form := "/help", url.Values(nil)
						if method != "GET" && method != "HEAD" {
							// Refused for its key once everything else is right.
							path, form = "/people/names", url.Values{"key": {"x"}, "form_token": {token}}
						}
						res := who.do(method, path, form, "Origin", origin, "Sec-Fetch-Site", site)
						want, says := 0, ""
						switch {
						case form == nil:
							want = http.StatusOK
						case !passes(site, origin, cookie):
							want, says = http.StatusForbidden, "came from another site"
						case method != "POST":
							want = http.StatusNotFound
						case !cookie:
							want = http.StatusSeeOther
						case token != good:
							want, says = http.StatusForbidden, "Nothing was sent yet"
						default:
							want, says = http.StatusUnprocessableEntity, "one organizer key"
						}
						if res.StatusCode != want || !strings.Contains(res.body, says) {
							t.Errorf("%s, site %q, origin %s, cookie %t, own token %t: %d, want %d %s", method, site, name, cookie, token == good, res.StatusCode, want, says)
						}
						if says == "came from another site" && strings.Contains(res.body, "<form class=\"card") {
							t.Errorf("%s, site %q, origin %s: a foreign form is offered to be sent", method, site, name)
						}
					}
				}
			}
		}
	}
	if cells != 6*6*(5+3)*2 {
		t.Errorf("%d cells", cells)
	}
	for call, n := range p.sandbox.Calls() {
		if !strings.HasPrefix(call, "GET ") && n != before[call] {
			t.Errorf("%s was called %d times", call, n-before[call])
		}
	}
	t.Logf("%d combinations", cells)
}

// A page of the portal loads in a tab, and nowhere else: not as another
// site's picture, script, frame or data.
func TestPagesLoadAsDocumentsOnly(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	for _, path := range []string{"/meetings", "/meetings.json", "/settings", "/help"} {
		for _, site := range []string{"cross-site", "same-site", "same-origin", "none", ""} {
			for _, dest := range []string{"document", "image", "script", "style", "iframe", "embed", "object", "empty", "video", ""} {
				foreign := site == "cross-site" || site == "same-site"
				want := http.StatusOK
				if foreign && dest != "document" && dest != "" {
					want = http.StatusForbidden
				}
				if path == "/meetings.json" && want == http.StatusOK {
					want = 0 // limited by and by
				}
				res := b.get(path, "Sec-Fetch-Site", site, "Sec-Fetch-Dest", dest)
				if res.StatusCode != want && want != 0 || want == 0 && res.StatusCode == http.StatusForbidden {
					t.Errorf("%s from %q as %q: %d, want %d", path, site, dest, res.StatusCode, want)
				}
			}
		}
	}
}

// Headers by which a proxy speaks change nothing but the address that is
// limited, and that only when the proxy is trusted.
func TestForwardedHeadersChangeNothing(t *testing.T) {
	spoofed := []string{
		"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "X-Forwarded-Port", "99444", "X-Forwarded-Prefix", "/evil", "X-Forwarded-Scheme", "https",
		"X-Forwarded-For", "198.51.100.1", "X-Real-IP", "198.51.100.2", "Forwarded", "for=198.51.100.3;host=evil.example;proto=https", "X-Forwarded-Ssl", "on",
		"X-Original-URL", "/settings", "X-Rewrite-URL", "/settings", "X-HTTP-Method-Override", "DELETE", "X-Url-Scheme", "https", "Front-End-Https", "on",
		"True-Client-IP", "198.51.100.4", "X-Client-IP", "198.51.100.5", "X-Request-ID", "canary-request", "Via", "1.1 evil.example",
	}
	for name, proxies := range map[string][]netip.Prefix{"nobody is trusted": nil, "the peer is trusted": {netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}} {
		t.Run(name, func(t *testing.T) {
			p := newPortalWith(t, options{proxies: proxies})
			b := p.connected("ben")
			id := b.create()
			for _, path := range []string{"/", "/meetings", "/meetings/" + id, "/settings", "/setup", "/nowhere", "/auth/connect", "/people.json", "/meetings?id=123"} {
				who := b
				if path == "/" || path == "/auth/connect" {
					who = p.browser()
				}
				res := who.get(path, spoofed...)
				shown := res.body + " " + res.Header.Get("Location") + " " + strings.Join(res.Header["Set-Cookie"], " ")
				for _, evil := range []string{"evil", "https%3A", "198.51.100", "canary-request", ":99444"} {
					if strings.Contains(shown, evil) {
						t.Errorf("%s: the answer holds %q", path, evil)
					}
				}
				if res.Header.Get("Strict-Transport-Security") != "" || strings.Contains(shown, "Secure") {
					t.Errorf("%s: https is believed", path)
				}
				if id := res.Header.Get("X-Request-ID"); len(id) != 26 {
					t.Errorf("%s: request id %q", path, id)
				}
			}
			connect := p.browser().get("/auth/connect", spoofed...)
			at := mustURL(t, connect.Header.Get("Location"))
			if got := at.Query().Get("redirect_uri"); got != p.url+"/auth/callback" {
				t.Errorf("redirect URI %q", got)
			}
			// Nor does another Host: it is in no link and no redirect URI.
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/auth/connect", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = "evil.example"
			res, err := p.browser().client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if got := mustURL(t, res.Header.Get("Location")).Query().Get("redirect_uri"); got != p.url+"/auth/callback" {
				t.Errorf("with another Host: redirect URI %q", got)
			}
		})
	}
}

// The address of a browser is the last one that a trusted proxy vouches for.
func TestClientIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, tt := range []struct {
		peer string
		hops []string
		want string
	}{
		{"203.0.113.9:1000", nil, "203.0.113.9"},
		{"203.0.113.9:1000", []string{"198.51.100.1"}, "203.0.113.9"},
		{"10.0.0.1:1000", nil, "10.0.0.1"},
		{"10.0.0.1:1000", []string{"198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:1000", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		{"10.0.0.1:1000", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},
		{"10.0.0.1:1000", []string{"198.51.100.1, 203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		{"10.0.0.1:1000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"10.0.0.1:1000", []string{"198.51.100.1, nonsense, 10.0.0.2"}, "10.0.0.2"},
		{"10.0.0.1:1000", []string{"nonsense"}, "10.0.0.1"},
		{"10.0.0.1:1000", []string{""}, "10.0.0.1"},
		{"10.0.0.1:1000", []string{"198.51.100.1:5000"}, "10.0.0.1"},
		{"[2001:db8:1::1]:1000", []string{" 2001:db8:2::5 "}, "2001:db8:2::5"},
		{"[::ffff:10.0.0.1]:1000", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"[::ffff:203.0.113.9]:1000", nil, "203.0.113.9"},
		{"@", []string{"198.51.100.1"}, ""},
	} {
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.hops, "X-Real-Ip": {"198.51.100.77"}, "Forwarded": {"for=198.51.100.78"}}}
		if got := handlers.ClientIP(trusted, r); got != tt.want {
			t.Errorf("from %s with %q: %q, want %q", tt.peer, tt.hops, got, tt.want)
		}
	}
}

// Whoever is not a trusted proxy is known by its own address, and the address
// never comes from what nobody vouches for.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "198.51.100.1", "1.1.1.1, 10.0.0.1", ",,,", "::1%eth0", "fe80::1%25x, 10.1.1.1", "[::1]", "1.2.3.4:80", "10.0.0.1,\t10.0.0.2 ,x"} {
		f.Add(seed)
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, hops string) {
		header := http.Header{"X-Forwarded-For": {hops}}
		if got := handlers.ClientIP(trusted, &http.Request{RemoteAddr: "203.0.113.9:1", Header: header}); got != "203.0.113.9" {
			t.Fatalf("a stranger is %q", got)
		}
		got := handlers.ClientIP(trusted, &http.Request{RemoteAddr: "10.0.0.1:1", Header: header})
		at, err := netip.ParseAddr(got)
		if err != nil {
			t.Fatalf("%q is no address", got)
		}
		named := slices.ContainsFunc(strings.Split(hops, ","), func(hop string) bool {
			a, err := netip.ParseAddr(strings.TrimSpace(hop))
			return err == nil && a.Unmap() == at
		})
		if !named && got != "10.0.0.1" {
			t.Fatalf("%q is nobody's address in %q", got, hops)
		}
		// Whoever adds to the left of it changes nothing.
		if !trusted[0].Contains(at) {
			header.Set("X-Forwarded-For", "192.0.2.66, "+hops)
			if again := handlers.ClientIP(trusted, &http.Request{RemoteAddr: "10.0.0.1:1", Header: header}); again != got {
				t.Fatalf("%q became %q", got, again)
			}
		}
	})
}
