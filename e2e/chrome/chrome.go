// Package chrome drives one real Chromium for the browser tests and for the
// program that takes screenshots.
//
// It starts the browser with an empty profile, bounds every step by a
// deadline, finds elements by XPath over what a user sees, and writes down
// everything that the browser complains about: console messages, uncaught
// exceptions, log entries, the issues of its developer tools (violations of
// the content security policy among them) and requests that leave the
// loopback interface.
//
// It is not part of the product and knows nothing of the portal.
package chrome

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Path is where Debian's package chromium puts the browser.
const Path = "/usr/bin/chromium"

const (
	// startDeadline bounds the start of the browser, the slowest step by far.
	startDeadline = time.Minute
	// stepDeadline bounds every other step. It is generous because test
	// machines are slow, not because pages may be.
	stepDeadline = 30 * time.Second
)

// Browser is one Chromium process with one tab. Its steps belong to one
// goroutine; Complaints may be called from any.
type Browser struct {
	ctx  context.Context
	stop func()

	mu         sync.Mutex
	complaints []string
}

// Options say how to start a browser.
type Options struct {
	// Profile is an empty folder for the browser's profile. The caller removes
	// it after Close.
	Profile string
	// ScriptOff turns JavaScript off in every page.
	ScriptOff bool
	// Width and Height are the size of the window in CSS pixels; 0 means
	// 1280 × 900.
	Width, Height int
}

// Missing returns an error naming the browser when it is not installed.
func Missing() error {
	if _, err := os.Stat(Path); err != nil {
		return fmt.Errorf("chromium is missing at %s: install Debian's package chromium", Path)
	}
	return nil
}

// Start starts a browser. Close ends it, as does the end of parent.
func Start(parent context.Context, o Options) (*Browser, error) {
	if err := Missing(); err != nil {
		return nil, err
	}
	if o.Width == 0 {
		o.Width = 1280
	}
	if o.Height == 0 {
		o.Height = 900
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(Path),
		chromedp.UserDataDir(o.Profile),
		chromedp.WindowSize(o.Width, o.Height),
		chromedp.Flag("headless", "new"),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en-GB"),
	)
	alloc, stopAlloc := chromedp.NewExecAllocator(parent, flags...)
	b := &Browser{}
	ctx, stopTab := chromedp.NewContext(alloc, chromedp.WithListener(b.hear))
	b.ctx = ctx
	b.stop = func() {
		stopTab()
		stopAlloc()
	}

	// chromedp ties the life of the browser to the context of the first step,
	// so the deadline of the start has to end the browser from outside.
	late := time.AfterFunc(startDeadline, stopTab)
	defer late.Stop()
	err := chromedp.Do(ctx, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, audits.Enable, cdp.Empty{})
		return chromedp.Void{}, err
	})
	if err == nil && o.ScriptOff {
		err = b.Do("turn JavaScript off", func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled,
				emulation.SetScriptExecutionDisabledParams{Value: true})
			return chromedp.Void{}, err
		})
	}
	if err != nil {
		b.stop()
		return nil, fmt.Errorf("start %s: %w", Path, err)
	}
	return b, nil
}

// Close ends the browser process and waits for it.
func (b *Browser) Close() { b.stop() }

// Complaints returns what the browser complained about so far, oldest first.
func (b *Browser) Complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.complaints...)
}

// Forgive empties the list of complaints and returns what was on it, for the
// few steps that are meant to make the browser complain.
func (b *Browser) Forgive() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.complaints
	b.complaints = nil
	return was
}

// hear runs in the loop that reads the browser's messages, so it only writes
// down.
func (b *Browser) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		text := ""
		for _, arg := range e.Args {
			text += " " + string(arg.Value) + arg.Description
		}
		b.complain("console.%s:%s", e.Type, text)
	case *runtime.EventExceptionThrown:
		d := e.ExceptionDetails
		text := d.Text
		if d.Exception != nil {
			text += " " + d.Exception.Description
		}
		b.complain("exception: %s (%s:%d)", text, d.URL, d.LineNumber+1)
	case *log.EventEntryAdded:
		b.complain("log %s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *audits.EventIssueAdded:
		b.issue(e.Issue)
	case *network.EventRequestWillBeSent:
		if away(e.Request.URL) {
			b.complain("request to another machine: %s", e.Request.URL)
		}
	}
}

