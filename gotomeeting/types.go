package gotomeeting

import "time"

// The meeting types of GoTo. A recurring meeting has one id that can be
// started any number of times; GoTo's v1 knows no recurrence rule.
const (
	Scheduled = "scheduled"
	Recurring = "recurring"
	Immediate = "immediate"
)

// Meeting is one planned or running meeting. What it holds depends on the
// call: the upcoming lists carry no co-organizers and no MaxParticipants, and
// the single read carries no organizer.
type Meeting struct {
	ID                 string
	Subject            string    // plain text, GoTo's entities decoded
	Start, End         time.Time // UTC; zero when GoTo gave none
	Duration           time.Duration
	Type               string // [Scheduled], [Recurring], [Immediate] or what GoTo sent, in lower case
	PasswordRequired   bool
	Running            bool   // GoTo's status ACTIVE
	ConferenceCallInfo string // dial-in text as GoTo renders it, never the audio option
	MaxParticipants    int    // 0 = not told
	CoOrganizerKeys    []string

	OrganizerKey       string
	AccountKey         string
	OrganizerFirstName string
	OrganizerLastName  string
	OrganizerEmail     string
	Locale             string // such as en_US
}

// MeetingRequest is what create and update send. An update replaces the whole
// meeting, so every field must hold what the meeting shall have afterwards.
type MeetingRequest struct {
	Subject          string // plain text; at most 100 by [SubjectLength]
	Start, End       time.Time
	Type             string
	PasswordRequired bool
	// Audio is one of the Audio constants, or the organizer's own text of at
	// most 255 characters. Never send back a rendered ConferenceCallInfo.
	Audio           string
	CoOrganizerKeys []string
}

// Created is GoTo's answer to a create, the only one that names a join URL.
type Created struct {
	ID                 string
	JoinURL            string
	ConferenceCallInfo string
	MaxParticipants    int
}

// PastMeeting is one session that has ended. Running meetings are missing
// from GoTo's history.
type PastMeeting struct {
	SessionID string // GoTo's session; not an attendee row's InstanceKey
	ID        string // meeting id
	Subject   string // plain text, GoTo's entities decoded
	Start     time.Time
	End       time.Time
	Length    time.Duration // as GoTo counts it, in whole minutes
	Attendees int           // as GoTo counts them
	Type      string

	ConferenceCallInfo string
	OrganizerKey       string
	AccountKey         string
	OrganizerFirstName string
	OrganizerLastName  string
	OrganizerEmail     string
	Locale             string

	Recording *Recording // nil when there is none, or none yet
}

// Recording of a session.
type Recording struct {
	ID       string
	Name     string
	Bytes    int64
	ShareURL string      // as GoTo gave it; sometimes a bare host that leads nowhere, see Link
	Download DownloadURL // opens the file without a log-in
}

// Join is one entry of one attendee into one session. A person who drops and
// comes back has several.
type Join struct {
	Name         string // the attendee's
	Email        string // the attendee's; may be empty
	Joined, Left time.Time
	Minutes      int // GoTo's duration: by organizer the join's, by meeting as a rule the whole session's

	MeetingID    string
	InstanceKey  string    // GoTo's meetingInstanceKey; not a session id
	Start, End   time.Time // of the instance
	NumAttendees int
	Subject      string
	Type         string

	OrganizerKey       string
	OrganizerFirstName string
	OrganizerLastName  string
	OrganizerEmail     string
}

// Source names which service said who a user is.
type Source string

// The services that can identify a user.
const (
	FromAdmin Source = "admin" // /admin/rest/v1/me
	FromSCIM  Source = "scim"  // /identity/v1/Users/me
)

// Profile is who a token belongs to.
type Profile struct {
	Source Source
	// ScopeMissing says that the Admin API refused the token, as it does for a
	// client without the scope "identity:". It is known only when SCIM
	// answered in its place.
	ScopeMissing bool

	Key        string // user key; equals the organizer key
	AccountKey string // "" when GoTo did not say: SCIM need not
	Email      string
	FirstName  string
	LastName   string
	Locale     string
	TimeZone   string   // IANA
	AdminRoles []string // empty: not an admin of the account
	Products   []string
	Accounts   []Account
}

// Account is one account that a user belongs to.
type Account struct {
	Key        string
	Name       string
	AdminRoles []string
}

// User is one user of an account, by the Admin API.
type User struct {
	Key         string // equals the organizer key
	Email       string
	FirstName   string
	LastName    string
	Status      string // ACTIVE, INACTIVE, INVITED, SUSPENDED
	Locale      string
	TimeZone    string
	Admin       bool
	AdminRoles  []string
	LicenseKeys []string
	Products    []string
	GroupKey    string
	GroupName   string
}

// UserFilter narrows [Client.Users]; an empty one lists every user.
type UserFilter struct {
	Email string // the whole address, in any case
	Key   string
}

// Invitation adds one user to an account.
type Invitation struct {
	FirstName, LastName, Email string
	LicenseKeys                []string // empty: none
}

// InvitedUser is GoTo's answer for one invited address, also for people who
// were there already.
type InvitedUser struct {
	Key   string
	Email string
}

// License of an account.
type License struct {
	Key         string
	Description string
	Type        string
	Enabled     bool
	Seats       int      // 0 = not told
	UserKeys    []string // who holds one
	Products    []string
}
