package soak

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"portal/e2e/process"
)

// Steps of a refresh, as the way to the token endpoint shows them.
const (
	beforeGoTo    = "before GoTo is asked" // and after the lease is taken
	afterGoTo     = "after GoTo answered"  // and before the portal hears it
	afterAnswer   = "after the answer"     // about when it is saved
	atAnyMoment   = "at any moment"
	throughNobody = ""
)

// desk stands between one portal and the token endpoint. It holds a refresh at
// a step, so that the portal can be killed there, and knows which grants' refresh
// tokens were spent on its behalf.
type desk struct {
	*httptest.Server
	goTo *goTo

	mu      sync.Mutex
	step    string // where to hold
	grant   string // the last one that was made
	reached map[string]bool
	spent   map[string]bool
}

func newDesk(t *testing.T, g *goTo) *desk {
	t.Helper()
	d := &desk{goTo: g, spent: map[string]bool{}}
	d.holdAt(throughNobody)
	d.Server = httptest.NewServer(http.HandlerFunc(d.serve))
	t.Cleanup(d.Close)
	return d
}

// portal starts a portal whose refreshes pass the desk.
func (d *desk) portal(w *world) *process.Process {
	w.t.Helper()
	return w.start("GOTO_TOKEN_URL=" + d.URL)
}

// holdAt says where refreshes are held from now on.
func (d *desk) holdAt(step string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.step, d.reached = step, map[string]bool{}
}

// arrived is how many grants' refreshes have reached the step.
func (d *desk) arrived() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.reached)
}

func (d *desk) lastGrant() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.grant
}

// spentFor tells whether GoTo answered a refresh of the grant through here.
func (d *desk) spentFor(grant string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.spent[grant]
}

func (d *desk) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return
	}
	grant := grantOf(form.Get("refresh_token"))
	if grant != "" && d.holds(beforeGoTo, grant) {
		<-r.Context().Done()
		return
	}
	status, answer, err := d.forward(r, body)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	var tokens struct {
		Access string `json:"access_token"`
	}
	if json.Unmarshal(answer, &tokens) == nil && tokens.Access != "" {
		d.mu.Lock()
		if grant != "" {
			d.spent[grant] = true
		} else {
			d.grant = grantOf(tokens.Access)
		}
		d.mu.Unlock()
	}
	if grant != "" && d.holds(afterGoTo, grant) {
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
	_ = http.NewResponseController(w).Flush()
	if grant != "" {
		d.holds(afterAnswer, grant)
	}
}

// holds notes that a refresh has reached a step and tells whether to hold it.
func (d *desk) holds(step, grant string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.step != step {
		return false
	}
	d.reached[grant] = true
	return true
}

// forward asks the sandbox, on nobody's time but its own: GoTo does not take a
// token back because its client died.
func (d *desk) forward(r *http.Request, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), http.MethodPost, d.goTo.base()+"/oauth/token", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = r.Header.Clone()
	res, err := network.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// grantOf reads from one of the sandbox's tokens which consent it belongs to.
func grantOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Grant string `json:"ls"`
	}
	_ = json.Unmarshal(payload, &claims) // not a token of the sandbox's: no grant
	return claims.Grant
}
