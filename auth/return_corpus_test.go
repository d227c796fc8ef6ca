package auth_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"portal/auth"
)

// hostileReturns builds what may be tried as a place to come back to, by rules
// rather than by hand: each way to begin, each way to write a host, each thing
// put before, between and after, and each way to hide it.
func hostileReturns() []string {
	hosts := []string{
		"evil.example", "evil.example:443", "portal.example.test@evil.example", "portal.example.test:x@evil.example", "evil.example%23.portal.example.test",
		"[2001:db8::1]", "3221226113", "0xc0000201", "0300.0.2.1", "evil。example", "evil．example", "evil｡example", "еvil.example", "xn--evl-vqa.example", "evil.example.", "EVIL.EXAMPLE",
	}
	schemes := []string{"http:", "https:", "HtTpS:", "ftp:", "ws:", "javascript:", "data:", "vbscript:", "blob:", "file:", "view-source:", "mailto:", "tel:", "about:", "filesystem:", "intent:", "x:"}
	slashes := []string{"", "/", "//", "///", "////", `\`, `\\`, `/\`, `\/`, `//\`, `\//`, `/\/`, `/\\`, "／／", "∕∕", "⁄⁄", "/.", "/./", "/../", "/..//", "/.//", "/;//", "/?//", "/#//", "/%2f", "/%2F", "/%5c", "/%5C", "/%252f", "/%255c", "/%2e/", "/%2e%2e/", "/%2e%2e%2f", "/%09/", "/%0a/", "/%0d%0a/", "/%00/", "/%20/", "/%c0%af", "/%ef%bc%8f"}
	controls := []string{"\x00", "\x01", "\x08", "\t", "\n", "\v", "\f", "\r", "\r\n", "\x1b", "\x1f", " ", "\x7f", "\u0080", "\u0085", "\u00a0", "\u00ad", "\u1680", "\u2000", "\u200b", "\u2028", "\u2029", "\u202e", "\u2060", "\u3000", "\ufeff", "\ufffd"}
	headers := []string{"\r\nSet-Cookie: sid=x", "\nLocation: //evil.example", "%0d%0aSet-Cookie:%20sid=x", "\r\n\r\n<script>alert(1)</script>", "\u560a\u560dSet-Cookie: sid=x", "%E5%98%8A%E5%98%8DSet-Cookie:x"}

	var all []string
	add := func(parts ...string) { all = append(all, strings.Join(parts, "")) }
	for _, s := range slashes {
		for _, h := range hosts {
			add(s, h, "/")
		}
	}
	for _, scheme := range schemes {
		for _, s := range []string{"", "/", "//", "///", `\`, `\\`, `/\`} {
			add(scheme, s, hosts[0])
			add("/", scheme, s, hosts[0])
		}
		add(scheme, "alert(1)//")
	}
	for _, c := range controls {
		for _, at := range []string{"%s//evil.example", "/%s/evil.example", "//%sevil.example", "/meetings%s", "/mee%stings", "/meetings?q=%s", "java%sscript:alert(1)", "%s/meetings", "%sjavascript:alert(1)"} {
			add(fmt.Sprintf(at, c))
		}
	}
	for _, h := range headers {
		add("/meetings", h)
		add("/meetings?q=", h)
		add(h)
	}
	// Hidden once and twice.
	for _, plain := range []string{"//evil.example", `/\evil.example`, `\\evil.example`, "https://evil.example", "javascript:alert(1)", "/../evil.example", "/\t/evil.example", "///evil.example", "@evil.example"} {
		once := url.QueryEscape(plain)
		for _, hidden := range []string{once, url.QueryEscape(once), url.PathEscape(plain), everyByte(plain), url.QueryEscape(everyByte(plain))} {
			add(hidden)
			add("/", hidden)
			add("//", hidden)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func everyByte(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

// leads reads a Location as browsers do (the URL Standard: tabs and line ends
// vanish, blanks around it too, a backslash is a slash, and of a special
// scheme any number of slashes begins a host) and reports where it leads from
// a page of the portal.
func leads(location string) (host, path string, ok bool) {
	s := strings.Trim(location, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f ")
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(s)
	if i := strings.IndexAny(s, ":/?#"); i > 0 && s[i] == ':' {
		return "", "", false // another scheme, or ours spelled out
	}
	if strings.HasPrefix(s, "//") {
		return strings.TrimLeft(s, "/"), "", false
	}
	path, _, _ = strings.Cut(s, "?")
	return "portal.example.test", path, strings.HasPrefix(path, "/")
}

func TestNoReturnLeadsAway(t *testing.T) {
	all := hostileReturns()
	if len(all) < 500 {
		t.Fatalf("only %d strings", len(all))
	}
	taken := 0
	for _, raw := range all {
		got := auth.SafeReturn(raw)
		if got == "/" {
			continue
		}
		taken++
		host, path, ok := leads(got)
		if got != raw || !ok || host != "portal.example.test" || strings.Contains(path, "//") || strings.Contains(path, "..") || strings.ContainsAny(got, "\r\n\t\x00\\") {
			t.Errorf("%q became %q, which leads to %q %q", raw, got, host, path)
		}
		// What is taken is a plain page of this site with a query.
		if !strings.HasPrefix(got, "/meetings?q=%") && !strings.HasPrefix(got, "/evil") && !strings.HasPrefix(got, "/EVIL") &&
			!strings.HasPrefix(got, "/xn--") && !strings.HasPrefix(got, "/3221226113") && !strings.HasPrefix(got, "/0") && !strings.HasPrefix(got, "/?//") {
			t.Errorf("%q is taken", raw)
		}
	}
	t.Logf("%d strings, %d are paths of our own", len(all), taken)
}

// The reading of browsers has to see what is wrong.
func TestLeadsSeesWhereTo(t *testing.T) {
	for location, want := range map[string]bool{
		"/meetings": true, "/meetings?q=//x": true, "//evil.example": false, `/\evil.example`: false, "/\t/evil.example": false, "\x01//evil.example": false,
		"https:evil.example": false, "java\nscript:alert(1)": false, "meetings": false, `\\evil.example`: false, "": false,
	} {
		if _, _, ok := leads(location); ok != want {
			t.Errorf("%q stays here: %t, want %t", location, ok, want)
		}
	}
}
