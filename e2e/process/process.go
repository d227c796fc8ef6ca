// Package process builds the portal and runs it the way its users do: as a
// process of its own, which can be asked to end, or killed. It is for tests.
package process

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
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Deadlines of the processes under test.
const (
	buildDeadline = 5 * time.Minute
	startDeadline = 30 * time.Second
	stopDeadline  = 30 * time.Second // the portal waits up to 25 s itself, for requests under way
)

// Program is the portal's binary.
type Program struct {
	path string
	// Under is what to run it under, with its flags: `strace -D`, say. The
	// process itself has to be the portal. Empty: nothing.
	Under []string
}

// Build builds the portal into dir. It is built without the race detector even
// when the tests run under it: what is measured is the product.
func Build(dir string) (Program, error) {
	p := Program{path: filepath.Join(dir, "portal")}
	ctx, cancel := context.WithTimeout(context.Background(), buildDeadline)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", p.path, "portal") // #nosec G204 -- only for tests, into a directory they made
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return p, fmt.Errorf("build the portal: %w", err)
	}
	return p, nil
}

// Process is one running portal, or one sandbox alone.
type Process struct {
	Base string // http://HOST:PORT as printed

	t    testing.TB
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has ended

	mu    sync.Mutex
	log   bytes.Buffer  // standard error
	lines []string      // standard output
	more  chan struct{} // closed, and replaced, when lines grows
}

// Start runs the program in dir with the environment and arguments given, and
// waits for the line that names its address. The process is stopped when the
// test ends; its log is shown when the test failed.
func (b Program) Start(t testing.TB, dir string, env []string, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, gone: make(chan struct{}), more: make(chan struct{})}
	command := slices.Concat(b.Under, []string{b.path}, args)
	p.cmd = exec.Command(command[0], command[1:]...) // #nosec G204 -- only for tests, which name the program
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
		p.Stop()
		if t.Failed() {
			t.Logf("log of %q:\n%s", args, tail(p.Log(), 12000))
		}
	})
	p.Base = p.Said("listening on ")
	return p
}

// Said waits for a line on standard output with the prefix given, and returns
// the rest of it.
func (p *Process) Said(prefix string) string {
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
			p.t.Fatalf("the portal ended before it said %q; its log:\n%s", prefix, p.Log())
		case <-late:
			p.t.Fatalf("the portal did not say %q within %s; its log:\n%s", prefix, startDeadline, p.Log())
		}
	}
}

// Stop asks the process to end, and fails the test if it does not end cleanly.
func (p *Process) Stop() {
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

// Kill ends the process the hard way, as a power cut would.
func (p *Process) Kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatalf("kill the portal: %v", err)
	}
	<-p.gone
}

// Log returns what the process wrote to standard error so far.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// PID is the process's number, for what the system says of it.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Host returns HOST:PORT of the process.
func (p *Process) Host() string {
	u, err := url.Parse(p.Base)
	if err != nil || u.Host == "" {
		p.t.Fatalf("the portal says it listens on %q", p.Base)
	}
	return u.Host
}

// logWriter is a process as the writer of its own log.
type logWriter Process

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
