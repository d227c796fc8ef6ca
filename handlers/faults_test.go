package handlers_test

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

func fault(match, kind string, more ...any) map[string]any {
	f := map[string]any{"match": match, "times": 1, "kind": kind}
	for i := 0; i+1 < len(more); i += 2 {
		f[more[i].(string)] = more[i+1]
	}
	return f
}

const upcomingCall = "GET /G2M/rest/upcomingMeetings"

// Each way GoTo can fail answers with the right status and a page that says
// what to do, and the user stays signed in.
func TestFaultsOfGoTo(t *testing.T) {
	for name, tt := range map[string]struct {
		fault  map[string]any
		status int
		says   string
		path   string // "" is /meetings; ID stands for a meeting's
	}{
		"token refused as 401":          {fault(upcomingCall, "status", "status", 401), 200, "Upcoming", ""},
		"token refused as InvalidToken": {fault(upcomingCall, "status", "status", 403, "body", `{"int_err_code":"InvalidToken","msg":"Invalid token passed"}`), 200, "Upcoming", ""},
		"plain 403":                     {fault(upcomingCall, "status", "status", 403, "body", `{"int_err_code":"Forbidden","msg":"no"}`), 403, "GoTo does not allow this", ""},
		"404":                           {fault(upcomingCall, "status", "status", 404), 404, "GoTo knows no such meeting", ""},
		"429 without Retry-After":       {fault(upcomingCall, "status", "status", 429, "times", 0), 503, "Too many calls", ""},
		"500 with HTML":                 {fault(upcomingCall, "status", "status", 500, "body", "<html><b>boom secret-upstream-text</b></html>", "times", 0), 503, "GoTo does not answer", ""},
		"empty body":                    {fault(upcomingCall, "empty", "times", 0), 502, "cannot be read", ""},
		"empty body, once":              {fault(upcomingCall, "empty"), 200, "Upcoming", ""},
		"empty meeting":                 {fault("GET /G2M/rest/meetings/*", "empty", "times", 0), 502, "cannot be read", "/meetings/ID"},
		"empty history":                 {fault("GET /G2M/rest/historicalMeetings", "empty", "times", 0), 502, "cannot be read", "/history"},
		"empty attendees":               {fault("GET /G2M/rest/meetings/*/attendees", "empty", "times", 0), 502, "cannot be read", "/meetings/ID/attendees"},
		"empty people":                  {fault("GET /admin/rest/v1/accounts/*/users", "empty", "times", 0), 502, "cannot be read", "/people"},
		"truncated JSON":                {fault(upcomingCall, "truncate", "times", 0), 502, "cannot be read", ""},
		"HTML with 200":                 {fault(upcomingCall, "html", "times", 0), 502, "cannot be read", ""},
		"connection reset":              {fault(upcomingCall, "reset", "times", 0), 503, "GoTo does not answer", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t)
			b := p.connected("ada")
			id := b.create()
			p.sandbox.Control(map[string]any{"faults": []any{tt.fault}})
			path := strings.ReplaceAll(cmp.Or(tt.path, "/meetings"), "ID", id)
			res := b.get(path)
			if res.StatusCode != tt.status {
				t.Errorf("status %d, want %d", res.StatusCode, tt.status)
			}
			if text := res.doc(t).Find("main").Text(); !strings.Contains(text, tt.says) {
				t.Errorf("the page does not say %q: %s", tt.says, text)
			}
			if strings.Contains(res.body, "secret-upstream-text") {
				t.Error("the page repeats GoTo's text")
			}
			if res.StatusCode == 503 && res.Header.Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
			p.sandbox.Control(map[string]any{"faults": []any{}})
			if again := b.get(path); again.StatusCode != 200 {
				t.Errorf("after the fault: %d", again.StatusCode)
			}
		})
	}
}

// An htmx request gets the error as a fragment for the banner.
func TestFaultsAsFragments(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	p.sandbox.Control(map[string]any{"faults": []any{fault(upcomingCall, "status", "status", 500, "times", 0)}})
	res := b.get("/meetings?q=x", "HX-Request", "true", "HX-Request-Type", "partial")
	if res.StatusCode != 503 || res.Header.Get("HX-Retarget") != "#banner" {
		t.Errorf("status %d, retarget %q", res.StatusCode, res.Header.Get("HX-Retarget"))
	}
	if strings.Contains(res.body, "<html") || !strings.Contains(res.body, "GoTo does not answer") {
		t.Errorf("fragment = %s", res.body)
	}
	signedOut := p.browser().get("/meetings", "HX-Request", "true", "HX-Request-Type", "partial")
	if signedOut.StatusCode != 401 || !strings.Contains(signedOut.Header.Get("HX-Redirect"), "/?return=%2Fmeetings") {
		t.Errorf("signed out: %d %q", signedOut.StatusCode, signedOut.Header.Get("HX-Redirect"))
	}
}

