package auth

import (
	"net/http"
	"strings"
	"testing"
)

func TestTicketRoundTrip(t *testing.T) {
	a, b := newTicket(), newTicket()
	if a.hash == b.hash || *a.secret == *b.secret {
		t.Fatal("two tickets share something")
	}
	got, ok := parseTicket(a.cookie.Reveal())
	if !ok || got.hash != a.hash || *got.secret != *a.secret {
		t.Fatal("not read back")
	}
	if n := len(a.cookie.Reveal()); n != 69 {
		t.Errorf("%d bytes", n)
	}
	if strings.Contains(a.cookie.Reveal(), a.hash) {
		t.Error("the row's key is in the cookie")
	}
}

// Whatever a cookie holds, it is understood only if it is written exactly as
// the portal writes tickets: one session has one cookie.
func FuzzTicket(f *testing.F) {
	f.Add(newTicket().cookie.Reveal())
	f.Add("v1." + strings.Repeat("A", 22) + "." + strings.Repeat("A", 42) + "B") // bits left over
	f.Add("v1." + strings.Repeat("A", 21) + "\n." + strings.Repeat("A", 43))
	f.Add("v1..")
	f.Fuzz(func(t *testing.T, value string) {
		got, ok := parseTicket(value)
		if !ok {
			if got.secret != nil || got.hash != "" {
				t.Fatal("a refused ticket holds something")
			}
			return
		}
		if got.cookie.Reveal() != value || len(got.hash) != 64 {
			t.Fatalf("%q is understood as %q", value, got.cookie.Reveal())
		}
		if c, err := http.ParseCookie("sid=" + value); err != nil || c[0].Value != value {
			t.Fatalf("%q is no cookie value: %v", value, err)
		}
	})
}
