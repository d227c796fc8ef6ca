package sandbox

import (
	"crypto/hmac"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

func (s *Sandbox) pageRoutes() []route {
	return []route{
		{method: "GET", path: "/host", op: s.showHost},
		{method: "POST", path: "/host", op: s.endMeeting},
		{method: "GET", path: "/join/{id}", op: s.showJoin},
		{method: "GET", path: "/recording/{file}", op: s.download},
	}
}

// hosted finds the meeting of a host URL whose token is right.
func (s *Sandbox) hosted(q url.Values) *meeting {
	mt := s.model.meetings[q.Get("meetingId")]
	token := q.Get("authenticationToken")
	key, _, _ := strings.Cut(token, ".")
	if mt == nil || mt.Gone || !hmac.Equal([]byte(token), []byte(hostToken(mt.ID, key))) {
		return nil
	}
	return mt
}

func (s *Sandbox) noHost() reply {
	return page(http.StatusNotFound, problemPage{"No such meeting", "The meeting is gone, or this link is not for it.", s.home})
}

// showHost stands in for the GoToMeeting app. Opening a host URL starts the
// meeting, as at GoTo; a browser's speculative fetch does not.
func (s *Sandbox) showHost(c *call) reply {
	q := c.r.URL.Query()
	mt := s.hosted(q)
	if mt == nil {
		return s.noHost()
	}
	if ended := q.Get("ended"); ended != "" {
		n, _ := strconv.Atoi(ended)
		return page(http.StatusOK, hostPage{Subject: plain(mt.Subject), ID: dashed(mt.ID), Home: s.home, Ended: true, Minutes: n})
	}
	if c.r.Header.Get("Sec-Purpose") != "" || c.r.Method == http.MethodHead {
		return reply{status: http.StatusServiceUnavailable}
	}
	if !mt.active() {
		next := *mt
		next.Running, next.Quiet = s.now(), false
		s.record(event{Op: opMeeting, Meeting: &next})
		mt = &next
	}
	view := hostPage{Subject: plain(mt.Subject), ID: dashed(mt.ID), Home: s.home}
	for _, p := range s.crowd(mt) {
		view.People = append(view.People, p.Name)
	}
	for _, k := range []string{"startMode", "meetingId", "authenticationToken"} {
		view.Hidden = append(view.Hidden, field{k, q.Get(k)})
	}
	return page(http.StatusOK, view)
}

// crowd is who comes to a run: the organizer and two to four others.
func (s *Sandbox) crowd(mt *meeting) []person {
	host := s.organizerOf(mt.Organizer)
	r := dice("crowd", mt.ID, mt.Running.Unix())
	out := []person{{Name: host.name(), Email: host.Email}}
	for i := range 2 + r.IntN(3) {
		out = append(out, samplePerson(r, 5*i+1))
	}
	return out
}

// endMeeting turns a run into history. Ending twice shows the same page.
func (s *Sandbox) endMeeting(c *call) reply {
	q, err := url.ParseQuery(string(c.body))
	if err != nil {
		return s.noHost()
	}
	mt := s.hosted(q)
	if mt == nil {
		return s.noHost()
	}
	length := 0
	if mt.active() {
		x := s.end(mt)
		length = minutes(x.Start, x.End)
	}
	q.Set("ended", strconv.Itoa(max(length, 1)))
	return reply{status: http.StatusSeeOther, header: http.Header{"Location": {"/sandbox/host?" + q.Encode()}, "Cache-Control": {"no-store"}}}
}

// end makes the session of a run, at least one minute long, and its joins:
// people come one after the other, and some leave before the end.
func (s *Sandbox) end(mt *meeting) *session {
	start, end := mt.Running.Truncate(time.Second), s.now().Truncate(time.Second)
	// The clock cannot be ahead of what history shows, so a short run is
	// lengthened backwards.
	if end.Sub(start) < time.Minute {
		start = end.Add(-time.Minute)
	}
	s.model.ended++
	serial := int64(s.model.ended)
	x := &session{
		ID: strconv.FormatInt(3_500_000_000_000_000_000+serial*13, 10), Instance: strconv.FormatInt(5_500_000_000_000+serial*3, 10),
		Meeting: mt.ID, Organizer: mt.Organizer, Subject: mt.Subject, Type: mt.Type, Audio: mt.Audio, Start: start, End: end,
	}
	for i, p := range s.crowd(mt) {
		in, out := start.Add(time.Duration(i)*end.Sub(start)/20).Truncate(time.Second), end
		if i > 0 && i%2 == 0 {
			out = end.Add(-end.Sub(start) / 4).Truncate(time.Second)
		}
		x.Joins = append(x.Joins, join{p.Name, p.Email, in, out})
	}
	next := *mt
	next.Running, next.Quiet = time.Time{}, mt.Type == "immediate"
	s.record(event{Op: opEnd, Meeting: &next, Session: x})
	return x
}

func (s *Sandbox) showJoin(c *call) reply {
	mt := s.model.meetings[strings.ReplaceAll(c.r.PathValue("id"), "-", "")]
	if mt == nil || mt.Gone {
		return page(http.StatusNotFound, problemPage{"No such meeting", "No meeting has this id.", s.home})
	}
	return page(http.StatusOK, joinPage{Subject: plain(mt.Subject), Organizer: s.organizerOf(mt.Organizer).name(), ID: dashed(mt.ID), Home: s.home, Active: mt.active()})
}

// film is the start of an MP4 file, and all there is of it.
const film = "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"

// download answers the link to a recording's file, which opens without a
// log-in.
func (s *Sandbox) download(c *call) reply {
	id := strings.TrimSuffix(c.r.PathValue("file"), ".mp4")
	for _, x := range s.model.sessions {
		if x.Recording != nil && x.Recording.ID == id {
			return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"video/mp4"}}, body: []byte(film)}
		}
	}
	return page(http.StatusNotFound, problemPage{"No such recording", "The recording is gone, or there was none.", s.home})
}

func plain(subject string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">").Replace(subject)
}
