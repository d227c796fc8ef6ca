package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"portal/meetings"
)

func deed(n int) meetings.Deed {
	return meetings.Deed{
		At: noon.Add(time.Duration(n) * time.Second), AccountKey: "acc", UserKey: "8439885694023990001", User: "Ada", Action: meetings.DeedCreate,
		MeetingID: fmt.Sprint(100000000 + n), Subject: "Board", Outcome: meetings.OutcomeDone, RequestID: fmt.Sprint("r", n),
	}
}

func TestAuditLog(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, ctx := open(t, databaseURL), t.Context()
		add := func(d meetings.Deed) {
			t.Helper()
			if err := s.AddDeed(ctx, d); err != nil {
				t.Fatal(err)
			}
		}
		find := func(q meetings.DeedQuery) ([]meetings.Deed, int) {
			t.Helper()
			list, total, err := s.Deeds(ctx, "acc", q)
			if err != nil {
				t.Fatalf("%+v: %v", q, err)
			}
			return list, total
		}
		if list, total := find(meetings.DeedQuery{}); len(list) != 0 || total != 0 {
			t.Fatalf("an empty log holds %d, %d", len(list), total)
		}
		for n := range 120 {
			add(deed(n))
		}
		other := deed(500)
		other.AccountKey, other.Subject = "other", "Not yours"
		add(other)

		for _, page := range []struct{ n, first, rows int }{{1, 119, 50}, {2, 69, 50}, {3, 19, 20}, {4, 119, 50}, {0, 119, 50}, {-1, 119, 50}, {1 << 62, 119, 50}} {
			list, total := find(meetings.DeedQuery{Page: page.n})
			if total != 120 || len(list) != page.rows || list[0] != deed(page.first) || list[len(list)-1] != deed(page.first-page.rows+1) {
				t.Errorf("page %d: %d of %d rows, from %+v", page.n, len(list), total, list[0])
			}
		}
		if list, total := find(meetings.DeedQuery{All: true, Page: 2}); len(list) != 120 || total != 120 {
			t.Errorf("all: %d of %d", len(list), total)
		}

		odd := meetings.Deed{
			At: noon.Add(time.Hour), AccountKey: "acc", UserKey: "7", User: "Zoë Ø", Action: meetings.DeedDelete, MeetingID: "", Subject: `100% ÜBER_alles \o/`,
			Outcome: meetings.OutcomeUnknown, RequestID: "req",
		}
		add(odd)
		for text, want := range map[string]int{
			"": 121, "  ": 121, "ada": 120, "ADA": 120, "zoë ø": 1, "über_": 1, "100%": 1, "%": 1, "_": 1, `\o`: 1, `\`: 1, "DELETE": 1, "unknown": 1, "done": 120,
			"100000042": 1, "r42": 1, "not yours": 0, "a%a": 0, "'": 0, "%%": 0, strings.Repeat("_", 30_000): 0, "\x00\xff": 0,
		} {
			if list, total := find(meetings.DeedQuery{Text: text}); total != want || len(list) != min(want, meetings.PageSize) {
				t.Errorf("%.20q finds %d, shows %d; want %d", text, total, len(list), want)
			}
		}
		if list, _ := find(meetings.DeedQuery{Text: "zoë"}); len(list) != 1 || !reflect.DeepEqual(list[0], odd) {
			t.Errorf("read back as %+v", list)
		}

		// PostgreSQL alone would refuse these.
		add(meetings.Deed{At: noon, AccountKey: "acc", Subject: "nul \x00 and broken \xff"})
		if list, _ := find(meetings.DeedQuery{Text: "and broken"}); len(list) != 1 || list[0].Subject != "nul \uFFFD and broken \uFFFD" {
			t.Errorf("hostile text: %+v", list)
		}

		if _, err := s.Sweep(ctx, noon.AddDate(100, 0, 0)); err != nil {
			t.Fatal(err)
		}
		if _, total := find(meetings.DeedQuery{}); total != 122 {
			t.Errorf("after a sweep in a hundred years: %d", total)
		}
	})
}

// A log of years costs a page no more than one of a week: neither is what
// nobody looks at counted, nor is there a pattern to match without a search.
func TestLongAuditLog(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		driver := "sqlite"
		if strings.HasPrefix(databaseURL, "postgres") {
			driver = "pgx"
		}
		db, err := sql.Open(driver, databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		const rows = meetings.MostDeeds + 70
		if _, err := db.ExecContext(t.Context(), `
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
			INSERT INTO audit (entry, account_key, at, user_key, user_name, action, meeting_id, subject, outcome, request_id, search)
			SELECT CAST(1000000 + i AS TEXT), 'acc', i, '1', 'Ada', 'create', CAST(i AS TEXT), 'Board', 'done', 'r', 'ada' || CAST(1000000 + i AS TEXT) FROM n`, rows); err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			q           meetings.DeedQuery
			total, rows int
			first, last int
		}{
			{meetings.DeedQuery{}, meetings.MostDeeds + 1, meetings.PageSize, rows, rows - 49},
			{meetings.DeedQuery{Page: 200}, meetings.MostDeeds + 1, meetings.PageSize, 120, 71},
			{meetings.DeedQuery{Page: 201}, meetings.MostDeeds + 1, meetings.PageSize, rows, rows - 49},
			{meetings.DeedQuery{All: true}, meetings.MostDeeds + 1, meetings.MostDeeds, rows, 71},
			{meetings.DeedQuery{Text: "ada"}, meetings.MostDeeds + 1, meetings.PageSize, rows, rows - 49},
			{meetings.DeedQuery{Text: "ada1000003"}, 1, 1, 3, 3},
		} {
			list, total, err := s.Deeds(t.Context(), "acc", tc.q)
			if err != nil || total != tc.total || len(list) != tc.rows || list[0].MeetingID != fmt.Sprint(tc.first) || list[len(list)-1].MeetingID != fmt.Sprint(tc.last) {
				t.Errorf("%+v: %d rows of %d, %v", tc.q, len(list), total, err)
			}
		}
	})
}

// No statement of this package, and no migration, changes or deletes a row of
// the audit log.
func TestAuditLogIsAppendOnly(t *testing.T) {
	change := regexp.MustCompile(`(?i)(update|delete\s+from|truncate(\s+table)?|replace\s+into|drop\s+table|alter\s+table)\s+audit\b`)
	if !change.MatchString("DELETE FROM\n audit WHERE") || change.MatchString("INSERT INTO audit (x)") {
		t.Fatal("this test sees nothing")
	}
	read := 0
	for _, pattern := range []string{"*.go", "migrations/*.sql"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			read++
			if found := change.FindString(string(b)); found != "" {
				t.Errorf("%s: %s", name, found)
			}
		}
	}
	if read < 8 {
		t.Errorf("only %d files were read", read)
	}
}
