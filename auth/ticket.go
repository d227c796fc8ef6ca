package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

const (
	ticketVersion = "v1"
	idSize        = 16 // 128 bits name the row
	secretSize    = 32 // 256 bits open it
)

// ticket is what the session cookie carries: an id that finds the row and a
// secret that, with the master key, opens it. The store knows neither: the row
// is keyed by the id's hash.
type ticket struct {
	hash   string // SHA-256 of the id, hex
	cookie Secret // the cookie's value
	secret *[secretSize]byte
}

func newTicket() ticket {
	id, secret := make([]byte, idSize), make([]byte, secretSize)
	_, _ = rand.Read(id)
	_, _ = rand.Read(secret)
	return makeTicket(id, secret)
}

func makeTicket(id, secret []byte) ticket {
	value := ticketVersion + "." + base64.RawURLEncoding.EncodeToString(id) + "." +
		base64.RawURLEncoding.EncodeToString(secret)
	return ticket{hash: hash(id), cookie: NewSecret(value), secret: (*[secretSize]byte)(secret)}
}

// parseTicket reads a cookie's value. Only the one way that makeTicket writes
// a ticket is understood.
func parseTicket(value string) (ticket, bool) {
	parts := strings.Split(value, ".")
	if len(parts) != 3 || parts[0] != ticketVersion {
		return ticket{}, false
	}
	strict := base64.RawURLEncoding.Strict()
	id, err := strict.DecodeString(parts[1])
	if err != nil || len(id) != idSize {
		return ticket{}, false
	}
	secret, err := strict.DecodeString(parts[2])
	if err != nil || len(secret) != secretSize {
		return ticket{}, false
	}
	t := makeTicket(id, secret)
	if t.cookie.Reveal() != value { // base64 decoding skips line ends
		return ticket{}, false
	}
	return t, true
}

// hash returns the hex SHA-256 of b.
func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// randomText returns n random bytes as base64url text.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// cookieName adds the prefix by which browsers guarantee that a cookie came
// from this host over https; over plain http they would refuse it.
func (a *Auth) cookieName(name string) string {
	if a.secure() {
		return "__Host-" + name
	}
	return name
}

func (a *Auth) secure() bool { return a.cfg.PublicURL.Scheme == "https" }

// setCookie sets a cookie for age; zero or less takes it away. The path is "/"
// whatever the prefix of PublicURL, as the __Host- prefix demands.
func (a *Auth) setCookie(w http.ResponseWriter, name string, value Secret, age time.Duration) {
	c := &http.Cookie{ // #nosec G124 -- Secure is what PUBLIC_URL allows; over plain http browsers would drop it
		Name:     a.cookieName(name),
		Value:    value.Reveal(),
		Path:     "/",
		MaxAge:   int(age / time.Second),
		HttpOnly: true,
		Secure:   a.secure(),
		SameSite: http.SameSiteLaxMode,
	}
	if age <= 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
