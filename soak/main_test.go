package soak

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"portal/e2e/process"
	"portal/store/storetest"
)

// program is the portal that TestMain builds.
var program process.Program

// full asks for the figures that the product is measured by, instead of a
// sample.
var full = os.Getenv("SOAK") == "1"

// seed decides every random choice.
var seed = uint64(1)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if full {
		seed = uint64(time.Now().UnixNano())
	}
	if text := os.Getenv("SOAK_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			fmt.Fprintln(os.Stderr, "soak: SOAK_SEED is a number:", err)
			return 1
		}
	}
	dir, err := os.MkdirTemp("", "portal-soak-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak: make a folder for the binary:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if program, err = process.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		return 1
	}
	// Most of the time goes by with waiting, for leases to run out, say.
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(figure(6, 3))); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		return 1
	}
	code := storetest.Main(m)
	fmt.Printf("soak: seed %d\n", seed)
	for _, line := range reported.lines {
		fmt.Println("soak:", line)
	}
	return code
}

// figure is how often something is done: in the sample, and in full.
func figure(sample, whole int) int {
	if full {
		return whole
	}
	return sample
}

// random is the source of choices with a name of its own, so that tests and
// workers do not share one.
func random(name ...string) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, name)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// reported are the lines of the table.
var reported struct {
	sync.Mutex
	lines []string
}

// report adds the test's line to the table.
func report(t *testing.T, began time.Time, format string, args ...any) {
	t.Helper()
	outcome := "ok"
	if t.Failed() {
		outcome = "FAILED"
	}
	line := fmt.Sprintf("| %-44s | %-6s | %5.0f s | %s", strings.TrimPrefix(t.Name(), "Test"), outcome, time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	reported.Lock()
	defer reported.Unlock()
	reported.lines = append(reported.lines, line)
}

// within waits until ok, asking again and again, and reports whether it came
// true in time.
func within(d time.Duration, ok func() bool) bool {
	late := time.After(d)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-late:
			return false
		case <-again.C:
		}
	}
	return true
}
