package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portal/attendance"
	"portal/meetings"
	"portal/store"
)

func alias(seq int64, person, into meetings.Identity) meetings.Alias {
	a := meetings.Alias{PersonLabel: "Bob B.", IntoLabel: "bob@x.test", ByKey: "1", By: "Ada", At: noon.Add(123 * time.Millisecond), Seq: seq}
	a.ID, a.Kind, a.Person, a.Into = fmt.Sprint("id", seq), meetings.AliasJoin, person, into
	return a
}

func TestAliasRows(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		read := func(owner string) []meetings.Alias {
			t.Helper()
			list, err := s.Aliases(ctx, owner)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		add := func(owner string, a meetings.Alias) bool {
			t.Helper()
			kept, err := s.AddAlias(ctx, owner, a)
			if err != nil {
				t.Fatal(err)
			}
			return kept
		}
		if list := read("account acc"); len(list) != 0 {
			t.Fatalf("an empty store holds %+v", list)
		}
		first, second := alias(1, "n:bob b.", "e:bob@x.test"), alias(2, "n:c", "n:d")
		if !add("account acc", second) || !add("account acc", first) || add("account acc", alias(2, "n:x", "n:y")) {
			t.Fatal("a number that is free is refused, or a taken one is not")
		}
		taken := alias(3, "n:x", "n:y")
		taken.ID = first.ID
		if add("account acc", taken) {
			t.Error("an id stands for two decisions")
		}
		foreign := alias(1, "n:e", "n:f")
		foreign.ID = "theirs"
		if !add("account other", foreign) {
			t.Error("another account's number is in the way")
		}
		if list := read("account acc"); !reflect.DeepEqual(list, []meetings.Alias{first, second}) {
			t.Errorf("read back as %+v", list)
		}
		for _, c := range []struct {
			owner, id string
			want      bool
		}{{"account acc", "theirs", false}, {"account other", "id1", false}, {"", "id1", false}, {"account acc", "", false}, {"account acc", "id1", true}, {"account acc", "id1", false}} {
			if dropped, err := s.DropAlias(ctx, c.owner, c.id); err != nil || dropped != c.want {
				t.Errorf("%+v: dropped %v, %v", c, dropped, err)
			}
		}
		again := open(t, databaseURL)
		if list, err := again.Aliases(ctx, "account acc"); err != nil || !reflect.DeepEqual(list, []meetings.Alias{second}) {
			t.Errorf("opened again: %+v, %v", list, err)
		}

		// PostgreSQL alone would refuse these.
		odd := alias(9, "n:a\x00b\xff", "n:'; --")
		odd.PersonLabel = "nul \x00 and broken \xff"
		if !add("account\x00", odd) {
			t.Error("hostile text is refused")
		}
		if list := read("account\x00"); len(list) != 1 || list[0].PersonLabel != "nul \uFFFD and broken \uFFFD" {
			t.Errorf("hostile text: %+v", list)
		}
	})
}

func service(s *store.Store) *meetings.Service {
	return meetings.New(meetings.Config{Memory: s, Now: func() time.Time { return noon }})
}

var (
	ada  = meetings.Caller{UserKey: "1", AccountKey: "10", Ref: "10/1", Name: "Ada Example", Admin: true}
	ben  = meetings.Caller{UserKey: "2", AccountKey: "10", Ref: "10/2", Name: "Ben"}
	dan  = meetings.Caller{UserKey: "3", AccountKey: "20", Ref: "20/3", Name: "Dan", Admin: true}
	eve  = meetings.Caller{UserKey: "10", Ref: "10", Name: "Eve"} // GoTo names no account
	fred = meetings.Caller{Ref: "f", Name: "Fred"}
)

func joined(person, into meetings.Identity) meetings.Ruling {
	return meetings.Ruling{Kind: meetings.AliasJoin, Person: person, Into: into}
}

func split(person meetings.Identity) meetings.Ruling {
	return meetings.Ruling{Kind: meetings.AliasSplit, Person: person}
}

