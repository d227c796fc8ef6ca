package handlers_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/xuri/excelize/v2"
)

// rawJoin is a row as GoTo answers it.
type rawJoin struct {
	Name     string      `json:"attendeeName"`
	Email    string      `json:"attendeeEmail"`
	Join     string      `json:"joinTime"`
	Leave    string      `json:"leaveTime"`
	Start    string      `json:"startTime"`
	End      string      `json:"endTime"`
	Instance json.Number `json:"meetingInstanceKey"`
}

// rawJoins asks GoTo itself.
func (p *portal) rawJoins(user, meeting string) []rawJoin {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.sandbox.API+"/G2M/rest/meetings/"+meeting+"/attendees", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.sandbox.Token(user+"@example.test"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	var rows []rawJoin
	if err := json.NewDecoder(res.Body).Decode(&rows); err != nil {
		p.t.Fatalf("%s: %d %v", meeting, res.StatusCode, err)
	}
	return rows
}

// second reads a time of GoTo's, whatever it writes for the zone.
func second(t *testing.T, text string) int {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04:05", text[:19])
	if err != nil {
		t.Fatal(err)
	}
	return int(at.Unix())
}

// shown is one person's figures, wherever they are shown.
type shown struct {
	name, email    string
	joins, minutes int
	share, status  string
}

// bySecond computes the figures of a session the slow way, from nothing but
// GoTo's rows: who is there in each of its seconds?
func bySecond(t *testing.T, rows []rawJoin) []shown {
	type person struct {
		shown
		there map[int]bool
		first int
		last  int
	}
	start, end := second(t, rows[0].Start), second(t, rows[0].End)
	people := map[string]*person{}
	for _, r := range rows {
		key := strings.ToLower(strings.TrimSpace(r.Email))
		if key == "" {
			key = "name " + strings.ToLower(strings.Join(strings.Fields(r.Name), " "))
		}
		p := people[key]
		if p == nil {
			p = &person{shown: shown{name: strings.TrimSpace(r.Name), email: strings.TrimSpace(r.Email)}, there: map[int]bool{}, first: math.MaxInt}
			people[key] = p
		}
		p.joins++
		for s := max(start, second(t, r.Join)); s < min(end, second(t, r.Leave)); s++ {
			p.there[s] = true
		}
		p.first, p.last = min(p.first, max(start, second(t, r.Join))), max(p.last, min(end, second(t, r.Leave)))
	}
	var out []shown
	for _, p := range people {
		p.minutes = int(math.Round(float64(len(p.there)) / 60))
		p.share = fmt.Sprintf("%.1f", math.Round(1000*float64(len(p.there))/float64(end-start))/10)
		late, early := p.first-start > 300, end-p.last > 300
		p.status = map[[2]bool]string{{true, true}: "late, left early", {true, false}: "late", {false, true}: "left early", {false, false}: "on time"}[[2]bool{late, early}]
		out = append(out, p.shown)
	}
	return out
}

func sortShown(list []shown) []shown {
	slices.SortFunc(list, func(a, b shown) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list
}

// onPages reads people off the page, through all its pages, and the line of
// totals.
func (b *browser) onPages(address string) (people []shown, joins, minutes int) {
	b.t.Helper()
	for address != "" {
		doc := b.get(address).doc(b.t)
		doc.Find("tr.person").Each(func(_ int, row *goquery.Selection) {
			s := shown{name: row.Find("summary bdi").Text(), email: strings.TrimSpace(row.Find("td").Eq(0).Text())}
			if s.email == "no e-mail" {
				s.email = ""
			}
			s.joins, _ = strconv.Atoi(row.Find("td").Eq(3).Text())
			s.minutes, _ = strconv.Atoi(row.Find("data").AttrOr("value", ""))
			s.share = strings.TrimSuffix(row.Find("td").Eq(5).Text(), " %")
			s.status = strings.Join(row.Find(".words span").Map(func(_ int, w *goquery.Selection) string { return w.Text() }), ", ")
			if behind := row.Next().Find("li").Length(); behind != s.joins {
				b.t.Errorf("%s: %s has %d joins, and %d rows behind them", address, s.name, s.joins, behind)
			}
			people = append(people, s)
		})
		joins, _ = strconv.Atoi(doc.Find("tfoot td").Eq(3).Text())
		minutes, _ = strconv.Atoi(doc.Find("tfoot data").AttrOr("value", ""))
		address = doc.Find("a[rel=next]").AttrOr("href", "")
	}
	return people, joins, minutes
}

// inFiles reads people out of the three files.
func (b *browser) inFiles(path, query string) (fromCSV, fromXLSX, fromJSON []shown) {
	b.t.Helper()
	cells := func(row []string) shown {
		s := shown{name: row[0], email: row[1], status: row[8]}
		s.joins, _ = strconv.Atoi(row[5])
		s.minutes, _ = strconv.Atoi(row[6])
		share, _ := strconv.ParseFloat(row[7], 64)
		s.share = fmt.Sprintf("%.1f", share)
		return s
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.get(path+".csv"+query).body, "\uFEFF"))).ReadAll()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, line := range lines[1:] {
		if strings.HasPrefix(line[0], "'") && strings.ContainsAny(line[0][1:2], "=+-@") {
			line[0] = line[0][1:]
		}
		fromCSV = append(fromCSV, cells(line))
	}
	res := b.get(path + ".xlsx" + query)
	book, err := excelize.OpenReader(strings.NewReader(res.body))
	if err != nil {
		b.t.Fatalf("%s.xlsx%s: %d %.200s: %v", path, query, res.StatusCode, res.body, err)
	}
	rows, err := book.GetRows("Attendees")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, row := range rows[1:] {
		fromXLSX = append(fromXLSX, cells(row))
	}
	var twin struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(b.get(path+".json"+query).body), &twin); err != nil {
		b.t.Fatal(err)
	}
	for _, r := range twin.Rows {
		fromJSON = append(fromJSON, shown{r["name"].(string), r["email"].(string), int(r["joins"].(float64)), int(r["minutes"].(float64)), fmt.Sprintf("%.1f", r["share"].(float64)), r["status"].(string)})
	}
	return fromCSV, fromXLSX, fromJSON
}

