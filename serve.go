package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portal/auth"
	"portal/gotomeeting"
	"portal/handlers"
	"portal/meetings"
	"portal/reports"
	"portal/sandbox"
	"portal/static"
	"portal/store"
)

// openDeadline bounds how long the database may take to open and migrate.
const openDeadline = time.Minute

// sweepEvery is how often expired rows are deleted.
const sweepEvery = time.Hour

// closing is how long what goes on behind requests may take after them. The
// longest is a token refresh: GoTo may take twenty seconds to answer it, and
// then the token, of which there is no other copy, is written.
const closing = 30 * time.Second

// drainNotice is how long a replica that stops serves on, unready, so that its
// load balancer sends requests elsewhere. A portal alone has no elsewhere.
const drainNotice = 3 * time.Second

// portal is everything that serves, wired.
type portal struct {
	handler   http.Handler
	setupCode string
	store     *store.Store
	meetings  *meetings.Service
	draining  atomic.Bool
	closers   []func(context.Context) error // run last to first
}

// serve runs the portal until ctx ends.
func serve(ctx context.Context, c Config, stdout io.Writer, log *slog.Logger) (err error) {
	l, err := listen(ctx, "LISTEN_ADDR", c.Listen)
	if err != nil {
		return err
	}
	defer l.Close() // closed already, unless the start fails

	metrics, err := startMetrics(ctx, c.Metrics, log)
	if err != nil {
		return err
	}
	defer metrics.stop()

	p, err := wire(ctx, c, l, metrics, log)
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		err = errors.Join(err, p.close(late))
	}()
	if err != nil {
		return err
	}

	sweeping, stopSweeping := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { p.sweep(sweeping, log) })
	background.Go(func() { p.meetings.SendPending(sweeping) })
	defer background.Wait()
	defer stopSweeping()

	if c.Sandbox {
		log.Info("the sandbox plays GoTo with sample data: sign in as ada@example.test; nothing reaches the real GoTo")
	}
	if c.needsPublicURL() {
		log.Warn("PUBLIC_URL is not set, so /setup takes no credentials: set it to the address that browsers use")
	}
	if _, err := fmt.Fprintf(stdout, "listening on %s\n", origin(c.Listen, l)); err != nil {
		return fmt.Errorf("say where the portal listens: %w", err)
	}
	if p.setupCode != "" {
		if _, err := fmt.Fprintf(stdout, "setup code: %s\n", p.setupCode); err != nil {
			return fmt.Errorf("say the set-up code: %w", err)
		}
	}
	notice := time.Duration(0)
	if c.Database.postgres() {
		notice = drainNotice
	}
	return serveUntil(ctx, newServer(p.handler, log), l, notice, func() {
		p.draining.Store(true)
		log.Info("stopping")
	})
}

// wire opens what the portal needs and joins the rooms. The portal it returns
// has to be closed, even beside an error.
func wire(ctx context.Context, c Config, l net.Listener, m *metrics, log *slog.Logger) (*portal, error) {
	p := &portal{}
	keys, err := p.openStore(ctx, c)
	if err != nil {
		return p, err
	}

	public := c.Public
	if public == nil {
		if public, err = url.Parse(browserOrigin(c.Listen, l)); err != nil {
			return p, fmt.Errorf("address of the listener: %w", err)
		}
	}
	places, client := c.GoTo, c.Client
	var simulator http.Handler
	if c.Sandbox {
		s, err := p.openSandbox(c, public, log)
		if err != nil {
			return p, err
		}
		simulator, places = s, sandboxEndpoints(s, l)
		client = auth.ClientCredentials{ID: sandbox.ClientID, Secret: auth.NewSecret(sandbox.ClientSecret)}
	}

	goTo, err := gotomeeting.New(gotomeeting.Config{BaseURL: places.API, Rate: c.Rate, Log: log, Observe: m.try})
	if err != nil {
		return p, err
	}
	m.watch(goTo.State)
	door, err := auth.New(auth.Config{
		Store: timedStore{p.store, m}, Keys: keys, PublicURL: public,
		AuthURL: places.Auth, TokenURL: places.Token, RevokeURL: places.Revoke, Client: client,
		Sandbox: c.Sandbox, AllowedAccounts: c.Accounts, Idle: c.Idle, Max: c.Max, Log: log,
		Identify: identify(goTo), Observe: m.refresh,
	})
	if err != nil {
		return p, err
	}
	p.closers = append(p.closers, door.Close)
	p.setupCode = door.SetupCode()
	if c.Database.postgres() {
		p.closers = append(p.closers, shareRate(ctx, p.store, c.Rate, goTo.SetRate, log))
	}

	p.meetings = meetings.New(meetings.Config{
		GoTo: goTo, Memory: p.store, Holds: p.store, Vault: door.Vault("pending"), Place: place(c, l), JoinBase: places.Join, Log: log,
	})
	m.keeps(p.meetings.Kept)
	long := reports.New(reports.Config{
		Meetings: p.meetings, Store: p.store, Vault: door.Vault("reports"), Place: place(c, l), Log: log,
		Ended: func(err error) bool { return errors.Is(err, auth.ErrSessionEnded) },
	})
	p.closers = append(p.closers, long.Stop)
	resuming, cancel := context.WithTimeout(ctx, openDeadline)
	defer cancel()
	if err := errors.Join(p.meetings.Resume(resuming), long.Resume(resuming)); err != nil {
		return p, err
	}
	pages, err := handlers.New(handlers.Config{
		Auth: door, Meetings: p.meetings, Reports: long, PublicURL: public, NeedsPublicURL: c.needsPublicURL(), Sandbox: c.Sandbox, TrustedProxies: c.Proxies,
		Assets: static.Handler(), Ready: p.ready, Log: log, Observe: m.request,
	})
	if err != nil {
		return p, err
	}
	p.handler = beside(pages, simulator)
	return p, nil
}

