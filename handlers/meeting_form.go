package handlers

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/meetings"
	"portal/views"
)

// found bounds how many people the form's search shows.
const found = 10

func (s *server) newMeeting(c echo.Context) error {
	loc := zone(c)
	next := s.meetings.Now().In(loc).Add(time.Hour).Truncate(time.Hour)
	if _, offset := next.Zone(); offset%3600 != 0 {
		next = time.Date(next.Year(), next.Month(), next.Day(), next.Hour(), 0, 0, 0, loc)
	}
	d := meetings.Draft{
		StartDate: next.Format(time.DateOnly), StartTime: next.Format("15:04"), Duration: "60",
		TimeZone: loc.String(), Type: meetings.Scheduled, Audio: meetings.AudioHybrid,
	}
	// The calendar's links say when. What cannot be read is as good as nothing.
	if day, err := time.Parse(time.DateOnly, c.QueryParam("start_date")); err == nil && sane(day) {
		d.StartDate = day.Format(time.DateOnly)
	}
	if clock, err := time.Parse("15:04", c.QueryParam("start_time")); err == nil {
		d.StartTime = clock.Format("15:04")
	}
	return s.showForm(c, http.StatusOK, form{draft: d, formID: rand.Text()})
}

// form is a meeting form between request and page.
type form struct {
	id       string // "" for a new meeting
	formID   string // a new meeting's: sent twice, it makes one meeting
	draft    meetings.Draft
	read     string // what the form started from, as it carries it; "" for a new meeting
	gone     bool   // deleted elsewhere: what was typed can make a new meeting
	changes  []views.Change
	problems []meetings.Problem
	note     string // about audio
	person   string // whom to find
	found    []meetings.Person
	foundWhy string
	rows     int    // empty co-organizer rows to offer
	pressed  string // the button that changed the form without sending it: add, remove, find
	key      string // that it added or removed, "" for an empty row
	going    string // the held delete of the meeting, in the way
}

func (s *server) showForm(c echo.Context, status int, f form) error {
	now := s.meetings.Now()
	v := views.MeetingForm{
		ID: f.id, FormID: f.formID, Heading: "New meeting", Action: s.address("/meetings"), Submit: "Create meeting", Cancel: s.address("/meetings"),
		Subject: f.draft.Subject, StartDate: f.draft.StartDate, StartTime: f.draft.StartTime, Duration: f.draft.Duration,
		Zones: zoneOptions(f.draft.TimeZone, zone(c), now),
		Types: options(f.draft.Type, meetings.Scheduled, "Scheduled: one date", meetings.Recurring, "Room: any time, again and again", meetings.Immediate, "Immediate: now"),
		Audio: audioChoices(f.draft.Audio), AudioText: f.draft.AudioText, AudioNote: f.note, Password: f.draft.PasswordRequired,
		Read: f.read, Changes: f.changes, Person: f.person, FoundNote: f.foundWhy, Fold: f.draft.Fold, Going: f.going,
	}
	read := readVersion(f.read)
	if read != nil {
		v.DialIn = meetings.Plain(read.DialIn)
	}
	title := []string{"New meeting"}
	if f.id != "" {
		v.Heading, v.Submit = "Edit meeting", "Save changes"
		v.Action = s.address("/meetings/"+f.id, backTo, c.QueryParam(backTo))
		v.Cancel = v.Action
		title = []string{subject(f.draft.Subject), "Edit"}
	}
	if f.gone {
		v.Heading, v.Submit = "This meeting is gone", "Create it as a new meeting"
		title = []string{subject(f.draft.Subject), v.Heading}
	}
	for _, p := range f.problems {
		v.Problems = append(v.Problems, views.Problem(p))
		v.AskFold = v.AskFold || p.Field == "fold"
	}
	v.AskFold = v.AskFold || f.draft.Fold != ""
	for _, p := range f.found {
		v.Found = append(v.Found, views.Person(p))
	}
	s.keyRows(c, f, &v)
	for range max(f.rows, 1) {
		v.Keys = append(v.Keys, views.KeyRow{})
	}
	s.guide(c, f, &v)
	b := s.base(c, "meetings", title...)
	b.Wrong = len(f.problems) > 0
	return s.page(c, status, views.MeetingFormPage(b, v), views.CoOrganizers)
}

