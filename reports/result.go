package reports

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"portal/attendance"
	"portal/meetings"
)

const (
	resultColumn = "result"
	resultSchema = 1
	// mostBytes bounds a result, unpacked.
	mostBytes = 64 << 20
)

// Result is what a report read: sessions and the joins into them, whatever
// anybody decides about who is who. It is kept as it is here, so names stand in
// it once and times are milliseconds, 0 for one that is not known.
type Result struct {
	Schema     int               `json:"schema"`
	Taken      time.Time         `json:"taken"` // UTC
	Organizers []meetings.Person `json:"organizers"`
	Names      [][2]string       `json:"names"` // of who came, with their e-mails
	Sessions   []packed          `json:"sessions"`
	Joins      int               `json:"joins"`
	Strays     int               `json:"strays"` // occurrences that GoTo's history does not know

	index map[[2]string]int
}

// packed is a session. Who, In and Out belong together.
type packed struct {
	Organizer int     `json:"o"`
	Meeting   string  `json:"m"`
	Session   string  `json:"s"`
	Subject   string  `json:"t"`
	Type      string  `json:"y"`
	Start     int64   `json:"b"`
	End       int64   `json:"e"`
	Minutes   int     `json:"l"`
	Told      int     `json:"n"`
	Instance  string  `json:"k,omitempty"`
	From      int64   `json:"f,omitempty"` // of the occurrence
	To        int64   `json:"u,omitempty"`
	Who       []int   `json:"w,omitempty"`
	In        []int64 `json:"i,omitempty"`
	Out       []int64 `json:"q,omitempty"`
}

// add takes an organizer in; false when that is too much.
func (r *Result) add(who meetings.Person, sessions []session, strays int) bool {
	if r.index == nil {
		r.index = map[[2]string]int{}
	}
	at := len(r.Organizers)
	r.Organizers = append(r.Organizers, who)
	r.Strays += strays
	for _, s := range sessions {
		p := packed{
			Organizer: at, Meeting: s.MeetingID, Session: s.SessionID, Subject: s.Subject, Type: s.Type,
			Start: millis(s.Start), End: millis(s.End), Minutes: s.Minutes, Told: s.Attendees,
			Instance: s.came.InstanceKey, From: millis(s.came.Start), To: millis(s.came.End),
		}
		for _, j := range s.came.Joins {
			name := [2]string{j.Name, j.Email}
			n, known := r.index[name]
			if !known {
				n = len(r.Names)
				r.index[name] = n
				r.Names = append(r.Names, name)
			}
			p.Who, p.In, p.Out = append(p.Who, n), append(p.In, millis(j.Joined)), append(p.Out, millis(j.Left))
		}
		r.Joins += len(p.Who)
		r.Sessions = append(r.Sessions, p)
	}
	return r.Joins+len(r.Sessions) <= MostJoins
}

// occurrence is who came to a session.
func (r *Result) occurrence(p packed) attendance.Occurrence {
	o := attendance.Occurrence{InstanceKey: p.Instance, Start: moment(p.From), End: moment(p.To), Joins: make([]attendance.Join, len(p.Who))}
	for i, n := range p.Who {
		o.Joins[i] = attendance.Join{
			Name: r.Names[n][0], Email: r.Names[n][1], Joined: moment(p.In[i]), Left: moment(p.Out[i]), InstanceKey: p.Instance, Start: o.Start, End: o.End,
		}
	}
	return o
}

// fits tells whether the numbers in r stand for something.
func (r *Result) fits() bool {
	for _, p := range r.Sessions {
		if p.Organizer < 0 || p.Organizer >= len(r.Organizers) || len(p.In) != len(p.Who) || len(p.Out) != len(p.Who) {
			return false
		}
		for _, n := range p.Who {
			if n < 0 || n >= len(r.Names) {
				return false
			}
		}
	}
	return r.Schema == resultSchema
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// seal packs and seals a result for the row of that id.
func (s *Service) seal(id string, r Result) (keyID string, sealed []byte, err error) {
	r.Schema = resultSchema
	text, err := json.Marshal(r)
	if err == nil && len(text) > mostBytes {
		err = errTooMuch // it could not be opened
	}
	if err != nil {
		return "", nil, fmt.Errorf("packing a report: %w", err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(text)
	if err := errors.Join(err, z.Close()); err != nil {
		return "", nil, fmt.Errorf("packing a report: %w", err)
	}
	return s.cfg.Vault.Seal(resultColumn, id, b.Bytes())
}

func (s *Service) open(row Row) (*Result, error) {
	plain, err := s.cfg.Vault.Open(resultColumn, row.ID, row.KeyID, row.Result)
	if err != nil {
		return nil, fmt.Errorf("opening a report: %w", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(plain))
	if err != nil {
		return nil, fmt.Errorf("unpacking a report: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(z, mostBytes))
	if err != nil {
		return nil, fmt.Errorf("unpacking a report: %w", err)
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("unpacking a report: %w", err)
	}
	if !r.fits() {
		return nil, fmt.Errorf("unpacking a report: schema %d does not fit", r.Schema)
	}
	return &r, nil
}

// reseal seals a result with the first key. One whose key is not here stays:
// another replica may have it.
func (s *Service) reseal(ctx context.Context, row Row) error {
	from := row.KeyID
	row, found, err := s.cfg.Store.Report(ctx, row.ID)
	if err != nil || !found {
		return err
	}
	plain, err := s.cfg.Vault.Open(resultColumn, row.ID, row.KeyID, row.Result)
	if err != nil {
		s.cfg.Log.WarnContext(ctx, "a report was sealed with another session key", "report", row.ID)
		return nil
	}
	if row.KeyID, row.Result, err = s.cfg.Vault.Seal(resultColumn, row.ID, plain); err != nil {
		return err
	}
	return s.cfg.Store.ResealReport(ctx, row, from)
}
