package gotomeeting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	maxBody    = 8 << 20   // an answer that is one object
	maxList    = 128 << 20 // a list in all
	maxElement = 64 << 10  // one element of a list
)

var (
	errTooBig   = errors.New("answer is larger than we read")
	errEmpty    = errors.New("answer is empty")
	errNoID     = errors.New("element carries no id")
	errTrailing = errors.New("answer goes on after its end")
)

// gate hands out bytes up to a limit that its user moves on.
type gate struct {
	from  io.Reader
	read  int64
	limit int64
}

func (g *gate) Read(p []byte) (int, error) {
	if g.read >= g.limit {
		return 0, errTooBig
	}
	if int64(len(p)) > g.limit-g.read {
		p = p[:g.limit-g.read]
	}
	n, err := g.from.Read(p)
	g.read += int64(n)
	return n, err
}

// eachElement calls f with every element of a list of at most total bytes,
// holding one at a time.
// GoTo's lists are bare arrays without paging, so that a whole history comes
// in one answer. null is an empty list, a lone object is a list of one. An
// empty body is none: it is an answer that was lost.
func eachElement(r io.Reader, total int64, f func(element []byte)) error {
	g := &gate{from: r, limit: maxElement}
	d := json.NewDecoder(g)
	// The decoder asks for more only while what it works on is incomplete: so
	// the gate closes on an element that is too big, before it is held.
	advance := func() { g.limit = min(d.InputOffset()+maxElement, total) }

	start, err := d.Token()
	if err != nil {
		return unexpectedEnd(err)
	}
	switch start {
	case nil:
		return noMore(d)
	case json.Delim('['):
	case json.Delim('{'):
		return loneObject(d, g, f)
	default:
		return errShape
	}
	for {
		advance()
		if !d.More() {
			break
		}
		var element json.RawMessage
		if err := d.Decode(&element); err != nil {
			return unexpectedEnd(err)
		}
		if string(element) == "null" {
			continue
		}
		f(element)
	}
	if _, err := d.Token(); err != nil {
		return unexpectedEnd(err)
	}
	advance()
	return noMore(d)
}

// loneObject reads the rest of an object whose brace the decoder has taken.
func loneObject(d *json.Decoder, g *gate, f func([]byte)) error {
	rest, err := io.ReadAll(io.MultiReader(bytes.NewReader([]byte{'{'}), d.Buffered(), g))
	if err != nil {
		return err
	}
	if !json.Valid(rest) {
		return fmt.Errorf("lone object: %w", errShape)
	}
	f(rest)
	return nil
}

func noMore(d *json.Decoder) error {
	_, err := d.Token()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errTrailing
}

// unexpectedEnd marks the end of the input before a list's.
func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// rows turns wire elements W into Ts. One that cannot be read is left out: one
// odd row must not hide the others.
type rows[W, T any] struct {
	convert func(*W) (T, error)
	got     []T
	odd     int
	cause   error // of the first odd one
}

func (r *rows[W, T]) add(element []byte) {
	var w W
	var t T
	err := json.Unmarshal(element, &w)
	if err == nil {
		t, err = r.convert(&w)
	}
	if err == nil {
		r.got = append(r.got, t)
		return
	}
	if r.odd++; r.odd == 1 {
		r.cause = err
	}
}

// all returns what could be read and tells leftOut how many rows could not. When
// none could, it was no list of such rows.
func (r *rows[W, T]) all(leftOut func(rows int)) ([]T, error) {
	switch {
	case r.odd > 0 && len(r.got) == 0:
		return nil, r.cause
	case r.odd > 0:
		leftOut(r.odd)
	}
	return r.got, nil
}

// list returns a call's reader that turns each wire element W into a T.
func list[W, T any](into *[]T, convert func(*W) (T, error), leftOut func(rows int)) func(io.Reader) error {
	return func(body io.Reader) error {
		r := rows[W, T]{convert: convert}
		err := eachElement(body, maxList, r.add)
		if err == nil {
			*into, err = r.all(leftOut)
		}
		return err
	}
}

// leftOut returns what logs how many rows of a call's answer could not be read.
func (c *Client) leftOut(ctx context.Context, k *call) func(rows int) {
	return func(rows int) {
		c.log.WarnContext(ctx, "goto rows left out", "api", k.api, "op", k.op, "rows", rows)
	}
}

// object returns a call's reader for one W: an object, or, as GoTo does for
// some single reads, an array of one.
func object[W any](into *W) func(io.Reader) error {
	return func(r io.Reader) error {
		body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
		if err != nil {
			return err
		}
		if len(body) > maxBody {
			return errTooBig
		}
		body = bytes.TrimSpace(body)
		if len(body) == 0 {
			return io.ErrUnexpectedEOF // no answer, as opposed to an answer that there is nothing
		}
		if string(body) == "null" {
			return errEmpty
		}
		var zero W
		*into = zero
		if body[0] != '[' {
			return json.Unmarshal(body, into)
		}
		var elements []json.RawMessage
		if err := json.Unmarshal(body, &elements); err != nil {
			return err
		}
		if len(elements) == 0 || string(elements[0]) == "null" {
			return errEmpty
		}
		return json.Unmarshal(elements[0], into)
	}
}
