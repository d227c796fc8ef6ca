package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"portal/auth"
)

// GoTo's public endpoints, from its developer documentation and its OAuth
// server's metadata.
const (
	gotoAuthURL   = "https://authentication.logmeininc.com/oauth/authorize"
	gotoTokenURL  = "https://authentication.logmeininc.com/oauth/token" // #nosec G101 -- an address, no credential
	gotoRevokeURL = "https://authentication.logmeininc.com/oauth/revoke"
	gotoAPIURL    = "https://api.getgo.com"
	gotoJoinURL   = "https://meet.goto.com/"
)

const (
	gotoRate = 10 // calls a second that GoTo allows by default

	// maxRate is above what GoTo allows any customer by a wide margin; more is
	// a slip of the finger.
	maxRate = 1000
)

// Config is what the portal was told, checked.
type Config struct {
	Sandbox    bool
	Listen     string   // HOST:PORT; HOST may be empty, PORT 0
	Public     *url.URL // nil: from the listener
	Database   database
	Keys       []auth.Key // empty: from a file beside the SQLite database
	Idle, Max  time.Duration
	Client     auth.ClientCredentials // zero: entered at /setup
	GoTo       endpoints              // zero with Sandbox, which has its own
	Rate       float64                // calls a second
	Accounts   []string               // account keys; "*": any; empty: the first that connects
	Proxies    []netip.Prefix
	LogFormat  string // text or json
	LogLevel   slog.Level
	Metrics    string // HOST:PORT; "" is off
	warnings   []string
	effective  []setting // for `portal config`
	positional []string  // what followed the flags
}

// endpoints are the places where GoTo is.
type endpoints struct{ Auth, Token, Revoke, API, Join string }

// database is a path or a URL. It prints without the password.
type database struct{ url auth.Secret }

// Reveal returns the URL as it was given.
func (d database) Reveal() string { return d.url.Reveal() }

