package meetings

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"portal/attendance"
)

// Identity tells people apart across the meetings of one account.
type Identity = attendance.Identity

// Decision is what an Alias decides.
type Decision = attendance.Decision

// AliasKind is what was decided about an Identity.
type AliasKind = attendance.Kind

// The kinds of Alias.
const (
	AliasJoin  = attendance.Joined
	AliasSplit = attendance.Split
)

// MostAliases is how many decisions an account can keep.
const MostAliases = 5000

// maxIdentity is how many bytes of a name or an address are kept: GoTo's own
// limits are below that.
const maxIdentity = 1000

// ErrNoAlias says that there is no such decision to undo, or none any more.
var ErrNoAlias = errors.New("no such alias")

// Alias is what somebody of an account decided about who is who.
type Alias struct {
	Decision
	PersonLabel, IntoLabel string // what they were called when it was decided
	ByKey, By              string // who decided: user key, and the name at that time
	At                     time.Time
	Seq                    int64 // the order in which they hold
}

// Says is what the decision means: "“Bob B.” counts as bob@example.test".
func (a Alias) Says() string { return a.Who() + " " + a.is("counts as", "is several people") }

// SaysNow says what has just been decided.
func (a Alias) SaysNow() string {
	return a.Who() + " " + a.is("now counts as", "is now several people")
}

// Who is whom it is about, and Whom is who that is; "" for a split.
func (a Alias) Who() string  { return quoted(a.Person, a.PersonLabel) }
func (a Alias) Whom() string { return quoted(a.Into, a.IntoLabel) }

func (a Alias) is(joined, split string) string {
	switch {
	case a.Kind == AliasJoin:
		return joined + " " + a.Whom()
	case a.Person.Named():
		return split + ", told apart by being there at the same time"
	}
	return split + ", told apart by their names"
}

// quoted sets names, which people choose, apart from what is said about them.
func quoted(id Identity, label string) string {
	if label = Plain(label); id.Named() || label != id.Text() {
		return "“" + label + "”"
	}
	return label
}

// Aliases are the decisions of an account, newest first.
type Aliases []Alias

// Terms is what figures are made by.
func (a Aliases) Terms() attendance.Aliases {
	list := make([]Decision, 0, len(a))
	for _, d := range slices.Backward(a) {
		list = append(list, d.Decision)
	}
	return attendance.NewAliases(list)
}

// Sentences says once what each of the decisions that were applied means, and
// who decided it when by loc's calendar, in the order in which they hold.
func (a Aliases) Sentences(applied []Decision, loc *time.Location) []string {
	verb := map[AliasKind]string{AliasJoin: "joined", AliasSplit: "split"}
	var out []string
	for _, d := range slices.Backward(a.Applied(applied)) {
		out = append(out, d.Says()+" ("+verb[d.Kind]+" by "+Plain(d.By)+", "+d.At.In(loc).Format("2 Jan 2006")+")")
	}
	return out
}

// Applied are the decisions among a that were applied.
func (a Aliases) Applied(applied []Decision) Aliases {
	ids := make(map[string]bool, len(applied))
	for _, d := range applied {
		ids[d.ID] = true
	}
	var out Aliases
	for _, d := range a {
		if ids[d.ID] {
			out = append(out, d)
		}
	}
	return out
}

// Find keeps the decisions in which text is in what they say, or in who
// decided.
func (a Aliases) Find(text string) Aliases {
	needle := attendance.Fold(text)
	if needle == "" {
		return a
	}
	var out Aliases
	for _, d := range a {
		if strings.Contains(attendance.Fold(d.Says()), needle) || strings.Contains(attendance.Fold(d.By), needle) {
			out = append(out, d)
		}
	}
	return out
}

// AliasMemory keeps who is who.
type AliasMemory interface {
	// AddAlias keeps a decision under its Seq; false when that is taken.
	AddAlias(ctx context.Context, owner string, a Alias) (bool, error)
	// DropAlias forgets a decision of the owner's; false when there is none.
	DropAlias(ctx context.Context, owner, id string) (bool, error)
	// Aliases returns the owner's decisions in the order of Seq.
	Aliases(ctx context.Context, owner string) ([]Alias, error)
}

