package handlers

import (
	"fmt"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/meetings"
)

// zone is the user's time zone as GoTo knows it, UTC when it does not say.
func zone(c echo.Context) *time.Location {
	if s := session(c); s != nil {
		return zoneOf(s.User())
	}
	return time.UTC
}

func zoneOf(u auth.Identity) *time.Location {
	if u.TimeZone != "" && u.TimeZone != "Local" {
		if loc, err := time.LoadLocation(u.TimeZone); err == nil {
			return loc
		}
	}
	return time.UTC
}

// dayLabel names a day for people: a word when it is near, and the date.
func dayLabel(t, now time.Time) (word, date string) {
	date = t.Format("Monday, 2 January")
	if t.Year() != now.Year() {
		date = t.Format("Monday, 2 January 2006")
	}
	switch daysBetween(now, t) {
	case 0:
		return "Today", date
	case 1:
		return "Tomorrow", date
	case -1:
		return "Yesterday", date
	}
	return "", date
}

// moment names a point in time in the past within a sentence: "today, 14:05",
// "Tue 24 Nov, 14:05".
func moment(t, now time.Time) string {
	word, _ := dayLabel(t, now)
	switch {
	case word != "":
		return strings.ToLower(word) + ", " + t.Format("15:04")
	case t.Year() != now.Year():
		return t.Format("2 Jan 2006, 15:04")
	}
	return t.Format("Mon 2 Jan, 15:04")
}

// daysBetween counts calendar days from a to b in their own zones.
func daysBetween(a, b time.Time) int {
	day := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(day(b).Sub(day(a)) / (24 * time.Hour))
}

// span writes a start and an end as clock times, naming the day of the end
// when it is another.
func span(start, end time.Time) string {
	if start.IsZero() {
		return ""
	}
	if end.IsZero() {
		return start.Format("15:04")
	}
	if daysBetween(start, end) != 0 {
		return start.Format("15:04") + " – " + end.Format("Mon 15:04")
	}
	return start.Format("15:04") + " – " + end.Format("15:04")
}

// length writes a number of minutes for people.
func length(minutes int) string {
	if minutes < 60 {
		return fmt.Sprintf("%d min", minutes)
	}
	if minutes%60 == 0 {
		return fmt.Sprintf("%d h", minutes/60)
	}
	return fmt.Sprintf("%d h %02d min", minutes/60, minutes%60)
}

// until says how far off t is: "in 12 minutes", "started 5 min ago".
func until(t, now time.Time) string {
	d := t.Sub(now)
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("in %d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("in %d hours", int(d.Hours()))
	case d >= 2*time.Minute:
		return fmt.Sprintf("in %d minutes", int(d.Minutes()))
	case d >= -time.Minute:
		return "now"
	case d > -2*time.Hour:
		return fmt.Sprintf("started %d min ago", int(-d.Minutes()))
	}
	return fmt.Sprintf("started %d hours ago", int(-d.Hours()))
}

// count writes n with the right form of a noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

var typeNames = map[string]string{meetings.Scheduled: "Scheduled", meetings.Recurring: "Room", meetings.Immediate: "Immediate"}

func typeName(t string) string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return t
}

var audioNames = map[string]string{
	meetings.AudioHybrid: "Computer and phone", meetings.AudioVoIP: "Computer only", meetings.AudioPSTN: "Phone only",
	meetings.AudioFree: "Computer and toll-free phone", meetings.AudioPrivate: "None: we use our own conference", meetings.AudioCustom: "Our own text",
}

// audioOptions are the choices of the form, the usual first.
var audioOptions = []string{meetings.AudioHybrid, meetings.AudioVoIP, meetings.AudioPSTN, meetings.AudioFree, meetings.AudioPrivate, meetings.AudioCustom}

func licences(list []string) string { return strings.Join(list, ", ") }
