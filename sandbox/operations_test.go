package sandbox_test

import (
	"net/url"
	"strings"
	"testing"

	"portal/sandbox/sandboxtest"
)

// The answers of the API description, as templates (see template).
const (
	meetingCreated = `[{"joinURL":"l","meetingid":"n","maxParticipants":"n","uniqueMeetingId":"n","conferenceCallInfo":"s"}]`
	meetingByID    = `[{"meetingId":"n","meetingKey":"n","uniqueMeetingId":"n","subject":"s","startTime":"t","endTime":"t","createTime":"=",
		"duration":"n","passwordRequired":"x","status":"=ACTIVE|INACTIVE","meetingType":"=scheduled|recurring|immediate","maxParticipants":"n",
		"conferenceCallInfo":"s","coorganizerKeys":["d"]}]`
	recording = `{"recordingName":"s","recordingId":"s","downloadUrl":"l","fileSize":"n","shareUrl":"l"}`
	upcoming  = `[{"meetingId":"d","subject":"s","startTime":"t","endTime":"t","meetingType":"=scheduled|recurring|immediate",
		"firstName":"first","lastName":"last","email":"email","organizerKey":"d","accountKey":"d","locale":"s","passwordRequired":"b",
		"status":"=ACTIVE|INACTIVE","conferenceCallInfo":"s"}]`
	upcomingByGroup = `[{"meetingId":"d","subject":"s","startTime":"t","endTime":"t","meetingType":"=scheduled|recurring|immediate",
		"firstName":"first","lastName":"last","email":"email","organizerKey":"d","accountKey":"d","locale":"s","passwordRequired":"b",
		"groupName":"=Example Cooperative"}]`
	historical = `[{"meetingId":"d","subject":"s","startTime":"t","endTime":"t","meetingType":"=scheduled|recurring|immediate",
		"firstName":"first","lastName":"last","email":"email","organizerKey":"d","accountKey":"d","locale":"s","conferenceCallInfo":"s",
		"sessionId":"d","duration":"d","numAttendees":"d","recording?":` + recording + `}]`
	historicalByGroup = `[{"meetingId":"d","subject":"s","startTime":"t","endTime":"t","meetingType":"=scheduled|recurring|immediate",
		"firstName":"first","lastName":"last","email":"email","organizerKey":"d","accountKey":"d","locale":"s",
		"groupName":"=Example Cooperative","duration":"d","numAttendees":"d"}]`
	meetingHistory = `[{"meetingId":"n","meetingKey":"n","uniqueMeetingId":"n","sessionId":"n","meetingInstanceKey":"n","duration":"n",
		"numAttendees":"n","organizerKey":"d","organizerkey":"d","newOrganizerKey":"d","newMeetingId":"s","subject":"s","startTime":"t",
		"endTime":"t","date":"t","conferenceCallInfo":"s","email":"email","firstName":"first","lastName":"last",
		"meetingType":"=scheduled|recurring|immediate","groupName":"=","status":"=","passwordRequired":"=","recording?":` + recording + `}]`
	byOrganizer = `"meetingid":"n","subject":"s","startTime":"t","endTime":"t","meetingType":"=scheduled|recurring|immediate",
		"passwordRequired":"x","status":"=ACTIVE|INACTIVE","conferenceCallInfo":"s","createTime":"=","maxParticipants":"n","uniqueMeetingId":"n"`
	scheduled      = `[{` + byOrganizer + `,"coorganizerKeys?":["d"]}]`
	historyByGroup = `[{"meetingId":"d","organizerkey":"n","organizerKey":"d","duration":"d","numAttendees":"n","meetingInstanceKey":"n",
		"groupName":"=Example Cooperative","firstName":"first","lastName":"last","email":"email","subject":"s","startTime":"t","endTime":"t",
		"meetingType":"=scheduled|recurring|immediate","conferenceCallInfo":"s"}]`
	scheduledByGroup = `[{"meetingId":"d","organizerkey":"n","organizerKey":"d","duration":"d","numAttendees":"n","meetingInstanceKey":"n",
		"groupName":"=Example Cooperative","firstName":"first","lastName":"last","email":"email","subject":"s","attendees":"s",
		"meetingType":"=scheduled|recurring|immediate","conferenceCallInfo":"s"}]`
	attendeeByMeeting = `[{"attendeeName":"s","attendeeEmail":"s","name":"attendee","firstName":"first","lastName":"last","email":"email",
		"groupName":"=NA","meetingId":"n","meetingInstanceKey":"n","organizerkey":"n","joinTime":"t","leaveTime":"t","startTime":"t",
		"endTime":"t","duration":"n","numAttendees":"n","subject":"s","meetingType":"=scheduled|recurring|immediate","conferenceCallInfo":"s"}]`
	attendeeByOrganizer = `[{"attendeeName":"s","attendeeEmail":"s","name":"full","firstName":"first","lastName":"last","email":"email",
		"groupName":"=Example Cooperative","meetingId":"n","newMeetingId":"s","meetingInstanceKey":"n","organizerkey":"n","joinTime":"t",
		"leaveTime":"t","startTime":"t","endTime":"t","duration":"n","numAttendees":"n","subject":"s",
		"meetingType":"=scheduled|recurring|immediate","conferenceCallInfo":"s"}]`
	attendeeByGroup = `[{"attendeeName":"s","attendeeEmail":"s","firstName":"first","lastName":"last","email":"email",
		"groupName":"=Example Cooperative","meetingId":"d","meetingInstanceKey":"n","organizerkey":"n","organizerKey":"d","joinTime":"t",
		"leaveTime":"t","startTime":"t","endTime":"t","duration":"n","numAttendees":"n","subject":"s",
		"meetingType":"=scheduled|recurring|immediate","conferenceCallInfo":"s"}]`
	organizer = `[{"organizerKey":"n","email":"s","firstName":"s","lastName":"s","groupId":"n","groupName":"s","status":"=active|suspended",
		"products":["=G2M"],"maxNumAttendeesAllowed":"n"}]`
	organizerShort = `[{"key":"n","email":"=new@example.test"}]`
	meetingGroup   = `[{"groupkey":"n","groupName":"s","parentKey":"n","status":"=active","numOrganizers":"n"}]`

	roles = `["=SUPER_USER"]`
	me    = `{"key":"k","accountKey":"k","email":"=ada@example.test","firstName":"=Ada","lastName":"=Example","locale":"=en_US",
		"timeZone":"=Europe/Berlin","adminRoles":` + roles + `,"accounts":[{"key":"k","name":"s","adminRoles":` + roles + `}],
		"products":["=G2M"],"createTime":"n","orgAdmin":true,"organizationRoles":["=ROLE_ORG_READ|ROLE_ORG_WRITE"]}`
	meNoAdmin = `{"key":"k","accountKey":"k","email":"=ben@example.test","firstName":"=Ben","lastName":"=Example","locale":"=en_US",
		"timeZone":"=America/New_York","accounts":[{"key":"k","name":"s"}],"products":["=G2M"],"createTime":"n","orgAdmin":false}`
	adminUser = `{"key":"d","email":"s","firstName":"s","lastName":"s","locale":"s","timeZone":"s","status":"=ACTIVE|INACTIVE|INVITED|SUSPENDED",
		"admin":"b","adminRoles":` + roles + `,"licenseKeys":["d"],"products":["=G2M"],"groupKey?":"d","groupName?":"s","groupKeyPath?":["d"],
		"groupNamePath?":["s"],"settings":{"G2M":{}},"invitedDate?":"n","inviteCount":"n","passwordCreated":"b","nameLocked":"b",
		"emailLocked":"b","identityReadOnly":"b","canAuthenticate":"b"}`
	scimMe = `{"schemas":["s"],"id":"=` + ada + `","userName":"=ada@example.test","name":{"givenName":"=Ada","familyName":"=Example"},
		"displayName":"=Ada Example","emails":[{"value":"=ada@example.test","primary":true}],"locale":"=en_US","timezone":"=Europe/Berlin"}`

	tokenReply = `{"access_token":"s","token_type":"=Bearer","expires_in":3600,"refresh_token":"s","scope":"=collab: identity:",
		"principal":"=ada@example.test"}`
	tokenReplyWithoutRefresh = `{"access_token":"s","token_type":"=Bearer","expires_in":3600,"scope":"=collab: identity:","principal":"=ada@example.test"}`
	oauthError               = `{"error":"=ERROR","error_description":"s"}`

	nothing = "" // an empty body
	aPage   = "page"
	aFilm   = "film"

	organizerReq = `{"organizerEmail":"new@example.test","firstName":"New","lastName":"One","productType":"G2M"}`
	oauthClient  = "client_id=sandbox&client_secret=sandbox&"
)