// aliasOwner is whose decisions the caller's are: the account's, or where GoTo
// does not name it the caller's own.
func (c Caller) aliasOwner() string {
	if c.AccountKey == "" {
		return "user " + c.Ref
	}
	return "account " + c.AccountKey
}

// Aliases reads who is who in the caller's account.
func (s *Service) Aliases(ctx context.Context, c Caller) (Aliases, error) {
	list, err := s.memory.Aliases(ctx, c.aliasOwner())
	if err != nil {
		return nil, fmt.Errorf("reading who is who: %w", inMemory(err))
	}
	slices.Reverse(list)
	return list, nil
}

// aliasesFor is Aliases for a page that can do without.
func (s *Service) aliasesFor(ctx context.Context, c Caller) (Aliases, error) {
	known, err := s.Aliases(ctx, c)
	if err != nil {
		s.log.WarnContext(ctx, "people are shown without aliases", "error", err)
	}
	return known, err
}

// Ruling is what a user decides about people: Person is somebody else's, Into,
// or several. The labels are what they are called, "" for the identity itself.
type Ruling struct {
	Kind                   AliasKind
	Person, Into           Identity
	PersonLabel, IntoLabel string
}

// Decide keeps a ruling for all meetings of the caller's account. One that says
// nothing new, or the contrary of what holds, is refused.
func (s *Service) Decide(ctx context.Context, c Caller, r Ruling) (Alias, []Problem, error) {
	if wrong := r.check(); len(wrong) > 0 {
		return Alias{}, wrong, nil
	}
	a := Alias{
		Decision:    Decision{ID: rand.Text(), Kind: r.Kind, Person: r.Person, Into: r.Into},
		PersonLabel: r.Person.Spelled(r.PersonLabel), IntoLabel: r.Into.Spelled(r.IntoLabel),
		ByKey: c.UserKey, By: c.person().Label(), At: s.Now().Truncate(time.Millisecond),
	}
	if r.Kind == AliasSplit {
		a.Into, a.IntoLabel = "", ""
	}
	for range 5 { // somebody may decide something else this moment
		list, err := s.Aliases(ctx, c)
		if err != nil {
			return Alias{}, nil, err
		}
		if wrong := list.contradict(a); wrong != "" {
			return Alias{}, []Problem{{"person", wrong}}, nil
		}
		a.Seq = 1
		if len(list) > 0 {
			a.Seq = list[0].Seq + 1
		}
		kept, err := s.memory.AddAlias(ctx, c.aliasOwner(), a)
		if err != nil || kept {
			s.record(ctx, c, map[AliasKind]string{AliasJoin: DeedJoinPeople, AliasSplit: DeedSplitPeople}[a.Kind], "", a.Says(), err)
			return a, nil, inMemory(err)
		}
	}
	return Alias{}, []Problem{{"person", "Others decide about people at this moment; try again"}}, nil
}

// check reports what cannot be decided by anybody.
func (r Ruling) check() []Problem {
	ids := []struct {
		field string
		id    Identity
	}{{"person", r.Person}, {"into", r.Into}}
	if r.Kind == AliasSplit {
		ids = ids[:1]
	}
	for _, f := range ids {
		switch {
		case f.field == "into" && f.id == "":
			return []Problem{{f.field, "Choose who it is"}}
		case !f.id.Known():
			return []Problem{{f.field, "This is nobody who can be known again: choose a person with a name or an e-mail address"}}
		case len(f.id) > maxIdentity:
			return []Problem{{f.field, "This name is too long to be kept"}}
		}
	}
	return nil
}

// contradict says why a new decision cannot hold beside these; "" when it can.
func (a Aliases) contradict(n Alias) string {
	who := n.Who()
	if len(a) >= MostAliases {
		return fmt.Sprintf("%d decisions are kept for this account, and no more. Undo some that are not needed any more, under People", MostAliases)
	}
	for _, d := range a {
		for _, id := range []Identity{n.Person, n.Into} {
			if d.Kind == AliasSplit && d.Person == id {
				if n.Kind == AliasSplit {
					return who + " is told apart already"
				}
				return d.Who() + " is several people: choose one of them, or undo that first"
			}
		}
		if d.Kind == AliasJoin && (d.Person == n.Person || n.Kind == AliasSplit && d.Into == n.Person) {
			if n.Kind == AliasJoin && d.Into == n.Into {
				return d.Says() + " already"
			}
			return d.Says() + " already: undo that first"
		}
	}
	if n.Kind == AliasJoin && !a.Terms().CanJoin(n.Person, n.Into) {
		return who + " and " + n.Whom() + " are one person already"
	}
	return ""
}