// keyRows shows the co-organizers one a row: keys that can be read with their
// names and, to admins, what is odd about them; what cannot be read as it was
// typed.
func (s *server) keyRows(c echo.Context, f form, v *views.MeetingForm) {
	ctx, who := c.Request().Context(), caller(c)
	keys, _ := meetings.ParseKeys(f.draft.CoOrganizerKeys)
	var odd meetings.OddKeys
	if f.pressed != "" || len(f.problems) > 0 { // an untouched form costs no call
		odd = s.meetings.OddKeys(ctx, who, keys)
	}
	names := map[string]meetings.Person{}
	for _, p := range s.meetings.Names(ctx, who, keys) {
		names[p.Key] = p
	}
	for _, typed := range f.draft.CoOrganizerKeys {
		keys, bad := meetings.ParseKeys([]string{typed})
		if len(bad) > 0 {
			v.Keys = append(v.Keys, views.KeyRow{Person: views.Person{Key: typed}, Bad: true})
			continue
		}
		for _, key := range keys {
			p, first := names[key]
			delete(names, key)
			switch {
			case !first:
			case key == who.UserKey:
				v.KeysNote = ownKeyLeftOut
			default:
				v.Keys = append(v.Keys, views.KeyRow{Person: views.Person(p), Odd: oddWord(odd, key)})
			}
		}
	}
}

func oddWord(odd meetings.OddKeys, key string) string {
	switch {
	case slices.Contains(odd.Strangers, key):
		return "not in your account"
	case slices.Contains(odd.Suspended, key):
		return "suspended"
	}
	return ""
}

// guide leads the keyboard to what a button of the co-organizers brought about,
// and says what that was.
func (s *server) guide(c echo.Context, f form, v *views.MeetingForm) {
	last := len(v.Keys) - 1
	at, who := last, "Row "+strconv.Itoa(last+1)
	if f.key != "" {
		who = s.meetings.Names(c.Request().Context(), caller(c), []string{f.key})[0].Label()
		if i := slices.IndexFunc(v.Keys, func(k views.KeyRow) bool { return k.Key == f.key }); i >= 0 {
			at = i
		}
	}
	v.Focus = "co_organizer_keys-" + strconv.Itoa(at)
	switch {
	case f.pressed == "add" && v.KeysNote != "":
		v.Announce = v.KeysNote
	case f.pressed == "add":
		v.Announce = who + " added"
	case f.pressed == "remove":
		v.Announce = who + " removed"
	case f.pressed == "find" && len(v.Found) == 0:
		v.Focus, v.Announce = "person", v.FoundNote
	case f.pressed == "find":
		v.Focus, v.Announce = "found-0", cmp.Or(v.FoundNote, count(len(v.Found), "person", "people")+" found")
	default:
		v.Focus = ""
	}
}

// ownKeyLeftOut says why a co-organizer is missing.
const ownKeyLeftOut = "You are the organizer anyway, so your own key is left out."

// noteKeys tells an organizer that the own key is no co-organizer's, and an
// admin when keys that the form did not start from are odd: they may be right
// all the same.
func (s *server) noteKeys(c echo.Context, p meetings.Plan, read *meetings.Version) {
	if slices.Contains(p.CoOrganizerKeys, caller(c).UserKey) {
		notify(c, auth.Info, ownKeyLeftOut)
	}
	added := slices.DeleteFunc(slices.Clone(p.CoOrganizerKeys), func(key string) bool { return read != nil && slices.Contains(read.CoOrganizerKeys, key) })
	odd := s.meetings.OddKeys(c.Request().Context(), caller(c), added)
	if n := len(odd.Strangers); n > 0 {
		notify(c, auth.Warning, count(n, "co-organizer is", "co-organizers are")+" not in your account. Check the keys that have no name below.")
	}
	if n := len(odd.Suspended); n > 0 {
		notify(c, auth.Warning, count(n, "co-organizer is", "co-organizers are")+" suspended in your account.")
	}
}

