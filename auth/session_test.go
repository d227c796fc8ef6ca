package auth_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portal/auth"
)

func TestNoSession(t *testing.T) {
	w := newWorld(t)
	valid := "v1." + strings.Repeat("A", 22) + "." + strings.Repeat("A", 43)
	for _, value := range []string{"", "v1", "v1..", valid, "v2" + valid[2:], valid + "A", valid + ".x", valid[:len(valid)-1], strings.Repeat("x", 5000)} {
		b := &browser{names: []string{"__Host-sid"}, values: map[string]*http.Cookie{"__Host-sid": {Value: value}}}
		if s := w.session(b); s != nil {
			t.Errorf("%.20q: a session", value)
		}
	}
}

func TestRestartKeepsTheSession(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	w.restart()
	if s := w.session(b); s == nil || s.User().Name() != "Ada Admin" {
		t.Fatal("logged out by a restart")
	}
	if token, err := w.token(b); err != nil || token != w.current() {
		t.Fatal(err)
	}
}

func TestStoreDownIsNoLogOut(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	s := w.session(b)
	w.store.failing(func(string) error { return errors.New("down") })
	r := b.request("GET", "/")
	if got, err := w.Session(r); !errors.Is(err, auth.ErrStore) || got != nil {
		t.Fatalf("%v, %v", got, err)
	}
	rec := httptest.NewRecorder()
	// The session could not be loaded for this request: nothing is written.
	s.Notify(auth.Notice{Kind: auth.Info, Text: "x"})
	if err := w.Save(rec, r, s); err == nil {
		t.Error("saved over what was not loaded")
	}
	for name, err := range map[string]error{
		"sign out": w.SignOut(rec, r, s), "disconnect": w.Disconnect(rec, r, s), "end all": w.EndSessions(rec, r, s),
		"end one": func() error { _, err := w.EndSession(t.Context(), s, "x"); return err }(),
		"save":    w.Save(rec, httptest.NewRequest("GET", "/", nil), s),
		"token":   func() error { _, _, err := s.AccessToken(t.Context()); return err }(),
		"renew":   func() error { _, _, err := s.RenewToken(t.Context(), "x"); return err }(),
	} {
		if !errors.Is(err, auth.ErrStore) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(rec.Header()) != 0 {
		t.Errorf("headers %v", rec.Header())
	}
	w.store.failing(nil)
	if w.session(b) == nil {
		t.Fatal("logged out by an outage")
	}
}

func TestDeadlines(t *testing.T) {
	short := func(c *auth.Config) { c.Idle, c.Max = time.Hour, 5*time.Hour }
	visit := func(w *world, b *browser) bool {
		t.Helper()
		r := b.request("GET", "/")
		s, err := w.Session(r)
		if err != nil {
			t.Fatal(err)
		}
		if s == nil {
			return false
		}
		if err := w.Save(httptest.NewRecorder(), r, s); err != nil {
			t.Fatal(err)
		}
		return true
	}
	w, b := newWorld(t, short), &browser{}
	w.logIn(b)
	w.pass(time.Hour)
	if visit(w, b) {
		t.Error("alive after an idle hour")
	}
	b = &browser{}
	w.logIn(b)
	for range 9 { // 4:30
		w.pass(30 * time.Minute)
		if !visit(w, b) {
			t.Fatal("ended although it was used")
		}
	}
	w.pass(30 * time.Minute)
	if visit(w, b) {
		t.Error("alive after the absolute deadline")
	}
}

func TestLastSeenIsWrittenOnceAMinute(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	writes := 0
	w.store.failing(func(method string) error {
		if method == "TouchSession" || method == "SaveSession" {
			writes++
		}
		return nil
	})
	for range 121 {
		r := b.request("GET", "/")
		s, err := w.Session(r)
		if err != nil || s == nil {
			t.Fatal(err)
		}
		if err := w.Save(httptest.NewRecorder(), r, s); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
	}
	if writes != 2 {
		t.Fatalf("%d writes in two minutes", writes)
	}
}

// However many pages open at once and take the same notice, each is saved: all
// but one find it done.
func TestNoticeTakenByManyPagesAtOnce(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	r := b.request("GET", "/")
	s, err := w.Session(r)
	if err != nil || s == nil {
		t.Fatal(err)
	}
	s.Notify(auth.Notice{Kind: auth.Success, Text: "once"})
	if err := w.Save(httptest.NewRecorder(), r, s); err != nil {
		t.Fatal(err)
	}
	var pages sync.WaitGroup
	loaded, start := sync.WaitGroup{}, make(chan struct{})
	for range 40 {
		loaded.Add(1)
		pages.Go(func() {
			r := b.request("GET", "/")
			s, err := w.Session(r)
			loaded.Done()
			<-start
			if err != nil || s == nil || len(s.TakeNotices()) != 1 {
				t.Error(err)
				return
			}
			if err := w.Save(httptest.NewRecorder(), r, s); err != nil {
				t.Error(err)
			}
		})
	}
	loaded.Wait()
	close(start)
	pages.Wait()
}

// Two tabs that change the notices at once lose none and repeat none.
func TestNoticesOfTwoTabs(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	load := func() (*http.Request, *auth.Session) {
		r := b.request("GET", "/")
		s, err := w.Session(r)
		if err != nil || s == nil {
			t.Fatal(err)
		}
		return r, s
	}
	save := func(r *http.Request, s *auth.Session) {
		t.Helper()
		if err := w.Save(httptest.NewRecorder(), r, s); err != nil {
			t.Fatal(err)
		}
	}
	texts := func(notices []auth.Notice) (all []string) {
		for _, n := range notices {
			all = append(all, n.Kind+" "+n.Text)
		}
		return all
	}
	r, s := load()
	s.Notify(auth.Notice{Kind: auth.Success, Text: "first"})
	save(r, s)

	r1, s1 := load()
	r2, s2 := load()
	if got := texts(s1.TakeNotices()); !slices.Equal(got, []string{"success first"}) {
		t.Fatal(got)
	}
	s2.Notify(auth.Notice{Kind: auth.Warning, Text: "second"})
	save(r2, s2)
	save(r1, s1)
	_, s = load()
	if got := texts(s.TakeNotices()); !slices.Equal(got, []string{"warning second"}) {
		t.Fatal(got)
	}

	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			r := b.request("GET", "/")
			s, err := w.Session(r)
			if err != nil || s == nil {
				t.Error(err)
				return
			}
			s.Notify(auth.Notice{Kind: auth.Info, Text: fmt.Sprint(i)})
			if err := w.Save(httptest.NewRecorder(), r, s); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	_, s = load()
	if got := texts(s.TakeNotices()); len(got) != 7 {
		t.Fatal(got)
	}
}

func TestNoticesAreBounded(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	r := b.request("GET", "/")
	s, _ := w.Session(r)
	for i := range 25 {
		s.Notify(auth.Notice{Kind: auth.Info, Text: fmt.Sprint(i)})
	}
	if err := w.Save(httptest.NewRecorder(), r, s); err != nil {
		t.Fatal(err)
	}
	if n := w.session(b).TakeNotices(); len(n) != 10 || n[9].Text != "24" {
		t.Fatalf("%+v", n)
	}
}

func TestKeyRotationLogsNobodyOut(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	first := w.config.Keys[0]
	w.config.Keys = append(keys(t, 1), first)
	w.restart()
	r := b.request("GET", "/")
	s, err := w.Session(r)
	if err != nil || s == nil {
		t.Fatal("logged out by a new key", err)
	}
	// Writing moves each column to the new key.
	s.Notify(auth.Notice{Kind: auth.Info, Text: "x"})
	if err := w.Save(httptest.NewRecorder(), r, s); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.RenewToken(t.Context(), w.current()); err != nil {
		t.Fatal(err)
	}
	w.config.Keys = w.config.Keys[:1]
	w.restart()
	if token, err := w.token(b); err != nil || token != w.current() {
		t.Fatal("logged out by dropping the old key", err)
	}
	w.config.Keys = []auth.Key{first}
	w.restart()
	if w.session(b) != nil {
		t.Fatal("a key that was not there opened the session")
	}
}

// behind opens the database behind the portal's back.
func behind(t *testing.T, w *world) *sql.DB {
	t.Helper()
	driver := "sqlite"
	if strings.Contains(w.path, "://") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, w.path)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// count asks the database for a number.
func count(t *testing.T, w *world, query string) (n int) {
	t.Helper()
	db := behind(t, w)
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// tamper changes the database behind the portal's back.
func tamper(t *testing.T, w *world, statement string, args ...any) {
	t.Helper()
	db := behind(t, w)
	defer db.Close()
	result, err := db.ExecContext(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := result.RowsAffected(); n == 0 {
		t.Fatal("nothing changed")
	}
}

func TestTamperedRows(t *testing.T) {
	swapped := `UPDATE sessions SET %[1]s = (SELECT o.%[1]s FROM sessions o WHERE o.id_hash <> sessions.id_hash)`
	tests := []struct {
		name, statement string
		tokensOnly      bool
	}{
		{"identity of another", fmt.Sprintf(swapped, "sealed"), false},
		{"tokens of another", fmt.Sprintf(swapped, "tokens_sealed"), true},
		{"columns of one row", `UPDATE sessions SET sealed = tokens_sealed, key_id = tokens_key_id`, false},
		{"tokens from identity", `UPDATE sessions SET tokens_sealed = sealed`, true},
		{"a bit", `UPDATE sessions SET sealed = CAST(substr(sealed, 1, length(sealed)-1) AS BLOB) || x'00'`, false},
		{"cut", `UPDATE sessions SET sealed = substr(sealed, 1, 10)`, false},
		{"empty", `UPDATE sessions SET sealed = x''`, false},
		{"key id", `UPDATE sessions SET key_id = 'other'`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, b, other := newWorld(t), &browser{}, &browser{}
			w.logIn(b)
			w.logIn(other)
			tamper(t, w, test.statement)
			s := w.session(b)
			if !test.tokensOnly {
				if s != nil {
					t.Fatal("a row that was tampered with opened")
				}
				return
			}
			if s == nil {
				t.Fatal("no session")
			}
			if _, _, err := s.AccessToken(t.Context()); !errors.Is(err, auth.ErrSessionEnded) {
				t.Fatal(err)
			}
		})
	}
}

// The id alone opens nothing, and neither does another session's secret.
func TestWrongSecret(t *testing.T) {
	w, b, other := newWorld(t), &browser{}, &browser{}
	w.logIn(b)
	w.logIn(other)
	mine, theirs := strings.Split(b.sid(), "."), strings.Split(other.sid(), ".")
	b.values["__Host-sid"].Value = strings.Join([]string{"v1", mine[1], theirs[2]}, ".")
	if w.session(b) != nil {
		t.Fatal("opened")
	}
	// It does not end the session of whoever it belongs to either.
	w.logIn(b)
	b.values["__Host-sid"].Value = strings.Join(mine, ".")
	if w.session(b) == nil {
		t.Fatal("a wrong secret ended the session")
	}
}

func TestDatabaseHoldsNoSecretInClear(t *testing.T) {
	w, b := newWorld(t, setupMode), &browser{}
	if err := w.Setup(t.Context(), clientID, clientSecret, w.SetupCode()); err != nil {
		t.Fatal(err)
	}
	state, code := w.connect(b, "/meetings/canary-return")
	flowCookie := b.values[b.names[0]].Value
	check := func(when string, more ...string) {
		t.Helper()
		for _, suffix := range []string{"", "-wal"} {
			data, err := os.ReadFile(w.path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range append(more, "canary", clientSecret, state, code, flowCookie, "Ada", "ada@example.test") {
				if bytes.Contains(data, []byte(secret)) {
					t.Errorf("%s: the database%s holds %q", when, suffix, secret)
				}
			}
		}
	}
	check("connecting")
	if _, _, err := w.callback(b, url.Values{"state": {state}, "code": {code}}); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Hour)
	if _, err := w.token(b); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(b.sid(), ".")
	check("connected", parts[1], parts[2])
	if log := w.log.String(); strings.Contains(log, "canary") || strings.Contains(log, parts[1]) || strings.Contains(log, "ada@example.test") {
		t.Errorf("the log shows a secret:\n%s", log)
	}
}

func TestSignOut(t *testing.T) {
	w, b, other := newWorld(t), &browser{}, &browser{}
	w.logIn(b)
	w.logIn(other)
	kept := browser{names: slices.Clone(b.names), values: map[string]*http.Cookie{"__Host-sid": b.values["__Host-sid"]}}
	rec, r := httptest.NewRecorder(), b.request("POST", "/auth/signout")
	s, err := w.Session(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SignOut(rec, r, s); err != nil {
		t.Fatal(err)
	}
	b.take(rec)
	if b.sid() != "" || rec.Header().Get("Clear-Site-Data") != `"cache", "storage"` {
		t.Errorf("headers %v", rec.Header())
	}
	if again, err := w.Session(r); again != nil || err != nil {
		t.Error("the request still has its session")
	}
	s.Notify(auth.Notice{Kind: auth.Info, Text: "late"})
	if err := w.Save(httptest.NewRecorder(), r, s); !errors.Is(err, auth.ErrSessionEnded) {
		t.Errorf("save after sign-out: %v", err)
	}
	if w.session(&kept) != nil {
		t.Error("the cookie works after sign-out")
	}
	if w.session(other) == nil {
		t.Error("the user's other session went too")
	}
	if _, _, err := s.AccessToken(t.Context()); !errors.Is(err, auth.ErrSessionEnded) {
		t.Errorf("a token after sign-out: %v", err)
	}
	if err := w.SignOut(httptest.NewRecorder(), b.request("POST", "/"), nil); err != nil {
		t.Error(err)
	}
	w.stop()
	w.Auth = nil
	if len(w.goTo.revoked) != 0 {
		t.Errorf("revoked %v", w.goTo.revoked)
	}
}

func TestDisconnect(t *testing.T) {
	w, b, other, ben := newWorld(t), &browser{}, &browser{}, &browser{}
	w.logIn(other)
	w.logIn(b)
	access := w.current()
	who := ada()
	who.UserKey = "2"
	w.is(who, nil)
	w.logIn(ben)
	rec := httptest.NewRecorder()
	if err := w.Disconnect(rec, b.request("POST", "/"), w.session(b)); err != nil {
		t.Fatal(err)
	}
	old := browser{names: slices.Clone(b.names), values: map[string]*http.Cookie{"__Host-sid": b.values["__Host-sid"]}}
	b.take(rec)
	if b.sid() != "" || w.session(&old) != nil || w.session(other) != nil {
		t.Error("a session of the user is left")
	}
	if w.session(ben) == nil {
		t.Error("somebody else was disconnected")
	}
	w.stop()
	w.Auth = nil
	w.goTo.with(func() {
		if len(w.goTo.revoked) != 2 || !strings.HasPrefix(w.goTo.revoked[0], "refresh_token canary-refresh-") || w.goTo.revoked[1] != "access_token "+access {
			t.Errorf("revoked %v", w.goTo.revoked)
		}
	})
}

// GoTo's answer to the revocation is nobody's concern, and nobody waits for it.
func TestDisconnectWhileGoToIsDown(t *testing.T) {
	w, b := newWorld(t), &browser{}
	w.logIn(b)
	w.goTo.Server.Close()
	rec := httptest.NewRecorder()
	if err := w.Disconnect(rec, b.request("POST", "/"), w.session(b)); err != nil {
		t.Fatal(err)
	}
	if w.session(b) != nil {
		t.Fatal("still connected")
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	w, b := newWorld(t), &browser{}
	result := w.logIn(b)
	parts := strings.Split(b.sid(), ".")
	spec := keySpec(1)
	loaded, err := auth.LoadKeys(spec)
	if err != nil {
		t.Fatal(err)
	}
	token := w.current()
	type hidden struct {
		key     auth.Key
		secret  auth.Secret
		creds   auth.ClientCredentials
		session *auth.Session
	}
	secret := auth.NewSecret(clientSecret)
	creds := auth.ClientCredentials{ID: clientID, Secret: secret}
	config := w.config
	values := []any{
		loaded, loaded[0], &loaded[0], secret, &secret, creds, &creds, result.Session, result, &result, w.Auth,
		config, hidden{loaded[0], secret, creds, result.Session}, map[string]any{"s": secret, "k": loaded[0]},
	}
	raw := []string{"canary", parts[1], parts[2], token, strings.TrimRight(spec, "=")}
	var all strings.Builder
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&all, verb+"\n", v)
		}
	}
	for _, v := range []any{loaded, secret, creds, result.Session, result.User} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
		for _, h := range []slog.Handler{slog.NewTextHandler(&all, nil), slog.NewJSONHandler(&all, nil)} {
			slog.New(h).Info("x", "v", v)
		}
	}
	out := all.String()
	for _, s := range raw {
		hexed := fmt.Sprintf("%x", s)
		if strings.Contains(out, s) || strings.Contains(strings.ToLower(out), hexed) {
			t.Errorf("printed: %.12s", s)
		}
	}
	if !strings.Contains(out, "[redacted]") {
		t.Error("nothing says [redacted]")
	}
	if secret.Reveal() != clientSecret || secret.IsZero() || !(auth.Secret{}).IsZero() {
		t.Error("the secret is lost")
	}
}
