package gotomeeting

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// HistoryWindow is the longest time range of one history call: the longest
	// month, with the hour that a change of clocks adds. GoTo's present limit
	// is not known; text of old speaks of 60 days.
	HistoryWindow = 31*24*time.Hour + time.Hour

	maxWindows     = 130 // over ten years
	windowsAtATime = 4
)

type wirePast struct {
	SessionID          ident          `json:"sessionId"`
	MeetingID          ident          `json:"meetingId"`
	MeetingKey         ident          `json:"meetingKey"`
	Subject            text           `json:"subject"`
	StartTime          instant        `json:"startTime"`
	EndTime            instant        `json:"endTime"`
	Duration           number         `json:"duration"`
	NumAttendees       number         `json:"numAttendees"`
	MeetingType        text           `json:"meetingType"`
	ConferenceCallInfo text           `json:"conferenceCallInfo"`
	OrganizerKey       ident          `json:"organizerKey"`
	AccountKey         ident          `json:"accountKey"`
	FirstName          text           `json:"firstName"`
	LastName           text           `json:"lastName"`
	Email              text           `json:"email"`
	Locale             text           `json:"locale"`
	Recording          *wireRecording `json:"recording"`
}

type wireRecording struct {
	RecordingID   ident  `json:"recordingId"`
	RecordingName text   `json:"recordingName"`
	DownloadURL   text   `json:"downloadUrl"`
	ShareURL      text   `json:"shareUrl"`
	FileSize      number `json:"fileSize"`
}

func (w *wirePast) past() (PastMeeting, error) {
	id := cmp.Or(w.MeetingID, w.MeetingKey)
	if id == "" {
		return PastMeeting{}, errNoID
	}
	p := PastMeeting{
		SessionID:          string(w.SessionID),
		ID:                 string(id),
		Subject:            decodeSubject(string(w.Subject)),
		Start:              w.StartTime.Time,
		End:                w.EndTime.Time,
		Length:             w.Duration.minutes(),
		Attendees:          w.NumAttendees.count(),
		Type:               strings.ToLower(string(w.MeetingType)),
		ConferenceCallInfo: string(w.ConferenceCallInfo),
		OrganizerKey:       string(w.OrganizerKey),
		AccountKey:         string(w.AccountKey),
		OrganizerFirstName: string(w.FirstName),
		OrganizerLastName:  string(w.LastName),
		OrganizerEmail:     string(w.Email),
		Locale:             string(w.Locale),
	}
	if r := w.Recording; r != nil && *r != (wireRecording{}) {
		p.Recording = &Recording{
			ID:       string(r.RecordingID),
			Name:     string(r.RecordingName),
			Bytes:    max(0, int64(r.FileSize)),
			ShareURL: string(r.ShareURL),
			Download: NewDownloadURL(string(r.DownloadURL)),
		}
	}
	return p, nil
}

