package handlers_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// A page goes out compressed to whom can read it so, and is the same page.
func TestCompression(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	b := p.connected("ada")
	as := func(path, accept string) (http.Header, []byte) {
		t.Helper()
		a := b.get(path, "Accept-Encoding", accept) // asked for by hand, it is not opened by the client
		if a.StatusCode != http.StatusOK || a.Header.Get("Vary") == "" {
			t.Fatalf("%s as %q: %d, Vary %q", path, accept, a.StatusCode, a.Header.Values("Vary"))
		}
		return a.Header, []byte(a.body)
	}
	for _, path := range []string{"/meetings.csv", "/meetings.json", "/meetings.ics"} {
		_, plain := as(path, "identity")
		zipped, body := as(path, "gzip")
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatalf("%s, %v: %v", path, zipped, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s by gzip differs: %v", path, err)
		}
		header, body := as(path, "gzip, deflate, br, zstd")
		z, err := zstd.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s, %s: %v", path, header.Get("Content-Encoding"), err)
		}
		z.Close()
	}
	header, body := as("/meetings", "zstd")
	if _, whole := as("/meetings", "identity"); header.Get("Content-Encoding") != "zstd" || len(body) > len(whole)/4 {
		t.Errorf("a page of %d bytes goes out as %d, %q", len(whole), len(body), header.Get("Content-Encoding"))
	}
	for _, path := range []string{"/meetings.xlsx", "/healthz"} {
		if a := b.get(path, "Accept-Encoding", "zstd, gzip"); a.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %q", path, a.Header.Get("Content-Encoding"))
		}
	}
}
