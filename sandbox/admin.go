package sandbox

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func (s *Sandbox) adminRoutes() []route {
	const acc = "/admin/rest/v1/accounts/{account}"
	return []route{
		{"GET", "/admin/rest/v1/me", adminAPI, s.adminMe},
		{"GET", acc + "/users", adminAPI, s.inAccount(s.listUsers)},
		{"POST", acc + "/users", adminAPI, s.inAccount(s.addUsers)},
		{"GET", acc + "/users/{key}", adminAPI, s.inAccount(s.getUser)},
		{"PUT", acc + "/users/{key}", adminAPI, s.inAccount(s.putUser)},
		{"DELETE", acc + "/users/{key}", adminAPI, s.inAccount(s.deleteUser)},
		{"GET", acc + "/groups", adminAPI, s.inAccount(s.accountGroups)},
		{"GET", acc + "/licenses", adminAPI, s.inAccount(s.accountLicenses)},
		{"GET", "/identity/v1/Users/me", scimGuard, s.scimMe},
	}
}

// adminError is the Admin API's error body.
func adminError(status int, code, value string) reply {
	e := object{"code": code}
	if value != "" {
		e["value"] = value
	}
	return jsonReply(status, object{"incidentId": "sandbox-" + code, "errors": []object{e}})
}

func (s *Sandbox) noSuchUser(value string) reply {
	return adminError(http.StatusNotFound, "user.not.found", value)
}

// inAccount admits admins to their own account.
func (s *Sandbox) inAccount(do operation) operation {
	return func(c *call) reply {
		if !c.who.admin() || c.r.PathValue("account") != c.who.Account {
			return adminError(http.StatusForbidden, "not.authorized", "")
		}
		return do(c)
	}
}

// key writes keys as strings; documents of 2019 had numbers.
func (s *Sandbox) key(digits string) any {
	if s.observed() {
		return digits
	}
	return num(digits)
}

func (s *Sandbox) adminMe(c *call) reply {
	u := c.who
	name := "Example Cooperative"
	if u.Account == otherAccount {
		name = "Elsewhere Ltd"
	}
	account := object{"key": s.key(u.Account), "name": name}
	o := object{
		"key": s.key(u.Key), "accountKey": s.key(u.Account), "email": u.Email, "firstName": u.First, "lastName": u.Last,
		"locale": u.Locale, "timeZone": u.Zone, "products": s.products(u), "createTime": u.Created.UnixMilli(), "orgAdmin": u.admin(),
	}
	if u.admin() {
		account["adminRoles"] = u.Roles
		o["adminRoles"] = u.Roles
		o["organizationRoles"] = []string{"ROLE_ORG_READ", "ROLE_ORG_WRITE"}
	}
	o["accounts"] = []object{account}
	return jsonReply(http.StatusOK, o)
}

func (s *Sandbox) products(u *user) []string {
	if len(u.Licenses) == 0 {
		return []string{}
	}
	return []string{"G2M"}
}

func (s *Sandbox) adminUser(u *user) object {
	o := object{
		"key": u.Key, "email": u.Email, "firstName": u.First, "lastName": u.Last, "locale": u.Locale, "timeZone": u.Zone,
		"status": u.Status, "admin": u.admin(), "adminRoles": append([]string{}, u.Roles...), "licenseKeys": append([]string{}, u.Licenses...),
		"products": s.products(u), "inviteCount": u.Invites, "passwordCreated": u.Status != invited,
		"nameLocked": false, "emailLocked": false, "identityReadOnly": false, "canAuthenticate": u.Status == active,
		"settings": object{"G2M": object{}},
	}
	if u.Invites > 0 {
		o["invitedDate"] = u.Created.UnixMilli()
	}
	if g := s.model.group(u); g.Key != "" {
		o["groupKey"], o["groupName"], o["groupKeyPath"], o["groupNamePath"] = g.Key, g.Name, []string{g.Key}, []string{g.Name}
	}
	return o
}

