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
)

// metrics are for Prometheus, on a listener of their own: they are for
// operators, and the portal's is for everybody.
type metrics struct {
	calls  *prometheus.HistogramVec
	server *http.Server // nil when metrics are off
}

// startMetrics serves /metrics on address; with "" it only counts.
func startMetrics(ctx context.Context, address string, log *slog.Logger) (*metrics, error) {
	m := &metrics{calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "portal_goto_call_seconds",
		Help:    "How long calls to GoTo took, by operation and GoTo's status (0: no answer).",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 15},
	}, []string{"operation", "status"})}
	if address == "" {
		return m, nil
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.calls, collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	l, err := listen(ctx, "METRICS_ADDR", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	m.server = newServer(mux, log)
	log.Info("metrics", "address", ownOrigin(l)+"/metrics")
	go func() {
		if err := m.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are not served any more", "error", err)
		}
	}()
	return m, nil
}

// observe counts one call to GoTo.
func (m *metrics) observe(operation string, status int, took time.Duration) {
	m.calls.WithLabelValues(operation, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) stop() {
	if m.server != nil {
		_ = m.server.Close()
	}
}
