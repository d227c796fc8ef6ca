package handlers_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portal/store/storetest"
)

// faultsFile keeps what TestFaultMatrix saw in full; a sample is held to it.
const faultsFile = "../docs/faults.md"

// What can fail under the portal.
const (
	goToAPI       = "GoTo API"
	tokenEndpoint = "token endpoint"
	storeEngine   = "store (PostgreSQL)"
)

var allFaults = []string{refused, blackHole, slow, drip, reset, truncated, wrongType, tenMB, busy429, broken500, down503, html, badTLS}

// An operation gets ready while all is well, and returns the request that is
// then sent while something is not.
var operations = []struct {
	name  string
	ready func(p *portal, b *browser) func() answer
}{
	{"list", func(_ *portal, b *browser) func() answer { return func() answer { return b.get("/meetings") } }},
	{"detail", func(_ *portal, b *browser) func() answer {
		id := b.create()
		return func() answer { return b.get("/meetings/" + id) }
	}},
	{"create", func(_ *portal, b *browser) func() answer {
		form := b.newForm("subject", matrixSubject)
		return func() answer { return b.post("/meetings", form) }
	}},
	{"update", func(_ *portal, b *browser) func() answer {
		id := b.create()
		form := fields(b.get("/meetings/" + id + "/edit").doc(b.t).Find(`form[action$="` + id + `"]`))
		form.Set("subject", "Renamed")
		return func() answer { return b.post("/meetings/"+id, form) }
	}},
	{"delete", func(_ *portal, b *browser) func() answer {
		id := b.create()
		form := url.Values{"form_token": {b.formToken()}}
		return func() answer { return b.post("/meetings/"+id+"/delete", form) }
	}},
	{"start", func(_ *portal, b *browser) func() answer {
		id := b.create()
		form := url.Values{"form_token": {b.formToken()}}
		return func() answer { return b.post("/meetings/"+id+"/start", form) }
	}},
	{"history", func(_ *portal, b *browser) func() answer { return func() answer { return b.get("/history") } }},
	{"attendees", func(_ *portal, b *browser) func() answer {
		past, _ := b.get("/history").doc(b.t).Find(`#results a[href*="/attendees"]`).Attr("href")
		if past == "" {
			b.t.Fatal("there is no past meeting")
		}
		return func() answer { return b.get(past) }
	}},
	{"register", func(_ *portal, b *browser) func() answer { return func() answer { return b.get(registerOf) } }},
	{"who is who", func(_ *portal, b *browser) func() answer {
		form := url.Values{"form_token": {b.formToken()}, "action": {"split"}, "person": {"n:guest"}}
		return func() answer { return b.post("/people/aliases", form) }
	}},
	{"erase", func(_ *portal, b *browser) func() answer {
		action, form := b.get(strings.Replace(b.firstPast(), "/attendees", "/erase", 1)).eraseForm(b.t, "session")
		form.Set("sure", "yes")
		return func() answer { return b.post(action, form) }
	}},
	{"export", func(_ *portal, b *browser) func() answer { return func() answer { return b.get("/history.csv") } }},
	{"report", func(_ *portal, b *browser) func() answer {
		form := url.Values{"from": {"2020-01-01"}, "to": {"2020-01-02"}, "form_token": {b.formToken()}}
		return func() answer { return b.post("/reports", form) }
	}},
	{"log-in", func(_ *portal, b *browser) func() answer { return func() answer { return b.get("/auth/connect") } }},
	{"callback", func(p *portal, _ *browser) func() answer {
		fresh := p.browser()
		target := fresh.consent("/auth/connect", "ben@example.test")
		return func() answer { return fresh.get(target) }
	}},
	{"disconnect", func(_ *portal, b *browser) func() answer {
		form := url.Values{"form_token": {b.formToken()}}
		return func() answer { return b.post("/auth/disconnect", form) }
	}},
}

const matrixSubject = "Made in the matrix"

// cell is one thing failing in one way under one operation.
type cell struct{ target, fault, operation string }

// senseless says why a cell has no meaning, or "".
func (c cell) senseless() string {
	switch {
	case c.target == storeEngine && !slices.Contains([]string{refused, blackHole, slow, drip, reset, truncated}, c.fault):
		return "a database speaks no HTTP"
	case c.operation == "log-in" && c.target != storeEngine:
		return "sends the browser to GoTo and asks nobody"
	case c.operation == "who is who" && c.target != storeEngine:
		return "is the portal's own"
	case c.operation == "report" && c.target != storeEngine:
		return "asks GoTo behind the request"
	case c.operation == "disconnect" && c.target == goToAPI:
		return "asks the token endpoint alone"
	}
	return ""
}

// outcome is what the user got.
type outcome struct {
	status int
	says   string
}

// spendsToken tells whether the token endpoint does what it is asked and its
// answer is lost.
func (c cell) spendsToken() bool {
	return c.target == tokenEndpoint && slices.Contains([]string{slow, drip, truncated}, c.fault)
}

