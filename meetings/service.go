// Package meetings is what an organizer does with GoToMeeting: list, plan,
// change, start, delete, look back, and find the people to do it with. It
// knows no HTTP and no HTML; it asks package gotomeeting for facts and keeps
// what GoTo forgets in a Memory.
package meetings

import (
	"context"
	"log/slog"
	"time"

	"portal/gotomeeting"
)

// Tokens hands out the caller's access token and replaces one that GoTo
// refused. The strings are secrets.
type Tokens interface {
	AccessToken(ctx context.Context) (token string, issued time.Time, err error)
	RenewToken(ctx context.Context, refused string) (token string, issued time.Time, err error)
	// LendToken returns a token and when it lapses, for what is done after
	// the request.
	LendToken(ctx context.Context) (token string, lapses time.Time, err error)
}

// Caller is on whose behalf GoTo is asked.
type Caller struct {
	UserKey    string // equals the organizer key
	AccountKey string // "" when GoTo did not name it
	Ref        string // names the user among those of all accounts
	Name       string
	Email      string
	Admin      bool // may see other organizers of the account
	Tokens     Tokens
	RequestID  string // for the audit log

	Session Session       // nil: nothing is kept for it, nor counted
	MaxAge  time.Duration // how old an answer of GoTo's may be; 0 asks anew
	Stale   bool          // when GoTo fails, one of up to an hour will do
}

func (c Caller) person() Person { return Person{Key: c.UserKey, Name: c.Name, Email: c.Email} }

// GoTo is the part of the client that this package uses.
type GoTo interface {
	Upcoming(ctx context.Context, ts gotomeeting.TokenSource, organizerKey string) ([]gotomeeting.Meeting, error)
	Meeting(ctx context.Context, ts gotomeeting.TokenSource, id string) (gotomeeting.Meeting, error)
	Create(ctx context.Context, ts gotomeeting.TokenSource, r gotomeeting.MeetingRequest) (gotomeeting.Created, error)
	Update(ctx context.Context, ts gotomeeting.TokenSource, id string, r gotomeeting.MeetingRequest) error
	Delete(ctx context.Context, ts gotomeeting.TokenSource, id string) error
	Start(ctx context.Context, ts gotomeeting.TokenSource, id string) (gotomeeting.HostURL, error)
	History(ctx context.Context, ts gotomeeting.TokenSource, organizerKey string, from, to time.Time) ([]gotomeeting.PastMeeting, error)
	Attendees(ctx context.Context, ts gotomeeting.TokenSource, meetingID string) ([]gotomeeting.Join, error)
	EraseSession(ctx context.Context, ts gotomeeting.TokenSource, organizerKey, sessionID string) error
	EraseAttendees(ctx context.Context, ts gotomeeting.TokenSource, organizerKey, sessionID string) error
	OrganizerAttendees(ctx context.Context, ts gotomeeting.TokenSource, organizerKey string, from, to time.Time) ([]gotomeeting.Join, error)
	Users(ctx context.Context, ts gotomeeting.TokenSource, accountKey string, f gotomeeting.UserFilter) ([]gotomeeting.User, error)
	Invite(ctx context.Context, ts gotomeeting.TokenSource, accountKey string, i gotomeeting.Invitation) ([]gotomeeting.InvitedUser, error)
	Licenses(ctx context.Context, ts gotomeeting.TokenSource, accountKey string) ([]gotomeeting.License, error)
}

// Config is what a Service needs.
type Config struct {
	GoTo     GoTo
	Memory   Memory
	Holds    Holds
	Vault    Vault  // for Holds
	Place    string // names this process among those over one store, the same after a restart
	JoinBase string // a meeting id is appended when GoTo's own join URL is not known
	Now      func() time.Time
	Log      *slog.Logger
}

// Service answers what organizers and account admins ask. It is safe for
// concurrent use.
type Service struct {
	goTo     GoTo
	memory   Memory
	holds    Holds
	vault    Vault
	place    string
	joinBase string
	now      func() time.Time
	log      *slog.Logger
	kept     *answers
}

// New returns a Service. Now and Log may be left out.
func New(c Config) *Service {
	s := &Service{
		goTo: c.GoTo, memory: c.Memory, holds: c.Holds, vault: c.Vault, place: c.Place,
		joinBase: c.JoinBase, now: c.Now, log: c.Log,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.kept = newAnswers(keptBytes, s.now)
	return s
}

// Now is the service's clock, in UTC.
func (s *Service) Now() time.Time { return s.now().UTC() }

// book is the address book of the caller's account, by key. Not being able to
// read it costs names, never the page: the book is there beside the error.
func (s *Service) book(ctx context.Context, c Caller) (map[string]Known, error) {
	known, err := s.memory.Known(ctx, c.AccountKey)
	if err != nil {
		s.log.WarnContext(ctx, "address book not read", "error", err)
	}
	book := make(map[string]Known, len(known)+1)
	for _, k := range known {
		book[k.Key] = k
	}
	if own := book[c.UserKey]; c.UserKey != "" && (own.Name == "" || own.Given) {
		book[c.UserKey] = Known{Key: c.UserKey, Name: c.Name, Email: c.Email}
	}
	return book, err
}

// learn keeps names that GoTo told us, at most once each.
func (s *Service) learn(ctx context.Context, c Caller, people map[string]Known) {
	if len(people) == 0 {
		return
	}
	list := make([]Known, 0, len(people))
	for _, k := range people {
		if k.Key != "" && (k.Name != "" || k.Email != "") {
			list = append(list, k)
		}
	}
	if err := s.memory.Learn(ctx, c.AccountKey, list); err != nil {
		s.log.WarnContext(ctx, "names not kept", "error", err)
	}
}

// Person is somebody with a user key: an organizer, a co-organizer, an entry
// of the address book. Name and Email are "" when not known.
type Person struct {
	Key   string
	Name  string
	Email string
}

// Label is what to call the person: the name, else the e-mail, else the key.
func (p Person) Label() string {
	switch {
	case p.Name != "":
		return p.Name
	case p.Email != "":
		return p.Email
	}
	return p.Key
}

func fullName(first, last string) string {
	switch {
	case first == "":
		return last
	case last == "":
		return first
	}
	return first + " " + last
}
