// Package attendance turns GoTo's attendee rows into answers. It is pure: no
// I/O and no clock of its own, so every figure can be explained from its
// input.
package attendance

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Join is one entry of one attendee into one occurrence. Somebody who drops
// and comes back, or comes with two devices, has several.
type Join struct {
	Name, Email  string    // the attendee's; both may be empty
	Joined, Left time.Time // UTC; zero when GoTo did not say
	InstanceKey  string    // GoTo's meetingInstanceKey
	Start, End   time.Time // of the occurrence, UTC

	OrganizerEmail string
	Attendees      int // GoTo's own count of the occurrence; 0 when it did not say
	Minutes        int // GoTo's "duration", of the occurrence or of the join; 0 when it did not say
}

// Minutes is how long the join lasted, rounded to whole minutes; 0 when either
// end is unknown or they are the wrong way round.
func Minutes(j Join) int {
	if j.Joined.IsZero() || j.Left.IsZero() || j.Left.Before(j.Joined) {
		return 0
	}
	return WholeMinutes(j.Left.Sub(j.Joined))
}

// WholeMinutes rounds d as all figures are: totals add up what is shown.
func WholeMinutes(d time.Duration) int { return int(d.Round(time.Minute) / time.Minute) }

// Occurrence is one session of a meeting with the joins into it, in GoTo's
// order.
type Occurrence struct {
	InstanceKey string    // "" when GoTo did not say
	Start, End  time.Time // from the joins when no row names them; zero when they do not know either. End is zero, too, while somebody may be still in
	Joins       []Join
}

// Occurrences splits the rows of one meeting id into its sessions, newest
// first. Rows are told apart by instance key; rows without one by their start.
func Occurrences(joins []Join) []Occurrence {
	type key struct {
		instance string
		start    int64
	}
	at := map[key]int{}
	var list []Occurrence
	for _, j := range joins {
		k := key{instance: j.InstanceKey}
		if j.InstanceKey == "" {
			k.start = j.Start.Unix()
		}
		i, seen := at[k]
		if !seen {
			i = len(list)
			at[k] = i
			list = append(list, Occurrence{InstanceKey: j.InstanceKey, Start: j.Start, End: j.End})
		}
		list[i].Joins = append(list[i].Joins, j)
	}
	for i := range list {
		list[i].fill()
	}
	slices.SortStableFunc(list, func(a, b Occurrence) int {
		return cmp.Or(b.Start.Compare(a.Start), strings.Compare(a.InstanceKey, b.InstanceKey))
	})
	return list
}

// fill takes a start or end that the first row did not name from the others,
// and failing that from the joins themselves.
func (o *Occurrence) fill() {
	for _, j := range o.Joins {
		if o.Start.IsZero() {
			o.Start = j.Start
		}
		if o.End.IsZero() {
			o.End = j.End
		}
	}
	noStart, noEnd := o.Start.IsZero(), o.End.IsZero()
	if slices.ContainsFunc(o.Joins, func(j Join) bool { return !j.Joined.IsZero() && j.Left.IsZero() }) {
		noEnd = false
	}
	for _, j := range o.Joins {
		if noStart && !j.Joined.IsZero() && (o.Start.IsZero() || j.Joined.Before(o.Start)) {
			o.Start = j.Joined
		}
		if noEnd && j.Left.After(o.End) {
			o.End = j.Left
		}
	}
}

// matchWithin is how far the start that history names may lie from the one
// that the attendee rows name.
const matchWithin = 2 * time.Minute

// Match finds the occurrence that started nearest to start, within two
// minutes: history's sessions and attendee rows share no key, so the start has
// to tell.
func Match(list []Occurrence, start time.Time) (Occurrence, bool) {
	best, distance := -1, matchWithin+1
	for i, o := range list {
		if d := o.Start.Sub(start).Abs(); d < distance && !o.Start.IsZero() {
			best, distance = i, d
		}
	}
	if best < 0 {
		return Occurrence{}, false
	}
	return list[best], true
}
