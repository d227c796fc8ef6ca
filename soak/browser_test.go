package soak

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portal/e2e/process"
)

// public is where browsers believe the portal to be. Nobody listens there: a
// front passes on what is meant for it, as a load balancer does.
const public = "localhost:8080"

// patience bounds every request; the portal has to answer long before.
const patience = 40 * time.Second

// front chooses the HOST:PORT that the next request for the portal goes to.
type front func() string

// network is what browsers and fronts share. Each request has a connection of
// its own, so that none is taken for lost that was closed before.
var network = &http.Transport{DisableKeepAlives: true, Proxy: nil}

// RoundTrip implements http.RoundTripper.
func (f front) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == public {
		r = r.Clone(r.Context())
		r.URL.Host, r.Host = f(), public
	}
	return network.RoundTrip(r)
}

// among takes turns.
func among(portals ...*process.Process) front {
	var n atomic.Uint64
	return func() string { return portals[n.Add(1)%uint64(len(portals))].Host() }
}

// browser is one person's browser: it keeps cookies and has no scripts. It
// follows no redirect by itself, since those are answers to look at.
type browser struct {
	user   string // e-mail
	jar    http.CookieJar
	client *http.Client
}

func newBrowser(user string, f front) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // without options it cannot fail
	}
	return (&browser{user: user, jar: jar}).at(f)
}

