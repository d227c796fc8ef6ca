package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	wireObserved      = "observed"
	wireSpec          = "spec"
	refreshRotate     = "rotate"
	refreshSame       = "same"
	refreshOmit       = "omit"
	refreshNearExpiry = "near_expiry"
	revokeToken       = "token"
	revokeGrant       = "grant"
)

// settings have the keys of POST /sandbox/control.
type settings struct {
	RefreshMode    string  `json:"refresh_mode"`
	TTL            int     `json:"access_token_ttl_s"`
	LatencyMS      int     `json:"latency_ms"`
	TokenLatencyMS int     `json:"token_latency_ms"`
	Rate           int     `json:"rate_limit_per_s"`
	Scopes         string  `json:"scopes"`
	Wire           string  `json:"wire"`
	RevokeKills    string  `json:"revoke_kills"`
	AdvanceS       int     `json:"advance_s"`
	Scale          int     `json:"scale"`
	ExpireAccess   bool    `json:"expire_access_tokens"`
	RevokeRefresh  bool    `json:"revoke_refresh_tokens"`
	Faults         []fault `json:"faults"`
}

func defaultSettings() settings {
	return settings{RefreshMode: refreshRotate, TTL: 3600, Rate: 10, Scopes: "collab: identity:",
		Wire: wireObserved, RevokeKills: revokeToken, Scale: 1, Faults: []fault{}}
}

// fault spoils matching calls.
type fault struct {
	Match   string `json:"match"` // METHOD and path below /sandbox, * for one segment
	Times   int    `json:"times"` // 0: until replaced
	Kind    string `json:"kind"`
	Status  int    `json:"status"`
	Body    string `json:"body"`
	DelayMS int    `json:"delay_ms"`

	left int
}

var faultKinds = []string{"status", "reset", "truncate", "drip", "html", "empty", "delay"}

// serveControl is not wrapped by faults, latency or rate.
func (s *Sandbox) serveControl(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !isLoopback(host) {
		http.Error(w, "control is for this machine only", http.StatusForbidden)
		return
	}
	// A page of another site must not steer it through the user's browser.
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" && site != "same-origin" {
		http.Error(w, "control is not for other sites", http.StatusForbidden)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if err := s.control(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
			jsonReply(http.StatusBadRequest, object{"error": err.Error()}).write(w)
			return
		}
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "GET or POST", http.StatusMethodNotAllowed)
		return
	}
	s.status().write(w)
}

// absent stands for a scale that the body does not name.
const absent = math.MinInt

// control changes nothing unless all of the body is good. Absent fields stay,
// since the body is decoded over the present settings.
func (s *Sandbox) control(body io.Reader) error {
	next := s.settings
	advanced := next.AdvanceS
	next.AdvanceS, next.Faults, next.Scale = 0, nil, absent
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&next); err != nil {
		return fmt.Errorf("control: %w", err)
	}
	scale := next.Scale
	if scale == absent {
		next.Scale = s.settings.Scale
	}
	if err := next.check(); err != nil {
		return err
	}
	if next.ExpireAccess {
		s.oauth.accessGeneration++
	}
	if next.RevokeRefresh {
		s.oauth.refreshGeneration++
	}
	next.ExpireAccess, next.RevokeRefresh = false, false
	s.advanced += time.Duration(next.AdvanceS) * time.Second
	next.AdvanceS += advanced
	if next.Faults == nil {
		next.Faults = s.settings.Faults
	} else {
		s.faults = nil
		for _, f := range next.Faults {
			f.left = f.Times
			s.faults = append(s.faults, &f)
		}
	}
	if scale != absent { // also 1: the meeting Scale is there once somebody asks for a scale
		s.model.rescale(scale)
	}
	s.settings = next
	return nil
}

func (st settings) check() error {
	switch {
	case !slices.Contains([]string{refreshRotate, refreshSame, refreshOmit, refreshNearExpiry}, st.RefreshMode):
		return fmt.Errorf("refresh_mode %q is not one of rotate, same, omit, near_expiry", st.RefreshMode)
	case st.Wire != wireObserved && st.Wire != wireSpec:
		return fmt.Errorf("wire %q is neither observed nor spec", st.Wire)
	case st.RevokeKills != revokeToken && st.RevokeKills != revokeGrant:
		return fmt.Errorf("revoke_kills %q is neither token nor grant", st.RevokeKills)
	case st.TTL < 1:
		return fmt.Errorf("access_token_ttl_s must be at least 1")
	case st.LatencyMS < 0 || st.TokenLatencyMS < 0 || st.Rate < 0:
		return fmt.Errorf("latency and rate must not be negative")
	case st.Scale < 1 || st.Scale > 1000:
		return fmt.Errorf("scale must be from 1 to 1000")
	}
	for _, f := range st.Faults {
		method, path, ok := strings.Cut(f.Match, " ")
		if !ok || method == "" || !strings.HasPrefix(path, "/") {
			return fmt.Errorf("fault match %q is not METHOD and path", f.Match)
		}
		if !slices.Contains(faultKinds, f.Kind) {
			return fmt.Errorf("fault kind %q is not one of %s", f.Kind, strings.Join(faultKinds, ", "))
		}
		if f.Times < 0 || f.DelayMS < 0 || (f.Status != 0 && (f.Status < 200 || f.Status > 599)) {
			return fmt.Errorf("fault for %q has a number out of range", f.Match)
		}
	}
	return nil
}

