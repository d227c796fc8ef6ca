package handlers_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"portal/handlers"
)

// unguarded are the forms that need no form token, each with the reason.
var unguarded = map[string]string{
	"/setup": "nobody is signed in yet; the set-up code, which only whoever started the portal knows, stands in for the token",
}

// Every route there is goes through what guards it: whoever adds one cannot
// forget.
func TestEveryRouteIsGuarded(t *testing.T) {
	p := newPortal(t)
	routes, err := handlers.Routes(p.config)
	if err != nil {
		t.Fatal(err)
	}
	b := p.connected("ada")
	token := b.formToken()
	id := b.create()
	before := p.sandbox.Calls()
	posts, gets := 0, 0
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer(":id", id, "*", "x").Replace(path)
		form := url.Values{"form_token": {token}}
		switch method {
		case http.MethodPost:
			posts++
			for name, header := range map[string][]string{
				"another site":      {"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"},
				"another subdomain": {"Origin", "https://sub.evil.example", "Sec-Fetch-Site", "same-site"},
				"nowhere":           {"Origin", ""},
				"a sandboxed frame": {"Origin", "null"},
			} {
				res := b.post(path, form, header...)
				if res.StatusCode != http.StatusForbidden || !strings.Contains(res.body, "came from another site") {
					t.Errorf("%s from %s: %d", route, name, res.StatusCode)
				}
			}
			if res := b.post(path, form, "Content-Type", "application/json"); res.StatusCode != http.StatusUnsupportedMediaType {
				t.Errorf("%s with JSON: %d", route, res.StatusCode)
			}
			if unguarded[path] != "" {
				continue
			}
			for name, wrong := range map[string]url.Values{"without a token": {"form_token": {""}}, "with another's": {"form_token": {p.connected("ben").formToken()}}} {
				res := b.post(path, wrong)
				if res.StatusCode != http.StatusForbidden || !strings.Contains(res.body, "Nothing was sent yet") {
					t.Errorf("%s %s: %d", route, name, res.StatusCode)
				}
			}
			if res := b.post(path+"?form_token="+token, url.Values{"form_token": {""}}); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s with the token in the address: %d", route, res.StatusCode)
			}
			if res := p.browser().post(path, form); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/?return=") {
				t.Errorf("%s without a session: %d", route, res.StatusCode)
			}
		case http.MethodGet:
			gets++
			if res := b.get(path, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "image"); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s as another site's picture: %d", route, res.StatusCode)
			}
			// HEAD is GET without its body, except where one connects.
			head := b.do(http.MethodHead, path, nil)
			if strings.HasPrefix(path, "/auth/") {
				if head.StatusCode < 400 || len(head.Header["Set-Cookie"]) > 0 {
					t.Errorf("HEAD %s: %d", path, head.StatusCode)
				}
			} else if got := b.get(path); got.StatusCode != head.StatusCode || head.body != "" || head.Header.Get("Content-Type") != got.Header.Get("Content-Type") {
				t.Errorf("HEAD %s: %d %q, GET %d %q", path, head.StatusCode, head.Header.Get("Content-Type"), got.StatusCode, got.Header.Get("Content-Type"))
			}
		case "echo_route_not_found":
		default:
			t.Errorf("%s: this test does not know what guards it", route)
		}
	}
	if posts < 9 || gets < 15 {
		t.Errorf("only %d forms and %d pages, so this test sees too little", posts, gets)
	}
	for path := range unguarded {
		if !slices.Contains(routes, "POST "+path) {
			t.Errorf("%s is excused and does not exist", path)
		}
	}
	changed := maps.Clone(p.sandbox.Calls())
	maps.DeleteFunc(changed, func(call string, n int) bool {
		// Users signed in for the test, and pages were read.
		return n == before[call] || strings.HasPrefix(call, "GET ") && !strings.HasSuffix(call, "/start") || strings.Contains(call, "/oauth/")
	})
	if len(changed) > 0 {
		t.Errorf("GoTo was asked to change something: %v", changed)
	}
	t.Logf("%d forms, %d pages", posts, gets)
}

// What there is not is told to everybody alike, signed in or not.
func TestAnUnknownAddressIsNoDoor(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	for name, b := range map[string]*browser{"signed in": p.connected("ada"), "a visitor": p.browser()} {
		for _, path := range []string{"/nowhere", "/meetings/1/nowhere", "/nowhere.csv", "/history/x"} {
			if a := b.get(path); a.StatusCode != http.StatusNotFound {
				t.Errorf("%s at %s: %s", name, path, a.Status)
			}
		}
	}
}
