package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"portal/meetings"
)

const tallyKey = "tally"

type requestKey struct{}

// LogRequests returns h with the request's number on every line that is logged
// on behalf of a request, in whichever room, so that the number an error page
// shows finds them all.
func LogRequests(h slog.Handler) slog.Handler { return requestLog{h} }

type requestLog struct{ slog.Handler }

func (l requestLog) Handle(ctx context.Context, r slog.Record) error {
	id, ok := ctx.Value(requestKey{}).(string)
	r.Attrs(func(a slog.Attr) bool {
		ok = ok && a.Key != "request" // the line has it already
		return ok
	})
	if ok {
		r = r.Clone()
		r.AddAttrs(slog.String("request", id))
	}
	return l.Handler.Handle(ctx, r)
}

func (l requestLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestLog{l.Handler.WithAttrs(attrs)}
}

func (l requestLog) WithGroup(name string) slog.Handler { return requestLog{l.Handler.WithGroup(name)} }

// logRequests writes one line a request and tells Observe of it, with the
// route's pattern: paths and queries hold ids, names and codes. Nor is the
// client's address in it: the portal has no use for where people are.
func (s *server) logRequests() echo.MiddlewareFunc {
	return middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		HandleError: true, LogStatus: true, LogLatency: true, LogMethod: true, LogRoutePath: true, LogRequestID: true, LogResponseSize: true, LogError: true,
		BeforeNextFunc: func(c echo.Context) {
			ctx, tally := meetings.WithTally(c.Request().Context())
			c.SetRequest(c.Request().WithContext(ctx))
			c.Set(tallyKey, tally)
		},
		LogValuesFunc: func(c echo.Context, v middleware.RequestLoggerValues) error {
			s.observe(v.RoutePath, v.Method, v.Status, v.Latency)
			attrs := []slog.Attr{
				slog.String("method", v.Method), slog.String("route", v.RoutePath), slog.Int("status", v.Status),
				slog.Duration("took", v.Latency.Round(10*time.Microsecond)), slog.Int64("bytes", v.ResponseSize),
				slog.String("request", c.Response().Header().Get(echo.HeaderXRequestID)),
			}
			if tally, ok := c.Get(tallyKey).(*meetings.Tally); ok && tally.Calls() > 0 {
				attrs = append(attrs, slog.Int("goto_calls", tally.Calls()), slog.Int64("goto_ms", tally.Took().Milliseconds()))
			}
			level := slog.LevelInfo
			if v.Error != nil {
				attrs = append(attrs, slog.Any("error", v.Error))
				if _, _, cause := explain(v.Error, c.Request()); cause && !isSessionGone(v.Error) && !hungUp(c, v.Error) {
					level = slog.LevelError
				}
			} else if strings.HasPrefix(v.RoutePath, "/static/") || v.RoutePath == "/healthz" || v.RoutePath == "/readyz" {
				level = slog.LevelDebug
			}
			s.log.LogAttrs(c.Request().Context(), level, "request", attrs...)
			return nil
		},
	})
}

// hungUp tells whether an answer broke off because nobody takes the rest.
func hungUp(c echo.Context, err error) bool {
	_, network := errors.AsType[*net.OpError](err)
	return network && c.Get(cutKey) != nil
}
