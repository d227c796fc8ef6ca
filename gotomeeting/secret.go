package gotomeeting

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
)

const redacted = "[redacted]"

// HostURL opens a meeting as its host without a log-in: whoever has it is the
// host. It prints as [redacted] everywhere; only Reveal gives the text.
type HostURL struct{ secret }

// NewHostURL wraps a host URL.
func NewHostURL(url string) HostURL { return HostURL{newSecret(url)} }

// Target returns the URL as a browser can safely be sent to it: an http(s)
// page, or the scheme that GoTo's own application registers. "" for any other.
func (h HostURL) Target() string {
	u, err := url.Parse(h.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "gotomeeting" {
		return ""
	}
	return u.String()
}

// DownloadURL fetches a recording's file without a log-in. It prints as
// [redacted] everywhere; only Reveal gives the text.
type DownloadURL struct{ secret }

// NewDownloadURL wraps a download URL.
func NewDownloadURL(url string) DownloadURL { return DownloadURL{newSecret(url)} }

// secret is text that must not be printed. It holds a pointer because fmt
// cannot call methods on a struct's unexported fields and would print a plain
// string there; of a nested pointer it prints the address.
type secret struct{ text *string }

func newSecret(s string) secret {
	if s == "" {
		return secret{}
	}
	return secret{&s}
}

// Reveal returns the text. It must go to nobody but the browser of the user
// for whom it was fetched.
func (s secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no text.
func (s secret) IsZero() bool { return s.text == nil }

// String returns "[redacted]".
func (secret) String() string { return redacted }

// GoString returns "[redacted]".
func (secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]".
func (secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
