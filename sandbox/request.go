package sandbox

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// meetingReq is the body of create and update. Keys are matched without
// regard to case, and kinds are checked by hand, since real clients send
// booleans as strings and leave the zone out.
type meetingReq struct {
	Subject  *string   `json:"subject"`
	Start    *string   `json:"starttime"`
	End      *string   `json:"endtime"`
	Password any       `json:"passwordrequired"`
	Audio    *string   `json:"conferencecallinfo"`
	Zone     any       `json:"timezonekey"`
	Type     *string   `json:"meetingtype"`
	Co       *[]string `json:"coorganizerKeys"`
}

// audioWords are the options; anything else up to 255 characters is the
// organizer's own text.
var audioWords = []string{"PSTN", "Free", "Hybrid", "Private", "VoIP"}

// fill checks the body and writes it into mt; the error is for a 400.
func (m *model) fill(mt *meeting, body []byte) error {
	var req meetingReq
	if err := json.Unmarshal(body, &req); err != nil {
		return fmt.Errorf("body is not a meeting: %w", err)
	}
	for _, f := range []struct {
		name string
		text *string
	}{{"subject", req.Subject}, {"starttime", req.Start}, {"endtime", req.End}, {"conferencecallinfo", req.Audio}, {"meetingtype", req.Type}} {
		if f.text == nil || strings.TrimSpace(*f.text) == "" {
			return fmt.Errorf("%s is required", f.name)
		}
	}
	subject := entities(*req.Subject)
	if utf8.RuneCountInString(subject) > 100 { // as sent: an angle bracket counts four
		return fmt.Errorf("subject is longer than 100 characters")
	}
	start, err := parseTime(*req.Start)
	if err != nil {
		return fmt.Errorf("starttime: %w", err)
	}
	end, err := parseTime(*req.End)
	if err != nil {
		return fmt.Errorf("endtime: %w", err)
	}
	if !end.After(start) {
		return fmt.Errorf("endtime is not after starttime")
	}
	password, err := parseFlag(req.Password)
	if err != nil {
		return err
	}
	kind := strings.ToLower(*req.Type)
	if !slices.Contains([]string{"scheduled", "recurring", "immediate"}, kind) {
		return fmt.Errorf("meetingtype %q is unknown", *req.Type)
	}
	audio := *req.Audio
	if utf8.RuneCountInString(audio) > 255 {
		return fmt.Errorf("conferencecallinfo is longer than 255 characters")
	}
	for _, word := range audioWords {
		if strings.EqualFold(word, audio) {
			audio = word
		}
	}
	// What GoTo does with an unknown co-organizer is not established: the
	// sandbox keeps any key that can be one.
	co := []string{}
	if req.Co != nil {
		co = slices.Clone(*req.Co)
	}
	for _, key := range co {
		if n, err := strconv.ParseUint(key, 10, 64); err != nil || n == 0 {
			return fmt.Errorf("coorganizerKeys: %q is no key", key)
		}
	}
	mt.Subject, mt.Start, mt.End, mt.Password, mt.Type, mt.Audio, mt.Co = subject, start, end, password, kind, audio, co
	return nil
}

func parseFlag(v any) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		if b, err := strconv.ParseBool(strings.ToLower(v)); err == nil {
			return b, nil
		}
	}
	return false, fmt.Errorf("passwordrequired is required and must be true or false")
}

// looseTime takes unpadded parts, missing zone and fractions, all of which
// were seen; a zone other than UTC was not, and is refused.
var looseTime = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})T(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:\.\d*)?(?:Z|\+00:?00)?$`)

func parseTime(text string) (time.Time, error) {
	g := looseTime.FindStringSubmatch(strings.TrimSpace(text))
	if g == nil {
		return time.Time{}, fmt.Errorf("%q is not an ISO 8601 time in UTC", text)
	}
	var n [6]int
	for i := range n {
		n[i], _ = strconv.Atoi(g[i+1]) // digits or empty
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
	if t.Year() != n[0] || int(t.Month()) != n[1] || t.Day() != n[2] || t.Hour() != n[3] || t.Minute() != n[4] || t.Second() != n[5] {
		return time.Time{}, fmt.Errorf("%q is not a time", text)
	}
	return t, nil
}

// dateRange reads startDate and endDate; when both may be missing, all of
// time is meant.
func dateRange(c *call, required bool) (from, to time.Time, err error) {
	q := c.r.URL.Query()
	from, to = time.Time{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, f := range []struct {
		name string
		into *time.Time
	}{{"startDate", &from}, {"endDate", &to}} {
		text := strings.ReplaceAll(q.Get(f.name), " ", "+") // a raw + arrives as a space
		if text == "" && !required {
			continue
		}
		if *f.into, err = parseTime(text); err != nil {
			return from, to, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if to.Before(from) {
		return from, to, fmt.Errorf("endDate is before startDate")
	}
	return from, to, nil
}
