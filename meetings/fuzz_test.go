package meetings

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Keys that are read are digits, each once, and read the same again; a word
// that is none is reported and nothing of it is taken.
func FuzzParseKeys(f *testing.F) {
	for _, seed := range []string{"1, 2;3\n4", "843-988-5694", "https://admin.goto.com/users/8439885694023990002/edit", "https://x/?userKey=12345&y=99999", "abc", "١٢٣", strings.Repeat("9", 21), "1\u00a02", "12.34_56–78", "://", "-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		keys, bad := ParseKeys([]string{typed})
		seen := map[string]bool{}
		for _, key := range keys {
			if !digits(key) || len(key) > 20 || seen[key] {
				t.Fatalf("%q yields the key %q", typed, key)
			}
			seen[key] = true
		}
		again, none := ParseKeys(keys)
		if !slices.Equal(again, keys) || len(none) > 0 {
			t.Fatalf("%q yields %q, which reads as %q, %q", typed, keys, again, none)
		}
		for _, word := range bad {
			if len([]rune(word)) > 40 {
				t.Fatalf("%q is reported at full length", word)
			}
		}
		if strings.TrimSpace(typed) == "" && len(keys)+len(bad) > 0 {
			t.Fatalf("%q yields %q, %q", typed, keys, bad)
		}
	})
}

// An id is digits, as many as a meeting's can be, and reads the same however
// it is grouped.
func FuzzParseID(f *testing.F) {
	for _, seed := range []string{"123-456-789", " 123 456 789 ", "https://meet.goto.com/123456789", "https://meet.goto.com/123456789?x=1/2", "123–456–789", "abc", "", "-", strings.Repeat("1", 20), "١٢٣", "http://"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		id, ok := ParseID(typed)
		if !ok {
			return
		}
		if !digits(id) || len(id) > 19 {
			t.Fatalf("%q is read as %q", typed, id)
		}
		if again, ok := ParseID(GroupID(id)); !ok || again != id {
			t.Fatalf("%q is grouped as %q, which reads as %q", id, GroupID(id), again)
		}
	})
}

// A wall time that happens is an instant that reads so; one that is skipped
// has neighbours that are instants either side of it.
func FuzzWall(f *testing.F) {
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca", "UTC", "Pacific/Kiritimati", "America/Nuuk"}
	f.Add(uint8(0), int32(29_000_000))
	f.Add(uint8(1), int32(29_500_123))
	f.Add(uint8(2), int32(30_000_000))
	f.Fuzz(func(t *testing.T, zone uint8, minutes int32) {
		loc, err := time.LoadLocation(zones[int(zone)%len(zones)])
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(minutes)*60, 0).In(loc)
		if at.Year() < 1980 || at.Year() > 2100 {
			return // no meeting is planned then
		}
		// What a clock reads now is one of the instants that read so.
		w := Wall{at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute()}
		found, near := w.instants(loc)
		if len(found) == 0 || len(found) > 2 || len(near) > 0 || !slices.ContainsFunc(found, at.Truncate(time.Minute).Equal) {
			t.Fatalf("%s in %s: %v, %v", at, loc, found, near)
		}
		for _, f := range found {
			if !w.reads(f.In(loc)) {
				t.Fatalf("%v does not read %+v in %s", f, w, loc)
			}
		}
		if len(found) == 2 && !found[0].Before(found[1]) {
			t.Fatalf("%v are not in order", found)
		}
		// The same reading a day on may be skipped, and then has neighbours.
		w.Day++
		if found, near := w.instants(loc); len(found) == 0 && (len(near) != 2 || !near[0].Before(near[1])) {
			t.Fatalf("%+v in %s: %v", w, loc, near)
		}
	})
}
