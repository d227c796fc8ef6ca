package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestTimesAndSubjectsOfBothWires(t *testing.T) {
	for wire, want := range map[string][2]string{
		"observed": {"2090-01-01T10:00:00.+0000", "A &lt;b&gt;"},
		"spec":     {"2090-01-01T10:00:00Z", "A <b>"},
	} {
		s := start(t)
		s.Control(map[string]any{"wire": wire})
		_, text := do(t, s, "ada", "GET", g2m+"/meetings/"+create(t, s), "")
		m := rows(t, text)[0]
		if m["startTime"] != want[0] || m["subject"] != want[1] || m["createTime"] != "" {
			t.Errorf("%s: %v", wire, m)
		}
	}
}

func TestCreateUpdateDelete(t *testing.T) {
	s := start(t)
	resp, text := do(t, s, "ada", "POST", g2m+"/meetings", newMeeting)
	if resp.StatusCode != http.StatusCreated {
		t.Fatal(resp.Status)
	}
	m := rows(t, text)[0]
	id := string(text[strings.Index(string(text), `"meetingid":`)+12:])[:9]
	if m["joinURL"] != s.Sandbox.JoinBase()+id {
		t.Errorf("joinURL %v", m["joinURL"])
	}
	resp, text = do(t, s, "ada", "PUT", g2m+"/meetings/"+id, strings.Replace(newMeeting, "A &lt;b&gt;", "Other", 1))
	if resp.StatusCode != http.StatusNoContent || len(text) != 0 {
		t.Errorf("update: %s %s", resp.Status, text)
	}
	_, text = do(t, s, "ada", "GET", g2m+"/meetings/"+id, "")
	if got := rows(t, text)[0]["subject"]; got != "Other" {
		t.Errorf("subject after update: %v", got)
	}
	resp, text = do(t, s, "ada", "DELETE", g2m+"/meetings/"+id, "")
	if resp.StatusCode != http.StatusNoContent || len(text) != 0 {
		t.Errorf("delete: %s %s", resp.Status, text)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if resp, _ = do(t, s, "ada", method, g2m+"/meetings/"+id, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s after delete: %s", method, resp.Status)
		}
	}
}

func TestMeetingBodies(t *testing.T) {
	s := start(t)
	for _, tc := range []struct {
		name, old, new string
		want           int
	}{
		{"password as text", `"passwordrequired":true`, `"passwordrequired":"false"`, 201},
		{"capital type", `"scheduled"`, `"Scheduled"`, 201},
		{"lower-case audio", `"Hybrid"`, `"hybrid"`, 201},
		{"no zone", `"timezonekey":"",`, ``, 201},
		{"milliseconds", `10:00:00Z`, `10:00:00.000Z`, 201},
		{"no Z", `10:00:00Z`, `10:00:00`, 201},
		{"unpadded", `2090-01-01T10:00:00Z`, `2090-1-1T9:5:0Z`, 201},
		{"extra key", `{"subject"`, `{"uniquemeetinginstance":1,"subject"`, 201},
		{"hundred characters", `A &lt;b&gt;`, strings.Repeat("é", 91) + "&lt;b&gt;", 201},
		{"hundred and one as sent", `A &lt;b&gt;`, strings.Repeat("é", 92) + "&lt;b&gt;", 400},
		{"brackets not encoded count as if", `A &lt;b&gt;`, strings.Repeat("é", 92) + "<b>", 400},
		{"no subject", `"subject"`, `"subjekt"`, 400},
		{"no password flag", `"passwordrequired":true,`, ``, 400},
		{"long subject", `A &lt;b&gt;`, strings.Repeat("é", 101), 400},
		{"long audio", `Hybrid`, strings.Repeat("1", 256), 400},
		{"unknown type", `"scheduled"`, `"weekly"`, 400},
		{"no such day", `2090-01-01T10`, `2090-02-30T10`, 400},
		{"other zone", `10:00:00Z`, `10:00:00+02:00`, 400},
		{"end before start", `2090-01-01T11`, `2090-01-01T09`, 400},
		{"unknown co-organizer", ben, "8439885694023999999", 201},
		{"co-organizer that is no key", ben, "ben@example.test", 400},
		{"not JSON", `{`, ``, 400},
	} {
		body := strings.Replace(newMeeting, tc.old, tc.new, 1)
		if body == newMeeting {
			t.Fatalf("%s: body unchanged", tc.name)
		}
		if resp, text := do(t, s, "ada", "POST", g2m+"/meetings", body); resp.StatusCode != tc.want {
			t.Errorf("%s: %s %s, want %d", tc.name, resp.Status, text, tc.want)
		}
	}
}
