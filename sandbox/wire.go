package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object on its way out. The shapes differ per operation in
// key case and kind, so that one literal per shape is clearer than types.
type object map[string]any

func jsonReply(status int, v any) reply {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return reply{status: http.StatusInternalServerError}
	}
	return reply{status: status, header: http.Header{"Content-Type": {"application/json;charset=UTF-8"}}, body: b.Bytes()}
}

func noContent() reply { return reply{status: http.StatusNoContent} }

// notRouted is the gateway's answer to an unknown path.
func notRouted(*call) reply {
	return jsonReply(http.StatusNotFound, object{"errorCode": "NOT_FOUND", "message": "The requested resource was not found"})
}

// refuse is a product error. Both bodies were seen in the wild.
func (s *Sandbox) refuse(status int, code, text string) reply {
	if s.observed() {
		return jsonReply(status, object{"errorCode": code, "description": text, "incident": "sandbox"})
	}
	return jsonReply(status, object{"int_err_code": code, "msg": text})
}

func (s *Sandbox) noSuchMeeting() reply {
	return s.refuse(http.StatusNotFound, "NotFound", "Meeting with specified key does not exist.")
}

func (s *Sandbox) forbidden() reply {
	return s.refuse(http.StatusForbidden, "AccessDenied", "You may not see the data of this organizer.")
}

func (s *Sandbox) observed() bool { return s.settings.Wire != wireSpec }

// when writes a time: the wire has a dot without digits, the documents a Z.
func (s *Sandbox) when(t time.Time) string {
	if s.observed() {
		return t.UTC().Format("2006-01-02T15:04:05") + ".+0000"
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// flag writes passwordRequired of the calls where captures show a string.
func (s *Sandbox) flag(b bool) any {
	if s.observed() {
		return strconv.FormatBool(b)
	}
	return b
}

// subject is kept with angle brackets as entities, as clients must send them.
func (s *Sandbox) subject(text string) string {
	if s.observed() {
		return text
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">").Replace(text)
}

func entities(text string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(text)
}

// num is a key or id where the wire has a number: int64, never float.
func num(digits string) json.Number {
	if digits == "" {
		return "0"
	}
	return json.Number(digits)
}

func minutes(from, to time.Time) int { return int((to.Sub(from) + 30*time.Second) / time.Minute) }

// dashed writes an id as people read it: 555-012-345.
func dashed(id string) string {
	if len(id) != 9 {
		return id
	}
	return id[:3] + "-" + id[3:6] + "-" + id[6:]
}
