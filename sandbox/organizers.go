package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *Sandbox) organizerRoutes() []route {
	const org = "/G2M/rest/organizers"
	return []route{
		{"GET", org, product, s.adminOnly(s.listOrganizers)},
		{"POST", org, product, s.adminOnly(s.createOrganizer)},
		{"DELETE", org, product, s.adminOnly(s.deleteOrganizerByEmail)},
		{"GET", org + "/{key}", product, s.adminOnly(s.getOrganizer)},
		{"PUT", org + "/{key}", product, s.adminOnly(s.putOrganizer)},
		{"DELETE", org + "/{key}", product, s.adminOnly(s.deleteOrganizer)},
		{"GET", org + "/{key}/upcomingMeetings", product, s.forOrganizer(s.organizerUpcoming)},
		{"GET", org + "/{key}/historicalMeetings", product, s.forOrganizer(s.history)},
		{"GET", org + "/{key}/attendees", product, s.forOrganizer(s.organizerAttendees)},
		{"GET", org + "/{key}/meetings", product, s.forOrganizer(s.organizerMeetings)},
		{"DELETE", org + "/{key}/sessions/{session}", product, s.forOrganizer(s.eraseSession("session"))},
		{"DELETE", org + "/{key}/sessions/{session}/attendees", product, s.forOrganizer(s.eraseSession("attendees"))},
		{"DELETE", org + "/{key}/sessions/{session}/recordings", product, s.forOrganizer(s.eraseSession("recordings"))},
	}
}

// forOrganizer lets organizers at their own data and admins, with identity:,
// at that of their account.
func (s *Sandbox) forOrganizer(do func(*call, string) reply) operation {
	return func(c *call) reply {
		key := c.r.PathValue("key")
		switch {
		case key != c.who.Key && !hasScope(c.scopes, "identity:"):
			return insufficientScope()
		case s.model.mayAdminister(c.who, key):
			return do(c, key)
		case c.who.admin() && s.model.users[key] == nil:
			return s.noSuchOrganizer()
		}
		return s.forbidden()
	}
}

func (s *Sandbox) noSuchOrganizer() reply {
	return s.refuse(http.StatusNotFound, "NotFound", "Organizer with specified key does not exist.")
}

// adminOnly guards the operations that need an admin role and identity:.
func (s *Sandbox) adminOnly(do operation) operation {
	return func(c *call) reply {
		if !hasScope(c.scopes, "identity:") {
			return insufficientScope()
		}
		if !c.who.admin() {
			return s.forbidden()
		}
		return do(c)
	}
}

func (s *Sandbox) organizerUpcoming(_ *call, key string) reply {
	return jsonReply(http.StatusOK, s.upcoming(key))
}

func (s *Sandbox) organizerMeetings(c *call, key string) reply {
	if isTrue(c, "history") {
		return s.meetingHistory(c, key)
	}
	return jsonReply(http.StatusOK, s.scheduled(key, false))
}

// organizerAttendees is for admins alone; of one's own data it needs no
// identity:, as the other calls by organizer do not.
func (s *Sandbox) organizerAttendees(c *call, key string) reply {
	if !c.who.admin() {
		return s.forbidden()
	}
	from, to, err := dateRange(c, true)
	if err != nil {
		return s.badRequest(err)
	}
	out := []object{}
	host := s.organizerOf(key)
	group := s.model.group(host).Name
	for _, x := range s.pastOf(key, from, to) {
		people := x.people()
		for _, j := range x.Joins {
			out = append(out, object{
				"attendeeName": j.Name, "attendeeEmail": j.Email, "name": host.name(),
				"firstName": host.First, "lastName": host.Last, "email": host.Email, "groupName": group,
				"meetingId": num(x.Meeting), "newMeetingId": dashed(x.Meeting), "meetingInstanceKey": num(x.Instance),
				"organizerkey": num(key), "joinTime": s.when(j.In), "leaveTime": s.when(j.Out),
				"startTime": s.when(x.Start), "endTime": s.when(x.End), "duration": minutes(j.In, j.Out), "numAttendees": people,
				"subject": s.subject(x.Subject), "meetingType": x.Type, "conferenceCallInfo": conferenceCall(x.Audio, x.Meeting),
			})
		}
	}
	return jsonReply(http.StatusOK, out)
}

func (s *Sandbox) eraseSession(part string) func(*call, string) reply {
	return func(c *call, key string) reply {
		x := s.model.sessions[c.r.PathValue("session")]
		if x == nil || x.Gone || x.Organizer != key || x.End.After(s.now()) {
			return s.refuse(http.StatusNotFound, "NotFound", "Session with specified id does not exist.")
		}
		s.record(event{Op: opErase, ID: x.ID, Part: part})
		return noContent()
	}
}

// organizers lists who holds a licence in the caller's account, or did.
func (s *Sandbox) organizers(c *call) []*user {
	var out []*user
	for _, u := range s.model.account(c.who.Account) {
		if len(u.Licenses) > 0 || u.Status == suspended {
			out = append(out, u)
		}
	}
	return out
}

