package views

// Attendees is who came to one occurrence: a row for each person, or for each
// join.
type Attendees struct {
	Subject, Grouped    string
	When, Zone          string
	Age                 Age
	MeetingURL, BackURL string
	Back                string // the query of the list to come back to
	Occurrences         []Link
	RegisterURL         string // of all occurrences; "" when there is one
	EraseURL            string

	Tiles      []Tile
	Reconciled string // GoTo's own figures beside ours
	Incomplete bool   // rows are missing
	Again      string // address to look again; "" when there is nothing to wait for

	Action    string
	Filter    AttendeeFilter
	Problems  []Problem
	Unplanned string // why the schedule that was asked for is not what is measured by
	Unmerged  string // why people are not as the account decided
	Chips     []Link // what is asked for, and the addresses without it
	ClearURL  string

	Asked    string // as in Upcoming
	Summary  string
	Announce string
	Views    []Link // people or joins
	Columns  []Column
	ByJoins  bool
	People   []PersonRow
	Total    PersonTotal
	Joins    []JoinRow
	Paging   Paging

	Timeline *Timeline // nil: there is nothing to draw

	Raw             []JoinRow // GoTo's rows, the first of them
	RawLabel        string
	RawAll          Link
	Twins           []Link
	Copy, CopyLabel string // e-mail addresses; "" when nobody gave one

	Empty     string // why there is nobody
	EmptyNext Link
	Waits     string // address that the page looks at again by itself; "" it does not
}

// Tile is one figure.
type Tile struct{ Label, Figure, Note string }

// AttendeeFilter is the form above the people, as it was typed.
type AttendeeFilter struct {
	Text                             string
	Threshold, Late, Early, Quorum   string
	Of                               []Option
	OnlyLate, OnlyEarly, OnlyNoEmail bool
	Hidden                           []Field
}

// PersonRow is one person, and what the figures are made of.
type PersonRow struct {
	ID               string // of the row
	Name, Email      string // "" when not given
	Organizer        bool
	In, InDatetime   string
	Out, OutDatetime string
	StillIn          bool
	Joins, Minutes   int
	Time, Share      string
	Status           []Word
	Also             []string  // other spellings and addresses
	Rows             []JoinRow // with a name only where it is another spelling
	More             Link      // to the rest of them
	Overlap          string    // why the rows add up to more
	EveryURL         string    // of all meetings of the person; "" for nobody known
	Who              AliasForms
}

// Word is a word with the kind of a badge, "" for plain text.
type Word struct{ Text, Kind string }

// PersonTotal is the last line of the table: of everybody it shows, on all
// pages.
type PersonTotal struct {
	People         string
	Joins, Minutes int
	Time           string
	Base           string // what shares are of
}

// JoinRow is one entry of an attendee.
type JoinRow struct {
	Name, Email                 string
	Join, Leave                 string
	JoinDatetime, LeaveDatetime string
	Minutes                     string
	Counted                     string // how much of it counts
	Remark                      string // why that is not what it reads; "" when it is
}

// Timeline is the drawing of who was there when. Units across are of its plot,
// which is stretched to the page; down and in RowHeight they are pixels.
type Timeline struct {
	Finding    string // the caption
	Quorum     string // when it was met; "" when none was asked for
	More       string // people without a bar
	Width      int    // units of the plot
	Left, Span string // where the plot begins on the whole drawing, and how wide it is
	NamesWidth string // of the names left of it

	CurveTop, CurveHeight int
	Curve                 string // path
	Peak                  Mark
	QuorumLine            *Mark // nil: none was asked for
	Met                   []Stretch
	Plan                  *Stretch // the scheduled time, where that is measured by
	Ticks                 []Tick

	RowHeight int
	Look      string // class of the letters
	Scrolls   bool   // there are too many lines to be seen at once
	Panels    []TimelinePanel
	Steps     []Step // the curve as a table
}

// TimelinePanel is some of the lines, which paper keeps together.
type TimelinePanel struct {
	Height int
	Rows   []TimelineRow
}

// Mark is a word at a height of the curve.
type Mark struct {
	X      string // per cent of the whole drawing
	Y      int
	Label  string
	Anchor string // of the text
}

// Stretch is from where and how wide, in units of the plot.
type Stretch struct{ X, Width int }

// Tick is a time on the axis.
type Tick struct {
	Unit      int
	X, Anchor string
	Label     string
	Minor     bool // left out where there is little room
}

// TimelineRow is one person's line; Y is within its panel.
type TimelineRow struct {
	Y                  int
	Name, Title        string
	Bars               []Stretch
	Organizer, StillIn bool
}

// Step is how many were present from when on.
type Step struct {
	When   string
	People int
}