// Every figure of the sandbox's awkward data is the same on the page, in CSV,
// XLSX and JSON, and what comes of GoTo's rows second by second: of some
// sessions, with SOAK=1 of all.
func TestFiguresAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	random := rand.New(rand.NewPCG(4, 7))
	queries := []string{"sort=minutes&dir=desc", "threshold=85", "show=late&sort=first_in", "q=a&sort=email", "show=noemail&sort=status", "show=early&late=1&early=30"}
	sessions, people, sum := 0, 0, 0
	for _, user := range []string{"ada", "ben", "cleo"} {
		b := p.connected(user)
		now := time.Now().UTC()
		var history struct {
			Rows []struct {
				Meeting string `json:"meeting_id"`
				Start   time.Time
			}
		}
		if err := json.Unmarshal([]byte(b.get("/history.json?from="+now.AddDate(0, 0, -89).Format(time.DateOnly)+"&to="+now.Format(time.DateOnly)).body), &history); err != nil {
			t.Fatal(err)
		}
		random.Shuffle(len(history.Rows), func(i, j int) { history.Rows[i], history.Rows[j] = history.Rows[j], history.Rows[i] })
		if os.Getenv("SOAK") == "" {
			history.Rows = history.Rows[:12]
		}
		for _, past := range history.Rows {
			p.ahead.Add(int64(time.Minute)) // a session has so many requests a minute
			var raw []rawJoin
			for _, r := range p.rawJoins(user, past.Meeting) {
				if second(t, r.Start) == int(past.Start.Unix()) {
					raw = append(raw, r)
				}
			}
			want := bySecond(t, raw)
			path, query := "/meetings/"+past.Meeting+"/attendees", "?occurrence="+past.Start.UTC().Format(time.RFC3339)
			page, joins, minutes := b.onPages(path + query)
			inCSV, inXLSX, inJSON := b.inFiles(path, query)
			for kind, got := range map[string][]shown{"CSV": inCSV, "XLSX": inXLSX, "JSON": inJSON} {
				if !slices.Equal(got, page) {
					t.Errorf("%s%s: %s has\n%v, the page\n%v", path, query, kind, got, page)
				}
			}
			total := 0
			for _, s := range want {
				total += s.minutes
			}
			if joins != len(raw) || minutes != total {
				t.Errorf("%s%s: in all %d joins, %d minutes; of the rows %d, %d", path, query, joins, minutes, len(raw), total)
			}
			if got := sortShown(page); !slices.Equal(got, sortShown(want)) {
				t.Errorf("%s%s: the page has\n%v, the rows make\n%v", path, query, got, want)
			}
			some := query + "&" + queries[random.IntN(len(queries))]
			page, _, _ = b.onPages(path + some)
			inCSV, inXLSX, inJSON = b.inFiles(path, some)
			for kind, got := range map[string][]shown{"CSV": inCSV, "XLSX": inXLSX, "JSON": inJSON} {
				if !slices.Equal(got, page) {
					t.Errorf("%s%s: %s has\n%v, the page\n%v", path, some, kind, got, page)
				}
			}
			sessions, people, sum = sessions+1, people+len(want), sum+total
		}
	}
	t.Logf("%d sessions, %d people, %d minutes", sessions, people, sum)
	if people < 100 {
		t.Errorf("only %d people in %d sessions", people, sessions)
	}
}

