package gotomeeting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	adminPath = "/admin/rest/v1"
	scimPath  = "/identity/v1"

	usersPerPage = 200
	maxUserPages = 100
)

type wireProfile struct {
	Key        ident `json:"key"`
	AccountKey ident `json:"accountKey"`
	Email      text  `json:"email"`
	FirstName  text  `json:"firstName"`
	LastName   text  `json:"lastName"`
	Locale     text  `json:"locale"`
	TimeZone   text  `json:"timeZone"`
	AdminRoles texts `json:"adminRoles"`
	Products   texts `json:"products"`
	Accounts   []struct {
		Key        ident `json:"key"`
		Name       text  `json:"name"`
		AdminRoles texts `json:"adminRoles"`
	} `json:"accounts"`
}

func (w *wireProfile) profile() Profile {
	p := Profile{
		Source:     FromAdmin,
		Key:        string(w.Key),
		AccountKey: string(w.AccountKey),
		Email:      string(w.Email),
		FirstName:  string(w.FirstName),
		LastName:   string(w.LastName),
		Locale:     string(w.Locale),
		TimeZone:   string(w.TimeZone),
		AdminRoles: w.AdminRoles,
		Products:   w.Products,
	}
	for _, a := range w.Accounts {
		p.Accounts = append(p.Accounts, Account{Key: string(a.Key), Name: string(a.Name), AdminRoles: a.AdminRoles})
	}
	if p.AccountKey == "" && len(p.Accounts) == 1 {
		p.AccountKey = p.Accounts[0].Key
	}
	return p
}

type wireSCIM struct {
	ID       ident `json:"id"`
	UserName text  `json:"userName"`
	Name     struct {
		GivenName  text `json:"givenName"`
		FamilyName text `json:"familyName"`
	} `json:"name"`
	Emails []struct {
		Value   text    `json:"value"`
		Primary boolean `json:"primary"`
	} `json:"emails"`
	Locale   text `json:"locale"`
	TimeZone text `json:"timezone"`
}

func (w *wireSCIM) profile() Profile {
	p := Profile{
		Source:    FromSCIM,
		Key:       string(w.ID),
		Email:     string(w.UserName),
		FirstName: string(w.Name.GivenName),
		LastName:  string(w.Name.FamilyName),
		Locale:    string(w.Locale),
		TimeZone:  string(w.TimeZone),
	}
	for i, e := range w.Emails {
		if e.Value != "" && (i == 0 || bool(e.Primary)) {
			p.Email = string(e.Value)
		}
	}
	return p
}

// fresh is the token of somebody who has just connected: young, and with
// nothing to renew it by.
type fresh struct {
	token  string
	issued time.Time
}

func (f fresh) AccessToken(context.Context) (string, time.Time, error) { return f.token, f.issued, nil }

func (f fresh) RenewToken(_ context.Context, refused string) (string, time.Time, error) {
	return refused, f.issued, nil
}

// Me says who an access token belongs to, which must have been issued just
// now. The Admin API is asked first; when it refuses the token or its answer
// cannot be used, SCIM is, which need not name the account and knows no roles.
// When GoTo is out of reach the error is returned as it is: half an identity
// would do harm. [MissingScope] means that neither service takes the token.
func (c *Client) Me(ctx context.Context, accessToken string) (Profile, error) {
	ctx = WithLane(ctx, LaneToken)
	ts := fresh{accessToken, c.now()}
	var admin wireProfile
	err := c.do(ctx, ts, call{
		api: APIAdmin, op: "who am I", method: http.MethodGet, path: adminPath + "/me",
		read: func(r io.Reader) error { return withID(object(&admin)(r), &admin.Key) },
	})
	if err == nil {
		return admin.profile(), nil
	}
	fault, ok := errors.AsType[*Error](err)
	if !ok {
		return Profile{}, err
	}
	switch fault.Kind {
	case MissingScope, Forbidden, InvalidToken, NotFound, Refused, Unreadable:
	default:
		return Profile{}, err
	}
	var scim wireSCIM
	err = c.do(ctx, ts, call{
		api: APISCIM, op: "who am I", method: http.MethodGet, path: scimPath + "/Users/me",
		read: func(r io.Reader) error { return withID(object(&scim)(r), &scim.ID) },
	})
	if err != nil {
		return Profile{}, err
	}
	p := scim.profile()
	p.ScopeMissing = fault.Kind == MissingScope || fault.Kind == Forbidden
	return p, nil
}

