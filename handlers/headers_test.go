package handlers_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"portal/static"
)

// As the design has it, to the letter.
const wantPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx"

// Whatever is asked and whoever answers: a page, a refusal, a redirect, a
// file, an asset, the health checks, under a path prefix or beside it.
func TestHeadersOfEveryAnswer(t *testing.T) {
	for name, o := range map[string]options{"http": {prefix: "/meet"}, "https": {prefix: "/meet", https: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPortalWith(t, o)
			b, nobody := p.connected("ada"), p.browser()
			id := b.create()
			answers := map[string]answer{
				"start":              nobody.get("/meet/"),
				"signed out":         nobody.get("/meet/meetings"),
				"htmx signed out":    nobody.get("/meet/meetings", "HX-Request", "true"),
				"twin signed out":    nobody.get("/meet/meetings.csv"),
				"connect":            nobody.get("/meet/auth/connect"),
				"bad callback":       nobody.get("/meet/auth/callback?code=x&state=y"),
				"list":               b.get("/meet/meetings"),
				"fragment":           b.get("/meet/meetings?q=x", "HX-Request", "true"),
				"csv":                b.get("/meet/meetings.csv"),
				"xlsx":               b.get("/meet/meetings.xlsx"),
				"json":               b.get("/meet/meetings.json"),
				"ics":                b.get("/meet/meetings/" + id + ".ics"),
				"audit":              b.get("/meet/audit"),
				"refused input":      b.post("/meet/meetings", plan("subject", "")),
				"starting":           b.post("/meet/meetings/"+id+"/start", nil),
				"another site":       b.post("/meet/meetings", plan(), "Origin", "https://evil.example"),
				"another's form":     b.post("/meet/meetings", plan("form_token", "x")),
				"not a form":         b.post("/meet/meetings", plan(), "Content-Type", "text/xml"),
				"broken form":        b.raw("/meet/meetings", "application/x-www-form-urlencoded", "a=%zz"),
				"too large":          b.raw("/meet/meetings", "application/x-www-form-urlencoded", "a="+strings.Repeat("x", 70_000)),
				"not found":          b.get("/meet/nowhere"),
				"not found, nobody":  nobody.get("/meet/nowhere"),
				"no twin":            b.get("/meet/nowhere.csv"),
				"no meeting":         b.get("/meet/meetings/abc"),
				"wrong method":       b.do(http.MethodPut, "/meet/meetings", url.Values{}),
				"HEAD":               b.do(http.MethodHead, "/meet/meetings", nil),
				"OPTIONS":            b.do(http.MethodOptions, "/meet/meetings", nil),
				"asset":              nobody.get("/meet" + static.Path("app.js")),
				"no asset":           nobody.get("/meet/static/0000/app.js"),
				"no asset's folder":  nobody.get("/meet/static/"),
				"alive":              nobody.get("/healthz"),
				"ready":              nobody.get("/meet/readyz"),
				"without the prefix": nobody.get("/meetings"),
				"the prefix alone":   nobody.get("/meet"),
				"gallery":            nobody.get("/meet/sandbox/gallery"),
				"gallery at root":    nobody.get("/sandbox/gallery"),
			}
			html := 0
			for name, res := range answers {
				h := res.Header
				policy, cache, sts := wantPolicy, "no-store", ""
				switch {
				case h.Get("Content-Disposition") != "":
					policy = "sandbox; default-src 'none'"
				case name == "asset":
					cache = "public, max-age=31536000, immutable"
				}
				if o.https {
					sts = "max-age=63072000; includeSubDomains"
				}
				for header, want := range map[string]string{
					"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
					"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Robots-Tag": "noindex",
					"Cache-Control": cache, "Strict-Transport-Security": sts, "Server": "", "X-Powered-By": "", "X-XSS-Protection": "", "Access-Control-Allow-Origin": "",
				} {
					if got := strings.Join(h.Values(header), " | "); got != want {
						t.Errorf("%s (%d): %s is %q, want %q", name, res.StatusCode, header, got, want)
					}
				}
				if !strings.Contains(h.Get("Permissions-Policy"), "camera=()") {
					t.Errorf("%s: Permissions-Policy %q", name, h.Get("Permissions-Policy"))
				}
				if strings.HasPrefix(h.Get("Content-Type"), "text/html") {
					html++
				}
				for _, c := range res.Cookies() {
					if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != o.https || strings.HasPrefix(c.Name, "__Host-") != o.https {
						t.Errorf("%s: cookie %s", name, c.String()[:20])
					}
				}
			}
			if html < 15 {
				t.Errorf("only %d pages of HTML", html)
			}
			out := b.post("/meet/auth/signout", nil)
			if got := out.Header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
				t.Errorf("signing out: Clear-Site-Data %q", got)
			}
		})
	}
}

