package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"portal/e2e/chrome"
)

// binary is the path of the portal that TestMain builds.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

// testMain builds the binary once for all tests. It is built without the race
// detector even when the tests run under it: the browser measures the product.
func testMain(m *testing.M) int {
	if err := chrome.Missing(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	dir, err := os.MkdirTemp("", "portal-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e: make a folder for the binary:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "portal")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "portal")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: build the portal:", err)
		return 1
	}
	return m.Run()
}

// Deadlines of the processes under test.
const (
	startDeadline = 30 * time.Second
	stopDeadline  = 15 * time.Second
)

// process is one running portal, or one sandbox alone.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string        // http://HOST:PORT as printed
	gone chan struct{} // closed when the process has ended

	mu    sync.Mutex
	log   bytes.Buffer  // standard error
	lines []string      // standard output
	more  chan struct{} // closed, and replaced, when lines grows
}

// start runs the binary in dir with the environment and arguments given, and
// waits for the line that names its address. The process is stopped when the
// test ends; its log is shown when the test failed.
func start(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, gone: make(chan struct{}), more: make(chan struct{})}
	p.cmd = exec.Command(binary, args...)
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}, env...)
	p.cmd.Stderr = (*logWriter)(p)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start the portal: %v", err)
	}
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.mu.Lock()
			p.lines = append(p.lines, lines.Text())
			close(p.more)
			p.more = make(chan struct{})
			p.mu.Unlock()
		}
		_ = p.cmd.Wait()
		close(p.gone)
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("log of %q:\n%s", args, tail(p.logged(), 12000))
		}
	})
	p.base = p.said("listening on ")
	return p
}

// said waits for a line on standard output with the prefix given, and returns
// the rest of it.
func (p *process) said(prefix string) string {
	p.t.Helper()
	late := time.After(startDeadline)
	for {
		p.mu.Lock()
		lines, more := p.lines, p.more
		p.mu.Unlock()
		for _, line := range lines {
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest
			}
		}
		select {
		case <-more:
		case <-p.gone:
			p.t.Fatalf("the portal ended before it said %q; its log:\n%s", prefix, p.logged())
		case <-late:
			p.t.Fatalf("the portal did not say %q within %s; its log:\n%s", prefix, startDeadline, p.logged())
		}
	}
}

// stop asks the process to end, and fails the test if it does not end cleanly.
func (p *process) stop() {
	p.t.Helper()
	select {
	case <-p.gone:
		return
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			p.t.Errorf("portal ended with status %d after SIGTERM", code)
		}
	case <-time.After(stopDeadline):
		p.t.Errorf("portal still runs %s after SIGTERM", stopDeadline)
		_ = p.cmd.Process.Kill()
		<-p.gone
	}
}

// kill ends the process the hard way, as a power cut would.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatalf("kill the portal: %v", err)
	}
	<-p.gone
}

// logged returns what the process wrote to standard error so far.
func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// host returns HOST:PORT of the process.
func (p *process) host() string {
	u, err := url.Parse(p.base)
	if err != nil || u.Host == "" {
		p.t.Fatalf("the portal says it listens on %q", p.base)
	}
	return u.Host
}

// logWriter is a process as the writer of its own log.
type logWriter process

func (w *logWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

// tail returns the last n bytes of s.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "…" + s[len(s)-n:]
}
