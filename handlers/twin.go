package handlers

import (
	"context"
	"net/http"
	"strings"
)

// A data twin is a page's rows as a file: the page's path with an extension.
type formatKey struct{}

// stripFormat cuts a twin's extension off the path and carries it in the
// context, since Echo cannot route ":id.csv".
func stripFormat(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasPrefix(r.URL.Path, "/static/") {
			next.ServeHTTP(w, r)
			return
		}
		for _, format := range []string{"csv", "xlsx", "json", "ics"} {
			if path, ok := strings.CutSuffix(r.URL.Path, "."+format); ok && !strings.HasSuffix(path, "/") {
				r2 := r.Clone(context.WithValue(r.Context(), formatKey{}, format))
				r2.URL.Path, r2.URL.RawPath = path, ""
				next.ServeHTTP(w, r2)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// format is "" for the page itself, else the twin's extension.
func format(r *http.Request) string {
	f, _ := r.Context().Value(formatKey{}).(string)
	return f
}
