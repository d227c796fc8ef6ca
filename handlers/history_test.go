package handlers_test

import (
	"encoding/json"
	"net/http"
	"testing"
)

// GoTo keeps a meeting in history whose session was erased, without the
// session; so does the page.
func TestErasedSessionsStayInHistory(t *testing.T) {
	p := newPortal(t)
	b := p.connected("ada")
	past := func() (rows []struct {
		Session   string `json:"session_id"`
		Attendees int    `json:"attendees"`
	}) {
		var twin struct{ Rows json.RawMessage }
		res := b.get("/history.json?q=Daily+check-in", "Cache-Control", "no-cache")
		if err := json.Unmarshal([]byte(res.body), &twin); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(twin.Rows, &rows); err != nil {
			t.Fatal(err)
		}
		return rows
	}
	before := past()
	if len(before) < 3 {
		t.Fatalf("%d past meetings show nothing", len(before))
	}
	for _, row := range before[:2] {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, p.sandbox.API+"/G2M/rest/organizers/8439885694023990001/sessions/"+row.Session, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+p.sandbox.Token("ada@example.test"))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNoContent {
			t.Fatalf("erase answers %d", res.StatusCode)
		}
	}
	after := past()
	erased := 0
	for _, row := range after {
		if row.Session == "" && row.Attendees == 0 {
			erased++
		}
	}
	if len(after) != len(before) || erased != 2 {
		t.Errorf("%d rows of %d, %d of them without a session", len(after), len(before), erased)
	}
	if res := b.get("/history?q=Daily+check-in", "Cache-Control", "no-cache"); res.StatusCode != http.StatusOK || res.doc(t).Find("tbody tr").Length() != len(before) {
		t.Errorf("the page: %d, %d rows", res.StatusCode, res.doc(t).Find("tbody tr").Length())
	}
}
