package bench

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// score is what one load brought.
type score struct {
	perSecond float64
	cpu       time.Duration // of the server, a request
}

var (
	wrkRate  = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	wrkCount = regexp.MustCompile(`([0-9]+) requests in`)
	wrkBad   = regexp.MustCompile(`(?m)^.*(Non-2xx|Socket errors).*$`)
)

// flood loads a server with 32 connections that ask again as soon as they are
// answered.
func flood(t *testing.T, s server, d time.Duration) score {
	t.Helper()
	args := []string{"-t1", "-c32", "-d" + strconv.Itoa(max(1, int(d.Seconds()))) + "s", "--timeout", "10s"}
	for k, v := range s.header {
		args = append(args, "-H", k+": "+v[0])
	}
	ctx, cancel := context.WithTimeout(t.Context(), d+30*time.Second)
	defer cancel()
	before, err := cpu(s.pid)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, s.url)...).CombinedOutput() // #nosec G204 -- a test's own
	if err != nil {
		t.Fatalf("wrk: %v\n%s", err, out)
	}
	after, err := cpu(s.pid)
	if err != nil {
		t.Fatal(err)
	}
	if bad := wrkBad.Find(out); bad != nil {
		t.Fatalf("%s: %s", s.name, bad)
	}
	rate, count := wrkRate.FindSubmatch(out), wrkCount.FindSubmatch(out)
	if rate == nil || count == nil {
		t.Fatalf("wrk says\n%s", out)
	}
	perSecond, _ := strconv.ParseFloat(string(rate[1]), 64)
	n, _ := strconv.ParseFloat(string(count[1]), 64)
	return score{perSecond, time.Duration((after - before) / max(1, n) * 1e9)}
}

// steady asks perSecond times a second, whatever the answers take, and returns
// how late each answer was after the moment at which it was to be asked for:
// waiting in line counts, as it does for people.
func steady(t *testing.T, s server, perSecond int, d time.Duration) []time.Duration {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	n := max(1, int(d.Seconds()*float64(perSecond)))
	took, errs := make([]time.Duration, n), make([]error, n)
	began := time.Now()
	var group sync.WaitGroup
	for i := range n {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(due))
		group.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
			if err != nil {
				errs[i] = err
				return
			}
			for k, v := range s.header {
				r.Header[k] = v
			}
			answer, err := client.Do(r)
			if err == nil {
				buffer := make([]byte, 64<<10)
				for err == nil {
					_, err = answer.Body.Read(buffer)
				}
				_ = answer.Body.Close()
				err = nil
				if answer.StatusCode != http.StatusOK {
					err = fmt.Errorf("%s", answer.Status)
				}
			}
			took[i], errs[i] = time.Since(due), err
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
	}
	slices.Sort(took)
	return took
}

// quantile of a sorted list.
func quantile[T any](sorted []T, q float64) T {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}
