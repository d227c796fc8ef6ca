package handlers_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// What holds for the markup of every page, in whatever state, under a path
// prefix.
func TestMarkupOfEveryPage(t *testing.T) {
	p := newPortalWith(t, options{prefix: "/portal"})
	for _, user := range []string{"ada", "ben"} {
		b := p.connected(user)
		id := b.create()
		past := b.firstPast()
		erase := strings.Replace(past, "/attendees", "/erase", 1)
		for name, res := range map[string]answer{
			"start":             p.browser().get("/portal/?return=%2Fmeetings"),
			"set-up":            p.browser().get("/portal/setup"),
			"refused callback":  p.browser().get("/portal/auth/callback?state=x&code=y"),
			"help":              b.get("/portal/help"),
			"settings":          b.get("/portal/settings"),
			"sessions":          b.get("/portal/settings/sessions"),
			"asking for a feed": b.post("/portal/settings/feed", url.Values{"action": {"create"}}),
			"a new feed":        b.createFeed(user + "@example.test"),
			"settings, feed":    b.get("/portal/settings"),
			"no feed chosen":    b.post("/portal/settings/feed", nil),
			"feed, denied":      b.createFeed("deny"),
			"feed, by another":  b.createFeed("cleo@example.test"),
			"no such feed":      b.get("/portal/feed/x"),
			"no session chosen": b.post("/portal/settings/sessions", nil),
			"upcoming":          b.get("/portal/meetings"),
			"nothing found":     b.get("/portal/meetings?q=nothing+like+this"),
			"sorted":            b.get("/portal/meetings?sort=subject&dir=desc"),
			"week":              b.get("/portal/calendar"),
			"day":               b.get("/portal/calendar?view=day&date=2030-01-15"),
			"no date":           b.get("/portal/calendar?date=soon"),
			"clocks set":        b.get("/portal/calendar?date=2030-03-31"),
			"new":               b.get("/portal/meetings/new"),
			"refused":           b.post("/portal/meetings", url.Values{"subject": {""}, "co_organizer_keys": {"x"}, "meeting_type": {"y"}}),
			"rows of keys":      b.post("/portal/meetings", plan("add", "row", "co_organizer_keys", "8439885694023990002")),
			"meeting":           b.get("/portal/meetings/" + id),
			"edit":              b.get("/portal/meetings/" + id + "/edit"),
			"changed elsewhere": b.post("/portal/meetings/"+id, plan("subject", "Another", "co_organizer_keys", "12345", "read", "?")),
			"deleted elsewhere": b.post("/portal/meetings/999999999", plan("read", "?")),
			"delete":            b.get("/portal/meetings/" + id + "/delete"),
			"nothing held":      b.get("/portal/pending"),
			"starting":          b.post("/portal/meetings/"+id+"/start", nil),
			"nobody came":       b.get("/portal/meetings/" + id + "/attendees"),
			"attendees":         b.get(past),
			"no such attendee":  b.get(past + "&q=nothing+like+this"),
			"attendees asked":   b.get(past + "&threshold=10&of=scheduled&show=late&show=noemail&late=0&quorum=2&sort=share&dir=desc"),
			"refused numbers":   b.get(past + "&threshold=abc&late=-5&early=x&quorum=1.5"),
			"joins":             b.get(past + "&rows=joins&sort=leave"),
			"erase":             b.get(erase),
			"erase, not sure":   b.post(erase, url.Values{"what": {"session"}}),
			"nothing to erase":  b.get("/portal/meetings/" + id + "/erase"),
			"register":          b.get(registerAt(past)),
			"register asked":    b.get(registerAt(past) + "?cells=ticks&q=a&sort=attended&dir=desc&from=2020-01-01"),
			"empty register":    b.get(registerAt(past) + "?to=2020-01-01"),
			"bad register":      b.get(registerAt(past) + "?from=soon&to=never"),
			"who is who":        b.get("/portal/people/aliases"),
			"whom to choose":    b.get("/portal/people/aliases?meeting=" + meetingOf(past)),
			"who is it":         b.get("/portal/people/aliases?person=n:x&q=a&meeting=" + meetingOf(past)),
			"refused join":      b.post("/portal/people/aliases", url.Values{"action": {"join"}, "person": {"n:x"}, "meeting": {meetingOf(past)}}),
			"refused split":     b.post("/portal/people/aliases", url.Values{"action": {"split"}}),
			"refused undo":      b.post("/portal/people/aliases", url.Values{"action": {"undo"}}),
			"history":           b.get("/portal/history"),
			"all history":       b.get("/portal/history?organizer=all&from=2020-01-01&to=2020-02-01"),
			"times":             b.get("/portal/history?from=2020-01-01T10:00&to=2020-02-01T11:00"),
			"bad range":         b.get("/portal/history?from=soon&to=never"),
			"audit":             b.get("/portal/audit"),
			"people":            b.get("/portal/people"),
			"refused invite":    b.post("/portal/people", url.Values{}),
			"refused name":      b.post("/portal/people/names", url.Values{"key": {"x"}}),
			"not found":         b.get("/portal/nowhere"),
			"no meeting":        b.get("/portal/meetings/abc"),
			"cross-site":        b.post("/portal/meetings", plan(), "Origin", "https://evil.example"),
			"another organizer": b.get("/portal/meetings?organizer=8439885694023990003"),
		} {
			checkMarkup(t, user+", "+name, res)
		}
		looks := []string{"/portal/meetings", "/portal/calendar", "/portal/meetings/" + id, "/portal/meetings/" + id + "/attendees", past, registerAt(past), "/portal/history"}
		for _, path := range looks {
			b.get(path)
		}
		p.sandbox.Control(map[string]any{"faults": []any{fault("GET /G2M/rest/*", "html", "times", 0), fault("GET /G2M/rest/*/*", "html", "times", 0), fault("GET /G2M/rest/*/*/*", "html", "times", 0)}})
		p.ahead.Add(int64(time.Minute))
		for _, path := range looks {
			res := b.get(path)
			checkMarkup(t, user+", old "+path, res)
			if again := res.doc(t).Find(".note.warning a").AttrOr("href", ""); res.StatusCode != 200 || again != path {
				t.Errorf("%s, old %s: %d, to be tried again at %q", user, path, res.StatusCode, again)
			}
		}
		p.sandbox.Control(map[string]any{"faults": []any{}})
		b.hold(id)
		for name, res := range map[string]answer{
			"list with a held delete":    b.get("/portal/meetings"),
			"calendar with it":           b.get("/portal/calendar?date=2030-01-15"),
			"meeting with a held delete": b.get("/portal/meetings/" + id),
			"held deletes":               b.get("/portal/pending"),
			"in the way of an edit":      b.get("/portal/meetings/" + id + "/edit"),
			"in the way of saving":       b.post("/portal/meetings/"+id, plan()),
		} {
			checkMarkup(t, user+", "+name, res)
		}
	}
}

