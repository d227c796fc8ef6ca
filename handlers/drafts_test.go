package handlers_test

import (
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Strangers' forms are not kept, or they would fill the room for those of
// users whose session is over.
func TestStrangersCannotFillTheRoomForForms(t *testing.T) {
	p := newPortal(t)
	db, err := sql.Open("sqlite", p.file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	drafts := func() (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM drafts").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	form := url.Values{"subject": {"Spam & <spam>"}}
	for _, cookie := range []string{"", "sid=", "sid=v1.x.y", "draft=v1.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		res := p.browser().post("/meetings", form, "Cookie", cookie)
		if res.StatusCode != http.StatusSeeOther || strings.Contains(res.Header.Get("Location"), "resume") || len(res.Header["Set-Cookie"]) > 0 {
			t.Errorf("%q: %d to %q", cookie, res.StatusCode, res.Header.Get("Location"))
		}
	}
	if n := drafts(); n != 0 {
		t.Errorf("%d forms of strangers are kept", n)
	}
	forged := "sid=v1.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	res, kept := hammer(t, 1000, func() answer { return p.browser().post("/meetings", form, "Cookie", forged) })
	if n := drafts(); n != kept || kept > 350 {
		t.Errorf("%d forms are kept, %d were promised", n, kept)
	}
	if got := fields(res.doc(t).Find("main form")).Get("subject"); got != "Spam & <spam>" {
		t.Errorf("the page of one too many holds %q", got)
	}
}