// editJoins changes the rows of every answer about attendees.
func (p *portal) editJoins(change func([]map[string]any) []map[string]any) {
	p.wire.edit = func(call string, answer []byte) []byte {
		if !strings.HasSuffix(call, "/attendees") {
			return answer
		}
		var rows []map[string]any
		decoder := json.NewDecoder(bytes.NewReader(answer))
		decoder.UseNumber()
		if decoder.Decode(&rows) != nil {
			return answer
		}
		changed, err := json.Marshal(change(rows))
		if err != nil {
			p.t.Error(err)
		}
		return changed
	}
}

// Numbers that cannot be read are as good as not given, and said beside the
// field; a file is not made of them.
func TestNumbersThatCannotBeRead(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	past := b.firstPast()
	everybody := b.get(past).doc(t).Find("tr.person").Length()
	for field, values := range map[string][]string{
		"threshold": {"abc", "-1", "101", "1e9", "NaN", "85 percent"}, "late": {"-5", "1.5", "soon", "1441"}, "early": {"x"}, "quorum": {"1.5", "-1", "many"},
	} {
		for _, value := range values {
			asked := past + "&" + url.Values{field: {value}}.Encode()
			res := b.get(asked)
			doc := res.doc(t)
			if res.StatusCode != http.StatusUnprocessableEntity || doc.Find("#"+field+"-error").Length() != 1 || doc.Find("#problems a").Length() != 1 ||
				doc.Find("[name="+field+"]").AttrOr("value", "") != value || !strings.HasPrefix(doc.Find("title").Text(), "Error: ") {
				t.Errorf("%s=%s: %d %s", field, value, res.StatusCode, doc.Find("#problems").Text())
			}
			if got := doc.Find("tr.person").Length(); got != everybody {
				t.Errorf("%s=%s: %d of %d people", field, value, got, everybody)
			}
			path, query, _ := strings.Cut(asked, "?")
			if file := b.get(path + ".csv?" + query); file.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s=%s: the file answers %d", field, value, file.StatusCode)
			}
		}
	}
	for _, sound := range []string{"threshold=85+%25", "threshold=85%2C5", "threshold=", "late=+0+", "quorum=0", "show=bogus", "of=bogus", "rows=bogus"} {
		if res := b.get(past + "&" + sound); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", sound, res.StatusCode)
		}
	}
}

