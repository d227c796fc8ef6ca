package handlers_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"portal/handlers"
)

// fileServer serves what write makes at /file.csv and its like. Pages have so
// long to go out; 0 is for ever.
func fileServer(t *testing.T, p *portal, pages time.Duration, write func(io.Writer) error) *httptest.Server {
	t.Helper()
	h, err := handlers.WithFile(p.config, write)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.WriteTimeout = pages
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// ask sends a GET of the HTTP version over a connection of its own.
func ask(t *testing.T, s *httptest.Server, path, version string, header ...string) (*http.Response, []byte, error) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET "+path+" "+version+"\r\nHost: localhost\r\nConnection: close\r\n"+strings.Join(append(header, "\r\n"), "\r\n")); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

// A file that fails half-way does not look whole, to whatever client.
func TestAFileThatBreaksOff(t *testing.T) {
	p := newPortal(t)
	chunk := make([]byte, 1<<20) // of which compression leaves enough to be sent on
	_, _ = rand.Read(chunk)
	broken := errors.New("a row that is not there")
	for name, fail := range map[string]func() error{"fails": func() error { return broken }, "panics": func() error { panic(broken) }} {
		t.Run(name, func(t *testing.T) {
			s := fileServer(t, p, 0, func(w io.Writer) error {
				if _, err := w.Write(chunk); err != nil {
					return err
				}
				return fail()
			})
			for kind, encoding := range map[string]string{"csv": "identity", "json": "identity", "csv?": "gzip", "json?": "zstd"} {
				res, body, err := ask(t, s, "/file."+kind, "HTTP/1.1", "Accept-Encoding: "+encoding)
				if res == nil || res.StatusCode != http.StatusOK || len(body) == 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s breaks off with %d bytes and %v", kind, len(body), err)
				}
			}
			for path, version := range map[string]string{"/file.csv": "HTTP/1.0", "/file.json": "HTTP/1.0", "/file.xlsx": "HTTP/1.1", "/file.ics": "HTTP/1.1"} {
				res, body, err := ask(t, s, path, version)
				if err != nil || res.StatusCode != http.StatusInternalServerError || res.Header.Get("Content-Disposition") != "" || bytes.Contains(body, chunk[:15]) {
					t.Errorf("%s over %s answers %v, %d bytes, %v", path, version, res, len(body), err)
				}
			}
		})
	}
	log := p.log.String()
	if n := strings.Count(log, `route=/file status=200`); n != 8 || !strings.Contains(log, `level=ERROR msg=request`) || !strings.Contains(log, broken.Error()) {
		t.Errorf("%d of the files that broke off are logged:\n%s", n, log)
	}
}

// What fails before the first byte is answered as on a page.
func TestAFileThatCannotBegin(t *testing.T) {
	p := newPortal(t)
	s := fileServer(t, p, 0, func(io.Writer) error { return errors.New("no first row") })
	for _, version := range []string{"HTTP/1.0", "HTTP/1.1"} {
		res, body, err := ask(t, s, "/file.csv", version)
		if err != nil || res.StatusCode != http.StatusInternalServerError || res.Header.Get("Content-Disposition") != "" || !strings.Contains(res.Header.Get("Content-Type"), "json") {
			t.Errorf("over %s: %v, %q, %v", version, res, body, err)
		}
	}
}

// A whole file is whole, with a length where it was made before.
func TestWholeFiles(t *testing.T) {
	p := newPortal(t)
	text := strings.Repeat("0123456789abcde\n", 4<<10)
	// Where pages have no time at all, a file that arrives has time of its own.
	s := fileServer(t, p, time.Nanosecond, func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
	if _, body, err := ask(t, s, "/healthz", "HTTP/1.1"); err == nil {
		t.Fatalf("a page has time: %q", body)
	}
	for _, tt := range []struct {
		path, version, encoding string
		length                  int64
	}{
		{"/file.csv", "HTTP/1.1", "identity", -1}, {"/file.csv", "HTTP/1.0", "identity", int64(len(text))},
		{"/file.csv", "HTTP/1.0", "gzip, zstd", int64(len(text))}, {"/file.xlsx", "HTTP/1.1", "gzip, zstd", int64(len(text))},
	} {
		res, body, err := ask(t, s, tt.path, tt.version, "Accept-Encoding: "+tt.encoding)
		if err != nil || string(body) != text || res.ContentLength != tt.length || res.Header.Get("No-Gzip-Compression") != "" {
			t.Errorf("%s over %s: %d bytes of the length %v, %v", tt.path, tt.version, len(body), res.ContentLength, err)
		}
	}
}

// Files that are made in memory wait for each other, and not for ever.
func TestWorkbooksTakeTurns(t *testing.T) {
	p := newPortal(t)
	p.config.Deadline = 200 * time.Millisecond
	var mu sync.Mutex
	under, most := 0, 0
	full, proceed := make(chan bool, handlers.MostWholes), make(chan bool)
	s := fileServer(t, p, 0, func(w io.Writer) error {
		mu.Lock()
		under++
		most = max(most, under)
		mu.Unlock()
		full <- true
		<-proceed
		mu.Lock()
		under--
		mu.Unlock()
		_, err := io.WriteString(w, "made")
		return err
	})
	var wg sync.WaitGroup
	for range handlers.MostWholes {
		wg.Go(func() {
			if res, body, err := ask(t, s, "/file.xlsx", "HTTP/1.1"); err != nil || res.StatusCode != http.StatusOK || string(body) != "made" {
				t.Errorf("answers %v, %q, %v", res, body, err)
			}
		})
	}
	for range handlers.MostWholes {
		<-full
	}
	res, body, err := ask(t, s, "/file.xlsx", "HTTP/1.1")
	close(proceed)
	if err != nil || res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "5" {
		t.Errorf("one too many is answered %v, %q, %v", res, body, err)
	}
	wg.Wait()
	if most != handlers.MostWholes {
		t.Errorf("%d were made at a time", most)
	}
}

// Who does not wait for the rest of a file is no fault of the portal's.
func TestWhoHangsUp(t *testing.T) {
	p := newPortal(t)
	gone := make(chan bool)
	s := fileServer(t, p, 0, func(w io.Writer) error {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				close(gone)
				return err
			}
		}
	})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /file.csv HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, conn, 1000); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	<-gone
	s.Close() // waits for the log
	if log := p.log.String(); !strings.Contains(log, "level=INFO msg=request method=GET route=/file") || strings.Contains(log, "level=ERROR") {
		t.Errorf("it is logged as\n%s", log)
	}
}
