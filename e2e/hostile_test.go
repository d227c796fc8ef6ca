package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"portal/e2e/chrome"
)

// attack is what a page of somebody else's can do without the user: it sends
// forms of every encoding into frames, sends by fetch, beacon and every
// method, and loads pages as pictures, scripts, styles, frames and plug-ins.
// It returns what it got to see: loads and readable answers by their kind.
const attack = `async (portal, posts, gets) => {
	const seen = {};
	const saw = (kind) => { seen[kind] = (seen[kind] || 0) + 1; };
	const fields = {subject: "Forged", start_date: "2031-01-01", start_time: "10:00", duration: "30", time_zone: "UTC", meeting_type: "scheduled", audio: "VoIP",
		first_name: "For", last_name: "Ged", email: "forged@example.test", key: "8439885694023999999", name: "Forged", form_token: "A".repeat(86), form_id: "forged", action: "delete", end: "all", confirm: "yes"};
	const settled = (element, kind) => new Promise((done) => {
		element.onload = () => { saw(kind); done(); };
		element.onerror = () => done();
		setTimeout(done, 1500);
	});
	const waits = [];
	for (const path of posts) {
		for (const encoding of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]) {
			const frame = document.createElement("iframe");
			frame.name = "f" + Math.random();
			document.body.append(frame);
			const form = document.createElement("form");
			form.method = "post"; form.action = portal + path; form.enctype = encoding; form.target = frame.name;
			for (const [name, value] of Object.entries(fields)) {
				const input = document.createElement("input");
				input.type = "hidden"; input.name = name; input.value = value;
				form.append(input);
			}
			document.body.append(form);
			waits.push(settled(frame, "answer of a form"));
			HTMLFormElement.prototype.submit.call(form);
		}
		const body = new URLSearchParams(fields);
		for (const mode of ["no-cors", "cors", "same-origin"]) {
			waits.push(fetch(portal + path, {method: "POST", mode, credentials: "include", body}).then((r) => { if (r.type !== "opaque") saw("answer of fetch"); }, () => {}));
		}
		waits.push(fetch(portal + path, {method: "POST", credentials: "include", headers: {"Content-Type": "application/json"}, body: "{}"}).then(() => saw("answer to JSON"), () => {}));
		navigator.sendBeacon(portal + path, body);
		for (const method of ["PUT", "PATCH", "DELETE"]) {
			waits.push(fetch(portal + path, {method, credentials: "include"}).then(() => saw("answer to " + method), () => {}));
		}
	}
	for (const path of gets) {
		const load = (tag, attribute, more) => {
			const element = document.createElement(tag);
			Object.assign(element, more);
			element[attribute] = portal + path;
			waits.push(settled(element, tag));
			document.body.append(element);
		};
		load("img", "src"); load("script", "src"); load("link", "href", {rel: "stylesheet"}); load("object", "data"); load("embed", "src"); load("video", "src");
		for (const mode of ["no-cors", "cors"]) {
			waits.push(fetch(portal + path, {mode, credentials: "include"}).then((r) => { if (r.type !== "opaque") saw("answer of fetch"); }, () => {}));
		}
		const frame = document.createElement("iframe");
		frame.src = portal + path;
		document.body.append(frame);
		waits.push(settled(frame, "").then(() => { try { if (frame.contentDocument.body.innerText) saw("text of a frame"); } catch {} }));
	}
	await Promise.all(waits);
	delete seen[""];
	return seen;
}`