// String returns the path, or the URL without user and query, in which
// passwords hide.
func (d database) String() string {
	if !d.postgres() {
		return d.Reveal()
	}
	u, err := url.Parse(d.Reveal())
	if err != nil {
		return redacted
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Format prints as String does, whatever the verb.
func (d database) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// LogValue returns String.
func (d database) LogValue() slog.Value { return slog.StringValue(d.String()) }

func (d database) postgres() bool {
	scheme, _, found := strings.Cut(d.Reveal(), "://")
	return found && (scheme == "postgres" || scheme == "postgresql")
}

// keyFile is where the session key of an SQLite database is.
func (d database) keyFile() string { return filepath.Join(filepath.Dir(d.Reveal()), "session.key") }

// needsPublicURL reports that browsers may come from elsewhere and nobody said
// by which address: a redirect URI would be a guess.
func (c Config) needsPublicURL() bool {
	return !c.Sandbox && c.Public == nil && !loopbackAddress(c.Listen)
}

// loadConfig reads flags and environment, and checks all of it. The error joins
// every problem, each a sentence that names the setting and the remedy; the
// Config is then as far as it got, for showing. A request for help is
// flag.ErrHelp.
func loadConfig(args, environ []string) (Config, error) {
	var c Config
	env := newEnvironment(environ)

	flags := flag.NewFlagSet("portal", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&c.Sandbox, "sandbox", false, "")
	listen := flags.String("listen", "", "")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return c, err
	} else if err != nil {
		env.problem("%w; the flags are -sandbox and -listen ADDR", err)
	}
	c.positional = flags.Args()

	c.listener(env, *listen)
	c.storage(env)
	c.sessions(env)
	c.gotoSettings(env)
	c.Accounts = env.list("ALLOWED_ACCOUNTS")
	c.checkAccounts(env)
	c.proxies(env)
	c.LogFormat = env.choice("LOG_FORMAT", "text", "json")
	env.parse("LOG_LEVEL", "info", "use debug, info, warn or error", func(s string) error { return c.LogLevel.UnmarshalText([]byte(s)) })
	if c.Metrics = env.text("METRICS_ADDR", ""); c.Metrics != "" {
		checkAddress(env, "METRICS_ADDR", c.Metrics)
		if c.Metrics == c.Listen && !strings.HasSuffix(c.Metrics, ":0") {
			env.problem("METRICS_ADDR and LISTEN_ADDR are both %s: metrics need a listener of their own", c.Metrics)
		}
	}
	if c.needsPublicURL() && !c.Client.IsZero() {
		env.problem("PUBLIC_URL is missing: with GOTO_CLIENT_ID on %s, set it to the address that browsers use, such as https://meetings.example.com, or listen on localhost", c.Listen)
	}
	c.warnings = append(env.warnings, env.misspelt()...)
	c.effective = env.effective
	return c, errors.Join(env.problems...)
}

func (c *Config) listener(env *environment, flagged string) {
	def := ":8080"
	if c.Sandbox {
		def = "localhost:8080"
	}
	c.Listen = env.text("LISTEN_ADDR", def)
	if flagged != "" {
		c.Listen = flagged
		env.override("LISTEN_ADDR", flagged, "-listen")
	}
	checkAddress(env, "LISTEN_ADDR", c.Listen)
	if c.Sandbox && !loopbackAddress(c.Listen) {
		env.warn("-sandbox listens on %s: whoever reaches it can be anybody there", c.Listen)
	}

	raw := env.text("PUBLIC_URL", "")
	if raw == "" {
		return
	}
	u, err := webURL(raw)
	switch {
	case err != nil:
		env.problem("PUBLIC_URL %w: use the address that browsers use, such as https://meetings.example.com", err)
		return
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		env.warn("PUBLIC_URL is plain http: cookies and pages can be read on the way; put TLS in front and use https")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	c.Public = u
}

func (c *Config) storage(env *environment) {
	def := "data/portal.db"
	if c.Sandbox {
		def = "data/sandbox.db"
	}
	c.Database.url = env.secret("DATABASE_URL")
	if c.Database.url.IsZero() {
		c.Database.url = auth.NewSecret(def)
	}
	env.show("DATABASE_URL", c.Database.String())
	scheme, _, isURL := strings.Cut(c.Database.Reveal(), "://")
	switch _, err := url.Parse(c.Database.Reveal()); {
	case isURL && !c.Database.postgres():
		env.problem("DATABASE_URL begins with %q: give the path of a file for SQLite, or postgres://…", scheme+"://")
	case isURL && err != nil: // which quotes the password
		env.problem("DATABASE_URL is not a URL: postgres://USER:PASSWORD@HOST:PORT/DATABASE is its form, with %%XX for special characters")
	}
}

func (c *Config) sessions(env *environment) {
	spec := env.secret("SESSION_KEY")
	if !spec.IsZero() {
		keys, err := auth.LoadKeys(spec.Reveal())
		if err != nil {
			env.problem("SESSION_KEY: %w: give 32-byte base64 keys separated by commas; `openssl rand -base64 32` makes one", err)
		}
		c.Keys = keys
	} else if c.Database.postgres() {
		env.problem("SESSION_KEY is missing: with PostgreSQL all replicas need the same one; `openssl rand -base64 32` makes one")
	}
	c.Idle = env.duration("SESSION_IDLE", "12h")
	c.Max = env.duration("SESSION_MAX", "336h")
	if c.Idle > c.Max && c.Max > 0 {
		env.problem("SESSION_IDLE %s is longer than SESSION_MAX %s: make it shorter", c.Idle, c.Max)
	}
}

func (c *Config) gotoSettings(env *environment) {
	c.Client = auth.ClientCredentials{ID: env.text("GOTO_CLIENT_ID", ""), Secret: env.secret("GOTO_CLIENT_SECRET")}
	if (c.Client.ID == "") != c.Client.Secret.IsZero() {
		env.problem("GOTO_CLIENT_ID and GOTO_CLIENT_SECRET go together: set both, or neither and open /setup")
	}
	places := []struct {
		name, def string
		at        *string
	}{
		{"GOTO_AUTH_URL", gotoAuthURL, &c.GoTo.Auth},
		{"GOTO_TOKEN_URL", gotoTokenURL, &c.GoTo.Token},
		{"GOTO_REVOKE_URL", gotoRevokeURL, &c.GoTo.Revoke},
		{"GOTO_API_URL", gotoAPIURL, &c.GoTo.API},
		{"GOTO_JOIN_URL", gotoJoinURL, &c.GoTo.Join},
	}
	if c.Sandbox {
		taken := []string{"GOTO_CLIENT_ID", "GOTO_CLIENT_SECRET"}
		for _, p := range places {
			env.text(p.name, "set by -sandbox")
			taken = append(taken, p.name)
		}
		for _, name := range taken {
			if env.isSet(name) {
				env.problem("%s is set beside -sandbox, which brings its own: leave out one of the two", name)
			}
		}
	} else {
		for _, p := range places {
			*p.at = env.endpoint(p.name, p.def)
		}
		c.GoTo.API = strings.TrimRight(c.GoTo.API, "/")
		// A meeting's id is appended.
		c.GoTo.Join = strings.TrimRight(c.GoTo.Join, "/") + "/"
		// Tokens of the one are no good to the other.
		if local(c.GoTo.API) != local(c.GoTo.Token) || local(c.GoTo.Auth) != local(c.GoTo.Token) {
			env.warn("GOTO_AUTH_URL, GOTO_TOKEN_URL and GOTO_API_URL are partly on this machine and partly not: name all of a sandbox's places, or none")
		}
	}
	if c.Rate = env.number("GOTO_RATE", "8", maxRate); c.Rate > gotoRate {
		env.warn("GOTO_RATE is %v, and GoTo allows %d calls a second unless it agreed to more", c.Rate, gotoRate)
	}
}

func (c *Config) checkAccounts(env *environment) {
	for _, key := range c.Accounts {
		if key == "*" && len(c.Accounts) > 1 {
			env.problem("ALLOWED_ACCOUNTS holds * beside account keys: * admits any, so give it alone or leave it out")
		}
		if key != "*" && strings.Trim(key, "0123456789") != "" {
			env.problem("ALLOWED_ACCOUNTS holds %q: account keys are digits, separated by commas", key)
		}
	}
}

func (c *Config) proxies(env *environment) {
	for _, text := range env.list("TRUSTED_PROXIES") {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			if a, alone := netip.ParseAddr(text); alone == nil && a.Zone() == "" {
				p, err = a.Prefix(a.BitLen())
			}
		}
		if err != nil {
			env.problem("TRUSTED_PROXIES holds %q: use CIDRs such as 10.0.0.0/8, separated by commas", text)
			continue
		}
		if p.Bits() == 0 {
			env.warn("TRUSTED_PROXIES holds %s: anybody can claim any address; name your proxies", text)
		}
		c.Proxies = append(c.Proxies, p.Masked())
	}
}

// checkAddress refuses what net.Listen would, before anything has started.
func checkAddress(env *environment, name, address string) {
	if _, port, err := net.SplitHostPort(address); err != nil || !isPort(port) {
		env.problem("%s is %q: use HOST:PORT or :PORT, such as localhost:8080", name, address)
	}
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// webURL reads an absolute http or https URL of just host and path.
func webURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("is not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, errors.New("is not an http or https URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("has more than scheme, host and path")
	}
	return u, nil
}

func loopbackHost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// local reports whether a URL leads to this machine.
func local(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && loopbackHost(u.Hostname())
}

func loopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopbackHost(host)
}
