package handlers_test

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portal/meetings"
)

const account = "9007199254740993001" // ada's, ben's and cleo's

// deeds is the account's audit log, the oldest first, as "who action subject outcome".
func (p *portal) deeds(account string) (lines []string) {
	p.t.Helper()
	list, _, err := p.store.Deeds(p.t.Context(), account, meetings.DeedQuery{All: true})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, d := range list {
		if d.RequestID == "" || d.UserKey == "" || d.At.IsZero() {
			p.t.Errorf("incomplete entry: %+v", d)
		}
		lines = append([]string{d.User + ": " + d.Action + " " + d.Subject + ": " + d.Outcome}, lines...)
	}
	return lines
}

// Everything that is done through the portal is in the audit log, once, with
// how it went.
func TestEveryDeedIsInTheAuditLog(t *testing.T) {
	p := newPortal(t)
	ada, ben := p.connected("ada"), p.connected("ben")
	p.connected("dan").create("subject", "Of another account")
	fail := func(call, kind string, more ...any) {
		p.sandbox.Control(map[string]any{"faults": []any{fault(call, kind, more...)}})
	}

	id := ben.create("subject", "Plans & <b>beans</b>")
	form := ben.newForm("subject", "Twice")
	for range 2 {
		ben.post("/meetings", form)
	}
	fail(createCall, "status", "status", 400)
	ben.post("/meetings", ben.newForm("subject", "Refused"))
	fail(createCall, "reset")
	ben.post("/meetings", ben.newForm("subject", "Lost"))
	ben.post("/meetings/"+id, plan("subject", "Beans, changed"))
	fail("PUT /G2M/rest/meetings/*", "status", "status", 403, "body", `{"int_err_code":"Forbidden","msg":"no"}`)
	ben.post("/meetings/"+id, plan("subject", "Not allowed"))
	fail("PUT /G2M/rest/meetings/*", "status", "status", 500, "times", 0)
	ben.post("/meetings/"+id, plan("subject", "Who knows"))
	p.sandbox.Control(map[string]any{"faults": []any{}})
	ben.get("/meetings/" + id)
	ben.post("/meetings/"+id+"/start", nil)
	ben.post("/meetings/123/start", nil)
	ben.post("/meetings/now", nil)
	ben.post("/people/names", url.Values{"key": {"8439885694023999999"}, "name": {"Zed"}})
	ben.post("/people", url.Values{"first_name": {"Kim"}, "last_name": {"Lee"}, "email": {"kim@example.test"}})
	ada.post("/people", url.Values{"first_name": {"Kim"}, "last_name": {"Lee"}, "email": {"kim@example.test"}})
	// Neither refused input nor looking is a deed.
	ben.post("/meetings", plan("subject", ""))
	ben.post("/people/names", url.Values{"key": {"x"}})
	ben.get("/meetings/" + id)
	ben.get("/audit")

	want := []string{
		"Ben Example: create Plans & <b>beans</b>: done",
		"Ben Example: create Twice: done",
		"Ben Example: create Refused: refused",
		"Ben Example: create Lost: unknown",
		"Ben Example: update Beans, changed: done",
		"Ben Example: update Not allowed: refused",
		"Ben Example: update Who knows: unknown",
		"Ben Example: start Beans, changed: done",
		"Ben Example: start : refused",
		"Ben Example: meet now Meeting with Ben Example: done",
		"Ben Example: start Meeting with Ben Example: done",
		"Ben Example: name a key 8439885694023999999: Zed: done",
		"Ada Example: invite Kim Lee, kim@example.test: done",
	}
	if got := p.deeds(account); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the audit log is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAuditPage(t *testing.T) {
	p := newPortal(t)
	ada, ben, dan := p.connected("ada"), p.connected("ben"), p.connected("dan")
	id := ben.create("subject", "Beans & <i>rice</i>")
	dan.create("subject", "Of another account")
	for n := range 60 {
		if err := p.store.AddDeed(t.Context(), meetings.Deed{
			At: time.Date(2026, 1, 2, 23, 30, n, 0, time.UTC), AccountKey: account, UserKey: "1", User: "Old", Action: "later", Subject: "Long ago", Outcome: "done", RequestID: "r",
		}); err != nil {
			t.Fatal(err)
		}
	}

	for name, b := range map[string]*browser{"ben": ben, "dan": dan} {
		if res := b.get("/audit"); res.StatusCode != http.StatusForbidden || strings.Contains(res.body, "Beans") {
			t.Errorf("%s reads the audit log: %d", name, res.StatusCode)
		}
		if res := b.get("/audit.csv"); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s downloads the audit log: %d", name, res.StatusCode)
		}
	}
	if n := ben.get("/settings").doc(t).Find(`a[href="/audit"]`).Length(); n != 0 {
		t.Error("an organizer's settings link to the audit log")
	}
	if n := ada.get("/settings").doc(t).Find(`main a[href="/audit"]`).Length(); n != 1 {
		t.Error("an admin's settings do not link to the audit log")
	}

	page := ada.get("/audit")
	doc := page.doc(t)
	rows := doc.Find("tbody tr")
	first := rows.First().Text()
	if rows.Length() != 50 || !strings.Contains(first, "Create") || !strings.Contains(first, "Beans & <i>rice</i>") ||
		!strings.Contains(first, meetings.GroupID(id)) || !strings.Contains(first, "Ben Example") || !strings.Contains(first, "Done") {
		t.Errorf("%d rows, the first %q", rows.Length(), first)
	}
	if strings.Contains(page.body, "another account") || !strings.Contains(doc.Find("#count").Text(), "61 entries") {
		t.Errorf("count: %s", doc.Find("#count").Text())
	}
	// ada lives in Berlin: 23:30 UTC is half past midnight there.
	if when := rows.Eq(1).Find("time"); when.Text() != "Sat 3 Jan 2026, 00:30:59" || when.AttrOr("datetime", "") != "2026-01-02T23:30:59Z" {
		t.Errorf("time: %q %q", when.Text(), when.AttrOr("datetime", ""))
	}
	if again := ada.get(doc.Find("a[rel=next]").AttrOr("href", "")).doc(t); again.Find("tbody tr").Length() != 11 {
		t.Errorf("page 2: %d rows", again.Find("tbody tr").Length())
	}
	if found := ada.get(rows.First().Find("td a").First().AttrOr("href", "")).doc(t); found.Find("tbody tr").Length() != 1 {
		t.Errorf("by meeting: %d rows", found.Find("tbody tr").Length())
	}
	if none := ada.get("/audit?q=nothing+like+this"); !strings.Contains(none.body, "Nothing matches") || none.doc(t).Find("table").Length() != 0 {
		t.Error("nothing found is not said")
	}
	if part := ada.get("/audit?q=beans", "HX-Request", "true", "HX-Request-Type", "partial"); strings.Contains(part.body, "<html") || part.doc(t).Find("tbody tr").Length() != 1 {
		t.Errorf("fragment: %s", part.body)
	}

	var twin struct {
		Zone string
		Rows []map[string]any
	}
	if err := json.Unmarshal([]byte(ada.get("/audit.json").body), &twin); err != nil {
		t.Fatal(err)
	}
	if len(twin.Rows) != 61 || twin.Zone != "Europe/Berlin" || twin.Rows[0]["user_key"] != "8439885694023990002" || twin.Rows[0]["meeting_id"] != id || twin.Rows[0]["action"] != "create" {
		t.Errorf("%d rows in %s, the first %v", len(twin.Rows), twin.Zone, twin.Rows[0])
	}
	for _, path := range []string{"/audit.csv?q=beans", "/audit.xlsx?q=beans"} {
		if res := ada.get(path); res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Content-Disposition"), "audit-") {
			t.Errorf("%s: %d %q", path, res.StatusCode, res.Header.Get("Content-Disposition"))
		}
	}
}

