package handlers

import (
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

// Routes lists what New answers, as "METHOD /path".
func Routes(cfg Config) ([]string, error) {
	e, err := newServer(cfg).router(cfg)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, r := range e.Routes() {
		list = append(list, r.Method+" "+r.Path)
	}
	return list, nil
}

// ClientIP is what the limits know a request by.
func ClientIP(trusted []netip.Prefix, r *http.Request) string { return clientIP(trusted)(r) }

// NewMeter counts keys: wait returns 0 for one that may go on.
func NewMeter(perSecond float64, burst int, now func() time.Time) (wait func(key string) time.Duration, size func() int) {
	m := newMeter(rate.Limit(perSecond), burst, now)
	return m.wait, func() int { return len(m.byKey) }
}
