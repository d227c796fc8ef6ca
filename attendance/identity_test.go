package attendance

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"  Ada\tLovelace \n": "ada lovelace", "STRASSE": "strasse", "Straße": "strasse", "Ｗｉｄｅ": "wide", "ﬁn": "fin",
		"Zoe\u0308": "zoë", "a\u200bb\u202ec": "abc", "İ": "i̇", "\u200d": "", "A\xffB": "a\ufffdb", "a\x00b": "a b", "明美 山田": "明美 山田",
	} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

// Folding is settled, makes nothing that can look like another identity, and
// does not depend on case.
func FuzzFold(f *testing.F) {
	for _, s := range []string{"Ada Lovelace", "ADA@example.test", "Straße İ ﬁ", "zoe\u0308", "a\u200b\u0308b", "\u202e\u2066x", "=1+1", "e:x  y", "\xff\xfe", "ﷺ ①²", "ͅ\u0345Α", "e\u200d\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Fold(s)
		if Fold(got) != got {
			t.Fatalf("folded again, %q becomes %q", got, Fold(got))
		}
		if !utf8.ValidString(got) || strings.Contains(got, parted) || strings.TrimSpace(got) != got {
			t.Fatalf("%q", got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%q holds %U", got, r)
			}
		}
		if spaced := Fold(" \u200b" + s + "\t "); spaced != got {
			t.Fatalf("space around it: %q and %q", spaced, got)
		}
		id := IdentityOf(s, "")
		if (id == "") != (got == "") || id != "" && !id.Known() {
			t.Fatalf("identity %q of %q", id, s)
		}
	})
}

func TestIdentity(t *testing.T) {
	for want, c := range map[Identity][2]string{
		"e:ada@x.test": {"Ada", " ADA@x.test"}, "n:ada": {"ADA", ""}, "": {" ", "\u200b"}, "n:e:ada@x.test": {"e:ada@x.test", ""},
	} {
		if got := IdentityOf(c[0], c[1]); got != want || got.Known() != (want != "") {
			t.Errorf("%q: %q", c, got)
		}
	}
	for _, id := range []Identity{"", "e:", "n:", "?  1  1", "x:y", "e:Ada@x.test", "n: ada", "n:a\x00b", "n:ada   2", "e:a@x  Ann", "n:\xff"} {
		if id.Known() {
			t.Errorf("%q is known", id)
		}
	}
}

func TestTextOfAnIdentity(t *testing.T) {
	for id, c := range map[Identity]struct {
		text, spelling string
		named          bool
	}{
		"e:ada@x.test": {"ada@x.test", "Ada@X.test", false}, "n:ada l": {"ada l", "ADA  L", true},
		"e:team@x  ann": {"ann (team@x)", "Ann (Team@x)", false}, "e:team@x  ": {"no name (team@x)", "No name (team@x)", false}, "n:ipad  2": {"ipad (2)", "iPad (2)", true},
		"?  1  1": {"nobody known", "nobody known", false},
	} {
		if got := id.Text(); got != c.text || id.Named() != c.named {
			t.Errorf("%q reads %q", id, got)
		}
		if got := id.Spelled(c.spelling); got != c.spelling {
			t.Errorf("%q is spelled %q", id, got)
		}
		if got := id.Spelled("Boss"); got != c.text {
			t.Errorf("%q is called %q", id, got)
		}
	}
	team := []Join{in("Ann", "Team@x", 0, 30), in("BOB", "team@x", 10, 40), in("Zoë", "", 0, 5)}
	var got []string
	for _, p := range Measure(hour(team...), Terms{Aliases: NewAliases([]Decision{{Kind: Split, Person: "e:team@x"}})}).People {
		got = append(got, p.Label())
	}
	for _, p := range Measure(hour(team...), Terms{}).People {
		got = append(got, p.Label())
	}
	if want := []string{"Ann (Team@x)", "BOB (team@x)", "Zoë", "Team@x", "Zoë"}; !slices.Equal(got, want) {
		t.Errorf("labels %q, want %q", got, want)
	}
}