func withID(err error, id *ident) error {
	if err == nil && *id == "" {
		return errNoID
	}
	return err
}

// page is one page of the Admin API's lists.
type page[T any] struct {
	rows  []T
	sent  int // rows as GoTo sent them, unreadable ones included
	total int
}

// wirePage is an object around the results, or, leniently, just the results.
type wirePage struct {
	Results []json.RawMessage `json:"results"`
	Total   number            `json:"total"`
}

func (p *wirePage) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte("[")) {
		return json.Unmarshal(raw, &p.Results)
	}
	type plain wirePage
	return json.Unmarshal(raw, (*plain)(p))
}

// readPage is list for pages. A page without results is empty; an empty body
// is none.
func readPage[W, T any](into *page[T], convert func(*W) (T, error), leftOut func(rows int)) func(io.Reader) error {
	return func(r io.Reader) error {
		body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
		if err != nil {
			return err
		}
		if len(body) > maxBody {
			return errTooBig
		}
		body = bytes.TrimSpace(body)
		if len(body) == 0 {
			return io.ErrUnexpectedEOF
		}
		var w wirePage
		if err := json.Unmarshal(body, &w); err != nil {
			return err
		}
		read := rows[W, T]{convert: convert}
		for _, element := range w.Results {
			if string(element) != "null" {
				read.add(element)
			}
		}
		*into = page[T]{sent: len(w.Results), total: w.Total.count()}
		into.rows, err = read.all(leftOut)
		return err
	}
}

type wireUser struct {
	Key         ident   `json:"key"`
	Email       text    `json:"email"`
	FirstName   text    `json:"firstName"`
	LastName    text    `json:"lastName"`
	Status      text    `json:"status"`
	Locale      text    `json:"locale"`
	TimeZone    text    `json:"timeZone"`
	Admin       boolean `json:"admin"`
	AdminRoles  texts   `json:"adminRoles"`
	LicenseKeys texts   `json:"licenseKeys"`
	Products    texts   `json:"products"`
	GroupKey    ident   `json:"groupKey"`
	GroupName   text    `json:"groupName"`
}

func (w *wireUser) user() (User, error) {
	return User{
		Key:         string(w.Key),
		Email:       string(w.Email),
		FirstName:   string(w.FirstName),
		LastName:    string(w.LastName),
		Status:      strings.ToUpper(string(w.Status)),
		Locale:      string(w.Locale),
		TimeZone:    string(w.TimeZone),
		Admin:       bool(w.Admin) || len(w.AdminRoles) > 0,
		AdminRoles:  w.AdminRoles,
		LicenseKeys: w.LicenseKeys,
		Products:    w.Products,
		GroupKey:    string(w.GroupKey),
		GroupName:   string(w.GroupName),
	}, withID(nil, &w.Key)
}

// Users lists the users of an account, in GoTo's order. It needs an admin role
// and the scope "identity:".
func (c *Client) Users(ctx context.Context, ts TokenSource, accountKey string, f UserFilter) ([]User, error) {
	k := call{api: APIAdmin, op: "list users", method: http.MethodGet, path: adminPath + "/accounts/" + accountKey + "/users"}
	if err := k.checkIDs(accountKey); err != nil {
		return nil, err
	}
	email := strings.TrimSpace(f.Email)
	if f.Key != "" { // a plain read is surer than a filter
		u, err := c.User(ctx, ts, accountKey, f.Key)
		switch fault, ok := errors.AsType[*Error](err); {
		case ok && fault.Kind == NotFound:
			return nil, nil
		case err != nil:
			return nil, err
		case email != "" && !strings.EqualFold(u.Email, email):
			return nil, nil
		}
		return []User{u}, nil
	}
	filter := ""
	if email != "" {
		if strings.ContainsFunc(email, func(r rune) bool { return r == '"' || r == '\\' || r < ' ' || r == 0x7f }) {
			return nil, nil // no address that GoTo's filter can name
		}
		// GoTo refuses a space written as "+".
		filter = "&filter=" + strings.ReplaceAll(url.QueryEscape(`email eq "`+email+`"`), "+", "%20")
	}
	var users []User
	seen := map[string]bool{}
	offset := 0
	for range maxUserPages {
		var got page[User]
		k.query = "pageSize=" + strconv.Itoa(usersPerPage) + "&offset=" + strconv.Itoa(offset) + filter
		k.read = readPage(&got, (*wireUser).user, c.leftOut(ctx, &k))
		if err := c.do(ctx, ts, k); err != nil {
			return nil, err
		}
		for _, u := range got.rows {
			// The page can shift while it is turned, and the address is compared
			// again since GoTo's filter may match more loosely.
			if seen[u.Key] || (email != "" && !strings.EqualFold(u.Email, email)) {
				continue
			}
			seen[u.Key] = true
			users = append(users, u)
		}
		// GoTo's toIndex means two things in two captures; counting does not
		// need it.
		offset += got.sent
		if got.sent == 0 || offset >= got.total {
			return users, nil
		}
	}
	fault := k.fault(Unreadable)
	fault.Detail = "list of users does not end"
	return nil, fault
}

