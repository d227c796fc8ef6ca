package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Kinds of ledger lines.
const (
	opMeeting = "meeting" // create, update, start
	opDelete  = "delete"
	opEnd     = "end"   // a run ended: its session and the meeting after it
	opErase   = "erase" // part of a session
	opUser    = "user"
	opRemove  = "remove" // a user
)

// event is one line: what is afterwards, not what was asked, so that replay
// needs no rules.
type event struct {
	At      time.Time `json:"at"`
	Op      string    `json:"op"`
	ID      string    `json:"id,omitempty"`
	Part    string    `json:"part,omitempty"` // of erase: session, attendees, recordings
	Created bool      `json:"created,omitempty"`
	Meeting *meeting  `json:"meeting,omitempty"`
	Session *session  `json:"session,omitempty"`
	User    *user     `json:"user,omitempty"`
}

// record applies a change and appends it to the ledger. A ledger that cannot
// be written is logged and does not fail the call: the sandbox is for trying.
func (s *Sandbox) record(e event) {
	e.At = s.now()
	s.model.apply(e)
	if s.ledger == nil {
		return
	}
	line, err := json.Marshal(e)
	if err == nil {
		_, err = s.ledger.Write(append(line, '\n'))
	}
	if err != nil {
		s.log.Error("sandbox ledger not written", "error", err)
	}
}

func (m *model) apply(e event) {
	switch e.Op {
	case opMeeting:
		m.meetings[e.Meeting.ID] = e.Meeting
	case opDelete:
		if mt := m.meetings[e.ID]; mt != nil {
			mt.Gone, mt.Running = true, time.Time{}
		}
	case opEnd:
		m.meetings[e.Meeting.ID] = e.Meeting
		m.sessions[e.Session.ID] = e.Session
	case opErase:
		m.erase(e.ID, e.Part)
	case opUser:
		m.users[e.User.Key] = e.User
	case opRemove:
		delete(m.users, e.ID)
	}
}

func (m *model) erase(id, part string) {
	m.erased[id] = append(m.erased[id], part)
	if x := m.sessions[id]; x != nil {
		m.strip(x)
	}
}

// strip takes from a session what was erased of it.
func (m *model) strip(x *session) {
	for _, part := range m.erased[x.ID] {
		switch part {
		case "attendees":
			x.Joins = nil
		case "recordings":
			x.Recording = nil
		default:
			x.Joins, x.Recording, x.Gone = nil, nil, true
		}
	}
}

// openLedger replays the file, cuts a torn last line off and leaves it open
// for appending.
func (s *Sandbox) openLedger(path string) error {
	text, err := os.ReadFile(path) // #nosec G304 -- the operator names the file
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read sandbox ledger: %w", err)
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	for n, line := range bytes.Split(text[:whole], []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("sandbox ledger %s line %d: %w", path, n+1, err)
		}
		if !e.valid() {
			return fmt.Errorf("sandbox ledger %s line %d: incomplete %q", path, n+1, e.Op)
		}
		s.model.apply(e)
		switch {
		case e.Created:
			s.model.made++
			s.counts.created++
		case e.Op == opEnd:
			s.model.ended++
		case e.Op == opUser:
			s.model.invites++
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // #nosec G304 -- the operator names the file
	if err != nil {
		return fmt.Errorf("open sandbox ledger: %w", err)
	}
	err = f.Truncate(int64(whole))
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("open sandbox ledger: %w", err)
	}
	s.ledger = f
	return nil
}

func (e event) valid() bool {
	switch e.Op {
	case opMeeting:
		return e.Meeting != nil
	case opEnd:
		return e.Meeting != nil && e.Session != nil
	case opUser:
		return e.User != nil
	}
	return e.ID != ""
}