// at is the same browser behind another front.
func (b *browser) at(f front) *browser {
	return &browser{user: b.user, jar: b.jar, client: &http.Client{
		Jar: b.jar, Timeout: patience, Transport: f,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var home = &url.URL{Scheme: "http", Host: public, Path: "/"}

// cookies returns what the portal would be sent.
func (b *browser) cookies() []*http.Cookie { return b.jar.Cookies(home) }

// copied is another browser with the same cookies, now.
func (b *browser) copied() *browser {
	c := newBrowser(b.user, b.client.Transport.(front))
	c.jar.SetCookies(home, b.cookies())
	return c
}

// answer is what came back for one request. Without one, err says why and
// status is 0.
type answer struct {
	status int
	header http.Header
	at     *url.URL
	body   []byte
	took   time.Duration
	err    error
}

func (b *browser) get(path string) answer { return b.do(http.MethodGet, path, nil) }

// post sends a form as the portal's own page would.
func (b *browser) post(path string, form url.Values) answer {
	return b.do(http.MethodPost, path, form)
}

func (b *browser) do(method, path string, form url.Values) (a answer) {
	began := time.Now()
	defer func() { a.took = time.Since(began) }()
	at, err := home.Parse(path)
	if err != nil {
		return answer{err: err}
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(context.Background(), method, at.String(), body)
	if err != nil {
		return answer{err: err}
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", at.Scheme+"://"+at.Host)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return answer{at: at, err: err}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{at: at, err: err}
	}
	return answer{status: res.StatusCode, header: res.Header, at: at, body: text}
}

// follow goes where a redirect leads, until there is a page.
func (b *browser) follow(a answer) answer {
	for range 10 {
		if a.err != nil || a.status < 300 || a.status > 399 {
			return a
		}
		to, err := a.at.Parse(a.location())
		if err != nil {
			return answer{err: err}
		}
		a = b.get(to.String())
	}
	return answer{err: fmt.Errorf("%s redirects without end", a.at)}
}

// connect signs in: it follows the link given, consents at GoTo as the
// browser's user and returns the first answer of the portal after that.
func (b *browser) connect(link string) answer {
	consent := b.follow(b.get(link))
	if consent.err != nil || consent.status != http.StatusOK {
		return consent
	}
	action, form := consent.form("")
	if action == "" {
		return answer{err: fmt.Errorf("%s is no consent page: %s", consent.at, consent)}
	}
	form.Set("user", b.user)
	back := b.post(action, form)
	if back.status != http.StatusSeeOther {
		return back
	}
	return b.get(back.location())
}

// signIn connects, and says so if it does not work.
func (b *browser) signIn() error {
	if a := b.connect("/auth/connect"); a.status != http.StatusSeeOther || a.path() != "/meetings" {
		return fmt.Errorf("sign in as %s: %s", b.user, a)
	}
	return nil
}

func (a answer) location() string { return a.header.Get("Location") }

// path is the path that a redirect leads to.
func (a answer) path() string {
	u, err := url.Parse(a.location())
	if err != nil {
		return ""
	}
	return u.Path
}

// comesBack returns where the start page that a redirect leads to will bring
// its user once connected again; ok tells that it leads there at all.
func (a answer) comesBack() (path string, ok bool) {
	u, err := url.Parse(a.location())
	if err != nil || a.status != http.StatusSeeOther || u.Path != "/" {
		return "", false
	}
	return u.Query().Get("return"), true
}

func (a answer) doc() *goquery.Document {
	d, err := goquery.NewDocumentFromReader(bytes.NewReader(a.body))
	if err != nil {
		panic(err) // HTML is whatever one reads
	}
	return d
}

// heading is what the page is called.
func (a answer) heading() string { return strings.TrimSpace(a.doc().Find("h1").First().Text()) }

// says tells whether the page's text holds words.
func (a answer) says(words string) bool {
	return strings.Contains(strings.Join(strings.Fields(a.doc().Find("main").Text()), " "), words)
}

// form returns the first form that goes to action, or the page's first, as a
// browser would send it without a press on a particular button.
func (a answer) form(action string) (to string, fields url.Values) {
	fields = url.Values{}
	if a.err != nil {
		return "", fields
	}
	form := a.doc().Find("form").FilterFunction(func(_ int, s *goquery.Selection) bool {
		return action == "" || s.AttrOr("action", "") == action
	}).First()
	if form.Length() == 0 {
		return "", fields
	}
	form.Find("input, select, textarea").Each(func(_ int, s *goquery.Selection) {
		name := s.AttrOr("name", "")
		switch kind := s.AttrOr("type", ""); {
		case name == "":
		case s.Is("select"):
			chosen := s.Find("option[selected]")
			if chosen.Length() == 0 {
				chosen = s.Find("option")
			}
			fields.Add(name, chosen.First().AttrOr("value", ""))
		case s.Is("textarea"):
			fields.Add(name, s.Text())
		case kind == "checkbox" || kind == "radio":
			if _, checked := s.Attr("checked"); checked {
				fields.Add(name, s.AttrOr("value", "on"))
			}
		case kind != "submit" && kind != "button":
			fields.Add(name, s.AttrOr("value", ""))
		}
	})
	target, err := a.at.Parse(form.AttrOr("action", ""))
	if err != nil {
		return "", fields
	}
	return target.String(), fields
}

// isPage tells whether it is a whole page of the portal.
func (a answer) isPage() bool { return a.heading() != "" && bytes.Contains(a.body, []byte("</html>")) }

// signsOut tells whether the answer takes the session's cookie away.
func (a answer) signsOut() bool {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if strings.HasSuffix(c.Name, "sid") && (c.MaxAge < 0 || c.Value == "") {
			return true
		}
	}
	return false
}

// isHonest tells whether an answer that is not what was asked for says so as
// the contract has it: a page, 503 with Retry-After or 504, and nobody is
// signed out.
func (a answer) isHonest() bool {
	retry := a.header.Get("Retry-After") != ""
	return a.isPage() && !a.signsOut() && (a.status == http.StatusServiceUnavailable && retry || a.status == http.StatusGatewayTimeout)
}

// String tells an answer apart from others in a failure.
func (a answer) String() string {
	if a.err != nil {
		return fmt.Sprintf("no answer after %.1f s: %v", a.took.Seconds(), a.err)
	}
	s := fmt.Sprintf("%d after %.1f s", a.status, a.took.Seconds())
	if a.location() != "" {
		return s + " to " + a.location()
	}
	if !a.isPage() {
		return s + fmt.Sprintf(", no page of the portal: %.300q", a.body)
	}
	return s + fmt.Sprintf(" %q: %.300s", a.heading(), strings.Join(strings.Fields(a.doc().Find("main").Text()), " "))
}

var madeAt = regexp.MustCompile(`^/meetings/([0-9]+)\?created=1$`)

// made returns the id of the meeting that the answer to a form says was made.
func (a answer) made() (id string, ok bool) {
	m := madeAt.FindStringSubmatch(a.location())
	if a.status != http.StatusSeeOther || m == nil {
		return "", false
	}
	return m[1], true
}

// newMeeting opens the form of a new meeting and fills it in: tomorrow at 10:30.
func (b *browser) newMeeting(subject string) (url.Values, error) {
	page := b.get("/meetings/new")
	if page.status != http.StatusOK {
		return nil, fmt.Errorf("open the form: %s", page)
	}
	_, form := page.form("/meetings")
	form.Set("subject", subject)
	form.Set("start_date", time.Now().AddDate(0, 0, 1).Format(time.DateOnly))
	form.Set("start_time", "10:30")
	return form, nil
}

// create makes a meeting and returns its id.
func (b *browser) create(subject string) (string, error) {
	form, err := b.newMeeting(subject)
	if err != nil {
		return "", err
	}
	a := b.post("/meetings", form)
	id, ok := a.made()
	if !ok {
		return "", fmt.Errorf("make %q: %s", subject, a)
	}
	return id, nil
}
