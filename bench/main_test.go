package bench

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"portal/e2e/process"
)

// full asks for figures that can be quoted, instead of a look whether it works.
var full = os.Getenv("BENCH") == "1"

// program is the portal that TestMain builds.
var program process.Program

// rounds, and how long each server is loaded in one of them.
func effort() (rounds int, each time.Duration) {
	if full {
		return 9, 3 * time.Second
	}
	return 1, 200 * time.Millisecond
}

func TestMain(m *testing.M) {
	if kind := os.Getenv("BENCH_SERVE"); kind != "" {
		if err := serveReference(kind, os.Getenv("BENCH_PAGE")); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	if _, err := exec.LookPath("wrk"); err != nil {
		fmt.Fprintln(os.Stderr, "bench: wrk makes the load, and it is not here: apt-get install wrk, or make setup")
		return 1
	}
	dir, err := os.MkdirTemp("", "portal-bench-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: make a folder for the binary:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if program, err = process.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return m.Run()
}
