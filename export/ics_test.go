package export

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
)

// part reads one file of a workbook.
func part(t *testing.T, book []byte, name string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func board() Event {
	return Event{
		UID: "555012345@gotomeeting", Subject: "Board; draft, \\ one", Description: "Line one\r\nLine two, with a comma",
		URL: "https://meet.goto.com/555012345", Start: time.Date(2030, 1, 15, 11, 0, 0, 0, time.FixedZone("", 3600)), End: time.Date(2030, 1, 15, 11, 0, 0, 0, time.UTC),
		Stamp: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Sequence: 3, Organizer: `Ada "A." O'Neil, MD`, Email: "ada@example.test",
	}
}

func TestWriteICS(t *testing.T) {
	var b bytes.Buffer
	if err := (Calendar{Name: "GoToMeeting", Refresh: 30 * time.Minute, Events: []Event{board()}}).WriteICS(&b); err != nil {
		t.Fatal(err)
	}
	checkLines(t, b.String())
	flat := strings.ReplaceAll(b.String(), "\r\n ", "")
	for _, line := range []string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:PUBLISH", "X-WR-CALNAME:GoToMeeting", "REFRESH-INTERVAL;VALUE=DURATION:PT30M", "X-PUBLISHED-TTL:PT30M", "BEGIN:VEVENT", "UID:555012345@gotomeeting",
		"DTSTAMP:20300101T000000Z", "DTSTART:20300115T100000Z", "DTEND:20300115T110000Z", "SEQUENCE:3",
		`SUMMARY:Board\; draft\, \\ one`, `DESCRIPTION:Line one\nLine two\, with a comma`, "URL:https://meet.goto.com/555012345",
		"LOCATION:https://meet.goto.com/555012345", "ORGANIZER;CN=Ada A. O’Neil MD:mailto:ada@example.test", "END:VEVENT", "END:VCALENDAR",
	} {
		if !strings.Contains(flat, line+"\r\n") {
			t.Errorf("there is no line %q in\n%s", line, flat)
		}
	}
}

// checkLines fails unless every line ends in CRLF and has at most 75 octets.
func checkLines(t *testing.T, s string) {
	t.Helper()
	if !strings.HasSuffix(s, "\r\n") {
		t.Errorf("does not end in CRLF: %q", s)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
			t.Errorf("line of %d octets: %q", len(line), line)
		}
	}
}

func TestHostileEvents(t *testing.T) {
	e := board()
	e.Subject = "x\r\nATTACH:https://evil.example/\rBEGIN:VALARM\u2028y " + strings.Repeat("ü", 300)
	e.Description = "a\x00b\x1bc\u202ed\u2066e"
	e.URL = "javascript:alert(1)"
	e.Organizer = "Ada\r\nX-EVIL:1"
	e.Email = "ada@example.test\r\nX-EVIL:2"
	var b bytes.Buffer
	if err := (Calendar{Name: "x\r\nX-EVIL:3", Events: []Event{e}}).WriteICS(&b); err != nil {
		t.Fatal(err)
	}
	checkLines(t, b.String())
	for line := range strings.SplitSeq(b.String(), "\r\n") {
		for _, start := range []string{"ATTACH", "BEGIN:VALARM", "X-EVIL", "URL", "ORGANIZER"} {
			if strings.HasPrefix(line, start) {
				t.Errorf("there is a line %q", line)
			}
		}
	}
	if strings.ContainsAny(b.String(), "\x00\x1b\u202e\u2066") {
		t.Error("control characters stay")
	}
}

func FuzzICS(f *testing.F) {
	f.Add("Board", "a\nb", "Ada")
	f.Add("x\r\nATTACH:y", "\\n", `"'`)
	f.Add("\xff\xfe", strings.Repeat("ü ", 80), "<a>")
	f.Add(" ", ">>>", ";:,")
	f.Fuzz(func(t *testing.T, subject, description, name string) {
		e := board()
		e.Subject, e.Description, e.Organizer = subject, description, name
		var b bytes.Buffer
		if err := (Calendar{Name: name, Events: []Event{e}}).WriteICS(&b); err != nil {
			t.Fatal(err)
		}
		checkLines(t, b.String())
		cal, err := ics.ParseCalendar(strings.NewReader(b.String()))
		if err != nil || len(cal.Events()) != 1 {
			t.Fatalf("%q does not read back: %v", b.String(), err)
		}
		summary := strings.ReplaceAll(b.String(), "\r\n ", "")
		_, summary, _ = strings.Cut(summary, "\r\nSUMMARY:")
		summary, _, _ = strings.Cut(summary, "\r\n")
		if got := ics.FromText(summary); got != oneLine(subject) {
			t.Fatalf("subject %q reads back as %q", subject, got)
		}
	})
}
