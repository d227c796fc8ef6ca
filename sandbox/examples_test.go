package sandbox_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// kinds is a JSON value with each leaf replaced by the name of its kind.
func kinds(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[key] = kinds(value)
		}
		return out
	case []any:
		out := []any{}
		for _, value := range v {
			out = append(out, kinds(value))
		}
		return out
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "fraction"
		}
		return "integer"
	}
	return fmt.Sprintf("%T", v)
}

// The answers whose examples testdata holds have the examples' keys and kinds,
// and for the meeting of the examples their values too.
func TestAnswersAreLikeTheExamples(t *testing.T) {
	s := start(t)
	example := func(name string) []map[string]any {
		text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		return rows(t, text)
	}
	compare := func(name string, row map[string]any, same ...string) {
		t.Helper()
		want := example(name)[0]
		if !reflect.DeepEqual(kinds(row), kinds(want)) {
			t.Errorf("%s: got  %v\nwant %v", name, kinds(row), kinds(want))
		}
		for _, key := range same {
			if !reflect.DeepEqual(row[key], want[key]) {
				t.Errorf("%s: %s is %v, in the example %v", name, key, row[key], want[key])
			}
		}
	}
	_, text := do(t, s, "ada", "POST", g2m+"/meetings", `{"subject":"Board &lt;draft&gt;","starttime":"2030-01-15T10:00:00Z","endtime":"2030-01-15T11:00:00Z",
		"passwordrequired":false,"conferencecallinfo":"Hybrid","timezonekey":"","meetingtype":"scheduled","coorganizerKeys":["8439885694023999999"]}`)
	created := rows(t, text)
	compare("create", created[0], "maxParticipants")
	_, text = do(t, s, "ada", "GET", g2m+"/meetings/"+created[0]["meetingid"].(json.Number).String(), "")
	read := rows(t, text)
	compare("read", read[0], "createTime", "passwordRequired", "status", "subject", "startTime", "endTime", "duration", "maxParticipants", "meetingType", "coorganizerKeys")
	if len(created) != 1 || len(read) != 1 {
		t.Errorf("%d created, %d read", len(created), len(read))
	}
	_, text = do(t, s, "ada", "GET", g2m+"/historicalMeetings"+span, "")
	for _, row := range rows(t, text) {
		if row["recording"] == nil {
			compare("history", row, "email", "firstName", "lastName", "locale")
			return
		}
	}
	t.Error("every past meeting has a recording")
}
