package gotomeeting

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// MaxSubject is how many characters GoTo allows in a subject, counted by
// [SubjectLength].
const MaxSubject = 100

// MaxAudioText is how many characters GoTo allows in an organizer's own
// audio text.
const MaxAudioText = 255

// The audio options that GoTo knows. It never returns them, only rendered
// dial-in text.
const (
	AudioVoIP    = "VoIP"    // computer audio only
	AudioPSTN    = "PSTN"    // telephone only
	AudioFree    = "Free"    // telephone and computer
	AudioHybrid  = "Hybrid"  // telephone and computer
	AudioPrivate = "Private" // the organizer's own conference bridge
)

// SubjectLength counts a subject as GoTo does: in characters, after "<" and
// ">" have become "&lt;" and "&gt;".
func SubjectLength(s string) int { return utf8.RuneCountInString(encodeSubject(s)) }

// Entities that GoTo's subjects may come back with, and what they stand for.
var subjectDecoder = strings.NewReplacer(
	"&lt;", "<", "&gt;", ">", "&amp;", "&", "&quot;", `"`, "&apos;", "'",
	"&#60;", "<", "&#62;", ">", "&#38;", "&", "&#34;", `"`, "&#39;", "'", "&#039;", "'",
)

// An ampersand is encoded only where decoding would take it for the start of
// an entity: so "R&D" goes out as it is, and a subject that itself holds
// "&lt;" comes back whole. GoTo asks for no more than "<" and ">".
var subjectEncoder = strings.NewReplacer(
	"<", "&lt;", ">", "&gt;",
	"&lt;", "&amp;lt;", "&gt;", "&amp;gt;", "&amp;", "&amp;amp;", "&quot;", "&amp;quot;", "&apos;", "&amp;apos;",
	"&#60;", "&amp;#60;", "&#62;", "&amp;#62;", "&#38;", "&amp;#38;", "&#34;", "&amp;#34;", "&#39;", "&amp;#39;", "&#039;", "&amp;#039;",
)

func encodeSubject(s string) string { return subjectEncoder.Replace(s) }

func decodeSubject(s string) string { return subjectDecoder.Replace(s) }

// countryLine is a line of the form in which GoTo names a dial-in number.
var countryLine = regexp.MustCompile(`^[^:]+:\s*\+[\d .()/-]+$`)

// InferAudio guesses the audio option behind a meeting's dial-in text: with a
// telephone number it is taken for [AudioHybrid], without for [AudioVoIP]. It
// is an inference: GoTo renders the same text for several options and never
// says which one was set. It is not ok for a text that GoTo has not rendered,
// as far as its form shows: that is the organizer's own.
func InferAudio(conferenceCallInfo string) (option string, ok bool) {
	info := strings.TrimSpace(conferenceCallInfo)
	for _, option := range [...]string{AudioVoIP, AudioPSTN, AudioFree, AudioHybrid, AudioPrivate} {
		if strings.EqualFold(info, option) {
			return option, true
		}
	}
	rendered, option := true, AudioVoIP
	for line := range strings.Lines(info) {
		before, _, found := strings.Cut(strings.ToLower(line), "access code")
		if hasTelephone(before) {
			option = AudioHybrid
		}
		rendered = rendered && countryLine.MatchString(strings.TrimSpace(line))
		if found {
			return option, true
		}
	}
	return option, rendered || utf8.RuneCountInString(info) > MaxAudioText
}

// hasTelephone reports whether a line holds seven or more digits, with only
// what people write between digits in between.
func hasTelephone(line string) bool {
	run := 0
	for _, r := range line {
		switch {
		case r >= '0' && r <= '9':
			if run++; run >= 7 {
				return true
			}
		case strings.ContainsRune(" \t-.()/+", r):
		default:
			run = 0
		}
	}
	return false
}
