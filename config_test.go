package main

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// aKey is a session key that is no secret.
var aKey = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

func TestDefaultsPointAtGoTo(t *testing.T) {
	c, err := loadConfig(nil, nil)
	if err != nil {
		t.Fatalf("no settings at all: %v", err)
	}
	want := endpoints{
		Auth:   "https://authentication.logmeininc.com/oauth/authorize",
		Token:  "https://authentication.logmeininc.com/oauth/token",
		Revoke: "https://authentication.logmeininc.com/oauth/revoke",
		API:    "https://api.getgo.com",
		Join:   "https://meet.goto.com/",
	}
	if c.GoTo != want {
		t.Errorf("endpoints are %+v, want %+v", c.GoTo, want)
	}
	if c.Listen != ":8080" || c.Database.Reveal() != "data/portal.db" || c.Idle != 12*time.Hour || c.Max != 14*24*time.Hour ||
		c.Rate != 8 || c.LogFormat != "text" || c.LogLevel != slog.LevelInfo || c.Metrics != "" || c.Public != nil {
		t.Errorf("defaults are %+v", c)
	}
	if got := c.Database.keyFile(); got != filepath.Join("data", "session.key") {
		t.Errorf("the key file is %s", got)
	}
	if !c.needsPublicURL() {
		t.Error("a listener open to others needs no PUBLIC_URL")
	}
}

