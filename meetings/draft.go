package meetings

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"portal/gotomeeting"
)

// The audio options of GoTo's conferencecallinfo, and AudioCustom, which is
// ours: it stands for the organizer's own text.
const (
	AudioVoIP    = "VoIP"
	AudioPSTN    = "PSTN"
	AudioFree    = "Free"
	AudioHybrid  = "Hybrid"
	AudioPrivate = "Private"
	AudioCustom  = "custom"
)

// The meeting types of GoTo.
const (
	Scheduled = "scheduled"
	Recurring = "recurring"
	Immediate = "immediate"
)

// Limits of a meeting, from GoTo's specification except MaxMinutes, which is
// ours: nothing longer than a day is a meeting.
const (
	MaxSubject   = 100
	MaxAudioText = 255
	MaxMinutes   = 24 * 60
	// MaxCoOrganizers bounds what one form may carry.
	MaxCoOrganizers = 100
)

// Draft is a meeting as somebody typed it: every field is text and is kept as
// it came, so that a refused form can be shown again unchanged.
type Draft struct {
	Subject          string
	StartDate        string // YYYY-MM-DD
	StartTime        string // HH:MM, forgiving: 9, 9:00, 0900, 9am
	Duration         string // whole minutes
	TimeZone         string // IANA name
	Fold             string // "first" or "second", when the wall time happens twice
	Type             string
	PasswordRequired bool
	Audio            string
	AudioText        string
	CoOrganizerKeys  []string // each entry one or many keys
}

// Plan is a meeting that can be sent to GoTo.
type Plan struct {
	Subject          string
	Start, End       time.Time // UTC
	Anytime          bool      // no start was given: Start is the time of the check
	Type             string
	PasswordRequired bool
	Audio            string
	AudioText        string
	CoOrganizerKeys  []string
}

// Problem is one refusal, to be shown beside the field it names.
type Problem struct {
	Field string // the form field's name
	Text  string // what is wrong and what to do
}

// Check turns a draft into a plan. now is the instant that an unset start
// means for recurring and immediate meetings. Every problem is reported, in
// the form's order; the plan counts only when there is none.
func (d Draft) Check(now time.Time) (Plan, []Problem) {
	var p Plan
	var wrong []Problem
	refuse := func(field, text string) { wrong = append(wrong, Problem{field, text}) }

	p.Subject = strings.Join(strings.Fields(d.Subject), " ")
	switch n := gotomeeting.SubjectLength(p.Subject); {
	case p.Subject == "":
		refuse("subject", "Enter a subject")
	case !utf8.ValidString(p.Subject):
		refuse("subject", "Subject holds characters that cannot be read; type it again")
	case n > MaxSubject && utf8.RuneCountInString(p.Subject) <= MaxSubject:
		refuse("subject", fmt.Sprintf("Subject must be %d characters or fewer as GoTo counts them; “<” and “>” count as four, so this is %d", MaxSubject, n))
	case n > MaxSubject:
		refuse("subject", fmt.Sprintf("Subject must be %d characters or fewer; this is %d", MaxSubject, n))
	}

	p.Type = d.Type
	if p.Type == "" {
		p.Type = Scheduled
	}
	typeKnown := p.Type == Scheduled || p.Type == Recurring || p.Type == Immediate
	loose := p.Type == Recurring || p.Type == Immediate

	loc, err := time.LoadLocation(d.TimeZone)
	zoneKnown := err == nil && d.TimeZone != "" && d.TimeZone != "Local"
	timeless := loose && strings.TrimSpace(d.StartDate) == "" && strings.TrimSpace(d.StartTime) == ""
	if timeless {
		p.Anytime = true
		p.Start = now.UTC().Truncate(time.Minute).Add(time.Minute)
	} else {
		day, dayErr := time.Parse(time.DateOnly, strings.TrimSpace(d.StartDate))
		dayOK := dayErr == nil && day.Year() >= 2000 && day.Year() <= 2100
		if !dayOK {
			refuse("start_date", "Enter the date as year, month, day, for example "+now.Add(24*time.Hour).Format(time.DateOnly))
		}
		hour, minute, ok := parseClock(d.StartTime)
		if !ok {
			refuse("start_time", "Enter the start time as hours and minutes, for example 14:30")
		}
		if dayOK && ok && zoneKnown {
			w := Wall{day.Year(), day.Month(), day.Day(), hour, minute}
			at, near := w.instants(loc)
			switch {
			case len(at) == 0:
				refuse("start_time", fmt.Sprintf("Clocks in %s skip %02d:%02d on that day; choose %s or %s instead", d.TimeZone, hour, minute, near[0].In(loc).Format("15:04"), near[len(near)-1].In(loc).Format("15:04")))
			case len(at) == 1:
				p.Start = at[0]
			case d.Fold == "first":
				p.Start = at[0]
			case d.Fold == "second":
				p.Start = at[1]
			default:
				refuse("fold", fmt.Sprintf("Clocks in %s read %02d:%02d twice on that day; choose which one you mean", d.TimeZone, hour, minute))
			}
		}
	}

	minutes := 60
	if typed := strings.TrimSpace(d.Duration); typed != "" || !loose {
		minutes, err = strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(typed, "min"), " "))
		if err != nil || minutes < 1 || minutes > MaxMinutes {
			refuse("duration", fmt.Sprintf("Enter the duration in whole minutes, from 1 to %d", MaxMinutes))
			minutes = 0
		}
	}
	if !zoneKnown {
		refuse("time_zone", "Choose a time zone, for example Europe/Berlin")
	}
	if !p.Start.IsZero() && minutes > 0 {
		p.End = p.Start.Add(time.Duration(minutes) * time.Minute)
		if p.Type == Scheduled && p.End.Before(now) {
			refuse("start_date", "This meeting would already be over; choose a later date or time")
		}
	}
	if !typeKnown {
		refuse("meeting_type", "Choose a type: scheduled, room or immediate")
	}

	p.PasswordRequired = d.PasswordRequired
	p.Audio = d.Audio
	switch p.Audio {
	case "":
		p.Audio = AudioHybrid
	case AudioVoIP, AudioPSTN, AudioFree, AudioHybrid, AudioPrivate:
	case AudioCustom:
		p.AudioText = strings.TrimSpace(strings.ReplaceAll(d.AudioText, "\r\n", "\n"))
		switch n := utf8.RuneCountInString(p.AudioText); {
		case n == 0:
			refuse("audio_text", "Enter the audio text, or choose another audio option")
		case n > MaxAudioText:
			refuse("audio_text", fmt.Sprintf("Audio text must be %d characters or fewer; this is %d", MaxAudioText, n))
		case slices.Contains([]string{AudioVoIP, AudioPSTN, AudioFree, AudioHybrid, AudioPrivate}, p.AudioText):
			refuse("audio_text", "GoTo reads this word as an option of its own; choose that option instead")
		}
	default:
		refuse("audio", "Choose an audio option")
	}

	keys, bad := ParseKeys(d.CoOrganizerKeys)
	p.CoOrganizerKeys = keys
	if len(bad) > 0 {
		refuse("co_organizer_keys", "An organizer key is digits only; check “"+strings.Join(bad[:min(3, len(bad))], "”, “")+"”")
	} else if len(keys) > MaxCoOrganizers {
		refuse("co_organizer_keys", fmt.Sprintf("A meeting can have at most %d co-organizers here; this is %d", MaxCoOrganizers, len(keys)))
	}
	return p, wrong
}

