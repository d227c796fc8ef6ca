package auth_test

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"portal/auth"
)

func setupMode(c *auth.Config) { c.Client = auth.ClientCredentials{} }

func TestSetup(t *testing.T) {
	w := newWorld(t, setupMode)
	state := func(open, configured bool) {
		t.Helper()
		if got, err := w.SetupOpen(t.Context()); err != nil || got != open {
			t.Fatalf("open %v, %v", got, err)
		}
		if got, err := w.Configured(t.Context()); err != nil || got != configured {
			t.Fatalf("configured %v, %v", got, err)
		}
	}
	state(true, false)
	code := w.SetupCode()
	if !regexp.MustCompile(`^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$`).MatchString(code) {
		t.Fatalf("code %q", code)
	}
	for _, wrong := range []string{"", "AAAA-AAAA-AAAA-AAAA", code[:len(code)-1], code + "A"} {
		if err := w.Setup(t.Context(), clientID, clientSecret, wrong); !errors.Is(err, auth.ErrSetupCode) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if n, _ := w.goTo.counts(); n != 0 {
		t.Error("GoTo was asked on behalf of somebody without the code")
	}
	for _, pair := range [][2]string{{clientID, "wrong"}, {"wrong", clientSecret}, {"", clientSecret}, {clientID, " "}} {
		if err := w.Setup(t.Context(), pair[0], pair[1], code); !errors.Is(err, auth.ErrClient) {
			t.Errorf("%v: %v", pair, err)
		}
	}
	w.goTo.with(func() {
		w.goTo.intercept = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(502); return true }
	})
	if err := w.Setup(t.Context(), clientID, clientSecret, code); !errors.Is(err, auth.ErrUnavailable) {
		t.Error(err)
	}
	w.goTo.with(func() { w.goTo.intercept = nil })
	state(true, false)
	// However the code is typed.
	if err := w.Setup(t.Context(), " "+clientID+" ", clientSecret+"\n", " "+strings.ToLower(strings.ReplaceAll(code, "-", ""))); err != nil {
		t.Fatal(err)
	}
	state(true, true) // until it has connected, it can be replaced
	w.restart()
	state(true, true)
	if w.SetupCode() != code {
		t.Error("a restart changed the code")
	}
	w.logIn(&browser{})
	state(false, true)
	if err := w.Setup(t.Context(), clientID, clientSecret, code); !errors.Is(err, auth.ErrSetupClosed) {
		t.Error(err)
	}
	w.restart()
	state(false, true)
	if w.SetupCode() != "" {
		t.Error("a code although set-up is closed")
	}
	if _, err := w.token(logged(w)); err != nil {
		t.Error(err)
	}
}

func logged(w *world) *browser {
	b := &browser{}
	w.logIn(b)
	return b
}

func TestSetupIsClosedWithConfiguredClient(t *testing.T) {
	for name, change := range map[string]func(*auth.Config){
		"configured": func(*auth.Config) {},
		"sandbox":    func(c *auth.Config) { c.Sandbox = true },
	} {
		w := newWorld(t, change)
		open, err := w.SetupOpen(t.Context())
		if open || err != nil || w.SetupCode() != "" {
			t.Errorf("%s: %v, %v, %q", name, open, err, w.SetupCode())
		}
		if err := w.Setup(t.Context(), clientID, clientSecret, ""); !errors.Is(err, auth.ErrSetupClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The stored client moves to the first key at each start; without a key that
// opens it the start is refused with the remedy.
func TestStoredClientAndKeys(t *testing.T) {
	w := newWorld(t, setupMode)
	if err := w.Setup(t.Context(), clientID, clientSecret, w.SetupCode()); err != nil {
		t.Fatal(err)
	}
	first := w.config.Keys[0]
	second := keys(t, 1)[0]
	w.config.Keys = []auth.Key{second, first}
	w.restart()
	w.config.Keys = []auth.Key{second}
	w.restart()
	w.logIn(&browser{})
	c := w.config
	c.Keys = []auth.Key{first}
	if _, err := auth.New(c); err == nil || !strings.Contains(err.Error(), "session key") || !strings.Contains(err.Error(), "GOTO_CLIENT_ID") {
		t.Fatal(err)
	}
}

func TestLoadKeys(t *testing.T) {
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = byte(0xf8 + i) // needs the two letters in which the alphabets differ
	}
	std, other := base64.StdEncoding.EncodeToString(raw), base64.StdEncoding.EncodeToString(make([]byte, 32))
	good := []string{std, base64.URLEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw), " " + std + " , " + other + " "}
	for _, spec := range good {
		if k, err := auth.LoadKeys(spec); err != nil || len(k) != strings.Count(spec, ",")+1 {
			t.Errorf("%q: %d keys, %v", spec, len(k), err)
		}
	}
	bad := map[string]string{
		"": "key 1", std + ",": "key 2", "not base64!": "key 1", "c2hvcnQ=": "32 bytes", std + "," + std: "twice", std + "," + other[:20]: "key 2",
	}
	for spec, want := range bad {
		_, err := auth.LoadKeys(spec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", spec, err)
			continue
		}
		for part := range strings.SplitSeq(spec, ",") {
			if part != "" && strings.Contains(err.Error(), part) {
				t.Errorf("the error shows the key: %v", err)
			}
		}
	}
}

func TestMakeKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session.key")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if k, err := auth.MakeKeyFile(path); err != nil || len(k) != 1 {
				t.Error(len(k), err)
			}
		})
	}
	wg.Wait()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	text, _ := os.ReadFile(path)
	if _, err := auth.MakeKeyFile(path); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(path); string(again) != string(text) {
		t.Fatal("the key was replaced")
	}
	left, _ := os.ReadDir(filepath.Dir(path))
	if len(left) != 1 {
		t.Errorf("files left over: %v", left)
	}
	if err := os.WriteFile(path, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.MakeKeyFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Fatal(err)
	}
	if _, err := auth.MakeKeyFile(filepath.Join(path, "x")); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

// A key made at the first start opens what it sealed after a restart.
func TestKeyFileKeepsSessions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session.key")
	load := func() []auth.Key {
		k, err := auth.MakeKeyFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	w, b := newWorld(t, func(c *auth.Config) { c.Keys = load() }), &browser{}
	w.logIn(b)
	w.config.Keys = load()
	w.restart()
	w.pass(time.Minute)
	if w.session(b) == nil {
		t.Fatal("logged out")
	}
}