// Link returns the share URL if it leads to the recording: GoTo sometimes
// gives the bare host, without the token behind it. "" otherwise, and for
// anything but http and https.
func (r *Recording) Link() string {
	if r == nil {
		return ""
	}
	u, err := url.Parse(r.ShareURL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	where := cmp.Or(u.Fragment, u.Path) // https://transcripts.gotomeeting.com/#/s/<64 hex digits>
	if token := where[strings.LastIndexByte(where, '/')+1:]; len(token) < 8 && u.RawQuery == "" {
		return ""
	}
	return r.ShareURL
}

// History lists the ended sessions that started in [from, to], both inclusive
// and taken to whole seconds, latest first (operation 8; with an organizerKey
// operation 11, for account admins). Ranges longer than [HistoryWindow] are
// fetched in windows of it and merged; when one fails, all do.
func (c *Client) History(ctx context.Context, ts TokenSource, organizerKey string, from, to time.Time) ([]PastMeeting, error) {
	k := call{api: APIMeeting, op: "past meetings", method: http.MethodGet, path: restPath + "/historicalMeetings"}
	if organizerKey != "" {
		k.op = "organizer's past meetings"
		if err := k.checkIDs(organizerKey); err != nil {
			return nil, err
		}
		k.path = restPath + "/organizers/" + organizerKey + "/historicalMeetings"
	}
	parts, err := inWindows(ctx, c, ts, k, from, to, (*wirePast).past)
	if err != nil {
		return nil, err
	}
	return merge(parts), nil
}

// inWindows makes the call for each window of [from, to], and returns the
// windows' lists in the order of time; when one fails, all do.
func inWindows[W, T any](ctx context.Context, c *Client, ts TokenSource, k call, from, to time.Time, convert func(*W) (T, error)) ([][]T, error) {
	spans := windows(from, to)
	if len(spans) == 0 || len(spans) > maxWindows {
		fault := k.fault(Refused)
		fault.Detail = "not sent: time range is backwards or longer than ten years"
		return nil, fault
	}
	parts := make([][]T, len(spans))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(windowsAtATime)
	for i, span := range spans {
		group.Go(func() error {
			k := k
			k.query = past(span.from, span.to)
			k.read = list(&parts[i], convert, c.leftOut(ctx, &k))
			return c.do(ctx, ts, k)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return parts, nil
}

type span struct{ from, to time.Time }

// windows cuts [from, to] into pieces of at most HistoryWindow. Neighbours
// share their edge, since whether GoTo counts it in is not known: what comes
// twice is dropped afterwards. A range that is backwards has none.
func windows(from, to time.Time) []span {
	from = from.UTC().Truncate(time.Second)
	to = to.UTC().Add(time.Second - 1).Truncate(time.Second)
	if to.Before(from) {
		return nil
	}
	if to.Sub(from) > (maxWindows+1)*HistoryWindow {
		return make([]span, maxWindows+1) // too many to be fetched
	}
	var cut []span
	for {
		end := from.Add(HistoryWindow)
		if !end.Before(to) {
			return append(cut, span{from, to})
		}
		cut = append(cut, span{from, end})
		from = end
	}
}

// merge joins the windows' lists, drops sessions that came twice and sorts by
// start, latest first.
func merge(parts [][]PastMeeting) []PastMeeting {
	type key struct {
		session, meeting string
		start            time.Time
	}
	var all []PastMeeting
	seen := map[key]bool{}
	for _, part := range parts {
		for _, p := range part {
			k := key{session: p.SessionID}
			if p.SessionID == "" { // its session was erased
				k = key{meeting: p.ID, start: p.Start}
			}
			if !seen[k] {
				seen[k] = true
				all = append(all, p)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b PastMeeting) int {
		return cmp.Or(b.Start.Compare(a.Start), cmp.Compare(b.SessionID, a.SessionID))
	})
	return all
}

type wireJoin struct {
	AttendeeName       text    `json:"attendeeName"`
	AttendeeEmail      text    `json:"attendeeEmail"`
	Name               text    `json:"name"` // the attendee's too in the answer by meeting; in that by organizer, the organizer's
	JoinTime           instant `json:"joinTime"`
	LeaveTime          instant `json:"leaveTime"`
	Duration           number  `json:"duration"`
	MeetingID          ident   `json:"meetingId"`
	NewMeetingID       ident   `json:"newMeetingId"` // dashed; by organizer only
	MeetingInstanceKey ident   `json:"meetingInstanceKey"`
	StartTime          instant `json:"startTime"`
	EndTime            instant `json:"endTime"`
	NumAttendees       number  `json:"numAttendees"`
	Subject            text    `json:"subject"`
	MeetingType        text    `json:"meetingType"`
	OrganizerKey       ident   `json:"organizerKey"` // organizerkey in the answer by meeting
	FirstName          text    `json:"firstName"`    // the organizer's, as the next two
	LastName           text    `json:"lastName"`
	Email              text    `json:"email"`
}

func (w *wireJoin) join() (Join, error) {
	if w.MeetingInstanceKey == "" && w.AttendeeName == "" && w.AttendeeEmail == "" && w.JoinTime.IsZero() {
		return Join{}, errNoID
	}
	return Join{
		Name:               strings.TrimSpace(string(cmp.Or(w.AttendeeName, w.Name))),
		Email:              strings.TrimSpace(string(w.AttendeeEmail)),
		Joined:             w.JoinTime.Time,
		Left:               w.LeaveTime.Time,
		Minutes:            w.Duration.count(),
		MeetingID:          string(cmp.Or(w.MeetingID, w.NewMeetingID)),
		InstanceKey:        string(w.MeetingInstanceKey),
		Start:              w.StartTime.Time,
		End:                w.EndTime.Time,
		NumAttendees:       w.NumAttendees.count(),
		Subject:            decodeSubject(string(w.Subject)),
		Type:               strings.ToLower(string(w.MeetingType)),
		OrganizerKey:       string(w.OrganizerKey),
		OrganizerFirstName: string(w.FirstName),
		OrganizerLastName:  string(w.LastName),
		OrganizerEmail:     string(w.Email),
	}, nil
}

func (w *wireJoin) joinByOrganizer() (Join, error) {
	w.Name = ""
	return w.join()
}

// Attendees lists every join of every past session of a meeting, in GoTo's
// order (operation 6). Sessions are told apart by InstanceKey. GoTo grants it
// for one's own meetings, to account admins for any, and only to clients with
// the scope "identity:".
func (c *Client) Attendees(ctx context.Context, ts TokenSource, meetingID string) ([]Join, error) {
	var joins []Join
	k := call{
		api: APIMeeting, op: "attendees", method: http.MethodGet,
		path: restPath + "/meetings/" + meetingID + "/attendees",
	}
	k.read = list(&joins, (*wireJoin).join, c.leftOut(ctx, &k))
	if err := k.checkIDs(meetingID); err != nil {
		return nil, err
	}
	if err := c.do(ctx, ts, k); err != nil {
		return nil, err
	}
	return joins, nil
}

// OrganizerAttendees lists every join of every past session of an organizer
// that started in [from, to], both inclusive and taken to whole seconds, in
// GoTo's order (operation 12). Minutes is how long each join lasted. Ranges are
// fetched and fail as in History. GoTo grants it to account admins alone, and
// of other organizers only to clients with the scope "identity:".
func (c *Client) OrganizerAttendees(ctx context.Context, ts TokenSource, organizerKey string, from, to time.Time) ([]Join, error) {
	k := call{
		api: APIMeeting, op: "organizer's attendees", method: http.MethodGet,
		path: restPath + "/organizers/" + organizerKey + "/attendees",
	}
	if err := k.checkIDs(organizerKey); err != nil {
		return nil, err
	}
	parts, err := inWindows(ctx, c, ts, k, from, to, (*wireJoin).joinByOrganizer)
	if err != nil {
		return nil, err
	}
	return mergeJoins(parts), nil
}

// mergeJoins joins the windows' lists. A session at the edge of two comes with
// both, and its rows once: but as often as one window has them, since two
// devices may come and go in the same seconds.
func mergeJoins(parts [][]Join) []Join {
	type key struct {
		instance, name, email string
		joined, left          time.Time
	}
	var all []Join
	most := map[key]int{}
	for _, part := range parts {
		here := map[key]int{}
		for _, j := range part {
			k := key{j.InstanceKey, j.Name, j.Email, j.Joined, j.Left}
			if here[k]++; here[k] > most[k] {
				most[k] = here[k]
				all = append(all, j)
			}
		}
	}
	return all
}
