package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// The two accounts. Keys have 19 digits, which no float64 holds.
const (
	homeAccount  = "9007199254740993001"
	otherAccount = "9007199254740993002"
	keyAda       = "8439885694023990001"
	keyBen       = "8439885694023990002"
	keyCleo      = "8439885694023990003"
	keyDan       = "8439885694023990010"

	groupHome    = "6301000000000000001"
	groupField   = "6301000000000000002"
	licensePro   = "7200000000000000001"
	licenseTrial = "7200000000000000002"
	licenseFree  = "7200000000000000003"
	licenseEnded = "7200000000000000004"
	licenseOther = "7200000000000000009"
)

// dice are random numbers that depend on nothing but the words given, so
// that a past day looks the same whenever the sandbox starts.
func dice(words ...any) *rand.Rand {
	sum := sha256.Sum256([]byte(fmt.Sprint(words...)))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16]))) // #nosec G404 -- sample data has to be the same each time
}

func (m *model) samplePeople() {
	m.groups = []group{{groupHome, homeAccount, "Example Cooperative"}, {groupField, homeAccount, "Field & <Remote> team"}}
	m.licenses = []license{
		{licensePro, homeAccount, "Organizer for GoToMeeting Business", 25, true},
		{licenseTrial, homeAccount, "Organizer for GoToMeeting Trial", 5, true},
		{licenseFree, homeAccount, "Organizer for GoToMeeting Free", 3, true},
		{licenseEnded, homeAccount, "Organizer for GoToMeeting Pro, ended", 10, false},
		{licenseOther, otherAccount, "Organizer for GoToMeeting Professional", 10, true},
	}
	long := strings.Repeat("Wolfeschlegelsteinhausenbergerdorff-", 4) + "Huntington"
	people := []user{
		{Key: keyAda, First: "Ada", Last: "Example", Email: "ada@example.test", Zone: "Europe/Berlin", Roles: []string{"SUPER_USER"}, Group: groupHome},
		{Key: keyBen, First: "Ben", Last: "Example", Email: "ben@example.test", Zone: "America/New_York", Group: groupHome},
		{Key: keyCleo, First: "Cleo", Last: "Example", Email: "cleo@example.test", Zone: "Asia/Kolkata", Group: groupField},
		{Key: "8439885694023990004", First: "Łucja", Last: "Ðorđević-Nuñez 🌻", Email: "lucja@example.test", Zone: "Europe/Warsaw", Group: groupField},
		{Key: "8439885694023990005", First: "ליאור", Last: "בן־דוד", Email: "lior@example.test", Zone: "Asia/Jerusalem", Locale: "iw_IL"},
		{Key: "8439885694023990006", First: "Hubert Blaine", Last: long, Email: "hubert.blaine." + strings.Repeat("x", 40) + "@example.test", Zone: "Australia/Lord_Howe"},
		{Key: "8439885694023990007", First: "<b>Bobby</b>", Last: `"Tables"; DROP TABLE`, Email: "bobby+tables@example.test", Zone: "UTC"},
		{Key: "8439885694023990008", First: "明美", Last: "山田", Email: "akemi@example.test", Zone: "Asia/Tokyo", Locale: "ja_JP", Status: invited, Invites: 1},
		{Key: "8439885694023990009", First: "Sven", Last: "Former", Email: "sven@example.test", Zone: "Europe/Stockholm", Status: suspended},
		{Key: keyDan, First: "Dan", Last: "Elsewhere", Email: "dan@example.test", Zone: "America/Los_Angeles", Account: otherAccount},
	}
	for _, u := range people {
		if u.Account == "" {
			u.Account = homeAccount
		}
		if u.Locale == "" {
			u.Locale = "en_US"
		}
		if u.Status == "" {
			u.Status = active
		}
		switch u.Key {
		case keyAda, keyBen, keyCleo:
			u.Licenses = []string{licensePro}
		case keyDan:
			u.Licenses = []string{licenseOther}
		}
		u.Created = time.Date(2021, 3, 1, 9, 0, 0, 0, time.UTC)
		m.users[u.Key] = &u
	}
}

// plan is a sample meeting relative to midnight UTC of today.
type plan struct {
	subject  string
	day      int
	at       string // HH:MM, UTC
	minutes  int
	kind     string
	audio    string
	password bool
	co       []string
}