// What is asked for stands in the form and as chips, each of which takes one
// thing away; the announcement says it in words.
func TestFiltersInForce(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	past := b.firstPast()
	asked := past + "&q=e&threshold=10.5&show=late&show=noemail&late=0&quorum=2&sort=minutes&dir=desc"
	res := b.get(asked, "HX-Request", "true", "HX-Request-Type", "partial")
	doc := res.doc(t)
	said := doc.Find("#announcer").Text()
	for _, words := range []string{" people, sorted by time present, descending, ", "“e” in name or e-mail", "there for at least 10.5 % of the actual length", "came over 0 min late", "gave no e-mail", "quorum of 2"} {
		if !strings.Contains(said, words) {
			t.Errorf("announced: %q, without %q", said, words)
		}
	}
	form := fields(doc.Find("form.asking"))
	for name, want := range map[string]string{"q": "e", "threshold": "10.5", "show": "late", "late": "0", "early": "5", "quorum": "2", "sort": "minutes", "dir": "desc"} {
		if form.Get(name) != want {
			t.Errorf("the form has %s=%q", name, form.Get(name))
		}
	}
	if !slices.Equal(form["show"], []string{"late", "noemail"}) || form.Get("occurrence") == "" {
		t.Errorf("the form has %v", form)
	}
	chips := doc.Find(".chip:not(.all)")
	if chips.Length() != 5 {
		t.Fatalf("%d chips: %s", chips.Length(), chips.Text())
	}
	chips.Each(func(_ int, chip *goquery.Selection) {
		rest := b.get(chip.AttrOr("href", "")).doc(t).Find(".chip:not(.all)")
		var words []string
		rest.Each(func(_ int, r *goquery.Selection) { words = append(words, r.Text()) })
		if rest.Length() != 4 || slices.Contains(words, chip.Text()) {
			t.Errorf("without %q: %q", chip.Text(), words)
		}
	})
	cleared := b.get(doc.Find(".chip.all").AttrOr("href", "")).doc(t)
	if cleared.Find(".chip").Length() != 0 || cleared.Find("[aria-sort]").AttrOr("aria-sort", "") != "descending" {
		t.Errorf("cleared: %s, sorted %q", cleared.Find(".chip").Text(), cleared.Find("[aria-sort]").Text())
	}
	path, query, _ := strings.Cut(asked, "?")
	book, err := excelize.OpenReader(strings.NewReader(b.get(path + ".xlsx?" + query).body))
	if err != nil {
		t.Fatal(err)
	}
	about, err := book.GetRows("About")
	if err != nil {
		t.Fatal(err)
	}
	sheet := fmt.Sprint(about)
	for _, words := range []string{"there for at least 10.5 % of the actual length", "gave no e-mail", "Shares are of", "Minutes in all", "GoTo itself counts"} {
		if !strings.Contains(sheet, words) {
			t.Errorf("the sheet does not say %q: %s", words, sheet)
		}
	}
}

// The schedule is read from the meeting, beside the rows, and only when asked
// for; where there is none that is said, and the actual time is measured by.
func TestMeasuredByTheSchedule(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	const daily = "201480117"
	room := b.get("/meetings/" + daily + "/attendees?of=scheduled").doc(t)
	if text := room.Find(".note.info").Text(); !strings.Contains(text, "A room has no schedule") || !strings.Contains(room.Find("thead").Text(), "Of actual length") {
		t.Errorf("a room: %q, %s", text, room.Find("thead").Text())
	}
	gone := b.get(b.firstPastOf(func(id string) bool { return strings.HasPrefix(id, "600") }) + "&of=scheduled").doc(t)
	if text := gone.Find(".note.info").Text(); !strings.Contains(text, "does not tell when the meeting was to be held") || gone.Find("tr.person").Length() == 0 {
		t.Errorf("deleted: %q", text)
	}
	id := b.create("meeting_type", "scheduled", "duration", "120") // in 2030
	host, _ := strings.CutPrefix(b.post("/meetings/"+id+"/start", nil).Header.Get("Refresh"), "0; url=")
	b.get(host)
	p.sandbox.Advance(40 * time.Minute) // the token is good for an hour
	at := b.get(host)
	form := fields(at.doc(t).Find("form"))
	b.do(http.MethodPost, strings.SplitN(host, "?", 2)[0], form, "Origin", p.sandbox.URL)
	before := p.sandbox.Calls()
	actual := b.get("/meetings/" + id + "/attendees").doc(t)
	if calls := total(p.sandbox.Calls()) - total(before); calls != 1 {
		t.Errorf("by the actual time: %d calls", calls)
	}
	plain, _, _ := b.onPages("/meetings/" + id + "/attendees")
	before = p.sandbox.Calls()
	p.ahead.Store(int64(time.Minute))
	res := b.get("/meetings/" + id + "/attendees?of=scheduled")
	if calls := total(p.sandbox.Calls()) - total(before); calls != 2 {
		t.Errorf("by the schedule: %d calls", calls)
	}
	doc := res.doc(t)
	if !strings.Contains(doc.Find("thead").Text(), "Of scheduled length") || !strings.Contains(doc.Find("#of option[selected]").Text(), "scheduled length, 2 h") {
		t.Errorf("by the schedule: %s, %s", doc.Find("thead").Text(), doc.Find("#of").Text())
	}
	half, _, _ := b.onPages("/meetings/" + id + "/attendees?of=scheduled")
	if len(plain) < 3 || len(half) != len(plain) || actual.Find("tr.person").Length() != len(plain) {
		t.Fatalf("%d and %d people", len(plain), len(half))
	}
	for i := range half {
		of, _ := strconv.ParseFloat(half[i].share, 64)
		if whole, _ := strconv.ParseFloat(plain[i].share, 64); math.Abs(of-whole/3) > 0.2 || half[i].minutes != plain[i].minutes {
			t.Errorf("%+v of 40 minutes, %+v of two hours", plain[i], half[i])
		}
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.get("/meetings/"+id+"/attendees.csv?of=scheduled").body, "\uFEFF"))).ReadAll()
	if err != nil || lines[0][7] != "Share of the scheduled length (%)" {
		t.Errorf("%v, %v", lines[0], err)
	}
}

