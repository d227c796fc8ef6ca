package handlers_test

import (
	"net/http"
	"strings"
	"testing"
)

// The browser is sent to a page or to GoTo's own application, in the header
// alone, and nowhere else.
func TestWhereStartLeads(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	id := b.create()
	for target, opens := range map[string]bool{
		"https://global.gotomeeting.com/start?meetingId=1&authenticationToken=t0k3n": true,
		"gotomeeting://start?meetingId=1&authenticationToken=t0k3n":                  true,
		"javascript:alert('t0k3n')//x":                                               false,
		"data:text/html,t0k3n":                                                       false,
		"gotowebinar://start?x=t0k3n":                                                false,
		"/start?t0k3n":                                                               false,
	} {
		body := `{"hostURL":"` + target + `"}`
		p.sandbox.Control(map[string]any{"faults": []any{fault("GET /G2M/rest/meetings/*/start", "status", "status", 200, "body", body, "times", 0)}})
		res := b.post("/meetings/"+id+"/start", nil)
		refresh := res.Header.Get("Refresh")
		if opens && (res.StatusCode != http.StatusOK || refresh != "0; url="+target) {
			t.Errorf("%s: %d, %q", target, res.StatusCode, refresh)
		}
		if !opens && (res.StatusCode != http.StatusBadGateway || refresh != "") {
			t.Errorf("%s: %d, %q", target, res.StatusCode, refresh)
		}
		if strings.Contains(res.body+p.log.String(), "t0k3n") {
			t.Errorf("%s is on the page or in the log", target)
		}
	}
}
