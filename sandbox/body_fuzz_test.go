package sandbox

import (
	"strings"
	"testing"
	"time"
)

// A body is refused, or makes a whole meeting.
func FuzzMeetingBody(f *testing.F) {
	const sound = `{"subject":"s","starttime":"2030-01-15T09:00:00Z","endtime":"2030-01-15T10:00:00Z","passwordrequired":"false","conferencecallinfo":"Hybrid","timezonekey":"","meetingtype":"scheduled","coorganizerKeys":["1"]}`
	for _, seed := range []string{sound, "", "{}", "[]", "null", strings.Replace(sound, "2030-01-15T09", "2030-1-5T9", 1), strings.Replace(sound, `"false"`, "true", 1), strings.Replace(sound, `"1"`, `"18446744073709551616"`, 1), strings.Replace(sound, "Hybrid", "Call us", 1)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m := &model{}
		var mt meeting
		if err := m.fill(&mt, body); err != nil {
			if mt.Subject != "" || !mt.Start.IsZero() {
				t.Fatalf("refused and half written: %+v", mt)
			}
			return
		}
		if mt.Subject == "" || !mt.End.After(mt.Start) || mt.Start.Location() != time.UTC || mt.Type != strings.ToLower(mt.Type) || mt.Co == nil {
			t.Fatalf("%s makes %+v", body, mt)
		}
	})
}

// Only what the sandbox signed is a token.
func FuzzToken(f *testing.F) {
	good := sign(claims{Type: "a", Sub: "ada", Expires: 1})
	for _, seed := range []string{good, good + "A", "A" + good, strings.ToUpper(good), "", ".", "..", strings.Replace(good, ".", "..", 1), good[:len(good)-1]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		c, ok := parse(token)
		if !ok {
			return
		}
		if again, ok := parse(sign(c)); !ok || again != c {
			t.Fatalf("%+v is signed and read as %+v", c, again)
		}
		i := strings.LastIndexByte(token, '.')
		if token[:i] != good[:strings.LastIndexByte(good, '.')] {
			t.Fatalf("%q was not signed here", token)
		}
	})
}