// firstPastOf is firstPast among some meetings.
func (b *browser) firstPastOf(want func(id string) bool) string {
	b.t.Helper()
	now := time.Now().UTC()
	doc := b.get("/history?from=" + now.AddDate(0, 0, -89).Format(time.DateOnly) + "&to=" + now.Format(time.DateOnly)).doc(b.t)
	for _, link := range doc.Find("tbody th a").EachIter() {
		if href := link.AttrOr("href", ""); want(strings.TrimPrefix(href, "/meetings/")) {
			return href
		}
	}
	b.t.Fatal("no such past meeting")
	return ""
}

// GoTo's own figures stand beside ours, with the reason where they differ.
func TestReconciledWithGoTo(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	past := b.firstPast()
	for want, c := range map[string]struct {
		count   func(rows int, people int) int
		minutes int
	}{
		"as here. Its length of":                {func(_, people int) int { return people }, -1},
		"gives no count of its own":             {func(int, int) int { return 0 }, -1},
		"the list is not complete":              {func(rows, _ int) int { return rows + 3 }, -1},
		"why, the rows do not tell":             {func(int, int) int { return 1 }, -1},
		"It gives a length of 9 h; from start":  {func(_, people int) int { return people }, 540},
		"one for each join. They are 2 people,": {func(rows, _ int) int { return rows }, -1},
	} {
		p.editJoins(func(rows []map[string]any) []map[string]any {
			if strings.HasPrefix(want, "one for each") {
				last := len(rows) - 1
				rows = []map[string]any{rows[last], rows[last], rows[last-1]}
			}
			instance := map[any]int{}
			people := map[any]map[any]bool{}
			for _, r := range rows {
				key := r["meetingInstanceKey"]
				instance[key]++
				if people[key] == nil {
					people[key] = map[any]bool{}
				}
				who := fmt.Sprint(r["attendeeEmail"])
				if who == "" || who == "<nil>" {
					who = fmt.Sprint("n ", r["attendeeName"])
				}
				people[key][who] = true
			}
			for _, r := range rows {
				r["numAttendees"] = c.count(instance[r["meetingInstanceKey"]], len(people[r["meetingInstanceKey"]]))
				if c.minutes >= 0 {
					r["duration"] = c.minutes
				}
			}
			return rows
		})
		doc := b.get(past, "Cache-Control", "no-cache").doc(t)
		text := doc.Find(".reconciled").Text()
		if !strings.Contains(text, want) {
			t.Errorf("%q, want %q", text, want)
		}
		if warned := doc.Find(".reconciled.warning").Length() == 1; warned != strings.Contains(want, "not complete") {
			t.Errorf("%q is a warning: %t", text, warned)
		}
	}
}

// Each row behind a person says in words why it counts otherwise than it reads.
func TestRemarksInWords(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	past := b.firstPast()
	p.editJoins(func(rows []map[string]any) []map[string]any {
		first := rows[len(rows)-1] // the newest session's
		start := fmt.Sprint(first["startTime"])
		at, err := time.Parse("2006-01-02T15:04:05", start[:19])
		if err != nil {
			t.Error(err)
		}
		stamp := func(minutes int) string {
			return at.Add(time.Duration(minutes)*time.Minute).Format("2006-01-02T15:04:05") + start[19:]
		}
		var out []map[string]any
		for name, c := range map[string][2]any{
			"Early bird": {stamp(-10), stamp(20)}, "Stayer": {stamp(5), stamp(90)}, "Both": {stamp(-1), stamp(90)}, "Backwards": {stamp(20), stamp(10)},
			"Elsewhere": {stamp(80), stamp(90)}, "No leave": {stamp(10), ""}, "No join": {"", stamp(10)}, "Plain": {stamp(0), stamp(30)},
		} {
			row := map[string]any{}
			for k, v := range first {
				row[k] = v
			}
			row["attendeeName"], row["name"], row["attendeeEmail"], row["joinTime"], row["leaveTime"], row["endTime"] = name, name, name+"@example.test", c[0], c[1], stamp(60)
			out = append(out, row)
		}
		return out
	})
	doc := b.get(past, "Cache-Control", "no-cache").doc(t)
	behind := map[string]string{}
	doc.Find("tr.person").Each(func(_ int, row *goquery.Selection) {
		behind[row.Find("summary bdi").Text()] = strings.Join(strings.Fields(row.Next().Text()), " ")
	})
	for name, want := range map[string]string{
		"Early bird": ", when the session began.", "Stayer": ", when the session ended.", "Both": "when the session began, and until", "Backwards": "Not counted: it ends before it begins.",
		"Elsewhere": "Not counted: it lies outside of the session.", "No leave": "GoTo does not say when it ended.", "No join": "Not counted: GoTo does not say when it began.", "Plain": "30 min",
	} {
		if !strings.Contains(behind[name], want) || name == "Plain" && strings.Contains(behind[name], "ounted") {
			t.Errorf("%s: %q", name, behind[name])
		}
	}
}