// hostile serves an empty page of somebody else's at both loopback names: one
// is another site, the other the portal's own site at another port, which gets
// its cookies along.
func hostile(t *testing.T) (crossSite, sameSite string) {
	t.Helper()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>Nice things</title><link rel="icon" href="data:,"><body>`)
	}))
	t.Cleanup(page.Close)
	at, err := url.Parse(page.URL)
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + at.Port(), "http://localhost:" + at.Port()
}

// strike runs the attack from a page at from.
func (v *tab) strike(from, portal string, posts, gets []string) map[string]int {
	v.t.Helper()
	v.visit(from)
	args, err := json.Marshal([]any{portal, posts, gets})
	v.must(err)
	seen, err := chrome.Run(v.Browser, "attack from "+from, chromedp.Evaluate[map[string]int](
		fmt.Sprintf("(%s)(...%s)", attack, args), chromedp.EvalAwaitPromise))
	v.must(err)
	return seen
}

// changes counts what the sandbox was asked to change, by call.
func changes(t *testing.T, sandbox string) map[string]int {
	t.Helper()
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, sandbox+"/control", nil)
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Calls map[string]int `json:"calls"`
		Made  int            `json:"meetings_created"`
	}
	answer(t, &http.Client{Timeout: requestDeadline}, ask, &state)
	maps.DeleteFunc(state.Calls, func(call string, _ int) bool {
		return strings.HasPrefix(call, "GET ") && !strings.HasSuffix(call, "/start")
	})
	state.Calls["meetings made"] = state.Made
	return state.Calls
}

// A hostile page, open in the browser of somebody who is signed in, changes
// nothing, sees nothing, frames nothing and sends nobody to connect.
func TestHostilePage(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ada}
	w.connect()
	id := w.create("The victim's own", "")
	posts := []string{
		"/setup", "/auth/signout", "/auth/disconnect", "/meetings", "/meetings/now", "/meetings/" + id, "/meetings/" + id + "/delete",
		"/meetings/" + id + "/start", "/meetings/" + id + "/erase", "/pending/" + id, "/people", "/people/names", "/people/aliases", "/settings",
		"/settings/sessions", "/settings/feed", "/reports",
	}
	gets := []string{"/meetings", "/meetings/" + id, "/meetings.csv", "/settings", "/audit.json", "/auth/connect"}
	crossSite, sameSite := hostile(t)
	w.visit(portal.Base + "/audit")
	before, deeds := changes(t, w.sandbox), w.deeds()

	for _, from := range []string{crossSite, sameSite} {
		if seen := w.strike(from, portal.Base, posts, gets); len(seen) > 0 {
			// Chromium fires load for a frame's or plug-in's error page, too.
			delete(seen, "answer of a form")
			delete(seen, "object")
			delete(seen, "embed")
			for kind, n := range seen {
				t.Errorf("from %s: %d times it got %s", from, n, kind)
			}
		}
		// In the tab itself: a form, and the way to connect.
		w.visit(from)
		_, err := run[bool](w.tab, "send a form", fmt.Sprintf(`(() => {
			const form = document.createElement("form");
			form.method = "post"; form.action = %q;
			form.innerHTML = '<input name="subject" value="Forged"><input name="form_token" value="x">';
			document.body.append(form); form.submit(); return true; })()`, portal.Base+"/meetings"))
		w.must(err)
		w.see("the refusal", `//h1[contains(., "came from another site")]`)
		if n, err := w.count(`//main//form`); err != nil || n > 0 {
			t.Errorf("from %s: the page of the refusal has %d forms, %v", from, n, err)
		}
		w.visit(from)
		_, err = run[bool](w.tab, "go and connect", fmt.Sprintf(`(location.href = %q, true)`, portal.Base+"/auth/connect?return=/settings"))
		w.must(err)
		w.see("the start page", `//main//a[starts-with(@href, "/auth/connect")]`)
		if at, err := w.Address(); err != nil || at.Path != "/auth/connect" {
			t.Errorf("from %s: led to %v, %v", from, at, err)
		}
	}
	framed := 0
	for _, c := range w.Forgive() {
		if strings.Contains(c, "frame-ancestors") || strings.Contains(c, "Refused to display") {
			framed++
		}
	}
	if framed == 0 {
		t.Error("the browser says nowhere that it refused to frame a page")
	}

	// Nothing has happened, and the portal is as it was.
	if after := changes(t, w.sandbox); !maps.Equal(before, after) {
		t.Errorf("GoTo was asked to change something: %v, before %v", after, before)
	}
	w.visit(portal.Base + "/audit")
	if after := w.deeds(); after != deeds {
		t.Errorf("the audit log has %q, before %q", after, deeds)
	}
	w.find(id, "victim")
	w.create("Works as before", "")
	w.signOut()
}