// issue writes down an issue of the developer tools. Two kinds are left out
// because they say nothing about a page: hints about the speed of this
// machine, and remarks that a cookie is not sent to another site.
func (b *Browser) issue(i *audits.InspectorIssue) {
	switch i.Code {
	case audits.InspectorIssueCodePerformanceIssue, audits.InspectorIssueCodeBounceTrackingIssue:
		return
	}
	text := ""
	if d := i.Details; d != nil {
		switch {
		case d.ContentSecurityPolicyIssueDetails != nil:
			v := d.ContentSecurityPolicyIssueDetails
			text = fmt.Sprintf("%s blocked %q", v.ViolatedDirective, v.BlockedURL)
		case d.GenericIssueDetails != nil:
			text = string(d.GenericIssueDetails.ErrorType) + " " + d.GenericIssueDetails.ViolatingNodeAttribute
		case d.DeprecationIssueDetails != nil:
			text = d.DeprecationIssueDetails.Type
		case d.CookieIssueDetails != nil:
			text = fmt.Sprintf("%v %v at %s", d.CookieIssueDetails.CookieWarningReasons,
				d.CookieIssueDetails.CookieExclusionReasons, d.CookieIssueDetails.CookieURL)
		}
	}
	b.complain("issue %s: %s", i.Code, text)
}

func (b *Browser) complain(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, fmt.Sprintf(format, args...))
}

// away reports whether a request leaves this machine.
func away(address string) bool {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "ws" && u.Scheme != "wss") {
		return false
	}
	if u.Hostname() == "localhost" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip == nil || !ip.IsLoopback()
}

// Do runs steps within one deadline; what names them in the error.
func (b *Browser) Do(what string, steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.ctx, stepDeadline)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Run runs one step that has a result within the deadline; what names it in
// the error.
func Run[T any](b *Browser, what string, step chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, stepDeadline)
	defer cancel()
	v, err := chromedp.Run(ctx, step)
	if err != nil {
		return v, fmt.Errorf("%s: %w", what, err)
	}
	return v, nil
}

// Address returns the address of the page that is shown.
func (b *Browser) Address() (*url.URL, error) {
	text, err := Run(b, "read the address", chromedp.Location())
	if err != nil {
		return nil, err
	}
	return url.Parse(text)
}

// Text returns the text of the page as a user sees it.
func (b *Browser) Text() (string, error) {
	return Run(b, "read the page", chromedp.Evaluate[string](`document.body.innerText`))
}

// Cookies returns the cookies that the browser would send to the page shown,
// by name.
func (b *Browser) Cookies() (map[string]string, error) {
	res, err := Run(b, "read the cookies", func(ctx context.Context, t *chromedp.Target) (network.GetCookiesResult, error) {
		return cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{})
	})
	if err != nil {
		return nil, err
	}
	cookies := map[string]string{}
	for _, c := range res.Cookies {
		cookies[c.Name] = c.Value
	}
	return cookies, nil
}

// Until runs steps and then waits until a page has loaded whose address
// satisfies arrived. Pages on the way (a redirect, a page that sends the
// browser on) are passed over.
func (b *Browser) Until(what string, arrived func(*url.URL) bool, steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.ctx, stepDeadline)
	defer cancel()
	loads := chromedp.Events(ctx, page.LoadEventFired)
	if err := chromedp.Do(ctx, steps...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	last := "no page"
	for _, err := range loads {
		if err != nil {
			return fmt.Errorf("%s: waited at %s: %w", what, b.whereabouts(last), err)
		}
		// The page may already be on its way to the next one; then there is
		// no address to ask for, and that page's load is still to come.
		text, err := chromedp.Run(ctx, chromedp.Location())
		if err != nil {
			continue
		}
		last = text
		if u, err := url.Parse(text); err == nil && arrived(u) {
			return nil
		}
	}
	return fmt.Errorf("%s: waited at %s: %w", what, b.whereabouts(last), errors.New("the page went away"))
}

// whereabouts describes the page for an error message: its address and the
// beginning of its text.
func (b *Browser) whereabouts(last string) string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return last
	}
	if r := []rune(text); len(r) > 1500 {
		text = string(r[:1500])
	}
	return last + "\n" + text + "\n"
}

// Script reports whether pages of this browser run their own JavaScript. It
// replaces the current page by an empty one.
func (b *Browser) Script() (bool, error) {
	const probe = `data:text/html,<!doctype html><title>off</title><script>document.title="on"</script>`
	title, err := Run(b, "probe JavaScript", func(ctx context.Context, t *chromedp.Target) (string, error) {
		if _, err := chromedp.Navigate(probe)(ctx, t); err != nil {
			return "", err
		}
		return chromedp.Title()(ctx, t)
	})
	return title == "on", err
}

// Prefer sets the colour scheme that the browser asks pages for: "light" or
// "dark". It asks for no motion, too, so that a page is never seen half-way.
func Prefer(scheme string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return chromedp.Void{}, err
	}
}

// Paper shows pages as they are printed, to somebody whose theme is dark.
func Paper(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
	_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
	return chromedp.Void{}, err
}
