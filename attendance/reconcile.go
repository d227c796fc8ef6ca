package attendance

// Told is what GoTo itself says of an occurrence; 0 for what it does not say.
type Told struct {
	Attendees int
	Minutes   int // of the occurrence
}

// Told is what the rows say of the occurrence as a whole. Their duration is
// that of the occurrence where they all name the same, else each join's own.
func (o Occurrence) Told() Told {
	var t Told
	for i, j := range o.Joins {
		t.Attendees = max(t.Attendees, j.Attendees)
		if i == 0 {
			t.Minutes = j.Minutes
		} else if j.Minutes != t.Minutes {
			t.Minutes = -1
		}
	}
	t.Minutes = max(0, t.Minutes)
	return t
}

// Verdict says how GoTo's count of attendees and ours go together.
type Verdict string

// The verdicts.
const (
	Untold         Verdict = "untold"         // GoTo gives no count
	Agrees         Verdict = "agrees"         // as many people
	CountsJoins    Verdict = "counts joins"   // every return and second device
	CountsSplits   Verdict = "before aliases" // as many people, before somebody joined or split any
	RowsAreMissing Verdict = "rows missing"   // more than there are rows: the list is not complete
	Differs        Verdict = "differs"        // for a reason that the rows do not tell
)

// Reconciliation sets GoTo's own figures against those made of its rows.
type Reconciliation struct {
	Told
	People, Joins int
	Length        int // minutes of the occurrence, as measured
	Verdict       Verdict
}

// Reconcile compares p with what GoTo says.
func Reconcile(p Presence, t Told) Reconciliation {
	r := Reconciliation{Told: t, People: len(p.People), Joins: len(p.Joins), Length: WholeMinutes(p.Actual.Length())}
	switch {
	case t.Attendees == 0:
		r.Verdict = Untold
	case t.Attendees == r.People:
		r.Verdict = Agrees
	case t.Attendees == p.Identities:
		r.Verdict = CountsSplits
	case t.Attendees == r.Joins:
		r.Verdict = CountsJoins
	case t.Attendees > r.Joins:
		r.Verdict = RowsAreMissing
	default:
		r.Verdict = Differs
	}
	return r
}

// MinutesAgree allows for rounding; it is true of what GoTo does not say.
func (r Reconciliation) MinutesAgree() bool {
	return r.Minutes == 0 || r.Minutes-r.Length <= 1 && r.Length-r.Minutes <= 1
}
