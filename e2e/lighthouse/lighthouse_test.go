//go:build soak

package lighthouse

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"portal/e2e/chrome"
	"portal/e2e/process"
)

const lighthouse = "node_modules/.bin/lighthouse"

// report is what is read of Lighthouse's own.
type report struct {
	Categories map[string]struct {
		Score     *float64
		AuditRefs []struct{ ID string }
	}
	Audits map[string]struct {
		Title        string
		Score        *float64
		NumericValue float64
		DisplayValue string
		Details      json.RawMessage
	}
}

// Every page, as a phone of the middle class sees it: nothing to complain of in
// accessibility and best practices, and nothing that moves once it is seen.
func TestLighthouse(t *testing.T) {
	if _, err := os.Stat(lighthouse); err != nil {
		t.Fatalf("Lighthouse is missing: make soak installs it: %v", err)
	}
	program, err := process.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	portal := program.Start(t, t.TempDir(), nil, "-sandbox", "-listen", "localhost:0")
	cookie, err := process.SignIn(portal.Base, "ada@example.test")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| page | performance | accessibility | best practices | layout shift | bytes | requests |\n|---|---|---|---|---|---|---|\n")
	const daily = "/meetings/201480117"
	for _, p := range []struct{ name, path, cookie string }{ //
		{"start page", "/", ""}, {"upcoming", "/meetings", cookie}, {"week", "/calendar", cookie}, {"new meeting", "/meetings/new", cookie}, {"meeting", daily, cookie},
		{"edit", daily + "/edit", cookie}, {"delete", daily + "/delete", cookie}, {"history", "/history", cookie}, {"attendees", daily + "/attendees", cookie}, {"register", daily + "/register", cookie}, {"who is who", "/people/aliases", cookie},
		{"reports", "/reports", cookie}, {"a person", "/reports/person?email=ada@example.test", cookie}, {"people", "/people", cookie}, {"settings", "/settings", cookie}, {"sessions", "/settings/sessions", cookie}, {"pending", "/pending", cookie},
		{"audit", "/audit", cookie}, {"help", "/help", cookie},
	} {
		r := measure(t, portal.Base+p.path, p.cookie)
		score := func(category string) int {
			if s := r.Categories[category].Score; s != nil {
				return int(*s*100 + 0.5)
			}
			return -1
		}
		shift := r.Audits["cumulative-layout-shift"].NumericValue
		fmt.Fprintf(&table, "| %s | %d | %d | %d | %.3f | %.0f | %d |\n", p.name, score("performance"), score("accessibility"), score("best-practices"),
			shift, r.Audits["total-byte-weight"].NumericValue, requests(r))
		for _, category := range []string{"accessibility", "best-practices"} {
			if score(category) != 100 {
				t.Errorf("%s: %d for %s%s", p.name, score(category), category, complaints(r, category))
			}
		}
		if shift != 0 {
			t.Errorf("%s moves: layout shift %f", p.name, shift)
		}
		if score("performance") < 90 {
			t.Errorf("%s: %d for performance%s", p.name, score("performance"), complaints(r, "performance"))
		}
	}
	t.Log("\n" + table.String())
}

func measure(t *testing.T, url, cookie string) report {
	t.Helper()
	headers, err := json.Marshal(map[string]string{"Cookie": cookie})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	args := []string{url, "--quiet", "--output=json", "--only-categories=performance,accessibility,best-practices", "--max-wait-for-load=30000",
		"--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"}
	if cookie != "" {
		args = append(args, "--extra-headers="+string(headers))
	}
	cmd := exec.CommandContext(ctx, lighthouse, args...)
	cmd.Env = append(os.Environ(), "CHROME_PATH="+chrome.Path)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("lighthouse at %s: %v\n%s", url, err, complaint.String())
	}
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// complaints are the audits of a category that are not passed.
func complaints(r report, category string) string {
	var s strings.Builder
	for _, ref := range r.Categories[category].AuditRefs {
		if a := r.Audits[ref.ID]; a.Score != nil && *a.Score < 0.9 {
			fmt.Fprintf(&s, "\n  %s: %s %s %.300s", ref.ID, a.Title, a.DisplayValue, a.Details)
		}
	}
	return s.String()
}

func requests(r report) int {
	var details struct{ Items []json.RawMessage }
	_ = json.Unmarshal(r.Audits["network-requests"].Details, &details)
	return len(details.Items)
}
