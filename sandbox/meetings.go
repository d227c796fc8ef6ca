package sandbox

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *Sandbox) meetingRoutes() []route {
	const g2m = "/G2M/rest"
	return []route{
		{"POST", g2m + "/meetings", product, s.createMeeting},
		{"GET", g2m + "/meetings", product, s.listMeetings},
		{"GET", g2m + "/meetings/{id}", product, s.getMeeting},
		{"PUT", g2m + "/meetings/{id}", product, s.putMeeting},
		{"DELETE", g2m + "/meetings/{id}", product, s.deleteMeeting},
		{"GET", g2m + "/meetings/{id}/start", product, s.startMeeting},
		{"GET", g2m + "/meetings/{id}/attendees", product, s.meetingAttendees},
		{"GET", g2m + "/upcomingMeetings", product, s.myUpcoming},
		{"GET", g2m + "/historicalMeetings", product, s.myHistory},
	}
}

func (s *Sandbox) badRequest(err error) reply {
	return s.refuse(http.StatusBadRequest, "InvalidRequest", err.Error())
}

// own finds a meeting of the caller; co lets its co-organizers in too.
func (s *Sandbox) own(c *call, co bool) *meeting {
	mt := s.model.meetings[c.r.PathValue("id")]
	if mt == nil || mt.Gone || (mt.Organizer != c.who.Key && (!co || !slices.Contains(mt.Co, c.who.Key))) {
		return nil
	}
	return mt
}

func (s *Sandbox) createMeeting(c *call) reply {
	mt := &meeting{Organizer: c.who.Key}
	if err := s.model.fill(mt, c.body); err != nil {
		return s.badRequest(err)
	}
	if !c.who.organizer() {
		return s.refuse(http.StatusForbidden, "AccessDenied", "This user has no GoToMeeting license.")
	}
	mt.ID = s.model.nextMeeting()
	s.counts.created++
	s.record(event{Op: opMeeting, Meeting: mt, Created: true})
	return jsonReply(http.StatusCreated, []object{{
		"joinURL": s.JoinBase() + mt.ID, "meetingid": num(mt.ID), "maxParticipants": maxParticipants,
		"uniqueMeetingId": num(mt.ID), "conferenceCallInfo": conferenceCall(mt.Audio, mt.ID),
	}})
}

const maxParticipants = 251

// nextMeeting spreads new ids over 9 digits, away from those of the sample.
func (m *model) nextMeeting() string {
	for {
		m.made++
		id := strconv.Itoa(700_000_000 + m.made*7_654_321%299_999_977)
		if m.meetings[id] == nil {
			return id
		}
	}
}

// conferenceCall is the dial-in text that the option word stands for. How GoTo
// renders an organizer's private bridge is not established: here it has the
// form of the others.
func conferenceCall(audio, id string) string {
	switch audio {
	case "VoIP":
		return "Access Code: " + dashed(id)
	case "PSTN", "Free", "Hybrid":
		return "US: +1 (555) 010-0100\nGermany: +49 30 55501000\nAccess Code: " + dashed(id)
	case "Private":
		return "US: +1 (555) 010-0177\nAccess Code: 010-017-747"
	}
	return audio
}

func (s *Sandbox) getMeeting(c *call) reply {
	mt := s.own(c, true)
	if mt == nil {
		return s.noSuchMeeting()
	}
	o := object{
		"meetingId": num(mt.ID), "meetingKey": num(mt.ID), "uniqueMeetingId": num(mt.ID), "subject": s.subject(mt.Subject),
		"startTime": s.when(mt.Start), "endTime": s.when(mt.End), "createTime": "", "duration": minutes(mt.Start, mt.End),
		"passwordRequired": s.flag(mt.Password), "status": mt.status(), "meetingType": mt.Type,
		"maxParticipants": maxParticipants, "conferenceCallInfo": conferenceCall(mt.Audio, mt.ID),
	}
	if len(mt.Co) > 0 {
		o["coorganizerKeys"] = mt.Co
	}
	return jsonReply(http.StatusOK, []object{o})
}

// putMeeting replaces the whole. Co-organizers left out are removed: what
// GoTo does then is not established, and this is what full replacement says.
func (s *Sandbox) putMeeting(c *call) reply {
	mt := s.own(c, false)
	if mt == nil {
		return s.noSuchMeeting()
	}
	next := *mt
	if err := s.model.fill(&next, c.body); err != nil {
		return s.badRequest(err)
	}
	next.Quiet = false
	s.record(event{Op: opMeeting, Meeting: &next})
	return noContent()
}