// sampleMeetings has every type, a running one, a personal room and subjects
// that break careless pages. Ids depend on the place in the list only, so
// that the ledger of an earlier day still fits.
func (m *model) sampleMeetings(now time.Time) {
	plans := map[string][]plan{
		keyAda: {
			{"Daily check-in", 0, "09:00", 30, "recurring", "VoIP", false, []string{keyBen}},
			{"Ada's Meeting", 0, "00:00", 60, "recurring", "Hybrid", false, nil},
			{"Support desk, running now", 0, "", 90, "scheduled", "Hybrid", false, []string{keyBen}},
			{"Board meeting", 1, "10:00", 60, "scheduled", "Hybrid", true, []string{keyBen, keyCleo}},
			{"Budget <draft> & \"final\" 'numbers'", 1, "14:30", 45, "scheduled", "PSTN", false, nil},
			{"<script>alert(1)</script>", 2, "08:15", 30, "scheduled", "Free", false, nil},
			{`=HYPERLINK("http://x","Click")`, 2, "16:00", 60, "scheduled", "Private", false, nil},
			{"Überprüfung der Qualität – Größe 3 ½", 3, "07:00", 120, "scheduled", "VoIP", false, []string{keyCleo}},
			{"ישיבת צוות שבועית", 4, "11:00", 60, "scheduled", "Hybrid", false, nil},
			{"Night shift hand-over", 5, "23:30", 60, "scheduled", "Hybrid", false, nil},
			{strings.Repeat("A very long subject ", 4) + "that ends at 100 ch.", 7, "12:00", 15, "scheduled", "Our bridge: +1 555 010 0199, code 4711#", false, nil},
			{"Annual assembly", 21, "09:00", 480, "scheduled", "Hybrid", true, []string{keyCleo, "8439885694023990004"}},
			{"Interview", 9, "13:00", 60, "scheduled", "VoIP", true, nil},
			{"Quick call", 0, "", 60, "immediate", "VoIP", false, nil},
		},
		keyBen: {
			{"Ben's Meeting", 0, "00:00", 60, "recurring", "Hybrid", false, nil},
			{"Sales review", 1, "15:00", 60, "scheduled", "Hybrid", false, []string{keyAda}},
			{"Customer onboarding", 2, "17:00", 45, "scheduled", "VoIP", true, nil},
			{"Board meeting", 6, "10:00", 60, "scheduled", "Hybrid", false, nil},
			{"Pipeline, weekly", 3, "14:00", 30, "recurring", "Free", false, nil},
		},
		keyCleo: {
			{"Cleo's Meeting", 0, "00:00", 60, "recurring", "Hybrid", false, nil},
			{"Field report", 1, "05:30", 60, "scheduled", "Hybrid", false, nil},
			{"Training: safety 🦺", 4, "06:00", 180, "scheduled", "Hybrid", false, []string{keyAda, keyBen}},
			{"Retrospective", 8, "09:30", 60, "scheduled", "VoIP", false, nil},
			{"Harvest planning", 30, "04:30", 90, "scheduled", "PSTN", true, nil},
		},
		keyDan: {
			{"Dan's Meeting", 0, "00:00", 60, "recurring", "Hybrid", false, nil},
			{"Elsewhere sync", 1, "18:00", 30, "scheduled", "VoIP", false, nil},
			{"Elsewhere planning", 5, "18:00", 60, "scheduled", "VoIP", false, nil},
		},
	}
	for i, organizer := range []string{keyAda, keyBen, keyCleo, keyDan} {
		for n, p := range plans[organizer] {
			mt := &meeting{ID: strconv.Itoa(201_480_117 + 100_000_000*i + 7_919*n), Organizer: organizer, Subject: entities(p.subject),
				Type: p.kind, Password: p.password, Audio: p.audio, Co: p.co}
			switch {
			case p.at != "":
				clock, _ := time.Parse("15:04", p.at)
				mt.Start = m.day.AddDate(0, 0, p.day).Add(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute)
			case p.kind == "immediate":
				mt.Start = now.Truncate(time.Hour)
			default:
				mt.Start = now.Add(-20 * time.Minute).Truncate(15 * time.Minute)
				mt.Running = mt.Start.Add(2 * time.Minute)
			}
			mt.End = mt.Start.Add(time.Duration(p.minutes) * time.Minute)
			m.meetings[mt.ID] = mt
		}
	}
}

