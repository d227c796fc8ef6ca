package reports

import (
	"time"

	"portal/attendance"
	"portal/meetings"
)

// Session is a session for ResultOf.
type Session struct {
	Organizer, MeetingID, Subject string
	Start                         time.Time
	Minutes, Told                 int
	Came                          []attendance.Join
	Keyless                       bool // the rows name no instance
}

// ResultOf is what a report on these organizers would have read.
func ResultOf(organizers []string, list ...Session) *Result {
	r := &Result{Taken: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, key := range organizers {
		var theirs []session
		for _, s := range list {
			if s.Organizer != key {
				continue
			}
			end := s.Start.Add(time.Duration(s.Minutes) * time.Minute)
			p := meetings.Past{MeetingID: s.MeetingID, SessionID: s.MeetingID + s.Start.Format("-150405"), Subject: s.Subject, Start: s.Start, End: end, Minutes: s.Minutes, Attendees: s.Told}
			came := attendance.Occurrence{InstanceKey: "i" + p.SessionID, Start: s.Start, End: end, Joins: s.Came}
			if s.Keyless {
				came.InstanceKey = ""
			}
			if len(s.Came) == 0 {
				came = attendance.Occurrence{}
			}
			theirs = append(theirs, session{p, came})
		}
		r.add(meetings.Person{Key: key, Name: "Organizer " + key}, theirs, 0)
	}
	return r
}

// Pack is what a result is sealed as, and Unpack what it was.
func (s *Service) Pack(r Result) (sealed []byte, err error) {
	_, sealed, err = s.seal("x", r)
	return sealed, err
}

func (s *Service) Unpack(keyID string, sealed []byte) (*Result, error) {
	return s.open(Row{ID: "x", KeyID: keyID, Result: sealed})
}

// Pair is pair for a test: by start, who came to each session.
func Pair(past []meetings.Past, came []meetings.Attendance, from, to time.Time) (instances []string, strays int) {
	list, strays := pair(past, came, windows(from, to))
	for _, s := range list {
		instances = append(instances, s.came.InstanceKey)
	}
	return instances, strays
}

// Windows are the starts and the end of the windows of a range.
func Windows(from, to time.Time) []time.Time {
	var list []time.Time
	for _, w := range windows(from, to) {
		list = append(list, w.Start)
	}
	return append(list, to)
}
