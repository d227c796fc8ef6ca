package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the house: each room with the rooms that it may import. A new
// package adds its row here, and to docs/architecture.md.
var mayImport = map[string][]string{
	"portal": {
		"portal/auth", "portal/gotomeeting", "portal/handlers", "portal/meetings", "portal/reports", "portal/sandbox", "portal/static", "portal/store",
	},
	"portal/handlers":    {"portal/auth", "portal/meetings", "portal/reports", "portal/calendar", "portal/export", "portal/views"},
	"portal/views":       {"portal/static"},
	"portal/meetings":    {"portal/gotomeeting", "portal/attendance"},
	"portal/reports":     {"portal/meetings", "portal/gotomeeting", "portal/attendance"},
	"portal/store":       {"portal/auth", "portal/meetings", "portal/reports"},
	"portal/auth":        {},
	"portal/gotomeeting": {},
	"portal/attendance":  {},
	"portal/calendar":    {},
	"portal/export":      {},
	"portal/static":      {},
	"portal/sandbox":     {},

	// Not part of the product.
	"portal/sandbox/sandboxtest": {"portal/sandbox"},
	"portal/store/storetest":     {},
	"portal/e2e":                 {},
	"portal/e2e/chrome":          {},
	"portal/e2e/process":         {},
	"portal/e2e/lighthouse":      {},
	"portal/e2e/shots":           {"portal/e2e/chrome"},
	"portal/soak":                {},
	"portal/bench":               {},
}

// onlyIn names the rooms that may know a foreign module: replacing it touches
// no other.
var onlyIn = map[string][]string{
	"github.com/labstack":   {"portal/handlers"},
	"github.com/a-h/templ":  {"portal/handlers", "portal/views"},
	"github.com/gorilla":    {"portal/auth"},
	"github.com/klauspost":  {"portal/handlers"},
	"golang.org/x/oauth2":   {"portal/auth"},
	"golang.org/x/crypto":   {"portal/auth"},
	"github.com/jackc":      {"portal/store", "portal/store/storetest"},
	"github.com/pressly":    {"portal/store"},
	"modernc.org":           {"portal/store", "portal"},
	"database/sql":          {"portal/store", "portal", "portal/store/storetest"},
	"github.com/xuri":       {"portal/export"},
	"github.com/arran4":     {"portal/export"},
	"github.com/prometheus": {"portal"},
	"github.com/chromedp":   {"portal/e2e/chrome", "portal/e2e/shots"},
	"testing":               {"portal/sandbox/sandboxtest", "portal/store/storetest", "portal/e2e/process"},
	"net/http/httptest":     {"portal/sandbox/sandboxtest"},
}

// notIn names what a room has no business with.
var notIn = map[string][]string{
	"portal/meetings":   {"net/http", "html"},
	"portal/reports":    {"net/http", "html"},
	"portal/attendance": {"net", "os", "io", "context", "database/sql"},
	"portal/calendar":   {"net", "os", "io", "context", "database/sql"},
	"portal/views":      {"net/http", "context", "os"},
}

// room is a package, as `go list -json` shows it.
type room struct {
	ImportPath                         string
	Doc                                string
	Imports, TestImports, XTestImports []string
}

func rooms(t *testing.T) []room {
	t.Helper()
	var complaint bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Doc,Imports,TestImports,XTestImports", "./...")
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, complaint.String())
	}
	var all []room
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var r room
		if err := dec.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		all = append(all, r)
	}
	if len(all) < 5 {
		t.Fatalf("go list shows %d packages, so this test sees nothing", len(all))
	}
	return all
}

func TestRoomsImportWhatTheyMay(t *testing.T) {
	for _, r := range rooms(t) {
		allowed, known := mayImport[r.ImportPath]
		if !known {
			t.Errorf("%s is a room that the house does not know: give it a row", r.ImportPath)
		}
		for _, path := range broken(r.ImportPath, r.Imports, allowed) {
			t.Errorf("%s imports %s", r.ImportPath, path)
		}
		// A test may use more rooms, but it must not let the client and the
		// simulator learn from each other, nor spread the web framework.
		for _, path := range slices.Concat(r.TestImports, r.XTestImports) {
			if strings.HasPrefix(path, "github.com/labstack/") && r.ImportPath != "portal/handlers" {
				t.Errorf("the tests of %s import %s", r.ImportPath, path)
			}
			if strings.HasPrefix(r.ImportPath, "portal/sandbox") && path == "portal/gotomeeting" {
				t.Errorf("the tests of %s import %s: the simulator is tested against GoTo's facts, not against our client", r.ImportPath, path)
			}
		}
	}
}

func TestRoomsSayWhatTheyAreFor(t *testing.T) {
	for _, r := range rooms(t) {
		if r.Doc == "" {
			t.Errorf("%s has no package comment", r.ImportPath)
		}
	}
}

// The rules have to catch what they are for.
func TestHouseRulesCatchBreaches(t *testing.T) {
	for _, tc := range []struct {
		from, path string
		want       bool
	}{
		{"portal/auth", "portal/store", true},
		{"portal/auth", "github.com/labstack/echo/v4/middleware", true},
		{"portal/handlers", "github.com/labstack/echo/v4", false},
		{"portal/handlers", "portal/gotomeeting", true},
		{"portal/gotomeeting", "portal/sandbox", true},
		{"portal/meetings", "portal/gotomeeting", false},
		{"portal/meetings", "net/http", true},
		{"portal/meetings", "net/mail", false},
		{"portal/auth", "database/sql/driver", true},
		{"portal/auth", "testing/fstest", true},
		{"portal/new", "portal/auth", true},
	} {
		if got := len(broken(tc.from, []string{tc.path}, mayImport[tc.from])) > 0; got != tc.want {
			t.Errorf("%s importing %s is a breach: %t, want %t", tc.from, tc.path, got, tc.want)
		}
	}
}

// broken returns the imports of a room that it may not have.
func broken(from string, imports, allowed []string) []string {
	var bad []string
	for _, path := range imports {
		ours := path == "portal" || strings.HasPrefix(path, "portal/")
		if ours && !slices.Contains(allowed, path) {
			bad = append(bad, path)
		}
		for _, module := range notIn[from] {
			if path == module || strings.HasPrefix(path, module+"/") {
				bad = append(bad, path)
			}
		}
		for module, homes := range onlyIn {
			if (path == module || strings.HasPrefix(path, module+"/")) && !slices.Contains(homes, from) {
				bad = append(bad, path)
			}
		}
	}
	return bad
}