func audioChoices(chosen string) []views.Option {
	var list []views.Option
	for _, a := range audioOptions {
		list = append(list, views.Option{Value: a, Label: audioNames[a], Selected: a == chosen})
	}
	if !slices.Contains(audioOptions, chosen) && chosen != "" {
		list = append(list, views.Option{Value: chosen, Label: chosen, Selected: true})
	}
	return list
}

// bindDraft reads the form as it was typed.
func bindDraft(c echo.Context) (meetings.Draft, error) {
	values, err := c.FormParams()
	if err != nil {
		return meetings.Draft{}, &refusal{http.StatusBadRequest, "This form cannot be read", "Go back to the page you came from and try again.", "", ""}
	}
	return meetings.Draft{
		Subject: values.Get("subject"), StartDate: values.Get("start_date"), StartTime: values.Get("start_time"), Duration: values.Get("duration"),
		TimeZone: values.Get("time_zone"), Fold: values.Get("fold"), Type: values.Get("meeting_type"), PasswordRequired: values.Has("password_required"),
		Audio: values.Get("audio"), AudioText: values.Get("audio_text"), CoOrganizerKeys: values["co_organizer_keys"],
	}, nil
}

// assist answers the buttons that change the form without sending it: another
// row, a row less, people found. It reports whether one was pressed.
func (s *server) assist(c echo.Context, f *form) (bool, error) {
	values, err := c.FormParams()
	if err != nil {
		return false, err
	}
	f.person = values.Get("person")
	switch {
	case values.Get("add") != "":
		f.pressed, f.rows = "add", 2
		keys := f.draft.CoOrganizerKeys
		if len(keys) > 0 && strings.TrimSpace(keys[len(keys)-1]) != "" {
			f.rows = 1
		}
	case values.Get("remove") != "":
		f.pressed, f.key = "remove", values.Get("remove")
		f.draft.CoOrganizerKeys = slices.DeleteFunc(slices.Clone(f.draft.CoOrganizerKeys), func(k string) bool { return k == f.key })
	case values.Get("add_key") != "":
		f.pressed, f.key = "add", values.Get("add_key")
		f.draft.CoOrganizerKeys = append(slices.Clone(f.draft.CoOrganizerKeys), f.key)
		f.person = ""
	case values.Get("find") != "":
		f.pressed = "find"
		people, err := s.meetings.FindPeople(c.Request().Context(), reader(c), f.person)
		switch {
		case err != nil:
			told, _, _ := explain(err, c.Request())
			f.foundWhy = told.title + ". You can still enter the key."
		case f.person == "":
			f.foundWhy = "Enter a name or an e-mail address to look for."
		case len(people) == 0 && caller(c).Admin:
			f.foundWhy = "Nobody in the account matches."
		case len(people) == 0:
			f.foundWhy = "Nobody you have met so far matches. Ask an account admin for the key."
		}
		if len(people) > found {
			f.foundWhy = "The first " + strconv.Itoa(found) + " of " + strconv.Itoa(len(people)) + "; type more of the name to narrow it down."
			people = people[:found]
		}
		f.found = people
	default:
		return false, nil
	}
	return true, nil
}

func (s *server) createMeeting(c echo.Context) error {
	d, err := bindDraft(c)
	if err != nil {
		return err
	}
	f := form{draft: d, formID: c.FormValue("form_id")}
	if d.TimeZone == "" {
		d.TimeZone = zone(c).String()
	}
	if assisted, err := s.assist(c, &f); assisted || err != nil {
		if err != nil {
			return err
		}
		return s.showForm(c, http.StatusOK, f)
	}
	plan, problems := d.Check(s.meetings.Now())
	if len(problems) > 0 {
		f.problems = problems
		return s.showForm(c, http.StatusUnprocessableEntity, f)
	}
	id, err := s.meetings.Create(c.Request().Context(), caller(c), plan, f.formID)
	if err != nil {
		if refusedByGoTo(err) {
			f.problems = goToRefused
			return s.showForm(c, http.StatusUnprocessableEntity, f)
		}
		return s.keepForm(c, f, err)
	}
	s.noteKeys(c, plan, nil)
	return s.to(c, "/meetings/"+id+"?"+createdNotice+"=1")
}

