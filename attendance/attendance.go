// Package attendance turns joins into who came: occurrences of a meeting and
// how long each join lasted.
//
// It is pure: no calls, no clock, no wire format. A join is one entry of one
// person; a person who drops and comes back has several.
package attendance

import (
	"math"
	"slices"
	"time"
)

// Join is one entry of one attendee.
type Join struct {
	Name  string
	Email string // may be empty
	// Joined and Left are UTC; zero when GoTo did not tell.
	Joined, Left time.Time

	InstanceKey string    // names the occurrence; GoTo's meetingInstanceKey
	Start, End  time.Time // of the occurrence
}

// Occurrence is one time that a meeting was held.
type Occurrence struct {
	InstanceKey string
	Start, End  time.Time // zero when no join tells
	Joins       []Join    // in GoTo's order
}

// Tolerance is how far the start of an occurrence may lie from the start that
// history gives the same session. The two come from different services of
// GoTo's, which know each other's keys only by time.
const Tolerance = 2 * time.Minute

// Occurrences splits the joins of a meeting by instance key, the latest
// occurrence first. Within one the joins keep their order. Joins without a key
// are told apart by the start they name.
func Occurrences(joins []Join) []Occurrence {
	type id struct {
		key   string
		start int64
	}
	var all []Occurrence
	index := map[id]int{}
	for _, j := range joins {
		k := id{key: j.InstanceKey}
		if j.InstanceKey == "" {
			k.start = j.Start.UnixNano()
		}
		i, known := index[k]
		if !known {
			i = len(all)
			index[k] = i
			all = append(all, Occurrence{InstanceKey: j.InstanceKey})
		}
		o := &all[i]
		if o.Start.IsZero() {
			o.Start = j.Start
		}
		if o.End.IsZero() {
			o.End = j.End
		}
		o.Joins = append(o.Joins, j)
	}
	for i := range all {
		all[i].fill()
	}
	slices.SortStableFunc(all, func(a, b Occurrence) int { return b.Start.Compare(a.Start) })
	return all
}

// fill takes a start or end that no join names from the joins themselves.
func (o *Occurrence) fill() {
	noStart, noEnd := o.Start.IsZero(), o.End.IsZero()
	for _, j := range o.Joins {
		if noStart && !j.Joined.IsZero() && (o.Start.IsZero() || j.Joined.Before(o.Start)) {
			o.Start = j.Joined
		}
		if noEnd && j.Left.After(o.End) {
			o.End = j.Left
		}
	}
}

// Match finds the occurrence whose start lies nearest to start, at most
// [Tolerance] away. False when there is none.
func Match(occurrences []Occurrence, start time.Time) (Occurrence, bool) {
	best, nearest := -1, Tolerance
	for i, o := range occurrences {
		if o.Start.IsZero() {
			continue
		}
		if away := o.Start.Sub(start).Abs(); away < nearest || (away == nearest && best < 0) {
			best, nearest = i, away
		}
	}
	if best < 0 {
		return Occurrence{}, false
	}
	return occurrences[best], true
}

// Minutes is how long a join lasted, rounded to whole minutes. It is 0 when
// either end is not known, or when the leave lies before the join.
func Minutes(j Join) int {
	if j.Joined.IsZero() || j.Left.IsZero() || j.Left.Before(j.Joined) {
		return 0
	}
	return int(math.Round(j.Left.Sub(j.Joined).Minutes()))
}
