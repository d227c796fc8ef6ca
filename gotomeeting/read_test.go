package gotomeeting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The reference's examples of what GoTo answers.
const (
	createdExample = `[{"joinURL":"https://meet.goto.com/555012345","meetingid":555012345,"maxParticipants":251,
  "uniqueMeetingId":555012345,"conferenceCallInfo":"US: +1 (555) 010-0100\nAccess Code: 555-012-345"}]`
	meetingExample = `[{"createTime":"","passwordRequired":"false","status":"INACTIVE","subject":"Board &lt;draft&gt;",
  "startTime":"2030-01-15T10:00:00.+0000","endTime":"2030-01-15T11:00:00.+0000","duration":60,
  "conferenceCallInfo":"US: +1 (555) 010-0100\nAccess Code: 555-012-345","maxParticipants":251,
  "meetingId":555012345,"meetingKey":555012345,"uniqueMeetingId":555012345,
  "meetingType":"scheduled","coorganizerKeys":["8439885694023999999"]}]`
	historyExample = `[{"startTime":"2030-01-15T10:01:12.+0000","endTime":"2030-01-15T10:58:40.+0000","duration":"57",
  "numAttendees":"3","accountKey":"9999982253621659999","organizerKey":"8439885694023999999",
  "email":"ada@example.test","firstName":"Ada","lastName":"Example","locale":"en_US",
  "sessionId":"15000001","meetingId":"555012345","subject":"Board","meetingType":"scheduled",
  "conferenceCallInfo":"..."}]`
)

