package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
)

// Keys and kinds of the answers, from the API description. Words after "?"
// are optional; a kind "x" is a string when observed and a boolean in the
// description.
const (
	meetingByID = `meetingId:n meetingKey:n uniqueMeetingId:n subject:s startTime:s endTime:s createTime:s duration:n
		passwordRequired:x status:s meetingType:s maxParticipants:n conferenceCallInfo:s coorganizerKeys:a`
	upcoming = `meetingId:s subject:s startTime:s endTime:s meetingType:s firstName:s lastName:s email:s organizerKey:s
		accountKey:s locale:s passwordRequired:b status:s conferenceCallInfo:s`
	historical = `meetingId:s subject:s startTime:s endTime:s meetingType:s firstName:s lastName:s email:s organizerKey:s
		accountKey:s locale:s conferenceCallInfo:s sessionId:s duration:s numAttendees:s ? recording:o`
	history = `meetingId:n meetingKey:n uniqueMeetingId:n sessionId:n meetingInstanceKey:n duration:n numAttendees:n
		organizerKey:s organizerkey:s newOrganizerKey:s newMeetingId:s subject:s startTime:s endTime:s date:s
		conferenceCallInfo:s email:s firstName:s lastName:s meetingType:s groupName:s status:s passwordRequired:s ? recording:o`
	scheduled = `meetingid:n subject:s startTime:s endTime:s meetingType:s passwordRequired:x status:s conferenceCallInfo:s
		createTime:s maxParticipants:n uniqueMeetingId:n`
	attendeeByMeeting = `attendeeName:s attendeeEmail:s name:s firstName:s lastName:s email:s groupName:s meetingId:n
		meetingInstanceKey:n organizerkey:n joinTime:s leaveTime:s startTime:s endTime:s duration:n numAttendees:n
		subject:s meetingType:s conferenceCallInfo:s`
	attendeeByGroup = `attendeeName:s attendeeEmail:s firstName:s lastName:s email:s groupName:s meetingId:s
		meetingInstanceKey:n organizerkey:n organizerKey:s joinTime:s leaveTime:s startTime:s endTime:s duration:n
		numAttendees:n subject:s meetingType:s conferenceCallInfo:s`
	organizer = `organizerKey:n email:s firstName:s lastName:s groupId:n groupName:s status:s products:a maxNumAttendeesAllowed:n`
	paged     = `results:a fromIndex:n toIndex:n total:n`
)

func TestEveryListAndObjectHasItsShape(t *testing.T) {
	const orgs, groups, group = g2m + "/organizers", g2m + "/groups", g2m + "/groups/6301000000000000001"
	const acc = "/admin/rest/v1/accounts/" + account
	for _, tc := range []struct {
		path, want string
		object     bool
	}{
		{g2m + "/meetings/MINE", meetingByID, false},
		{g2m + "/meetings/MINE/start", "hostURL:s", true},
		{g2m + "/meetings/201480117/attendees", attendeeByMeeting, false},
		{g2m + "/upcomingMeetings", upcoming, false},
		{g2m + "/historicalMeetings" + span, historical, false},
		{g2m + "/meetings", scheduled + " ? coorganizerKeys:a", false},
		{g2m + "/meetings?scheduled=true", scheduled + " ? coorganizerKeys:a", false},
		{g2m + "/meetings" + span + "&history=true", history, false},
		{orgs + "/" + ben + "/upcomingMeetings", upcoming, false},
		{orgs + "/" + ben + "/historicalMeetings" + span, historical, false},
		{orgs + "/" + ben + "/attendees" + span, attendeeByMeeting + " newMeetingId:s", false},
		{orgs + "/" + ben + "/meetings?scheduled=true", scheduled, false},
		{orgs + "/" + ben + "/meetings?history=true", history, false},
		{orgs, organizer, false},
		{orgs + "?email=ben@example.test", organizer, false},
		{orgs + "/" + ben, organizer, false},
		{groups, "groupkey:n groupName:s parentKey:n status:s numOrganizers:n", false},
		{group + "/organizers", organizer, false},
		{group + "/upcomingMeetings", `meetingId:s subject:s startTime:s endTime:s meetingType:s firstName:s lastName:s email:s
			organizerKey:s accountKey:s locale:s passwordRequired:b groupName:s`, false},
		{group + "/historicalMeetings" + span, `meetingId:s subject:s startTime:s endTime:s meetingType:s firstName:s lastName:s
			email:s organizerKey:s accountKey:s locale:s groupName:s duration:s numAttendees:s`, false},
		{group + "/attendees", attendeeByGroup, false},
		{group + "/meetings?history=true", `meetingId:s organizerkey:n organizerKey:s duration:s numAttendees:n meetingInstanceKey:n
			groupName:s firstName:s lastName:s email:s subject:s startTime:s endTime:s meetingType:s conferenceCallInfo:s`, false},
		{group + "/meetings?scheduled=true", `meetingId:s organizerkey:n organizerKey:s groupName:s firstName:s lastName:s email:s
			subject:s attendees:s meetingType:s conferenceCallInfo:s`, false},
		{"/admin/rest/v1/me", `key:k accountKey:k email:s firstName:s lastName:s locale:s timeZone:s adminRoles:a accounts:a
			products:a createTime:n orgAdmin:b organizationRoles:a`, true},
		{acc + "/users", paged, true},
		{acc + "/groups", paged, true},
		{acc + "/licenses", paged, true},
		{acc + "/users/" + ben, `key:s email:s firstName:s lastName:s locale:s timeZone:s status:s admin:b adminRoles:a licenseKeys:a
			products:a inviteCount:n passwordCreated:b nameLocked:b emailLocked:b identityReadOnly:b canAuthenticate:b settings:o
			groupKey:s groupName:s groupKeyPath:a groupNamePath:a`, true},
		{"/identity/v1/Users/me", `schemas:a id:s userName:s name:o displayName:s emails:a locale:s timezone:s`, true},
	} {
		for _, wire := range []string{"observed", "spec"} {
			t.Run(wire+" "+tc.path, func(t *testing.T) {
				s := start(t)
				s.Control(map[string]any{"wire": wire})
				resp, text := do(t, s, "ada", "GET", strings.Replace(tc.path, "MINE", create(t, s), 1), "")
				if resp.StatusCode != http.StatusOK {
					t.Fatalf("%s %.300s", resp.Status, text)
				}
				x, k := "s", "s"
				if wire == "spec" {
					x, k = "b", "n"
				}
				want := strings.NewReplacer(":x", ":"+x, ":k", ":"+k).Replace(tc.want)
				if tc.object {
					check(t, parse(t, text).(map[string]any), want)
					return
				}
				all := rows(t, text)
				if len(all) == 0 {
					t.Fatal("no rows to look at")
				}
				for _, o := range all {
					check(t, o, want)
				}
			})
		}
	}
}

func check(t *testing.T, o map[string]any, want string) {
	t.Helper()
	need, optional, _ := strings.Cut(want, "?")
	got := []string{}
	for w := range strings.FieldsSeq(shape(o)) {
		if strings.Contains(" "+need+" ", w) || !strings.Contains(optional, w) {
			got = append(got, w)
		}
	}
	if strings.Join(got, " ") != sortWords(need) {
		t.Fatalf("shape\n got %s\nwant %s", strings.Join(got, " "), sortWords(need))
	}
}

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
	check(t, m, "joinURL:s meetingid:n maxParticipants:n uniqueMeetingId:n conferenceCallInfo:s")
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
		{"hundred characters", `A &lt;b&gt;`, strings.Repeat("é", 97) + "&lt;b&gt;", 201},
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
