package meetings

import (
	"fmt"
	"strings"
	"time"
)

// InvitationText is the plain text to paste into a mail: subject, day, time
// and zone, the join link alone on its line, the grouped meeting id, the
// dial-in text and the organizer. Never a host link.
func InvitationText(m Meeting, loc *time.Location) string {
	var b strings.Builder
	b.WriteString(Plain(m.Subject) + "\n")
	switch {
	case m.Type == Recurring || m.Start.IsZero():
		b.WriteString("This room has no fixed time.\n")
	default:
		start, end := m.Start.In(loc), m.End.In(loc)
		fmt.Fprintf(&b, "%s, %s – %s\n", start.Format("Monday 2 January 2006"), start.Format("15:04"), endClock(start, end))
		fmt.Fprintf(&b, "%s\n", ZoneLabel(loc, m.Start))
	}
	fmt.Fprintf(&b, "\n%s\nMeeting ID %s\n", m.JoinURL, GroupID(m.ID))
	if m.PasswordRequired {
		b.WriteString("A password is needed; the organizer gives it to you.\n")
	}
	if dial := strings.TrimSpace(Plain(m.DialIn)); dial != "" {
		b.WriteString("\n" + dial + "\n")
	}
	if who := Plain(m.Organizer.Label()); who != "" {
		b.WriteString("\nOrganizer: " + who + "\n")
	}
	return b.String()
}

func endClock(start, end time.Time) string {
	if start.YearDay() != end.YearDay() {
		return end.Format("Monday 2 January 15:04")
	}
	return end.Format("15:04")
}

// ZoneLabel names loc for people with its offset at t: "Berlin (UTC+1)".
func ZoneLabel(loc *time.Location, t time.Time) string {
	name := loc.String()
	if name == "UTC" {
		return name
	}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	return strings.ReplaceAll(name, "_", " ") + " (" + Offset(loc, t) + ")"
}

// Offset writes loc's offset at t: "UTC+5:30".
func Offset(loc *time.Location, t time.Time) string {
	_, seconds := t.In(loc).Zone()
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	if seconds == 0 {
		return "UTC"
	}
	if minutes := seconds / 60 % 60; minutes != 0 {
		return fmt.Sprintf("UTC%s%d:%02d", sign, seconds/3600, minutes)
	}
	return fmt.Sprintf("UTC%s%d", sign, seconds/3600)
}