// decide keeps a ruling and returns its id, or why it was refused.
func decide(t *testing.T, s *meetings.Service, c meetings.Caller, r meetings.Ruling) (id, refusal string) {
	t.Helper()
	a, wrong, err := s.Decide(t.Context(), c, r)
	if err != nil {
		t.Fatal(err)
	}
	if len(wrong) > 0 {
		return "", wrong[0].Field + ": " + wrong[0].Text
	}
	return a.ID, ""
}

func says(t *testing.T, s *meetings.Service, c meetings.Caller) (list []string) {
	t.Helper()
	known, err := s.Aliases(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range known {
		list = append(list, a.Says())
	}
	return list
}

func TestAliasesOfAnAccount(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		first := open(t, databaseURL)
		s, ctx := service(first), t.Context()
		r := joined("n:bob b.", "e:bob@x.test")
		r.PersonLabel, r.IntoLabel = "Bob B.", "Boss"
		id, refused := decide(t, s, ada, r)
		splitID, _ := decide(t, s, ben, split("n:ipad"))
		if refused != "" || id == "" || splitID == "" {
			t.Fatalf("refused: %s", refused)
		}
		// Nobody else sees or undoes them, not even who shares having no account.
		if _, refused := decide(t, s, eve, joined("n:a", "n:b")); refused != "" {
			t.Fatal(refused)
		}
		for _, c := range []meetings.Caller{dan, fred} {
			if list := says(t, s, c); len(list) != 0 {
				t.Errorf("%s reads %q", c.Name, list)
			}
		}
		for _, c := range []meetings.Caller{dan, eve, fred} {
			if _, err := s.UndoAlias(ctx, c, id); !errors.Is(err, meetings.ErrNoAlias) {
				t.Errorf("%s undoes it: %v", c.Name, err)
			}
		}
		if list := says(t, s, eve); !slices.Equal(list, []string{"“a” counts as “b”"}) {
			t.Errorf("eve reads %q", list)
		}

		// The portal starts anew, and a colleague looks.
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		s = service(open(t, databaseURL))
		want := []string{"“ipad” is several people, told apart by being there at the same time", "“Bob B.” counts as bob@x.test"}
		if list := says(t, s, ben); !slices.Equal(list, want) {
			t.Errorf("after a restart: %q, want %q", list, want)
		}
		known, err := s.Aliases(ctx, ben)
		if err != nil {
			t.Fatal(err)
		}
		applied := []attendance.Decision{known[0].Decision, known[1].Decision, known[0].Decision, {ID: "of another account"}}
		if got, want := known.Sentences(applied, time.FixedZone("", 14*3600)), []string{
			"“Bob B.” counts as bob@x.test (joined by Ada Example, 25 Nov 2026)",
			"“ipad” is several people, told apart by being there at the same time (split by Ben, 25 Nov 2026)",
		}; !slices.Equal(got, want) {
			t.Errorf("sentences %q, want %q", got, want)
		}
		if known.Terms().CanJoin("e:bob@x.test", "n:bob b.") || known.Terms().CanJoin("n:bob b.", "n:c") {
			t.Error("the terms do not know who is who")
		}

		if undone, err := s.UndoAlias(ctx, ben, id); err != nil || undone.Says() != want[1] {
			t.Errorf("undone: %+v, %v", undone, err)
		}
		if _, err := s.UndoAlias(ctx, ada, id); !errors.Is(err, meetings.ErrNoAlias) {
			t.Errorf("undone twice: %v", err)
		}
		if list := says(t, s, ada); !slices.Equal(list, want[:1]) {
			t.Errorf("after the undo: %q", list)
		}
		if id, refused := decide(t, s, ada, joined("n:bob b.", "n:robert")); refused != "" || id == "" {
			t.Errorf("decided anew: %s", refused)
		}
		deeds, _, err := s.Deeds(ctx, ada, meetings.DeedQuery{})
		if err != nil {
			t.Fatal(err)
		}
		var log []string
		for _, d := range deeds {
			log = append(log, d.User+" "+d.Action+" "+d.Subject+" "+d.Outcome)
		}
		slices.Sort(log)
		if want := []string{
			"Ada Example join people “Bob B.” counts as bob@x.test done", "Ada Example join people “bob b.” counts as “robert” done",
			"Ben split a person “ipad” is several people, told apart by being there at the same time done", "Ben undo who is who “Bob B.” counts as bob@x.test done",
		}; !slices.Equal(log, want) {
			t.Errorf("the audit log holds %q, want %q", log, want)
		}
	})
}

