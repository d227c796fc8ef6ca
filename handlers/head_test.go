package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// HEAD shows nobody anything: what a page tells once is there for who looks.
func TestHeadTellsNobody(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	b.hold(b.create("subject", "Told once"))
	p.ahead.Store(int64(16 * time.Second))
	p.sending()()
	b.post("/people/names", url.Values{"key": {"8439885694023999999"}, "name": {"Zed"}})
	for _, path := range []string{"/settings", "/pending", "/meetings", "/"} {
		b.do(http.MethodHead, path, nil)
	}
	doc := b.get("/help").doc(t)
	if text := doc.Find("#pending").Text(); !strings.Contains(text, "is deleted.") {
		t.Errorf("the news: %q", text)
	}
	if text := doc.Text(); !strings.Contains(text, "The name is saved.") {
		t.Error("the notice is gone")
	}
}
