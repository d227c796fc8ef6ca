package gotomeeting

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

const restPath = "/G2M/rest"

// timeFormat is how GoTo takes times: UTC, whole seconds.
const timeFormat = "2006-01-02T15:04:05Z"

// wireMeeting is a meeting as the single read, the upcoming lists and the
// deprecated lists give it. encoding/json takes keys in any casing, which
// covers meetingid beside meetingId.
type wireMeeting struct {
	MeetingID          ident   `json:"meetingId"`
	MeetingKey         ident   `json:"meetingKey"`
	Subject            text    `json:"subject"`
	StartTime          instant `json:"startTime"`
	EndTime            instant `json:"endTime"`
	Duration           number  `json:"duration"`
	MeetingType        text    `json:"meetingType"`
	PasswordRequired   boolean `json:"passwordRequired"`
	Status             text    `json:"status"`
	ConferenceCallInfo text    `json:"conferenceCallInfo"`
	MaxParticipants    number  `json:"maxParticipants"`
	CoorganizerKeys    texts   `json:"coorganizerKeys"`
	OrganizerKey       ident   `json:"organizerKey"`
	AccountKey         ident   `json:"accountKey"`
	FirstName          text    `json:"firstName"`
	LastName           text    `json:"lastName"`
	Email              text    `json:"email"`
	Locale             text    `json:"locale"`
}

func (w *wireMeeting) meeting() (Meeting, error) {
	id := w.MeetingID
	if id == "" {
		id = w.MeetingKey
	}
	if id == "" {
		return Meeting{}, errNoID
	}
	m := Meeting{
		ID:                 string(id),
		Subject:            decodeSubject(string(w.Subject)),
		Start:              w.StartTime.Time,
		End:                w.EndTime.Time,
		Duration:           w.Duration.minutes(),
		Type:               strings.ToLower(string(w.MeetingType)),
		PasswordRequired:   bool(w.PasswordRequired),
		Running:            strings.EqualFold(string(w.Status), "ACTIVE"),
		ConferenceCallInfo: string(w.ConferenceCallInfo),
		MaxParticipants:    w.MaxParticipants.count(),
		CoOrganizerKeys:    w.CoorganizerKeys,
		OrganizerKey:       string(w.OrganizerKey),
		AccountKey:         string(w.AccountKey),
		OrganizerFirstName: string(w.FirstName),
		OrganizerLastName:  string(w.LastName),
		OrganizerEmail:     string(w.Email),
		Locale:             string(w.Locale),
	}
	if m.Duration == 0 && !m.Start.IsZero() && m.End.After(m.Start) {
		m.Duration = m.End.Sub(m.Start) // the upcoming lists carry none
	}
	return m, nil
}

// wireRequest is the body of create and update, in GoTo's casing: lower case
// throughout, but for the co-organizers. All keys but the last are required.
type wireRequest struct {
	Subject            string    `json:"subject"`
	StartTime          string    `json:"starttime"`
	EndTime            string    `json:"endtime"`
	PasswordRequired   bool      `json:"passwordrequired"`
	ConferenceCallInfo string    `json:"conferencecallinfo"`
	TimeZoneKey        string    `json:"timezonekey"` // deprecated: must be there, and empty
	MeetingType        string    `json:"meetingtype"`
	CoorganizerKeys    *[]string `json:"coorganizerKeys,omitempty"`
}

// wire checks the request against GoTo's rules and turns it into a body. What
// an update without co-organizers does is not known, so it always names them.
func (r MeetingRequest) wire(k *call, update bool) (wireRequest, error) {
	wrong := ""
	switch {
	case r.Subject == "" || !utf8.ValidString(r.Subject) || SubjectLength(r.Subject) > MaxSubject:
		wrong = "subject is empty, too long or not text"
	case r.Start.IsZero() || !r.End.After(r.Start):
		wrong = "start is unknown or end is not after it"
	case r.Type != Scheduled && r.Type != Recurring && r.Type != Immediate:
		wrong = "unknown meeting type"
	case r.Audio == "" || !utf8.ValidString(r.Audio) || utf8.RuneCountInString(r.Audio) > MaxAudioText:
		wrong = "audio is empty, too long or not text"
	}
	keys := make([]string, 0, len(r.CoOrganizerKeys))
	for _, key := range r.CoOrganizerKeys {
		if !digits(key) {
			wrong = "a co-organizer key is not digits"
		}
		keys = append(keys, key)
	}
	if wrong != "" {
		fault := k.fault(Refused)
		fault.Detail = "not sent: " + wrong
		return wireRequest{}, fault
	}
	w := wireRequest{
		Subject:            encodeSubject(r.Subject),
		StartTime:          r.Start.UTC().Format(timeFormat),
		EndTime:            r.End.UTC().Format(timeFormat),
		PasswordRequired:   r.PasswordRequired,
		ConferenceCallInfo: r.Audio,
		MeetingType:        r.Type,
	}
	if update || len(keys) > 0 {
		w.CoorganizerKeys = &keys
	}
	return w, nil
}

// Upcoming lists the meetings that are planned or running (operation 7). With
// an organizerKey it lists that organizer's (operation 10), which GoTo grants
// to account admins. The list carries neither co-organizers nor
// MaxParticipants.
func (c *Client) Upcoming(ctx context.Context, ts TokenSource, organizerKey string) ([]Meeting, error) {
	var found []Meeting
	k := call{
		api: APIMeeting, op: "upcoming meetings", method: http.MethodGet,
		path: restPath + "/upcomingMeetings",
	}
	k.read = list(&found, (*wireMeeting).meeting, c.leftOut(ctx, &k))
	if organizerKey != "" {
		k.op = "organizer's upcoming meetings"
		if err := k.checkIDs(organizerKey); err != nil {
			return nil, err
		}
		k.path = restPath + "/organizers/" + organizerKey + "/upcomingMeetings"
	}
	if err := c.do(ctx, ts, k); err != nil {
		return nil, err
	}
	return found, nil
}

