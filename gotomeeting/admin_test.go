package gotomeeting

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestMe(t *testing.T) {
	const key, account = "8439885694023999999", "9999982253621659999"
	const scim = `{"id":"` + key + `","userName":"ada@login.test","name":{"givenName":"Ada","familyName":"Example"},
	 "emails":[{"value":"old@example.test","primary":false},{"value":"ada@example.test","primary":true}],"locale":"en_US","timezone":"Europe/Berlin",
	 "urn:scim:schemas:extension:getgo:1.0":{"accountKeys":["1"]}}`
	full := Profile{Source: FromAdmin, Key: key, AccountKey: account, Email: "ada@example.test", FirstName: "Ada", LastName: "Example", Locale: "en_US",
		TimeZone: "Europe/Berlin", AdminRoles: []string{"SUPER_USER"}, Products: []string{"G2M"},
		Accounts: []Account{{Key: account, Name: "Example Ltd", AdminRoles: []string{"SUPER_USER"}}}}
	bySCIM := Profile{Source: FromSCIM, Key: key, Email: "ada@example.test", FirstName: "Ada", LastName: "Example", Locale: "en_US", TimeZone: "Europe/Berlin"}
	scopeless := bySCIM
	scopeless.ScopeMissing = true
	const admin = `{"key":"` + key + `","accountKey":"` + account + `","email":"ada@example.test","firstName":"Ada","lastName":"Example","locale":"en_US",
	 "timeZone":"Europe/Berlin","adminRoles":["SUPER_USER"],"products":["G2M"],"createTime":1500000000000,"orgAdmin":true,
	 "accounts":[{"key":"` + account + `","name":"Example Ltd","adminRoles":["SUPER_USER"]}]}`
	numbers := strings.NewReplacer(`"`+key+`"`, key, `"`+account+`"`, account).Replace(admin)

	tests := []struct {
		name        string
		adminStatus int
		admin       string
		scimStatus  int
		want        Profile
		kind        Kind
		calls       int
	}{
		{"admin", 200, admin, 0, full, 0, 1},
		{"admin with numbers", 200, numbers, 0, full, 0, 1},
		{"account only in the list", 200, strings.Replace(admin, `"accountKey":"`+account+`",`, "", 1), 0, full, 0, 1},
		{"scope missing", 401, `{"incidentId":"1","errors":[{"code":"not.authenticated"}]}`, 200, scopeless, 0, 2},
		{"forbidden", 403, "", 200, scopeless, 0, 2},
		{"not there", 404, "", 200, bySCIM, 0, 2},
		{"unreadable", 200, "<html>", 200, bySCIM, 0, 2},
		{"no key", 200, "{}", 200, bySCIM, 0, 2},
		{"both refuse", 401, "", 401, Profile{}, MissingScope, 2},
		{"token is bad", 403, `{"int_err_code":"InvalidToken"}`, 403, Profile{}, Forbidden, 2},
		{"outage", 500, "", 200, Profile{}, Unavailable, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			c := newClient(t, wire(func(r *http.Request) (*http.Response, error) {
				calls++
				if strings.HasPrefix(r.URL.Path, "/admin/") {
					return answer(tt.adminStatus, tt.admin), nil
				}
				return answer(tt.scimStatus, scim), nil
			}))
			got, err := c.Me(t.Context(), "token")
			if tt.kind != 0 {
				faultOf(t, err, tt.kind)
			} else if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if calls != tt.calls {
				t.Errorf("got %d calls, want %d", calls, tt.calls)
			}
		})
	}
}

// directory serves total users in pages of at most size.
func directory(t *testing.T, total, size int, page func(from, to, total int, rows string) string) (*Client, *[]int) {
	var offsets []int
	return newClient(t, wire(func(r *http.Request) (*http.Response, error) {
		offset, err := strconv.Atoi(r.URL.Query().Get("offset"))
		if err != nil {
			t.Errorf("offset: %v", err)
		}
		offsets = append(offsets, offset)
		end := min(offset+size, total)
		var rows []string
		for i := offset; i < end; i++ {
			rows = append(rows, fmt.Sprintf(`{"key":"%d","email":"u%d@example.test","status":"ACTIVE"}`, i+1, i+1))
		}
		return answer(200, page(offset, end, total, strings.Join(rows, ","))), nil
	})), &offsets
}

