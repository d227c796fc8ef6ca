package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
)

func (s *Sandbox) groupRoutes() []route {
	const g = "/G2M/rest/groups"
	return []route{
		{"GET", g, product, s.adminOnly(s.listGroups)},
		{"GET", g + "/{group}/organizers", product, s.forGroup(s.groupOrganizers)},
		{"POST", g + "/{group}/organizers", product, s.forGroup(s.addOrganizer)},
		{"GET", g + "/{group}/upcomingMeetings", product, s.forGroup(s.small(s.groupUpcoming))},
		{"GET", g + "/{group}/historicalMeetings", product, s.forGroup(s.small(s.groupHistory))},
		{"GET", g + "/{group}/attendees", product, s.forGroup(s.small(s.groupAttendees))},
		{"GET", g + "/{group}/meetings", product, s.forGroup(s.groupMeetings)},
	}
}

// maxInGroup is how many organizers a group may have for the calls that list
// meetings and attendees of all of them.
const maxInGroup = 50

// small refuses groups that are too large for a call.
func (s *Sandbox) small(do func(*call, string) reply) func(*call, string) reply {
	return func(c *call, key string) reply {
		if n := len(s.members(key)); n > maxInGroup {
			return s.badRequest(fmt.Errorf("the group has %d organizers, more than %d", n, maxInGroup))
		}
		return do(c, key)
	}
}

// forGroup admits admins to the groups of their account. The group calls
// declare no 404, so an unknown group is a 403.
func (s *Sandbox) forGroup(do func(*call, string) reply) operation {
	return s.adminOnly(func(c *call) reply {
		key := c.r.PathValue("group")
		for _, g := range s.model.groups {
			if g.Key == key && g.Account == c.who.Account {
				return do(c, key)
			}
		}
		return s.forbidden()
	})
}

func (s *Sandbox) members(group string) []*user {
	var out []*user
	for _, k := range sortedKeys(s.model.users) {
		if u := s.model.users[k]; u.Group == group {
			out = append(out, u)
		}
	}
	return out
}

func (s *Sandbox) listGroups(c *call) reply {
	out := []object{}
	for _, g := range s.model.groups {
		if g.Account == c.who.Account {
			out = append(out, object{"groupkey": num(g.Key), "groupName": g.Name, "parentKey": num(g.Key), "status": "active", "numOrganizers": len(s.members(g.Key))})
		}
	}
	return jsonReply(http.StatusOK, out)
}

func (s *Sandbox) groupOrganizers(_ *call, key string) reply {
	out := []object{}
	for _, u := range s.members(key) {
		out = append(out, s.organizer(u))
	}
	return jsonReply(http.StatusOK, out)
}

func (s *Sandbox) groupUpcoming(_ *call, key string) reply {
	out := []object{}
	for _, u := range s.members(key) {
		for _, mt := range s.model.meetingsOf(u.Key, s.now()) {
			out = append(out, object{
				"meetingId": mt.ID, "subject": s.subject(mt.Subject), "startTime": s.when(mt.Start), "endTime": s.when(mt.End),
				"meetingType": mt.Type, "firstName": u.First, "lastName": u.Last, "email": u.Email, "organizerKey": u.Key,
				"accountKey": u.Account, "locale": u.Locale, "passwordRequired": mt.Password, "groupName": s.model.group(u).Name,
			})
		}
	}
	return jsonReply(http.StatusOK, out)
}

func (s *Sandbox) groupHistory(c *call, key string) reply {
	from, to, err := dateRange(c, true)
	if err != nil {
		return s.badRequest(err)
	}
	out := []object{}
	for _, u := range s.members(key) {
		for _, x := range s.pastOf(u.Key, from, to) {
			out = append(out, object{
				"meetingId": x.Meeting, "subject": s.subject(x.Subject), "startTime": s.when(x.Start), "endTime": s.when(x.End),
				"meetingType": x.Type, "firstName": u.First, "lastName": u.Last, "email": u.Email, "organizerKey": u.Key,
				"accountKey": u.Account, "locale": u.Locale, "groupName": s.model.group(u).Name,
				"duration": strconv.Itoa(minutes(x.Start, x.End)), "numAttendees": strconv.Itoa(x.people()),
			})
		}
	}
	return jsonReply(http.StatusOK, out)
}

func (s *Sandbox) groupAttendees(c *call, key string) reply {
	from, to, err := dateRange(c, false)
	if err != nil {
		return s.badRequest(err)
	}
	out := []object{}
	for _, u := range s.members(key) {
		for _, x := range s.pastOf(u.Key, from, to) {
			people := x.people()
			for _, j := range x.Joins {
				out = append(out, object{
					"attendeeName": j.Name, "attendeeEmail": j.Email, "firstName": u.First, "lastName": u.Last, "email": u.Email,
					"groupName": s.model.group(u).Name, "meetingId": x.Meeting, "meetingInstanceKey": num(x.Instance),
					"organizerkey": num(u.Key), "organizerKey": u.Key, "joinTime": s.when(j.In), "leaveTime": s.when(j.Out),
					"startTime": s.when(x.Start), "endTime": s.when(x.End), "duration": minutes(j.In, j.Out), "numAttendees": people,
					"subject": s.subject(x.Subject), "meetingType": x.Type, "conferenceCallInfo": conferenceCall(x.Audio, x.Meeting),
				})
			}
		}
	}
	return jsonReply(http.StatusOK, out)
}

func (s *Sandbox) groupMeetings(c *call, key string) reply {
	if !isTrue(c, "history") {
		return s.groupScheduled(key)
	}
	from, to, err := dateRange(c, false)
	if err != nil {
		return s.badRequest(err)
	}
	out := []object{}
	for _, u := range s.members(key) {
		for _, x := range s.pastOf(u.Key, from, to) {
			out = append(out, object{
				"meetingId": x.Meeting, "organizerkey": num(u.Key), "organizerKey": u.Key, "duration": strconv.Itoa(minutes(x.Start, x.End)),
				"numAttendees": x.people(), "meetingInstanceKey": num(x.Instance), "groupName": s.model.group(u).Name,
				"firstName": u.First, "lastName": u.Last, "email": u.Email, "subject": s.subject(x.Subject), "startTime": s.when(x.Start),
				"endTime": s.when(x.End), "meetingType": x.Type, "conferenceCallInfo": conferenceCall(x.Audio, x.Meeting),
			})
		}
	}
	return jsonReply(http.StatusOK, out)
}

// groupScheduled has the keys of the group's history but for the times, and an
// attendees key that nothing uses, as the API description says.
func (s *Sandbox) groupScheduled(key string) reply {
	out := []object{}
	for _, u := range s.members(key) {
		for _, mt := range s.model.meetingsOf(u.Key, s.now()) {
			out = append(out, object{
				"meetingId": mt.ID, "organizerkey": num(u.Key), "organizerKey": u.Key, "duration": strconv.Itoa(minutes(mt.Start, mt.End)),
				"numAttendees": 0, "meetingInstanceKey": num(""), "groupName": s.model.group(u).Name,
				"firstName": u.First, "lastName": u.Last, "email": u.Email, "subject": s.subject(mt.Subject), "attendees": "",
				"meetingType": mt.Type, "conferenceCallInfo": conferenceCall(mt.Audio, mt.ID),
			})
		}
	}
	return jsonReply(http.StatusOK, out)
}
