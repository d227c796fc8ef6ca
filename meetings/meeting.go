package meetings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"portal/gotomeeting"
)

// Access is what the caller is to a meeting.
type Access int

const (
	// Own: the caller organizes it.
	Own Access = iota
	// CoOrganized: the caller may read and start it.
	CoOrganized
	// Watched: an account admin reads another organizer's meeting.
	Watched
)

// Meeting is one meeting with everything that is known of it.
type Meeting struct {
	ID               string
	Subject          string
	Start, End       time.Time // UTC; zero when GoTo did not say
	Type             string
	Running          bool
	PasswordRequired bool
	MaxParticipants  int    // 0 when not known
	DialIn           string // GoTo's rendered dial-in text
	Audio            string // the option that saving sets again
	AudioText        string // only with AudioCustom
	AudioInferred    bool   // made elsewhere: Audio is a guess from DialIn
	JoinURL          string
	Organizer        Person
	CoOrganizers     []Person
	Access           Access
	// Withheld is set when GoTo refused the meeting itself and this is built
	// from the organizer's list: co-organizers, limits and the like are
	// missing, not empty.
	Withheld bool
	// Forgotten is set when the portal's own memory could not be read: names,
	// the audio option and GoTo's join URL are missing.
	Forgotten bool
}

// Length is the planned length.
func (m Meeting) Length() time.Duration { return m.End.Sub(m.Start) }

// Timeless reports whether the meeting has no date of its own, as rooms have.
func (m Meeting) Timeless() bool { return m.Type == Recurring || m.Start.IsZero() }

// CoOrganizerKeys are the keys of the co-organizers, in GoTo's order.
func (m Meeting) CoOrganizerKeys() []string {
	keys := make([]string, len(m.CoOrganizers))
	for i, p := range m.CoOrganizers {
		keys[i] = p.Key
	}
	return keys
}

// Get reads one meeting. organizer is "" for the caller's own or co-organized
// meetings; an admin names whose it is, and then a meeting that GoTo withholds
// is built from that organizer's list.
func (s *Service) Get(ctx context.Context, c Caller, id, organizer string) (Meeting, Seen, error) {
	if organizer == c.UserKey {
		organizer = ""
	}
	if organizer != "" && !c.Admin {
		return Meeting{}, Seen{}, notAdmin("meeting")
	}
	got, seen, err := read(ctx, s, c, readDeadline, "meeting "+id, func(ctx context.Context) (gotomeeting.Meeting, error) {
		return s.goTo.Meeting(ctx, c.Tokens, id)
	})
	if organizer != "" && (isKind(err, NotFound) || isKind(err, Forbidden)) {
		return s.fromList(ctx, c, id, organizer)
	}
	if err != nil {
		return Meeting{}, Seen{}, fmt.Errorf("reading meeting: %w", err)
	}
	return s.complete(ctx, c, got, organizer), seen, nil
}

// complete adds what the portal remembers to what GoTo said.
func (s *Service) complete(ctx context.Context, c Caller, got gotomeeting.Meeting, organizer string) Meeting {
	book, bookErr := s.book(ctx, c)
	m := Meeting{
		ID: got.ID, Subject: got.Subject, Start: got.Start, End: got.End, Type: got.Type,
		Running: got.Running, PasswordRequired: got.PasswordRequired, MaxParticipants: got.MaxParticipants,
		DialIn: got.ConferenceCallInfo,
	}
	for _, key := range got.CoOrganizerKeys {
		m.CoOrganizers = append(m.CoOrganizers, named(book, key))
	}
	switch key := cmp.Or(got.OrganizerKey, organizer); {
	case c.UserKey != "" && c.UserKey != key && slices.Contains(got.CoOrganizerKeys, c.UserKey):
		m.Access = CoOrganized
		if key != "" {
			m.Organizer = named(book, key)
		}
	case organizer != "":
		m.Access, m.Organizer = Watched, named(book, organizer)
	default:
		m.Organizer = c.person()
	}
	if m.Access != Watched {
		s.meet(ctx, c, append(m.CoOrganizerKeys(), m.Organizer.Key))
	}
	kept, found, err := s.memory.Recall(ctx, c.AccountKey, m.ID)
	if err != nil {
		s.log.WarnContext(ctx, "remembered meeting not read", "error", err)
	}
	m.Forgotten = bookErr != nil || err != nil
	if found && kept.Audio != "" {
		m.Audio, m.AudioText = kept.Audio, kept.AudioText
	} else {
		m.Audio, m.AudioText = inferAudio(m.DialIn)
		m.AudioInferred = true
	}
	m.JoinURL = kept.JoinURL
	if m.JoinURL == "" {
		m.JoinURL = s.joinBase + m.ID
	}
	return m
}

// inferAudio is what saving a meeting that was made elsewhere sets again: the
// option behind GoTo's rendered text, or the organizer's own text as it is.
// Guessing an option for that would drop the organizer's bridge.
func inferAudio(dialIn string) (option, text string) {
	if option, ok := gotomeeting.InferAudio(dialIn); ok {
		return option, ""
	}
	return AudioCustom, strings.TrimSpace(dialIn)
}

