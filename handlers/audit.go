package handlers

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portal/export"
	"portal/meetings"
	"portal/views"
)

var errAuditForAdmins = &refusal{http.StatusForbidden, "Only for account admins", "The audit log shows what everybody in the account did. Ask an admin of your account.", "Settings", "/settings"}

// roleAge is how old GoTo's word may be that somebody is an admin, where the
// portal's own data is shown on it. All else GoTo itself refuses.
const roleAge = 10 * time.Minute

var deedNames = map[string]string{
	meetings.DeedCreate: "Create", meetings.DeedMeetNow: "Meet now", meetings.DeedUpdate: "Change",
	meetings.DeedAskDelete: "Ask to delete", meetings.DeedKeep: "Keep after all", meetings.DeedDelete: "Delete", meetings.DeedStart: "Start",
	meetings.DeedInvite: "Invite", meetings.DeedNameKey: "Name a key",
	meetings.DeedJoinPeople: "Join people", meetings.DeedSplitPeople: "Split a person", meetings.DeedUndoPeople: "Undo who is who",
	meetings.DeedEraseAttendees: "Erase attendee data", meetings.DeedEraseSession: "Erase session",
}

var outcomeNames = map[string]string{meetings.OutcomeDone: "Done", meetings.OutcomeRefused: "Not done", meetings.OutcomeUnknown: "Not known"}

// showAudit lists who did what to which meeting.
func (s *server) showAudit(c echo.Context) error {
	if !caller(c).Admin {
		return errAuditForAdmins
	}
	if err := session(c).ConfirmRole(c.Request().Context(), roleAge); err != nil {
		return err
	}
	who, loc := caller(c), zone(c)
	if !who.Admin {
		return errAuditForAdmins
	}
	q := meetings.DeedQuery{Text: c.QueryParam("q"), All: format(c.Request()) != ""}
	q.Page, _ = strconv.Atoi(c.QueryParam("page"))
	deeds, total, err := s.meetings.Deeds(c.Request().Context(), who, q)
	if err != nil {
		return err
	}
	now, summary, name := s.meetings.Now().In(loc), count(total, "entry", "entries"), "audit"
	if total > meetings.MostDeeds {
		total = meetings.MostDeeds
		summary = "The latest " + strconv.Itoa(total) + " entries, here and in the files; a search finds older ones"
		name += "-latest-" + strconv.Itoa(total)
	}
	words := asked("search", quoted(q.Text))
	if q.All {
		return s.twin(c, auditTable(deeds, loc), s.facts(c, meetings.Seen{}, "None: this is the portal's own log", words), name, now.Format(time.DateOnly))
	}
	self := url.Values{}
	if q.Text != "" {
		self.Set("q", q.Text)
	}
	page, pages := meetings.Pages(total, q.Page)
	v := views.Audit{
		Zone: meetings.ZoneLabel(loc, now), Asked: words, Query: views.ListQuery{Text: q.Text}, Summary: summary,
		Paging: s.paging("/audit", self, page, pages), Twins: s.twinLinks("/audit", self, "csv", "xlsx", "json"),
	}
	v.Announce = v.Summary
	for _, d := range deeds {
		row := views.AuditRow{
			When: d.At.In(loc).Format("Mon 2 Jan 2006, 15:04:05"), Datetime: d.At.Format(time.RFC3339), Action: cmp.Or(deedNames[d.Action], d.Action), Subject: d.Subject,
			Who:     views.Link{Label: cmp.Or(d.User, d.UserKey), URL: s.address("/audit", "q", d.UserKey), About: "and all else this person did"},
			Outcome: cmp.Or(outcomeNames[d.Outcome], d.Outcome), Wrong: d.Outcome != meetings.OutcomeDone, Request: d.RequestID,
		}
		if d.MeetingID != "" {
			row.Meeting = views.Link{Label: meetings.GroupID(d.MeetingID), URL: s.address("/audit", "q", d.MeetingID), About: "and all else done to this meeting"}
		}
		v.Rows = append(v.Rows, row)
	}
	switch {
	case total == 0 && q.Text != "":
		v.Empty = "Nothing matches your search."
	case total == 0:
		v.Empty = "Nothing has been done through the portal yet. What anybody in your account plans, changes, starts or deletes here is written down."
	}
	title := "Audit log"
	if pages > 1 {
		title += ", page " + strconv.Itoa(page)
	}
	return s.page(c, http.StatusOK, views.AuditPage(s.base(c, "settings", title), v), views.Results)
}

func auditTable(deeds []meetings.Deed, loc *time.Location) export.Table {
	t := export.Table{Name: "Audit log", Zone: loc, Columns: []export.Column{
		{Key: "at", Label: inZone("At", loc)}, {Key: "at_iso", Label: "At (ISO 8601)"}, {Key: "user", Label: "User"}, {Key: "user_key", Label: "User key"},
		{Key: "action", Label: "Action"}, {Key: "meeting_id", Label: "Meeting ID"}, {Key: "subject", Label: "Subject"}, {Key: "outcome", Label: "Outcome"},
		{Key: "request", Label: "Request"},
	}}
	t.Rows = export.Each(deeds, func(cells []any, d meetings.Deed) []any {
		return append(cells, d.At, iso(d.At, loc), d.User, d.UserKey, d.Action, d.MeetingID, d.Subject, d.Outcome, d.RequestID)
	})
	return t
}
