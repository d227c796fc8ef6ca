package e2e

import (
	"fmt"
	"os"
	"testing"

	"portal/e2e/chrome"
	"portal/e2e/process"
)

// program is the portal that TestMain builds.
var program process.Program

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

// testMain builds the program once for all tests.
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
	if program, err = process.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return m.Run()
}