func TestSlowGoToAnswers504(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ben")
	p.sandbox.Control(map[string]any{"faults": []any{fault(upcomingCall, "delay", "delay_ms", 10000, "times", 0)}})
	if res := b.get("/meetings"); res.StatusCode != 504 || !strings.Contains(res.body, "too slow") {
		t.Errorf("status %d", res.StatusCode)
	}
}

// Expired tokens are refreshed once and nobody notices.
func TestExpiredTokenIsRefreshedOnce(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	p.sandbox.Control(map[string]any{"expire_access_tokens": true})
	before := p.sandbox.Calls()["POST /oauth/token"]
	if res := b.get("/meetings"); res.StatusCode != 200 {
		t.Fatalf("status %d", res.StatusCode)
	}
	if got := p.sandbox.Calls()["POST /oauth/token"] - before; got != 1 {
		t.Errorf("%d token calls, want 1", got)
	}
}

func TestTokenEndpointDownKeepsTheSession(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	p.sandbox.Control(map[string]any{"expire_access_tokens": true, "faults": []any{fault("POST /oauth/token", "status", "status", 503, "times", 0)}})
	res := b.get("/meetings")
	if res.StatusCode != 503 || !strings.Contains(res.body, "sign-in service") {
		t.Errorf("status %d", res.StatusCode)
	}
	p.sandbox.Control(map[string]any{"faults": []any{}})
	if res := b.get("/meetings"); res.StatusCode != 200 {
		t.Errorf("afterwards: %d", res.StatusCode)
	}
}

func TestRefusedRefreshAsksToReconnectAndComesBack(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	p.sandbox.Control(map[string]any{"expire_access_tokens": true, "revoke_refresh_tokens": true})
	res := b.get("/meetings?q=board")
	if res.StatusCode != 303 {
		t.Fatalf("status %d", res.StatusCode)
	}
	start := b.get(res.Header.Get("Location"))
	link := start.doc(t).Find(`a[href^="/auth/connect"]`)
	if !strings.Contains(link.Text(), "Reconnect GoTo") {
		t.Fatalf("the start page offers %q", link.Text())
	}
	back := b.get(b.consent(link.AttrOr("href", ""), "ada@example.test"))
	if got := back.Header.Get("Location"); got != "/meetings?q=board" {
		t.Errorf("comes back to %q", got)
	}
}

// Who has to connect again after a form comes back to the form's page: its own
// address answers no GET.
func TestReconnectAfterAFormLeadsToItsPage(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	id := b.create()
	p.sandbox.Control(map[string]any{"faults": []any{fault("GET /G2M/rest/meetings/*/start", "status", "status", 403, "body", `{"int_err_code":"InvalidToken","msg":"no"}`, "times", 0)}})
	res := b.post("/meetings/"+id+"/start", nil)
	if link := res.doc(t).Find(`main a[href^="/auth/connect"]`); link.AttrOr("href", "") != "/auth/connect?return=%2Fmeetings%2F"+id {
		t.Errorf("%d, the page offers %q at %q", res.StatusCode, link.Text(), link.AttrOr("href", ""))
	}
}

