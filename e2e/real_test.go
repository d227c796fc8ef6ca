package e2e

import (
	"bytes"
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portal/e2e/process"
)

// alone starts a sandbox by itself and returns its base address,
// http://HOST:PORT/sandbox.
func alone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := program.Start(t, dir, nil, "sandbox", "-listen", "localhost:0", "-ledger", filepath.Join(dir, "sandbox.ledger"))
	return s.Base + "/sandbox"
}

// pointedAt returns the settings that point a portal at a sandbox alone
// instead of at GoTo. tokens is the base of the token and revoke endpoints.
// What a browser visits is on the other loopback name than the portal's.
func pointedAt(sandbox, tokens string) []string {
	visited := strings.Replace(sandbox, "//localhost:", "//127.0.0.1:", 1)
	return []string{
		"GOTO_AUTH_URL=" + visited + "/oauth/authorize",
		"GOTO_TOKEN_URL=" + tokens + "/oauth/token",
		"GOTO_REVOKE_URL=" + tokens + "/oauth/revoke",
		"GOTO_API_URL=" + sandbox,
		"GOTO_JOIN_URL=" + visited + "/join/",
	}
}

// The way to the real GoTo, with a sandbox alone in GoTo's place: set the
// portal up with the printed code, then walk.
func TestWalkAfterSetup(t *testing.T) {
	turns := make(twoAtOnce, 2)
	for _, c := range []struct {
		user      string
		scriptOff bool
	}{{ada, false}, {ben, true}, {cleo, false}} {
		t.Run(name(c.user, c.scriptOff), func(t *testing.T) {
			turns.take(t)
			sandbox := alone(t)
			portal := program.Start(t, t.TempDir(), pointedAt(sandbox, sandbox), "-listen", "localhost:0")
			w := &walk{tab: open(t, c.scriptOff), portal: portal, sandbox: sandbox, user: c.user}
			w.setUp(sandboxSecret)
			w.all()
		})
	}
}

// setUp enters the OAuth client on the set-up page.
func (w *walk) setUp(secret string) {
	w.t.Helper()
	w.visit(w.portal.Base + "/setup")
	w.seeText("/auth/callback", "collab:", "identity:")
	w.enter("client_id", sandboxClient)
	w.enter("client_secret", secret)
	w.enter("setup_code", w.portal.Said("setup code: "))
	w.press("Save", button("/setup", ""), anywhere)
	w.see("the way on", `(//a[starts-with(@href, "/auth/connect")])[1]`)
}

// A portal that is killed and started again still knows its users, and what it
// left on disk holds no token, no client secret and no cookie that could be
// read.
func TestKilledPortalKeepsSessionsAndNoSecretInClear(t *testing.T) {
	t.Parallel()
	sandbox := alone(t)
	secret := "known-" + rand.Text() + rand.Text()
	desk := newTokenDesk(t, sandbox, secret)
	dir, settings := t.TempDir(), pointedAt(sandbox, desk.URL+"/sandbox")

	portal := program.Start(t, dir, settings, "-listen", "localhost:0")
	w := &walk{tab: open(t, false), portal: portal, sandbox: sandbox, user: ada}
	w.setUp(secret)
	w.connect()
	id := w.create("Planned before the kill", "")
	portal.Kill()

	secrets := append([]string{secret}, desk.seen()...)
	if len(secrets) < 3 {
		t.Fatalf("only %d tokens passed the token endpoint, want an access and a refresh token", len(secrets)-1)
	}
	cookies, err := w.Cookies()
	w.must(err)
	if len(cookies) == 0 {
		t.Fatal("a connected browser holds no cookie")
	}
	for _, value := range cookies {
		secrets = append(secrets, value)
	}
	unreadable(t, dir, secrets)

	again := program.Start(t, dir, settings, "-listen", portal.Host())
	w.portal = again
	w.visit(again.Base + "/meetings/" + id)
	w.see("the meeting", `//h1[contains(., "Planned before the kill")]`)
	w.create("Planned after the kill", "")
	unreadable(t, dir, append(secrets, desk.seen()...))
	for _, p := range []*process.Process{portal, again} {
		for _, s := range secrets {
			if strings.Contains(p.Log(), s) {
				t.Errorf("a secret is in the log: %.8s…", s)
			}
		}
	}
}

// A sandbox portal that is killed keeps its users, too.
func TestKilledSandboxPortalKeepsSessions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	portal := program.Start(t, dir, nil, "-sandbox", "-listen", "localhost:0")
	w := &walk{tab: open(t, true), portal: portal, sandbox: portal.Base + "/sandbox", user: ben}
	w.connect()
	portal.Kill()

	w.portal = program.Start(t, dir, nil, "-sandbox", "-listen", portal.Host())
	w.visit(w.portal.Base + "/meetings")
	w.see("the heading Upcoming", `//h1[contains(., "Upcoming")]`)
	w.seeText(ben)
	w.create("Planned after the kill", "")
}

// unreadable fails if a file under dir holds a secret in clear.
func unreadable(t *testing.T, dir string, secrets []string) {
	t.Helper()
	found, databases, err := leaks(dir, secrets)
	if err != nil {
		t.Fatalf("read the portal's files: %v", err)
	}
	if databases == 0 {
		t.Fatalf("found no database in %s, so nothing was checked", dir)
	}
	for _, leak := range found {
		t.Error(leak)
	}
}

// leaks looks through every file under dir for the secrets, or pieces of them:
// a database may spread a long value over pages. It also counts the databases
// it came across.
func leaks(dir string, secrets []string) (found []string, databases int, err error) {
	const piece = 24
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(b, []byte("SQLite format 3")) {
			databases++
		}
		for _, s := range secrets {
			for part := range slices.Chunk([]byte(s), piece) {
				if (len(part) == piece || len(s) < piece) && bytes.Contains(b, part) {
					found = append(found, filepath.Base(path)+" holds a piece of a secret in clear: "+s[:min(8, len(s))]+"…")
					break
				}
			}
		}
		return nil
	})
	return found, databases, err
}

// The search for leaks is only worth something if it finds one.
func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long, short := strings.Repeat("0123456789abcdef", 4)+"the end", "short secret"
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("portal.db", "SQLite format 3\x00 nothing else")
	if found, databases, err := leaks(dir, []string{long, short}); err != nil || databases != 1 || len(found) != 0 {
		t.Errorf("leaks in a clean folder: %q, %d databases, %v", found, databases, err)
	}
	write("portal.db-wal", "…"+long[24:48]+"…"+short)
	if found, _, err := leaks(dir, []string{long, short}); err != nil || len(found) != 2 {
		t.Errorf("leaks with a piece of the long secret and the whole short one: %q, %v; want two", found, err)
	}
}
