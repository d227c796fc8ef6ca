package export

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
)

// Event is a meeting in a calendar.
type Event struct {
	UID         string // stable for the meeting's life
	Subject     string
	Description string
	URL         string // the join link, http(s) or left out; never a host link
	Start, End  time.Time
	Stamp       time.Time // when this was said
	Sequence    int
	Organizer   string // display name
	Email       string // the organizer's; "" leaves the organizer out
}

// Calendar is an iCalendar object.
type Calendar struct {
	Name    string        // "" has none
	Refresh time.Duration // how often whoever subscribes should ask again, in minutes; 0 for a file
	Events  []Event
}

// WriteICS writes the calendar, times as UTC instants.
func (c Calendar) WriteICS(w io.Writer) error {
	cal := ics.NewCalendarFor("GoToMeeting Portal")
	cal.SetMethod(ics.MethodPublish)
	if c.Name != "" {
		cal.SetXWRCalName(oneLine(c.Name))
	}
	if c.Refresh > 0 {
		every := fmt.Sprintf("PT%dM", int(c.Refresh.Minutes()))
		cal.SetRefreshInterval(every) // RFC 7986
		cal.SetXPublishedTTL(every)   // what was understood before that, and still is
	}
	for _, e := range c.Events {
		v := cal.AddEvent(oneLine(e.UID))
		v.SetDtStampTime(e.Stamp.UTC())
		v.SetStartAt(e.Start.UTC())
		v.SetEndAt(e.End.UTC())
		v.SetSummary(oneLine(e.Subject))
		v.SetSequence(e.Sequence)
		if e.Description != "" {
			v.SetDescription(lines(e.Description))
		}
		if link, ok := webAddress(e.URL); ok {
			v.SetURL(link)
			v.SetLocation(link)
		}
		if mailAddress(e.Email) {
			var named []ics.PropertyParameter
			if cn := parameter(e.Organizer); cn != "" {
				named = append(named, ics.WithCN(cn))
			}
			v.SetOrganizer("mailto:"+e.Email, named...)
		}
	}
	if err := cal.SerializeTo(w, ics.WithNewLineWindows); err != nil {
		return fmt.Errorf("writing calendar: %w", err)
	}
	return nil
}

// oneLine drops control characters, line ends above all: they would let a name
// add lines of its own. Those that turn the direction of text go without trace.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069' {
			return -1
		}
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// lines keeps a text's line ends, as the only kind that the library escapes.
func lines(s string) string {
	parts := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(s), "\n")
	for i := range parts {
		parts[i] = oneLine(parts[i])
	}
	return strings.Join(parts, "\n")
}

// parameter drops what a parameter can hold only with escapes: the library's
// are backslashes, which RFC 5545 does not know there.
func parameter(s string) string {
	s = strings.NewReplacer(`"`, " ", `\`, " ", ";", " ", ":", " ", ",", " ", "'", "’").Replace(oneLine(s))
	return strings.Join(strings.Fields(s), " ")
}

func webAddress(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", false
	}
	return u.String(), true
}

// mailAddress reports whether s can stand behind "mailto:" as it is.
func mailAddress(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && host != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"\<>()[],;:?&#%`, r)
	})
}
