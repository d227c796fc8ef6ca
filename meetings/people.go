package meetings

import (
	"cmp"
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"portal/gotomeeting"
)

// User is a person of the account, or for somebody who is no admin a
// co-organizer met so far, of whom only the Person is known.
type User struct {
	Person
	Status   string   // ACTIVE, INVITED, SUSPENDED, …; "" when not known
	Admin    bool     // has an admin role
	Licenses []string // what the user has, by name
	Given    bool     // the name was typed here, not learned

	licenseKeys []string
}

// NameLicenses gives each user the labels of the licences that the user's keys
// stand for; products stay where there are none.
func NameLicenses(users []User, licenses []License) {
	for i := range users {
		var names []string
		for _, l := range licenses {
			if slices.Contains(users[i].licenseKeys, l.Key) {
				names = append(names, l.Label)
			}
		}
		if len(names) > 0 {
			users[i].Licenses = names
		}
	}
}

// People lists the users of the account for an admin, by name, and for
// everybody else whom they have met.
func (s *Service) People(ctx context.Context, c Caller) ([]User, Seen, error) {
	if !c.Admin {
		users, err := s.met(ctx, c)
		return users, Seen{At: s.Now()}, err
	}
	if c.AccountKey == "" {
		return nil, Seen{}, &Fault{Kind: MissingScope, API: "admin", Op: "users"}
	}
	got, seen, err := read(ctx, s, c, readDeadline, "users", func(ctx context.Context) ([]gotomeeting.User, error) {
		got, err := s.goTo.Users(ctx, c.Tokens, c.AccountKey, gotomeeting.UserFilter{})
		learned := make(map[string]Known, len(got))
		for _, g := range got {
			learned[g.Key] = Known{Key: g.Key, Name: fullName(g.FirstName, g.LastName), Email: g.Email}
		}
		s.learn(ctx, c, learned)
		return got, err
	})
	if err != nil {
		return nil, Seen{}, fmt.Errorf("reading the account's users: %w", err)
	}
	users := make([]User, 0, len(got))
	for _, g := range got {
		users = append(users, User{
			Person: Person{Key: g.Key, Name: fullName(g.FirstName, g.LastName), Email: g.Email},
			Status: g.Status, Admin: g.Admin || len(g.AdminRoles) > 0, Licenses: g.Products, licenseKeys: g.LicenseKeys,
		})
	}
	sortUsers(users)
	return users, seen, nil
}

// AddressBook lists whom the account has met so far, by name; no call to GoTo.
func (s *Service) AddressBook(ctx context.Context, c Caller) ([]User, error) {
	known, err := s.memory.Known(ctx, c.AccountKey)
	if err != nil {
		return nil, fmt.Errorf("reading the address book: %w", err)
	}
	return knownUsers(known), nil
}

// met lists whom the caller has met on meetings of their own or that they
// co-organize, typed or named; no call to GoTo.
func (s *Service) met(ctx context.Context, c Caller) ([]User, error) {
	known, err := s.memory.Met(ctx, c.AccountKey, c.UserKey)
	if err != nil {
		return nil, fmt.Errorf("reading whom the caller has met: %w", err)
	}
	return knownUsers(known), nil
}

func knownUsers(known []Known) []User {
	users := make([]User, 0, len(known))
	for _, k := range known {
		users = append(users, User{Person: Person{Key: k.Key, Name: k.Name, Email: k.Email}, Given: k.Given})
	}
	sortUsers(users)
	return users
}

// meet notes that the caller has met the owners of the keys.
func (s *Service) meet(ctx context.Context, c Caller, keys []string) {
	keys = slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == c.UserKey })
	if c.UserKey == "" || len(keys) == 0 {
		return
	}
	if err := s.memory.Meet(ctx, c.AccountKey, c.UserKey, keys); err != nil {
		s.log.WarnContext(ctx, "who was met is not kept", "error", err)
	}
}