func (s *Sandbox) deleteMeeting(c *call) reply {
	mt := s.own(c, false)
	if mt == nil {
		return s.noSuchMeeting()
	}
	s.record(event{Op: opDelete, ID: mt.ID})
	return noContent()
}

// startMeeting answers a host URL, which is a secret at GoTo. Its query has
// the keys of the 2015 sample; the sandbox needs the first three.
func (s *Sandbox) startMeeting(c *call) reply {
	mt := s.own(c, true)
	if mt == nil {
		return s.noSuchMeeting()
	}
	q := url.Values{
		"startMode": {"Start"}, "meetingId": {mt.ID}, "authenticationToken": {hostToken(mt.ID, c.who.Key)},
		"runMode": {"Normal"}, "displayMode": {"Start"}, "locale": {c.who.Locale}, "buildNumber": {"977"},
		"egwHostname": {"egw.example.test"}, "egwPort": {"80", "443", "8200"}, "egwIp": {"192.0.2.1,192.0.2.2"},
		"productName": {"g2m"}, "theme": {"g2m"},
	}
	return jsonReply(http.StatusOK, object{"hostURL": s.browser + "/sandbox/host?" + q.Encode()})
}

func hostToken(meeting, user string) string {
	return user + "." + b64(mac("host "+meeting+" "+user))
}

// meetingAttendees has the joins of all ended occurrences of one id. GoTo
// wants identity: for it; admins may ask for any meeting of their account.
func (s *Sandbox) meetingAttendees(c *call) reply {
	if !hasScope(c.scopes, "identity:") {
		return insufficientScope()
	}
	id := c.r.PathValue("id")
	past := s.model.sessionsOf(time.Time{}, s.now(), func(x *session) bool { return x.Meeting == id })
	organizer := ""
	if mt := s.model.meetings[id]; mt != nil && !mt.Gone {
		organizer = mt.Organizer
	} else if len(past) > 0 {
		organizer = past[0].Organizer
	}
	if organizer == "" {
		return s.noSuchMeeting()
	}
	if !s.model.mayAdminister(c.who, organizer) {
		return s.forbidden()
	}
	return jsonReply(http.StatusOK, s.attendeesByMeeting(past))
}

func (s *Sandbox) attendeesByMeeting(past []*session) []object {
	out := []object{}
	for _, x := range past {
		host, people := s.organizerOf(x.Organizer), x.people()
		for _, j := range x.Joins {
			out = append(out, object{
				"attendeeName": j.Name, "attendeeEmail": j.Email, "name": j.Name,
				"firstName": host.First, "lastName": host.Last, "email": host.Email, "groupName": "NA",
				"meetingId": num(x.Meeting), "meetingInstanceKey": num(x.Instance), "organizerkey": num(x.Organizer),
				"joinTime": s.when(j.In), "leaveTime": s.when(j.Out), "startTime": s.when(x.Start), "endTime": s.when(x.End),
				"duration": minutes(x.Start, x.End), "numAttendees": people, "subject": s.subject(x.Subject),
				"meetingType": x.Type, "conferenceCallInfo": conferenceCall(x.Audio, x.Meeting),
			})
		}
	}
	return out
}

// organizerOf is never nil: history outlives users.
func (s *Sandbox) organizerOf(key string) *user {
	if u := s.model.users[key]; u != nil {
		return u
	}
	return &user{Key: key}
}

func (s *Sandbox) myUpcoming(c *call) reply { return jsonReply(http.StatusOK, s.upcoming(c.who.Key)) }

func (s *Sandbox) upcoming(organizer string) []object {
	out := []object{}
	host := s.organizerOf(organizer)
	for _, mt := range s.model.meetingsOf(organizer, s.now()) {
		out = append(out, object{
			"meetingId": mt.ID, "subject": s.subject(mt.Subject), "startTime": s.when(mt.Start), "endTime": s.when(mt.End),
			"meetingType": mt.Type, "firstName": host.First, "lastName": host.Last, "email": host.Email,
			"organizerKey": host.Key, "accountKey": host.Account, "locale": host.Locale,
			"passwordRequired": mt.Password, "status": mt.status(), "conferenceCallInfo": conferenceCall(mt.Audio, mt.ID),
		})
	}
	return out
}

