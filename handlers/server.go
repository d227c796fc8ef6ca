// Package handlers is HTTP in, HTML or a data twin out: it binds a request,
// asks auth who is there, calls one method of meetings or reports, and hands a
// plain view model to views. It is the only room that knows the web framework.
package handlers

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"portal/auth"
	"portal/meetings"
	"portal/reports"
)

// Config is what New needs.
type Config struct {
	Auth           *auth.Auth
	Meetings       *meetings.Service
	Reports        *reports.Service
	PublicURL      *url.URL // scheme, host and path prefix, the only source of them
	NeedsPublicURL bool     // /setup shows how to set PUBLIC_URL and takes no form
	Sandbox        bool
	Assets         http.Handler // serves /static/
	TrustedProxies []netip.Prefix
	Ready          func(context.Context) error // why no requests should come, nil for ready
	Deadline       time.Duration               // of a page; 0: 9 s. Reports over a whole account get three times as long
	Log            *slog.Logger
	// Observe is told of each request that was answered: the pattern of its
	// route ("" for none), its method, which may be any word, and the status.
	// It may be nil; it must be safe for concurrent use.
	Observe func(route, method string, status int, took time.Duration)
}

// server carries what handlers share. It holds no state of its own but the
// counts behind its limits.
type server struct {
	auth     *auth.Auth
	meetings *meetings.Service
	reports  *reports.Service
	public   *url.URL
	prefix   string // path prefix, "" or "/prefix"
	needsURL bool
	sandbox  bool
	ready    func(context.Context) error
	log      *slog.Logger
	observe  func(route, method string, status int, took time.Duration)
	limits   limits
}

// pageDeadline is a request's, below the server's own write time-out even
// thrice.
const pageDeadline = 9 * time.Second

// New returns the portal's pages.
func New(cfg Config) (http.Handler, error) {
	s := newServer(cfg)
	e, err := s.router(cfg)
	if err != nil {
		return nil, err
	}
	return s.around(e, cfg)
}

// around is what each request passes before the router.
func (s *server) around(e *echo.Echo, cfg Config) (http.Handler, error) {
	smaller, err := compress()
	if err != nil {
		return nil, err
	}
	return secureHeaders(cfg.PublicURL.Scheme == "https", smaller(s.underPrefix(headAsGet(stripFormat(e))))), nil
}

