package handlers

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/meetings"
	"portal/views"
)

const (
	// usualGrace is how many minutes one may come late or leave early when
	// nobody says otherwise.
	usualGrace = 5
	maxGrace   = 24 * 60
	maxQuorum  = 100_000

	byJoins   = "joins" // of rows: a row for each join, not for each person
	scheduled = "scheduled"
)

// attendeeQuery is what is asked of the attendee page. Numbers that cannot be
// read are problems, and as good as not given.
type attendeeQuery struct {
	ref, organizer, back string
	joins                bool // the rows are joins
	people               meetings.PersonQuery
	yard                 meetings.Yardstick
	threshold            string // as typed, as the next three
	late, early, quorum  string
	problems             []views.Problem
}

func readAttendeeQuery(c echo.Context) (attendeeQuery, error) {
	organizer, err := organizerAsked(c, false)
	if err != nil {
		return attendeeQuery{}, err
	}
	show := c.QueryParams()["show"]
	q := attendeeQuery{
		ref: c.QueryParam("occurrence"), organizer: organizer, back: c.QueryParam(backTo), joins: c.QueryParam("rows") == byJoins,
		people: meetings.PersonQuery{
			Text: c.QueryParam("q"), Sort: c.QueryParam("sort"), Desc: c.QueryParam("dir") == "desc",
			Late: slices.Contains(show, "late"), Early: slices.Contains(show, "early"), NoEmail: slices.Contains(show, "noemail"),
		},
		yard:      meetings.Yardstick{Scheduled: c.QueryParam("of") == scheduled},
		threshold: c.QueryParam("threshold"), late: c.QueryParam("late"), early: c.QueryParam("early"), quorum: c.QueryParam("quorum"),
	}
	q.people.AtLeast = q.number("threshold", q.threshold, 0, 100, "Enter per cent from 0 to 100, for example 85")
	minutes := func(field, typed string) time.Duration {
		return time.Duration(q.number(field, typed, usualGrace, maxGrace, "Enter whole minutes from 0 to 1440, for example 5")) * time.Minute
	}
	q.yard.Late, q.yard.Early = minutes("late", q.late), minutes("early", q.early)
	q.yard.Quorum = int(q.number("quorum", q.quorum, 0, maxQuorum, "Enter how many people make the quorum, for example 7"))
	return q, nil
}

// number reads a field; only per cent have decimals.
func (q *attendeeQuery) number(field, typed string, usual, most float64, problem string) float64 {
	text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(typed), "%"))
	if text == "" {
		return usual
	}
	n, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	if err != nil || !(n >= 0 && n <= most) || field != "threshold" && n != float64(int(n)) {
		q.problems = append(q.problems, views.Problem{Field: field, Text: problem})
		return usual
	}
	return n
}

// values are the address of the page as it is asked for, without what says
// nothing, the page number and the way back.
func (q attendeeQuery) values() url.Values {
	v := query("occurrence", q.ref, "organizer", q.organizer, "q", q.people.Text, "sort", q.people.Sort)
	if q.people.Desc {
		v.Set("dir", "desc")
	}
	if q.joins {
		v.Set("rows", byJoins)
		return v
	}
	if q.people.AtLeast > 0 {
		v.Set("threshold", plainNumber(q.people.AtLeast))
	}
	if q.yard.Scheduled {
		v.Set("of", scheduled)
	}
	for name, set := range map[string]bool{"late": q.people.Late, "early": q.people.Early, "noemail": q.people.NoEmail} {
		if set {
			v.Add("show", name)
		}
	}
	slices.Sort(v["show"])
	for name, d := range map[string]time.Duration{"late": q.yard.Late, "early": q.yard.Early} {
		if m := int(d.Minutes()); m != usualGrace {
			v.Set(name, strconv.Itoa(m))
		}
	}
	if q.yard.Quorum > 0 {
		v.Set("quorum", strconv.Itoa(q.yard.Quorum))
	}
	return v
}

// place is values with the way back, as links of the page itself carry it.
func (q attendeeQuery) place() url.Values { return q.withBack(q.values()) }

