package handlers

import (
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portal/export"
	"portal/meetings"
)

// facts say on a workbook's second sheet where its rows come from: the calls
// to GoTo that answered, if any, what was asked of the rows (asked), and more
// that these rows depend on, such as whose they are and each alias.
func (s *server) facts(c echo.Context, seen meetings.Seen, calls, asked string, more ...export.Fact) []export.Fact {
	u, now := session(c).User(), s.meetings.Now()
	if asked == "" {
		asked = "All of them, in the usual order"
	}
	list := []export.Fact{
		fact("Made by", "GoToMeeting Portal"),
		fact("For", nameAndAddress(u.Name(), u.Email)),
		fact("At", instant(c, now)),
		fact("Address", s.public.Scheme+"://"+s.public.Host+s.address(here(c.Request()))),
		fact("Times in", zone(c).String()),
		fact("Rows", asked),
		fact("Calls to GoTo", calls),
	}
	if !seen.At.IsZero() {
		list = append(list, fact("GoTo answered", instant(c, seen.At)+", "+count(int(now.Sub(seen.At).Seconds()), "second", "seconds")+" before"))
	}
	return append(list, more...)
}

// instant writes t to the second, with its zone and offset.
func instant(c echo.Context, t time.Time) string {
	return t.In(zone(c)).Format("2006-01-02 15:04:05 (UTC-07:00) ") + zone(c).String()
}

// nameAndAddress names somebody, as far as is known.
func nameAndAddress(name, email string) string {
	switch {
	case email == "":
		return name
	case name == "":
		return email
	}
	return name + " <" + email + ">"
}

// organizerFact says whose meetings rows are of: organizer is as in the
// address, "" for the user's own.
func (s *server) organizerFact(c echo.Context, organizer string) export.Fact {
	who := caller(c)
	f := fact("Organizer", organizer)
	switch organizer {
	case "":
		f.Value = nameAndAddress(who.Name, who.Email) + ", organizer key " + who.UserKey
	case meetings.AllOrganizers:
		f.Value = "All organizers of the account"
	default:
		known, _ := s.meetings.AddressBook(c.Request().Context(), who) // without it the key has to do
		for _, u := range known {
			if u.Key == organizer {
				f.Value = nameAndAddress(u.Name, u.Email) + ", organizer key " + u.Key
			}
		}
	}
	return f
}

// sessionFacts say which session of which meeting rows are of.
func sessionFacts(c echo.Context, id, subject string, o meetings.Occurrence) []export.Fact {
	list := []export.Fact{fact("Meeting", strings.TrimSpace(meetings.Plain(subject)+" "+meetings.GroupID(id)))}
	if !o.Start.IsZero() {
		list = append(list, fact("Session began", instant(c, o.Start)))
	}
	if !o.End.IsZero() {
		list = append(list, fact("Session ended", instant(c, o.End)))
	}
	if len(o.Joins) > 0 && o.Joins[0].OrganizerEmail != "" {
		list = append(list, fact("Organizer", o.Joins[0].OrganizerEmail))
	}
	return list
}

// asked says in words what a list was asked for, in a workbook and on paper:
// of pairs of a label and a value those that have one, as in "Search “board”,
// type Room, sorted by start".
func asked(pairs ...string) string {
	var list []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			list = append(list, pairs[i]+" "+pairs[i+1])
		}
	}
	return upperFirst(strings.Join(list, ", "))
}

// quoted is a text that somebody typed, within a sentence.
func quoted(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	return "“" + s + "”"
}

// sorting names an order within a sentence, by the column's key.
func sorting(key string, desc bool) string {
	key = strings.ReplaceAll(key, "_", " ")
	if key != "" && desc {
		return key + ", descending"
	}
	return key
}
