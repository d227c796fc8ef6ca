package sandbox

import (
	"testing"
	"time"
)

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2015-07-01T22:00:00Z", "2024-3-5T9:5:0Z", "2090-01-01T10:00:00.000Z", "2090-01-01T10:00", "2090-02-30T10:00:00Z", "2090-01-01T10:00:00+00:00", "0000-01-01T00:00:00Z", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseTime(s)
		if err != nil {
			return
		}
		if got.Location() != time.UTC || got.Nanosecond() != 0 || got.Year() < 0 || got.Year() > 9999 {
			t.Fatalf("%q: got %v", s, got)
		}
		again, err := parseTime(got.Format("2006-01-02T15:04:05Z"))
		if err != nil || !again.Equal(got) {
			t.Fatalf("%q: %v reads back as %v, %v", s, got, again, err)
		}
	})
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{`email eq "ada@example.test"`, `(email="(?i)ADA@.*")&(key="1")`, `status eq "ACTIVE" and email eq "x"`, `(email="(?i)(")`, `email eq "a"b"`, " ", `name="x"`} {
		f.Add(s)
	}
	ada := &user{Key: "8439885694023990001", Email: "ada@example.test", First: "Ada", Last: "Example", Status: active}
	f.Fuzz(func(t *testing.T, s string) {
		want, ok := filter(s)
		if ok != (want != nil) {
			t.Fatalf("%q: readable is %v, a test is there: %v", s, ok, want != nil)
		}
		if ok {
			first := want(ada)
			if again, _ := filter(s); again(ada) != first {
				t.Fatalf("%q means two things", s)
			}
		}
	})
}
