// Command portal is a web portal for people who run their meetings on
// GoToMeeting: one binary, one database.
//
// This package reads the settings, wires the rooms together, and starts and
// stops them. What the portal does is decided elsewhere.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // the image has no time zones of its own

	"portal/handlers"
)

const usage = `usage: portal [command] [flags]

  portal [-sandbox] [-listen ADDR]              serve; with -sandbox on a simulator of GoTo
  portal sandbox [-listen ADDR] [-ledger FILE]  serve the simulator alone
  portal healthcheck                            ask the running portal whether it lives
  portal config                                 show the effective settings and every problem
  portal backup FILE                            copy the SQLite database, without the session key
  portal restore FILE                           put a copy in the database's place
  portal newkey                                 put a new session key before the one in use

A FILE of - is standard output or input.

Settings come from the environment; README.md lists them.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal does not wait
	if err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintln(os.Stderr, "portal:", line)
		}
		os.Exit(1)
	}
}

// run is the whole program. It returns when the command is done, or when ctx
// ends and what was started has stopped. Its errors are sentences for whoever
// started it; one with several lines has a sentence on each.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	command := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	err := runCommand(ctx, command, args, environ, stdout, stderr)
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(stdout, usage)
	}
	return err
}

func runCommand(ctx context.Context, command string, args, environ []string, stdout, stderr io.Writer) error {
	switch command {
	case "help":
		return flag.ErrHelp
	case "sandbox":
		c, err := loadSandboxConfig(args, environ)
		if err != nil {
			return err
		}
		return serveSandbox(ctx, c, stdout, newLog(stderr, c.logFormat, c.logLevel, c.warnings))
	case "serve", "healthcheck", "config", "backup", "restore", "newkey":
	default:
		return fmt.Errorf("there is no command %q: the commands are serve, sandbox, healthcheck, config, backup, restore and newkey; `portal help` explains them", command)
	}

	c, err := loadConfig(args, environ)
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	if command == "config" {
		return errors.Join(showConfig(c, stdout), err)
	}
	if err != nil {
		return err
	}
	file := ""
	if command == "backup" || command == "restore" {
		if len(c.positional) == 0 {
			return fmt.Errorf("portal %s needs a file: portal %s FILE", command, command)
		}
		file, c.positional = c.positional[0], c.positional[1:]
	}
	if len(c.positional) > 0 {
		return fmt.Errorf("portal %s does not know what to do with %q: leave it out; flags come first", command, c.positional[0])
	}
	switch command {
	case "healthcheck":
		return healthcheck(ctx, c.Listen)
	case "backup":
		return backup(ctx, c.Database, file, stdout, stderr)
	case "restore":
		return restore(ctx, c.Database, file, time.Now(), os.Stdin, stdout)
	case "newkey":
		return newKey(c, time.Now(), stdout)
	}
	return serve(ctx, c, stdout, newLog(stderr, c.LogFormat, c.LogLevel, c.warnings))
}

// newLog returns the log, with the warnings already in it.
func newLog(w io.Writer, format string, level slog.Level, warnings []string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
			a.Value = slog.TimeValue(a.Value.Time().UTC())
		}
		return a
	}}
	var lines slog.Handler = slog.NewTextHandler(w, options)
	if format == "json" {
		lines = slog.NewJSONHandler(w, options)
	}
	log := slog.New(handlers.LogRequests(lines))
	for _, warning := range warnings {
		log.Warn(warning)
	}
	return log
}

// showConfig prints every setting as NAME=value with where it comes from, and
// then the warnings. Secrets are hidden.
func showConfig(c Config, w io.Writer) error {
	var b strings.Builder
	for _, s := range c.effective {
		fmt.Fprintf(&b, "%s=%s\t# %s\n", s.name, s.value, s.source)
	}
	for _, warning := range c.warnings {
		fmt.Fprintf(&b, "# warning: %s\n", warning)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