// comparison is one term of a filter: email eq "x", (email="x"), or a
// pattern such as (email="(?i)x").
var comparison = regexp.MustCompile(`^\s*\(?\s*(\w+)\s*(?:=|\s+(?i:eq)\s+)\s*"([^"]*)"\s*\)?\s*$`)

// filter builds the test for a filter, or says that it cannot be read. Terms
// are joined with & or with the word and.
func filter(text string) (func(*user) bool, bool) {
	if strings.TrimSpace(text) == "" {
		return func(*user) bool { return true }, true
	}
	type term struct {
		name string
		re   *regexp.Regexp
	}
	var terms []term
	for part := range strings.SplitSeq(strings.ReplaceAll(text, " and ", "&"), "&") {
		g := comparison.FindStringSubmatch(part)
		if g == nil || !slices.Contains([]string{"email", "key", "firstName", "lastName", "status"}, g[1]) {
			return nil, false
		}
		value := regexp.QuoteMeta(g[2])
		if strings.HasPrefix(g[2], "(?i)") {
			value = g[2]
		} else if g[1] == "email" {
			value = "(?i)" + value
		}
		re, err := regexp.Compile("^(?:" + value + ")$")
		if err != nil {
			return nil, false
		}
		terms = append(terms, term{g[1], re})
	}
	return func(u *user) bool {
		have := map[string]string{"email": u.Email, "key": u.Key, "firstName": u.First, "lastName": u.Last, "status": u.Status}
		return !slices.ContainsFunc(terms, func(t term) bool { return !t.re.MatchString(have[t.name]) })
	}, true
}

func (s *Sandbox) listUsers(c *call) reply {
	q := c.r.URL.Query()
	text := q.Get("filter")
	want, ok := filter(text)
	if !ok {
		return adminError(http.StatusBadRequest, "invalid.filter", text)
	}
	var found []object
	attributes := strings.FieldsFunc(q.Get("attributes"), func(r rune) bool { return r == ',' || r == ' ' })
	for _, u := range s.model.account(c.who.Account) {
		if !want(u) {
			continue
		}
		o := s.adminUser(u)
		for k := range o {
			if len(attributes) > 0 && k != "key" && !slices.Contains(attributes, k) {
				delete(o, k)
			}
		}
		found = append(found, o)
	}
	return s.paged(c, found)
}

// paged has an exclusive toIndex, as a real capture shows, and no results
// key when nothing matched, as one client met.
func (s *Sandbox) paged(c *call, all []object) reply {
	q := c.r.URL.Query()
	size, offset := 1000, 0
	if n, err := strconv.Atoi(q.Get("pageSize")); err == nil && n > 0 {
		size = min(n, size)
	}
	if n, err := strconv.Atoi(q.Get("offset")); err == nil && n > 0 {
		offset = n
	}
	from := min(offset, len(all))
	to := min(from+size, len(all))
	o := object{"fromIndex": from, "toIndex": to, "total": len(all)}
	if len(all) > 0 || !s.observed() {
		o["results"] = append([]object{}, all[from:to]...)
	}
	return jsonReply(http.StatusOK, o)
}

func (s *Sandbox) getUser(c *call) reply {
	u := s.colleague(c)
	if u == nil {
		return s.noSuchUser(c.r.PathValue("key"))
	}
	return jsonReply(http.StatusOK, s.adminUser(u))
}

type userReq struct {
	Email string `json:"email"`
	First string `json:"firstName"`
	Last  string `json:"lastName"`
}

