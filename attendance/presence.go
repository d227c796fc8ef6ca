package attendance

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Span is from Start until before End, UTC.
type Span struct{ Start, End time.Time }

// Length is 0 for a span that is unknown at either end, or backwards.
func (s Span) Length() time.Duration {
	if s.Start.IsZero() || s.End.IsZero() {
		return 0
	}
	return max(0, s.End.Sub(s.Start))
}

// Remark says why a join counts otherwise than it reads.
type Remark string

// The remarks. "" is for a join that counts as it reads.
const (
	NoJoinTime  Remark = "no join time"       // counts for nothing
	Backwards   Remark = "leave before join"  // counts for nothing
	OutOfIt     Remark = "out of the session" // counts for nothing
	Clipped     Remark = "clipped"            // to the session
	NoLeaveTime Remark = "no leave time"      // counts until the session ended
	StillIn     Remark = "still in"           // counts until GoTo was asked
)

// Counted is the time for which a join counts: its part within the occurrence.
// Who has not left is in until the occurrence ended, or while it has not, until
// GoTo was asked. An end of within that is zero is not known.
func Counted(j Join, within Span, taken time.Time) (Span, Remark) {
	if j.Joined.IsZero() {
		return Span{}, NoJoinTime
	}
	span, remark := Span{j.Joined, j.Left}, Remark("")
	switch {
	case !j.Left.IsZero() && j.Left.Before(j.Joined):
		return Span{}, Backwards
	case !j.Left.IsZero():
	case within.End.IsZero() || within.End.After(taken) && !taken.IsZero():
		span.End, remark = taken, StillIn
	default:
		span.End, remark = within.End, NoLeaveTime
	}
	cut := span
	if !within.Start.IsZero() && cut.Start.Before(within.Start) {
		cut.Start = within.Start
	}
	if !within.End.IsZero() && cut.End.After(within.End) {
		cut.End = within.End
	}
	switch {
	case cut.End.Before(cut.Start):
		return Span{}, OutOfIt
	case cut != span && remark == "":
		remark = Clipped
	}
	return cut, remark
}

// Terms are what presence is measured by.
type Terms struct {
	Aliases     Aliases
	Planned     Span          // what share, late and early are judged by; zero is the actual time
	Late, Early time.Duration // that one may come late and leave early
	Taken       time.Time     // when GoTo was asked, UTC
	Quorum      int           // people; 0 none
}

// Presence is who was in one occurrence, and for how long.
type Presence struct {
	Occurrence
	Actual     Span     // of the occurrence; until now while it runs
	Base       Span     // what shares are of: the actual or the planned time
	Running    bool     // somebody is still in
	People     []Person // by name
	Identities int      // people before anybody decided otherwise
	Steps      []Step   // people present, in order of time
	Peak       int      // most people at once
	PeakAt     Span     // the first time
	Median     time.Duration
	Quorum     []Span // when it was met

	within Span // what joins were cut to
	taken  time.Time
}

// Counted is the time for which one of the joins counted, as [Counted] has it.
func (p Presence) Counted(j Join) (Span, Remark) { return Counted(j, p.within, p.taken) }

// Step is from when on how many are present.
type Step struct {
	At     time.Time
	People int
}

// Person is somebody who was there.
type Person struct {
	ID     Identity
	Name   string   // as most of the joins spell it; "" when none does
	Email  string   // "" when none was given
	Names  []string // all other spellings
	Emails []string // all other addresses

	Joins            []Join    // the rows behind the figures, in GoTo's order
	Spans            []Span    // present: in order, apart from each other, within the occurrence
	FirstIn, LastOut time.Time // zero when not known; LastOut also while still in
	Present          time.Duration
	Share            float64 // of the base; 1 is all of it
	Late, Early      bool    // came late, left early
	StillIn          bool
	Organizer        bool       // has the organizer's address
	CanSplit         bool       // there is something to tell parts of it apart
	Decisions        []Decision // that made the person what it is

	twice bool   // present by two joins at once
	order string // the folded name
}

