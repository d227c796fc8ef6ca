package handlers

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/meetings"
	"portal/views"
)

// mostCandidates is how many people a page offers at once; a search finds the
// others.
const mostCandidates = 200

var (
	errNoAlias    = &refusal{http.StatusNotFound, "Nothing to undo", "It was undone already, or nobody of your account decided it. All that holds is listed under People.", "Same person, different name", "/people/aliases"}
	errNoAliasAct = &refusal{http.StatusUnprocessableEntity, "Join, split or undo?", "Go back and press one of the buttons; nothing was changed.", "Same person, different name", "/people/aliases"}
)

// unmerged is said where the account's decisions cannot be read.
const unmerged = "What your account decided about who is who cannot be read just now, so people are listed as GoTo's rows have them."

// decisions are those that made people what they are.
func decisions(people []meetings.Attendee) []meetings.Decision {
	var all []meetings.Decision
	for _, who := range people {
		all = append(all, who.Decisions...)
	}
	return all
}

// someone is how forms carry a person: the identity, and after a tab, which it
// cannot hold, how it is spelled.
func someone(id meetings.Identity, label string) string {
	if label == "" {
		return string(id)
	}
	return string(id) + "\t" + label
}

func readSomeone(typed string) (id meetings.Identity, label string) {
	before, label, _ := strings.Cut(typed, "\t")
	return meetings.Identity(before), label
}

// aliasAsked is what the page of aliases is asked for.
type aliasAsked struct {
	person, into        string // as forms carry people
	meeting, occurrence string // where to look for others
	text, back          string
}

func readAliases(value func(string) string) aliasAsked {
	return aliasAsked{
		person: value("person"), into: value("into"), meeting: value("meeting"), occurrence: value("occurrence"),
		text: value("q"), back: safeReturn(value(backTo)),
	}
}

func (s *server) showAliases(c echo.Context) error {
	return s.aliases(c, http.StatusOK, readAliases(c.QueryParam), nil)
}

// aliases shows who is who: everything that the account decided, or with a
// meeting whom one can decide about, or with a person, too, the forms to do so.
func (s *server) aliases(c echo.Context, status int, asked aliasAsked, problems []views.Problem) error {
	known, err := s.meetings.Aliases(c.Request().Context(), caller(c))
	if err != nil {
		return err
	}
	v := views.Aliases{
		Title: "Same person, different name", Sub: "Who counts as whom in all meetings of " + aliasScope(caller(c)) + ", for everybody who looks at them",
		Crumb: s.aliasCrumb(asked.back), Problems: problems, Back: asked.back, Self: s.prefix + "/people/aliases", Query: views.ListQuery{Text: asked.text},
	}
	id, label := readSomeone(asked.person)
	if of := idPattern.MatchString(asked.meeting); of && asked.person == "" {
		if v.Pick, err = s.aliasPick(c, asked, known); err != nil {
			return err
		}
		v.Title, v.Sub = "Who is listed twice, or two in one?", "Choose a person of the meeting; then say whom else it is, or that it is several."
		return s.aliasPage(c, status, v)
	} else if of && id.Known() {
		who, err := s.aliasPerson(c, asked, id, label, known)
		if err != nil && status == http.StatusOK {
			return err
		}
		if err == nil {
			v.Title, v.Person, v.Rows = "Who is "+meetings.Plain(who.Forms.Label)+"?", &who, who.Forms.Applied
			v.Sub = "What you decide holds in all meetings of " + aliasScope(caller(c)) + ", for everybody who looks at them. It can be undone."
			return s.aliasPage(c, status, v)
		}
	}
	if asked.person != "" { // what is left is the list
		asked.text, v.Query.Text = "", ""
	}
	for i := range v.Problems {
		v.Problems[i].Field = "results"
	}
	if v.Back == "" {
		v.Back = "/people/aliases"
	}
	found := known.Find(asked.text)
	cut, page, pages, ok := pageAsked(c, found)
	if !ok {
		return s.toFirstPage(c)
	}
	v.Rows = s.aliasRows(c, cut)
	v.Summary = count(len(found), "decision", "decisions")
	if len(found) != len(known) {
		v.Summary = strconv.Itoa(len(found)) + " of " + count(len(known), "decision", "decisions")
	}
	v.Announce, v.Paging = v.Summary, s.paging("/people/aliases", query("q", asked.text, backTo, asked.back), page, pages)
	switch {
	case len(known) == 0:
		v.Empty = "Nobody has been joined or split yet. Where a meeting's attendees list somebody twice, or two people as one, open the person there."
	case len(found) == 0:
		v.Empty = "Nothing that was decided matches your search."
	}
	return s.aliasPage(c, status, v)
}