// While a meeting runs, who has not left is in, and all counts until GoTo was
// asked.
func TestWhoIsStillIn(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	past := b.firstPast()
	at, err := url.Parse(past)
	if err != nil {
		t.Fatal(err)
	}
	began, err := time.Parse(time.RFC3339, at.Query().Get("occurrence"))
	if err != nil {
		t.Fatal(err)
	}
	p.ahead.Store(int64(time.Until(began.Add(40 * time.Minute))))
	p.editJoins(func(rows []map[string]any) []map[string]any {
		row := rows[len(rows)-1]
		row["leaveTime"], row["endTime"] = "", ""
		return []map[string]any{row}
	})
	doc := b.get(past, "Cache-Control", "no-cache").doc(t)
	row, head := doc.Find("tr.person"), doc.Find(".head").First().Text()
	if !strings.Contains(row.Find(".words").Text(), "still in") || strings.TrimSpace(row.Find("td").Eq(2).Text()) != "still in" ||
		!strings.Contains(row.Next().Text(), "when GoTo was asked: still in") || !strings.Contains(head, "still running") || !strings.Contains(doc.Find(".tiles").Text(), "so far") {
		t.Errorf("running: %s", strings.Join(strings.Fields(doc.Find("main").Text()), " "))
	}
	var twin struct{ Rows []map[string]any }
	if err := json.Unmarshal([]byte(b.get(strings.Replace(past, "attendees", "attendees.json", 1)).body), &twin); err != nil || twin.Rows[0]["last_out"] != nil || !strings.Contains(fmt.Sprint(twin.Rows[0]["status"]), "still in") {
		t.Errorf("%v, %v", twin.Rows, err)
	}
}

// A long list has pages, which keep the query; the joins do, too.
func TestManyPeopleHavePages(t *testing.T) {
	p := newPortal(t)
	p.sandbox.Control(map[string]any{"scale": 3})
	b := p.connected("ada")
	const scale = "/meetings/590000001/attendees"
	for query, want := range map[string]int{"": 150, "?q=person+0001": 10, "?rows=joins": 300} {
		address, seen, pages := scale+query, map[string]bool{}, 0
		for address != "" {
			doc := b.get(address).doc(t)
			doc.Find("tr.person th, .results > .table tbody tr:not(.behind):not(.person)").Each(func(_ int, row *goquery.Selection) { seen[fmt.Sprint(row.Text(), len(seen))] = true })
			address, pages = doc.Find("a[rel=next]").AttrOr("href", ""), pages+1
		}
		if len(seen) != want || pages != (want+49)/50 {
			t.Errorf("%q: %d rows on %d pages", query, len(seen), pages)
		}
	}
	if res := b.get(scale + "?page=9&sort=share"); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != scale+"?sort=share" {
		t.Errorf("page 9: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	doc := b.get(scale + "?q=person+0000&page=1").doc(t)
	if copied := strings.Split(doc.Find("[data-copy]").AttrOr("data-copy", ""), ", "); len(copied) != 10 || copied[9] != "person00009@example.test" {
		t.Errorf("copied: %q", copied)
	}
	if erase := doc.Find(".exports a.danger").AttrOr("href", ""); !strings.HasPrefix(erase, "/meetings/590000001/erase?occurrence=") {
		t.Errorf("erasing is at %q", erase)
	}
	if link := b.get("/meetings/201480117/attendees").doc(t).Find(`a[href^="/meetings/201480117/register"]`); link.Length() != 1 {
		t.Error("no way to the register")
	}
}