// User reads one user of an account. It needs an admin role and the scope
// "identity:".
func (c *Client) User(ctx context.Context, ts TokenSource, accountKey, key string) (User, error) {
	var w wireUser
	k := call{
		api: APIAdmin, op: "get user", method: http.MethodGet,
		path: adminPath + "/accounts/" + accountKey + "/users/" + key,
		read: func(r io.Reader) error { return withID(object(&w)(r), &w.Key) },
	}
	if err := k.checkIDs(accountKey, key); err != nil {
		return User{}, err
	}
	if err := c.do(ctx, ts, k); err != nil {
		return User{}, err
	}
	return w.user()
}

// Invite adds a user to an account, whom GoTo sends an e-mail. The answer
// names people who were there already just the same. Like [Client.Create] it
// is never tried again.
func (c *Client) Invite(ctx context.Context, ts TokenSource, accountKey string, i Invitation) ([]InvitedUser, error) {
	type wireInvited struct {
		Email     string `json:"email"`
		FirstName string `json:"firstName"`
		LastName  string `json:"lastName"`
	}
	var invited []InvitedUser
	k := call{
		api: APIAdmin, op: "invite user", method: http.MethodPost,
		path: adminPath + "/accounts/" + accountKey + "/users", query: "allOrNothing=true",
		body: struct {
			Users       []wireInvited `json:"users"`
			LicenseKeys []string      `json:"licenseKeys,omitempty"`
		}{[]wireInvited{{i.Email, i.FirstName, i.LastName}}, i.LicenseKeys},
	}
	k.read = list(&invited, func(w *struct {
		Key   ident `json:"key"`
		Email text  `json:"email"`
	}) (InvitedUser, error) {
		return InvitedUser{string(w.Key), string(w.Email)}, withID(nil, &w.Key)
	}, c.leftOut(ctx, &k))
	if err := k.checkIDs(accountKey); err != nil {
		return nil, err
	}
	if err := c.do(ctx, ts, k); err != nil {
		return nil, err
	}
	return invited, nil
}

// Licenses lists an account's licences. It needs an admin role and the scope
// "identity:".
func (c *Client) Licenses(ctx context.Context, ts TokenSource, accountKey string) ([]License, error) {
	type wireLicense struct {
		Key         ident   `json:"key"`
		Description text    `json:"description"`
		Type        text    `json:"type"`
		Enabled     boolean `json:"enabled"`
		Seats       number  `json:"seats"`
		UserKeys    texts   `json:"userKeys"`
		Products    texts   `json:"products"`
	}
	var got page[License]
	k := call{api: APIAdmin, op: "list licences", method: http.MethodGet, path: adminPath + "/accounts/" + accountKey + "/licenses"}
	k.read = readPage(&got, func(w *wireLicense) (License, error) {
		return License{
			Key:         string(w.Key),
			Description: string(w.Description),
			Type:        string(w.Type),
			Enabled:     bool(w.Enabled),
			Seats:       w.Seats.count(),
			UserKeys:    w.UserKeys,
			Products:    w.Products,
		}, withID(nil, &w.Key)
	}, c.leftOut(ctx, &k))
	if err := k.checkIDs(accountKey); err != nil {
		return nil, err
	}
	if err := c.do(ctx, ts, k); err != nil {
		return nil, err
	}
	return got.rows, nil
}
