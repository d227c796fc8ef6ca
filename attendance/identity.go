package attendance

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Identity tells people apart across the meetings of one account: "e:" and an
// e-mail address, or for who gave none "n:" and a name, both as Fold writes
// them. Two spaces, which neither can hold, lead to what tells the parts of a
// split identity apart. Somebody with neither is "?" in one occurrence and
// nobody known elsewhere. It is opaque outside of this package.
type Identity string

const (
	byEmail = "e:"
	byName  = "n:"
	nobody  = "?"
	parted  = "  "
)

// IdentityOf is who an attendee is before anybody decided otherwise: "" for
// who has neither name nor e-mail.
func IdentityOf(name, email string) Identity {
	if e := Fold(email); e != "" {
		return Identity(byEmail + e)
	}
	if n := Fold(name); n != "" {
		return Identity(byName + n)
	}
	return ""
}

// Known tells whether the identity means the same person in another meeting,
// so that something can be decided about it. One that this package would not
// write is not known.
func (id Identity) Known() bool {
	if !strings.HasPrefix(string(id), byEmail) && !strings.HasPrefix(string(id), byName) {
		return false
	}
	whole, part, _ := strings.Cut(string(id[len(byEmail):]), parted)
	return whole != "" && Fold(whole) == whole && Fold(part) == part
}

// Named tells whether the person is known by a name, rather than by an address.
func (id Identity) Named() bool { return strings.HasPrefix(string(id), byName) }

// Text is the identity for people, folded: the address or the name, and of a
// part what tells it from the others: "ann (team@x.test)", "ipad (2)".
func (id Identity) Text() string {
	if !id.Known() {
		return "nobody known"
	}
	whole, part, isPart := strings.Cut(string(id[len(byEmail):]), parted)
	switch {
	case !isPart:
		return whole
	case id.Named():
		return whole + " (" + part + ")"
	}
	return cmp.Or(part, "no name") + " (" + whole + ")"
}

// Spelled returns a spelling of the identity's text as it is, and for any other
// text the identity's own: what is kept of a person cannot name another.
func (id Identity) Spelled(text string) string {
	if own := id.Text(); Fold(text) != own {
		return own
	}
	return text
}

// Fold returns how two spellings of a name or an address are compared: case,
// width, compatibility forms, runs of white space and invisible characters do
// not count. Folding twice changes nothing.
func Fold(s string) string {
	if plain(s) {
		return strings.ToLower(s)
	}
	for range 4 { // a removed character can let its neighbours combine
		again := fold(s)
		if again == s {
			break
		}
		s = again
	}
	return s
}

// plain tells what nearly every address and most names are: printable ASCII
// with single spaces, in which only the case is left to fold.
func plain(s string) bool {
	before := byte(' ')
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == ' ' && before == ' ' {
			return false
		}
		before = s[i]
	}
	return before != ' ' || s == ""
}

func fold(s string) string {
	s = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(strings.ToValidUTF8(s, "\ufffd"))))
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
			return -1
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// Kind of a Decision.
type Kind string

// What can be decided about people.
const (
	Joined Kind = "join"  // two identities are one person
	Split  Kind = "split" // one identity is several people
)

// Decision is what somebody of the account decided about identities; it holds
// in every meeting until it is undone.
type Decision struct {
	ID     string // the store's
	Kind   Kind
	Person Identity // is joined into Into, or is split
	Into   Identity // "" when it is a split
}

// Aliases are the decisions of one account. The zero value has none.
type Aliases struct {
	joined, split map[Identity]Decision
}

// NewAliases takes the decisions, oldest first. One that contradicts an older
// one has no effect.
func NewAliases(list []Decision) Aliases {
	a := Aliases{map[Identity]Decision{}, map[Identity]Decision{}}
	for _, d := range list {
		switch {
		case d.Kind == Split:
			if _, decided := a.split[d.Person]; !decided {
				a.split[d.Person] = d
			}
		case d.Kind == Joined && a.CanJoin(d.Person, d.Into):
			a.joined[d.Person] = d
		}
	}
	return a
}

// CanJoin tells whether joining person into another says something new: person
// is joined into nobody yet, and the two are not one already.
func (a Aliases) CanJoin(person, into Identity) bool {
	_, decided := a.joined[person]
	root, _ := a.root(into)
	return !decided && person != root && person.Known() && into.Known()
}

// root follows the joins from id.
func (a Aliases) root(id Identity) (Identity, []Decision) {
	var through []Decision
	for d, more := a.joined[id]; more; d, more = a.joined[id] {
		through, id = append(through, d), d.Into
	}
	return id, through
}

// entry is a join with whose it is, and whose it was before any decision.
type entry struct {
	join      int // index
	id, raw   Identity
	decisions []Decision
}

// assign says whose each join is.
func (a Aliases) assign(joins []Join, within Span, taken time.Time) []entry {
	entries := make([]entry, len(joins))
	lanes := map[Identity][]Span{} // of a name that is split, what each part last did
	order := make([]int, len(joins))
	for i := range joins {
		order[i] = i
	}
	if len(a.split) > 0 {
		slices.SortStableFunc(order, func(x, y int) int { return joins[x].Joined.Compare(joins[y].Joined) })
	}
	strangers := 0
	for _, i := range order {
		j := joins[i]
		e := entry{join: i, id: IdentityOf(j.Name, j.Email)}
		if e.id == "" {
			strangers++
			e.id = Identity(nobody + parted + j.InstanceKey + parted + strconv.Itoa(strangers))
			e.raw = e.id
		} else {
			e.raw = e.id
			if d, split := a.split[e.id]; split {
				e.decisions = append(e.decisions, d)
				e.id = part(e.id, j, within, taken, lanes)
			}
			var through []Decision
			e.id, through = a.root(e.id)
			e.decisions = append(e.decisions, through...)
		}
		entries[i] = e
	}
	return entries
}

// part is the part of a split identity that a join belongs to. An address that
// several people share is parted by their names; a name by presence at the same
// time, which one person has not.
func part(id Identity, j Join, within Span, taken time.Time, lanes map[Identity][]Span) Identity {
	if strings.HasPrefix(string(id), byEmail) {
		return id + parted + Identity(Fold(j.Name))
	}
	span, _ := Counted(j, within, taken)
	free := slices.IndexFunc(lanes[id], func(last Span) bool { return !span.Start.Before(last.End) })
	switch {
	case span.Length() == 0:
		free = 0 // it is in nobody's way
	case free < 0:
		free = len(lanes[id])
		lanes[id] = append(lanes[id], span)
	default:
		lanes[id][free] = span
	}
	return id + parted + Identity(strconv.Itoa(free+1))
}
