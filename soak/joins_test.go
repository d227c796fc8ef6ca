package soak

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"portal/e2e/process"
)

// One meeting that very many people joined: how soon its page and its files
// begin to arrive, and by how much a process grows that does nothing else,
// GoTo's answer and all.
func TestManyJoins(t *testing.T) {
	t.Parallel()
	joins := figure(1000, 10_000)
	w := newWorld(t, sqlite(t))
	w.goTo.set(map[string]any{"scale": joins / 100})
	p := w.start()
	b := newBrowser(people[0], among(p))
	if err := b.signIn(); err != nil {
		t.Fatal(err)
	}
	path := "/meetings/" + scaleMeeting(t, b) + "/attendees"
	for _, what := range []string{"?page=1", ".csv", ".csv?rows=joins", ".json", ".json?rows=joins", ".xlsx", ".xlsx?rows=joins"} {
		p.Kill()
		p = w.start()
		b = b.at(among(p))
		arrive(t, b, "/settings")
		before := peak(t, p)
		began := time.Now()
		cold, _, _ := arrive(t, b, path+what)
		grown := peak(t, p) - before
		first, last, bytes := arrive(t, b, path+what)
		if grown > 80<<20 {
			t.Errorf("%s: the process grows by %d bytes", what, grown)
		}
		report(t, began, "%d joins, %-17s: first byte after %3d ms (%4d ms in a new process), last after %3d ms, %4d KB; a new process grows by %2d MB",
			joins, what, first.Milliseconds(), cold.Milliseconds(), last.Milliseconds(), bytes>>10, grown>>20)
	}
}

// scaleMeeting is the id of the meeting that the sandbox's scale makes.
func scaleMeeting(t *testing.T, b *browser) string {
	t.Helper()
	a := b.get("/history.csv?q=Scale")
	lines := strings.Split(string(a.body), "\n")
	if a.status != http.StatusOK || len(lines) < 2 {
		t.Fatalf("history: %s", a)
	}
	id, _, _ := strings.Cut(strings.Trim(lines[1], `"`), `"`)
	return id
}

// arrive gets a page and tells when its first and its last byte came.
func arrive(t *testing.T, b *browser, path string) (first, last time.Duration, bytes int64) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+public+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	res, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, 1)); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", path, res.Status, err)
	}
	first = time.Since(began)
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return first, time.Since(began), n + 1
}

// peak is the most memory that the process had resident so far.
func peak(t *testing.T, p *process.Process) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