func sortUsers(users []User) {
	slices.SortStableFunc(users, func(a, b User) int {
		return cmp.Or(strings.Compare(fold(a.Label()), fold(b.Label())), strings.Compare(a.Key, b.Key))
	})
}

// FilterUsers keeps the users whose name, e-mail or key holds text.
func FilterUsers(users []User, text string) []User {
	needle := fold(text)
	if needle == "" {
		return users
	}
	var out []User
	for _, u := range users {
		if contains(needle, u.Name, u.Email, u.Key) {
			out = append(out, u)
		}
	}
	return out
}

// FindPeople looks for people to make co-organizers, by name, e-mail or key:
// in the directory for admins, among whom they have met for everybody else.
func (s *Service) FindPeople(ctx context.Context, c Caller, text string) ([]Person, error) {
	if fold(text) == "" {
		return nil, nil
	}
	c.Stale = false // a form is filled from this
	users, _, err := s.People(ctx, c)
	if err != nil {
		return nil, err
	}
	var out []Person
	for _, u := range FilterUsers(users, text) {
		if u.Key != c.UserKey && u.Status != "SUSPENDED" {
			out = append(out, u.Person)
		}
	}
	return out, nil
}

// Names says whom the keys belong to, as far as the address book knows.
func (s *Service) Names(ctx context.Context, c Caller, keys []string) []Person {
	book, _ := s.book(ctx, c)
	people := make([]Person, len(keys))
	for i, key := range keys {
		people[i] = named(book, key)
	}
	return people
}

// OddKeys are co-organizer keys to look at twice: nothing is wrong with them
// for sure, since GoTo may know them from another account.
type OddKeys struct {
	Strangers []string // nobody of the account has them
	Suspended []string
}

// OddKeys looks the keys up in the account's directory, for an admin and only
// when the address book lacks one of them: one call to GoTo.
func (s *Service) OddKeys(ctx context.Context, c Caller, keys []string) OddKeys {
	book, _ := s.book(ctx, c)
	unknown := func(key string) bool { return book[key].Name == "" || book[key].Given }
	if !c.Admin || !slices.ContainsFunc(keys, unknown) {
		return OddKeys{}
	}
	users, _, err := s.People(ctx, c)
	if err != nil {
		s.log.WarnContext(ctx, "co-organizers not looked up", "error", err)
		return OddKeys{}
	}
	var odd OddKeys
	for _, key := range keys {
		switch i := slices.IndexFunc(users, func(u User) bool { return u.Key == key }); {
		case i < 0:
			odd.Strangers = append(odd.Strangers, key)
		case users[i].Status == "SUSPENDED":
			odd.Suspended = append(odd.Suspended, key)
		}
	}
	return odd
}

// NameKey keeps the name that somebody typed for a user key that GoTo does not
// name.
func (s *Service) NameKey(ctx context.Context, c Caller, typedKey, name string) []Problem {
	var wrong []Problem
	keys, bad := ParseKeys([]string{typedKey})
	if len(keys) != 1 || len(bad) > 0 {
		wrong = append(wrong, Problem{"key", "Enter one organizer key, digits only, or a link from the Admin Center"})
	}
	name = strings.Join(strings.Fields(name), " ")
	if name == "" || utf8.RuneCountInString(name) > 100 {
		wrong = append(wrong, Problem{"name", "Enter a name of 1 to 100 characters"})
	}
	if len(wrong) > 0 {
		return wrong
	}
	book, _ := s.book(ctx, c)
	if told := book[keys[0]]; told.Name != "" && !told.Given {
		return []Problem{{"key", "GoTo knows this key as " + told.Name + "; you can name keys that GoTo does not name"}}
	}
	err := s.memory.Learn(ctx, c.AccountKey, []Known{{Key: keys[0], Name: name, Given: true}})
	s.record(ctx, c, DeedNameKey, "", keys[0]+": "+name, err)
	if err != nil {
		s.log.ErrorContext(ctx, "name not kept", "error", err)
		return []Problem{{"name", "The name could not be saved just now; try again in a moment"}}
	}
	s.meet(ctx, c, keys)
	return nil
}

