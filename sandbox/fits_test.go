package sandbox_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A template is the JSON of an answer with, for each value, what it has to be:
//
//	"s" text          "d" text of digits     "n" an integer     "b" a boolean
//	"t" a time in the format of the wire     "l" a link
//	"x" text "true" or "false" when observed, a boolean in the description
//	"k" text of digits when observed, an integer in the description
//	"email" "first" "last" "full" of the organizer whose key is in the row
//	"attendee" the same as the row's attendeeName
//	"=a|b" just that text, or one of them; a number or boolean: just that
//
// A key that ends in "?" may be missing. An array's one element stands for any
// number of them. Of both at least one has to be there in the whole answer, so
// that nothing in the template goes unlooked at.
type template struct {
	wire string
	seen map[string]bool
}

// people are the organizers of the sample.
var people = map[string][2]string{ada: {"Ada", "Example"}, ben: {"Ben", "Example"}, "8439885694023990003": {"Cleo", "Example"}, "8439885694023990004": {"Łucja", "Ðorđević-Nuñez 🌻"}}

// fits fails the test unless the answer is as the template says, to the last
// key and its casing.
func fits(t *testing.T, wire, want string, answer []byte) {
	t.Helper()
	tm := template{wire: wire, seen: map[string]bool{}}
	shape := parse(t, []byte(want))
	if err := tm.match("", shape, parse(t, answer), nil); err != nil {
		t.Fatalf("%v in\n%.600s", err, answer)
	}
	if at := tm.unseen("", shape); at != "" {
		t.Fatalf("the answer has no %s:\n%.600s", at, answer)
	}
}

func (tm *template) match(at string, want, got any, row map[string]any) error {
	tm.seen[at] = true
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is no object: %v", at, got)
		}
		return tm.object(at, want, object)
	case []any:
		list, ok := got.([]any)
		if !ok {
			return fmt.Errorf("%s is no array: %v", at, got)
		}
		for _, element := range list {
			if err := tm.match(at+"[]", want[0], element, row); err != nil {
				return err
			}
		}
		return nil
	case string:
		if !tm.value(want, got, row) {
			return fmt.Errorf("%s is %#v, want %q", at, got, want)
		}
		return nil
	}
	if want != got {
		return fmt.Errorf("%s is %#v, want %v", at, got, want)
	}
	return nil
}

func (tm *template) object(at string, want, got map[string]any) error {
	known := map[string]bool{}
	for name, shape := range want {
		key, optional := strings.CutSuffix(name, "?")
		known[key] = true
		value, there := got[key]
		switch {
		case there:
			if err := tm.match(at+"."+name, shape, value, got); err != nil {
				return err
			}
		case !optional:
			return fmt.Errorf("%s.%s is missing", at, key)
		}
	}
	for key := range got {
		if !known[key] {
			return fmt.Errorf("%s.%s is not in the reference", at, key)
		}
	}
	return nil
}

var (
	wholeNumber  = regexp.MustCompile(`^-?\d+$`)
	observedTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\+0000$`)
	plainTime    = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
)

func (tm *template) value(want string, got any, row map[string]any) bool {
	text, isText := got.(string)
	number, isNumber := got.(json.Number)
	_, isBool := got.(bool)
	observed := tm.wire == "observed"
	switch want {
	case "s":
		return isText
	case "d":
		return isText && wholeNumber.MatchString(text)
	case "n":
		return isNumber && wholeNumber.MatchString(number.String())
	case "b":
		return isBool
	case "l":
		return isText && strings.Contains(text, "://")
	case "t":
		if observed {
			return isText && observedTime.MatchString(text)
		}
		return isText && plainTime.MatchString(text)
	case "x":
		if observed {
			return isText && (text == "true" || text == "false")
		}
		return isBool
	case "k":
		if observed {
			return isText && wholeNumber.MatchString(text)
		}
		return isNumber && wholeNumber.MatchString(number.String())
	case "attendee":
		return isText && text == row["attendeeName"]
	case "first", "last", "full", "email":
		key := fmt.Sprint(row["organizerkey"])
		if row["organizerkey"] == nil {
			key = fmt.Sprint(row["organizerKey"])
		}
		who := people[key]
		email := map[string]string{"Łucja": "lucja"}[who[0]]
		if email == "" {
			email = strings.ToLower(who[0])
		}
		whole := map[string]string{"first": who[0], "last": who[1], "full": who[0] + " " + who[1], "email": email + "@example.test"}
		return who[0] != "" && isText && text == whole[want]
	}
	texts, fixed := strings.CutPrefix(want, "=")
	return fixed && isText && slices.Contains(strings.Split(texts, "|"), text)
}

// unseen is the first place of the template that the answer had nothing for.
func (tm *template) unseen(at string, want any) string {
	if !tm.seen[at] {
		return at
	}
	switch want := want.(type) {
	case map[string]any:
		for name, shape := range want {
			if un := tm.unseen(at+"."+name, shape); un != "" {
				return un
			}
		}
	case []any:
		return tm.unseen(at+"[]", want[0])
	}
	return ""
}