func TestWhatContradictsIsRefused(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s := service(open(t, databaseURL))
		for _, r := range []meetings.Ruling{joined("n:b", "e:a@x"), joined("n:c", "n:b"), split("e:team@x"), joined("e:team@x  ann", "n:ann")} {
			if _, refused := decide(t, s, ada, r); refused != "" {
				t.Fatalf("%+v: %s", r, refused)
			}
		}
		for _, c := range []struct {
			ruling meetings.Ruling
			want   string
		}{
			{joined("n:b", "e:a@x"), "person: “b” counts as a@x already"},
			{joined("n:b", "n:d"), "person: “b” counts as a@x already: undo that first"},
			{joined("e:a@x", "n:b"), "person: a@x and “b” are one person already"},
			{joined("e:a@x", "n:c"), "person: a@x and “c” are one person already"},
			{joined("n:d", "n:d"), "person: “d” and “d” are one person already"},
			{joined("n:d", "e:team@x"), "person: team@x is several people: choose one of them, or undo that first"},
			{joined("e:team@x", "n:d"), "person: team@x is several people: choose one of them, or undo that first"},
			{split("e:team@x"), "person: team@x is told apart already"},
			{split("n:c"), "person: “c” counts as “b” already: undo that first"},
			{split("e:a@x"), "person: “b” counts as a@x already: undo that first"},
			{joined("n:d", ""), "into: Choose who it is"},
			{joined("", "n:d"), "person: This is nobody who can be known again: choose a person with a name or an e-mail address"},
			{joined("n:d", "e:Ada@X"), "into: This is nobody who can be known again: choose a person with a name or an e-mail address"},
			{split("?  1  1"), "person: This is nobody who can be known again: choose a person with a name or an e-mail address"},
			{joined("n:d", meetings.Identity("n:"+strings.Repeat("d", 1000))), "into: This name is too long to be kept"},
		} {
			if _, refused := decide(t, s, ben, c.ruling); refused != c.want {
				t.Errorf("%+v is answered %q, want %q", c.ruling, refused, c.want)
			}
		}
		if list := says(t, s, ada); len(list) != 4 {
			t.Errorf("kept: %q", list)
		}
	})
}

// Two who decide at the same time: of what contradicts one is kept, and of what
// does not both are.
func TestTwoDecideAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		one, other := service(open(t, databaseURL)), service(open(t, databaseURL))
		for round := range 10 {
			a, b := meetings.Identity(fmt.Sprint("n:a", round)), meetings.Identity(fmt.Sprint("n:b", round))
			var wg sync.WaitGroup
			var kept atomic.Int64
			for _, r := range []struct {
				s *meetings.Service
				r meetings.Ruling
			}{{one, joined(a, b)}, {other, joined(b, a)}, {one, split(a + "x")}, {other, split(b + "x")}} {
				wg.Go(func() {
					if _, wrong, err := r.s.Decide(t.Context(), ada, r.r); err != nil {
						t.Error(err)
					} else if len(wrong) == 0 {
						kept.Add(1)
					}
				})
			}
			wg.Wait()
			if list := says(t, one, ada); kept.Load() != 3 || len(list) != 3*(round+1) {
				t.Fatalf("round %d: %d kept, %q", round, kept.Load(), list)
			}
		}
	})
}
