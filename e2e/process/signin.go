package process

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// SignIn connects a user of the sandbox, named by e-mail, at the portal whose
// origin is given, as a browser does, and returns its Cookie header.
func SignIn(origin, user string) (cookie string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Jar: jar}
	consent, err := client.Get(origin + "/auth/connect") // #nosec G107 -- a test's own portal
	if err != nil {
		return "", fmt.Errorf("connect: %w", err)
	}
	defer consent.Body.Close()
	page, err := goquery.NewDocumentFromReader(consent.Body)
	if err != nil {
		return "", fmt.Errorf("read the consent page: %w", err)
	}
	form := url.Values{"user": {user}}
	page.Find("form input[type=hidden]").Each(func(_ int, s *goquery.Selection) {
		form.Add(s.AttrOr("name", ""), s.AttrOr("value", ""))
	})
	action, found := page.Find("form").Attr("action")
	if !found {
		return "", fmt.Errorf("%s is no consent page", consent.Request.URL.Path)
	}
	to, err := consent.Request.URL.Parse(action)
	if err != nil {
		return "", fmt.Errorf("read the consent page: %w", err)
	}
	back, err := client.PostForm(to.String(), form)
	if err != nil {
		return "", fmt.Errorf("consent: %w", err)
	}
	defer back.Body.Close()
	if back.StatusCode != http.StatusOK {
		return "", fmt.Errorf("signed in as %s, the portal answers %s", user, back.Status)
	}
	home, err := url.Parse(origin)
	if err != nil {
		return "", err
	}
	var cookies []string
	for _, c := range jar.Cookies(home) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if len(cookies) == 0 {
		return "", errors.New("the portal set no cookie")
	}
	return strings.Join(cookies, "; "), nil
}
