package handlers

import (
	"testing"
	"time"
)

// Whatever stands in from and to, the answer is a range that can be asked for,
// or a problem beside the field.
func FuzzRange(f *testing.F) {
	for _, seed := range [][2]string{{"2026-11-01", "2026-11-24"}, {"", ""}, {"2026-03-29T02:30", "2026-03-29T02:30"}, {"2026-10-25T02:30", ""}, {"soon", "never"}, {"", "2026-02-30"}, {"0000-01-01", "9999-12-31"}, {" 2026-11-24 ", "2026-11-24T10:00"}} {
		f.Add(seed[0], seed[1], uint8(0))
		f.Add(seed[0], seed[1], uint8(1))
	}
	zones := []string{"Europe/Berlin", "Pacific/Apia", "America/St_Johns", "UTC"}
	f.Fuzz(func(t *testing.T, from, to string, zone uint8) {
		loc, err := time.LoadLocation(zones[int(zone)%len(zones)])
		if err != nil {
			t.Fatal(err)
		}
		r := parseRange(from, to, time.Date(2026, 11, 24, 12, 0, 0, 0, loc))
		if len(r.problems) > 0 {
			for _, p := range r.problems {
				if p.Field != "from" && p.Field != "to" || p.Text == "" {
					t.Fatalf("%q to %q: %+v", from, to, p)
				}
			}
			return
		}
		if !r.from.Before(r.to) || r.to.Sub(r.from) > maxRange || r.from.Location() != time.UTC || r.to.Location() != time.UTC {
			t.Fatalf("%q to %q is %v to %v", from, to, r.from, r.to)
		}
		if momentInput(r.typedFrom) == "text" || momentInput(r.typed) == "text" {
			t.Fatalf("%q to %q is taken and cannot be shown: %q, %q", from, to, r.typedFrom, r.typed)
		}
	})
}
