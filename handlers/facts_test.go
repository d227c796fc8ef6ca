package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// about reads the second sheet of a workbook.
func about(t *testing.T, b *browser, path string) map[string]string {
	t.Helper()
	res := b.get(path)
	book, err := excelize.OpenReader(strings.NewReader(res.body))
	if res.StatusCode != http.StatusOK || err != nil {
		t.Fatalf("%s: %d, %v", path, res.StatusCode, err)
	}
	defer book.Close()
	rows, err := book.GetRows("About")
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]string{}
	for _, row := range rows {
		if len(row) != 2 || facts[row[0]] != "" {
			t.Fatalf("%s says %q", path, row)
		}
		facts[row[0]] = row[1]
	}
	return facts
}

func TestWorkbooksSayWhereTheyComeFrom(t *testing.T) {
	t.Parallel()
	p := newPortalWith(t, options{prefix: "/meet"})
	ada, ben := p.connected("ada"), p.connected("ben")
	bens := ben.get("/meet/meetings").doc(t).Find(".list li .num").Last().Text() // his organizer key
	attendees, query, _ := strings.Cut(ada.firstPast(), "?")
	for path, want := range map[string]map[string]string{
		"/meet/meetings.xlsx": {
			"Made by": "GoToMeeting Portal", "For": "Ada Example <ada@example.test>", "Address": p.url + "/meet/meetings", "Times in": "Europe/Berlin",
			"Rows": "All of them, in the usual order", "Calls to GoTo": "Upcoming meetings, 1 call", "Organizer": "Ada Example <ada@example.test>, organizer key ",
		},
		"/meet/meetings.xlsx?q=board&type=recurring&status=inactive&sort=subject&dir=desc&organizer=" + bens: {
			"Rows":      "Search “board”, type room, status not running, sorted by subject, descending",
			"Address":   p.url + "/meet/meetings?q=board&type=recurring&status=inactive&sort=subject&dir=desc&organizer=" + bens,
			"Organizer": "Ben Example <ben@example.test>, organizer key " + bens,
		},
		"/meet/history.xlsx?from=2026-01-01&to=2026-12-31&organizer=all": {
			"Rows": "From 2026-01-01 to 2026-12-31, sorted by start, descending", "Calls to GoTo": "Past meetings, 1 call for each organizer and 30 days",
			"Organizer": "All organizers of the account",
		},
		attendees + ".xlsx?q=a&threshold=50&" + query: {"Rows": "Sorted by name, “a” in name or e-mail, there for at least 50 % of the actual length"},
		attendees + ".xlsx?rows=joins&" + query:       {"Rows": "In GoTo's order"},
		attendees + ".xlsx?rows=joins&q=a&sort=join&" + query: {
			"Rows": "Sorted by join, “a” in name or e-mail", "Calls to GoTo": "Attendees of meeting ", "Meeting": "Daily check-in ", "Organizer": "ada@example.test",
			"Session began": "20", "Session ended": "20",
		},
		"/meet/people.xlsx": {"Calls to GoTo": "The account's users and licences, 1 call each"},
		"/meet/audit.xlsx":  {"Calls to GoTo": "None: this is the portal's own log", "GoTo answered": ""}, // "": there is none
	} {
		facts := about(t, ada, path)
		for name, value := range want {
			if !strings.HasPrefix(facts[name], value) || value == "" && facts[name] != "" {
				t.Errorf("%s: %s is %q", path, name, facts[name])
			}
		}
		if at := facts["At"]; !strings.HasSuffix(at, ":00) Europe/Berlin") {
			t.Errorf("%s: made at %q", path, at)
		}
	}
	if facts := about(t, ben, "/meet/people.xlsx"); facts["Calls to GoTo"] != "None: whom the portal has met so far" || facts["For"] != "Ben Example <ben@example.test>" {
		t.Errorf("people as ben sees them: %q", facts)
	}
}