// place names this process among those over one database. An SQLite file has
// one; replicas are told apart by where they listen.
func place(c Config, l net.Listener) string {
	if !c.Database.postgres() {
		return "portal"
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return net.JoinHostPort(host, port(l))
}

// openStore opens the database and finds the keys. It sees to the directory
// for temporary files too, since in the image only the data volume, which the
// store has just proved usable, can be written.
func (p *portal) openStore(ctx context.Context, c Config) ([]auth.Key, error) {
	opening, cancel := context.WithTimeout(ctx, openDeadline)
	defer cancel()
	var err error
	if p.store, err = store.Open(opening, c.Database.Reveal()); err != nil {
		return nil, err
	}
	p.closers = append(p.closers, func(context.Context) error { return p.store.Close() })
	mode := "real"
	if c.Sandbox {
		mode = "sandbox"
	}
	if err := p.store.Mode(opening, mode); err != nil {
		return nil, err
	}
	if err := tryTempDir(os.TempDir(), time.Now()); err != nil {
		return nil, fmt.Errorf("the directory for temporary files: %w: point TMPDIR at one that can be written", err)
	}
	if len(c.Keys) > 0 {
		return c.Keys, nil
	}
	return auth.MakeKeyFile(c.Database.keyFile())
}

// tryTempDir proves that temporary files can be made: else large workbooks are
// made in memory. Those of a portal that was killed at it hold rows, so they
// go; nobody works at one for an hour.
func tryTempDir(dir string, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "portal-")
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return err
	}
	left, err := filepath.Glob(filepath.Join(dir, "excelize-*"))
	if err != nil {
		return err
	}
	for _, name := range left {
		if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > time.Hour {
			_ = os.Remove(name) // in a shared directory it may be somebody else's
		}
	}
	return nil
}

// openSandbox opens the simulator. Its ledger lies beside the database, so
// that sessions and the meetings they see are kept or deleted together.
func (p *portal) openSandbox(c Config, public *url.URL, log *slog.Logger) (*sandbox.Sandbox, error) {
	ledger := defaultLedger
	if !c.Database.postgres() {
		ledger = filepath.Join(filepath.Dir(c.Database.Reveal()), filepath.Base(defaultLedger))
	}
	s, err := openSimulator(sandbox.Config{BaseURL: public.Scheme + "://" + public.Host, Home: public.String(), Ledger: ledger, Log: log})
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, func(context.Context) error { return s.Close() })
	return s, nil
}

// sandboxEndpoints says where the simulator in this process is: for browsers
// on the other loopback name, for the portal on its own listener.
func sandboxEndpoints(s *sandbox.Sandbox, l net.Listener) endpoints {
	own := ownOrigin(l) + "/sandbox"
	return endpoints{
		Auth: s.AuthorizeURL(), Token: own + "/oauth/token", Revoke: own + "/oauth/revoke",
		API: own, Join: s.JoinBase(),
	}
}

// beside puts the simulator beside the pages: the portal's middleware does not
// wrap it. The gallery is a page of the portal.
func beside(pages, simulator http.Handler) http.Handler {
	if simulator == nil {
		return pages
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/sandbox/") && r.URL.Path != "/sandbox/gallery" {
			simulator.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// ready reports why the portal should get no new requests.
func (p *portal) ready(ctx context.Context) error {
	if p.draining.Load() {
		return errors.New("the portal is stopping")
	}
	return p.store.Ping(ctx)
}

// sweep deletes what has expired, now and every hour, until ctx ends.
func (p *portal) sweep(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		n, err := p.store.Sweep(ctx, time.Now())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Warn("what has expired is still there", "error", err)
		case n > 0:
			log.Info("deleted what has expired", "rows", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *portal) close(ctx context.Context) error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i](ctx))
	}
	return errors.Join(errs...)
}

// identify asks GoTo who a token belongs to, in auth's words.
func identify(goTo *gotomeeting.Client) func(context.Context, string) (auth.Identity, error) {
	return func(ctx context.Context, accessToken string) (auth.Identity, error) {
		p, err := goTo.Me(ctx, accessToken)
		if err != nil {
			return auth.Identity{}, err
		}
		name := ""
		for _, a := range p.Accounts {
			if a.Key == p.AccountKey {
				name = a.Name
			}
		}
		return auth.Identity{
			UserKey: p.Key, AccountKey: p.AccountKey, AccountName: name,
			FirstName: p.FirstName, LastName: p.LastName, Email: p.Email, TimeZone: p.TimeZone, Locale: p.Locale,
			Admin: len(p.AdminRoles) > 0, Roles: p.AdminRoles,
			MissingIdentityScope: p.ScopeMissing, Source: string(p.Source),
		}, nil
	}
}