func TestCallbacks(t *testing.T) {
	p := newPortal(t)
	b := p.browser()
	good := b.consent("/auth/connect", "ada@example.test")
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(url.Values)) string {
		q := u.Query()
		change(q)
		return "/auth/callback?" + q.Encode()
	}
	denied := p.browser()
	for _, tt := range []struct {
		name   string
		b      *browser
		target string
		status int
		says   string
	}{
		{"wrong state", b, with(func(q url.Values) { q.Set("state", "wrong") }), 400, "cannot be finished"},
		{"missing state", b, with(func(q url.Values) { q.Del("state") }), 400, "cannot be finished"},
		{"another browser", p.browser(), good, 400, "cannot be finished"},
		{"denied", denied, denied.consent("/auth/connect", "deny"), 403, "You did not allow"},
		{"right", b, good, 303, ""},
		{"replayed", b, good, 400, "signed in already"},
	} {
		res := tt.b.get(tt.target)
		if res.StatusCode != tt.status || !strings.Contains(res.body, tt.says) {
			t.Errorf("%s: %d %s", tt.name, res.StatusCode, res.doc(t).Find("main").Text())
		}
		if tt.status >= 400 && res.doc(t).Find(`main a[href]`).Length() == 0 {
			t.Errorf("%s: no way on", tt.name)
		}
		code := u.Query().Get("code")
		if strings.Contains(res.body, code) || strings.Contains(p.log.String(), code) {
			t.Errorf("%s: the code is on the page or in the log", tt.name)
		}
	}
}

// A sign-in that fails on GoTo's side says so to somebody who is not signed in,
// leads back to where it was to lead, and shows no code.
func TestFailedSignIns(t *testing.T) {
	const me, scim = "GET /admin/rest/v1/me", "GET /identity/v1/Users/me"
	for name, faults := range map[string][]any{
		"token endpoint down":      {fault("POST /oauth/token", "status", "status", 503, "times", 0)},
		"token endpoint resets":    {fault("POST /oauth/token", "reset", "times", 0)},
		"token endpoint with HTML": {fault("POST /oauth/token", "html", "times", 0)},
		"nobody says who it is":    {fault(me, "status", "status", 503, "times", 0), fault(scim, "status", "status", 503, "times", 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t)
			b := p.browser()
			target := b.consent("/auth/connect?return=%2Fhistory%3Fq%3Dx", "ada@example.test")
			p.sandbox.Control(map[string]any{"faults": faults})
			res := b.get(target)
			if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || !strings.Contains(res.body, "not signed in yet") {
				t.Errorf("%d %s", res.StatusCode, res.doc(t).Find("main").Text())
			}
			if got := res.doc(t).Find("main a.primary").AttrOr("href", ""); got != "/auth/connect?return=%2Fhistory%3Fq%3Dx" {
				t.Errorf("the way on is %q", got)
			}
			at, err := url.Parse(target)
			if err != nil {
				t.Fatal(err)
			}
			if code := at.Query().Get("code"); code == "" || strings.Contains(res.body+p.log.String(), code) {
				t.Error("the code is on the page or in the log")
			}
		})
	}
}

// Whatever GoTo answers to a form, what was typed is on the page.
func TestRefusedFormsAreKept(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	id := b.create()
	edit := fields(b.get("/meetings/" + id + "/edit").doc(t).Find(`form[action$="` + id + `"]`))
	edit.Set("subject", "Kept as typed")
	create := b.newForm("subject", "Kept as typed")
	invite := url.Values{"first_name": {"Kept as typed"}, "last_name": {"Y"}, "email": {"kim@example.test"}}
	for _, tt := range []struct {
		call, path string
		form       url.Values
		answers    []int
	}{
		{createCall, "/meetings", create, []int{400, 403, 404, 429, 500, 503}},
		{"PUT /G2M/rest/meetings/*", "/meetings/" + id, edit, []int{400, 403, 404, 429, 500, 503}},
		{"POST /admin/rest/v1/accounts/*/users", "/people", invite, []int{400, 403, 404, 429, 500, 503}},
	} {
		for _, status := range tt.answers {
			p.sandbox.Control(map[string]any{"faults": []any{fault(tt.call, "status", "status", status, "times", 0)}})
			res := b.post(tt.path, tt.form)
			doc := res.doc(t)
			if res.StatusCode < 400 || doc.Find(`input[value="Kept as typed"]`).Length() == 0 || doc.Find("#problems").Length() == 0 {
				t.Errorf("%s answered %d: %d %s", tt.call, status, res.StatusCode, doc.Find("main").Text())
			}
		}
	}
}

func TestReturnStaysHere(t *testing.T) {
	p := newPortal(t)
	for _, bad := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "/%09/evil.example", "javascript:alert(1)", "/\t/evil.example"} {
		b := p.browser()
		res := b.get(b.consent("/auth/connect?return="+url.QueryEscape(bad), "ben@example.test"))
		if got := res.Header.Get("Location"); got != "/meetings" && !strings.HasPrefix(got, "/%") {
			t.Errorf("return=%q leads to %q", bad, got)
		}
	}
}

