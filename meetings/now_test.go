package meetings

import (
	"strings"
	"testing"

	"portal/gotomeeting"
)

func TestSubjectNow(t *testing.T) {
	for name, want := range map[string]string{
		"Ada":                    "Meeting with Ada",
		"":                       "Meeting",
		strings.Repeat("x", 100): "Meeting",
		strings.Repeat("<", 30):  "Meeting", // GoTo counts each as four
	} {
		got := subjectNow(name)
		if got != want || gotomeeting.SubjectLength(got) > MaxSubject {
			t.Errorf("with %q: %q", name, got)
		}
	}
}
