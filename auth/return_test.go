package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"portal/auth"
)

func TestSafeReturnKeepsOurPages(t *testing.T) {
	for _, path := range []string{
		"/", "/meetings", "/meetings/", "/meetings/123456789", "/meetings/123456789/attendees.csv", "/meetings?q=a+b&type=recurring",
		"/history?from=2026-11-01&to=2026-11-24T10:00&organizer=all", "/meetings?q=%2F%2Fevil.example.test", "/meetings?q=https://x.example.test/?y=1",
		"/meetings?q=", "/meetings?", "/reports/person?email=a%40b.example.test", "/people?q=O'Neil", "/feed/AbC_d-e~f.ics", "/authors",
		"/meetings?q=[x]|{y}^", "/meetings?q=%zz", "/sandbox/gallery",
	} {
		if got := auth.SafeReturn(path); got != path {
			t.Errorf("%q became %q", path, got)
		}
	}
}

func TestSafeReturnRefusesTheRest(t *testing.T) {
	hostile := []string{
		"", " ", "meetings", "?q=1", "#x", ".", "..", "./x", "../x", "evil.example.test", "evil.example.test/x", "@evil.example.test", ":80", ":",
		"http://evil.example.test", "HTTPS://evil.example.test/", "https:evil.example.test", "https:/evil.example.test", "https:///evil.example.test",
		"http:\\\\evil.example.test", "ftp://evil.example.test", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x", "blob:x", "file:///etc/passwd",
		"//evil.example.test", "///evil.example.test", "////evil.example.test", "/////evil.example.test", "//evil.example.test/%2e%2e", "//evil", "//", "///", "//@evil.example.test", "//user:pass@evil.example.test", "//[::1]/", "//2130706433",
		"/\\evil.example.test", "\\/evil.example.test", "\\\\evil.example.test", "/\\/evil.example.test", "/\\\\evil.example.test", "\\evil.example.test", "/x\\..\\..\\evil", "/meetings\\", "/meetings?q=\\x",
		"/\t/evil.example.test", "/\n/evil.example.test", "/\r/evil.example.test", "\t//evil.example.test", " //evil.example.test", "\n/x", "/\x00/evil.example.test", "/\x0b/evil.example.test", "/\x7f/evil", "/ /evil.example.test", "/x y", "/x\r\nSet-Cookie: a=b", "/meetings?q=\r\nSet-Cookie: a=b", "/meetings?q=a b", "/meetings\x00",
		"/%2fevil.example.test", "/%2Fevil.example.test", "/%5cevil.example.test", "/%5C%5Cevil.example.test", "/%09/evil.example.test", "/%0a/evil.example.test", "/%0d%0aSet-Cookie:a=b", "/%00/evil.example.test", "/%20//evil.example.test", "/%2e%2e/evil", "/%2e/%2fevil", "/x/%2e%2e/%2e%2e//evil", "/%252fevil.example.test", "/%68ttps://evil.example.test", "/%", "/%zz", "/meetings%2f..",
		"/./", "/../", "/.", "/..", "/./x", "/../x", "/x/../y", "/x/..", "/x/./y", "/x/.", "/.//evil.example.test", "/..//evil.example.test", "/./\\evil", "/.evil.example.test", "/...", "/x//y", "/x//", "/x//evil.example.test", "/meetings//", "/x/..;/y",
		"/http://evil.example.test", "/https:evil.example.test", "/https:/evil.example.test", "/x:80", "/:80", "/@evil.example.test", "/;@evil.example.test", "/evil.example.test@x", "/x;y", "/x,y", "/x&y", "/x=y", "/$x", "/!x", "/*", "/(x)", "/x'y", "/\"", "/<script>", "/[x]", "/{x}", "/|", "/^", "/`", "/+x",
		"/meetings#x", "/meetings#//evil.example.test", "/#", "/meetings?q=1#x", "/meetings?q=<script>", "/meetings?q=\"x\"", "/meetings?q=`x`",
		"/ä", "/〱evil.example.test", "/〵evil.example.test", "/ゝevil.example.test", "/ーevil.example.test", "/ｰevil", "/／evil.example.test", "／／evil.example.test", "//evil。example。test", "/\u2028/evil", "/\u202eevil", "/\ufeff//evil.example.test", "\ufeff//evil", "\u00a0//evil", "/\u00ad/evil", "/meetings?q=ä", "/\xff", "/meetings?q=\xff", "/\xc0\xaf/evil",
		"/auth", "/auth/", "/auth/connect", "/auth/connect?return=/", "/auth/signout", "/auth/callback?code=x&state=y",
		"/" + strings.Repeat("a", 2000), "/meetings?q=" + strings.Repeat("a", 2000),
	}
	for _, raw := range hostile {
		if got := auth.SafeReturn(raw); got != "/" {
			t.Errorf("%q was taken", raw)
		}
	}
}

// local reports whether a browser that gets this Location stays on the site.
func local(t *testing.T, location string) bool {
	t.Helper()
	base, _ := url.Parse("https://portal.example.test/meet/auth/callback")
	ref, err := url.Parse(location)
	if err != nil {
		return false
	}
	u := base.ResolveReference(ref)
	return u.Scheme == "https" && u.Host == "portal.example.test" && u.User == nil && !strings.HasPrefix(u.Path, "//")
}

func FuzzSafeReturn(f *testing.F) {
	for _, seed := range []string{"/", "/meetings?q=1", "//evil.example.test", "/\\evil", "/%2fevil", "/.//x", "https://x.example.test", "/a?b#c", "/auth/x", "/x:y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := auth.SafeReturn(raw)
		if got != raw && got != "/" {
			t.Fatalf("%q became %q", raw, got)
		}
		if auth.SafeReturn(got) != got {
			t.Fatalf("%q is not taken again", got)
		}
		if !local(t, got) || strings.ContainsAny(got, "\\\r\n\t #<>\"") || strings.HasPrefix(got, "//") {
			t.Fatalf("%q leads away", got)
		}
		rec := httptest.NewRecorder()
		http.Redirect(rec, httptest.NewRequest("GET", "/auth/callback", nil), got, http.StatusSeeOther)
		if !local(t, rec.Header().Get("Location")) {
			t.Fatalf("%q redirects to %q", raw, rec.Header().Get("Location"))
		}
	})
}