// Label is the identity as the person's own joins spell it: the name alone says
// less where somebody has an address.
func (p Person) Label() string {
	for _, spelling := range slices.Concat([]string{p.Email, p.Name, p.Name + " (" + p.Email + ")"}, p.Emails, p.Names) {
		if label := p.ID.Spelled(spelling); label == spelling {
			return label
		}
	}
	return p.ID.Text()
}

// dayLong is how long an occurrence whose end nobody tells can run.
const dayLong = 24 * time.Hour

// Measure tells who was there.
func Measure(o Occurrence, t Terms) Presence {
	p := Presence{Occurrence: o, Actual: Span{o.Start, o.End}}
	var last time.Time
	for _, j := range o.Joins {
		last = later(last, later(j.Joined, j.Left))
	}
	if o.End.IsZero() && t.Taken.Sub(o.Start) > dayLong { // over, whatever GoTo says
		p.Actual.End = last
	}
	within := p.Actual
	p.within, p.taken = within, t.Taken
	groups := map[Identity]int{}
	raw := map[Identity]bool{}
	for _, e := range t.Aliases.assign(o.Joins, within, t.Taken) {
		j := o.Joins[e.join]
		i, seen := groups[e.id]
		if !seen {
			i = len(p.People)
			groups[e.id] = i
			p.People = append(p.People, Person{ID: e.id})
		}
		who := &p.People[i]
		who.Joins = append(who.Joins, j)
		for _, d := range e.decisions {
			if !slices.Contains(who.Decisions, d) {
				who.Decisions = append(who.Decisions, d)
			}
		}
		raw[e.raw] = true
	}
	p.Identities = len(raw)
	for i := range p.People {
		who := &p.People[i]
		who.count(within, t.Taken)
		p.Running = p.Running || who.StillIn
	}
	if p.Actual.End.IsZero() {
		p.Actual.End = last
		if p.Running {
			p.Actual.End = later(t.Taken, last)
		}
	}
	p.Base = p.Actual
	if t.Planned.Length() > 0 {
		p.Base = t.Planned
	}
	for i := range p.People {
		who := &p.People[i]
		who.call()
		if length := p.Base.Length(); length > 0 {
			who.Share = float64(who.Present) / float64(length)
		}
		who.Late = len(who.Spans) > 0 && who.FirstIn.After(p.Base.Start.Add(t.Late))
		who.Early = len(who.Spans) > 0 && !who.StillIn && (!p.Running || p.Base.End.Before(t.Taken)) && who.LastOut.Before(p.Base.End.Add(-t.Early))
	}
	slices.SortStableFunc(p.People, func(a, b Person) int {
		return cmp.Or(compareNames(a.order, b.order), strings.Compare(a.Email, b.Email), cmp.Compare(a.ID, b.ID))
	})
	p.Steps = steps(p.People)
	p.Median = median(p.People)
	for i, s := range p.Steps {
		if s.People > p.Peak {
			p.Peak, p.PeakAt = s.People, Span{s.At, p.Steps[i+1].At} // the last step is to nobody
		}
	}
	p.Quorum = met(p.Steps, t.Quorum)
	return p
}

// compareNames compares folded names, and puts the nameless last.
func compareNames(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	return strings.Compare(a, b)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// count adds up the person's joins.
func (p *Person) count(within Span, taken time.Time) {
	var counted time.Duration
	for _, j := range p.Joins {
		span, remark := Counted(j, within, taken)
		p.StillIn = p.StillIn || remark == StillIn
		p.Organizer = p.Organizer || j.OrganizerEmail != "" && Fold(j.Email) == Fold(j.OrganizerEmail)
		if !span.Start.IsZero() {
			p.Spans = append(p.Spans, span)
		}
		counted += span.Length()
	}
	p.Spans = union(p.Spans)
	for _, s := range p.Spans {
		p.Present += s.Length()
	}
	p.twice = counted > p.Present
	if len(p.Spans) > 0 {
		p.FirstIn, p.LastOut = p.Spans[0].Start, p.Spans[len(p.Spans)-1].End
	} else { // what the rows say, since nothing of it counts
		for _, j := range p.Joins {
			if !j.Joined.IsZero() && (p.FirstIn.IsZero() || j.Joined.Before(p.FirstIn)) {
				p.FirstIn = j.Joined
			}
			p.LastOut = later(p.LastOut, j.Left)
		}
	}
	if p.StillIn {
		p.LastOut = time.Time{}
	}
}

// union joins spans that overlap or touch; it reorders its argument.
func union(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End)) })
	var out []Span
	for _, s := range spans {
		if n := len(out); n > 0 && !s.Start.After(out[n-1].End) {
			out[n-1].End = later(out[n-1].End, s.End)
			continue
		}
		out = append(out, s)
	}
	return out
}