func TestConnectFromAnotherSiteShowsTheStartPage(t *testing.T) {
	p := newPortal(t)
	res := p.browser().get("/auth/connect", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document")
	if res.StatusCode != 200 || res.doc(t).Find(`a[href^="/auth/connect"]`).Length() != 1 {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestPostsFromElsewhereAreRefused(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	before := p.sandbox.Calls()["POST /G2M/rest/meetings"]
	for name, header := range map[string][]string{
		"another origin":      {"Origin", "https://evil.example"},
		"cross-site":          {"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"},
		"same-site":           {"Origin", "http://sub.example", "Sec-Fetch-Site", "same-site"},
		"null origin":         {"Origin", "null"},
		"neither header":      {"Origin", ""},
		"JSON":                {"Content-Type", "text/plain"},
		"another port's page": {"Origin", "http://127.0.0.1:1"},
	} {
		res := b.post("/meetings", plan(), header...)
		want := http.StatusForbidden
		if name == "JSON" {
			want = http.StatusUnsupportedMediaType
		}
		if res.StatusCode != want {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	if got := p.sandbox.Calls()["POST /G2M/rest/meetings"]; got != before {
		t.Errorf("%d meetings were made", got-before)
	}
}

func TestFormWithEveryFieldWrongKeepsWhatWasTyped(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	typed := url.Values{
		"subject": {strings.Repeat("<", 40)}, "start_date": {"1.12."}, "start_time": {"25:61"}, "duration": {"soon"}, "time_zone": {"Mars/Base"},
		"meeting_type": {"daily"}, "audio": {"custom"}, "audio_text": {strings.Repeat("é", 256)}, "co_organizer_keys": {"ben & cleo"}, "password_required": {"on"},
	}
	res := b.post("/meetings", typed)
	if res.StatusCode != 422 {
		t.Fatalf("status %d", res.StatusCode)
	}
	doc := res.doc(t)
	if title := doc.Find("title").Text(); !strings.HasPrefix(title, "Error: ") {
		t.Errorf("title = %q", title)
	}
	for _, field := range []string{"subject", "start_date", "start_time", "duration", "audio_text"} {
		in := doc.Find("[name=" + field + "]")
		got := in.AttrOr("value", in.Text())
		if got != typed.Get(field) {
			t.Errorf("%s = %q, typed %q", field, got, typed.Get(field))
		}
	}
	for _, field := range []string{"time_zone", "meeting_type", "audio"} {
		if got := doc.Find("[name="+field+"] option[selected]").AttrOr("value", ""); got != typed.Get(field) && field != "meeting_type" {
			t.Errorf("%s = %q", field, got)
		}
	}
	if got := doc.Find("[name=co_organizer_keys]").First().AttrOr("value", ""); got != "ben & cleo" {
		t.Errorf("co_organizer_keys = %q", got)
	}
	if _, checked := doc.Find("[name=password_required]").Attr("checked"); !checked {
		t.Error("the password box lost its tick")
	}
	for _, field := range []string{"subject", "start_date", "start_time", "duration", "time_zone", "meeting_type", "audio_text", "co_organizer_keys"} {
		if doc.Find("#"+field+"-error").Length() != 1 {
			t.Errorf("no message beside %s", field)
		}
		if doc.Find(`#problems a[href="#`+field+`"]`).Length() != 1 {
			t.Errorf("the summary does not link to %s", field)
		}
	}
}

func TestIDsThatAreNone(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	before := len(p.sandbox.Calls())
	for _, path := range []string{"/meetings/abc", "/meetings/12x", "/meetings/abc/attendees", "/meetings/abc/edit", "/meetings/..%2f1/delete", "/meetings?id=abc"} {
		if res := b.get(path); res.StatusCode != 404 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	if res := b.post("/meetings/abc/start", nil); res.StatusCode != 404 {
		t.Errorf("start: %d", res.StatusCode)
	}
	if after := len(p.sandbox.Calls()); after != before {
		t.Errorf("GoTo was asked about ids that are none")
	}
	if res := b.get("/meetings?id=555-012-345"); res.Header.Get("Location") != "/meetings/555012345" {
		t.Errorf("typed id leads to %q", res.Header.Get("Location"))
	}
}

// What failed at GoTo while saving keeps the form.
func TestFailedCreateKeepsTheForm(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	p.sandbox.Control(map[string]any{"faults": []any{fault("POST /G2M/rest/meetings", "reset", "times", 0)}})
	before := p.sandbox.Calls()["POST /G2M/rest/meetings"]
	res := b.post("/meetings", plan("subject", "Kept & safe"))
	if res.StatusCode < 500 || res.doc(t).Find("[name=subject]").AttrOr("value", "") != "Kept & safe" {
		t.Errorf("status %d, subject %q", res.StatusCode, res.doc(t).Find("[name=subject]").AttrOr("value", ""))
	}
	if !strings.Contains(res.body, "not certain") {
		t.Error("the page does not say that the meeting may exist")
	}
	if got := p.sandbox.Calls()["POST /G2M/rest/meetings"] - before; got != 1 {
		t.Errorf("the create was sent %d times", got)
	}
}

// A form of another session is held back with all that was typed in it.
func TestFormOfAnotherSessionIsHeldBack(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	before := p.sandbox.Calls()["POST /G2M/rest/meetings"]
	for name, token := range map[string]string{"none": "", "another session's": p.connected("ben").formToken(), "made up": strings.Repeat("A", 43)} {
		form := plan("subject", `Typed "once"`, "form_token", token)
		form["co_organizer_keys"] = []string{"8439885694023990002", "8439885694023990003"}
		res := b.post("/meetings", form)
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
		again := res.doc(t).Find("main form")
		kept := url.Values{}
		again.Find("input[type=hidden]").Each(func(_ int, in *goquery.Selection) {
			kept.Add(in.AttrOr("name", ""), in.AttrOr("value", ""))
		})
		form.Set("form_token", kept.Get("form_token")) // the page's own; that it is good shows below
		if !maps.EqualFunc(kept, form, slices.Equal) {
			t.Errorf("%s: kept %v of %v", name, kept, form)
		}
		if got := p.sandbox.Calls()["POST /G2M/rest/meetings"]; got != before {
			t.Fatalf("%s: a meeting was made", name)
		}
		if res := b.post(again.AttrOr("action", ""), kept); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: sent again: %d", name, res.StatusCode)
		}
		before++
	}
}

// A session that ends while a form is sent costs the user a press, not what
// was typed.
func TestFormOutlivesItsSession(t *testing.T) {
	p := newPortal(t)
	for name, end := range map[string]func(*browser){
		"refresh refused": func(*browser) {
			p.sandbox.Control(map[string]any{"expire_access_tokens": true, "revoke_refresh_tokens": true})
		},
		"refreshed, and the new token lost on the way": func(*browser) {
			p.sandbox.Control(map[string]any{"expire_access_tokens": true, "faults": []any{fault("POST /oauth/token", "truncate")}})
		},
		"ended elsewhere": func(b *browser) {
			if err := p.store.DeleteUserSessions(t.Context(), "9007199254740993001/8439885694023990001"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		b := p.connected("ada")
		form := plan("subject", "Kept <over> there")
		form.Set("form_token", b.formToken())
		end(b)
		res := b.post("/meetings", form)
		if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/?return=%2Fresume") {
			t.Fatalf("%s: %d to %q", name, res.StatusCode, res.Header.Get("Location"))
		}
		link := b.get(res.Header.Get("Location")).doc(t).Find(`main a[href^="/auth/connect"]`).AttrOr("href", "")
		back := b.get(b.consent(link, "ada@example.test"))
		if got := back.Header.Get("Location"); got != "/resume" {
			t.Fatalf("%s: back to %q", name, got)
		}
		again := b.get("/resume").doc(t).Find("main form")
		kept := url.Values{}
		again.Find("input[type=hidden]").Each(func(_ int, in *goquery.Selection) {
			kept.Add(in.AttrOr("name", ""), in.AttrOr("value", ""))
		})
		if kept.Get("subject") != "Kept <over> there" || again.AttrOr("action", "") != "/meetings" {
			t.Fatalf("%s: kept %v", name, kept)
		}
		if other := p.connected("ben").get("/resume"); other.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: another browser gets %d", name, other.StatusCode)
		}
		if res := b.post("/meetings", kept); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: sent again: %d", name, res.StatusCode)
		}
		if res := b.get("/resume"); res.Header.Get("Location") != "/meetings" {
			t.Errorf("%s: the form is offered twice: %d", name, res.StatusCode)
		}
	}
}