func TestDecisions(t *testing.T) {
	joined := func(person, into Identity) Decision {
		return Decision{ID: string(person), Kind: Joined, Person: person, Into: into}
	}
	split := func(person Identity) Decision { return Decision{ID: string(person), Kind: Split, Person: person} }
	bob, team := in("Bob", "", 0, 20), in("Ann", "team@x", 0, 30)
	for name, c := range map[string]struct {
		decisions []Decision
		joins     []Join
		want      []string
	}{
		"joined": {[]Decision{joined("n:bob", "e:bo@x")}, []Join{bob, in("Bo", "bo@x", 10, 40)},
			[]string{"Bo <bo@x> 40 min 2 joins 67% by n:bob"}},
		"the name of the one joined into, though less used": {[]Decision{joined("n:zed", "e:bo@x")}, []Join{in("Zed", "", 0, 10), in("Zed", "", 10, 20), in("Bo", "bo@x", 20, 30)},
			[]string{"Bo <bo@x> 30 min 3 joins 50% by n:zed"}},
		"joined over two steps": {[]Decision{joined("n:bob", "e:bo@x"), joined("e:bo@x", "e:boss@x")}, []Join{bob, in("Boss", "boss@x", 30, 40)},
			[]string{"Boss <boss@x> 30 min 2 joins 50% by n:bob e:bo@x"}},
		"the later one is in the way": {[]Decision{joined("n:bob", "e:bo@x"), joined("e:bo@x", "n:bob"), joined("n:bob", "n:ann")}, []Join{bob, in("Bo", "bo@x", 20, 40), in("Ann", "", 0, 10)},
			[]string{"Ann <> 10 min 1 joins 17% by", "Bo <bo@x> 40 min 2 joins 67% by n:bob"}},
		"a shared address is split by names": {[]Decision{split("e:team@x")}, []Join{team, in("BOB", "team@x", 10, 40), in("bob", "Team@x", 50, 60)},
			[]string{"Ann <team@x> 30 min 1 joins 50% by e:team@x", "BOB <Team@x> 40 min 2 joins 67% by e:team@x"}},
		"and a part is joined elsewhere": {[]Decision{split("e:team@x"), joined("e:team@x  bob", "n:bob")}, []Join{team, in("Bob", "team@x", 30, 40), bob},
			[]string{"Ann <team@x> 30 min 1 joins 50% by e:team@x", "Bob <team@x> 30 min 2 joins 50% by e:team@x e:team@x  bob"}},
		"a name is split by presence at once": {[]Decision{split("n:ipad")}, []Join{in("iPad", "", 30, 60), in("iPad", "", 0, 20), in("iPad", "", 10, 40), in("iPad", "", 60, 60)},
			[]string{"iPad <> 50 min 3 joins 83% by n:ipad", "iPad <> 30 min 1 joins 50% by n:ipad"}},
		"nothing to split":              {[]Decision{split("n:bob"), joined("n:zed", "n:bob")}, []Join{bob}, []string{"Bob <> 20 min 1 joins 33% by n:bob"}},
		"the nameless cannot be joined": {[]Decision{joined("?  1  1", "n:bob")}, []Join{bob, in("", "", 0, 5)}, []string{"Bob <> 20 min 1 joins 33% by", " <> 5 min 1 joins 8% by"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range Measure(hour(c.joins...), Terms{Aliases: NewAliases(c.decisions)}).People {
				p.Late, p.Early, p.CanSplit = false, false, false
				by := line(p) + " by"
				for _, d := range p.Decisions {
					by += " " + d.ID
				}
				got = append(got, by)
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestWhatCannotBeDecided(t *testing.T) {
	a := NewAliases([]Decision{{Kind: Joined, Person: "n:b", Into: "n:a"}})
	for into, person := range map[Identity]Identity{"n:c": "n:b", "n:b": "n:a", "n:a": "n:a", "": "n:x", "?  1  1": "n:x"} {
		if a.CanJoin(person, into) {
			t.Errorf("%q can be joined into %q", person, into)
		}
	}
	if !a.CanJoin("n:c", "n:b") || !a.CanJoin("n:a", "n:c") || !(Aliases{}).CanJoin("n:a", "n:b") {
		t.Error("what is new is refused")
	}
}