// pages are the Admin API's lists of that many rows.
func pages(of string) string {
	return `{"results":[` + of + `],"fromIndex":0,"toIndex":"n","total":"n"}`
}

// Every operation and page with its success, in both wires: status, and each
// key with its casing and kind, or a body that is empty. Errors are below.
func TestEveryOperation(t *testing.T) {
	const orgs, groups, group = g2m + "/organizers", g2m + "/groups", g2m + "/groups/6301000000000000001"
	const acc = "/admin/rest/v1/accounts/" + account
	table := []struct {
		method, path, body string
		status             int
		want               string
	}{
		// GoToMeeting, numbered as in the reference.
		/*  1 */ {"POST", g2m + "/meetings", newMeeting, 201, meetingCreated},
		/*  2 */ {"GET", g2m + "/meetings/MINE", "", 200, meetingByID},
		/*  3 */ {"PUT", g2m + "/meetings/MINE", newMeeting, 204, nothing},
		/*  4 */ {"DELETE", g2m + "/meetings/MINE", "", 204, nothing},
		/*  5 */ {"GET", g2m + "/meetings/MINE/start", "", 200, `{"hostURL":"l"}`},
		/*  6 */ {"GET", g2m + "/meetings/201480117/attendees", "", 200, attendeeByMeeting},
		/*  7 */ {"GET", g2m + "/upcomingMeetings", "", 200, upcoming},
		/*  8 */ {"GET", g2m + "/historicalMeetings" + span, "", 200, historical},
		/*  9 */ {"GET", g2m + "/meetings", "", 200, scheduled},
		/*  9 */ {"GET", g2m + "/meetings?scheduled=true", "", 200, scheduled},
		/*  9 */ {"GET", g2m + "/meetings" + span + "&history=true", "", 200, meetingHistory},
		/* 10 */ {"GET", orgs + "/" + ben + "/upcomingMeetings", "", 200, upcoming},
		/* 11 */ {"GET", orgs + "/" + ben + "/historicalMeetings" + span, "", 200, historical},
		/* 12 */ {"GET", orgs + "/" + ben + "/attendees" + span, "", 200, attendeeByOrganizer},
		/* 13 */ {"GET", orgs + "/" + ben + "/meetings?scheduled=true", "", 200, `[{` + byOrganizer + `}]`},
		/* 13 */ {"GET", orgs + "/" + ben + "/meetings?history=true", "", 200, meetingHistory},
		/* 14 */ {"DELETE", orgs + "/" + ada + "/sessions/SESSION", "", 204, nothing},
		/* 15 */ {"DELETE", orgs + "/" + ada + "/sessions/SESSION/attendees", "", 204, nothing},
		/* 16 */ {"DELETE", orgs + "/" + ada + "/sessions/SESSION/recordings", "", 204, nothing},
		/* 17 */ {"GET", orgs, "", 200, organizer},
		/* 17 */ {"GET", orgs + "?email=ben@example.test", "", 200, organizer},
		/* 18 */ {"POST", orgs, organizerReq, 201, organizerShort},
		/* 19 */ {"DELETE", orgs + "?email=ben@example.test", "", 204, nothing},
		/* 20 */ {"GET", orgs + "/" + ben, "", 200, organizer},
		/* 21 */ {"PUT", orgs + "/" + ben, `{"status":"suspended"}`, 204, nothing},
		/* 21 */ {"PUT", orgs + "/" + ben, `{"productType":"G2M"}`, 204, nothing},
		/* 22 */ {"DELETE", orgs + "/" + ben, "", 204, nothing},
		/* 23 */ {"GET", groups, "", 200, meetingGroup},
		/* 24 */ {"GET", group + "/organizers", "", 200, organizer},
		/* 25 */ {"POST", group + "/organizers", organizerReq, 201, organizerShort},
		/* 26 */ {"GET", group + "/upcomingMeetings", "", 200, upcomingByGroup},
		/* 27 */ {"GET", group + "/historicalMeetings" + span, "", 200, historicalByGroup},
		/* 28 */ {"GET", group + "/attendees", "", 200, attendeeByGroup},
		/* 29 */ {"GET", group + "/meetings?history=true", "", 200, historyByGroup},
		/* 29 */ {"GET", group + "/meetings?scheduled=true", "", 200, scheduledByGroup},

		// Admin API and SCIM.
		{"GET", "/admin/rest/v1/me", "", 200, me},
		{"GET", acc + "/users", "", 200, pages(adminUser)},
		{"GET", acc + "/users?filter=email%20eq%20%22ada@example.test%22&attributes=key,email", "", 200, pages(`{"key":"d","email":"=ada@example.test"}`)},
		{"GET", acc + "/users/" + ada, "", 200, strings.Replace(strings.ReplaceAll(adminUser, `?"`, `"`), `"invitedDate":"n",`, "", 1)},
		{"POST", acc + "/users?allOrNothing=true", `{"users":[{"email":"new@example.test","firstName":"N","lastName":"O"}]}`, 201, `[{"key":"d","email":"=new@example.test"}]`},
		{"PUT", acc + "/users/" + ben, `{"firstName":"B"}`, 204, nothing},
		{"DELETE", acc + "/users/" + ben, "", 204, nothing},
		{"GET", acc + "/groups", "", 200, pages(`{"key":"d","name":"s","keyPath":["d"],"namePath":["s"],"userKeys":["d"],"memberCount":"n","totalMemberCount":"n"}`)},
		{"GET", acc + "/licenses", "", 200, pages(`{"key":"d","seats":"n","enabled":"b","description":"s","type":"s","userKeys":["d"],"products":["=G2M"]}`)},
		{"GET", "/identity/v1/Users/me", "", 200, scimMe},

		// OAuth.
		{"GET", "/oauth/authorize?AUTHORIZE", "", 200, aPage},
		{"POST", "/oauth/authorize", "AUTHORIZE&user=ada@example.test", 303, nothing},
		{"POST", "/oauth/token", oauthClient + "grant_type=authorization_code&code=CODE&redirect_uri=" + url.QueryEscape(redirect), 200, tokenReply},
		{"POST", "/oauth/token", oauthClient + "grant_type=refresh_token&refresh_token=REFRESH", 200, tokenReply},
		{"POST", "/oauth/revoke", oauthClient + "token=REFRESH&token_type_hint=refresh_token", 200, nothing},

		// What a browser meets.
		{"GET", "/host?HOST", "", 200, aPage},
		{"POST", "/host", "HOST", 303, nothing},
		{"GET", "/join/201480117", "", 200, aPage},
		{"GET", "FILM", "", 200, aFilm},
	}
	looked := map[string]bool{}
	for _, row := range table {
		for _, wire := range []string{"observed", "spec"} {
			t.Run(wire+" "+row.method+" "+row.path, func(t *testing.T) {
				s := start(t)
				s.Control(map[string]any{"wire": wire})
				path, body := fill(t, s, row.path), fill(t, s, row.body)
				before := s.Calls()
				resp, answer := do(t, s, "ada", row.method, path, body)
				for name, n := range s.Calls() {
					if n > before[name] {
						looked[name] = true
					}
				}
				if resp.StatusCode != row.status {
					t.Fatalf("%s %.300s, want %d", resp.Status, answer, row.status)
				}
				kind := resp.Header.Get("Content-Type")
				switch row.want {
				case nothing:
					if len(answer) > 0 {
						t.Errorf("the body is %.300s", answer)
					}
				case aPage:
					if !strings.HasPrefix(kind, "text/html") || !strings.HasPrefix(string(answer), "<!doctype html>") {
						t.Errorf("%s %.100s", kind, answer)
					}
				case aFilm:
					if kind != "video/mp4" || !strings.Contains(string(answer), "ftyp") {
						t.Errorf("%s %.100s", kind, answer)
					}
				default:
					if !strings.HasPrefix(kind, "application/json") && !strings.HasPrefix(kind, "application/scim+json") {
						t.Errorf("content type %q", kind)
					}
					fits(t, wire, row.want, answer)
				}
			})
		}
	}
	for _, route := range sandboxtest.New(t).Sandbox.Routes() {
		if !looked[route] {
			t.Errorf("%s is in no row", route)
		}
	}
}

