package export

import (
	"fmt"
	"io"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
)

// Event is a meeting in a calendar.
type Event struct {
	UID         string // stable for the meeting's life
	Subject     string
	Description string
	URL         string // the join link; never a host link
	Start, End  time.Time
	Stamp       time.Time // when this was said
	Sequence    int
	Organizer   string // display name
	Email       string // the organizer's; "" leaves the organizer out
}

// WriteICS writes the events as an iCalendar object, times as UTC instants.
func WriteICS(w io.Writer, name string, events []Event) error {
	cal := ics.NewCalendarFor("GoToMeeting Portal")
	cal.SetMethod(ics.MethodPublish)
	if name != "" {
		cal.SetXWRCalName(oneLine(name))
	}
	for _, e := range events {
		v := cal.AddEvent(oneLine(e.UID))
		v.SetDtStampTime(e.Stamp.UTC())
		v.SetStartAt(e.Start.UTC())
		v.SetEndAt(e.End.UTC())
		v.SetSummary(oneLine(e.Subject))
		v.SetSequence(e.Sequence)
		if e.Description != "" {
			v.SetDescription(strings.ReplaceAll(printable(e.Description), "\r\n", "\n"))
		}
		if e.URL != "" {
			v.SetURL(e.URL)
			v.SetLocation(e.URL)
		}
		if e.Email != "" {
			v.SetOrganizer("mailto:"+oneLine(e.Email), ics.WithCN(strings.ReplaceAll(oneLine(e.Organizer), `"`, "'")))
		}
	}
	if err := cal.SerializeTo(w, ics.WithNewLineWindows); err != nil {
		return fmt.Errorf("writing calendar: %w", err)
	}
	return nil
}

// oneLine drops control characters, line ends above all: they would let a name
// add lines of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