// addUsers invites. People already there are answered with their key, too.
func (s *Sandbox) addUsers(c *call) reply {
	var req struct {
		Users    []userReq `json:"users"`
		Licenses []string  `json:"licenseKeys"`
		Group    string    `json:"groupKey"`
	}
	if err := json.Unmarshal(c.body, &req); err != nil || len(req.Users) == 0 {
		return adminError(http.StatusBadRequest, "users.required", "")
	}
	for _, key := range req.Licenses {
		if !slices.ContainsFunc(s.model.licenses, func(l license) bool { return l.Key == key && l.Account == c.who.Account }) {
			return adminError(http.StatusBadRequest, "license.not.found", key)
		}
	}
	for _, u := range req.Users {
		switch {
		case !strings.Contains(u.Email, "@"):
			return adminError(http.StatusBadRequest, "user.email.invalid", u.Email)
		case strings.TrimSpace(u.First) == "" || strings.TrimSpace(u.Last) == "":
			return adminError(http.StatusBadRequest, "user.name.required", u.Email)
		}
	}
	out := []object{}
	for _, r := range req.Users {
		u := s.model.byEmail(r.Email)
		if u == nil {
			u = s.invite(c.who.Account, strings.TrimSpace(r.Email), r.First, r.Last, req.Licenses, req.Group)
		} else if u.Account != c.who.Account {
			return adminError(http.StatusConflict, "user.name.conflict", r.Email)
		}
		out = append(out, object{"key": u.Key, "email": u.Email})
	}
	return jsonReply(http.StatusCreated, out)
}

func (s *Sandbox) putUser(c *call) reply {
	u := s.colleague(c)
	if u == nil {
		return s.noSuchUser(c.r.PathValue("key"))
	}
	next := *u
	req := struct {
		Email    *string   `json:"email"`
		First    *string   `json:"firstName"`
		Last     *string   `json:"lastName"`
		Zone     *string   `json:"timeZone"`
		Locale   *string   `json:"locale"`
		Licenses *[]string `json:"licenseKeys"`
		Roles    *[]string `json:"adminRoles"`
		Group    *string   `json:"groupKey"`
	}{&next.Email, &next.First, &next.Last, &next.Zone, &next.Locale, nil, nil, &next.Group}
	if err := json.Unmarshal(c.body, &req); err != nil {
		return adminError(http.StatusBadRequest, "user.invalid", "")
	}
	if other := s.model.byEmail(next.Email); other != nil && other.Key != u.Key {
		return adminError(http.StatusConflict, "user.name.conflict", next.Email)
	}
	if req.Licenses != nil {
		next.Licenses = *req.Licenses
	}
	if req.Roles != nil {
		next.Roles = *req.Roles
	}
	s.record(event{Op: opUser, User: &next})
	return noContent()
}

func (s *Sandbox) deleteUser(c *call) reply {
	u := s.colleague(c)
	if u == nil {
		return s.noSuchUser(c.r.PathValue("key"))
	}
	s.record(event{Op: opRemove, ID: u.Key})
	return noContent()
}

func (s *Sandbox) accountGroups(c *call) reply {
	var out []object
	for _, g := range s.model.groups {
		if g.Account != c.who.Account {
			continue
		}
		keys := []string{}
		for _, u := range s.members(g.Key) {
			keys = append(keys, u.Key)
		}
		out = append(out, object{"key": g.Key, "name": g.Name, "keyPath": []string{g.Key}, "namePath": []string{g.Name},
			"userKeys": keys, "memberCount": len(keys), "totalMemberCount": len(keys)})
	}
	return s.paged(c, out)
}

func (s *Sandbox) accountLicenses(c *call) reply {
	var out []object
	for _, l := range s.model.licenses {
		if l.Account != c.who.Account {
			continue
		}
		keys := []string{}
		for _, u := range s.model.account(l.Account) {
			if slices.Contains(u.Licenses, l.Key) {
				keys = append(keys, u.Key)
			}
		}
		out = append(out, object{"key": l.Key, "seats": l.Seats, "enabled": l.Enabled, "description": l.Description,
			"type": "G2M", "userKeys": keys, "products": []string{"G2M"}})
	}
	return s.paged(c, out)
}

// scimMe names no account: clients disagree on where it would be.
func (s *Sandbox) scimMe(c *call) reply {
	u := c.who
	rep := jsonReply(http.StatusOK, object{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "id": u.Key, "userName": u.Email,
		"name": object{"givenName": u.First, "familyName": u.Last}, "displayName": u.name(),
		"emails": []object{{"value": u.Email, "primary": true}}, "locale": u.Locale, "timezone": u.Zone,
	})
	rep.header.Set("Content-Type", "application/scim+json")
	return rep
}