func (s *Sandbox) organizer(u *user) object {
	status, products := "active", []string{"G2M"}
	if u.Status == suspended {
		status = "suspended"
	}
	if len(u.Licenses) == 0 {
		products = []string{}
	}
	g := s.model.group(u)
	return object{
		"organizerKey": num(u.Key), "email": u.Email, "firstName": u.First, "lastName": u.Last, "groupId": num(g.Key),
		"groupName": g.Name, "status": status, "products": products, "maxNumAttendeesAllowed": maxParticipants,
	}
}

func (s *Sandbox) listOrganizers(c *call) reply {
	out := []object{}
	email := c.r.URL.Query().Get("email")
	for _, u := range s.organizers(c) {
		if email == "" || strings.EqualFold(email, u.Email) {
			out = append(out, s.organizer(u))
		}
	}
	if email != "" && len(out) == 0 {
		return s.noSuchOrganizer()
	}
	return jsonReply(http.StatusOK, out)
}

// colleague is the user of the path within the caller's account, or nil.
func (s *Sandbox) colleague(c *call) *user {
	u := s.model.users[c.r.PathValue("key")]
	if u == nil || u.Account != c.who.Account {
		return nil
	}
	return u
}

func (s *Sandbox) getOrganizer(c *call) reply {
	u := s.colleague(c)
	if u == nil {
		return s.noSuchOrganizer()
	}
	return jsonReply(http.StatusOK, []object{s.organizer(u)})
}

type organizerReq struct {
	Email   string `json:"organizerEmail"`
	First   string `json:"firstName"`
	Last    string `json:"lastName"`
	Product string `json:"productType"`
}

// productTypes are the words of the API description. Whichever it is, the
// sandbox gives its one licence.
var productTypes = []string{"G2M", "G2W", "G2T", "OPENVOICE", "G2ASEEIT", "G2ARS", "G2ASD"}

func (s *Sandbox) createOrganizer(c *call) reply { return s.addOrganizer(c, "") }

func (s *Sandbox) addOrganizer(c *call, group string) reply {
	var req organizerReq
	if err := json.Unmarshal(c.body, &req); err != nil {
		return s.badRequest(fmt.Errorf("body is not an organizer: %w", err))
	}
	switch {
	case req.Email == "" || req.First == "" || req.Last == "" || req.Product == "":
		return s.badRequest(fmt.Errorf("organizerEmail, firstName, lastName and productType are required"))
	case !strings.Contains(req.Email, "@"):
		return s.badRequest(fmt.Errorf("organizerEmail %q is no address", req.Email))
	case !slices.Contains(productTypes, req.Product):
		return s.badRequest(fmt.Errorf("productType %q is unknown", req.Product))
	}
	if s.model.byEmail(req.Email) != nil {
		return s.refuse(http.StatusConflict, "Conflict", "An organizer with this e-mail address exists.")
	}
	u := s.invite(c.who.Account, req.Email, req.First, req.Last, []string{licensePro}, group)
	return jsonReply(http.StatusCreated, []object{{"key": num(u.Key), "email": u.Email}})
}

func (s *Sandbox) invite(account, email, first, last string, licenses []string, group string) *user {
	u := &user{
		Account: account, Email: email, First: first, Last: last, Locale: "en_US", Zone: "Etc/UTC", Status: invited,
		Licenses: licenses, Group: group, Created: s.now().Truncate(time.Millisecond), Invites: 1,
	}
	for u.Key == "" || s.model.users[u.Key] != nil {
		s.model.invites++
		u.Key = strconv.FormatInt(8_500_000_000_000_000_000+int64(s.model.invites)*1_009, 10)
	}
	s.record(event{Op: opUser, User: u})
	return u
}

func (s *Sandbox) putOrganizer(c *call) reply {
	u := s.colleague(c)
	if u == nil {
		return s.noSuchOrganizer()
	}
	var req struct {
		Status  string `json:"status"`
		Product string `json:"productType"`
	}
	if err := json.Unmarshal(c.body, &req); err != nil {
		return s.badRequest(fmt.Errorf("body is not a status: %w", err))
	}
	next := *u
	switch {
	case strings.EqualFold(req.Status, "suspended"):
		next.Status, next.Licenses = suspended, nil
	case strings.EqualFold(req.Status, "active"):
		next.Status = active
	case req.Status == "" && slices.Contains(productTypes, req.Product):
		next.Status, next.Licenses = active, []string{licensePro}
	default:
		return s.badRequest(fmt.Errorf("status suspended or a known productType is required"))
	}
	s.record(event{Op: opUser, User: &next})
	return noContent()
}

func (s *Sandbox) deleteOrganizer(c *call) reply {
	u := s.colleague(c)
	if u == nil {
		return s.noSuchOrganizer()
	}
	if u.Key == c.who.Key {
		return s.forbidden()
	}
	s.record(event{Op: opRemove, ID: u.Key})
	return noContent()
}

// deleteOrganizerByEmail declares no 404 in the API description.
func (s *Sandbox) deleteOrganizerByEmail(c *call) reply {
	u := s.model.byEmail(c.r.URL.Query().Get("email"))
	if u == nil || u.Account != c.who.Account || u.Key == c.who.Key {
		return s.badRequest(fmt.Errorf("email is required and must be another organizer's"))
	}
	s.record(event{Op: opRemove, ID: u.Key})
	return noContent()
}
