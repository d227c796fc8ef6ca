package auth

import "strings"

// browserMarks and systemMarks name what a User-Agent header claims to be, the
// most particular first: Edge says that it is Chrome, and Chrome that it is
// Safari.
var (
	browserMarks = []mark{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Chromium/", "Chrome"}, {"Safari/", "Safari"},
	}
	systemMarks = []mark{
		{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"CrOS", "ChromeOS"},
		{"Macintosh", "Mac"}, {"Linux", "Linux"},
	}
)

type mark struct{ in, name string }

// browserName turns a User-Agent header into a coarse name, "Firefox on
// Windows", by which people know their devices; "" when it says neither
// browser nor system. It holds nothing of the header itself.
func browserName(userAgent string) string {
	browser, system := find(browserMarks, userAgent), find(systemMarks, userAgent)
	switch {
	case browser == "":
		return system
	case system == "":
		return browser
	}
	return browser + " on " + system
}

func find(marks []mark, userAgent string) string {
	for _, m := range marks {
		if strings.Contains(userAgent, m.in) {
			return m.name
		}
	}
	return ""
}