func TestUsersArePaged(t *testing.T) {
	object := func(shift int) func(int, int, int, string) string {
		return func(from, to, total int, rows string) string {
			return fmt.Sprintf(`{"results":[%s],"fromIndex":%d,"toIndex":%d,"total":%d}`, rows, from, to+shift, total)
		}
	}
	tests := []struct {
		name        string
		total, size int
		page        func(int, int, int, string) string
		calls       int
	}{
		{"none", 0, 200, object(0), 1},
		{"one page", 9, 200, object(0), 1},
		{"toIndex exclusive", 450, 200, object(0), 3},
		{"toIndex inclusive", 450, 200, object(-1), 3},
		{"smaller pages than asked for", 60, 25, object(0), 3},
		{"exactly two pages", 400, 200, object(0), 2},
		{"total as text", 30, 25, func(_, _, total int, rows string) string {
			return fmt.Sprintf(`{"results":[%s],"total":"%d"}`, rows, total)
		}, 2},
		{"bare array", 9, 200, func(_, _, _ int, rows string) string { return "[" + rows + "]" }, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, offsets := directory(t, tt.total, tt.size, tt.page)
			users, err := c.Users(t.Context(), oldToken(), "1", UserFilter{})
			if err != nil {
				t.Fatal(err)
			}
			if len(users) != tt.total || len(*offsets) != tt.calls {
				t.Errorf("got %d users in calls at %v, want %d users in %d", len(users), *offsets, tt.total, tt.calls)
			}
			for i, u := range users {
				if u.Key != strconv.Itoa(i+1) {
					t.Fatalf("user %d has key %s", i, u.Key)
				}
			}
		})
	}
	t.Run("does not end", func(t *testing.T) {
		calls := 0
		c := newClient(t, wire(func(*http.Request) (*http.Response, error) {
			calls++
			return answer(200, `{"results":[{"key":"1"}],"total":1000000}`), nil
		}))
		_, err := c.Users(t.Context(), oldToken(), "1", UserFilter{})
		faultOf(t, err, Unreadable)
		if calls != maxUserPages {
			t.Errorf("got %d calls", calls)
		}
	})
	t.Run("empty page before the end", func(t *testing.T) {
		c := always(t, 200, `{"results":[],"total":5}`)
		if users, err := c.Users(t.Context(), oldToken(), "1", UserFilter{}); err != nil || len(users) != 0 {
			t.Errorf("got %v, %v", users, err)
		}
	})
	t.Run("no match", func(t *testing.T) {
		for _, body := range []string{`{"total":0}`, `{"results":null,"total":0}`, "null", "[]"} {
			if users, err := always(t, 200, body).Users(t.Context(), oldToken(), "1", UserFilter{}); err != nil || len(users) != 0 {
				t.Errorf("%q: got %v, %v", body, users, err)
			}
		}
	})
}

func TestUsersByAddressAndKey(t *testing.T) {
	const rows = `{"results":[{"key":7,"email":"Eve@Example.test","firstName":"Eve","adminRoles":null,"licenseKeys":[77,"78"],"status":"active","admin":"false"},
	 {"key":"8","email":"steve@example.test"}],"total":2}`
	want := []User{{Key: "7", Email: "Eve@Example.test", FirstName: "Eve", Status: "ACTIVE", LicenseKeys: []string{"77", "78"}}}
	got, err := always(t, 200, rows).Users(t.Context(), oldToken(), "1", UserFilter{Email: " eve@example.test "})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	one := always(t, 200, `{"key":"7","email":"eve@example.test"}`)
	for filter, want := range map[UserFilter]int{{Key: "7"}: 1, {Key: "7", Email: "EVE@example.test"}: 1, {Key: "7", Email: "x@example.test"}: 0} {
		if got, err := one.Users(t.Context(), oldToken(), "1", filter); err != nil || len(got) != want {
			t.Errorf("%+v: got %v, %v", filter, got, err)
		}
	}
	unknown := always(t, 404, `{"errors":[{"code":"user.not.found"}]}`)
	if got, err := unknown.Users(t.Context(), oldToken(), "1", UserFilter{Key: "9"}); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	silent := newClient(t, wire(func(*http.Request) (*http.Response, error) {
		t.Error("called with an address that breaks out of the filter")
		return answer(200, "[]"), nil
	}))
	for _, address := range []string{`a" or email eq "b`, `a\`, "a\nb"} {
		if got, err := silent.Users(t.Context(), oldToken(), "1", UserFilter{Email: address}); err != nil || len(got) != 0 {
			t.Errorf("%q: got %v, %v", address, got, err)
		}
	}
}

func TestInvite(t *testing.T) {
	for body, want := range map[string][]InvitedUser{
		`[{"key":"8439885694023999999","email":"eve@example.test"}]`: {{"8439885694023999999", "eve@example.test"}},
		`[{"key":8439885694023999999,"email":"eve@example.test"}]`:   {{"8439885694023999999", "eve@example.test"}},
		`{"key":7,"email":"eve@example.test"}`:                       {{"7", "eve@example.test"}},
	} {
		got, err := always(t, 201, body).Invite(t.Context(), oldToken(), "1", Invitation{Email: "eve@example.test"})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v", body, got, err)
		}
	}
}

func TestLicenses(t *testing.T) {
	got, err := always(t, 200, `{"results":[{"key":77,"seats":"10","enabled":true,"description":"Trial","type":"TRIAL","userKeys":[1,"2"],"products":["G2M"]},
	 {"key":"78","seats":null,"enabled":"false"},{}]}`).Licenses(t.Context(), oldToken(), "1")
	want := []License{{Key: "77", Seats: 10, Enabled: true, Description: "Trial", Type: "TRIAL", UserKeys: []string{"1", "2"}, Products: []string{"G2M"}}, {Key: "78"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}