func newServer(cfg Config) *server {
	s := &server{
		auth: cfg.Auth, meetings: cfg.Meetings, reports: cfg.Reports, public: cfg.PublicURL, prefix: strings.TrimSuffix(cfg.PublicURL.Path, "/"),
		needsURL: cfg.NeedsPublicURL, sandbox: cfg.Sandbox, ready: cfg.Ready, log: cfg.Log, observe: cfg.Observe,
		limits: newLimits(cfg.Meetings.Now),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.observe == nil {
		s.observe = func(string, string, int, time.Duration) {}
	}
	return s
}

// router registers every page, behind what guards it.
func (s *server) router(cfg Config) (*echo.Echo, error) {
	guard, err := sameOrigin(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.HideBanner = true
	e.HTTPErrorHandler = s.answerError
	e.IPExtractor = clientIP(cfg.TrustedProxies)
	e.Use(
		cutShort,
		requestID,
		s.logRequests(),
		s.recoverPanics,
		middleware.BodyLimit(maxForm),
		guard,
		readForm,
	)

	e.GET("/healthz", s.healthy)
	e.GET("/readyz", s.isReady)
	e.GET("/static/*", echo.WrapHandler(cfg.Assets))

	page := cmp.Or(cfg.Deadline, pageDeadline)
	doors := e.Group("", s.limitDoors, deadline(page), s.loadSession)
	doors.GET("/auth/connect", s.connect)
	doors.GET(callbackPath, s.callback)

	e.GET("/feed/:token", s.serveFeed, deadline(page))

	open := e.Group("", deadline(page), s.loadSession)
	open.GET("/", s.startPage)
	open.GET("/setup", s.setupPage)
	open.POST("/setup", s.setUp)
	open.GET("/help", s.helpPage)

	in := e.Group("", deadline(page), s.loadSession, needSession, s.limitSession, s.needFormToken, plainID(s.prefix))
	in.POST("/auth/signout", s.signOut)
	in.POST("/auth/disconnect", s.disconnect)
	in.GET("/meetings", s.listUpcoming)
	in.GET("/meetings/new", s.newMeeting)
	in.POST("/meetings", s.createMeeting)
	in.POST("/meetings/now", s.meetNow)
	in.GET("/meetings/:id", s.showMeeting)
	in.POST("/meetings/:id", s.updateMeeting)
	in.GET("/meetings/:id/edit", s.editMeeting)
	in.GET("/meetings/:id/delete", s.confirmDelete)
	in.POST("/meetings/:id/delete", s.deleteMeeting)
	in.POST("/meetings/:id/start", s.startMeeting)
	in.GET("/meetings/:id/attendees", s.showAttendees)
	in.GET("/meetings/:id/erase", s.confirmErase)
	in.POST("/meetings/:id/erase", s.erase)
	in.GET("/calendar", s.showCalendar)
	in.GET("/pending", s.listPending)
	in.POST("/pending/:id", s.decidePending)
	in.GET("/reports", s.showReports)
	in.POST("/reports", s.startReport)
	in.GET("/reports/:id", s.showReport)
	in.POST("/reports/:id/cancel", s.cancelReport)
	in.GET("/people", s.listPeople)
	in.POST("/people", s.invitePerson)
	in.POST("/people/names", s.nameKey)
	in.GET("/people/aliases", s.showAliases)
	in.POST("/people/aliases", s.decideAliases)
	in.GET("/settings", s.showSettings)
	in.GET("/settings/sessions", s.showSessions)
	in.POST("/settings/sessions", s.endSessions)
	in.POST("/settings/feed", s.changeFeed)
	in.GET("/resume", s.resume)
	in.GET("/audit", s.showAudit)

	long := e.Group("", deadline(3*page), s.loadSession, needSession, s.limitSession)
	long.GET("/history", s.showHistory)
	long.GET("/meetings/:id/register", s.showRegister, plainID(s.prefix))
	long.GET("/reports/person", s.showPerson)

	// Last, or each group's own guards would ask a visitor to sign in first, for
	// a page that there is not.
	open.RouteNotFound("/*", echo.NotFoundHandler)

	return e, nil
}

// wasHead marks the context of a request that headAsGet changed.
type wasHead struct{}

// isHead tells whether nobody sees the page: what it would tell once stays.
func isHead(r *http.Request) bool { return r.Context().Value(wasHead{}) != nil }

// headAsGet answers HEAD as GET, whose body net/http leaves out. A look at
// where one connects is no visit, so it is not answered.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && !strings.HasPrefix(r.URL.Path, "/auth/") {
			r = r.WithContext(context.WithValue(r.Context(), wasHead{}, true))
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

// underPrefix serves the portal below PUBLIC_URL's path, which proxies pass on
// unchanged. The health checks also answer without it.
func (s *server) underPrefix(next http.Handler) http.Handler {
	if s.prefix == "" {
		return next
	}
	stripped := http.StripPrefix(s.prefix, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/healthz" || r.URL.Path == "/readyz":
			next.ServeHTTP(w, r)
		case r.URL.Path == s.prefix:
			http.Redirect(w, r, s.prefix+"/", http.StatusPermanentRedirect)
		case strings.HasPrefix(r.URL.Path, s.prefix+"/"):
			stripped.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

func (s *server) healthy(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

func (s *server) isReady(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), 2*time.Second)
	defer cancel()
	if s.ready != nil {
		if err := s.ready(ctx); err != nil {
			s.log.WarnContext(ctx, "not ready", "error", err)
			return c.String(http.StatusServiceUnavailable, "not ready\n")
		}
	}
	return c.String(http.StatusOK, "ready\n")
}

// requestID gives every request a number of its own, which the log and error
// pages show.
func requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := strings.ToLower(rand.Text())
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), requestKey{}, id)))
		return next(c)
	}
}

// recoverPanics turns a panic into the page for a fault of our own.
func (s *server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				if err, ok := r.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(r)
				}
				s.log.ErrorContext(c.Request().Context(), "panic", "value", r, "stack", string(debug.Stack()))
				err = errors.New("panic")
			}
		}()
		return next(c)
	}
}

// cutShort ends the connection of an answer that failed after its first byte,
// once the log has it: net/http would finish it as if it were whole.
func cutShort(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if c.Get(cutKey) != nil {
			panic(http.ErrAbortHandler)
		}
		return err
	}
}

func deadline(d time.Duration) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			ctx, cancel := context.WithTimeout(c.Request().Context(), d)
			defer cancel()
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

const (
	sessionKey   = "session"
	cutKey       = "cut"
	callbackPath = "/auth/callback"
)

// loadSession puts the browser's session into the context. When the store
// cannot say, the cookie stays as it is and the page says so.
func (s *server) loadSession(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		session, err := s.auth.Session(c.Request())
		if err != nil {
			return err
		}
		if session != nil {
			c.Set(sessionKey, session)
		}
		return next(c)
	}
}

func session(c echo.Context) *auth.Session {
	session, _ := c.Get(sessionKey).(*auth.Session)
	return session
}

func needSession(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if session(c) == nil {
			return noSession{}
		}
		return next(c)
	}
}

// caller is on whose behalf GoTo is asked.
func caller(c echo.Context) meetings.Caller {
	session := session(c)
	u := session.User()
	return meetings.Caller{
		UserKey: u.UserKey, AccountKey: u.AccountKey, Ref: session.UserRef(), Name: u.Name(), Email: u.Email, Admin: u.Admin, Tokens: session, Session: session,
		RequestID: c.Response().Header().Get(echo.HeaderXRequestID),
	}
}

var idPattern = regexp.MustCompile(`^[0-9]{1,19}$`)

// meetingID reads the id from the path; one that is not digits is unknown.
func meetingID(c echo.Context) (string, error) {
	id := c.Param("id")
	if !idPattern.MatchString(id) {
		return "", errNoMeeting
	}
	return id, nil
}

func queryEscape(s string) string { return url.QueryEscape(s) }
