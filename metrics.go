package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"portal/auth"
	"portal/gotomeeting"
)

// metrics are for Prometheus, on a listener of their own: they are for
// operators, and the portal's is for everybody. No label holds anything that a
// browser or a user chooses, so there are as many series as the code has words
// for. docs/operations.md says what each means.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.HistogramVec
	calls     *prometheus.HistogramVec
	waits     *prometheus.HistogramVec
	held      *prometheus.CounterVec
	retries   *prometheus.CounterVec
	refreshes *prometheus.HistogramVec
	rows      *prometheus.HistogramVec
	server    *http.Server // nil when metrics are off
}

// startMetrics serves /metrics on address; with "" it only counts.
func startMetrics(ctx context.Context, address string, log *slog.Logger) (*metrics, error) {
	m := newMetrics()
	if address == "" {
		return m, nil
	}
	l, err := listen(ctx, "METRICS_ADDR", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	m.server = newServer(mux, log)
	log.Info("metrics", "address", ownOrigin(l)+"/metrics")
	go func() {
		if err := m.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are not served any more", "error", err)
		}
	}()
	return m, nil
}

func newMetrics() *metrics {
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: histogram("portal_request_seconds", "How long requests took, by route, method and class of status.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}, "route", "method", "status"),
		calls: histogram("portal_goto_call_seconds", "How long calls to GoTo took, by API, operation and GoTo's status (0: no answer).",
			[]float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 15}, "api", "operation", "status"),
		waits: histogram("portal_goto_wait_seconds", "How long calls waited for their turn, by lane.",
			[]float64{.001, .01, .05, .125, .25, .5, 1, 2.5, 5, 10}, "lane"),
		held:    counter("portal_goto_held_total", "Calls that were not sent: the queue was too long, or the breaker open.", "api", "reason"),
		retries: counter("portal_goto_retries_total", "Calls that were sent again.", "api"),
		refreshes: histogram("portal_token_refresh_seconds", "How long refreshes of tokens took, by outcome.",
			[]float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}, "outcome"),
		rows: histogram("portal_session_store_seconds", "How long the session store took, by operation and outcome.",
			[]float64{.0005, .001, .0025, .005, .01, .025, .1, .5, 1, 5}, "operation", "outcome"),
	}
	m.registry.MustRegister(m.requests, m.calls, m.waits, m.held, m.retries, m.refreshes, m.rows,
		collectors.NewGoCollector(), collectors.NewBuildInfoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// request counts a request. Methods are any word that a client likes.
func (m *metrics) request(route, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		method = "other"
	}
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

// try counts one attempt at a call to GoTo.
func (m *metrics) try(t gotomeeting.Try) {
	if t.Again {
		m.retries.WithLabelValues(t.API).Inc()
	}
	if t.Held != "" {
		m.held.WithLabelValues(t.API, t.Held).Inc()
		return
	}
	m.waits.WithLabelValues(t.Lane.String()).Observe(t.Waited.Seconds())
	m.calls.WithLabelValues(t.API, t.Op, strconv.Itoa(t.Status)).Observe(t.Took.Seconds())
}

// refresh counts a refresh of a session's tokens.
func (m *metrics) refresh(outcome string, took time.Duration) {
	m.refreshes.WithLabelValues(outcome).Observe(took.Seconds())
}

// watch shows how the client of GoTo stands, whenever Prometheus asks.
func (m *metrics) watch(state func() gotomeeting.State) {
	gauge := func(name, help string, labels prometheus.Labels, value func(gotomeeting.State) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels},
			func() float64 { return value(state()) }))
	}
	gauge("portal_goto_rate", "Calls to GoTo a second that this replica makes at most, just now.", nil,
		func(s gotomeeting.State) float64 { return s.Rate })
	for lane := range state().Waiting {
		gauge("portal_goto_waiting", "Calls to GoTo that wait for their turn.", prometheus.Labels{"lane": lane.String()},
			func(s gotomeeting.State) float64 { return float64(s.Waiting[lane]) })
	}
	for api := range state().Failing {
		gauge("portal_goto_failing", "Whether GoTo fails and is left alone, but for two calls a second: 1, else 0.", prometheus.Labels{"api": api},
			func(s gotomeeting.State) float64 {
				if s.Failing[api] {
					return 1
				}
				return 0
			})
	}
}

// keeps shows how much is kept of GoTo's answers, whenever Prometheus asks.
func (m *metrics) keeps(bytes func() int64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "portal_kept_bytes", Help: "What is kept of GoTo's answers, in bytes by estimate.",
	}, func() float64 { return float64(bytes()) }))
}

func (m *metrics) stop() {
	if m.server != nil {
		_ = m.server.Close()
	}
}

// timedStore takes the time of what every page and every refresh waits for.
type timedStore struct {
	auth.Store
	m *metrics
}

func (s timedStore) took(operation string, began time.Time, err error) {
	outcome := "ok"
	if err != nil {
		outcome = "error"
	}
	s.m.rows.WithLabelValues(operation, outcome).Observe(time.Since(began).Seconds())
}

// Session implements auth.Store.
func (s timedStore) Session(ctx context.Context, idHash string) (auth.SessionRow, bool, error) {
	began := time.Now()
	row, ok, err := s.Store.Session(ctx, idHash)
	s.took("read", began, err)
	return row, ok, err
}

// SaveSession implements auth.Store.
func (s timedStore) SaveSession(ctx context.Context, row auth.SessionRow, from int64) (bool, error) {
	began := time.Now()
	ok, err := s.Store.SaveSession(ctx, row, from)
	s.took("write", began, err)
	return ok, err
}

// SwapTokens implements auth.Store.
func (s timedStore) SwapTokens(ctx context.Context, l auth.Lease, t auth.TokensRow, from int64) (bool, error) {
	began := time.Now()
	ok, err := s.Store.SwapTokens(ctx, l, t, from)
	s.took("tokens", began, err)
	return ok, err
}