// historyDays is how far the sample history reaches back.
const historyDays = 90

func (m *model) sampleHistory() {
	for i, organizer := range []string{keyAda, keyBen, keyCleo, keyDan} {
		for back := historyDays; back >= 1; back-- {
			m.sampleDay(i, organizer, m.day.AddDate(0, 0, -back))
		}
	}
	for back := historyDays; back >= 1; back-- {
		if day := m.day.AddDate(0, 0, -back); day.Day() == 1 { // so at least two
			m.addSample(dice("all hands", day.Unix()), "600000001", keyAda, "All hands", "scheduled", day.Add(15*time.Hour), 50, 60, 0, 8)
		}
	}
	// The recurring meeting: one session on each of the last 50 days.
	daily := m.meetings["201480117"]
	for back := 50; back >= 1; back-- {
		day := m.day.AddDate(0, 0, -back)
		r := dice("daily", day.Unix())
		start := day.Add(9*time.Hour + time.Duration(r.IntN(240))*time.Second)
		m.addSample(r, daily.ID, daily.Organizer, daily.Subject, "recurring", start, 20+r.IntN(20), 3+r.IntN(9), 0, 9)
	}
}

var pastSubjects = []string{
	"Board meeting", "Sales review", "1:1", "Retrospective", "Quarter planning", "Budget &lt;draft&gt; & \"final\"",
	"Kundentermin München", "Interview", "Support desk", "Training: safety 🦺", "פגישת צוות", "=1+1 is a subject", "Architecture",
}

func (m *model) sampleDay(i int, organizer string, day time.Time) {
	r := dice("day", organizer, day.Unix())
	n := r.IntN(3)
	if wd := day.Weekday(); wd == time.Saturday || wd == time.Sunday {
		n = r.IntN(8) / 7
	}
	for k := range n {
		start := day.Add(time.Duration(7+4*k+r.IntN(3))*time.Hour + time.Duration(r.IntN(3600))*time.Second)
		id := strconv.FormatInt(600_000_000+100_000*int64(i)+10*(day.Unix()/86400%9000)+int64(k), 10)
		count := 1 + r.IntN(12)
		if r.IntN(9) == 0 {
			count = 20 + r.IntN(41)
		}
		kind := "scheduled"
		if r.IntN(6) == 0 {
			kind = "immediate"
		}
		m.addSample(r, id, organizer, pastSubjects[r.IntN(len(pastSubjects))], kind, start, 10+r.IntN(100), count, 0, k)
	}
}

// addSample adds an ended session with that many people. Its numbers come
// from organizer, start and slot alone.
func (m *model) addSample(r *rand.Rand, id, organizer, subject, kind string, start time.Time, length, people, copied, slot int) {
	day := start.Unix() / 86400
	serial := day%10_000*100_000 + int64(organizer[len(organizer)-1]-'0')*10_000 + int64(copied%1000)*10 + int64(slot)
	s := &session{
		ID: strconv.FormatInt(3_000_000_000_000_000_000+serial*7, 10), Instance: strconv.FormatInt(5_100_000_000_000+serial, 10),
		Meeting: id, Organizer: organizer, Subject: subject, Type: kind, Audio: "Hybrid",
		Start: start, End: start.Add(time.Duration(length)*time.Minute + time.Duration(r.IntN(60))*time.Second), Copy: copied,
	}
	host := m.users[organizer]
	s.Joins = sampleJoins(r, s.Start, s.End, person{Name: host.name(), Email: host.Email}, people)
	if kind != "immediate" && r.IntN(3) == 0 {
		s.Recording = sampleRecording(r, s)
	}
	m.sessions[s.ID] = s
}

func sampleRecording(r *rand.Rand, s *session) *recording {
	rec := &recording{ID: s.Instance + "1", Name: s.Subject, Size: 1<<20 + r.Int64N(1<<30), Share: "https://transcripts.gotomeeting.com"}
	if r.IntN(3) > 0 {
		token := make([]byte, 32)
		for i := range token {
			token[i] = byte(r.UintN(256)) // #nosec G115 -- below 256
		}
		rec.Share += "/#/s/" + hex.EncodeToString(token)
	}
	return rec
}
