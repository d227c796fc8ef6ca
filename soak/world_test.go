package soak

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"portal/e2e/process"
)

// The sandbox's people of one account that may organize.
var people = []string{"ada@example.test", "ben@example.test", "cleo@example.test"}

// world is one installation: the GoTo it talks to, and the settings that all
// its portals share.
type world struct {
	t    *testing.T
	goTo *goTo
	dir  string
	env  []string
}

// newWorld starts GoTo; database is a DATABASE_URL.
func newWorld(t *testing.T, database string) *world {
	t.Helper()
	g := startGoTo(t)
	visited := strings.Replace(g.base(), "//localhost:", "//127.0.0.1:", 1)
	key := random(t.Name(), "key")
	master := make([]byte, 32)
	for i := range master {
		master[i] = byte(key.Uint32())
	}
	return &world{t: t, goTo: g, dir: t.TempDir(), env: []string{
		"PUBLIC_URL=http://" + public,
		"DATABASE_URL=" + database,
		"SESSION_KEY=" + base64.StdEncoding.EncodeToString(master),
		"GOTO_CLIENT_ID=sandbox", "GOTO_CLIENT_SECRET=sandbox",
		"GOTO_AUTH_URL=" + visited + "/oauth/authorize",
		"GOTO_TOKEN_URL=" + g.base() + "/oauth/token",
		"GOTO_REVOKE_URL=" + g.base() + "/oauth/revoke",
		"GOTO_API_URL=" + g.base(),
		"GOTO_JOIN_URL=" + visited + "/join/",
		"GOTO_RATE=1000",
	}}
}

// start starts a portal; more overrides settings. When the test ends it is
// killed, since replicas take their time to stop.
func (w *world) start(more ...string) *process.Process {
	w.t.Helper()
	p := program.Start(w.t, w.dir, append(w.env[:len(w.env):len(w.env)], more...), "-listen", "localhost:0")
	w.t.Cleanup(p.Kill)
	return p
}

// sqlite is a database of the test's own, next to no key.
func sqlite(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "portal.db")
}

// goTo is a sandbox alone in GoTo's place. It can be killed and started again
// at the same address with the same ledger.
type goTo struct {
	t   *testing.T
	dir string
	p   *process.Process

	ledger struct { // as far as it was read
		sync.Mutex
		offset int64
		made   map[string][]string // subject to meeting ids
	}
}

func startGoTo(t *testing.T) *goTo {
	t.Helper()
	g := &goTo{t: t, dir: t.TempDir()}
	g.start("localhost:0")
	return g
}

func (g *goTo) start(listen string) {
	g.t.Helper()
	g.p = program.Start(g.t, g.dir, nil, "sandbox", "-listen", listen, "-ledger", filepath.Join(g.dir, "ledger"))
	// What a test is about is not how fast GoTo lets it be done.
	g.set(map[string]any{"rate_limit_per_s": 0})
}

func (g *goTo) base() string { return g.p.Base + "/sandbox" }

// figures are what the sandbox counts.
type figures struct {
	Refreshes int `json:"refreshes"`
}

// control changes settings and returns the figures.
func (g *goTo) control(settings map[string]any) (figures, error) {
	body, err := json.Marshal(settings)
	if err != nil {
		return figures{}, err
	}
	res, err := (&http.Client{Transport: network, Timeout: patience}).Post(g.base()+"/control", "application/json", bytes.NewReader(body))
	if err != nil {
		return figures{}, fmt.Errorf("control the sandbox: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return figures{}, fmt.Errorf("control the sandbox: %s %s %w", res.Status, text, err)
	}
	var f figures
	return f, json.Unmarshal(text, &f)
}

// set is control for the test's own goroutine.
func (g *goTo) set(settings map[string]any) figures {
	g.t.Helper()
	f, err := g.control(settings)
	if err != nil {
		g.t.Fatal(err)
	}
	return f
}

func (g *goTo) figures() figures {
	g.t.Helper()
	return g.set(map[string]any{})
}

// expire makes every access token handed out so far worthless.
func (g *goTo) expire() {
	g.t.Helper()
	g.set(map[string]any{"expire_access_tokens": true})
}

// made returns the ids of all meetings that were ever made, by subject, as the
// sandbox's ledger has them.
func (g *goTo) made(subject string) ([]string, error) {
	g.ledger.Lock()
	defer g.ledger.Unlock()
	if err := g.readLedger(); err != nil {
		return nil, fmt.Errorf("read the sandbox's ledger: %w", err)
	}
	return g.ledger.made[subject], nil
}

func (g *goTo) readLedger() error {
	if g.ledger.made == nil {
		g.ledger.made = map[string][]string{}
	}
	f, err := os.Open(filepath.Join(g.dir, "ledger"))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(g.ledger.offset, io.SeekStart); err != nil {
		return err
	}
	for lines := bufio.NewReader(f); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil // what is not a whole line yet is read again
		}
		if err != nil {
			return err
		}
		var e struct {
			Created bool
			Meeting struct{ ID, Subject string }
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		if e.Created {
			g.ledger.made[e.Meeting.Subject] = append(g.ledger.made[e.Meeting.Subject], e.Meeting.ID)
		}
		g.ledger.offset += int64(len(line))
	}
}
