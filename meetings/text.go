package meetings

import "strings"

// Plain returns foreign text for showing, without the controls that turn or
// embed the direction of what follows them: they can make a text read as
// another, and reach beyond it where nothing isolates them.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069' {
			return -1
		}
		return r
	}, s)
}
