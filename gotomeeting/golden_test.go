package gotomeeting

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRequestsSent pins every request this package can send, as it leaves:
// method, path, query, headers (the token aside) and body.
func TestRequestsSent(t *testing.T) {
	const me, other = "8439885694023999999", "8439885694023999998"
	const account, id = "9999982253621659999", "555012345"
	read := `[{"meetingId":555012345}]`
	created := `[{"joinURL":"https://meet.goto.com/555012345","meetingid":555012345}]`
	bare := request()
	bare.CoOrganizerKeys = nil
	bare.PasswordRequired = false
	text := request()
	text.Audio = "Dial 0800 <ask> & wait"
	text.Type = Recurring
	text.Subject = `R&D: "&lt;" is <`
	tests := []struct {
		name   string
		answer string
		send   func(ctx context.Context, c *Client, ts TokenSource) error
	}{
		{"upcoming", "[]", func(ctx context.Context, c *Client, ts TokenSource) error { return second(c.Upcoming(ctx, ts, "")) }},
		{"upcoming-organizer", "[]", func(ctx context.Context, c *Client, ts TokenSource) error { return second(c.Upcoming(ctx, ts, other)) }},
		{"meeting", read, func(ctx context.Context, c *Client, ts TokenSource) error { return second(c.Meeting(ctx, ts, id)) }},
		{"create", created, func(ctx context.Context, c *Client, ts TokenSource) error {
			return second(c.Create(ctx, ts, request()))
		}},
		{"create-without-coorganizers", created, func(ctx context.Context, c *Client, ts TokenSource) error { return second(c.Create(ctx, ts, bare)) }},
		{"create-own-text", created, func(ctx context.Context, c *Client, ts TokenSource) error { return second(c.Create(ctx, ts, text)) }},
		{"update", "", func(ctx context.Context, c *Client, ts TokenSource) error { return c.Update(ctx, ts, id, request()) }},
		{"update-without-coorganizers", "", func(ctx context.Context, c *Client, ts TokenSource) error { return c.Update(ctx, ts, id, bare) }},
		{"delete", "", func(ctx context.Context, c *Client, ts TokenSource) error { return c.Delete(ctx, ts, id) }},
		{"start", `{"hostURL":"https://host.example/?t=1"}`, func(ctx context.Context, c *Client, ts TokenSource) error { return second(c.Start(ctx, ts, id)) }},
		{"history", "[]", func(ctx context.Context, c *Client, ts TokenSource) error {
			return second(c.History(ctx, ts, "", at("2030-01-01T00:00:00+01:00"), at("2030-01-31T00:00:00+01:00")))
		}},
		{"history-organizer", "[]", func(ctx context.Context, c *Client, ts TokenSource) error {
			return second(c.History(ctx, ts, other, at("2030-01-01T00:00:00Z"), at("2030-01-02T00:00:00Z")))
		}},
		{"attendees", "[]", func(ctx context.Context, c *Client, ts TokenSource) error { return second(c.Attendees(ctx, ts, id)) }},
		{"attendees-organizer", "[]", func(ctx context.Context, c *Client, ts TokenSource) error {
			return second(c.OrganizerAttendees(ctx, ts, other, at("2030-01-01T00:00:00+01:00"), at("2030-01-31T00:00:00+01:00")))
		}},
		{"erase-session", "", func(ctx context.Context, c *Client, ts TokenSource) error {
			return c.EraseSession(ctx, ts, me, "15000001")
		}},
		{"erase-attendees", "", func(ctx context.Context, c *Client, ts TokenSource) error {
			return c.EraseAttendees(ctx, ts, me, "15000001")
		}},
		{"users", `{"results":[],"total":0}`, func(ctx context.Context, c *Client, ts TokenSource) error {
			return second(c.Users(ctx, ts, account, UserFilter{}))
		}},
		{"users-by-email", `{"total":0}`, func(ctx context.Context, c *Client, ts TokenSource) error {
			return second(c.Users(ctx, ts, account, UserFilter{Email: "ada+x@example.test"}))
		}},
		{"user", `{"key":"8439885694023999999"}`, func(ctx context.Context, c *Client, ts TokenSource) error {
			return second(c.User(ctx, ts, account, me))
		}},
		{"invite", "[]", func(ctx context.Context, c *Client, ts TokenSource) error {
			return second(c.Invite(ctx, ts, account, Invitation{FirstName: "Eve", LastName: "Ng", Email: "eve@example.test", LicenseKeys: []string{"77"}}))
		}},
		{"invite-without-licence", "[]", func(ctx context.Context, c *Client, ts TokenSource) error {
			return second(c.Invite(ctx, ts, account, Invitation{FirstName: "Eve", LastName: "Ng", Email: "eve@example.test"}))
		}},
		{"licences", `{"results":[]}`, func(ctx context.Context, c *Client, ts TokenSource) error {
			return second(c.Licenses(ctx, ts, account))
		}},
		{"me", `{"key":"8439885694023999999"}`, func(ctx context.Context, c *Client, ts TokenSource) error { return second(c.Me(ctx, "secret-token")) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sent bytes.Buffer
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				writeRequest(&sent, r)
				_, _ = io.WriteString(w, tt.answer)
			})
			if err := tt.send(t.Context(), c, &tokens{token: "secret-token"}); err != nil {
				t.Fatal(err)
			}
			compareGolden(t, tt.name, sent.Bytes())
		})
	}

	t.Run("me-scim", func(t *testing.T) {
		var sent bytes.Buffer
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/admin") {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			writeRequest(&sent, r)
			_, _ = io.WriteString(w, `{"id":"8439885694023999999"}`)
		})
		if _, err := c.Me(t.Context(), "secret-token"); err != nil {
			t.Fatal(err)
		}
		compareGolden(t, "me-scim", sent.Bytes())
	})
}

func second[T any](_ T, err error) error { return err }

func writeRequest(w io.Writer, r *http.Request) {
	fmt.Fprintf(w, "%s %s\n", r.Method, r.URL.EscapedPath())
	if r.URL.RawQuery != "" {
		fmt.Fprintf(w, "?%s\n", r.URL.RawQuery)
	}
	var names []string
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := strings.Join(r.Header[name], ", ")
		if name == "Authorization" {
			value = strings.Replace(value, "secret-token", "(token)", 1)
		}
		fmt.Fprintf(w, "%s: %s\n", name, value)
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "\n%s\n", body)
}

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("request differs from %s; got\n%s\nwant\n%s", file, got, want)
	}
}
