package gotomeeting

import (
	"bytes"
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
func eachElement(r io.Reader, total int64, f func(element []byte) error) error {
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
		if err := f(element); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return unexpectedEnd(err)
	}
	advance()
	return noMore(d)
}

// loneObject reads the rest of an object whose brace the decoder has taken.
func loneObject(d *json.Decoder, g *gate, f func([]byte) error) error {
	rest, err := io.ReadAll(io.MultiReader(bytes.NewReader([]byte{'{'}), d.Buffered(), g))
	if err != nil {
		return err
	}
	if !json.Valid(rest) {
		return fmt.Errorf("lone object: %w", errShape)
	}
	return f(rest)
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

// list returns a call's reader that turns each wire element W into a T.
func list[W, T any](into *[]T, convert func(*W) (T, error)) func(io.Reader) error {
	return func(r io.Reader) error {
		*into = nil // a second try starts over
		return eachElement(r, maxList, func(element []byte) error {
			var w W
			if err := json.Unmarshal(element, &w); err != nil {
				return err
			}
			t, err := convert(&w)
			if err != nil {
				return err
			}
			*into = append(*into, t)
			return nil
		})
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