var clock = regexp.MustCompile(`^(\d{1,2})(?:[:.h]?(\d{2}))?(?::\d{2})?\s*([ap]m?)?$`)

// parseClock reads a time of day as people type it.
func parseClock(typed string) (hour, minute int, ok bool) {
	m := clock.FindStringSubmatch(strings.ToLower(strings.TrimSpace(typed)))
	if m == nil {
		return 0, 0, false
	}
	hour, _ = strconv.Atoi(m[1])
	if m[2] != "" {
		minute, _ = strconv.Atoi(m[2])
	}
	if half := m[3]; half != "" {
		if hour < 1 || hour > 12 {
			return 0, 0, false
		}
		hour %= 12
		if half[0] == 'p' {
			hour += 12
		}
	}
	return hour, minute, hour < 24 && minute < 60
}

var adminCenterKey = regexp.MustCompile(`(?:^|[/=#?&])(?:users?|members?|organizers?|userKey|key)[/=](\d{5,20})(?:$|[/?#&])`)
var lastDigits = regexp.MustCompile(`\d{5,20}`)

// ParseKeys reads organizer keys from entries that each may hold one or many,
// parted by spaces, commas, semicolons or lines. Dashes inside a key are
// forgiven, and blanks where all of an entry makes one key; duplicates are
// dropped, the first order kept. An Admin Center link
// yields the key it ends with. bad lists what is none of these.
func ParseKeys(entries []string) (keys, bad []string) {
	for _, entry := range entries {
		if key, ok := brokenKey(entry); ok {
			entry = key
		}
		for word := range strings.FieldsFuncSeq(entry, func(r rune) bool {
			return r == ',' || r == ';' || unicode.IsSpace(r)
		}) {
			key := word
			if strings.Contains(word, "://") {
				key = keyOfLink(word)
			} else {
				key = strings.NewReplacer("-", "", "–", "", "_", "", ".", "").Replace(word)
			}
			if !digits(key) || len(key) > 20 {
				bad = append(bad, clip(word, 40))
				continue
			}
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys, bad
}

// brokenKey puts one key together again that was pasted in pieces: blanks and
// dashes aside, GoTo's keys have nineteen digits today.
func brokenKey(entry string) (key string, ok bool) {
	pieces := strings.Fields(entry)
	key = strings.ReplaceAll(strings.Join(pieces, ""), "-", "")
	return key, len(pieces) > 1 && len(key) == 19 && digits(key)
}

// keyOfLink finds the user key in a pasted Admin Center link: the number after
// a users segment, else the last long number.
func keyOfLink(link string) string {
	if m := adminCenterKey.FindStringSubmatch(link); m != nil {
		return m[1]
	}
	all := lastDigits.FindAllString(link, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// ParseID reads a meeting id as people paste it: digits, with dashes or
// spaces forgiven, or a join link that ends in one. False when it is none.
func ParseID(typed string) (string, bool) {
	typed = strings.TrimSpace(typed)
	if i := strings.LastIndexAny(typed, "/"); i >= 0 && strings.Contains(typed, "://") {
		typed, _, _ = strings.Cut(typed[i+1:], "?")
	}
	id := strings.NewReplacer("-", "", " ", "", "–", "", "\u00a0", "").Replace(typed)
	return id, digits(id) && len(id) <= 19
}

// GroupID writes a meeting id as people read it aloud: 123-456-789.
func GroupID(id string) string {
	if len(id) != 9 || !digits(id) {
		return id
	}
	return id[:3] + "-" + id[3:6] + "-" + id[6:]
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

// clip shortens s to at most n characters.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
