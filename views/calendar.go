package views

import "strconv"

// Calendar is a week or a day of meetings.
type Calendar struct {
	Heading, About  string
	Age             Age
	Tabs            []Link // the same meetings as a list, a week, a day
	View            string // "week" or "day"
	Steps           Steps
	Date, DateInput string // as it stands in the form, and the type of its input
	NewURL          string
	Organizer       *Organizer
	Key             string // of the organizer asked for, "" one's own
	Problems        []Problem
	Missing         Age // why sessions that are over are not there; no Why when they are
	Running         []Row
	Rooms           []Link
	Clock           []Hour
	Place           // its height
	Days            []CalendarDay
	Rest            []Box // those that no lane was left for, in the day view
	RestNote        Link  // where those are that Rest leaves out
	Twins           []Link
	Summary         string
	Announce, Self  string
}

// Steps lead to other days.
type Steps struct{ Prev, Today, Next Link }

// Place is where something stands beside the clock: so far down, so high, and
// in which of how many lanes. Minutes are multiples of five.
type Place struct {
	Hour, Minute   int
	Hours, Minutes int
	Lane, Lanes    int
}

// classes are those by which the stylesheet puts something in its place, since
// no style may be written into a page.
func (p Place) classes() []string {
	list := []string{"at-" + strconv.Itoa(p.Hour), "past-" + strconv.Itoa(p.Minute), "for-" + strconv.Itoa(p.Hours), "and-" + strconv.Itoa(p.Minutes)}
	if p.Lanes > 1 {
		list = append(list, "lane-"+strconv.Itoa(p.Lane), "of-"+strconv.Itoa(p.Lanes))
	}
	return list
}

// Hour is a row of the clock.
type Hour struct {
	Place
	Label string
}

// CalendarDay is one column.
type CalendarDay struct {
	Weekday, Date string // "Mon", "23 Nov"
	Full          string // "Monday, 23 November 2026"
	URL, NewURL   string // its own page; a new meeting on it, "" when it is over
	Today         bool
	Note          string // that clocks are set on it
	Boxes         []Box
	Gaps          []Place // hours that another day's clock reads
	Now           *Place
	Empty         string
}

// Box is a meeting, or with More several behind one another.
type Box struct {
	Place
	Subject, URL   string
	When, Datetime string
	Note           string // "Running", "5 attendees"
	Kind           string // of looks: "live", "over", "going", "many"
	More           int
}
