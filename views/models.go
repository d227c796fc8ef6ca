// Package views is the portal's HTML: templ components over plain view models.
// Models hold what is shown, already formatted; views do no time arithmetic,
// ask nobody, and know no type of GoTo's.
package views

import (
	"strings"

	"portal/static"
)

// Fragment names a part of a page that htmx may ask for alone.
type Fragment string

// The fragments.
const (
	Results      Fragment = "results"      // a list with its count, paging and announcement
	CoOrganizers Fragment = "coorganizers" // the co-organizer rows of the form
	BannerOnly   Fragment = "banner"       // an error, aimed at the banner
	PendingOnly  Fragment = "pending"      // the deletes that wait
	ReportOnly   Fragment = "report"       // how far a report is
	Organizers   Fragment = "organizers"   // whom a report can be about
)

// Base is what every page has.
type Base struct {
	Title     []string // most particular first; the product's name is added
	Wrong     bool     // a submit was refused: the title says so
	Nav       string   // "meetings", "history", "people", "reports", "settings", "help" or ""
	Path      string   // path prefix, "" or "/prefix"
	User      *User    // nil: nobody is signed in
	Sandbox   bool
	Notices   []Notice
	Pending   PendingBlock
	Here      string // path and query of this page, to come back to
	RequestID string
	FormToken string // "" leaves the hidden field out
	Partial   bool   // htmx asked for a part: announcements go along
	Refresh   int    // seconds after which a browser without scripts looks again; 0 never
}

// User is who is signed in.
type User struct{ Name, Email, Role string }

// Notice is one sentence at the top of the page.
type Notice struct{ Kind, Text string }

// PendingBlock is what every page shows of the user's deletes that wait.
type PendingBlock struct {
	List  []Pending
	Again int    // seconds until something new is to be seen; 0 nothing
	Self  string // address of the block, for the page it is on
}

// Pending is a delete that waits, or news of one: "“Subject” Text When".
type Pending struct {
	Kind         string // as of a Notice
	Subject      string
	Text, When   string
	Badge        string // instead of Text, where the meeting itself stands
	Left         int    // seconds that When counts down
	Action       string // of the form
	Keep, Delete string // words on its buttons; "" leaves one out
}

// URL puts the path prefix before a path of ours.
func (b Base) URL(path string) string { return b.Path + path }

// Asset is the address of a static file.
func (b Base) Asset(name string) string { return b.Path + static.Path(name) }

func (b Base) title() string {
	t := strings.Join(append(append([]string{}, b.Title...), "GoToMeeting Portal"), " · ")
	if b.Wrong {
		return "Error: " + t
	}
	return t
}

// Link is a labelled address within the portal, path prefix included.
type Link struct {
	Label, URL string
	Current    bool
	// Hidden context for people who do not see where the link stands.
	About string
}

// Option of a select.
type Option struct {
	Value, Label string
	Selected     bool
}

// Column heads a table column that can be sorted.
type Column struct {
	Key, Label string
	URL        string // "" cannot be sorted
	Sorted     string // "", "ascending", "descending"
	End        bool   // numbers: set at the end
}

// Paging is where in a long list one is.
type Paging struct {
	Page, Pages int
	Prev, Next  string // "" none
}

// Person has a key and perhaps a name.
type Person struct{ Key, Name, Email string }

// Start is the page for nobody in particular.
type Start struct {
	ConnectURL string
	Configured bool
	Ended      bool   // the session is over
	Returning  bool   // there is a place to come back to
	Left       string // what the user just ended
}

// Setup is the page for whoever installs the portal.
type Setup struct {
	RedirectURI           string
	NeedsPublicURL, Done  bool
	ClientID, SetupCode   string
	Problems              []Problem
	Unavailable, HasCreds bool
}

// Problem is a refusal beside the field it names.
type Problem struct{ Field, Text string }

func problemOf(list []Problem, field string) string {
	for _, p := range list {
		if p.Field == field {
			return p.Text
		}
	}
	return ""
}

// Age says how old what a page shows is.
type Age struct {
	AsOf       string // a clock time; "" for what is not GoTo's
	Day        string // its day, which paper outlives
	Why, Again string // why it is not newer, and the address to try again; "" when it is as new as can be
}

// Upcoming is the list of meetings to come.
type Upcoming struct {
	FormID        string // Meet now: pressed twice, it makes one meeting
	Summary       string // "14 meetings", filtered or not
	Zone          string
	Age           Age
	Asked         string // what was asked of the rows, for paper
	Tabs          []Link // the same meetings as a list, a week, a day
	Next          *Row
	Days          []Day
	Query         ListQuery
	Types, States []Option
	Sorts, Dirs   []Option
	Paging        Paging
	Twins         []Link
	Organizer     *Organizer
	Empty         string // why there is nothing, with EmptyNext to do
	EmptyNext     Link
	Announce      string
	Self          string // address, to read the list again
}

// ListQuery is what was asked of a list.
type ListQuery struct{ Text, Sort, Dir, From, To, Organizer string }

// Organizer is the admin's choice of whose meetings to see.
type Organizer struct {
	Options  []Option
	Watching string // name of the organizer looked at; "" one's own
	Back     string
	Missing  string // why there may be others to choose
}

// Day groups the meetings of a day.
type Day struct {
	Word, Date string
	Rows       []Row
}

// Row is a meeting in a list.
type Row struct {
	ID, Grouped  string
	Subject, URL string
	When, Until  string
	Datetime     string // for <time>
	Day          string
	Type         string
	Room         bool
	Running      bool
	Password     bool
	Organizer    Person
	Invitation   string
	StartURL     string // "" cannot be started from here
	EditURL      string
	Going        *Pending // its delete, that is about to happen
}