func TestSandboxDefaults(t *testing.T) {
	c, err := loadConfig([]string{"-sandbox"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Sandbox || c.Listen != "localhost:8080" || c.Database.Reveal() != "data/sandbox.db" || c.GoTo != (endpoints{}) || c.needsPublicURL() {
		t.Errorf("with -sandbox: %+v", c)
	}
}

func TestSettingsAreRead(t *testing.T) {
	c, err := loadConfig([]string{"-listen", "localhost:0"}, []string{
		"LISTEN_ADDR=:9", // the flag wins
		"PUBLIC_URL=https://example.com/portal/",
		"DATABASE_URL=postgres://u:hunter2@db/portal?password=hunter3",
		"SESSION_KEY=" + aKey,
		"SESSION_IDLE=1h", "SESSION_MAX=2h30m",
		"GOTO_CLIENT_ID=id", "GOTO_CLIENT_SECRET=hunter4",
		"GOTO_API_URL=http://localhost:9090/sandbox/", "GOTO_JOIN_URL=http://[::1]:9090/sandbox/join",
		"GOTO_RATE=2.5", "ALLOWED_ACCOUNTS=1, 2,", "TRUSTED_PROXIES=10.1.2.3/8,192.168.0.1,fd00::/8",
		"LOG_FORMAT=json", "LOG_LEVEL=warn", "METRICS_ADDR=127.0.0.1:9100",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(fmt.Sprintln(c.Listen, c.Public, c.Idle, c.Max, c.Client.ID, c.Rate, c.Accounts, c.Proxies, c.LogFormat, c.LogLevel, c.Metrics)); got !=
		"localhost:0 https://example.com/portal 1h0m0s 2h30m0s id 2.5 [1 2] [10.0.0.0/8 192.168.0.1/32 fd00::/8] json WARN 127.0.0.1:9100" {
		t.Errorf("read %s", got)
	}
	if c.GoTo.API != "http://localhost:9090/sandbox" || c.GoTo.Join != "http://[::1]:9090/sandbox/join/" {
		t.Errorf("endpoints are %+v", c.GoTo)
	}
	if !c.Database.postgres() || len(c.Keys) != 1 || c.Client.Secret.Reveal() != "hunter4" {
		t.Errorf("database, keys or client secret were not read: %+v", c)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if shown := fmt.Sprintf(verb, c); strings.Contains(shown, "hunter") || strings.Contains(shown, aKey) {
			t.Errorf("%s shows a secret: %s", verb, shown)
		}
	}
}

// Each case breaks one rule, and the sentence has to name the setting and say
// what to do.
func TestProblemsNameSettingAndRemedy(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	cases := []struct {
		args, env []string
		want      []string
	}{
		{args: []string{"-sandbx"}, want: []string{"-sandbx", "the flags are -sandbox and -listen"}},
		{args: []string{"-sandbox=perhaps"}, want: []string{"perhaps"}},
		{args: []string{"-listen", "8080"}, want: []string{"LISTEN_ADDR", `"8080"`, "HOST:PORT"}},
		{env: []string{"LISTEN_ADDR=localhost:http"}, want: []string{"LISTEN_ADDR", "HOST:PORT"}},
		{env: []string{"LISTEN_ADDR=:70000"}, want: []string{"LISTEN_ADDR"}},
		{env: []string{"PUBLIC_URL=meetings.example.com"}, want: []string{"PUBLIC_URL", "https://meetings.example.com"}},
		{env: []string{"PUBLIC_URL=https://u:p@example.com/"}, want: []string{"PUBLIC_URL", "scheme, host and path"}},
		{env: []string{"PUBLIC_URL=https://example.com/?a=b"}, want: []string{"PUBLIC_URL"}},
		{env: []string{"DATABASE_URL=mysql://db/portal"}, want: []string{"DATABASE_URL", "mysql://", "postgres://"}},
		{env: []string{"DATABASE_URL=postgres://u:hunter2%zz@db:x/portal", "SESSION_KEY=" + aKey}, want: []string{"DATABASE_URL", "postgres://USER:PASSWORD@"}},
		{env: []string{"DATABASE_URL=postgres://db/portal"}, want: []string{"SESSION_KEY", "openssl rand -base64 32"}},
		{env: []string{"SESSION_KEY=c2hvcnQ="}, want: []string{"SESSION_KEY", "32"}},
		{env: []string{"SESSION_KEY=" + aKey, "SESSION_KEY_FILE=" + missing}, want: []string{"SESSION_KEY", "SESSION_KEY_FILE", "keep one"}},
		{env: []string{"SESSION_KEY_FILE=" + missing}, want: []string{"SESSION_KEY_FILE", missing}},
		{env: []string{"SESSION_KEY_FILE=" + empty}, want: []string{"SESSION_KEY_FILE", "empty"}},
		{env: []string{"SESSION_IDLE=12"}, want: []string{"SESSION_IDLE", `"12"`, "12h"}},
		{env: []string{"SESSION_MAX=-1h"}, want: []string{"SESSION_MAX", "above zero"}},
		{env: []string{"SESSION_IDLE=3h", "SESSION_MAX=2h"}, want: []string{"SESSION_IDLE", "SESSION_MAX", "shorter"}},
		{env: []string{"GOTO_CLIENT_ID=id"}, want: []string{"GOTO_CLIENT_ID", "GOTO_CLIENT_SECRET", "set both"}},
		{env: []string{"GOTO_CLIENT_SECRET=s"}, want: []string{"GOTO_CLIENT_ID", "GOTO_CLIENT_SECRET"}},
		{env: []string{"GOTO_CLIENT_ID=id", "GOTO_CLIENT_SECRET=s"}, want: []string{"PUBLIC_URL is missing", "localhost"}},
		{env: []string{"GOTO_TOKEN_URL=http://example.com/token"}, want: []string{"GOTO_TOKEN_URL", "plain http", "https"}},
		{env: []string{"GOTO_AUTH_URL=ftp://example.com"}, want: []string{"GOTO_AUTH_URL", gotoAuthURL}},
		{env: []string{"GOTO_RATE=0"}, want: []string{"GOTO_RATE", "above 0"}},
		{env: []string{"GOTO_RATE=NaN"}, want: []string{"GOTO_RATE"}},
		{env: []string{"GOTO_RATE=fast"}, want: []string{"GOTO_RATE", `"fast"`}},
		{env: []string{"ALLOWED_ACCOUNTS=*,12"}, want: []string{"ALLOWED_ACCOUNTS", "alone"}},
		{env: []string{"ALLOWED_ACCOUNTS=acme"}, want: []string{"ALLOWED_ACCOUNTS", "digits"}},
		{env: []string{"TRUSTED_PROXIES=10.0.0.0/99"}, want: []string{"TRUSTED_PROXIES", "10.0.0.0/8"}},
		{env: []string{"LOG_FORMAT=xml"}, want: []string{"LOG_FORMAT", "text or json"}},
		{env: []string{"LOG_LEVEL=loud"}, want: []string{"LOG_LEVEL", "debug, info, warn or error"}},
		{env: []string{"METRICS_ADDR=on"}, want: []string{"METRICS_ADDR", "HOST:PORT"}},
		{env: []string{"METRICS_ADDR=:8080"}, want: []string{"METRICS_ADDR", "LISTEN_ADDR", "of their own"}},
		{args: []string{"-sandbox"}, env: []string{"GOTO_CLIENT_ID=id", "GOTO_CLIENT_SECRET=s"}, want: []string{"GOTO_CLIENT_ID", "GOTO_CLIENT_SECRET", "-sandbox"}},
		{args: []string{"-sandbox"}, env: []string{"GOTO_API_URL=https://api.getgo.com"}, want: []string{"GOTO_API_URL", "-sandbox", "leave out"}},
	}
	for _, tc := range cases {
		t.Run(strings.Join(append(tc.args, tc.env...), " "), func(t *testing.T) {
			_, err := loadConfig(tc.args, tc.env)
			if err == nil {
				t.Fatal("no problem found")
			}
			if strings.Contains(err.Error(), "hunter") {
				t.Errorf("%q shows a password", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	_, err := loadConfig([]string{"-nope"}, []string{"LOG_LEVEL=loud", "GOTO_RATE=x", "SESSION_KEY=hunter2", "GOTO_CLIENT_ID=id"})
	if err == nil {
		t.Fatal("no problem found")
	}
	for _, want := range []string{"-nope", "LOG_LEVEL", "GOTO_RATE", "SESSION_KEY", "GOTO_CLIENT_SECRET"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the key: %q", err)
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	dir := t.TempDir()
	var env []string
	for name, value := range map[string]string{
		"SESSION_KEY": aKey, "GOTO_CLIENT_SECRET": "hunter2", "DATABASE_URL": filepath.Join(dir, "from-a-file.db"),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"_FILE="+path)
	}
	c, err := loadConfig([]string{"-listen", "127.0.0.1:0"}, append(env, "GOTO_CLIENT_ID=id"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Keys) != 1 || c.Client.Secret.Reveal() != "hunter2" || c.Database.Reveal() != filepath.Join(dir, "from-a-file.db") {
		t.Errorf("not read from files: %d keys, client %+v, database %v", len(c.Keys), c.Client, c.Database)
	}
}

func TestNearMissesAreWarnedAbout(t *testing.T) {
	c, err := loadConfig(nil, []string{
		"SESSION_KEYS=x", "GOTO_CLIENTID=x", "log_level=x", "LISTEN_ADRD=x", "PUBLIC_URI=x", "SESSION_KEY_FIL=x", "GOTO_RATE_FILE=x",
		"HOME=/root", "PATH=/bin", "GOROOT=/go", "LOG_FILE=x", "DATABASE=x",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"SESSION_KEYS": "SESSION_KEY?", "GOTO_CLIENTID": "GOTO_CLIENT_ID?", "log_level": "LOG_LEVEL?", "LISTEN_ADRD": "LISTEN_ADDR?",
		"PUBLIC_URI": "PUBLIC_URL?", "SESSION_KEY_FIL": "SESSION_KEY_FILE?", "GOTO_RATE_FILE": "set GOTO_RATE",
	}
	for name, remedy := range want {
		if !slices.ContainsFunc(c.warnings, func(w string) bool { return strings.HasPrefix(w, name+" ") && strings.HasSuffix(w, remedy) }) {
			t.Errorf("%s is not answered with %q in %q", name, remedy, c.warnings)
		}
	}
	if len(c.warnings) != len(want) {
		t.Errorf("%d warnings, want %d: %q", len(c.warnings), len(want), c.warnings)
	}
}

func TestRiskySettingsAreWarnedAbout(t *testing.T) {
	c, err := loadConfig([]string{"-sandbox", "-listen", ":8080"}, []string{
		"GOTO_RATE=11", "TRUSTED_PROXIES=10.0.0.0/8,0.0.0.0/0", "PUBLIC_URL=http://meetings.example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GOTO_RATE is 11", "TRUSTED_PROXIES holds 0.0.0.0/0", "PUBLIC_URL is plain http", "-sandbox listens on :8080"} {
		if !slices.ContainsFunc(c.warnings, func(w string) bool { return strings.HasPrefix(w, want) }) {
			t.Errorf("no warning %q in %q", want, c.warnings)
		}
	}
	if len(c.warnings) != 4 {
		t.Errorf("%d warnings: %q", len(c.warnings), c.warnings)
	}
	for _, place := range []string{"GOTO_API_URL=http://localhost:9090/sandbox", "GOTO_TOKEN_URL=http://[::1]/token", "GOTO_AUTH_URL=http://127.0.0.1/authorize"} {
		if c, err := loadConfig(nil, []string{place}); err != nil || len(c.warnings) != 1 || !strings.Contains(c.warnings[0], "partly on this machine") {
			t.Errorf("%s: %q, %v", place, c.warnings, err)
		}
	}
	// Two ports that the system picks are two.
	if _, err := loadConfig([]string{"-listen", "localhost:0"}, []string{"METRICS_ADDR=localhost:0"}); err != nil {
		t.Error(err)
	}
}

func TestNearnessIsOneEdit(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"ABC", "ABC", false}, {"ABC", "ABCD", true}, {"ABCD", "BCD", true}, {"ABC", "AXC", true}, {"ABC", "ACB", true},
		{"ABC", "CBA", false}, {"ABC", "ABCDE", false}, {"abc", "ABC", true}, {"", "A", true}, {"AB", "BA", true}, {"ABCD", "BADC", false},
	} {
		if got := oneEdit(tc.a, tc.b); got != tc.want {
			t.Errorf("oneEdit(%q, %q) is %t", tc.a, tc.b, got)
		}
		if got := oneEdit(tc.b, tc.a); got != tc.want {
			t.Errorf("oneEdit(%q, %q) is %t", tc.b, tc.a, got)
		}
	}
}

func TestHelpIsNoProblem(t *testing.T) {
	if _, err := loadConfig([]string{"-h"}, nil); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h gives %v", err)
	}
}