func (s *Sandbox) status() reply {
	return jsonReply(http.StatusOK, object{
		"now": s.now().Format(time.RFC3339), "settings": s.settings, "calls": s.calls,
		"grants": s.counts.grants, "refreshes": s.counts.refreshes,
		"revocations": s.counts.revocations, "meetings_created": s.counts.created,
	})
}

// tooFast keeps a sliding second of real time for each API.
func (s *Sandbox) tooFast(path string) bool {
	if s.settings.Rate == 0 {
		return false
	}
	api, _, _ := strings.Cut(strings.TrimPrefix(path, "/sandbox/"), "/")
	now := time.Now()
	kept := slices.DeleteFunc(s.recent[api], func(t time.Time) bool { return now.Sub(t) >= time.Second })
	if len(kept) >= s.settings.Rate {
		s.recent[api] = kept
		return true
	}
	s.recent[api] = append(kept, now)
	return false
}

func (s *Sandbox) latency(r *http.Request) time.Duration {
	path := strings.TrimPrefix(r.URL.Path, "/sandbox/")
	switch {
	case path == "oauth/token":
		return time.Duration(s.settings.TokenLatencyMS) * time.Millisecond
	case strings.HasPrefix(path, "G2M/"), strings.HasPrefix(path, "admin/"), strings.HasPrefix(path, "identity/"):
		return time.Duration(s.settings.LatencyMS) * time.Millisecond
	}
	return 0
}

func (s *Sandbox) takeFault(r *http.Request) *fault {
	for i, f := range s.faults {
		if !f.matches(r.Method, strings.TrimPrefix(r.URL.Path, "/sandbox")) {
			continue
		}
		if f.Times > 0 {
			f.left--
			if f.left == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return f
	}
	return nil
}

func (f *fault) matches(method, path string) bool {
	m, pattern, _ := strings.Cut(f.Match, " ")
	if m != method {
		return false
	}
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool { return w == "*" || w == g })
}

// runs says whether the operation happens although its answer is spoilt.
func (f *fault) runs() bool { return f.Kind == "truncate" || f.Kind == "drip" || f.Kind == "delay" }

// spoil answers as the fault says.
func (f *fault) spoil(w http.ResponseWriter, r *http.Request, answer reply) {
	delay := time.Duration(f.DelayMS) * time.Millisecond
	status := f.Status
	switch f.Kind {
	case "drip":
		f.drip(w, r, answer, delay)
		return
	case "truncate":
		truncate(w, answer)
		return
	}
	if !pause(r, delay) {
		return
	}
	switch f.Kind {
	case "delay":
		answer.write(w)
	case "reset":
		reset(w)
	case "html":
		body := f.Body
		if body == "" {
			body = "<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1>"
		}
		reply{status: or(status, http.StatusOK), header: http.Header{"Content-Type": {"text/html"}}, body: []byte(body)}.write(w)
	case "empty":
		reply{status: or(status, http.StatusOK)}.write(w)
	default:
		reply{status: or(status, http.StatusServiceUnavailable), header: http.Header{"Content-Type": {"application/json"}}, body: []byte(f.Body)}.write(w)
	}
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// drip sends the answer a few bytes at a time.
func (f *fault) drip(w http.ResponseWriter, r *http.Request, answer reply, delay time.Duration) {
	for k, v := range answer.header {
		w.Header()[k] = v
	}
	w.WriteHeader(or(f.Status, answer.status))
	for part := range slices.Chunk(answer.body, 16) {
		if !pause(r, delay) {
			return
		}
		if _, err := w.Write(part); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
	}
}

// truncate promises the whole answer, sends half and hangs up.
func truncate(w http.ResponseWriter, answer reply) {
	w.Header().Set("Content-Length", fmt.Sprint(max(len(answer.body), 2)))
	answer.body = answer.body[:len(answer.body)/2]
	answer.write(w)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler) // the documented way to cut a response
}

// reset drops the connection so that the peer sees RST, not a tidy end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