// Meeting is one meeting's page.
type Meeting struct {
	ID, Grouped, Subject  string
	When, Zone, Length    string
	Type, Audio, AudioWhy string
	Running, Password     bool
	MaxParticipants       string
	DialIn, JoinURL       string
	Organizer             Person
	CoOrganizers          []Person
	Invitation            string
	Mailto                string
	ICS                   string
	StartURL, EditURL     string
	DeleteURL             string
	AttendeesURL          string
	RegisterURL           string // of a room
	Created, Withheld     bool
	Watching              string // an admin reads another's meeting
	Role                  string // what the reader is to it
	Doubt                 Link   // with Role: GoTo does not say whose it is, so it may be the reader's own
	Going                 *Pending
	Back                  Link
	Age                   Age
	Missing               string // what could not be read
}

// MeetingForm is the form of a new or an existing meeting.
type MeetingForm struct {
	ID, Heading, Action string
	FormID              string // a new meeting's: sent twice, it makes one meeting
	Submit, Cancel      string
	Subject             string
	StartDate           string
	StartTime, Duration string
	Zones               []Option
	Types               []Option
	Audio               []Option
	AudioText           string
	AudioNote           string // made elsewhere: what saving sets
	DialIn              string // what GoTo shows now
	Password            bool
	Keys                []KeyRow // an empty key is an empty row
	KeysNote            string   // what was done to them
	Focus               string   // id of what a button of theirs brought about, "" leaves the focus alone
	Announce            string
	Read                string   // what the form started from, to carry along
	Changes             []Change // made elsewhere since
	Person              string   // whom to find
	Found               []Person
	FoundNote           string
	Fold                string
	AskFold             bool
	Going               string // the held delete that is in the way of saving
	Problems            []Problem
	MinDate             string
}

// Change is a field that was changed elsewhere while a form was open.
type Change struct {
	Field               string
	Mine, Now, Read     string
	TakesMine, TakesNow bool // which of them the form holds
}

// KeyRow is a co-organizer of the form.
type KeyRow struct {
	Person
	Bad bool   // Key cannot be read, and is what was typed
	Odd string // what an admin should look at twice
}

// Delete is the page that asks once.
type Delete struct {
	Subject, Grouped, When string
	Action, Back           string
	Seconds                int // that it is held back
	Lost                   []string
}

// Erase is the page that asks what of a session to erase at GoTo.
type Erase struct {
	Subject, Grouped string
	When, Zone       string
	Organizer        Person
	People           string // "12 people"; "" when GoTo lists nobody
	Joins            string
	Recording        bool
	Action, Back     string
	Fields           []Field // hidden in each form
	Problems         []Problem
}

// Held is the page of the deletes that wait.
type Held struct {
	Block    PendingBlock
	Next     Link
	Announce string
}

// Starting is the page while the host page opens.
type Starting struct{ Subject, Back, JoinURL string }

// History is the look back.
type History struct {
	Summary, Zone      string
	Age                Age
	Asked              string // as in Upcoming
	Query              ListQuery
	FromInput, ToInput string // type of the input: date, datetime-local, or text for what is neither
	Precision          Link   // whole days or times
	Presets            []Link
	Columns            []Column
	Rows               []PastRow
	Paging             Paging
	Twins              []Link
	Organizer          *Organizer
	ShowOrganizer      bool
	Missing            []string
	Problems           []Problem
	Empty              string // why there is nothing, with EmptyNext to do
	EmptyNext          Link
	NotYet             string // what the range should have and GoTo does not list; "" when it is over
	Running            []Link // known of it
	Again, Waits       string // address to look again, and to look at by itself
	Announce           string
}

// PastRow is one session that is over.
type PastRow struct {
	Subject, URL, Grouped string
	Day, When, Datetime   string
	Length                string
	Attendees             int
	Type                  string
	Recording             string
	RecordingPending      bool
	Organizer             Person
}

// People is the account's users, or the co-organizers met so far.
type People struct {
	Admin         bool
	Query         ListQuery
	Summary       string
	Age           Age
	Asked         string // as in Upcoming
	Rows          []UserRow
	Paging        Paging
	Twins         []Link
	Invite        Invite
	NameKey       NameKey
	Announce      string
	Empty         string
	LicencesError string
}

// UserRow is one person.
type UserRow struct {
	Person
	Status, StatusKind, Role, Licences string
	MeetingsURL                        string
}

// Invite is the form that asks GoTo to add a user.
type Invite struct {
	FirstName, LastName, Email string
	Licences                   []Option
	Problems                   []Problem
}

// NameKey is the form that names a key.
type NameKey struct {
	Key, Name string
	Problems  []Problem
}

// Settings shows whose session this is.
type Settings struct {
	Name, Email, Key, Account, Role string
	Zone                            string
	Scopes                          []string
	MissingScope                    bool
	Pinned                          string
	Connect                         string
	AuditURL                        string // "" for who may not see it
	Feed                            Feed
}

// Failure is an error, as a page or a fragment.
type Failure struct {
	Status      int
	Title, Text string
	Next        Link
	Again       string // address to try again; "" leaves it out
}

// Resend shows a form that was held back and can be sent after all.
type Resend struct {
	Status      int // 0: it is no failure
	Title, Text string
	Action      string
	Fields      []Field
	Send        string // the button's words; "" stands for the usual ones
	Leave       Link
}

// Field is one value of a form, as it was typed.
type Field struct{ Name, Value string }
