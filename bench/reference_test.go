package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"os"
	"strings"

	"golang.org/x/net/html"
)

// captured is a page of the portal's as it went over the wire.
type captured struct {
	Header http.Header
	Body   []byte
}

// serveReference serves a captured page: "raw" writes its bytes, "template"
// makes its rows with html/template first.
func serveReference(kind, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var page captured
	if err := json.Unmarshal(b, &page); err != nil {
		return err
	}
	for _, own := range []string{"Date", "Content-Length"} {
		page.Header.Del(own)
	}
	body := func() ([]byte, error) { return page.Body, nil }
	switch kind {
	case "raw":
	case "template":
		if body, err = templated(page.Body); err != nil {
			return err
		}
	default:
		return fmt.Errorf("no reference %q", kind)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // #nosec G114 -- a test's own
		page, err2 := page, error(nil)
		var text []byte
		if text, err2 = body(); err2 != nil {
			http.Error(w, err2.Error(), http.StatusInternalServerError)
			return
		}
		h := w.Header()
		for k, v := range page.Header {
			h[k] = v
		}
		h["Content-Length"] = []string{fmt.Sprint(len(text))}
		_, _ = w.Write(text)
	}))
}

// templated makes the habit: each row of the page through html/template, with
// its texts and the values of its attributes as data. Rows of one shape share a
// template; what is around them is written as it is.
func templated(page []byte) (func() ([]byte, error), error) {
	type row struct {
		shape  *template.Template
		values []string
	}
	shapes := map[string]*template.Template{}
	var parts []any // []byte or row
	rest := page
	for {
		at := bytes.Index(rest, []byte("<li"))
		if at < 0 {
			break
		}
		end := bytes.Index(rest[at:], []byte("</li>"))
		if end < 0 {
			return nil, errors.New("a row does not end")
		}
		end += at + len("</li>")
		shape, values, err := dissect(rest[at:end])
		if err != nil {
			return nil, err
		}
		if shapes[shape] == nil {
			if shapes[shape], err = template.New("").Parse(shape); err != nil {
				return nil, err
			}
		}
		parts = append(parts, rest[:at], row{shapes[shape], values})
		rest = rest[end:]
	}
	parts = append(parts, rest)
	if len(parts) < 20 {
		return nil, fmt.Errorf("only %d rows in the page", len(parts)/2)
	}
	make := func() ([]byte, error) {
		var b bytes.Buffer
		for _, p := range parts {
			switch p := p.(type) {
			case []byte:
				b.Write(p)
			case row:
				if err := p.shape.Execute(&b, p.values); err != nil {
					return nil, err
				}
			}
		}
		return b.Bytes(), nil
	}
	made, err := make()
	if err != nil {
		return nil, err
	}
	if got, want := len(made), len(page); got < want*95/100 || got > want*105/100 {
		return nil, fmt.Errorf("the template makes %d bytes of a page of %d", got, want)
	}
	return make, nil
}

// dissect turns a row into a template and its data.
func dissect(row []byte) (shape string, values []string, err error) {
	var b strings.Builder
	field := func(v string) {
		fmt.Fprintf(&b, "{{index . %d}}", len(values))
		values = append(values, v)
	}
	z := html.NewTokenizer(bytes.NewReader(row))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String(), values, nil
		case html.TextToken:
			t := string(z.Text())
			if strings.TrimSpace(t) == "" {
				b.WriteString(t)
				continue
			}
			field(html.UnescapeString(t))
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			b.WriteString("<" + t.Data)
			for _, a := range t.Attr {
				b.WriteString(" " + a.Key + `="`)
				if a.Key == "class" || strings.HasPrefix(a.Key, "hx-") || a.Key == "type" || a.Key == "method" || a.Key == "d" || a.Key == "viewbox" {
					b.WriteString(html.EscapeString(a.Val))
				} else {
					field(a.Val)
				}
				b.WriteString(`"`)
			}
			b.WriteString(">")
		case html.EndTagToken:
			b.WriteString(z.Token().String())
		case html.CommentToken, html.DoctypeToken:
		}
	}
}
