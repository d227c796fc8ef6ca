package auth

import (
	"encoding/base64"
	"strings"
	"testing"
)

// No two pages carry the same bytes, and each of them is this session's.
func TestFormTokenIsMaskedAnew(t *testing.T) {
	own, other := &Session{ticket: newTicket()}, &Session{ticket: newTicket()}
	seen := map[string]bool{}
	for range 100 {
		token := own.FormToken()
		if seen[token[:43]] || seen[token[43:]] {
			t.Fatal("two tokens share a half")
		}
		seen[token[:43]], seen[token[43:]] = true, true
		if !own.OwnsForm(token) || other.OwnsForm(token) {
			t.Fatalf("own %t, other's %t", own.OwnsForm(token), other.OwnsForm(token))
		}
		plain := base64.RawURLEncoding.EncodeToString(own.formMAC())
		if strings.Contains(token, plain) || own.OwnsForm(plain) {
			t.Fatal("the token is there without its mask")
		}
	}
}

// A token with any bit turned is nobody's, and only one spelling is read.
func FuzzFormToken(f *testing.F) {
	s := &Session{ticket: makeTicket(make([]byte, idSize), make([]byte, secretSize))}
	good := s.FormToken()
	f.Add(good, uint16(0))
	f.Add("", uint16(9))
	f.Add(good+"=", uint16(511))
	f.Add(good[:85]+"\n"+good[85:], uint16(3))
	f.Fuzz(func(t *testing.T, token string, bit uint16) {
		if b, err := base64.RawURLEncoding.Strict().DecodeString(token); s.OwnsForm(token) &&
			(err != nil || base64.RawURLEncoding.EncodeToString(b) != token) {
			t.Fatalf("%q is owned", token)
		}
		raw, _ := base64.RawURLEncoding.DecodeString(s.FormToken())
		raw[int(bit/8)%len(raw)] ^= 1 << (bit % 8)
		if s.OwnsForm(base64.RawURLEncoding.EncodeToString(raw)) {
			t.Fatalf("bit %d does not count", bit)
		}
	})
}