// deeds is what the audit log shows of how much there is.
func (v *tab) deeds() string {
	v.t.Helper()
	text, err := run[string](v, "count the audit log", `document.querySelector("#count").innerText`)
	v.must(err)
	return text
}

// The attack has to be one: a server that believes in its cookie falls to it.
func TestHostilePageBreaksAnOpenServer(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/in" {
			http.SetCookie(w, &http.Cookie{Name: "open", Value: "1", SameSite: http.SameSiteLaxMode, Path: "/"})
		}
		if _, err := r.Cookie("open"); err == nil {
			mu.Lock()
			got[r.Method+" "+r.Header.Get("Sec-Fetch-Dest")+" "+strings.Split(r.Header.Get("Content-Type"), ";")[0]]++
			mu.Unlock()
		}
		switch r.URL.Path {
		case "/picture":
			w.Header().Set("Content-Type", "image/svg+xml")
			fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`)
		default:
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>t</title>`)
		}
	}))
	t.Cleanup(server.Close)
	base := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	_, sameSite := hostile(t)
	v := open(t, false)
	v.visit(base + "/in")
	seen := v.strike(sameSite, base, []string{"/do"}, []string{"/picture"})
	v.Forgive()
	mu.Lock()
	defer mu.Unlock()
	for _, kind := range []string{
		"POST iframe application/x-www-form-urlencoded", "POST iframe multipart/form-data", "POST iframe text/plain", "POST empty application/x-www-form-urlencoded",
		"GET image ", "GET script ", "GET iframe ", "GET empty ",
	} {
		if got[kind] == 0 {
			t.Errorf("no %s with its cookie reached the open server: %v", kind, got)
		}
	}
	if seen["img"] == 0 || seen["answer of a form"] == 0 {
		t.Errorf("the hostile page saw %v", seen)
	}
}

