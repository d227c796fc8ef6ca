package handlers

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// compress returns what sends pages and files of text compressed, to browsers
// that can read them so. Assets come compressed already. The length of a page
// tells nothing of the token in it, which each page masks anew; what else is in
// it is blurred by a few random bytes.
func compress() (func(http.Handler) http.HandlerFunc, error) {
	return gzhttp.NewWrapper(
		gzhttp.ContentTypes([]string{"text/html", "text/csv", "text/calendar", "application/json"}),
		gzhttp.MinSize(1<<10),
		gzhttp.EnableZstd(true), gzhttp.PreferZstd(true),
		gzhttp.CompressionLevel(5),
		gzhttp.RandomJitter(32, 4<<10, false),
	)
}
