package handlers_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"portal/handlers"
)

// The number on an error page finds what every room logged for that request,
// the work that outlives it included.
func TestEveryLineOfARequestHasItsNumber(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	p.sandbox.Control(map[string]any{"expire_access_tokens": true, "faults": []any{
		fault("POST /oauth/token", "status", "status", 503, "times", 0), fault("GET /G2M/rest/*", "status", "status", 500, "times", 0),
	}})
	res := b.get("/meetings/123456789")
	id := res.Header.Get("X-Request-Id")
	if res.StatusCode < 500 || id == "" {
		t.Fatalf("%d, request %q", res.StatusCode, id)
	}
	found := map[string]bool{}
	for line := range strings.Lines(p.log.String()) {
		for _, message := range []string{"goto call failed", "token refresh failed", "msg=request "} {
			if strings.Contains(line, message) && strings.Contains(line, "request="+id) {
				found[message] = true
				if strings.Count(line, "request="+id) != 1 {
					t.Errorf("twice: %s", line)
				}
			}
		}
	}
	if len(found) != 3 {
		t.Errorf("request %s is on %v of\n%s", id, found, p.log.String())
	}
}

func TestLogWithoutARequest(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(handlers.LogRequests(slog.NewTextHandler(&b, nil))).With("room", 1).WithGroup("g")
	log.InfoContext(t.Context(), http.MethodGet, "n", 2)
	if got := b.String(); !strings.HasSuffix(got, "msg=GET room=1 g.n=2\n") {
		t.Errorf("logged %q", got)
	}
}
