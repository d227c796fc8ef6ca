// Command shots takes pictures of the main pages of a running portal in
// sandbox mode, wide and narrow, light and dark, and on paper, for the
// documentation and for the eye of whoever changes the look:
//
//	go run . -sandbox &
//	go run ./e2e/shots [-url http://localhost:8080] DIR [PATH…]
//
// With paths it takes those pages, in their order, instead of the main ones.
// It signs in as ada, the sandbox's account admin, and changes nothing at GoTo.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"portal/e2e/chrome"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "shots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("shots", flag.ContinueOnError)
	base := flags.String("url", "http://localhost:8080", "address of a portal started with -sandbox")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("name a folder for the pictures")
	}
	dir := flags.Arg(0)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	profile, err := os.MkdirTemp("", "portal-shots-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(profile)
	b, err := chrome.Start(ctx, chrome.Options{Profile: profile})
	if err != nil {
		return err
	}
	defer b.Close()

	c := camera{b, strings.TrimSuffix(*base, "/"), dir}
	if paths := flags.Args()[1:]; len(paths) > 0 {
		if err := c.connect(); err != nil {
			return err
		}
		for i, path := range paths {
			if err := c.take(fmt.Sprintf("page-%d", i+1), path); err != nil {
				return err
			}
		}
		return nil
	}
	if err := c.take("start", "/"); err != nil {
		return err
	}
	if err := c.take("setup", "/setup"); err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	meeting, err := c.firstLink("/meetings", `^/meetings/[0-9]+$`)
	if err != nil {
		return err
	}
	attendees, err := c.firstLink("/history", `^/meetings/[0-9]+/attendees`)
	if err != nil {
		return err
	}
	report, err := c.report()
	if err != nil {
		return err
	}
	for _, p := range []struct{ name, path string }{
		{"upcoming", "/meetings"},
		{"search", "/meetings?q=nothing+like+this"},
		{"week", "/calendar"},
		{"day", "/calendar?view=day"},
		{"new", "/meetings/new"},
		{"meeting", meeting},
		{"edit", meeting + "/edit"},
		{"delete", meeting + "/delete"},
		{"history", "/history"},
		{"attendees", attendees},
		{"erase", strings.Replace(attendees, "/attendees", "/erase", 1)},
		{"register", "/meetings/201480117/register"},
		{"aliases", "/people/aliases?meeting=201480117&person=n:guest"},
		{"reports", "/reports"},
		{"report", report},
		{"report-people", report + "?rows=people"},
		{"people", "/people"},
		{"settings", "/settings"},
		{"sessions", "/settings/sessions"},
		{"audit", "/audit"},
		{"help", "/help"},
	} {
		if err := c.take(p.name, p.path); err != nil {
			return err
		}
	}
	for _, complaint := range b.Complaints() {
		fmt.Println("the browser complains:", complaint)
	}
	// Last, since the browser complains of a missing page by itself.
	return c.take("not-found", "/meetings/letters")
}

// camera takes pictures of one portal into one folder.
type camera struct {
	*chrome.Browser
	base, dir string
}

// take photographs a page in four ways, and prints it, as a browser does whose
// theme is dark.
func (c camera) take(name, path string) error {
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			if err := c.Do("open "+path, chromedp.EmulateViewport(width, 844), chrome.Prefer(scheme), chromedp.Navigate(c.base+path)); err != nil {
				return err
			}
			picture, err := chrome.Run(c.Browser, "photograph "+path, chromedp.FullScreenshot(100))
			if err != nil {
				return err
			}
			file := filepath.Join(c.dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
			if err := os.WriteFile(file, picture, 0o600); err != nil {
				return err
			}
			if over, err := chrome.Run(c.Browser, "measure "+path, chromedp.Evaluate[int](
				`document.documentElement.scrollWidth - document.documentElement.clientWidth`)); err != nil {
				return err
			} else if over > 0 {
				fmt.Printf("%s at %d is %d pixels too wide\n", path, width, over)
			}
		}
	}
	paper, err := chrome.Run(c.Browser, "print "+path, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		printed, err := cdp.Call(ctx, t, page.PrintToPDF, page.PrintToPDFParams{PaperWidth: 8.27, PaperHeight: 11.69, PreferCSSPageSize: new(true)}) // A4
		return printed.Data, err
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.dir, name+"-print.pdf"), paper, 0o600)
}

// connect signs in as ada.
func (c camera) connect() error {
	at := func(path string) func(*url.URL) bool { return func(u *url.URL) bool { return u.Path == path } }
	if err := c.Do("open the start page", chromedp.Navigate(c.base+"/")); err != nil {
		return err
	}
	if err := c.Until("connect", at("/sandbox/oauth/authorize"),
		chromedp.Click(`(//a[starts-with(@href, "/auth/connect")])[1]`, chromedp.NodeVisible)); err != nil {
		return err
	}
	return c.Until("sign in as ada", at("/meetings"),
		chromedp.Click(`//button[@name="user" and @value="ada@example.test"]`, chromedp.NodeVisible))
}

// report makes the report on the account and returns its path.
func (c camera) report() (string, error) {
	if err := c.Do("open reports", chromedp.Navigate(c.base+"/reports")); err != nil {
		return "", err
	}
	made := func(u *url.URL) bool { return strings.HasPrefix(u.Path, "/reports/") }
	if err := c.Until("make the report", made, chromedp.Click(`//button[normalize-space()="Make the report"]`, chromedp.NodeVisible)); err != nil {
		return "", err
	}
	at, err := c.Address()
	if err != nil {
		return "", err
	}
	return at.Path, c.Do("wait for the report", chromedp.WaitVisible(`//main//dl[@class="tiles"]`))
}

// firstLink returns the first link on a page that matches the pattern.
func (c camera) firstLink(path, pattern string) (string, error) {
	if err := c.Do("open "+path, chromedp.Navigate(c.base+path)); err != nil {
		return "", err
	}
	return chrome.Run(c.Browser, "find a link on "+path, chromedp.Evaluate[string](fmt.Sprintf(
		`[...document.querySelectorAll("main a[href]")].map(a => a.getAttribute("href")).find(h => new RegExp(%q).test(h)) || ""`, pattern)))
}
