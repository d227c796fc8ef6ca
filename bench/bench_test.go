package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// control is the name under which the floor runs once more.
const (
	floor   = "raw net/http, same bytes"
	control = "the same once more (A/A)"
)

// table loads all servers in turn, rounds times, and returns for each the
// ratios to the floor of the same round.
func table(t *testing.T, title string, servers []server) {
	t.Helper()
	rounds, each := effort()
	ratios, rates, costs := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
	if full {
		for _, s := range servers { // warm, all of them
			flood(t, s, each/4)
		}
	}
	for round := range rounds {
		order := rand.New(rand.NewPCG(uint64(round), 1)).Perm(len(servers))
		got := map[string]score{}
		for _, i := range order {
			got[servers[i].name] = flood(t, servers[i], each)
		}
		for name, s := range got {
			ratios[name] = append(ratios[name], s.perSecond/got[floor].perSecond)
			rates[name] = append(rates[name], s.perSecond)
			costs[name] = append(costs[name], float64(s.cpu)/float64(time.Microsecond))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s: %d rounds of %s\n| server | ratio to raw | spread | requests/s | CPU µs a request |\n|---|---|---|---|---|\n", title, rounds, each)
	for _, s := range servers {
		r := ratios[s.name]
		fmt.Fprintf(&b, "| %s | %.2f | %.2f–%.2f | %.0f | %.0f |\n", s.name, median(r), slices.Min(r), slices.Max(r), median(rates[s.name]), median(costs[s.name]))
	}
	t.Log(b.String())
	if off := median(ratios[control]); full && (off < 0.9 || off > 1.1) {
		t.Errorf("void: the floor differs from itself by a ratio of %.2f; something else used the machine", off)
	}
}

func TestUpcomingPage(t *testing.T) {
	w := newWorld(t)
	page := w.page("upcoming, 50 rows", "/meetings")
	table(t, "Upcoming page of 50 rows, as it is", []server{
		reference(t, "raw", floor, page), reference(t, "raw", control, page), reference(t, "template", "its rows by html/template", page),
		page, w.page("a small page with a session", "/help"), w.unsigned("the same without", "/help"), w.unsigned("no page: health", "/healthz"),
	})
}

func TestUpcomingCompressed(t *testing.T) {
	w := newWorld(t)
	page := w.page("upcoming, 50 rows", "/meetings").compressed()
	header, body := page.fetch(t)
	t.Logf("%d bytes, %q", len(body), header.Get("Content-Encoding"))
	table(t, "Upcoming page of 50 rows, compressed", []server{
		reference(t, "raw", floor, page), reference(t, "raw", control, page), page, w.page("the same page, as it is", "/meetings"),
	})
}

// The latency that people meet: at a rate that leaves the machine room.
func TestLatency(t *testing.T) {
	w := newWorld(t)
	_, each := effort()
	for _, s := range []server{w.page("upcoming", "/meetings"), w.page("upcoming, compressed", "/meetings").compressed()} {
		took := steady(t, s, 500, 3*each)
		t.Logf("%s at 500 a second: p50 %v, p95 %v, p99 %v, worst %v of %d", s.name, quantile(took, 0.5), quantile(took, 0.95), quantile(took, 0.99), took[len(took)-1], len(took))
	}
	now, peak, err := resident(w.portal.PID())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("resident: %.1f MB now, %.1f MB at most", float64(now)/1e6, float64(peak)/1e6)
}