func checkMarkup(t *testing.T, name string, res answer) {
	t.Helper()
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%s: %d %s", name, res.StatusCode, res.Header.Get("Content-Type"))
		return
	}
	doc := res.doc(t)
	if n := doc.Find("h1").Length(); n != 1 {
		t.Errorf("%s: %d h1", name, n)
	}
	if doc.Find("html").AttrOr("lang", "") == "" || len(doc.Find("title").Text()) < 5 || doc.Find("main").Length() != 1 {
		t.Errorf("%s: language, title or main is missing", name)
	}
	ids := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if id == "" || ids[id] {
			t.Errorf("%s: id %q is empty or there twice", name, id)
		}
		ids[id] = true
	})
	for _, attr := range []string{"aria-describedby", "aria-labelledby", "for"} {
		doc.Find("[" + attr + "]").Each(func(_ int, s *goquery.Selection) {
			for _, id := range strings.Fields(s.AttrOr(attr, "")) {
				if !ids[id] {
					t.Errorf("%s: %s points to %q, which is not there", name, attr, id)
				}
			}
		})
	}
	doc.Find("input, select, textarea").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("type", "") == "hidden" || s.AttrOr("aria-label", "") != "" || s.Closest("label").Length() == 1 {
			return
		}
		if doc.Find(`label[for="`+s.AttrOr("id", "?")+`"]`).Length() != 1 {
			t.Errorf("%s: %s has no label", name, s.AttrOr("name", "a field"))
		}
	})
	doc.Find("button, a").Each(func(_ int, s *goquery.Selection) {
		if strings.TrimSpace(s.Text()) == "" && s.AttrOr("aria-label", "") == "" {
			t.Errorf("%s: a button or link without a name", name)
		}
	})
	doc.Find("table").Each(func(_ int, s *goquery.Selection) {
		if s.Find("caption").Length() != 1 || s.Find("thead th:not([scope=col])").Length() > 0 || s.Find("tbody tr > th:not([scope=row])").Length() > 0 {
			t.Errorf("%s: a table without caption or scopes", name)
		}
		columns := s.Find("thead th").Length()
		s.Find("tbody tr, tfoot tr").Each(func(_ int, row *goquery.Selection) {
			cells := 0
			row.Children().Each(func(_ int, cell *goquery.Selection) {
				wide, _ := strconv.Atoi(cell.AttrOr("colspan", "1"))
				cells += wide
			})
			if cells != columns {
				t.Errorf("%s: a row of %d cells under %d columns", name, cells, columns)
			}
		})
	})
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		if s.Is("style") || (s.Is("script") && s.AttrOr("src", "") == "") {
			t.Errorf("%s: an inline %s", name, goquery.NodeName(s))
		}
		for _, a := range s.Get(0).Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || strings.HasPrefix(a.Val, "js:") {
				t.Errorf("%s: attribute %s", name, a.Key)
			}
			switch a.Key {
			case "href", "src", "action", "hx-get", "hx-post", "formaction":
				switch {
				case strings.HasPrefix(a.Val, "#"), strings.HasPrefix(a.Val, "mailto:"), strings.HasPrefix(a.Val, "https://"):
				case strings.HasPrefix(a.Val, "http://127.0.0.1"), strings.HasPrefix(a.Val, "http://localhost"): // the sandbox's
				case a.Val != "/portal/" && !strings.HasPrefix(a.Val, "/portal/"):
					t.Errorf("%s: %s=%q leaves the portal", name, a.Key, a.Val)
				}
			}
		}
	})
}

// meetingOf is the meeting that an address of attendees is about.
func meetingOf(past string) string {
	return strings.Split(past[strings.Index(past, "/meetings/"):], "/")[2]
}

// registerAt is the address of the register beside that of attendees.
func registerAt(past string) string { return strings.Split(past, "/attendees")[0] + "/register" }

// firstPast is the address of the attendees of the newest past meeting.
func (b *browser) firstPast() string {
	b.t.Helper()
	link := b.get(b.portal.prefix+"/history").doc(b.t).Find("tbody th a").First().AttrOr("href", "")
	if !strings.HasPrefix(link, b.portal.prefix+"/meetings/") {
		b.t.Fatalf("history leads to %q", link)
	}
	return link
}
