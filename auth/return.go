package auth

import (
	"net/url"
	"strings"
)

// maxReturn is longer than any address of ours.
const maxReturn = 2000

// SafeReturn returns raw if it is a path of this site to come back to, with
// its query, and "/" otherwise. What may stand in it is listed, not what may
// not: path segments of letters, digits, "-", "_", "~" and inner dots, which
// all pages of the portal have, leave nothing that a browser or a proxy could
// read as another host, as another directory or as a line end. Pages under
// /auth/ are no place to come back to: connecting would start over.
func SafeReturn(raw string) string {
	if len(raw) > maxReturn {
		return "/"
	}
	path, query, hasQuery := strings.Cut(raw, "?")
	if !safePath(path) || !safeQuery(query) {
		return "/"
	}
	u, err := url.Parse(raw)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Fragment != "" {
		return "/"
	}
	if u.Path != path || u.RawQuery != query || u.ForceQuery != (hasQuery && query == "") || u.String() != raw {
		return "/"
	}
	return raw
}

func safePath(path string) bool {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return false
	}
	if rest == "" {
		return true
	}
	rest = strings.TrimSuffix(rest, "/")
	for i, segment := range strings.Split(rest, "/") {
		if segment == "" || segment[0] == '.' || i == 0 && segment == "auth" {
			return false
		}
		for _, c := range []byte(segment) {
			if !isAlphanumeric(c) && !strings.ContainsRune("-_~.", rune(c)) {
				return false
			}
		}
	}
	return true
}

// safeQuery allows what browsers leave as it is in a query.
func safeQuery(query string) bool {
	for _, c := range []byte(query) {
		if c <= ' ' || c >= 0x7f || strings.ContainsRune("\\\"<>#`", rune(c)) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
