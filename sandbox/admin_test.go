package sandbox_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const users = "/admin/rest/v1/accounts/" + account + "/users"

type userPage struct {
	Results []struct {
		Key    string `json:"key"`
		Email  string `json:"email"`
		Status string `json:"status"`
	} `json:"results"`
	From  int `json:"fromIndex"`
	To    int `json:"toIndex"`
	Total int `json:"total"`
}

func TestUserFilters(t *testing.T) {
	s := start(t)
	for query, want := range map[string]int{
		"": 9,
		"?filter=email%20eq%20%22ben@example.test%22":                         1,
		"?filter=email+eq+%22ben@example.test%22":                             1,
		"?filter=(email=%22ben@example.test%22)":                              1,
		"?filter=(key=%22" + ben + "%22)":                                     1,
		"?filter=(email=%22(?i)BEN@example.test%22)":                          1,
		"?filter=(email=%22(?i).*@example.test%22)%26(key=%22" + ben + "%22)": 1,
		"?filter=(email=%22nobody@example.test%22)":                           0,
		"?filter=status%20eq%20%22INVITED%22":                                 1,
		"?filter=email%20eq%20%22bobby%2Btables@example.test%22":              1,
	} {
		resp, text := do(t, s, "ada", "GET", users+query, "")
		var p userPage
		if err := json.Unmarshal(text, &p); err != nil || resp.StatusCode != http.StatusOK || p.Total != want || len(p.Results) != want || p.To != want {
			t.Errorf("%s: %s, %d of %d, want %d (%v)", query, resp.Status, len(p.Results), p.Total, want, err)
		}
		if want == 0 && strings.Contains(string(text), "results") {
			t.Errorf("%s: results key present though nothing matched", query)
		}
	}
	if resp, _ := do(t, s, "ada", "GET", users+"?filter=drop%20table", ""); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("nonsense filter: %s", resp.Status)
	}
}

func TestUserPagesHaveAnExclusiveEnd(t *testing.T) {
	s := start(t)
	seen := map[string]bool{}
	for offset, want := range map[string][2]int{"0": {0, 4}, "4": {4, 8}, "8": {8, 9}, "20": {9, 9}} {
		_, text := do(t, s, "ada", "GET", users+"?pageSize=4&attributes=key,email&offset="+offset, "")
		var p userPage
		if err := json.Unmarshal(text, &p); err != nil || p.From != want[0] || p.To != want[1] || p.Total != 9 {
			t.Errorf("offset %s: %+v %v", offset, p, err)
		}
		for _, u := range p.Results {
			seen[u.Key] = true
			if u.Status != "" {
				t.Errorf("attribute not asked for: %+v", u)
			}
		}
	}
	if len(seen) != 9 {
		t.Errorf("pages show %d users", len(seen))
	}
}

func TestInviteChangeAndRemoveUsers(t *testing.T) {
	s := start(t)
	resp, text := do(t, s, "ada", "POST", users, `{"users":[{"email":"new@example.test","firstName":"N","lastName":"O"},
		{"email":"ben@example.test","firstName":"B","lastName":"E"}],"licenseKeys":["7200000000000000001"]}`)
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s", resp.Status, text)
	}
	added := rows(t, text)
	if added[1]["key"] != ben {
		t.Errorf("someone already there: %v", added[1])
	}
	one := users + "/" + added[0]["key"].(string)
	_, text = do(t, s, "ada", "GET", one, "")
	if u := parse(t, text).(map[string]any); u["status"] != "INVITED" || u["invitedDate"] == nil {
		t.Errorf("new user: %v", u)
	}
	if resp, _ = do(t, s, "ada", "PUT", one+"?allOrNothing=true", `{"firstName":"Renamed"}`); resp.StatusCode != http.StatusNoContent {
		t.Errorf("change: %s", resp.Status)
	}
	_, text = do(t, s, "ada", "GET", one, "")
	if u := parse(t, text).(map[string]any); u["firstName"] != "Renamed" || u["lastName"] != "O" {
		t.Errorf("changed user: %v", u)
	}
	if resp, _ = do(t, s, "ada", "PUT", one, `{"email":"ben@example.test"}`); resp.StatusCode != http.StatusConflict {
		t.Errorf("taken address: %s", resp.Status)
	}
	if resp, _ = do(t, s, "ada", "DELETE", one, ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("remove: %s", resp.Status)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		resp, text = do(t, s, "ada", method, one, `{}`)
		if resp.StatusCode != http.StatusNotFound || !strings.Contains(string(text), `"user.not.found"`) {
			t.Errorf("%s afterwards: %s %s", method, resp.Status, text)
		}
	}
	for _, bad := range []string{`{}`, `{"users":[{"email":"x"}]}`, `{"users":[{"email":"x@example.test"}]}`,
		`{"users":[{"email":"x@example.test","firstName":"a","lastName":"b"}],"licenseKeys":["1"]}`} {
		if resp, _ = do(t, s, "ada", "POST", users, bad); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", bad, resp.Status)
		}
	}
}

func TestLicensesAreNamed(t *testing.T) {
	s := start(t)
	_, text := do(t, s, "ada", "GET", strings.TrimSuffix(users, "users")+"licenses", "")
	for _, want := range []string{"Organizer for GoToMeeting Trial", "Organizer for GoToMeeting Free", ben} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}
