package export

import (
	"io"
	"net/url"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"
)

// Event is one meeting in a calendar.
type Event struct {
	UID         string // stable for a meeting, so that a later file updates the entry
	Subject     string
	Description string // plain text, of several lines
	Location    string
	URL         string // http or https; anything else is left out
	Start, End  time.Time
	Stamp       time.Time // when the event was described so
	Sequence    int       // raised with each change of a meeting
	Organizer   string    // name
	Email       string    // the organizer's; without it no organizer is written
}

// WriteICS writes events as an iCalendar file (RFC 5545) for publishing, with
// name as the calendar's. Times are UTC instants. A host URL must never be
// among what an Event holds.
func WriteICS(w io.Writer, name string, events []Event) error {
	cal := ics.NewCalendarFor("GoToMeeting Portal")
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName(calendarText(name))
	for _, e := range events {
		v := cal.AddEvent(calendarText(e.UID))
		v.SetDtStampTime(e.Stamp)
		v.SetStartAt(e.Start)
		v.SetEndAt(e.End)
		v.SetSequence(e.Sequence)
		v.SetSummary(calendarText(e.Subject))
		if e.Description != "" {
			v.SetDescription(calendarText(e.Description))
		}
		if link, ok := webAddress(e.URL); ok {
			v.SetURL(link)
			if e.Location == "" {
				e.Location = link // calendars offer to open what they find there
			}
		}
		if e.Location != "" {
			v.SetLocation(calendarText(e.Location))
		}
		if mailAddress(e.Email) {
			var named []ics.PropertyParameter
			if cn := parameterText(e.Organizer); cn != "" {
				named = append(named, ics.WithCN(cn))
			}
			v.SetOrganizer(e.Email, named...)
		}
	}
	return cal.SerializeTo(w, ics.WithNewLineWindows)
}

// calendarText keeps the control characters out that would end a line.
func calendarText(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(strings.ToValidUTF8(s, "\ufffd"))
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
}

// parameterText also replaces what a parameter can hold only with escapes
// that calendars disagree about.
func parameterText(s string) string {
	s = strings.NewReplacer(`"`, " ", `\`, " ", ";", " ", ":", " ", ",", " ", "'", "’", "\n", " ", "\t", " ").Replace(calendarText(s))
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
