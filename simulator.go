package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"portal/sandbox"
)

const defaultLedger = "data/sandbox.ledger"

// sandboxConfig is what `portal sandbox` was told.
type sandboxConfig struct {
	listen, ledger string
	logFormat      string
	logLevel       slog.Level
	warnings       []string
}

// loadSandboxConfig reads flags and environment as loadConfig does.
func loadSandboxConfig(args, environ []string) (sandboxConfig, error) {
	var c sandboxConfig
	env := newEnvironment(environ)
	flags := flag.NewFlagSet("portal sandbox", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&c.listen, "listen", "localhost:9090", "")
	flags.StringVar(&c.ledger, "ledger", defaultLedger, "")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return c, err
	} else if err != nil {
		env.problem("%w; the flags of portal sandbox are -listen ADDR and -ledger FILE", err)
	}
	if flags.NArg() > 0 {
		env.problem("portal sandbox does not know what to do with %q: leave it out", flags.Arg(0))
	}
	checkAddress(env, "-listen", c.listen)
	if c.ledger == "" {
		env.problem("-ledger is empty: name a file, or leave the flag out for %s", defaultLedger)
	}
	// Somebody who has real credentials at hand means the real GoTo.
	if id := env.text("GOTO_CLIENT_ID", ""); id != "" && id != sandbox.ClientID {
		env.problem("GOTO_CLIENT_ID is set, and the sandbox does not start beside real credentials: leave out one of the two")
	}
	if !loopbackAddress(c.listen) {
		env.warn("the sandbox listens on %s: whoever reaches it can be anybody there", c.listen)
	}
	c.logFormat = env.choice("LOG_FORMAT", "text", "json")
	env.parse("LOG_LEVEL", "info", "use debug, info, warn or error", func(s string) error { return c.logLevel.UnmarshalText([]byte(s)) })
	c.warnings = env.warnings
	return c, errors.Join(env.problems...)
}

// serveSandbox runs the simulator alone until ctx ends.
func serveSandbox(ctx context.Context, c sandboxConfig, stdout io.Writer, log *slog.Logger) (err error) {
	l, err := listen(ctx, "-listen", c.listen)
	if err != nil {
		return err
	}
	defer l.Close() // closed already, unless the start fails
	s, err := openSimulator(sandbox.Config{BaseURL: browserOrigin(c.listen, l), Ledger: c.ledger, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if _, err := fmt.Fprintf(stdout, "listening on %s\n", origin(c.listen, l)); err != nil {
		return fmt.Errorf("say where the sandbox listens: %w", err)
	}
	return serveUntil(ctx, newServer(s, log), l, 0, func() { log.Info("stopping") })
}

// openSimulator opens the sandbox with its ledger, whose directory is made
// when it is missing.
func openSimulator(c sandbox.Config) (*sandbox.Sandbox, error) {
	if err := os.MkdirAll(filepath.Dir(c.Ledger), 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the sandbox's ledger: %w", err)
	}
	return sandbox.Open(c)
}
