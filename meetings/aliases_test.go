package meetings

import (
	"context"
	"strings"
	"testing"

	"portal/attendance"
)

// full is a Memory with as many decisions as are kept.
type full struct{ forgetful }

func (full) Aliases(context.Context, string) ([]Alias, error) {
	return make([]Alias, MostAliases), nil
}

func TestAliasesAreBounded(t *testing.T) {
	s := New(Config{Memory: full{}})
	_, wrong, err := s.Decide(t.Context(), Caller{AccountKey: "10"}, Ruling{Kind: AliasSplit, Person: "n:a"})
	if err != nil || len(wrong) != 1 || !strings.Contains(wrong[0].Text, "5000 decisions") {
		t.Errorf("one too many: %v, %v", wrong, err)
	}
}

// Names are chosen by whoever joins, so they stand in quotes and turn nothing.
func TestWhatAnAliasSays(t *testing.T) {
	for want, a := range map[string]Alias{
		"“a@x counts as ” counts as b@x":                      {Decision: attendance.Decision{Kind: AliasJoin, Person: "n:a@x counts as", Into: "e:b@x"}, PersonLabel: "a@x counts as \u202e", IntoLabel: "b@x"},
		"“Ann (team@x)” counts as “Ann”":                      {Decision: attendance.Decision{Kind: AliasJoin, Person: "e:team@x  ann", Into: "n:ann"}, PersonLabel: "Ann (team@x)", IntoLabel: "Ann"},
		"team@x is several people, told apart by their names": {Decision: attendance.Decision{Kind: AliasSplit, Person: "e:team@x"}, PersonLabel: "team@x"},
	} {
		if got := a.Says(); got != want {
			t.Errorf("says %q, want %q", got, want)
		}
	}
}
