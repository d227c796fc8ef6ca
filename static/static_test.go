package static

import (
	"compress/gzip"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAssetsAreKeptForGood(t *testing.T) {
	for _, name := range []string{"app.css", "app.js", "htmx.min.js", "favicon.svg"} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest("GET", Path(name), nil))
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("ETag") == "" || w.Body.Len() == 0 {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
		r := httptest.NewRequest("GET", Path(name), nil)
		r.Header.Set("Accept-Encoding", "gzip")
		z := httptest.NewRecorder()
		Handler().ServeHTTP(z, r)
		if z.Header().Get("Content-Encoding") == "gzip" {
			g, err := gzip.NewReader(z.Body)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(g); err != nil || string(body) != w.Body.String() {
				t.Errorf("%s differs when compressed: %v", name, err)
			}
			if z.Header().Get("ETag") == w.Header().Get("ETag") {
				t.Errorf("%s has one tag for two bodies", name)
			}
		}
		r.Header.Set("If-None-Match", z.Header().Get("ETag"))
		n := httptest.NewRecorder()
		Handler().ServeHTTP(n, r)
		if n.Code != 304 {
			t.Errorf("%s: unchanged is %d", name, n.Code)
		}
	}
}

func TestUnknownAddressesAreNotFound(t *testing.T) {
	for _, path := range []string{"/static/", "/static/app.css", "/static/0000000000000000/app.css", strings.TrimSuffix(Path("app.css"), "app.css") + "static.go", Path("app.css") + "/.."} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 404 {
			t.Errorf("%s is %d", path, w.Code)
		}
	}
}
