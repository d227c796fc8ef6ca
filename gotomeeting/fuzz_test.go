package gotomeeting

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2015-02-17T00:10:33.+0000", "2015-02-17T00:10:33Z", "1424131833000", "", "NA", "2015-02-17T00:10:33.-", "9999-12-31T23:59:59-23:59"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseTime(s)
		if !ok {
			return
		}
		if got.Location() != time.UTC || got.IsZero() || got.Year() < 1 || got.Year() > 9999 {
			t.Fatalf("%q: got %v", s, got)
		}
		again, ok := parseTime(got.Format(time.RFC3339Nano))
		if !ok || !again.Equal(got) {
			t.Fatalf("%q: %v does not read back, but as %v", s, got, again)
		}
	})
}

func FuzzList(f *testing.F) {
	for _, s := range []string{meetingExample, historyExample, createdExample, "[]", "null", "", "{", "[1]", "[null,{}]", `[{"meetingId":1},`, "[[[[", `{"meetingId":1}x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := 0
		err := eachElement(strings.NewReader(s), maxList, func(e []byte) {
			n++
			if !json.Valid(e) {
				t.Fatalf("element %q is not JSON", e)
			}
		})
		// What the whole decoder reads as a list, this one must read alike.
		var whole []json.RawMessage
		if json.Unmarshal([]byte(s), &whole) == nil && len(s) < maxElement {
			want := 0
			for _, e := range whole {
				if string(e) != "null" {
					want++
				}
			}
			if err != nil || n != want {
				t.Fatalf("%q: got %d elements, %v; want %d", s, n, err, want)
			}
		} else if err == nil && strings.HasPrefix(strings.TrimSpace(s), "[") {
			t.Fatalf("%q is no JSON list, but was read as one", s)
		}
		ignore := func(int) {}
		var meetings []Meeting
		_ = list(&meetings, (*wireMeeting).meeting, ignore)(strings.NewReader(s))
		for _, m := range meetings {
			if m.ID == "" || m.Duration < 0 || m.MaxParticipants < 0 {
				t.Fatalf("%q: got %+v", s, m)
			}
		}
		var joins []Join
		_ = list(&joins, (*wireJoin).join, ignore)(strings.NewReader(s))
		_ = list(&joins, (*wireJoin).joinByOrganizer, ignore)(strings.NewReader(s))
		var past []PastMeeting
		_ = list(&past, (*wirePast).past, ignore)(strings.NewReader(s))
		var me wireProfile
		_ = object(&me)(strings.NewReader(s))
		_ = me.profile()
	})
}

func FuzzErrorBody(f *testing.F) {
	for _, s := range []string{`{"int_err_code":"InvalidToken","msg":"m"}`, `{"errors":[{"code":"c","value":"v"}]}`, `{"error":[{"code":"c"}]}`, `{"error":"e"}`, "<html>", "", "[[[[", `[{}]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		code, detail := readErrorBody([]byte(s))
		if utf8.RuneCountInString(code) > maxCode+1 || utf8.RuneCountInString(detail) > maxDetail+1 {
			t.Fatalf("%q: too long", s)
		}
		if !utf8.ValidString(code) || !utf8.ValidString(detail) || strings.ContainsAny(code+detail, "\r\n") {
			t.Fatalf("%q: code %q, detail %q do not fit a log line", s, code, detail)
		}
	})
}

func FuzzSubject(f *testing.F) {
	for _, s := range []string{"<b>", "&lt;", "&amp;lt;", "R&D", "&<", "&#39;", "&&lt;;", "&lt", "&#0&#039;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sent := encodeSubject(s)
		if strings.ContainsAny(sent, "<>") {
			t.Fatalf("%q is sent as %q", s, sent)
		}
		if got := decodeSubject(sent); got != s {
			t.Fatalf("%q is sent as %q and comes back as %q", s, sent, got)
		}
		if utf8.ValidString(s) && SubjectLength(s) < utf8.RuneCountInString(s) {
			t.Fatalf("%q counts %d", s, SubjectLength(s))
		}
		if utf8.ValidString(s) {
			b, err := encode(sent)
			var back string
			if err != nil || json.Unmarshal(b, &back) != nil || back != sent {
				t.Fatalf("%q does not survive JSON", s)
			}
		}
	})
}