// call chooses what to call the person, and tells whether it can be split.
func (p *Person) call() {
	names, emails, roots := map[string]int{}, map[string]int{}, map[string]bool{}
	spellings := map[string]bool{}
	for _, j := range p.Joins {
		if Fold(j.Name) != "" {
			if names[j.Name]++; names[j.Name] == 1 {
				p.Names = append(p.Names, j.Name)
			}
			if len(p.Decisions) > 0 && IdentityOf(j.Name, j.Email) == p.ID {
				roots[j.Name] = true
			}
			spellings[Fold(j.Name)] = true
		}
		if Fold(j.Email) != "" {
			if emails[j.Email]++; emails[j.Email] == 1 {
				p.Emails = append(p.Emails, j.Email)
			}
		}
	}
	// Whom others were joined into goes first.
	first := func(count int, root bool) int {
		if root {
			count += len(p.Joins)
		}
		return count
	}
	p.Name, p.Names = most(p.Names, func(n string) int { return first(names[n], roots[n]) })
	p.Email, p.Emails = most(p.Emails, func(e string) int { return first(emails[e], byEmail+Fold(e) == string(p.ID)) })
	p.order = Fold(p.Name)
	switch {
	case len(p.Decisions) > 0:
	case strings.HasPrefix(string(p.ID), byEmail):
		p.CanSplit = len(spellings) > 1
	case strings.HasPrefix(string(p.ID), byName):
		p.CanSplit = p.twice
	}
}

// most takes the one of which there is most out of the list, of equals the one
// that sorts first.
func most(list []string, weight func(string) int) (string, []string) {
	if len(list) == 0 {
		return "", nil
	}
	best := 0
	for i := range list {
		if c := cmp.Compare(weight(list[i]), weight(list[best])); c > 0 || c == 0 && list[i] < list[best] {
			best = i
		}
	}
	return list[best], slices.Delete(slices.Clone(list), best, best+1)
}

// steps is the curve of people present: it begins at the first of them and ends
// with nobody.
func steps(people []Person) []Step {
	type change struct {
		at time.Time
		by int
	}
	var changes []change
	for _, p := range people {
		for _, s := range p.Spans {
			if s.Length() > 0 {
				changes = append(changes, change{s.Start, 1}, change{s.End, -1})
			}
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })
	var out []Step
	now := 0
	for i, c := range changes {
		now += c.by
		if i+1 < len(changes) && changes[i+1].at.Equal(c.at) {
			continue
		}
		if len(out) == 0 || out[len(out)-1].People != now {
			out = append(out, Step{c.at, now})
		}
	}
	return out
}

func median(people []Person) time.Duration {
	if len(people) == 0 {
		return 0
	}
	stays := make([]time.Duration, len(people))
	for i, p := range people {
		stays[i] = p.Present
	}
	slices.Sort(stays)
	return (stays[(len(stays)-1)/2] + stays[len(stays)/2]) / 2
}

// met is when at least quorum people were present.
func met(curve []Step, quorum int) []Span {
	if quorum <= 0 {
		return nil
	}
	var out []Span
	for i, s := range curve {
		if s.People < quorum {
			continue
		}
		span := Span{s.At, curve[i+1].At}
		if n := len(out); n > 0 && out[n-1].End.Equal(span.Start) {
			out[n-1].End = span.End
			continue
		}
		out = append(out, span)
	}
	return out
}
