package attendance

import (
	"testing"
	"time"
)

// Rows of any kind, made from bytes: no join is lost or counted twice, each
// occurrence is whole, and the newest comes first.
func FuzzOccurrences(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Add([]byte{255, 0, 0, 0, 255, 9, 0, 0, 255, 0, 200, 10})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var joins []Join
		at := func(b byte) time.Time {
			if b == 0 {
				return time.Time{}
			}
			return time.Unix(1_700_000_000+int64(b)*600, 0).UTC()
		}
		for len(raw) >= 5 && len(joins) < 200 {
			j := Join{Joined: at(raw[0]), Left: at(raw[1]), Start: at(raw[2]), End: at(raw[3])}
			if raw[4] > 0 {
				j.InstanceKey = string('a' + rune(raw[4]%5))
			}
			joins, raw = append(joins, j), raw[5:]
		}
		total := 0
		list := Occurrences(joins)
		for i, o := range list {
			total += len(o.Joins)
			if len(o.Joins) == 0 || i > 0 && o.Start.After(list[i-1].Start) {
				t.Fatalf("occurrence %d of %+v", i, list)
			}
			for _, j := range o.Joins {
				if j.InstanceKey != o.InstanceKey || Minutes(j) < 0 {
					t.Fatalf("%+v is in %q", j, o.InstanceKey)
				}
			}
			if found, ok := Match(list, o.Start); !o.Start.IsZero() && (!ok || !found.Start.Equal(o.Start)) {
				t.Fatalf("the occurrence at %v is not found by its start", o.Start)
			}
		}
		if total != len(joins) {
			t.Fatalf("%d of %d joins", total, len(joins))
		}
	})
}