// fill puts in what a sandbox has to make first.
func fill(t *testing.T, s *sandboxtest.Server, text string) string {
	t.Helper()
	for word, value := range map[string]func() string{
		"MINE":      func() string { return create(t, s) },
		"SESSION":   func() string { return recorded(t, s)["sessionId"].(string) },
		"AUTHORIZE": func() string { return authorize().Encode() },
		"CODE":      func() string { return back(t, consent(t, s, authorize("user", "ada@example.test"))).Get("code") },
		"REFRESH":   func() string { _, token := s.Sandbox.Grant("ada@example.test"); return token },
		"FILM": func() string {
			link := recorded(t, s)["recording"].(map[string]any)["downloadUrl"].(string)
			_, path, _ := strings.Cut(link, "/sandbox")
			return path
		},
		"HOST": func() string {
			_, text := do(t, s, "ada", "GET", g2m+"/meetings/201480117/start", "")
			_, query, _ := strings.Cut(parse(t, text).(map[string]any)["hostURL"].(string), "?")
			return query
		},
	} {
		if strings.Contains(text, word) {
			text = strings.ReplaceAll(text, word, value())
		}
	}
	return text
}

// recorded is a row of ada's history with a recording.
func recorded(t *testing.T, s *sandboxtest.Server) map[string]any {
	t.Helper()
	_, text := do(t, s, "ada", "GET", g2m+"/historicalMeetings"+span, "")
	for _, row := range rows(t, text) {
		if row["recording"] != nil {
			return row
		}
	}
	t.Fatal("the sample has no recording")
	return nil
}