func (s *Sandbox) myHistory(c *call) reply { return s.history(c, c.who.Key) }

func (s *Sandbox) history(c *call, organizer string) reply {
	from, to, err := dateRange(c, true)
	if err != nil {
		return s.badRequest(err)
	}
	out := []object{}
	host := s.organizerOf(organizer)
	for _, x := range s.pastOf(organizer, from, to) {
		o := object{
			"startTime": s.when(x.Start), "endTime": s.when(x.End), "duration": strconv.Itoa(minutes(x.Start, x.End)),
			"numAttendees": strconv.Itoa(x.people()), "accountKey": host.Account, "organizerKey": host.Key,
			"email": host.Email, "firstName": host.First, "lastName": host.Last, "locale": host.Locale,
			"sessionId": x.wireID(), "meetingId": x.Meeting, "subject": s.subject(x.Subject), "meetingType": x.Type,
			"conferenceCallInfo": conferenceCall(x.Audio, x.Meeting),
		}
		if x.Recording != nil {
			o["recording"] = s.recordingOf(x)
		}
		out = append(out, o)
	}
	return jsonReply(http.StatusOK, out)
}

func (s *Sandbox) pastOf(organizer string, from, to time.Time) []*session {
	now := s.now()
	return s.model.sessionsOf(from, to, func(x *session) bool { return x.Organizer == organizer && !x.End.After(now) })
}

func (s *Sandbox) recordingOf(x *session) object {
	return object{
		"recordingName": s.subject(x.Recording.Name), "recordingId": x.Recording.ID, "fileSize": x.Recording.Size,
		"downloadUrl": s.browser + "/sandbox/recording/" + x.Recording.ID + ".mp4", "shareUrl": x.Recording.Share,
	}
}

// listMeetings is deprecated: history=true gives one shape, otherwise
// scheduled meetings in the other.
func (s *Sandbox) listMeetings(c *call) reply {
	if isTrue(c, "history") {
		return s.meetingHistory(c, c.who.Key)
	}
	return jsonReply(http.StatusOK, s.scheduled(c.who.Key, true))
}

func isTrue(c *call, name string) bool { return strings.EqualFold(c.r.URL.Query().Get(name), "true") }

func (s *Sandbox) scheduled(organizer string, withCo bool) []object {
	out := []object{}
	for _, mt := range s.model.meetingsOf(organizer, s.now()) {
		o := object{
			"meetingid": num(mt.ID), "subject": s.subject(mt.Subject), "startTime": s.when(mt.Start), "endTime": s.when(mt.End),
			"meetingType": mt.Type, "passwordRequired": s.flag(mt.Password), "status": mt.status(), "createTime": "",
			"conferenceCallInfo": conferenceCall(mt.Audio, mt.ID), "maxParticipants": maxParticipants, "uniqueMeetingId": num(mt.ID),
		}
		if withCo && len(mt.Co) > 0 {
			o["coorganizerKeys"] = mt.Co
		}
		out = append(out, o)
	}
	return out
}

func (s *Sandbox) meetingHistory(c *call, organizer string) reply {
	from, to, err := dateRange(c, false)
	if err != nil {
		return s.badRequest(err)
	}
	out := []object{}
	host := s.organizerOf(organizer)
	for _, x := range s.pastOf(organizer, from, to) {
		o := object{
			"meetingId": num(x.Meeting), "meetingKey": num(x.Meeting), "uniqueMeetingId": num(x.Meeting),
			"sessionId": num(x.wireID()), "meetingInstanceKey": num(x.Instance), "duration": minutes(x.Start, x.End), "numAttendees": x.people(),
			"organizerKey": x.Organizer, "organizerkey": x.Organizer, "newOrganizerKey": x.Organizer, "newMeetingId": dashed(x.Meeting),
			"subject": s.subject(x.Subject), "startTime": s.when(x.Start), "endTime": s.when(x.End), "date": s.when(x.Start),
			"conferenceCallInfo": conferenceCall(x.Audio, x.Meeting), "email": host.Email, "firstName": host.First,
			"lastName": host.Last, "meetingType": x.Type, "groupName": "", "status": "", "passwordRequired": "",
		}
		if x.Recording != nil {
			o["recording"] = s.recordingOf(x)
		}
		out = append(out, o)
	}
	return jsonReply(http.StatusOK, out)
}

// sortedKeys is for answers whose order must not change between calls.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
