package auth

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is text that must never be shown: it prints as [redacted] under every
// verb, in logs and in JSON. The text sits behind a pointer, so that printing a
// struct that hides a Secret in an unexported field, where fmt cannot call
// methods, shows an address instead.
type Secret struct{ text *string }

// NewSecret wraps text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text, for the one place that needs it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.text == nil }

// String returns [redacted].
func (Secret) String() string { return redacted }

// GoString returns [redacted].
func (Secret) GoString() string { return redacted }

// Format prints [redacted] whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns [redacted].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted]; JSON goes through it too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
