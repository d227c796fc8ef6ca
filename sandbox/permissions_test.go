package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestWhoMayDoWhat(t *testing.T) {
	const orgs, acc = g2m + "/organizers/", "/admin/rest/v1/accounts/" + account
	s := start(t)
	id := create(t, s) // ada's, ben is co-organizer
	meeting := g2m + "/meetings/" + id
	for _, tc := range []struct {
		who, method, path, body string
		want                    int
	}{
		{"ben", "GET", meeting, "", 200},
		{"ben", "GET", meeting + "/start", "", 200},
		{"ben", "PUT", meeting, newMeeting, 404},
		{"ben", "DELETE", meeting, "", 404},
		{"cleo", "GET", meeting, "", 404},
		{"cleo", "GET", meeting + "/start", "", 404},
		{"dan", "GET", meeting, "", 404},
		{"cleo", "GET", meeting + "/attendees", "", 403},
		{"ben", "GET", meeting + "/attendees", "", 403},
		{"ada", "GET", meeting + "/attendees", "", 200},
		{"ada", "GET", g2m + "/meetings/301480117", "", 404}, // admin, but ben's
		{"ada", "GET", g2m + "/meetings/301480117/attendees", "", 200},
		{"ada", "GET", g2m + "/meetings/999999999/attendees", "", 404},
		{"ada", "GET", g2m + "/meetings/501480117/attendees", "", 403}, // dan's, another account
		{"ben", "GET", orgs + ben + "/upcomingMeetings", "", 200},
		{"ben", "GET", orgs + ada + "/upcomingMeetings", "", 403},
		{"dan", "GET", orgs + ben + "/historicalMeetings" + span, "", 403},
		{"ada", "GET", orgs + ben + "/attendees", "", 400},
		{"ben", "GET", orgs + ben + "/attendees" + span, "", 403}, // own, but it is an admin's call
		{"ada", "GET", orgs + "123/upcomingMeetings", "", 404},
		{"ada", "GET", orgs + "8439885694023990010/upcomingMeetings", "", 403},
		{"ada", "GET", g2m + "/historicalMeetings", "", 400},
		{"ada", "GET", g2m + "/historicalMeetings?startDate=2090-01-01T00:00:00Z&endDate=2080-01-01T00:00:00Z", "", 400},
		{"ben", "GET", g2m + "/organizers", "", 403},
		{"ben", "GET", g2m + "/groups", "", 403},
		{"ada", "GET", g2m + "/groups/1/organizers", "", 403},
		{"ada", "GET", g2m + "/organizers?email=nobody@example.test", "", 404},
		{"ada", "DELETE", g2m + "/organizers", "", 400},
		{"ada", "DELETE", orgs + ben + "/sessions/1", "", 404},
		{"ben", "GET", acc + "/users", "", 403},
		{"dan", "GET", acc + "/users", "", 403},
		{"ada", "GET", acc + "/users/8439885694023990010", "", 404},
		{"ben", "GET", "/admin/rest/v1/me", "", 200},
		{"dan", "GET", "/identity/v1/Users/me", "", 200},
		{"ada", "GET", g2m + "/nonsense", "", 404},
		{"ada", "PATCH", meeting, "", 404},
	} {
		if resp, text := do(t, s, tc.who, tc.method, tc.path, tc.body); resp.StatusCode != tc.want {
			t.Errorf("%s %s %s: %s %.200s, want %d", tc.who, tc.method, tc.path, resp.Status, text, tc.want)
		}
	}
}

func TestIdentityScope(t *testing.T) {
	s := start(t)
	s.Control(map[string]any{"scopes": "collab:"})
	for path, want := range map[string]int{
		g2m + "/upcomingMeetings":                        200,
		g2m + "/organizers/" + ada + "/upcomingMeetings": 200,
		g2m + "/meetings/201480117/attendees":            403,
		g2m + "/organizers/" + ben + "/upcomingMeetings": 403,
		g2m + "/organizers/" + ada + "/attendees" + span: 200,
		g2m + "/organizers/" + ben + "/attendees" + span: 403,
		g2m + "/organizers":                              403,
		"/admin/rest/v1/me":                              401,
		"/identity/v1/Users/me":                          200,
	} {
		resp, text := do(t, s, "ada", "GET", path, "")
		if resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, resp.Status, want)
		}
		if want == 403 && string(text) != `{"errorCode":"AUTHZ_INSUFFICIENT_SCOPE"}`+"\n" {
			t.Errorf("%s: %s", path, text)
		}
	}
	// Erasing what is one's own needs no more than organizing it does.
	for _, part := range []string{"/attendees", "/recordings", ""} {
		for organizer, want := range map[string]int{ada: 204, ben: 403} {
			path := g2m + "/organizers/" + organizer + "/sessions/" + anySession(t, s.Sandbox) + part
			if resp, text := do(t, s, "ada", "DELETE", path, ""); resp.StatusCode != want {
				t.Errorf("DELETE %s: %s %s, want %d", path, resp.Status, text, want)
			}
		}
	}
}