func TestCreateReadsTheExample(t *testing.T) {
	want := Created{ID: "555012345", JoinURL: "https://meet.goto.com/555012345", MaxParticipants: 251,
		ConferenceCallInfo: "US: +1 (555) 010-0100\nAccess Code: 555-012-345"}
	for name, body := range map[string]string{
		"array of one": createdExample,
		"object":       strings.Trim(createdExample, "[]"),
		"casing, text": strings.NewReplacer(`"meetingid":555012345`, `"meetingId":"555012345"`, "251", `"251"`).Replace(createdExample),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := always(t, http.StatusCreated, body).Create(t.Context(), oldToken(), request())
			if err != nil || got != want {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestMeetingReadsEveryVariant(t *testing.T) {
	want := Meeting{
		ID: "555012345", Subject: "Board <draft>", Start: at("2030-01-15T10:00:00Z"), End: at("2030-01-15T11:00:00Z"),
		Duration: time.Hour, Type: Scheduled, MaxParticipants: 251, CoOrganizerKeys: []string{"8439885694023999999"},
		ConferenceCallInfo: "US: +1 (555) 010-0100\nAccess Code: 555-012-345",
	}
	swap := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(meetingExample, pairs[i]) {
				t.Fatalf("the example holds no %s", pairs[i])
			}
		}
		return strings.NewReplacer(pairs...).Replace(meetingExample)
	}
	tests := []struct {
		name, body string
		change     func(*Meeting)
	}{
		{"array of one", meetingExample, nil},
		{"plain object", strings.Trim(meetingExample, "[]"), nil},
		{"array of one with space around", " \n" + meetingExample + "\r\n", nil},
		{"password as boolean", swap(`"passwordRequired":"false"`, `"passwordRequired":true`), func(m *Meeting) { m.PasswordRequired = true }},
		{"password as text", swap(`"passwordRequired":"false"`, `"passwordRequired":"True"`), func(m *Meeting) { m.PasswordRequired = true }},
		{"password null", swap(`"passwordRequired":"false"`, `"passwordRequired":null`), nil},
		{"password empty", swap(`"passwordRequired":"false"`, `"passwordRequired":""`), nil},
		{"running", swap("INACTIVE", "ACTIVE"), func(m *Meeting) { m.Running = true }},
		{"status missing", swap(`"status":"INACTIVE",`, ""), nil},
		{"id as text", swap(`"meetingId":555012345`, `"meetingId":"555012345"`), nil},
		{"id dashed", swap(`"meetingId":555012345`, `"meetingId":"555-012-345"`), nil},
		{"id in other casing", swap(`"meetingId":555012345`, `"meetingid":555012345`), nil},
		{"id only as key", swap(`"meetingId":555012345,`, ""), nil},
		{"plain times", swap(".+0000", "Z"), nil},
		{"times with milliseconds", swap("00.+0000", "00.000Z"), nil},
		{"times with offset", swap("T10:00:00.+0000", "T11:00:00+01:00", "T11:00:00.+0000", "T12:00:00.+0100"), nil},
		{"epoch milliseconds", swap(`"2030-01-15T10:00:00.+0000"`, "1894701600000", `"2030-01-15T11:00:00.+0000"`, `"1894705200000"`), nil},
		{"times empty", swap("2030-01-15T10:00:00.+0000", "", "2030-01-15T11:00:00.+0000", ""), func(m *Meeting) { m.Start, m.End = time.Time{}, time.Time{} }},
		{"times null", swap(`"2030-01-15T10:00:00.+0000"`, "null", `"2030-01-15T11:00:00.+0000"`, "null"), func(m *Meeting) { m.Start, m.End = time.Time{}, time.Time{} }},
		{"duration as text", swap(`"duration":60`, `"duration":"60"`), nil},
		{"duration missing", swap(`"duration":60,`, ""), nil},
		{"duration as fraction", swap(`"duration":60`, `"duration":60.0`), nil},
		{"type capitalised", swap(`"scheduled"`, `"Scheduled"`), nil},
		{"participants as text", swap("251", `"251"`), nil},
		{"participants NA", swap("251", `"NA"`), func(m *Meeting) { m.MaxParticipants = 0 }},
		{"co-organizers as numbers", swap(`["8439885694023999999"]`, `[8439885694023999999]`), nil},
		{"co-organizer alone", swap(`["8439885694023999999"]`, `"8439885694023999999"`), nil},
		{"co-organizers empty", swap(`["8439885694023999999"]`, `[]`), func(m *Meeting) { m.CoOrganizerKeys = []string{} }},
		{"co-organizers empty text", swap(`["8439885694023999999"]`, `""`), func(m *Meeting) { m.CoOrganizerKeys = nil }},
		{"co-organizers null", swap(`["8439885694023999999"]`, `null`), func(m *Meeting) { m.CoOrganizerKeys = nil }},
		{"subject plain", swap("Board &lt;draft&gt;", "Board <draft>"), nil},
		{"subject in json escapes", swap("Board &lt;draft&gt;", `Board \u003cdraft\u003e`), nil},
		{"subject a number", swap(`"Board &lt;draft&gt;"`, "2030"), func(m *Meeting) { m.Subject = "2030" }},
		{"both casings of a key", swap(`"meetingType"`, `"organizerkey":8439885694023999998,"organizerKey":"","meetingType"`),
			func(m *Meeting) { m.OrganizerKey = "8439885694023999998" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := want
			if tt.change != nil {
				tt.change(&want)
			}
			got, err := always(t, 200, tt.body).Meeting(t.Context(), oldToken(), "555012345")
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestMeetingWithNothingInItIsNotFound(t *testing.T) {
	for _, body := range []string{"[]", "null", "[null]"} {
		_, err := always(t, 200, body).Meeting(t.Context(), oldToken(), "1")
		faultOf(t, err, NotFound)
	}
	_, err := always(t, 200, "").Meeting(t.Context(), oldToken(), "1")
	faultOf(t, err, Unreadable)
}

func TestUpcoming(t *testing.T) {
	const body = `[
	 {"meetingId":"555012345","subject":"A &amp; B","startTime":"2030-01-15T10:00:00.+0000","endTime":"2030-01-15T10:45:00.+0000",
	  "meetingType":"recurring","firstName":"Ada","lastName":"Example","email":"ada@example.test","organizerKey":"8439885694023999999",
	  "accountKey":"9999982253621659999","locale":"en_US","passwordRequired":true,"status":"ACTIVE","conferenceCallInfo":"VoIP"},
	 null,
	 {"meetingId":2,"passwordRequired":"false","status":""}]`
	got, err := always(t, 200, body).Upcoming(t.Context(), oldToken(), "")
	if err != nil {
		t.Fatal(err)
	}
	want := []Meeting{{
		ID: "555012345", Subject: "A & B", Start: at("2030-01-15T10:00:00Z"), End: at("2030-01-15T10:45:00Z"), Duration: 45 * time.Minute,
		Type: Recurring, PasswordRequired: true, Running: true, ConferenceCallInfo: "VoIP", OrganizerKey: "8439885694023999999",
		AccountKey: "9999982253621659999", OrganizerFirstName: "Ada", OrganizerLastName: "Example", OrganizerEmail: "ada@example.test", Locale: "en_US",
	}, {ID: "2"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEmptyListsAndLoneObjects(t *testing.T) {
	for body, want := range map[string]int{"[]": 0, "null": 0, "[ ]": 0, "[null]": 0, `{"meetingId":1}`: 1, `[{"meetingId":1},{"meetingId":2}]`: 2} {
		got, err := always(t, 200, body).Upcoming(t.Context(), oldToken(), "")
		if err != nil || len(got) != want {
			t.Errorf("%q: got %d meetings, %v; want %d", body, len(got), err, want)
		}
	}
}

func TestHistoryReadsTheExample(t *testing.T) {
	want := PastMeeting{
		SessionID: "15000001", ID: "555012345", Subject: "Board", Start: at("2030-01-15T10:01:12Z"), End: at("2030-01-15T10:58:40Z"),
		Length: 57 * time.Minute, Attendees: 3, Type: Scheduled, ConferenceCallInfo: "...", OrganizerKey: "8439885694023999999",
		AccountKey: "9999982253621659999", OrganizerFirstName: "Ada", OrganizerLastName: "Example", OrganizerEmail: "ada@example.test", Locale: "en_US",
	}
	numbers := strings.NewReplacer(`"57"`, "57", `"3"`, "3", `"15000001"`, "15000001", `"555012345"`, "555012345",
		`"8439885694023999999"`, "8439885694023999999", `"9999982253621659999"`, "9999982253621659999",
		`"meetingId"`, `"meetingid"`, `"organizerKey"`, `"organizerkey"`).Replace(historyExample)
	for name, body := range map[string]string{"strings": historyExample, "numbers": numbers} {
		got, err := always(t, 200, body).History(t.Context(), oldToken(), "", at("2030-01-01T00:00:00Z"), at("2030-01-20T00:00:00Z"))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, []PastMeeting{want}) {
			t.Errorf("%s: got  %+v\nwant %+v", name, got, want)
		}
	}
}

func TestRecording(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	tests := []struct{ recording, link string }{
		{`null`, ""},
		{`{}`, ""},
		{`{"recordingName":"Board","recordingId":"r1","downloadUrl":"https://dl.example/secret","fileSize":12345678901,"shareUrl":"https://transcripts.gotomeeting.com/#/s/` + token + `"}`,
			"https://transcripts.gotomeeting.com/#/s/" + token},
		{`{"recordingName":"Board","shareUrl":"https://transcripts.gotomeeting.com"}`, ""},
		{`{"recordingName":"Board","shareUrl":"https://transcripts.gotomeeting.com/#/s/"}`, ""},
		{`{"recordingName":"Board","shareUrl":"javascript:alert(document.cookie)"}`, ""},
		{`{"recordingName":"Board","shareUrl":""}`, ""},
	}
	for _, tt := range tests {
		body := strings.Replace(historyExample, `"sessionId"`, `"recording":`+tt.recording+`,"sessionId"`, 1)
		got, err := always(t, 200, body).History(t.Context(), oldToken(), "", at("2030-01-01T00:00:00Z"), at("2030-01-20T00:00:00Z"))
		if err != nil {
			t.Fatal(err)
		}
		r := got[0].Recording
		if (r == nil) != (len(tt.recording) < 5) {
			t.Errorf("%s: got recording %+v", tt.recording, r)
		}
		if r.Link() != tt.link {
			t.Errorf("%s: got link %q, want %q", tt.recording, r.Link(), tt.link)
		}
		if tt.link != "" && (r.Bytes != 12345678901 || r.Download.Reveal() != "https://dl.example/secret") {
			t.Errorf("%s: got %+v", tt.recording, r)
		}
	}
}

func TestAttendees(t *testing.T) {
	const rows = `[{"attendeeName":" Bo Berg ","attendeeEmail":"bo@guest.test","name":"Bo Berg","firstName":"Ada","lastName":"Example","email":"ada@example.test",
	"groupName":"NA","meetingId":555012345,"meetingInstanceKey":7700000000000000001,"organizerkey":8439885694023999999,
	"joinTime":"2030-01-15T10:01:00.+0000","leaveTime":"2030-01-15T10:30:00.+0000","startTime":"2030-01-15T10:00:00.+0000","endTime":"2030-01-15T11:00:00.+0000",
	"duration":60,"numAttendees":3,"subject":"Board &gt; all","meetingType":"scheduled","conferenceCallInfo":""},
	{"attendeeName":"","name":"Guest 2","attendeeEmail":"","email":"ada@example.test","meetingId":"555012345","meetingInstanceKey":"7","organizerKey":"8439885694023999999","joinTime":"","leaveTime":null}]`
	got, err := always(t, 200, rows).Attendees(t.Context(), oldToken(), "555012345")
	if err != nil {
		t.Fatal(err)
	}
	want := []Join{{
		Name: "Bo Berg", Email: "bo@guest.test", Joined: at("2030-01-15T10:01:00Z"), Left: at("2030-01-15T10:30:00Z"), Minutes: 60,
		MeetingID: "555012345", InstanceKey: "7700000000000000001", Start: at("2030-01-15T10:00:00Z"), End: at("2030-01-15T11:00:00Z"),
		NumAttendees: 3, Subject: "Board > all", Type: Scheduled, OrganizerKey: "8439885694023999999",
		OrganizerFirstName: "Ada", OrganizerLastName: "Example", OrganizerEmail: "ada@example.test",
	}, {
		Name: "Guest 2", MeetingID: "555012345", InstanceKey: "7", OrganizerKey: "8439885694023999999", OrganizerEmail: "ada@example.test",
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// joinByOrganizerExample is a row by the reference's table: all there is of the
// attendee are attendeeName and attendeeEmail.
const joinByOrganizerExample = `[{"attendeeName":"Bo Berg","attendeeEmail":"bo@guest.test","name":"Ada Example","firstName":"Ada","lastName":"Example",
	"email":"ada@example.test","groupName":"Example Cooperative","meetingId":555012345,"newMeetingId":"555-012-345","meetingInstanceKey":7700000000000000001,
	"organizerkey":8439885694023999999,"joinTime":"2030-01-15T10:01:00.+0000","leaveTime":"2030-01-15T10:30:00.+0000","startTime":"2030-01-15T10:00:00.+0000",
	"endTime":"2030-01-15T11:00:00.+0000","duration":29,"numAttendees":3,"subject":"Board &gt; all","meetingType":"scheduled","conferenceCallInfo":""}]`

func TestOrganizerAttendeesReadsEveryVariant(t *testing.T) {
	want := Join{
		Name: "Bo Berg", Email: "bo@guest.test", Joined: at("2030-01-15T10:01:00Z"), Left: at("2030-01-15T10:30:00Z"), Minutes: 29,
		MeetingID: "555012345", InstanceKey: "7700000000000000001", Start: at("2030-01-15T10:00:00Z"), End: at("2030-01-15T11:00:00Z"),
		NumAttendees: 3, Subject: "Board > all", Type: Scheduled, OrganizerKey: "8439885694023999999",
		OrganizerFirstName: "Ada", OrganizerLastName: "Example", OrganizerEmail: "ada@example.test",
	}
	swap := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(joinByOrganizerExample, pairs[i]) {
				t.Fatalf("the example holds no %s", pairs[i])
			}
		}
		return strings.NewReplacer(pairs...).Replace(joinByOrganizerExample)
	}
	for _, tt := range []struct {
		name, body string
		change     func(*Join)
	}{
		{"as the reference has it", joinByOrganizerExample, nil},
		{"lone object", strings.Trim(joinByOrganizerExample, "[]"), nil},
		{"numbers as text", swap(`:29`, `:"29"`, `:3,`, `:"3",`, `:555012345,`, `:"555012345",`, `:7700000000000000001`, `:"7700000000000000001"`, `:8439885694023999999`, `:"8439885694023999999"`), nil},
		{"the documents' times", swap(".+0000", "Z"), nil},
		{"other casing of the key", swap("organizerkey", "organizerKey"), nil},
		{"no id but the dashed one", swap(`"meetingId":555012345,`, ""), nil},
		{"id zero", swap(`"meetingId":555012345`, `"meetingId":0`), nil},
		{"id missing altogether", swap(`"meetingId":555012345,"newMeetingId":"555-012-345",`, ""), func(j *Join) { j.MeetingID = "" }},
		{"a guest without address", swap("bo@guest.test", ""), func(j *Join) { j.Email = "" }},
		{"a guest without name is not the organizer", swap("Bo Berg", ""), func(j *Join) { j.Name = "" }},
		{"nor is one whose name is missing", swap(`"attendeeName":"Bo Berg",`, ""), func(j *Join) { j.Name = "" }},
		{"nor one whose name is null", swap(`"Bo Berg"`, "null"), func(j *Join) { j.Name = "" }},
		{"still in", swap(`"2030-01-15T10:30:00.+0000"`, `""`), func(j *Join) { j.Left = time.Time{} }},
		{"counts not told", swap(`"duration":29`, `"duration":"NA"`, ":3,", ":null,"), func(j *Join) { j.Minutes, j.NumAttendees = 0, 0 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := want
			if tt.change != nil {
				tt.change(&want)
			}
			got, err := always(t, 200, tt.body).OrganizerAttendees(t.Context(), oldToken(), "1", at("2030-01-01T00:00:00Z"), at("2030-01-20T00:00:00Z"))
			if err != nil || !reflect.DeepEqual(got, []Join{want}) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

func TestStart(t *testing.T) {
	const secret = "https://host.example/download?authenticationToken=s3cret&meetingId=1"
	for _, target := range []string{secret, "gotomeeting://start?meetingId=1&authenticationToken=s3cret", "http://127.0.0.1:8080/sandbox/host?meetingId=1"} {
		got, err := always(t, 200, `{"hostURL":"`+target+`"}`).Start(t.Context(), oldToken(), "1")
		if err != nil || got.Target() != target {
			t.Errorf("%s: got %q, %v", target, got.Target(), err)
		}
	}
	for _, body := range []string{`{"hostURL":"` + secret + `"}`, `[{"hostURL":"` + secret + `"}]`, `{"hosturl":"` + secret + `"}`} {
		got, err := always(t, 200, body).Start(t.Context(), oldToken(), "1")
		if err != nil || got.Reveal() != secret {
			t.Errorf("%s: got %q, %v", body, got.Reveal(), err)
		}
	}
	for _, body := range []string{`{}`, `{"hostURL":""}`, `{"hostURL":"javascript:alert(1)//x"}`, `{"hostURL":"data:text/html,x"}`, `{"hostURL":"/relative"}`, `{"hostURL":"https://a b\u0000/"}`} {
		_, err := always(t, 200, body).Start(t.Context(), oldToken(), "1")
		faultOf(t, err, Unreadable)
	}
}

func TestUnreadableSuccess(t *testing.T) {
	bodies := map[string]string{
		"html":            "<!doctype html><title>Sign in</title>",
		"truncated":       `[{"meetingId":1},{"meeti`,
		"no end":          `[{"meetingId":1},`,
		"number":          `42`,
		"text":            `"fine"`,
		"wrong elements":  `[1,2]`,
		"wrong type":      `[{"meetingId":{"a":1}}]`,
		"no id":           `[{"subject":"x"}]`,
		"an error object": `{"message":"This endpoint is no longer valid"}`,
		"goes on":         `[{"meetingId":1}]<html>`,
		"null goes on":    `null 1`,
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			_, err := always(t, 200, body, "Content-Type", "text/html").Upcoming(t.Context(), oldToken(), "")
			fault := faultOf(t, err, Unreadable)
			if fault.Status != 200 || fault.Op != "upcoming meetings" || fault.API != APIMeeting {
				t.Errorf("got %+v", fault)
			}
		})
	}
	t.Run("create keeps Sent", func(t *testing.T) {
		for _, body := range []string{"", "[]", "<html>", `[{"joinURL":"x"}]`, `[{"meetingid":`} {
			_, err := always(t, 201, body).Create(t.Context(), oldToken(), request())
			if fault := faultOf(t, err, Unreadable); !fault.Sent {
				t.Errorf("%q: the meeting may exist, but Sent is false", body)
			}
		}
	})
}

// endless gives an object of one key whose text never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, bytes.Repeat([]byte("x"), len(p)))
	if e.read == 0 {
		n = copy(p, `[{"meetingId":1},{"subject":"`)
	}
	e.read += n
	return n, nil
}

func TestLimits(t *testing.T) {
	t.Run("element", func(t *testing.T) {
		var source endless
		c := newClient(t, wire(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(&source)}, nil
		}))
		_, err := c.Upcoming(t.Context(), oldToken(), "")
		faultOf(t, err, Unreadable)
		if source.read > 2*maxElement {
			t.Errorf("read %d bytes of an element that may have %d", source.read, maxElement)
		}
	})
	t.Run("object", func(t *testing.T) {
		var source endless
		c := newClient(t, wire(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(&source)}, nil
		}))
		_, err := c.Meeting(t.Context(), oldToken(), "1")
		faultOf(t, err, Unreadable)
		if source.read > maxBody+1<<16 {
			t.Errorf("read %d bytes of an answer that may have %d", source.read, maxBody)
		}
	})
	t.Run("element just below", func(t *testing.T) {
		body := fmt.Sprintf(`[{"meetingId":1},{"meetingId":2,"subject":%q}]`, strings.Repeat("x", maxElement-100))
		got, err := always(t, 200, body).Upcoming(t.Context(), oldToken(), "")
		if err != nil || len(got) != 2 {
			t.Errorf("got %d meetings, %v", len(got), err)
		}
	})
	t.Run("long list", func(t *testing.T) {
		const elements = 20000 // more than one body's cap
		one := fmt.Sprintf(`{"meetingId":1,"subject":%q}`, strings.Repeat("y", 500))
		body := "[" + strings.Repeat(one+",", elements-1) + one + "]"
		if len(body) < maxBody {
			t.Fatal("the list is too short to show anything")
		}
		got, err := always(t, 200, body).Upcoming(t.Context(), oldToken(), "")
		if err != nil || len(got) != elements {
			t.Errorf("got %d meetings, %v", len(got), err)
		}
	})
}

func TestListInAllIsBounded(t *testing.T) {
	element := []byte(`{"meetingId":1,"subject":"` + strings.Repeat("z", 60000) + `"},`)
	source := &repeating{piece: element}
	const total = 4 << 20
	n := 0
	err := eachElement(source, total, func([]byte) { n++ })
	if err == nil || !strings.Contains(err.Error(), errTooBig.Error()) {
		t.Fatalf("got %v after %d elements", err, n)
	}
	if n < total/len(element)-2 || source.read > total {
		t.Errorf("stopped after %d elements and %d bytes", n, source.read)
	}
}

type repeating struct {
	piece []byte
	at    int
	read  int
}

func (r *repeating) Read(p []byte) (int, error) {
	if r.read == 0 {
		p[0] = '['
		r.read = 1
		return 1, nil
	}
	n := copy(p, r.piece[r.at:])
	r.at = (r.at + n) % len(r.piece)
	r.read += n
	return n, nil
}

func TestParseTime(t *testing.T) {
	want := at("2015-02-17T00:10:33Z")
	for _, s := range []string{
		"2015-02-17T00:10:33.+0000", "2015-02-17T00:10:33Z", "2015-02-17T00:10:33.000Z", "2015-02-17T00:10:33.Z", "2015-02-17T00:10:33+0000",
		"2015-02-17T00:10:33+00:00", "2015-02-17T00:10:33.000+0000", "2015-02-17T01:10:33.+0100", "2015-02-16T19:10:33-05:00", "2015-02-16T19:10:33.-0500",
		"2015-02-17T00:10:33", "2015-02-17 00:10:33", "2015-02-17T00:10:33.", " 2015-02-17T00:10:33Z ", "1424131833000", "1424131833",
	} {
		if got, ok := parseTime(s); !ok || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%q: got %v, %v; want %v", s, got, ok, want)
		}
	}
	if got, ok := parseTime("2015-02-17T00:10:33.123+0000"); !ok || !got.Equal(want.Add(123*time.Millisecond)) {
		t.Errorf("got %v, %v", got, ok)
	}
	for _, s := range []string{"", "NA", "0", "-5", "17.02.2015", "2015-13-45T00:00:00Z", "99999999999999999", "0001-01-01T00:00:00Z", "T"} {
		if got, ok := parseTime(s); ok {
			t.Errorf("%q: got %v, want nothing", s, got)
		}
	}
}

func TestSubjects(t *testing.T) {
	tests := []struct {
		subject, sent string
		length        int
	}{
		{"Board", "Board", 5},
		{"Größe ≥ 3", "Größe ≥ 3", 9},
		{"<b>", "&lt;b&gt;", 9},
		{"R&D", "R&D", 3},
		{"R&D;", "R&D;", 4},
		{"&lt;", "&amp;lt;", 8},
		{"&amp;lt;", "&amp;amp;lt;", 12},
		{"&<", "&&lt;", 5},
		{"&#39;", "&amp;#39;", 9},
	}
	for _, tt := range tests {
		if got := encodeSubject(tt.subject); got != tt.sent {
			t.Errorf("%q is sent as %q, want %q", tt.subject, got, tt.sent)
		}
		if got := SubjectLength(tt.subject); got != tt.length {
			t.Errorf("%q counts %d, want %d", tt.subject, got, tt.length)
		}
		if got := decodeSubject(tt.sent); got != tt.subject {
			t.Errorf("%q comes back as %q, want %q", tt.sent, got, tt.subject)
		}
	}
	for sent, want := range map[string]string{"A &amp; B": "A & B", "&quot;x&#39;": `"x'`, "&copy": "&copy", "&": "&"} {
		if got := decodeSubject(sent); got != want {
			t.Errorf("%q reads as %q, want %q", sent, got, want)
		}
	}
}

func TestInferAudio(t *testing.T) {
	tests := map[string]string{
		"": AudioVoIP,
		"US: +1 (555) 010-0100\nAccess Code: 555-012-345":            AudioHybrid,
		"Access Code: 555-012-345":                                   AudioVoIP,
		"Computer audio only. Access Code: 555-012-345":              AudioVoIP,
		"Deutschland: +49 30 5550100":                                AudioHybrid,
		"US: +1 555 010 0100\r\nDeutschland: +49 30 5550100\r\n\r\n": AudioHybrid,
		"voip":    AudioVoIP,
		"PSTN":    AudioPSTN,
		"private": AudioPrivate,
		// The organizer's own, and nothing that an option would set again.
		"Our bridge: +1 555 010 0199, code 4711#":     "",
		"Room 12, floor 3":                            "",
		"Call +1 555 010 0199":                        "",
		"US: +1 555 010 0100\nthen ask for the board": "",
		// Too long to be anybody's own.
		strings.Repeat("Call +1 555 010 0199. ", 20): AudioHybrid,
	}
	for info, want := range tests {
		if got, ok := InferAudio(info); ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %s, %t, want %q", info, got, ok, want)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	const hidden = "https://host.example/?authenticationToken=s3cret"
	host, download := NewHostURL(hidden), NewDownloadURL(hidden)
	type nested struct {
		h HostURL
		R Recording
		P *HostURL
	}
	values := []any{host, &host, download, nested{host, Recording{Download: download}, &host}, []HostURL{host}, map[string]DownloadURL{"x": download}}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, "s3cret") || strings.Contains(got, fmt.Sprintf("%x", "s3cret")) {
				t.Errorf("%s of %T shows the secret: %s", verb, v, got)
			}
		}
		if got, err := json.Marshal(v); err != nil || bytes.Contains(got, []byte("s3cret")) {
			t.Errorf("json of %T: %s, %v", v, got, err)
		}
	}
	if got := fmt.Sprint(host, download); got != "[redacted] [redacted]" {
		t.Errorf("got %q", got)
	}
	if host.Reveal() != hidden || host.IsZero() || !(HostURL{}).IsZero() || (HostURL{}).Reveal() != "" {
		t.Error("Reveal or IsZero is wrong")
	}
}

// One odd row does not hide the others, and is counted in the log. A list of
// nothing but odd rows is no list of such rows.
func TestOddRowsAreLeftOut(t *testing.T) {
	const odd = `{"subject":"no id"},{"meetingId":{"a":1},"key":{"a":1},"attendeeName":{}},7,"x",{},[]`
	ctx, ts, day := t.Context(), oldToken(), at("2030-01-15T10:00:00Z")
	for op, tt := range map[string]struct {
		good string
		body func(rows string) string
		read func(*Client) (int, error)
	}{
		"upcoming meetings":     {meetingExample, array, func(c *Client) (int, error) { return size(c.Upcoming(ctx, ts, "")) }},
		"past meetings":         {historyExample, array, func(c *Client) (int, error) { return size(c.History(ctx, ts, "", day, day)) }},
		"attendees":             {`[{"attendeeName":"Bo"}]`, array, func(c *Client) (int, error) { return size(c.Attendees(ctx, ts, "1")) }},
		"organizer's attendees": {`[{"attendeeName":"Bo"}]`, array, func(c *Client) (int, error) { return size(c.OrganizerAttendees(ctx, ts, "1", day, day)) }},
		"list users":            {`[{"key":"1"}]`, results, func(c *Client) (int, error) { return size(c.Users(ctx, ts, "1", UserFilter{})) }},
		"list licences":         {`[{"key":"1"}]`, results, func(c *Client) (int, error) { return size(c.Licenses(ctx, ts, "1")) }},
		"invite user":           {`[{"key":"1"}]`, array, func(c *Client) (int, error) { return size(c.Invite(ctx, ts, "1", Invitation{})) }},
	} {
		var log bytes.Buffer
		client := func(rows string) *Client {
			c := always(t, 200, tt.body(rows))
			c.log = slog.New(slog.NewTextHandler(&log, nil))
			return c
		}
		good := strings.Trim(tt.good, "[]")
		if n, err := tt.read(client(odd + ",null," + good + "," + odd)); err != nil || n != 1 {
			t.Errorf("%s: %d rows, %v", op, n, err)
		}
		if want := `op="` + op + `" rows=12`; !strings.Contains(strings.ReplaceAll(log.String(), "op=attendees", `op="attendees"`), want) {
			t.Errorf("%s: the log lacks %s: %s", op, want, log.String())
		}
		log.Reset()
		if n, err := tt.read(client("null," + good)); err != nil || n != 1 || log.Len() > 0 {
			t.Errorf("%s, all readable: %d rows, %v, log %s", op, n, err, log.String())
		}
		_, err := tt.read(client(odd))
		faultOf(t, err, Unreadable)
	}
}

func array(rows string) string   { return "[" + rows + "]" }
func results(rows string) string { return `{"results":[` + rows + `],"total":14}` }

func size[T any](rows []T, err error) (int, error) { return len(rows), err }