// ErrNotOrganizer says that somebody else organizes the meeting.
var ErrNotOrganizer = errors.New("the meeting is another organizer's")

// GetOwn reads a meeting that the caller means to change. GoTo does not say
// whose it is, and whoever is among its co-organizers may organize it all the
// same. Then the list of upcoming meetings tells, by one more call, since it
// holds one's own alone; what is over is not in it and left for GoTo to refuse.
func (s *Service) GetOwn(ctx context.Context, c Caller, id string) (Meeting, error) {
	m, _, err := s.Get(ctx, c, id, "")
	if err != nil || m.Access == Own {
		return m, err
	}
	own, _, err := s.upcoming(ctx, c, "")
	if err != nil {
		return Meeting{}, fmt.Errorf("reading whose meeting it is: %w", err)
	}
	listed := slices.ContainsFunc(own, func(row gotomeeting.Meeting) bool { return row.ID == id })
	if !listed && (m.Type == Recurring || m.End.After(s.Now())) {
		return Meeting{}, ErrNotOrganizer
	}
	m.Access, m.Organizer = Own, c.person()
	return m, nil
}

func (s *Service) fromList(ctx context.Context, c Caller, id, organizer string) (Meeting, Seen, error) {
	rows, seen, err := s.upcoming(ctx, c, organizer)
	if err != nil {
		return Meeting{}, Seen{}, fmt.Errorf("reading the organizer's meetings: %w", err)
	}
	for _, row := range rows {
		if row.ID == id {
			m := s.complete(ctx, c, row, organizer)
			m.Organizer = rowOrganizer(row.OrganizerKey, row.OrganizerFirstName, row.OrganizerLastName, row.OrganizerEmail)
			m.Withheld = true
			return m, seen, nil
		}
	}
	return Meeting{}, Seen{}, &Fault{Kind: NotFound, API: "G2M", Op: "meeting"}
}

func named(book map[string]Known, key string) Person {
	k := book[key]
	return Person{Key: key, Name: k.Name, Email: k.Email}
}

func rowOrganizer(key, first, last, email string) Person {
	return Person{Key: key, Name: fullName(first, last), Email: email}
}

// ErrAdminsOnly says that the caller asks for what account admins alone may
// see.
var ErrAdminsOnly = errors.New("for account admins only")

func notAdmin(op string) error { return fmt.Errorf("%s: %w", op, ErrAdminsOnly) }

// CreateNow makes an immediate meeting of an hour and asks for its host URL.
// When the meeting was made but did not start, id is set beside the error, so
// that nothing made is lost. A second press with the same formID starts the
// same meeting.
func (s *Service) CreateNow(ctx context.Context, c Caller, formID string) (id string, host HostURL, err error) {
	subject := subjectNow(c.Name)
	plan, problems := Draft{Subject: subject, TimeZone: "UTC", Type: Immediate}.Check(s.Now())
	if len(problems) > 0 {
		return "", HostURL{}, errors.New("meet now: " + problems[0].Text)
	}
	if id, err = s.create(ctx, c, plan, formID, DeedMeetNow); err != nil {
		return "", HostURL{}, err
	}
	host, err = s.start(ctx, c, id, subject)
	return id, host, err
}

// subjectNow is the subject of a meeting that nobody gave one.
func subjectNow(name string) string {
	subject := "Meeting with " + name
	if name == "" || gotomeeting.SubjectLength(subject) > MaxSubject {
		return "Meeting"
	}
	return subject
}

// Start asks GoTo for the URL that opens the meeting as its host. The error is
// a *GoingError when the caller is having the meeting deleted.
func (s *Service) Start(ctx context.Context, c Caller, id string) (HostURL, error) {
	return s.start(ctx, c, id, s.subjectOf(c, id))
}

func (s *Service) start(ctx context.Context, c Caller, id, subject string) (HostURL, error) {
	if err := s.notGoing(ctx, c, id); err != nil {
		return HostURL{}, err
	}
	host, err := s.goTo.Start(ctx, c.Tokens, id)
	s.record(ctx, c, DeedStart, id, subject, err)
	if err != nil {
		return HostURL{}, fmt.Errorf("starting meeting: %w", err)
	}
	return host, nil
}

func (s *Service) remember(ctx context.Context, c Caller, r Remembered) {
	// GoTo has done it, whatever became of the request.
	if err := s.memory.Remember(context.WithoutCancel(ctx), c.AccountKey, r); err != nil {
		s.log.ErrorContext(ctx, "meeting not remembered", "error", err)
	}
}

// request is what c asks GoTo for. An organizer is none of the own
// co-organizers: GoTo would show the meeting as if it were another's.
func (p Plan) request(c Caller) gotomeeting.MeetingRequest {
	audio := p.Audio
	if audio == AudioCustom {
		audio = p.AudioText
	}
	return gotomeeting.MeetingRequest{
		Subject: p.Subject, Start: p.Start, End: p.End, Type: p.Type,
		PasswordRequired: p.PasswordRequired, Audio: audio,
		CoOrganizerKeys: slices.DeleteFunc(slices.Clone(p.CoOrganizerKeys), func(key string) bool { return key == c.UserKey }),
	}
}