// Invitation asks GoTo to add somebody to the account.
type Invitation struct {
	FirstName, LastName, Email, LicenseKey string
}

// Check reports what is missing, in the form's order.
func (i *Invitation) Check() []Problem {
	i.FirstName, i.LastName, i.Email = strings.TrimSpace(i.FirstName), strings.TrimSpace(i.LastName), strings.TrimSpace(i.Email)
	var wrong []Problem
	if i.FirstName == "" || utf8.RuneCountInString(i.FirstName) > 100 {
		wrong = append(wrong, Problem{"first_name", "Enter a first name of 1 to 100 characters"})
	}
	if i.LastName == "" || utf8.RuneCountInString(i.LastName) > 100 {
		wrong = append(wrong, Problem{"last_name", "Enter a last name of 1 to 100 characters"})
	}
	if a, err := mail.ParseAddress(i.Email); err != nil || a.Address != i.Email || len(i.Email) > 254 {
		wrong = append(wrong, Problem{"email", "Enter an e-mail address, for example kim@example.com"})
	}
	return wrong
}

// Invite asks GoTo to invite a person into the caller's account and returns
// whom GoTo answered with; its reply names people who were there already, too.
// already says that the address book knows the person, by the name returned.
func (s *Service) Invite(ctx context.Context, c Caller, i Invitation) (p Person, already bool, err error) {
	if !c.Admin || c.AccountKey == "" {
		return Person{}, false, notAdmin("invite")
	}
	req := gotomeeting.Invitation{FirstName: i.FirstName, LastName: i.LastName, Email: i.Email}
	if i.LicenseKey != "" {
		req.LicenseKeys = []string{i.LicenseKey}
	}
	made, err := s.goTo.Invite(ctx, c.Tokens, c.AccountKey, req)
	s.record(ctx, c, DeedInvite, "", fullName(i.FirstName, i.LastName)+", "+i.Email, err)
	if err != nil {
		return Person{}, false, fmt.Errorf("inviting: %w", err)
	}
	p = Person{Name: fullName(i.FirstName, i.LastName), Email: i.Email}
	for _, m := range made {
		if strings.EqualFold(m.Email, i.Email) || p.Key == "" {
			p.Key = m.Key
		}
	}
	book, _ := s.book(ctx, c)
	if known := book[p.Key]; p.Key != "" && known.Name != "" && !known.Given {
		return named(map[string]Known{p.Key: known}, p.Key), true, nil
	}
	if p.Key != "" {
		s.learn(ctx, c, map[string]Known{p.Key: {Key: p.Key, Name: p.Name, Email: p.Email}})
	}
	return p, false, nil
}

// License is something an invited person can be given.
type License struct {
	Key, Label string
	Free       int // seats not taken; -1 when not known
}

// Licenses lists what the account can give an invited person.
func (s *Service) Licenses(ctx context.Context, c Caller) ([]License, Seen, error) {
	if !c.Admin || c.AccountKey == "" {
		return nil, Seen{}, notAdmin("licences")
	}
	got, seen, err := read(ctx, s, c, readDeadline, "licences", func(ctx context.Context) ([]gotomeeting.License, error) {
		return s.goTo.Licenses(ctx, c.Tokens, c.AccountKey)
	})
	if err != nil {
		return nil, Seen{}, fmt.Errorf("reading licences: %w", err)
	}
	var out []License
	for _, l := range got {
		if !l.Enabled {
			continue
		}
		label := cmp.Or(l.Description, l.Type, l.Key)
		free := -1
		if l.Seats > 0 {
			free = max(0, l.Seats-len(l.UserKeys))
		}
		out = append(out, License{Key: l.Key, Label: label, Free: free})
	}
	return out, seen, nil
}
