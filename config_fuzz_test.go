package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
)

// Any value in any setting is taken or refused by name, and a secret is in no
// sentence about it.
func FuzzConfig(f *testing.F) {
	names := []string{
		"LISTEN_ADDR", "PUBLIC_URL", "DATABASE_URL", "SESSION_KEY", "SESSION_IDLE", "SESSION_MAX", "GOTO_CLIENT_ID", "GOTO_CLIENT_SECRET", "GOTO_AUTH_URL",
		"GOTO_TOKEN_URL", "GOTO_REVOKE_URL", "GOTO_API_URL", "GOTO_JOIN_URL", "GOTO_RATE", "ALLOWED_ACCOUNTS", "TRUSTED_PROXIES", "LOG_FORMAT", "LOG_LEVEL", "METRICS_ADDR",
	}
	for i, seed := range []string{":0", "https://example.com/portal/", "postgres://u:canary@h/d", aKey, "12h", "-1s", "id", "canary-secret", "http://localhost/x", "https://h/?q#f", "javascript:x", "//h", "https://u:p@h", "NaN", "*,1", "10.0.0.0/8, ::1", "json", "loud", "h:99999"} {
		f.Add(uint8(i), seed, uint8(i+1), "")
	}
	plain, _ := loadConfig(nil, nil)
	usual := fmt.Sprint(plain.effective)
	f.Fuzz(func(t *testing.T, first uint8, value string, second uint8, other string) {
		if strings.ContainsRune(value+other, 0) {
			return // no environment holds one
		}
		a, b := names[int(first)%len(names)], names[int(second)%len(names)]
		c, err := loadConfig(nil, []string{a + "=" + value, b + "=" + other})
		if errors.Is(err, flag.ErrHelp) {
			t.Fatal("nobody asked for help")
		}
		told := fmt.Sprint(err, c.warnings, c.effective) + fmt.Sprintf("%+v", c)
		for _, secret := range []struct{ name, text, other string }{{a, value, other}, {b, other, value}} {
			text := strings.TrimSpace(secret.text)
			hidden := secret.name == "SESSION_KEY" || secret.name == "GOTO_CLIENT_SECRET"
			// Short texts stand in a sentence by chance.
			if hidden && len(text) > 12 && !strings.Contains(secret.other+usual, text) && strings.Contains(told, text) {
				t.Fatalf("%s=%q is shown", secret.name, text)
			}
		}
		if err == nil && (c.Idle <= 0 || c.Max <= 0 || c.Rate <= 0 || c.Listen == "") {
			t.Fatalf("%s=%q, %s=%q: %+v", a, value, b, other, c)
		}
	})
}
