package meetings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Version is what an update replaces of a meeting, as it was at one time.
type Version struct {
	Subject          string    `json:"subject"`
	Start            time.Time `json:"start"` // UTC, whole minutes; zero without a date
	Minutes          int       `json:"minutes"`
	Type             string    `json:"type"`
	PasswordRequired bool      `json:"password"`
	Audio            string    `json:"audio"`
	AudioText        string    `json:"audio_text"` // only with AudioCustom
	DialIn           string    `json:"dial_in"`    // how a change of the audio elsewhere shows; "" in what was typed
	CoOrganizerKeys  []string  `json:"keys"`
}

// maxDialIn bounds how much of the dial-in text goes through a form.
const maxDialIn = 4000

// Version is the meeting as a form starts from it.
func (m Meeting) Version() Version {
	return Version{
		Subject: strings.Join(strings.Fields(m.Subject), " "), Start: m.Start.UTC().Truncate(time.Minute), Minutes: int(m.Length().Minutes()),
		Type: m.Type, PasswordRequired: m.PasswordRequired, Audio: m.Audio, AudioText: m.AudioText,
		DialIn: clip(m.DialIn, maxDialIn), CoOrganizerKeys: m.CoOrganizerKeys(),
	}
}

func (p Plan) version() Version {
	v := Version{
		Subject: p.Subject, Start: p.Start, Minutes: int(p.End.Sub(p.Start).Minutes()), Type: p.Type, PasswordRequired: p.PasswordRequired,
		Audio: p.Audio, AudioText: p.AudioText, CoOrganizerKeys: p.CoOrganizerKeys,
	}
	if p.Anytime {
		v.Start = time.Time{}
	}
	return v
}

// Draft is the version as the form shows it, in loc.
func (v Version) Draft(loc *time.Location) Draft {
	d := Draft{
		Subject: v.Subject, TimeZone: loc.String(), Type: v.Type, PasswordRequired: v.PasswordRequired,
		Audio: v.Audio, AudioText: v.AudioText, CoOrganizerKeys: v.CoOrganizerKeys,
	}
	if v.Minutes > 0 {
		d.Duration = strconv.Itoa(v.Minutes)
	}
	if v.Start.IsZero() {
		return d
	}
	start := v.Start.In(loc)
	d.StartDate, d.StartTime = start.Format(time.DateOnly), start.Format("15:04")
	w := Wall{start.Year(), start.Month(), start.Day(), start.Hour(), start.Minute()}
	if at, _ := w.instants(loc); len(at) == 2 {
		d.Fold = "first"
		if at[1].Equal(v.Start) {
			d.Fold = "second"
		}
	}
	return d
}

// Change is a meeting that was changed in two places since it was read.
type Change struct {
	Read, Mine, Now, Merged Version
	// Fields are the form's names of what Mine and Now differ in, in the form's
	// order.
	Fields []string
	// Asks is set when somebody has to look: something was changed elsewhere,
	// and not to what Mine has. Co-organizers alone need nobody: whoever was
	// added anywhere is in, whoever was taken off is out.
	Asks bool
}