// unknown tells whether the portal cannot know what became of a call.
func (c cell) unknown() bool {
	return slices.Contains([]string{blackHole, slow, drip, reset, truncated, wrongType, tenMB, html}, c.fault)
}

// statuses that tell the truth about a fault.
func (c cell) allowed() []int {
	switch {
	case c.target == storeEngine:
		return []int{503}
	case c.target == tokenEndpoint && c.operation == "disconnect":
		return []int{303} // the sessions are gone; revocation is best effort
	case c.fault == blackHole, c.fault == slow, c.fault == drip:
		return []int{503, 504}
	case c.target == goToAPI && c.fault == busy429 && c.operation != "callback":
		return []int{503, 504} // asked again after pauses, for which the page may not wait
	case c.target == tokenEndpoint && c.unknown():
		return []int{503, 504} // asked again after a pause, for which the page may not wait
	case c.target == tokenEndpoint:
		return []int{503}
	case c.operation == "callback":
		return []int{503} // GoTo did not say who it is
	case slices.Contains([]string{truncated, wrongType, tenMB, html}, c.fault):
		return []int{502}
	}
	return []int{503}
}

// TestFaultMatrix breaks everything under the portal in every way while each
// operation is used. With SOAK=1 every cell runs under the real deadlines and
// the table in docs is written; otherwise a sample runs under shorter ones and
// is held to the table.
func TestFaultMatrix(t *testing.T) {
	before := goleak.IgnoreCurrent()
	full := os.Getenv("SOAK") != ""
	d := deadlinesOf(2500 * time.Millisecond) // time for ten megabytes on a busy machine
	if full {
		d = deadlinesOf(9 * time.Second)
	}
	cluster, err := storetest.Start()
	if err != nil {
		t.Fatal(err)
	}
	var cells []cell
	for _, target := range []string{goToAPI, tokenEndpoint, storeEngine} {
		for _, fault := range allFaults {
			for _, op := range operations {
				if c := (cell{target, fault, op.name}); c.senseless() == "" {
					cells = append(cells, c)
				}
			}
		}
	}
	if !full {
		seed := uint64(time.Now().Unix())
		if s := os.Getenv("SOAK_SEED"); s != "" {
			if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("SOAK_SEED=%d", seed)
		cells = sample(cells, rand.New(rand.NewPCG(seed, 0)))
	}

	var mu sync.Mutex
	seen := map[cell]outcome{}
	slots := make(chan struct{}, 4)
	if full {
		slots = make(chan struct{}, 24) // they wait, they do not work
	}
	t.Run("cells", func(t *testing.T) {
		for _, c := range cells {
			t.Run(c.target+"/"+c.fault+"/"+c.operation, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				got := c.run(t, d, cluster)
				mu.Lock()
				defer mu.Unlock()
				seen[c] = got
			})
		}
	})
	if err := cluster.Remove(); err != nil {
		t.Error(err)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(before); err != nil {
		t.Errorf("after %d cells: %v", len(cells), err)
	}
	if full {
		if !t.Failed() {
			if err := os.WriteFile(faultsFile, []byte(faultTable(seen)), 0o644); err != nil {
				t.Error(err)
			}
		}
		return
	}
	table, err := os.ReadFile(faultsFile)
	if err != nil {
		t.Fatal(err)
	}
	kept := readFaultTable(string(table))
	for c, got := range seen {
		// What is cut off by the deadline depends on its length.
		if kept[c] != got.status && (len(c.allowed()) == 1 || !slices.Contains(c.allowed(), kept[c])) {
			t.Errorf("%v answers %d and the table says %d: run make soak", c, got.status, kept[c])
		}
	}
}

// sample takes three cells of each kind of fault.
func sample(cells []cell, random *rand.Rand) []cell {
	random.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	taken := map[string]int{}
	return slices.DeleteFunc(cells, func(c cell) bool {
		taken[c.fault]++
		return taken[c.fault] > 3
	})
}

func (c cell) run(t *testing.T, d deadlines, cluster *storetest.Cluster) outcome {
	o := options{deadlines: d}
	var line *badLine
	if c.target == storeEngine {
		database, err := cluster.Create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		line = newBadLine(t, cluster.Socket(), d)
		at, err := url.Parse(database)
		if err != nil {
			t.Fatal(err)
		}
		o.database = "postgres://portal@" + line.at + at.Path + "?sslmode=disable"
	}
	p := newPortalWith(t, o)
	b := p.connected("ada")
	b.formToken()
	var send func() answer
	for _, op := range operations {
		if op.name == c.operation {
			send = op.ready(p, b)
		}
	}
	breakIt := map[string]func(string){goToAPI: p.goTo.set, tokenEndpoint: p.tokens.set}[c.target]
	switch c.target {
	case storeEngine:
		breakIt = line.set
	case tokenEndpoint:
		p.sandbox.Control(map[string]any{"expire_access_tokens": true})
	}

	breakIt(c.fault)
	began := time.Now()
	res := send()
	took := time.Since(began)
	breakIt("")

	got := outcome{res.StatusCode, headline(t, res)}
	if !slices.Contains(c.allowed(), got.status) {
		t.Errorf("answers %d, want one of %v: %s", got.status, c.allowed(), got.says)
	}
	// A look back may take three times as long, and a lost create is looked for
	// in the list for up to five more seconds.
	limit := d.page + 6*time.Second
	if slices.Contains([]string{"history", "export", "register"}, c.operation) {
		limit += 2 * d.page
	}
	if took > limit {
		t.Errorf("answers after %s, want at most %s", took, limit)
	}
	if got.status == 503 && res.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	if got.status >= 500 && got.says == "" {
		t.Errorf("the page does not say what happened: %s", res.body)
	}
	if strings.Contains(res.body, "Corporate proxy") {
		t.Error("the page repeats what GoTo sent")
	}

	// All is well again, and nothing was lost.
	if c.operation != "disconnect" || got.status != 303 {
		res := b.get("/meetings")
		for deadline := time.Now().Add(10 * time.Second); res.StatusCode > 500 && c.unknown() && time.Now().Before(deadline); {
			res = b.get("/meetings") // it waits for the token, up to its own deadline
		}
		switch {
		case res.StatusCode == http.StatusOK:
		case c.spendsToken() && res.Header.Get("Location") == "/?return=%2Fmeetings&ended=1":
			// GoTo spent the refresh token and its answer was lost: nobody can
			// do more than ask the user to reconnect.
			return got
		default:
			t.Errorf("afterwards the list answers %d to %q", res.StatusCode, res.Header.Get("Location"))
		}
	}
	if c.operation == "create" {
		if res := send(); res.StatusCode != http.StatusSeeOther {
			t.Errorf("sent again, the form answers %d: %s", res.StatusCode, headline(t, res))
		}
		if n := b.alike(matrixSubject); n != 1 {
			t.Errorf("%d meetings were made", n)
		}
	}
	return got
}

// headline is what the page says first: its problem, or its heading.
func headline(t *testing.T, res answer) string {
	t.Helper()
	if res.StatusCode == http.StatusSeeOther {
		return "to " + strings.SplitN(res.Header.Get("Location"), "?", 2)[0]
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		return strings.SplitN(strings.TrimPrefix(strings.SplitN(res.body, `"error":"`, 2)[1], ""), `"`, 2)[0]
	}
	doc := res.doc(t)
	first := strings.TrimSpace(doc.Find("#problems li").First().Text())
	if first == "" {
		first = strings.TrimSpace(doc.Find("main h1").First().Text())
	}
	return strings.SplitN(first, ". ", 2)[0]
}

// faultTable writes what was seen for people.
func faultTable(seen map[cell]outcome) string {
	var b strings.Builder
	b.WriteString("# What happens when something fails\n\n" +
		"Written by `make soak` (TestFaultMatrix in `handlers`), which breaks each thing under the portal in each way while each operation is used, " +
		"under the real deadlines. Each cell is the status that the user's page had; below each table stands what the pages say. After each of them the same " +
		"browser was still signed in (unless GoTo had spent the refresh token and its answer was lost: then it was asked to reconnect), a form that was sent again made exactly one meeting, and no goroutine was left behind. A dash is a cell without a meaning.\n")
	for _, target := range []string{goToAPI, tokenEndpoint, storeEngine} {
		fmt.Fprintf(&b, "\n## %s\n\n| |", target)
		for _, op := range operations {
			fmt.Fprintf(&b, " %s |", op.name)
		}
		b.WriteString("\n|---|" + strings.Repeat("---|", len(operations)) + "\n")
		said := map[string]bool{}
		why := map[string]bool{}
		for _, fault := range allFaults {
			fmt.Fprintf(&b, "| %s |", fault)
			for _, op := range operations {
				c := cell{target, fault, op.name}
				if reason := c.senseless(); reason != "" {
					b.WriteString(" – |")
					if target == storeEngine {
						reason = fault + ": " + reason
					} else {
						reason = op.name + ": " + reason
					}
					why[reason] = true
					continue
				}
				got := seen[c]
				fmt.Fprintf(&b, " %d |", got.status)
				said[fmt.Sprintf("%d: %s", got.status, got.says)] = true
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
		for _, list := range []map[string]bool{said, why} {
			for _, line := range slices.Sorted(maps.Keys(list)) {
				fmt.Fprintf(&b, "- %s\n", line)
			}
		}
	}
	return b.String()
}

// readFaultTable reads the statuses that faultTable wrote.
func readFaultTable(text string) map[cell]int {
	kept := map[cell]int{}
	target := ""
	for line := range strings.SplitSeq(text, "\n") {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			target = name
		}
		parts := strings.Split(line, "|")
		if len(parts) != len(operations)+3 {
			continue
		}
		for i, op := range operations {
			if status, err := strconv.Atoi(strings.TrimSpace(parts[i+2])); err == nil {
				kept[cell{target, strings.TrimSpace(parts[1]), op.name}] = status
			}
		}
	}
	return kept
}
