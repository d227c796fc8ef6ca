package meetings

import "time"

// Wall is a wall-clock reading, without a zone.
type Wall struct {
	Year         int
	Month        time.Month
	Day          int
	Hour, Minute int
}

// instants returns the instants at which clocks in loc read w, in order: none
// when the clocks skip it, two when they are set back over it. near holds, for
// a skipped reading only, the instants that the clock's offset before and
// after the jump would give, in order: the neighbours to offer.
func (w Wall) instants(loc *time.Location) (at, near []time.Time) {
	naive := time.Date(w.Year, w.Month, w.Day, w.Hour, w.Minute, 0, 0, time.UTC)
	// No zone moves its clock twice within 26 hours, so the offsets a day
	// either side are the only two that can apply.
	_, before := naive.Add(-26 * time.Hour).In(loc).Zone()
	_, after := naive.Add(26 * time.Hour).In(loc).Zone()
	candidates := []time.Time{naive.Add(-time.Duration(before) * time.Second)}
	if after != before {
		candidates = append(candidates, naive.Add(-time.Duration(after)*time.Second))
		if candidates[1].Before(candidates[0]) {
			candidates[0], candidates[1] = candidates[1], candidates[0]
		}
	}
	for _, c := range candidates {
		if w.reads(c.In(loc)) {
			at = append(at, c)
		}
	}
	if len(at) == 0 {
		near = candidates
	}
	return at, near
}

func (w Wall) reads(t time.Time) bool {
	return t.Year() == w.Year && t.Month() == w.Month && t.Day() == w.Day && t.Hour() == w.Hour && t.Minute() == w.Minute
}