func (s *server) aliasPage(c echo.Context, status int, v views.Aliases) error {
	b := s.base(c, "people", v.Title)
	b.Wrong = len(v.Problems) > 0
	return s.page(c, status, views.AliasesPage(b, v), views.Results)
}

// aliasScope names whose meetings a decision is about.
func aliasScope(who meetings.Caller) string {
	if who.AccountKey == "" {
		return "yours"
	}
	return "this account"
}

// aliasCrumb leads back to where somebody asked from.
func (s *server) aliasCrumb(back string) views.Link {
	path, _, _ := strings.Cut(back, "?")
	switch {
	case strings.HasSuffix(path, "/attendees"):
		return views.Link{Label: "Attendees", URL: s.prefix + back}
	case strings.HasSuffix(path, "/register"):
		return views.Link{Label: "Register", URL: s.prefix + back}
	}
	return views.Link{Label: "People", URL: s.prefix + "/people"}
}

// aliasPerson is somebody of a meeting and whom they can be joined with.
func (s *server) aliasPerson(c echo.Context, asked aliasAsked, id meetings.Identity, label string, known meetings.Aliases) (views.AliasPerson, error) {
	all, _, err := s.meetings.Candidates(c.Request().Context(), reader(c), asked.meeting, asked.occurrence, known)
	if err != nil {
		return views.AliasPerson{}, err
	}
	who := meetings.Candidate{ID: id, Label: id.Spelled(label)}
	if i := slices.IndexFunc(all, func(k meetings.Candidate) bool { return k.ID == id }); i >= 0 {
		who = all[i]
		all = slices.Delete(all, i, i+1)
	}
	v := views.AliasPerson{
		Forms: s.aliasForms(c, known, who, asked.meeting, asked.occurrence, asked.back), Meeting: asked.meeting, At: asked.occurrence, Text: asked.text,
	}
	if len(all) == 0 {
		v.None = "Nobody else with a name or an e-mail address came to this meeting."
		return v, nil
	}
	chosen, _ := readSomeone(asked.into)
	v.Options, v.Many = aliasOptions(all, asked, chosen)
	return v, nil
}

// aliasPick is whom of a meeting one can decide about.
func (s *server) aliasPick(c echo.Context, asked aliasAsked, known meetings.Aliases) (*views.AliasPick, error) {
	all, _, err := s.meetings.Candidates(c.Request().Context(), reader(c), asked.meeting, asked.occurrence, known)
	if err != nil {
		return nil, err
	}
	v := &views.AliasPick{Meeting: asked.meeting, At: asked.occurrence, Back: asked.back, Text: asked.text}
	if len(all) == 0 {
		v.None = "Nobody with a name or an e-mail address is recorded for this meeting."
		return v, nil
	}
	v.Options, v.Many = aliasOptions(all, asked, "")
	return v, nil
}

