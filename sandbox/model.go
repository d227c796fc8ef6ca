package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// States of a user, as the Admin API names them.
const (
	active    = "ACTIVE"
	invited   = "INVITED"
	suspended = "SUSPENDED"
)

// signIns are the people the consent page offers.
var signIns = []string{"ada@example.test", "ben@example.test", "cleo@example.test", "dan@example.test"}

// user is a person of an account; Key is also the organizer key.
type user struct {
	Key      string    `json:"key"`
	Account  string    `json:"account"`
	Email    string    `json:"email"`
	First    string    `json:"first"`
	Last     string    `json:"last"`
	Locale   string    `json:"locale"`
	Zone     string    `json:"zone"`
	Status   string    `json:"status"`
	Roles    []string  `json:"roles,omitempty"`
	Licenses []string  `json:"licenses,omitempty"`
	Group    string    `json:"group,omitempty"`
	Created  time.Time `json:"created"`
	Invites  int       `json:"invites,omitempty"`
}

func (u *user) name() string { return strings.TrimSpace(u.First + " " + u.Last) }
func (u *user) admin() bool  { return len(u.Roles) > 0 }

// organizer says whether the user holds a GoToMeeting licence.
func (u *user) organizer() bool { return len(u.Licenses) > 0 && u.Status == active }

type group struct{ Key, Account, Name string }

type license struct {
	Key, Account, Description string
	Seats                     int
	Enabled                   bool
}

// meeting is one meeting id. Subject has angle brackets as entities.
type meeting struct {
	ID        string    `json:"id"`
	Organizer string    `json:"organizer"`
	Subject   string    `json:"subject"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Type      string    `json:"type"` // scheduled, recurring, immediate
	Password  bool      `json:"password,omitempty"`
	Audio     string    `json:"audio"`
	Co        []string  `json:"co,omitempty"`     // co-organizer keys
	Running   time.Time `json:"running,omitzero"` // since when it runs; zero: it does not
	Quiet     bool      `json:"quiet,omitempty"`  // over: not among the upcoming any more
	Gone      bool      `json:"-"`                // deleted
	Copy      int       `json:"-"`                // above zero: made by scale
}

func (m *meeting) active() bool { return !m.Running.IsZero() }

func (m *meeting) status() string {
	if m.active() {
		return "ACTIVE"
	}
	return "INACTIVE"
}

// session is one occurrence that has ended.
type session struct {
	ID        string     `json:"id"`
	Instance  string     `json:"instance"` // meetingInstanceKey, another number
	Meeting   string     `json:"meeting"`
	Organizer string     `json:"organizer"`
	Subject   string     `json:"subject"`
	Type      string     `json:"type"`
	Audio     string     `json:"audio"`
	Start     time.Time  `json:"start"`
	End       time.Time  `json:"end"`
	Joins     []join     `json:"joins"`
	Recording *recording `json:"recording,omitempty"`
	Gone      bool       `json:"-"` // erased: its meeting stays in history without it
	Copy      int        `json:"-"`
}

// wireID is the session's id as history tells it, which an erased one has no
// more.
func (s *session) wireID() string {
	if s.Gone {
		return ""
	}
	return s.ID
}

type join struct {
	Name  string    `json:"name"`
	Email string    `json:"email,omitempty"`
	In    time.Time `json:"in"`
	Out   time.Time `json:"out"`
}

type recording struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Size  int64  `json:"size"`
	Share string `json:"share"`
}

// people counts attendees the way GoTo's number is least surprising: distinct
// names with address, not joins.
func (s *session) people() int {
	seen := map[[2]string]bool{}
	for _, j := range s.Joins {
		seen[[2]string{j.Name, j.Email}] = true
	}
	return len(seen)
}

// model is all data: sample data overlaid with what callers changed.
type model struct {
	day      time.Time // midnight UTC of the day the sample was made for
	users    map[string]*user
	groups   []group
	licenses []license
	meetings map[string]*meeting
	sessions map[string]*session
	erased   map[string][]string // parts erased of a session, so that rescale does not bring them back
	made     int                 // meetings created by callers, ever
	ended    int                 // sessions ended by callers, ever
	invites  int                 // users invited, ever
}

func newModel(now time.Time) *model {
	m := &model{
		day:   now.UTC().Truncate(24 * time.Hour),
		users: map[string]*user{}, meetings: map[string]*meeting{},
		sessions: map[string]*session{}, erased: map[string][]string{},
	}
	m.samplePeople()
	m.sampleMeetings(now.UTC())
	m.sampleHistory()
	return m
}

func (m *model) byEmail(email string) *user {
	for _, u := range m.users {
		if strings.EqualFold(u.Email, strings.TrimSpace(email)) {
			return u
		}
	}
	return nil
}

// account lists the users of an account in the order of their keys.
func (m *model) account(key string) []*user {
	var out []*user
	for _, k := range slices.Sorted(maps.Keys(m.users)) {
		if u := m.users[k]; u.Account == key {
			out = append(out, u)
		}
	}
	return out
}

func (m *model) role(u *user) string {
	switch {
	case u.Account != homeAccount:
		return "organizer in another account"
	case u.admin():
		return "account admin"
	case u.organizer():
		return "organizer"
	}
	return "user"
}

// mayAdminister says whether who may see the data of the organizer: their own
// or, for an admin, those of the same account.
func (m *model) mayAdminister(who *user, organizer string) bool {
	if who.Key == organizer {
		return true
	}
	other := m.users[organizer]
	return who.admin() && other != nil && other.Account == who.Account
}

// meetingsOf lists what can still take place, earliest first.
func (m *model) meetingsOf(organizer string, now time.Time) []*meeting {
	var out []*meeting
	for _, mt := range m.meetings {
		if mt.Organizer == organizer && !mt.Gone && !mt.Quiet && (mt.active() || mt.Type == "recurring" || mt.End.After(now)) {
			out = append(out, mt)
		}
	}
	slices.SortFunc(out, func(a, b *meeting) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// sessionsOf lists ended sessions that started in [from, to], earliest first.
func (m *model) sessionsOf(from, to time.Time, want func(*session) bool) []*session {
	var out []*session
	for _, s := range m.sessions {
		if want(s) && !s.Start.Before(from) && !s.Start.After(to) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *session) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func (m *model) group(u *user) group {
	for _, g := range m.groups {
		if g.Key == u.Group {
			return g
		}
	}
	return group{}
}
