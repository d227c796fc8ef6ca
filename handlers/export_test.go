package handlers

import (
	"cmp"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
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

// WithFile is New with /file.csv and its like, which write makes.
func WithFile(cfg Config, write func(io.Writer) error) (http.Handler, error) {
	s := newServer(cfg)
	e, err := s.router(cfg)
	if err != nil {
		return nil, err
	}
	e.GET("/file", func(c echo.Context) error { return s.file(c, format(c.Request()), write, "test") }, deadline(cmp.Or(cfg.Deadline, pageDeadline)))
	return s.around(e, cfg)
}

// MostWholes is how many files are made in memory at a time.
const MostWholes = mostWholes