// raw sends a form's body as it is.
func (b *browser) raw(path, contentType, body string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.portal.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send(req, contentType)
}

func (b *browser) send(req *http.Request, contentType string) answer {
	b.t.Helper()
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Origin", b.portal.url)
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res, string(text)}
}

func TestFormsAreBounded(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	const form = "application/x-www-form-urlencoded"
	token := url.Values{"form_token": {b.formToken()}}.Encode()
	fields := func(n int) string { return token + strings.Repeat("&a=", n-1) }
	parts := func(n int, file bool) (contentType, body string) {
		var buf bytes.Buffer
		w := multipart.NewWriter(&buf)
		_ = w.WriteField("form_token", b.formToken())
		for range n - 1 {
			_ = w.WriteField("a", "")
		}
		if file {
			f, err := w.CreateFormFile("subject", "../../etc/passwd")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(f, "from a file")
		}
		_ = w.Close()
		return w.FormDataContentType(), buf.String()
	}
	fewType, few := parts(100, true)
	manyType, many := parts(1001, false)
	for name, tt := range map[string]struct {
		kind, body string
		want       int
	}{
		"as many fields as may be":    {form, fields(1000), http.StatusUnprocessableEntity},
		"one field more":              {form, fields(1001), http.StatusRequestEntityTooLarge},
		"five thousand fields":        {form, fields(5000), http.StatusRequestEntityTooLarge},
		"twenty thousand fields":      {form, fields(20_000), http.StatusBadRequest}, // Go's own limit
		"as much as may be":           {form, token + "&a=" + strings.Repeat("x", 64<<10-len(token)-3), http.StatusUnprocessableEntity},
		"one byte more":               {form, token + "&a=" + strings.Repeat("x", 64<<10-len(token)-2), http.StatusRequestEntityTooLarge},
		"parts":                       {fewType, few, http.StatusUnprocessableEntity},
		"too many parts":              {manyType, many, http.StatusRequestEntityTooLarge},
		"parts without a boundary":    {"multipart/form-data", few, http.StatusBadRequest},
		"parts that end too early":    {fewType, few[:len(few)/2], http.StatusBadRequest},
		"escapes that are none":       {form, token + "&subject=%zz", http.StatusBadRequest},
		"semicolons":                  {form, token + ";subject=x", http.StatusBadRequest},
		"text":                        {"text/plain", "x", http.StatusUnsupportedMediaType},
		"JSON":                        {"application/json", "{}", http.StatusUnsupportedMediaType},
		"no type":                     {"", "x", http.StatusUnsupportedMediaType},
		"a type that cannot be read":  {"application/x-www-form-urlencoded; =", token, http.StatusUnsupportedMediaType},
		"nothing, and so nobody's":    {form, "", http.StatusForbidden},
		"another charset, all escape": {form + "; charset=latin1", token + "&subject=%ff", http.StatusUnprocessableEntity},
	} {
		if res := b.raw("/meetings", tt.kind, tt.body); res.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d %s", name, res.StatusCode, tt.want, res.doc(t).Find("main h1").Text())
		}
		if tt.body == "" {
			continue
		}
		// Without a length beforehand it ends the same way.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/meetings", io.MultiReader(strings.NewReader(tt.body)))
		if err != nil {
			t.Fatal(err)
		}
		if res := b.send(req, tt.kind); res.StatusCode != tt.want {
			t.Errorf("%s, in chunks: %d, want %d", name, res.StatusCode, tt.want)
		}
	}
	if n := p.sandbox.Calls()[createCall]; n != 0 {
		t.Errorf("%d meetings were made", n)
	}
}