// Of a log too long to look through the page and the files say so.
func TestLongAuditPage(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	db, err := sql.Open("sqlite", p.file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10010)
		INSERT INTO audit (entry, account_key, at, user_key, user_name, action, meeting_id, subject, outcome, request_id, search)
		SELECT CAST(1000000 + i AS TEXT), $1, i, '1', 'Ada', 'create', '', 'Board', 'done', 'r', 'ada' FROM n`, account); err != nil {
		t.Fatal(err)
	}
	page := ada.get("/audit")
	if got := page.doc(t).Find("#count").Text(); !strings.Contains(got, "latest 10000 entries") || !strings.Contains(got, "search") {
		t.Errorf("count: %q", got)
	}
	if last := ada.get("/audit?page=200").doc(t); last.Find("tbody tr").Length() != 50 || last.Find("a[rel=next]").Length() != 0 {
		t.Errorf("the last page has %d rows", last.Find("tbody tr").Length())
	}
	file := ada.get("/audit.csv")
	if n := strings.Count(file.body, "Board"); n != 10_000 || !strings.Contains(file.Header.Get("Content-Disposition"), "audit-latest-10000-") {
		t.Errorf("the file %s has %d rows", file.Header.Get("Content-Disposition"), n)
	}
}

// Who is no admin any more reads no audit log, and nobody does while GoTo does
// not say who is.
func TestAuditAsksWhoIsStillAdmin(t *testing.T) {
	p := newPortal(t)
	ada := p.connected("ada")
	p.doorAhead.Store(int64(11 * time.Minute))
	p.sandbox.Control(map[string]any{"faults": []any{fault("GET /admin/rest/v1/me", "status", "status", 500, "times", 0)}})
	for _, path := range []string{"/audit", "/audit.csv"} {
		if res := ada.get(path); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
			t.Errorf("%s, GoTo is away: %d", path, res.StatusCode)
		}
	}
	p.sandbox.Control(map[string]any{"faults": []any{}})
	if res := ada.get("/audit"); res.StatusCode != http.StatusOK {
		t.Errorf("still an admin: %d", res.StatusCode)
	}
	p.demoted.Store(true)
	if res := ada.get("/audit"); res.StatusCode != http.StatusOK {
		t.Errorf("asked again too early: %d", res.StatusCode)
	}
	p.doorAhead.Store(int64(22 * time.Minute))
	for _, path := range []string{"/audit.csv", "/audit"} {
		if res := ada.get(path); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s, no admin any more: %d", path, res.StatusCode)
		}
	}
	if strings.Contains(ada.get("/settings").body, "Account admin") {
		t.Error("the session still has an admin's role")
	}
}

// An audit log that cannot be written costs nobody a meeting; the log then
// holds what it should.
func TestAuditLogThatCannotBeWritten(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ben")
	db, err := sql.Open("sqlite", p.file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "DROP TABLE audit"); err != nil {
		t.Fatal(err)
	}
	id := b.create("subject", "Made all the same")
	if res := b.get("/meetings/" + id); res.StatusCode != http.StatusOK {
		t.Errorf("the meeting: %d", res.StatusCode)
	}
	for _, want := range []string{"level=ERROR", "not written to the audit log", "action=create", "meeting=" + id, "outcome=done", "user=8439885694023990002"} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
}
