package gotomeeting

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// The types here read GoTo's scalars in every form that it has been seen to
// use. All of them take null, "" and a missing key for "not told", and leave
// an earlier value alone then, since one object can carry the same key in two
// casings.

var errShape = errors.New("json value of the wrong type")

// scalar returns a JSON string's text, or the literal of a number or boolean;
// "" for null.
func scalar(raw []byte) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case '{', '[':
		return "", errShape
	}
	return string(raw), nil
}

// text is a string, whatever scalar it came as.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	s, err := scalar(raw)
	if err == nil && s != "" {
		*t = text(s)
	}
	return err
}

// ident is an id or key: a string or a number of up to 19 digits.
type ident string

func (i *ident) UnmarshalJSON(raw []byte) error {
	s, err := scalar(raw)
	if err != nil {
		return err
	}
	s = strings.TrimSpace(s)
	if bare := strings.ReplaceAll(s, "-", ""); digits(bare) {
		s = bare // dashed, as people read meeting ids out
	}
	if s != "" && s != "0" {
		*i = ident(s)
	}
	return nil
}

// texts is a list of strings; null, "" and a lone scalar are taken too.
type texts []string

func (t *texts) UnmarshalJSON(raw []byte) error {
	if len(raw) == 0 || raw[0] != '[' {
		s, err := scalar(raw)
		if err == nil && s != "" {
			*t = texts{s}
		}
		return err
	}
	var elements []text
	if err := json.Unmarshal(raw, &elements); err != nil {
		return err
	}
	list := make(texts, 0, len(elements))
	for _, e := range elements {
		if e != "" {
			list = append(list, string(e))
		}
	}
	*t = list
	return nil
}

// number is a count: a number, or a string that holds one. A string that does
// not (GoTo writes "NA" in places) counts as not told.
type number int64

func (n *number) UnmarshalJSON(raw []byte) error {
	s, err := scalar(raw)
	if err != nil {
		return err
	}
	s = strings.TrimSpace(s)
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		*n = number(v)
	} else if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1<<53 {
		*n = number(f)
	}
	return nil
}

// count is a number that fits an int and is not negative.
func (n number) count() int { return int(min(max(n, 0), math.MaxInt32)) }

// minutes is a number of minutes as a duration, never negative, and at most a
// century, so that no sum of it overflows.
func (n number) minutes() time.Duration {
	const century = 100 * 366 * 24 * 60
	return time.Duration(min(max(n, 0), century)) * time.Minute
}

// boolean is a boolean, or a string or number that means one.
type boolean bool

func (f *boolean) UnmarshalJSON(raw []byte) error {
	s, err := scalar(raw)
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "":
	case "true", "1", "yes":
		*f = true
	default:
		*f = false
	}
	return nil
}

// instant is a point in time. What cannot be read as one counts as not told:
// one odd row must not hide the others.
type instant struct{ time.Time }

func (i *instant) UnmarshalJSON(raw []byte) error {
	s, err := scalar(raw)
	if err != nil {
		return err
	}
	if t, ok := parseTime(s); ok {
		i.Time = t
	}
	return nil
}

// lastMilli is the end of the year 9999.
const lastMilli = 253402300799999

var timeLayouts = [...]string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04Z0700",
	"2006-01-02T15:04",
	"2006-01-02",
}

// parseTime reads GoTo's times: "2015-02-17T00:10:33.+0000" with its dot and
// no digits behind it, plain ISO 8601 with and without fraction and offset
// (UTC when there is none), and epoch milliseconds. It reports false for
// anything else, and for the epoch itself, which stands for "not set".
func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if milli, err := strconv.ParseInt(s, 10, 64); err == nil {
		if milli > 0 && milli < 1e11 {
			milli *= 1000 // seconds; as milliseconds it would be before 1974
		}
		if milli <= 0 || milli > lastMilli {
			return time.Time{}, false
		}
		return time.UnixMilli(milli).UTC(), true
	}
	s = strings.NewReplacer(".+", "+", ".-", "-", ".Z", "Z", ".z", "Z").Replace(s)
	s = strings.TrimSuffix(s, ".")
	if len(s) > 10 && (s[10] == ' ' || s[10] == 't') {
		s = s[:10] + "T" + s[11:]
	}
	for _, layout := range timeLayouts {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		t = t.UTC()
		return t, t.Year() >= 1 && t.Year() <= 9999 && !t.IsZero()
	}
	return time.Time{}, false
}