func refusedByGoTo(err error) bool {
	kind, ok := meetings.FaultKind(err)
	return ok && kind == meetings.Refused
}

var goToRefused = []meetings.Problem{{Field: "subject", Text: "GoTo did not accept this meeting. Check the subject, the times and the co-organizer keys"}}

// keepForm shows the form again with everything typed and says above it what
// went wrong at GoTo.
func (s *server) keepForm(c echo.Context, f form, err error) error {
	if isSessionGone(err) {
		return err // which keeps it too
	}
	told, retryAfter, _ := explain(err, c.Request())
	setRetryAfter(c, retryAfter)
	if going, ok := errors.AsType[*meetings.GoingError](err); ok {
		f.going = going.Pending.ID
	}
	s.log.ErrorContext(c.Request().Context(), "meeting not saved", "error", err, "request", c.Response().Header().Get(echo.HeaderXRequestID))
	f.problems = []meetings.Problem{{Field: "meeting", Text: told.title + ". " + told.text + " What you typed is kept."}}
	return s.showForm(c, told.status, f)
}

// editMeeting shows the form, read fresh from GoTo.
func (s *server) editMeeting(c echo.Context) error {
	id, err := meetingID(c)
	if err != nil {
		return err
	}
	if err := s.notGoing(c, id); err != nil {
		return err
	}
	m, err := s.ownMeeting(c)
	switch {
	case err != nil:
		return err
	case m.Forgotten:
		return meetings.ErrForgotten
	}
	f := form{id: id, draft: m.Version().Draft(zone(c)), note: audioNote(m)}
	if f.read, err = writeRead(m); err != nil {
		return err
	}
	return s.showForm(c, http.StatusOK, f)
}

// audioNote says of a meeting that was made elsewhere what saving sets.
func audioNote(m meetings.Meeting) string {
	switch {
	case !m.AudioInferred:
		return ""
	case m.Audio == meetings.AudioCustom:
		return "This meeting was made elsewhere. Its dial-in text is not GoTo's, so it is taken for your own: saving keeps it as it is, and another audio option replaces it."
	}
	return "This meeting was made elsewhere, and GoTo does not say which audio option it has. Saving sets “" + audioNames[m.Audio] + "”, which is read off its dial-in text; choose another if that is wrong."
}

func (s *server) updateMeeting(c echo.Context) error {
	id, err := meetingID(c)
	if err != nil {
		return err
	}
	d, err := bindDraft(c)
	if err != nil {
		return err
	}
	if d.TimeZone == "" {
		d.TimeZone = zone(c).String()
	}
	f := form{id: id, draft: d, read: c.FormValue("read")}
	if assisted, err := s.assist(c, &f); assisted || err != nil {
		if err != nil {
			return err
		}
		return s.showForm(c, http.StatusOK, f)
	}
	plan, problems := d.Check(s.meetings.Now())
	if len(problems) > 0 {
		f.problems = problems
		return s.showForm(c, http.StatusUnprocessableEntity, f)
	}
	if going := c.FormValue("undo"); going != "" {
		if _, err := s.meetings.Keep(c.Request().Context(), caller(c), going); err != nil {
			return s.keepForm(c, f, err)
		}
	}
	read := readVersion(f.read)
	err = s.meetings.Update(c.Request().Context(), caller(c), id, plan, read)
	changed, changedElsewhere := errors.AsType[*meetings.ChangedError](err)
	switch kind, _ := meetings.FaultKind(err); {
	case err == nil:
		notify(c, auth.Success, "The meeting is saved. GoTo tells nobody; let people know if the time changed.")
		s.noteKeys(c, plan, read)
		return s.to(c, local("/meetings/"+id, backTo, c.QueryParam(backTo)))
	case changedElsewhere:
		return s.showChanges(c, f, changed)
	case kind == meetings.NotFound:
		return s.showGone(c, f)
	case kind == meetings.Refused:
		f.problems = goToRefused
		return s.showForm(c, http.StatusUnprocessableEntity, f)
	}
	return s.keepForm(c, f, err)
}