// aliasOptions offers people to choose from: those of the session in question
// first. many says that there are more.
func aliasOptions(all []meetings.Candidate, asked aliasAsked, chosen meetings.Identity) (options []views.OptionGroup, many string) {
	found := meetings.FilterCandidates(all, asked.text)
	if len(found) > mostCandidates {
		many = "The first " + strconv.Itoa(mostCandidates) + " of " + count(len(found), "person", "people") + " can be chosen below: find the one you mean."
		found = found[:mostCandidates]
	}
	here, elsewhere := views.OptionGroup{Label: "In this session"}, views.OptionGroup{Label: "In other sessions of the meeting"}
	if asked.occurrence == "" {
		elsewhere.Label = "In this meeting"
	}
	for _, k := range found {
		o := views.Option{Value: someone(k.ID, k.Label), Label: candidateLabel(k), Selected: k.ID == chosen}
		if k.Here && asked.occurrence != "" {
			here.Options = append(here.Options, o)
		} else {
			elsewhere.Options = append(elsewhere.Options, o)
		}
	}
	return []views.OptionGroup{here, elsewhere}, many
}

// candidateLabel names somebody to choose.
func candidateLabel(k meetings.Candidate) string {
	name, label := meetings.Plain(k.Name), meetings.Plain(k.Label)
	switch {
	case name == "" || name == label:
		return label
	case k.ID.Named() || strings.HasPrefix(label, name):
		return label
	}
	return name + " · " + label
}

// aliasForms is what can be decided about somebody of a meeting, and what was.
// back is the path of the page it stands on.
func (s *server) aliasForms(c echo.Context, known meetings.Aliases, who meetings.Candidate, meeting, occurrence, back string) views.AliasForms {
	v := views.AliasForms{Label: meetings.Plain(who.Label), Back: back, Applied: s.aliasRows(c, known.Applied(who.Decisions))}
	if !who.ID.Known() {
		return v
	}
	v.Person = someone(who.ID, who.Label)
	v.JoinURL = s.address("/people/aliases", "person", v.Person, "meeting", meeting, "occurrence", occurrence, backTo, back)
	switch {
	case !who.CanSplit:
	case who.ID.Named():
		v.Split = "Two were there under this name at the same time. If they are different people, each gets a row of their own: they are told apart by being there at the same time."
	default:
		v.Split = "This address came under several names: " + meetings.Plain(strings.Join(who.Names, ", ")) + ". If different people share it, each name gets a row of its own."
	}
	return v
}

func (s *server) aliasRows(c echo.Context, list meetings.Aliases) []views.AliasRow {
	loc := zone(c)
	rows := make([]views.AliasRow, 0, len(list))
	for _, a := range list {
		verb := "Joined by "
		if a.Kind == meetings.AliasSplit {
			verb = "Split by "
		}
		rows = append(rows, views.AliasRow{
			ID: a.ID, Text: a.Says(), By: verb + meetings.Plain(a.By), When: a.At.In(loc).Format("2 Jan 2006"), Datetime: a.At.Format(time.RFC3339),
		})
	}
	return rows
}

// decideAliases joins two people, splits one, or undoes such a decision.
func (s *server) decideAliases(c echo.Context) error {
	ctx, who, asked := c.Request().Context(), caller(c), readAliases(c.FormValue)
	back := asked.back
	if back == "" {
		back = "/people/aliases"
	}
	var r meetings.Ruling
	switch c.FormValue("action") {
	case "join":
		r.Kind = meetings.AliasJoin
	case "split":
		r.Kind = meetings.AliasSplit
	case "undo":
		a, err := s.meetings.UndoAlias(ctx, who, c.FormValue("id"))
		if err != nil {
			return err
		}
		text := a.Who() + " does not count as " + a.Whom() + " any more."
		if a.Kind == meetings.AliasSplit {
			text = a.Who() + " is one person again."
		}
		notify(c, auth.Success, "Undone: "+text)
		return s.to(c, back)
	default:
		return errNoAliasAct
	}
	r.Person, r.PersonLabel = readSomeone(asked.person)
	r.Into, r.IntoLabel = readSomeone(asked.into)
	a, wrong, err := s.meetings.Decide(ctx, who, r)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return s.aliases(c, http.StatusUnprocessableEntity, asked, viewProblems(wrong))
	}
	notify(c, auth.Success, a.SaysNow()+", in all meetings of "+aliasScope(who)+". It can be undone there, and under People.")
	return s.to(c, back)
}