// What would run foreign script, load from elsewhere or send elsewhere is
// stopped by the policy of every page, and heard when it is.
func TestPolicyIsEnforced(t *testing.T) {
	t.Parallel()
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: portal.Base + "/sandbox", user: ben}
	w.connect()
	crossSite, _ := hostile(t)
	w.must(w.Do("listen", chromedp.Navigate(portal.Base+"/meetings")))
	_, err := run[bool](w.tab, "listen for violations", `(window.violations = [], window.ran = 0,
		document.addEventListener("securitypolicyviolation", (e) => violations.push(e.effectiveDirective)), true)`)
	w.must(err)
	if c := w.Complaints(); len(c) > 0 {
		t.Fatalf("the page itself violates its policy: %q", c)
	}
	for _, tt := range []struct{ name, try, directive string }{
		{"innerHTML", `document.body.innerHTML = "<b>x"`, "require-trusted-types-for"},
		{"outerHTML", `document.querySelector("h1").outerHTML = "<b>x"`, "require-trusted-types-for"},
		{"insertAdjacentHTML", `document.body.insertAdjacentHTML("beforeend", "<b>x")`, "require-trusted-types-for"},
		{"document.write", `document.write("<b>x")`, "require-trusted-types-for"},
		{"DOMParser", `new DOMParser().parseFromString("<b>x", "text/html")`, "require-trusted-types-for"},
		{"parseHTMLUnsafe", `Document.parseHTMLUnsafe("<b>x")`, "require-trusted-types-for"},
		{"srcdoc", `document.createElement("iframe").srcdoc = "<b>x"`, "require-trusted-types-for"},
		{"a script's address", `document.createElement("script").src = "/static/x.js"`, "require-trusted-types-for"},
		{"a script's text", `document.createElement("script").text = "ran++"`, "require-trusted-types-for"},
		{"a timer with text", `setTimeout("ran++", 0)`, "require-trusted-types-for"},
		{"a policy of one's own", `trustedTypes.createPolicy("evil", {createHTML: (s) => s})`, "trusted-types"},
		{"htmx's policy again", `trustedTypes.createPolicy("htmx", {createHTML: (s) => s})`, "trusted-types"},
		{"the default policy", `trustedTypes.createPolicy("default", {createHTML: (s) => s})`, "trusted-types"},
		{"an event attribute", `(() => { const b = document.createElement("button"); b.setAttribute("onclick", "ran++"); document.body.append(b); b.click(); })()`, "script-src-attr|require-trusted-types-for"},
		{"a style attribute", `document.querySelector("h1").setAttribute("style", "color: red")`, "style-src-attr"},
		{"a style element", `(() => { const s = document.createElement("style"); s.textContent = "h1 { color: red }"; document.head.append(s); })()`, "style-src-elem"},
		{"a foreign picture", `(() => { const i = new Image(); i.src = "CROSS/x.png"; document.body.append(i); })()`, "img-src"},
		{"a foreign frame", `(() => { const f = document.createElement("iframe"); f.src = "CROSS/"; document.body.append(f); })()`, "frame-src"},
		{"an own frame", `(() => { const f = document.createElement("iframe"); f.src = "/help"; document.body.append(f); })()`, "frame-src"},
		{"a plug-in", `(() => { const o = document.createElement("object"); o.data = "/help"; document.body.append(o); })()`, "object-src|require-trusted-types-for"},
		{"a foreign fetch", `fetch("CROSS/").catch(() => {})`, "connect-src"},
		{"a beacon", `navigator.sendBeacon("CROSS/", "x")`, "connect-src"},
		{"a socket", `(() => { try { new WebSocket("CROSS/".replace("http", "ws")) } catch {} })()`, "connect-src"},
		{"a worker", `(() => { try { new Worker(URL.createObjectURL(new Blob(["1"]))) } catch {} })()`, "worker-src|require-trusted-types-for"},
		{"a base", `(() => { const b = document.createElement("base"); b.href = "CROSS/"; document.head.append(b); })()`, "base-uri"},
		{"a form to elsewhere", `(() => { const f = document.createElement("form"); f.action = "CROSS/"; f.method = "post"; document.body.append(f); f.submit(); })()`, "form-action"},
	} {
		try := strings.ReplaceAll(tt.try, "CROSS", crossSite)
		heard, err := chrome.Run(w.Browser, "try "+tt.name, chromedp.Evaluate[string](fmt.Sprintf(`(async () => {
			violations.length = 0;
			try { %s } catch {}
			for (let i = 0; i < 40 && violations.length === 0; i++) await new Promise((done) => setTimeout(done, 50));
			return violations.join(" ");
		})()`, try), chromedp.EvalAwaitPromise))
		w.must(err)
		stopped := false
		for directive := range strings.SplitSeq(tt.directive, "|") {
			stopped = stopped || strings.Contains(heard, directive)
		}
		if !stopped {
			t.Errorf("%s: the browser says %q, want %s", tt.name, heard, tt.directive)
		}
		if c := w.Forgive(); !strings.Contains(strings.Join(c, "\n"), "ContentSecurityPolicyIssue") {
			t.Errorf("%s: not heard as a complaint: %q", tt.name, c)
		}
	}
	after, err := run[string](w.tab, "look what is left", `ran + " " + document.querySelectorAll("main h1").length + " " + getComputedStyle(document.querySelector("h1")).color.includes("255, 0, 0")`)
	w.must(err)
	if after != "0 1 false" {
		t.Errorf("the page was changed: %s", after)
	}
}
