package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"portal/e2e/process"
)

// server is one that is measured.
type server struct {
	name   string
	url    string
	header http.Header // of each request
	pid    int
}

// world is a portal with a sandbox of its own in another process, and somebody
// signed in.
type world struct {
	t      *testing.T
	goTo   *process.Process
	portal *process.Process
	cookie string
}

const scale = 6 // so that ada has more than fifty meetings to come

func newWorld(t *testing.T, more ...string) *world {
	t.Helper()
	w := &world{t: t}
	dir := t.TempDir()
	w.goTo = program.Start(t, dir, nil, "sandbox", "-listen", "localhost:0", "-ledger", filepath.Join(dir, "ledger"))
	w.control(map[string]any{"scale": scale, "rate_limit_per_s": 0})
	api := w.goTo.Base + "/sandbox"
	w.portal = program.Start(t, dir, append([]string{
		"DATABASE_URL=" + filepath.Join(dir, "portal.db"), "GOTO_CLIENT_ID=sandbox", "GOTO_CLIENT_SECRET=sandbox",
		"GOTO_AUTH_URL=" + strings.Replace(api, "//localhost:", "//127.0.0.1:", 1) + "/oauth/authorize",
		"GOTO_TOKEN_URL=" + api + "/oauth/token", "GOTO_REVOKE_URL=" + api + "/oauth/revoke", "GOTO_API_URL=" + api, "GOTO_RATE=1000",
	}, more...), "-listen", "localhost:0")
	var err error
	if w.cookie, err = process.SignIn(w.portal.Base, "ada@example.test"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) control(settings map[string]any) {
	w.t.Helper()
	body, err := json.Marshal(settings)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.Post(w.goTo.Base+"/sandbox/control", "application/json", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		w.t.Fatalf("control: %s", r.Status)
	}
}

// page is the portal as a server that is measured by one of its pages.
func (w *world) page(name, path string) server {
	return server{name: name, url: w.portal.Base + path, header: http.Header{"Cookie": {w.cookie}}, pid: w.portal.PID()}
}

// unsigned is the same for a visitor without a session.
func (w *world) unsigned(name, path string) server {
	return server{name: name, url: w.portal.Base + path, pid: w.portal.PID()}
}

func (s server) compressed() server {
	s.header = s.header.Clone()
	if s.header == nil {
		s.header = http.Header{}
	}
	s.header.Set("Accept-Encoding", "zstd, gzip")
	return s
}

// fetch reads the server's page once, as it goes over the wire.
func (s server) fetch(t *testing.T) (http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range s.header {
		r.Header[k] = v
	}
	answer, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s", s.name, answer.Status)
	}
	return answer.Header, body
}

// reference starts this test's own binary as a server of a page of another.
func reference(t *testing.T, kind, name string, of server) server {
	t.Helper()
	header, body := of.fetch(t)
	kept, err := json.Marshal(captured{header, body})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.json")
	if err := os.WriteFile(file, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "BENCH_SERVE="+kind, "BENCH_PAGE="+file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	base, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("reference %s: %v", kind, err)
	}
	return server{name: name, url: strings.TrimSpace(base) + "/", header: of.header, pid: cmd.Process.Pid}
}

// cpu is the processor time that a process has used, in seconds.
func cpu(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat reads %q", pid, b)
	}
	const hertz = 100 // USER_HZ, on every Linux of today
	user, err := strconv.ParseFloat(fields[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(fields[12], 64)
	return (user + system) / hertz, err
}

// resident is a process's RSS now and at its highest, in bytes.
func resident(pid int) (now, peak int64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSuffix(strings.TrimSpace(value), " kB")
		switch name {
		case "VmRSS":
			now, err = strconv.ParseInt(value, 10, 64)
		case "VmHWM":
			peak, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return now << 10, peak << 10, nil
}