// Merge reconciles mine with now, both made from read: what was changed in one
// place only is taken from there, what was changed in both is mine, and of the
// co-organizers those stay that neither took away.
func Merge(read, mine, now Version) Change {
	if now.DialIn != read.DialIn && now.Audio == read.Audio && now.AudioText == read.AudioText {
		// Not through the portal, which remembers an option that is no more.
		now.Audio, now.AudioText = inferAudio(now.DialIn)
	}
	c := Change{Read: read, Mine: mine, Now: now, Merged: mine}
	m := &c.Merged
	m.Subject = pick(&c, "subject", read.Subject, mine.Subject, now.Subject)
	if mine.Type != Recurring || now.Type != Recurring { // GoTo says nothing of a room's times
		m.Start = time.Unix(pick(&c, "start_date", read.Start.Unix(), mine.Start.Unix(), now.Start.Unix()), 0).UTC()
		m.Minutes = pick(&c, "duration", read.Minutes, mine.Minutes, now.Minutes)
	}
	m.Type = pick(&c, "meeting_type", read.Type, mine.Type, now.Type)

	type audio struct{ option, text, dialIn string }
	were, are := audio{read.Audio, read.AudioText, read.DialIn}, audio{now.Audio, now.AudioText, now.DialIn}
	want := audio{mine.Audio, mine.AudioText, read.DialIn}
	if want != were && want.option == are.option && want.text == are.text {
		want.dialIn = are.dialIn // the same choice in both places
	}
	heard := pick(&c, "audio", were, want, are)
	m.Audio, m.AudioText = heard.option, heard.text

	m.PasswordRequired = pick(&c, "password_required", read.PasswordRequired, mine.PasswordRequired, now.PasswordRequired)
	m.CoOrganizerKeys = mergeKeys(read.CoOrganizerKeys, mine.CoOrganizerKeys, now.CoOrganizerKeys)
	if !sameKeys(mine.CoOrganizerKeys, now.CoOrganizerKeys) {
		c.Fields = append(c.Fields, "co_organizer_keys")
	}
	return c
}

// pick is the three-way merge of one field.
func pick[T comparable](c *Change, field string, read, mine, now T) T {
	if mine == now {
		return mine
	}
	c.Fields = append(c.Fields, field)
	if now == read {
		return mine
	}
	c.Asks = true
	if mine == read {
		return now
	}
	return mine
}

func mergeKeys(read, mine, now []string) []string {
	var keys []string
	for _, key := range mine {
		if slices.Contains(now, key) || !slices.Contains(read, key) {
			keys = append(keys, key)
		}
	}
	for _, key := range now {
		if !slices.Contains(read, key) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func sameKeys(a, b []string) bool {
	outside := func(in []string) func(string) bool { return func(key string) bool { return !slices.Contains(in, key) } }
	return !slices.ContainsFunc(a, outside(b)) && !slices.ContainsFunc(b, outside(a))
}

// ErrForgotten: the portal's own memory of the meeting could not be read, and
// saving without it would change the audio.
var ErrForgotten = errors.New("what is remembered of the meeting could not be read")

// ChangedError says that nothing was saved, because the meeting was changed
// elsewhere since it was read.
type ChangedError struct {
	Change
	Live Meeting // the meeting as it is now
}

func (e *ChangedError) Error() string {
	return "the meeting was changed elsewhere: " + strings.Join(e.Fields, ", ")
}

// Update replaces the meeting at GoTo with p. When it is no longer what was
// read, the error is a *ChangedError and nothing is replaced; co-organizers that
// were added or taken off elsewhere are no such reason. A nil read means that p
// is the whole truth. When the caller is having it deleted, the error is a
// *GoingError.
func (s *Service) Update(ctx context.Context, c Caller, id string, p Plan, read *Version) error {
	if err := s.notGoing(ctx, c, id); err != nil {
		return err
	}
	if read != nil {
		live, err := s.GetOwn(ctx, c, id)
		switch {
		case err != nil:
			return fmt.Errorf("before the update: %w", err)
		case live.Forgotten:
			return ErrForgotten
		}
		change := Merge(*read, p.version(), live.Version())
		if change.Asks {
			return &ChangedError{change, live}
		}
		p.CoOrganizerKeys = change.Merged.CoOrganizerKeys
	}
	err := s.goTo.Update(ctx, c.Tokens, id, p.request(c))
	s.record(ctx, c, DeedUpdate, id, p.Subject, err)
	if err != nil {
		return fmt.Errorf("updating meeting: %w", err)
	}
	s.remember(ctx, c, Remembered{MeetingID: id, Audio: p.Audio, AudioText: p.AudioText})
	s.meet(ctx, c, p.CoOrganizerKeys)
	return nil
}
