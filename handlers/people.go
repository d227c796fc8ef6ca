package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/auth"
	"portal/meetings"
	"portal/views"
)

func (s *server) listPeople(c echo.Context) error {
	return s.showPeople(c, http.StatusOK, views.Invite{}, views.NameKey{})
}

func (s *server) showPeople(c echo.Context, status int, invite views.Invite, name views.NameKey) error {
	ctx, who := c.Request().Context(), reader(c)
	users, seen, err := s.meetings.People(ctx, who)
	if err != nil {
		return err
	}
	var licenses []meetings.License
	var licensesErr error
	if who.Admin {
		// Not being able to read them costs their names, not the page.
		var told meetings.Seen
		licenses, told, licensesErr = s.meetings.Licenses(ctx, who)
		meetings.NameLicenses(users, licenses)
		seen = seen.And(told)
	}
	text := c.QueryParam("q")
	rows := meetings.FilterUsers(users, text)
	words := asked("search", quoted(text))
	if format(c.Request()) != "" {
		calls := "None: whom the portal has met so far"
		if who.Admin {
			calls = "The account's users and licences, 1 call each"
		}
		return s.twin(c, peopleTable(rows, who.Admin, zone(c)), s.facts(c, seen, calls, words), "people", s.meetings.Now().In(zone(c)).Format(time.DateOnly))
	}
	self := query("q", text)
	cut, page, pages, ok := pageAsked(c, rows)
	if !ok {
		return s.toFirstPage(c)
	}
	v := views.People{
		Admin: who.Admin, Asked: words, Query: views.ListQuery{Text: text}, Summary: count(len(rows), "person", "people"),
		Paging: s.paging("/people", self, page, pages), Twins: s.twinLinks("/people", self, "csv", "xlsx", "json"),
		Invite: invite, NameKey: name, Age: s.age(c, seen),
	}
	if len(rows) != len(users) {
		v.Summary = strconv.Itoa(len(rows)) + " of " + count(len(users), "person", "people")
	}
	v.Announce = v.Summary
	for _, u := range cut {
		row := views.UserRow{
			Person: views.Person(u.Person), Status: statusWord(u.Status), Licences: licences(u.Licenses),
			Role: "Organizer", MeetingsURL: s.address("/meetings", "organizer", u.Key),
		}
		if u.Admin {
			row.Role = "Account admin"
		}
		switch u.Status {
		case "ACTIVE":
			row.StatusKind = "live"
		case "SUSPENDED", "INACTIVE":
			row.StatusKind = "warn"
		}
		v.Rows = append(v.Rows, row)
	}
	switch {
	case len(rows) == 0 && text != "":
		v.Empty = "Nobody matches."
	case len(rows) == 0:
		v.Empty = "You have not met anybody yet. Names appear as you look at meetings; you can also name a key below."
	}
	if licensesErr != nil {
		told, _, _ := explain(licensesErr, c.Request())
		v.LicencesError = "GoTo did not say which licences there are (" + told.title + "), so people are invited without one."
	} else {
		v.Invite.Licences = licenceOptions(licenses, c.FormValue("license_key"))
	}
	b := s.base(c, "people", "People")
	b.Wrong = len(invite.Problems)+len(name.Problems) > 0
	return s.page(c, status, views.PeoplePage(b, v), views.Results)
}

// licenceOptions are what an invited person can be given.
func licenceOptions(list []meetings.License, chosen string) []views.Option {
	choices := options(chosen, "", "None for now")
	for _, l := range list {
		label := l.Label
		if l.Free >= 0 {
			label += " (" + strconv.Itoa(l.Free) + " free)"
		}
		choices = append(choices, views.Option{Value: l.Key, Label: label, Selected: l.Key == chosen})
	}
	return choices
}

func statusWord(status string) string {
	if status == "" {
		return "Unknown"
	}
	return status[:1] + strings.ToLower(status[1:])
}

func (s *server) invitePerson(c echo.Context) error {
	if !caller(c).Admin {
		return errAdminsOnly
	}
	i := meetings.Invitation{FirstName: c.FormValue("first_name"), LastName: c.FormValue("last_name"), Email: c.FormValue("email"), LicenseKey: c.FormValue("license_key")}
	typed := views.Invite{FirstName: i.FirstName, LastName: i.LastName, Email: i.Email}
	if problems := i.Check(); len(problems) > 0 {
		typed.Problems = viewProblems(problems)
		return s.showPeople(c, http.StatusUnprocessableEntity, typed, views.NameKey{})
	}
	person, already, err := s.meetings.Invite(c.Request().Context(), caller(c), i)
	if refusedByGoTo(err) {
		typed.Problems = []views.Problem{{Field: "email", Text: "GoTo did not accept this invitation. Check the address and the licence"}}
		return s.showPeople(c, http.StatusUnprocessableEntity, typed, views.NameKey{})
	}
	if err != nil && !isSessionGone(err) {
		told, retryAfter, _ := explain(err, c.Request())
		setRetryAfter(c, retryAfter)
		s.log.ErrorContext(c.Request().Context(), "nobody invited", "error", err, "request", c.Response().Header().Get(echo.HeaderXRequestID))
		typed.Problems = []views.Problem{{Field: "invite", Text: told.title + ". " + told.text + " What you typed is kept."}}
		return s.showPeople(c, told.status, typed, views.NameKey{})
	}
	if err != nil {
		return err
	}
	if already {
		notify(c, auth.Info, person.Name+" ("+i.Email+") is already in your account, with the organizer key "+person.Key+".")
		return s.to(c, "/people")
	}
	text := "GoTo has invited " + person.Name + " (" + person.Email + ")"
	if person.Key != "" {
		text += " and answers with the organizer key " + person.Key
	}
	notify(c, auth.Success, text+". The person has to accept the invitation that GoTo sends.")
	return s.to(c, "/people")
}

func (s *server) nameKey(c echo.Context) error {
	typed := views.NameKey{Key: c.FormValue("key"), Name: c.FormValue("name")}
	if problems := s.meetings.NameKey(c.Request().Context(), caller(c), typed.Key, typed.Name); len(problems) > 0 {
		typed.Problems = viewProblems(problems)
		return s.showPeople(c, http.StatusUnprocessableEntity, views.Invite{}, typed)
	}
	notify(c, auth.Success, "The name is saved.")
	return s.to(c, "/people")
}

func viewProblems(list []meetings.Problem) []views.Problem {
	out := make([]views.Problem, len(list))
	for i, p := range list {
		out[i] = views.Problem(p)
	}
	return out
}
