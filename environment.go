package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"portal/auth"
)

const redacted = "[redacted]"

// maxSecretFile bounds what is read from a NAME_FILE: whoever names a device or
// a log by mistake should hear so.
const maxSecretFile = 64 << 10

// environment reads settings, and gathers what is wrong with them and what
// they came to.
type environment struct {
	values    map[string]string
	known     []string // names asked for
	secrets   []string // of these, the ones that may come from a file
	problems  []error
	warnings  []string
	effective []setting
}

// setting is one line of `portal config`.
type setting struct{ name, value, source string }

// newEnvironment takes NAME=value lines. As for the operating system's own,
// the first of two counts; an empty value is none.
func newEnvironment(environ []string) *environment {
	e := &environment{values: map[string]string{}}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if _, twice := e.values[name]; !twice {
			e.values[name] = value
		}
	}
	return e
}

func (e *environment) problem(format string, args ...any) {
	e.problems = append(e.problems, fmt.Errorf(format, args...))
}

func (e *environment) warn(format string, args ...any) {
	e.warnings = append(e.warnings, fmt.Sprintf(format, args...))
}

func (e *environment) isSet(name string) bool {
	return e.values[name] != "" || slices.Contains(e.secrets, name) && e.values[name+"_FILE"] != ""
}

// text reads a setting that may be shown.
func (e *environment) text(name, def string) string {
	e.known = append(e.known, name)
	value, source := strings.TrimSpace(e.values[name]), "environment"
	if value == "" {
		value, source = def, "default"
	}
	e.effective = append(e.effective, setting{name, value, source})
	return value
}

// secret reads a setting from NAME or from the file that NAME_FILE names.
func (e *environment) secret(name string) auth.Secret {
	e.known = append(e.known, name, name+"_FILE")
	e.secrets = append(e.secrets, name)
	shown := setting{name: name, source: "default"}
	defer func() { e.effective = append(e.effective, shown) }()

	value, file := strings.TrimSpace(e.values[name]), e.values[name+"_FILE"]
	switch {
	case value != "" && file != "":
		e.problem("%s and %s_FILE are both set: keep one", name, name)
	case value != "":
		shown.source = "environment"
	case file != "":
		shown.source = name + "_FILE"
		var err error
		if value, err = readSecretFile(file); err != nil {
			e.problem("%s_FILE: %w", name, err)
		}
	}
	if value != "" {
		shown.value = redacted
	}
	return auth.NewSecret(value)
}

func readSecretFile(path string) (string, error) {
	f, err := os.Open(path) // #nosec G304 -- the operator names the file
	if err != nil {
		return "", fmt.Errorf("%w: name a file that user id %d may read", err, os.Getuid())
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	value := strings.TrimSpace(string(text))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: name a file that user id %d may read", err, os.Getuid())
	case len(text) > maxSecretFile:
		return "", fmt.Errorf("%s is longer than %d bytes: name a file that holds the secret alone", path, maxSecretFile)
	case value == "":
		return "", fmt.Errorf("%s is empty: put the secret into it", path)
	}
	return value, nil
}

// parse reads a setting by a function; remedy tells how a value should look.
func (e *environment) parse(name, def, remedy string, read func(string) error) {
	value := e.text(name, def)
	if err := read(value); err != nil {
		e.problem("%s is %q: %s", name, value, remedy)
	}
}

func (e *environment) duration(name, def string) (d time.Duration) {
	e.parse(name, def, "use a Go duration above zero, such as "+def, func(s string) (err error) {
		if d, err = time.ParseDuration(s); err == nil && d <= 0 {
			err = errors.New("not above zero")
		}
		return err
	})
	return d
}

func (e *environment) number(name, def string, most float64) (n float64) {
	e.parse(name, def, fmt.Sprintf("use a number above 0 and up to %v", most), func(s string) (err error) {
		n, err = strconv.ParseFloat(s, 64)
		if err == nil && !(n > 0 && n <= most) {
			err = errors.New("out of range")
		}
		return err
	})
	return n
}

// choice reads a setting that is one of a few words, the first by default.
func (e *environment) choice(name string, words ...string) string {
	value := e.text(name, words[0])
	if !slices.Contains(words, value) {
		e.problem("%s is %q: use %s", name, value, strings.Join(words, " or "))
	}
	return value
}

// list reads a setting of comma-separated parts.
func (e *environment) list(name string) []string {
	var parts []string
	for part := range strings.SplitSeq(e.text(name, ""), ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// endpoint reads a place at GoTo. Tokens and the client's secret go there, so
// plain http is for this machine alone.
func (e *environment) endpoint(name, def string) string {
	raw := e.text(name, def)
	u, err := webURL(raw)
	switch {
	case err != nil:
		e.problem("%s %w: use an https URL such as %s", name, err, def)
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		e.problem("%s is plain http to %s, and secrets go there: use https, or a loopback host for a sandbox", name, u.Hostname())
	}
	return raw
}

// override shows that a flag decided.
func (e *environment) override(name, value, source string) {
	for i := range e.effective {
		if e.effective[i].name == name {
			e.effective[i].value, e.effective[i].source = value, source
		}
	}
}

// show shows value in place of [redacted].
func (e *environment) show(name, value string) {
	for i := range e.effective {
		if e.effective[i].name == name {
			e.effective[i].value = value
		}
	}
}

// misspelt warns of names in the environment that are nearly ours: a setting
// that is silently not read is found late.
func (e *environment) misspelt() []string {
	var warnings []string
	for name, value := range e.values {
		if value == "" || slices.Contains(e.known, name) {
			continue
		}
		if base, isFile := strings.CutSuffix(name, "_FILE"); isFile && slices.Contains(e.known, base) {
			warnings = append(warnings, fmt.Sprintf("%s is not read: only secrets come from files; set %s", name, base))
			continue
		}
		for _, known := range e.known {
			if oneEdit(name, known) {
				warnings = append(warnings, fmt.Sprintf("%s is not a setting: did you mean %s?", name, known))
				break
			}
		}
	}
	slices.Sort(warnings)
	return warnings
}

// oneEdit reports whether a becomes b by one insertion, deletion or
// replacement, by swapping two neighbours, or by the case of letters alone.
func oneEdit(a, b string) bool {
	if a == b {
		return false
	}
	if strings.EqualFold(a, b) {
		return true
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 1:
		return a[i:] == b[i+1:]
	case 0:
		swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		return swapped || a[i+1:] == b[i+1:]
	}
	return false
}