func TestBadTokens(t *testing.T) {
	s := start(t)
	token := s.Token("ada@example.test")
	for _, form := range []string{"Bearer " + token, token, "OAuth oauth_token=" + token} {
		if resp, _ := send(t, s, form, "GET", g2m+"/upcomingMeetings", ""); resp.StatusCode != http.StatusOK {
			t.Errorf("%.20s…: %s", form, resp.Status)
		}
	}
	s.Control(map[string]any{"expire_access_tokens": true})
	for _, form := range []string{"", "Bearer nonsense", "Bearer " + token, "Bearer " + token[:len(token)-2] + "AA"} {
		resp, text := send(t, s, form, "GET", g2m+"/upcomingMeetings", "")
		if resp.StatusCode != http.StatusForbidden || resp.Header.Get("X-Amzn-Errortype") != "UnauthorizedException" ||
			string(text) != `{"int_err_code":"InvalidToken","msg":"Invalid token passed"}`+"\n" {
			t.Errorf("%.20s…: %s %v %s", form, resp.Status, resp.Header, text)
		}
		resp, text = send(t, s, form, "GET", "/admin/rest/v1/me", "")
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("admin: %s %s", resp.Status, text)
		}
		fits(t, "observed", `{"incidentId":"s","errors":[{"code":"=not.authenticated"}]}`, text)
		resp, text = send(t, s, form, "GET", "/identity/v1/Users/me", "")
		if resp.StatusCode != http.StatusUnauthorized || len(text) != 0 || resp.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("SCIM: %s %v %s", resp.Status, resp.Header, text)
		}
	}
	if resp, _ := do(t, s, "ada", "GET", g2m+"/upcomingMeetings", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("the flag did not reset itself: %s", resp.Status)
	}
}

func TestOrganizersAreInvitedSuspendedAndRemoved(t *testing.T) {
	s := start(t)
	body := `{"organizerEmail":"new@example.test","firstName":"New","lastName":"One","productType":"G2M"}`
	resp, text := do(t, s, "ada", "POST", g2m+"/organizers", body)
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", resp.Status, text)
	}
	_, text = do(t, s, "ada", "GET", g2m+"/organizers?email=new@example.test", "")
	if o := rows(t, text)[0]; o["status"] != "active" || len(o["products"].([]any)) != 1 {
		t.Errorf("the new organizer: %v", o)
	}
	if resp, _ = do(t, s, "ada", "POST", g2m+"/groups/6301000000000000001/organizers", body); resp.StatusCode != http.StatusConflict {
		t.Errorf("twice: %s", resp.Status)
	}
	for _, path := range []string{g2m + "/organizers", g2m + "/groups/6301000000000000001/organizers"} {
		for _, bad := range []string{`{"organizerEmail":"x@example.test"}`, strings.Replace(body, "new@example.test", "nobody", 1),
			strings.Replace(body, "G2M", "G2X", 1), strings.Replace(body, "G2M", "g2m", 1), strings.Replace(body, "G2M", "", 1), `[]`} {
			if resp, _ = do(t, s, "ada", "POST", path, bad); resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%s %s: %s", path, bad, resp.Status)
			}
		}
	}
	for i, product := range []string{"G2M", "G2W", "G2T", "OPENVOICE", "G2ASEEIT", "G2ARS", "G2ASD"} {
		good := strings.NewReplacer("new@", fmt.Sprintf("new%d@", i), "G2M", product).Replace(body)
		if resp, text = do(t, s, "ada", "POST", g2m+"/organizers", good); resp.StatusCode != http.StatusCreated {
			t.Errorf("%s: %s %s", product, resp.Status, text)
		}
	}
	one := g2m + "/organizers/" + ben
	if resp, _ = do(t, s, "ada", "PUT", one, `{"status":"suspended"}`); resp.StatusCode != http.StatusNoContent {
		t.Errorf("suspend: %s", resp.Status)
	}
	_, text = do(t, s, "ada", "GET", one, "")
	if o := rows(t, text)[0]; o["status"] != "suspended" || len(o["products"].([]any)) != 0 {
		t.Errorf("suspended: %v", o)
	}
	if resp, _ = do(t, s, "ada", "PUT", one, `{"productType":"G2M"}`); resp.StatusCode != http.StatusNoContent {
		t.Errorf("add product: %s", resp.Status)
	}
	for _, bad := range []string{`{}`, `{"status":"asleep"}`, `{"status":"asleep","productType":"G2M"}`, `{"productType":"G2X"}`} {
		if resp, _ = do(t, s, "ada", "PUT", one, bad); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", bad, resp.Status)
		}
	}
	if resp, _ = do(t, s, "ada", "DELETE", g2m+"/organizers?email=ben@example.test", ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("delete by address: %s", resp.Status)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if resp, _ = do(t, s, "ada", method, one, `{"status":"suspended"}`); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s afterwards: %s", method, resp.Status)
		}
	}
	if resp, _ = do(t, s, "ada", "DELETE", g2m+"/organizers/8439885694023990003", ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("delete by key: %s", resp.Status)
	}
}

// The calls that look into all meetings of a group take groups of 50.
func TestLargeGroups(t *testing.T) {
	s := start(t)
	const group = g2m + "/groups/6301000000000000002" // two so far
	calls := []string{group + "/upcomingMeetings", group + "/historicalMeetings" + span, group + "/attendees"}
	add := func(n int) {
		body := fmt.Sprintf(`{"organizerEmail":"g%d@example.test","firstName":"G","lastName":"%d","productType":"G2M"}`, n, n)
		if resp, text := do(t, s, "ada", "POST", group+"/organizers", body); resp.StatusCode != http.StatusCreated {
			t.Fatalf("%s %s", resp.Status, text)
		}
	}
	_, text := do(t, s, "ada", "GET", group+"/organizers", "")
	for n := len(rows(t, text)); n < 50; n++ {
		add(n)
	}
	for _, path := range calls {
		if resp, _ := do(t, s, "ada", "GET", path, ""); resp.StatusCode != http.StatusOK {
			t.Errorf("%s of 50: %s", path, resp.Status)
		}
	}
	add(50)
	for _, path := range calls {
		if resp, _ := do(t, s, "ada", "GET", path, ""); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s of 51: %s", path, resp.Status)
		}
	}
	if resp, _ := do(t, s, "ada", "GET", group+"/organizers", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("the organizers of 51: %s", resp.Status)
	}
}
