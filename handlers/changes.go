package handlers

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/meetings"
	"portal/views"
)

// writeRead writes what an edit form starts from, for the form to carry along.
func writeRead(m meetings.Meeting) (string, error) {
	text, err := json.Marshal(m.Version())
	if err != nil {
		return "", fmt.Errorf("write what the form starts from: %w", err)
	}
	return string(text), nil
}

// readVersion reads what a form started from. Nil when it does not say; when
// it cannot be read nothing is known, so that all that differs is shown.
func readVersion(text string) *meetings.Version {
	if text == "" {
		return nil
	}
	var v meetings.Version
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return &meetings.Version{}
	}
	return &v
}

// showChanges shows the form with both sides' changes in it and, above it, what
// they differ in. The next save starts from what GoTo has now.
func (s *server) showChanges(c echo.Context, f form, e *meetings.ChangedError) error {
	loc, err := time.LoadLocation(f.draft.TimeZone)
	if err != nil {
		return err
	}
	if f.read, err = writeRead(e.Live); err != nil {
		return err
	}
	f.draft, f.note = e.Merged.Draft(loc), audioNote(e.Live)
	for _, field := range e.Fields {
		show := changeFields[field]
		mine, now, read := show.cell(e.Mine, loc), show.cell(e.Now, loc), show.cell(e.Read, loc)
		if e.Read.Type == "" { // the form did not say
			read = "not known"
		}
		change := views.Change{Field: show.label, Mine: mine, Now: now, Read: read}
		if field != "co_organizer_keys" { // merged of both
			change.TakesMine = show.cell(e.Merged, loc) == mine
			change.TakesNow = !change.TakesMine
		}
		f.changes = append(f.changes, change)
	}
	f.problems = []meetings.Problem{{Field: "changes", Text: "This meeting was changed at GoTo after you opened the form, so nothing is saved yet: fields that you left alone now have GoTo's values, fields that you changed have yours. Look at them, and save again"}}
	return s.showForm(c, http.StatusUnprocessableEntity, f)
}

// showGone offers what was typed as a new meeting.
func (s *server) showGone(c echo.Context, f form) error {
	gone := form{formID: rand.Text(), draft: f.draft, gone: true}
	gone.problems = []meetings.Problem{{Field: "meeting", Text: "GoTo knows no meeting " + meetings.GroupID(f.id) + " of yours any more: it was deleted while you were editing. What you typed is kept; as a new meeting it gets another id and join link"}}
	return s.showForm(c, http.StatusNotFound, gone)
}

// changeField says how a field that was changed in two places is shown.
type changeField struct {
	label string
	cell  func(v meetings.Version, loc *time.Location) string
}

var changeFields = map[string]changeField{
	"subject": {"Subject", func(v meetings.Version, _ *time.Location) string { return v.Subject }},
	"start_date": {"Start", func(v meetings.Version, loc *time.Location) string {
		if v.Start.IsZero() {
			return "no date"
		}
		return v.Start.In(loc).Format("Mon 2 Jan 2006, 15:04") + " " + meetings.ZoneLabel(loc, v.Start)
	}},
	"duration":     {"Length", func(v meetings.Version, _ *time.Location) string { return length(v.Minutes) }},
	"meeting_type": {"Type", func(v meetings.Version, _ *time.Location) string { return typeName(v.Type) }},
	"audio": {"Audio", func(v meetings.Version, _ *time.Location) string {
		lines := []string{audioNames[v.Audio], v.AudioText, v.DialIn}
		return strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n")
	}},
	"password_required": {"Password", func(v meetings.Version, _ *time.Location) string {
		if v.PasswordRequired {
			return "asked for"
		}
		return "none"
	}},
	"co_organizer_keys": {"Co-organizers", func(v meetings.Version, _ *time.Location) string {
		return cmp.Or(strings.Join(slices.Sorted(slices.Values(v.CoOrganizerKeys)), "\n"), "none")
	}},
}