// Answers that depend on more than the operation.
func TestOtherAnswers(t *testing.T) {
	const acc = "/admin/rest/v1/accounts/" + account
	oauthFault := func(code string) string { return strings.Replace(oauthError, "ERROR", code, 1) }
	const product, productSpec = `{"errorCode":"s","description":"s","incident":"s"}`, `{"int_err_code":"s","msg":"s"}`
	const admin = `{"incidentId":"s","errors":[{"code":"=user.not.found","value":"=1"}]}`
	const authenticate = `{"incidentId":"s","errors":[{"code":"=not.authenticated"}]}`
	for _, row := range []struct {
		settings                map[string]any
		who, method, path, body string
		status                  int
		observed, spec          string
	}{
		{nil, "ben", "GET", "/admin/rest/v1/me", "", 200, meNoAdmin, meNoAdmin},
		{nil, "ada", "GET", acc + "/users?filter=(key=%221%22)", "", 200, `{"fromIndex":0,"toIndex":0,"total":0}`, `{"results":[],"fromIndex":0,"toIndex":0,"total":0}`},
		{nil, "ada", "GET", g2m + "/historicalMeetings?startDate=2001-01-01T00:00:00Z&endDate=2001-01-02T00:00:00Z", "", 200, `[]`, `[]`},
		{nil, "ada", "POST", g2m + "/meetings", `{}`, 400, product, productSpec},
		{nil, "ada", "GET", g2m + "/meetings/1", "", 404, product, productSpec},
		{nil, "ben", "GET", g2m + "/organizers", "", 403, product, productSpec},
		{nil, "ada", "POST", g2m + "/organizers", strings.Replace(organizerReq, "new@", "ben@", 1), 409, product, productSpec},
		{nil, "ada", "GET", g2m + "/nothing", "", 404, `{"errorCode":"=NOT_FOUND","message":"s"}`, `{"errorCode":"=NOT_FOUND","message":"s"}`},
		{nil, "", "GET", g2m + "/upcomingMeetings", "", 403, `{"int_err_code":"=InvalidToken","msg":"=Invalid token passed"}`, `{"int_err_code":"=InvalidToken","msg":"=Invalid token passed"}`},
		{map[string]any{"scopes": "collab:"}, "ada", "GET", g2m + "/organizers", "", 403, `{"errorCode":"=AUTHZ_INSUFFICIENT_SCOPE"}`, `{"errorCode":"=AUTHZ_INSUFFICIENT_SCOPE"}`},
		{nil, "ada", "GET", acc + "/users/1", "", 404, admin, admin},
		{nil, "", "GET", "/admin/rest/v1/me", "", 401, authenticate, authenticate},
		{map[string]any{"scopes": "collab:"}, "ada", "GET", "/admin/rest/v1/me", "", 401, authenticate, authenticate},
		{nil, "", "GET", "/identity/v1/Users/me", "", 401, nothing, nothing},
		{nil, "", "POST", "/oauth/token", "grant_type=refresh_token&client_id=other", 401, oauthFault("invalid_client"), oauthFault("invalid_client")},
		{nil, "", "POST", "/oauth/token", oauthClient + "grant_type=authorization_code&code=x", 400, oauthFault("invalid_grant"), oauthFault("invalid_grant")},
		{nil, "", "POST", "/oauth/token", oauthClient + "grant_type=refresh_token&refresh_token=x", 400, oauthFault("invalid_grant"), oauthFault("invalid_grant")},
		{nil, "", "POST", "/oauth/token", oauthClient + "grant_type=client_credentials", 401, oauthFault("unauthorized_client"), oauthFault("unauthorized_client")},
		{nil, "", "POST", "/oauth/revoke", "token=x", 401, oauthFault("invalid_client"), oauthFault("invalid_client")},
		{map[string]any{"refresh_mode": "same"}, "", "POST", "/oauth/token", oauthClient + "grant_type=refresh_token&refresh_token=REFRESH", 200, tokenReply, tokenReply},
		{map[string]any{"refresh_mode": "omit"}, "", "POST", "/oauth/token", oauthClient + "grant_type=refresh_token&refresh_token=REFRESH", 200, tokenReplyWithoutRefresh, tokenReplyWithoutRefresh},
		{map[string]any{"refresh_mode": "near_expiry"}, "", "POST", "/oauth/token", oauthClient + "grant_type=refresh_token&refresh_token=REFRESH", 200, tokenReplyWithoutRefresh, tokenReplyWithoutRefresh},
	} {
		for wire, want := range map[string]string{"observed": row.observed, "spec": row.spec} {
			t.Run(wire+" "+row.method+" "+row.path, func(t *testing.T) {
				s := start(t)
				s.Control(map[string]any{"wire": wire})
				if row.settings != nil {
					s.Control(row.settings)
				}
				resp, answer := do(t, s, row.who, row.method, row.path, fill(t, s, row.body))
				switch {
				case resp.StatusCode != row.status:
					t.Fatalf("%s %.300s, want %d", resp.Status, answer, row.status)
				case want == nothing && len(answer) > 0:
					t.Errorf("the body is %s", answer)
				case want == "[]":
					if strings.TrimSpace(string(answer)) != "[]" {
						t.Errorf("the body is %.100s", answer)
					}
				case strings.Contains(want, `"results":[]`):
					if len(parse(t, answer).(map[string]any)["results"].([]any)) > 0 {
						t.Errorf("the body is %.100s", answer)
					}
				case want != nothing:
					fits(t, wire, want, answer)
				}
			})
		}
	}
}
