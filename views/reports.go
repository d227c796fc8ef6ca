package views

// Reports is where reports are asked for, and found again.
type Reports struct {
	Form   ReportForm
	Recent []ReportLink
}

// ReportForm asks for a report, as it was typed.
type ReportForm struct {
	From, To           string
	FromInput, ToInput string
	Presets            []Link
	Admin              bool     // may ask about others
	Whose              []Option // own, all, chosen
	Organizers         []OrganizerChoice
	Text               string // organizers are narrowed to
	Found              string // how many there are
	Missing            string // why there may be others to choose
	Problems           []Problem
	Announce           string
}

// OrganizerChoice is somebody whose meetings a report can be about.
type OrganizerChoice struct {
	Key, Label, Note string
	Chosen           bool
}

// ReportLink is one of the user's reports in a list.
type ReportLink struct {
	Title, URL     string
	Range          string
	State          Word
	When, Datetime string
	Progress       string // with one that runs
}

// Report is one report: how far it is, or what it says.
type Report struct {
	Title, Range, Zone string
	State              Word
	Running            *ReportProgress
	Failure            string   // why there is nothing to see
	Unsure             string   // that people are shown without who is who
	Lacks              string   // that not everything is here
	Missing            []string // whose meetings are not, and why
	Again              *ReportAgain

	Has       bool // there are figures
	Tiles     []Tile
	Chart     Chart
	Best      []RankedMeeting
	Rare      []RankedMeeting
	Tabs      []Link
	Action    string // of the search
	Hidden    []Field
	Text      string
	Search    string // label of the search; "" leaves it out
	Asked     string // what was asked of the rows, for paper
	Summary   string
	Announce  string
	Table     Table
	Empty     string // why there is nothing
	EmptyNext Link
	Paging    Paging
	Twins     []Link
	Made      []string // how, in sentences
	Until     string   // it is kept
}

// ReportProgress is a report that is being made.
type ReportProgress struct {
	Self        string // address that the page asks again
	Done, Total int
	Says        string // "12 of 49 steps"
	Elapsed     string
	Stopping    bool
	Cancel      string // action of the form
	Organizers  []ReadingRow
	Announce    string
}

// ReadingRow is how far a report is with one organizer.
type ReadingRow struct {
	Name  string
	Steps string
	State Word
	Why   string
}

// ReportAgain asks for the same report again.
type ReportAgain struct {
	Action, Label string
	Fields        []Field
}

// RankedMeeting is a meeting among those with the most or the fewest people.
type RankedMeeting struct {
	Subject, URL string
	Figure, Note string
}

// PersonPage is every meeting that somebody came to.
type PersonPage struct {
	Name, Sub string
	Zone      string
	Crumb     Link
	Age       Age
	Ask       *PersonAsk // whom to look for
	Several   []Link     // who could be meant
	Unsure    string     // as in Report
	Note      string     // how far the page sees
	Account   *ReportAgain
	Tiles     []Tile
	Summary   string
	Announce  string
	Table     Table
	Action    string
	Hidden    []Field
	Text      string
	Asked     string // as in Report
	ClearURL  string
	Empty     string
	EmptyNext Link // with Empty, when there is nothing at all
	Paging    Paging
	Twins     []Link
}

// PersonAsk is the form that asks for a person.
type PersonAsk struct {
	Email, Name string
	From, To    string
	Problems    []Problem
}

// Table is rows under columns, with the sums under some of them.
type Table struct {
	Caption string
	Columns []Column
	Rows    [][]Cell // each begins with what heads it
	Total   []Cell   // empty leaves it out
}

// Cell of a Table.
type Cell struct {
	Text, Sub string
	URL       string
	Datetime  string
	Badge     string // kind of one
	IsBadge   bool
	Wide      bool // has a line of its own on a narrow screen
	Num       bool // digits that belong together
}