// UndoAlias forgets a decision: all figures are as they were before it. The
// audit log keeps what it was.
func (s *Service) UndoAlias(ctx context.Context, c Caller, id string) (Alias, error) {
	list, err := s.Aliases(ctx, c)
	if err != nil {
		return Alias{}, err
	}
	i := slices.IndexFunc(list, func(a Alias) bool { return a.ID == id })
	if i < 0 {
		return Alias{}, ErrNoAlias
	}
	dropped, err := s.memory.DropAlias(ctx, c.aliasOwner(), id)
	if err == nil && !dropped {
		return Alias{}, ErrNoAlias // somebody was quicker
	}
	s.record(ctx, c, DeedUndoPeople, "", list[i].Says(), err)
	return list[i], inMemory(err)
}

// Candidate is somebody who came to a meeting, and could be somebody else who
// did, too.
type Candidate struct {
	ID          Identity
	Name, Email string   // as last seen
	Label       string   // the identity as the rows spell it
	Names       []string // all of them
	Here        bool     // came to the occurrence in question
	CanSplit    bool     // there is something to tell parts of it apart
	Decisions   []Decision
}

// Somebody is who came to one occurrence, as a Candidate.
func Somebody(p Attendee) Candidate {
	k := Candidate{ID: p.ID, Name: p.Name, Email: p.Email, Label: p.Label(), Names: p.Names, Here: true, CanSplit: p.CanSplit, Decisions: p.Decisions}
	if p.Name != "" {
		k.Names = append([]string{p.Name}, k.Names...)
	}
	return k
}

// Candidates reads everybody who came to a meeting, by name, for deciding who
// is who: a name and an address of the same person seldom meet in the same
// session. ref names the occurrence in question, as Choose does.
func (s *Service) Candidates(ctx context.Context, c Caller, id, ref string, known Aliases) ([]Candidate, Seen, error) {
	a, seen, err := s.Attendees(ctx, c, id)
	if err != nil {
		return nil, Seen{}, err
	}
	chosen, _ := a.Choose(ref)
	terms := attendance.Terms{Aliases: known.Terms(), Taken: seen.At}
	var all []attendance.Presence
	for _, o := range a.Occurrences {
		all = append(all, attendance.Measure(o, terms))
	}
	series := attendance.Roll(all)
	out := make([]Candidate, 0, len(series.Members))
	for _, m := range series.Members {
		if !m.ID.Known() {
			continue
		}
		k := Candidate{ID: m.ID, Name: m.Name, Email: m.Email, Decisions: m.Decisions}
		for date, cell := range m.Cells {
			if !cell.There {
				continue
			}
			who, on := Somebody(*cell.Person), series.Dates[date]
			k.Label, k.CanSplit = who.Label, k.CanSplit || who.CanSplit
			k.Here = k.Here || on.InstanceKey == chosen.InstanceKey && on.Start.Equal(chosen.Start)
			for _, name := range who.Names {
				if !slices.Contains(k.Names, name) {
					k.Names = append(k.Names, name)
				}
			}
		}
		k.CanSplit = len(k.Decisions) == 0 && (k.CanSplit || !k.ID.Named() && spellings(k.Names) > 1)
		out = append(out, k)
	}
	return out, seen, nil
}

// spellings counts the names that differ in more than how they are written.
func spellings(names []string) int {
	folded := map[string]bool{}
	for _, n := range names {
		folded[attendance.Fold(n)] = true
	}
	return len(folded)
}

// FilterCandidates keeps those of whom text is in a name or the address.
func FilterCandidates(list []Candidate, text string) []Candidate {
	needle := attendance.Fold(text)
	if needle == "" {
		return list
	}
	var out []Candidate
	for _, k := range list {
		if slices.ContainsFunc(append([]string{k.Email}, k.Names...), func(s string) bool { return strings.Contains(attendance.Fold(s), needle) }) {
			out = append(out, k)
		}
	}
	return out
}