// Meeting reads one meeting (operation 2), which carries no organizer. GoTo
// answers another's meeting with [NotFound] or [Forbidden].
func (c *Client) Meeting(ctx context.Context, ts TokenSource, id string) (Meeting, error) {
	var w wireMeeting
	k := call{api: APIMeeting, op: "get meeting", method: http.MethodGet, path: restPath + "/meetings/" + id}
	k.read = func(r io.Reader) error {
		err := object(&w)(r)
		if errors.Is(err, errEmpty) {
			fault := k.fault(NotFound)
			fault.Err = err
			return fault
		}
		if err != nil {
			return err
		}
		_, err = w.meeting()
		return err
	}
	if err := k.checkIDs(id); err != nil {
		return Meeting{}, err
	}
	if err := c.do(ctx, ts, k); err != nil {
		return Meeting{}, err
	}
	return w.meeting()
}

// Create makes a meeting (operation 1). GoTo makes a second one when asked
// twice, so this is never tried again once bytes may have left: after an
// [Error] with Sent the meeting may exist.
func (c *Client) Create(ctx context.Context, ts TokenSource, r MeetingRequest) (Created, error) {
	var w struct {
		JoinURL            text   `json:"joinURL"`
		MeetingID          ident  `json:"meetingid"`
		ConferenceCallInfo text   `json:"conferenceCallInfo"`
		MaxParticipants    number `json:"maxParticipants"`
	}
	k := call{api: APIMeeting, op: "create meeting", method: http.MethodPost, path: restPath + "/meetings"}
	body, err := r.wire(&k, false)
	if err != nil {
		return Created{}, err
	}
	k.body = body
	k.read = func(r io.Reader) error {
		if err := object(&w)(r); err != nil {
			return err
		}
		if w.MeetingID == "" {
			return errNoID
		}
		return nil
	}
	if err := c.do(ctx, ts, k); err != nil {
		return Created{}, err
	}
	return Created{
		ID:                 string(w.MeetingID),
		JoinURL:            string(w.JoinURL),
		ConferenceCallInfo: string(w.ConferenceCallInfo),
		MaxParticipants:    w.MaxParticipants.count(),
	}, nil
}

// Update replaces a meeting with r, its co-organizers included (operation 3).
// GoTo answers without a body: read the meeting again to see the result.
func (c *Client) Update(ctx context.Context, ts TokenSource, id string, r MeetingRequest) error {
	k := call{api: APIMeeting, op: "update meeting", method: http.MethodPut, path: restPath + "/meetings/" + id}
	if err := k.checkIDs(id); err != nil {
		return err
	}
	body, err := r.wire(&k, true)
	if err != nil {
		return err
	}
	k.body = body
	return c.do(ctx, ts, k)
}

// Delete deletes a meeting (operation 4).
func (c *Client) Delete(ctx context.Context, ts TokenSource, id string) error {
	k := call{api: APIMeeting, op: "delete meeting", method: http.MethodDelete, path: restPath + "/meetings/" + id}
	if err := k.checkIDs(id); err != nil {
		return err
	}
	return c.do(ctx, ts, k)
}

// Start asks for the URL that opens a meeting as its host (operation 5). It is
// granted to the organizer and the co-organizers. Asking changes nothing: the
// meeting runs once the URL is opened.
func (c *Client) Start(ctx context.Context, ts TokenSource, id string) (HostURL, error) {
	var w struct {
		HostURL text `json:"hostURL"`
	}
	k := call{api: APIMeeting, op: "start meeting", method: http.MethodGet, path: restPath + "/meetings/" + id + "/start"}
	k.read = func(r io.Reader) error {
		if err := object(&w)(r); err != nil {
			return err
		}
		if NewHostURL(string(w.HostURL)).Target() == "" {
			return errors.New("host URL is missing or of an unknown kind")
		}
		return nil
	}
	if err := k.checkIDs(id); err != nil {
		return HostURL{}, err
	}
	if err := c.do(ctx, ts, k); err != nil {
		return HostURL{}, err
	}
	return NewHostURL(string(w.HostURL)), nil
}

// EraseSession drops a past session with its attendee list and recordings at
// GoTo (operation 14). The meeting stays in the history, without the session.
func (c *Client) EraseSession(ctx context.Context, ts TokenSource, organizerKey, sessionID string) error {
	return c.erase(ctx, ts, "erase session", organizerKey, sessionID, "")
}

// EraseAttendees drops a past session's attendee list at GoTo (operation 15).
func (c *Client) EraseAttendees(ctx context.Context, ts TokenSource, organizerKey, sessionID string) error {
	return c.erase(ctx, ts, "erase attendees", organizerKey, sessionID, "/attendees")
}

func (c *Client) erase(ctx context.Context, ts TokenSource, op, organizerKey, sessionID, part string) error {
	k := call{
		api: APIMeeting, op: op, method: http.MethodDelete,
		path: restPath + "/organizers/" + organizerKey + "/sessions/" + sessionID + part,
	}
	if err := k.checkIDs(organizerKey, sessionID); err != nil {
		return err
	}
	return c.do(ctx, ts, k)
}

// past is the time range of a history call.
func past(from, to time.Time) string {
	return url.Values{"startDate": {from.UTC().Format(timeFormat)}, "endDate": {to.UTC().Format(timeFormat)}}.Encode()
}