func (q attendeeQuery) withBack(v url.Values) url.Values {
	if q.back != "" {
		v.Set(backTo, q.back)
	}
	return v
}

// at is an address of the page under v, with the way back.
func (q attendeeQuery) at(path string, v url.Values) string {
	if v = q.withBack(v); len(v) > 0 {
		return path + "?" + v.Encode()
	}
	return path
}

func plainNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// filter is one thing that was asked for: in words within a sentence, and the
// parameters that ask for it.
type filter struct {
	words string
	takes []string // names of parameters; "show=late" is one value of several
}

// filters are what narrows the people or changes what they are measured by.
// base names what shares are of.
func (q attendeeQuery) filters(base string) []filter {
	var list []filter
	add := func(set bool, words string, takes ...string) {
		if set {
			list = append(list, filter{words, takes})
		}
	}
	text := strings.TrimSpace(q.people.Text)
	add(text != "", "“"+text+"” in name or e-mail", "q")
	if q.joins {
		return list
	}
	late, early := int(q.yard.Late.Minutes()), int(q.yard.Early.Minutes())
	add(q.people.AtLeast > 0, "there for at least "+plainNumber(q.people.AtLeast)+" % of the "+base, "threshold")
	add(q.people.Late, "came over "+strconv.Itoa(late)+" min late", "show=late", "late")
	add(q.people.Early, "left over "+strconv.Itoa(early)+" min early", "show=early", "early")
	add(q.people.NoEmail, "gave no e-mail", "show=noemail")
	add(!q.people.Late && late != usualGrace, "late is over "+strconv.Itoa(late)+" min", "late")
	add(!q.people.Early && early != usualGrace, "early is over "+strconv.Itoa(early)+" min", "early")
	add(q.yard.Scheduled, "measured by the schedule", "of")
	add(q.yard.Quorum > 0, "quorum of "+strconv.Itoa(q.yard.Quorum), "quorum")
	return list
}

// form is what the filters' form holds.
func (q attendeeQuery) form(at sitting) views.AttendeeFilter {
	f := views.AttendeeFilter{
		Text: q.people.Text, Threshold: q.threshold, Late: q.late, Early: q.early, Quorum: q.quorum,
		OnlyLate: q.people.Late, OnlyEarly: q.people.Early, OnlyNoEmail: q.people.NoEmail,
	}
	usual := strconv.Itoa(usualGrace)
	f.Late, f.Early = cmp.Or(f.Late, usual), cmp.Or(f.Early, usual)
	actual, plan := "actual length", "scheduled length"
	if at.planned() {
		plan += ", " + length(at.minutes(at.Presence.Base))
	}
	actual += ", " + length(at.minutes(at.Presence.Actual))
	f.Of = []views.Option{{Value: "", Label: actual}, {Value: scheduled, Label: plan, Selected: q.yard.Scheduled}}
	for _, name := range []string{"occurrence", "organizer", "rows", "sort", "dir", backTo} {
		if value := q.place().Get(name); value != "" {
			f.Hidden = append(f.Hidden, views.Field{Name: name, Value: value})
		}
	}
	return f
}

// without is the address of the page when a filter is taken away.
func (q attendeeQuery) without(path string, f filter) string {
	v := q.values()
	for _, name := range f.takes {
		if value, one := strings.CutPrefix(name, "show="); one {
			v["show"] = slices.DeleteFunc(v["show"], func(s string) bool { return s == value })
			continue
		}
		v.Del(name)
	}
	return q.at(path, v)
}

// cleared is the address without any filter.
func (q attendeeQuery) cleared(path string) string {
	v := q.values()
	for name := range v {
		if !slices.Contains([]string{"occurrence", "organizer", "rows", "sort", "dir"}, name) {
			v.Del(name)
		}
	}
	return q.at(path, v)
}

// unreadable is the answer to a file that is asked for with a number that
// cannot be read.
func (q attendeeQuery) unreadable() error {
	return &refusal{http.StatusUnprocessableEntity, "This query cannot be read", q.problems[0].Text + ".", "", ""}
}
