package auth

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Names in the store's settings.
const (
	metaClient    = "auth.client"     // the OAuth client, sealed
	metaConnected = "auth.connected"  // somebody has connected
	metaPinned    = "auth.pinned"     // the account that connected first
	metaSetupSalt = "auth.setup_salt" // makes the set-up code
)

const metaTable = "meta"

// startSetup prepares what Setup and client need.
func (a *Auth) startSetup(ctx context.Context) error {
	if a.cfg.Sandbox || !a.cfg.Client.IsZero() {
		return nil
	}
	if err := a.resealClient(ctx); err != nil {
		return err
	}
	open, err := a.SetupOpen(ctx)
	if err != nil || !open {
		return err
	}
	a.setupCode, err = a.makeSetupCode(ctx)
	return err
}

// makeSetupCode derives the code from the master key and a salt in the store,
// so that all replicas ask for the same one, and a restart in the middle of
// setting up does not change it.
func (a *Auth) makeSetupCode(ctx context.Context) (Secret, error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	salt, err := a.cfg.Store.PutMetaOnce(ctx, metaSetupSalt, salt)
	if err != nil {
		return Secret{}, fmt.Errorf("make the set-up code: %w: %w", ErrStore, err)
	}
	raw, err := hkdf.Key(sha256.New, a.cfg.Keys[0].key[:], salt, "portal/setup-code/v1", 10)
	if err != nil {
		return Secret{}, fmt.Errorf("make the set-up code: %w", err)
	}
	code := base32.StdEncoding.EncodeToString(raw) // 16 characters, 80 bits
	return NewSecret(code[:4] + "-" + code[4:8] + "-" + code[8:12] + "-" + code[12:]), nil
}

// Configured reports whether there is an OAuth client to connect with. The
// error is ErrStore.
func (a *Auth) Configured(ctx context.Context) (bool, error) {
	_, err := a.client(ctx)
	if errors.Is(err, ErrNotConfigured) {
		return false, nil
	}
	return err == nil, err
}

// SetupOpen reports whether Setup accepts a client: while none comes from the
// configuration and nobody has ever connected. The error is ErrStore.
func (a *Auth) SetupOpen(ctx context.Context) (bool, error) {
	if a.cfg.Sandbox || !a.cfg.Client.IsZero() {
		return false, nil
	}
	_, connected, err := a.cfg.Store.Meta(ctx, metaConnected)
	if err != nil {
		return false, fmt.Errorf("ask whether set-up is open: %w: %w", ErrStore, err)
	}
	return !connected, nil
}

// SetupCode returns the code that Setup asks for, to be shown to whoever
// started the portal and nobody else; "" when set-up was closed at the start.
// It serves until the first user connects, so that a wrong client can be
// replaced.
func (a *Auth) SetupCode() string { return a.setupCode.Reveal() }

// Setup checks an OAuth client by exchanging a made-up code, and stores it
// sealed: GoTo answers a wrong client with invalid_client, and a right one,
// presumably, with invalid_grant. The error is ErrSetupClosed, ErrSetupCode,
// ErrClient for a wrong pair, ErrUnavailable or ErrStore.
func (a *Auth) Setup(ctx context.Context, clientID, secret, code string) error {
	open, err := a.SetupOpen(ctx)
	if err != nil {
		return err
	}
	if !open {
		return ErrSetupClosed
	}
	given, want := plainCode(code), plainCode(a.setupCode.Reveal())
	if want == "" || subtle.ConstantTimeCompare([]byte(given), []byte(want)) != 1 {
		return ErrSetupCode
	}
	c := ClientCredentials{ID: strings.TrimSpace(clientID), Secret: NewSecret(strings.TrimSpace(secret))}
	if c.ID == "" || c.Secret.IsZero() {
		return fmt.Errorf("set up: client id and client secret go together: %w", ErrClient)
	}
	_, err = a.exchange(ctx, c, "made-up-"+randomText(16), randomText(32))
	switch {
	case err == nil:
		return fmt.Errorf("set up: a made-up code was accepted: %w", ErrUnavailable)
	case !errors.Is(err, ErrRefused):
		return fmt.Errorf("set up: %w", err)
	}
	return a.storeClient(ctx, c)
}

// plainCode forgives how a code was typed.
func plainCode(code string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(strings.TrimSpace(code)))
}

// clientBlob is the stored OAuth client: id and secret sealed together.
type clientBlob struct {
	KeyID  string `json:"key_id"`
	Sealed []byte `json:"sealed"`
}

type clientText struct {
	Schema int    `json:"schema"`
	ID     string `json:"id"`
	Secret string `json:"secret"`
}

func clientPlace() place { return place{metaTable, "value", metaClient} }

// client returns the OAuth client, from the configuration or the store.
func (a *Auth) client(ctx context.Context) (ClientCredentials, error) {
	if !a.cfg.Client.IsZero() {
		return a.cfg.Client, nil
	}
	c, _, err := a.storedClient(ctx)
	return c, err
}

func (a *Auth) storedClient(ctx context.Context) (c ClientCredentials, keyID string, err error) {
	value, found, err := a.cfg.Store.Meta(ctx, metaClient)
	if err != nil {
		return c, "", fmt.Errorf("read the OAuth client: %w: %w", ErrStore, err)
	}
	if !found {
		return c, "", ErrNotConfigured
	}
	var b clientBlob
	if err := json.Unmarshal(value, &b); err != nil {
		return c, "", errors.New("read the OAuth client: the stored form is not understood")
	}
	plain, err := a.sealer.open(clientPlace(), nil, b.KeyID, b.Sealed)
	if err != nil {
		return c, "", fmt.Errorf("read the OAuth client: %w", err)
	}
	var t clientText
	if err := json.Unmarshal(plain, &t); err != nil || t.Schema != blobSchema {
		return c, "", errors.New("read the OAuth client: the stored form is not understood")
	}
	return ClientCredentials{ID: t.ID, Secret: NewSecret(t.Secret)}, b.KeyID, nil
}

func (a *Auth) storeClient(ctx context.Context, c ClientCredentials) error {
	plain, err := json.Marshal(clientText{Schema: blobSchema, ID: c.ID, Secret: c.Secret.Reveal()})
	if err != nil {
		return fmt.Errorf("store the OAuth client: %w", err)
	}
	var b clientBlob
	if b.KeyID, b.Sealed, err = a.sealer.seal(clientPlace(), nil, plain); err != nil {
		return fmt.Errorf("store the OAuth client: %w", err)
	}
	value, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("store the OAuth client: %w", err)
	}
	if err := a.cfg.Store.PutMeta(ctx, metaClient, value); err != nil {
		return fmt.Errorf("store the OAuth client: %w: %w", ErrStore, err)
	}
	return nil
}

// resealClient moves the stored client to the first key, so that an old key
// can be dropped after a start with both.
func (a *Auth) resealClient(ctx context.Context) error {
	c, keyID, err := a.storedClient(ctx)
	switch {
	case errors.Is(err, ErrNotConfigured):
		return nil
	case errors.Is(err, errSealed):
		return errors.New("the stored OAuth client was sealed with another session key: " +
			"bring that key back, or give GOTO_CLIENT_ID and GOTO_CLIENT_SECRET")
	case err != nil:
		return err
	case keyID == a.cfg.Keys[0].id:
		return nil
	}
	return a.storeClient(ctx, c)
}
