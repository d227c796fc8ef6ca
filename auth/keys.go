package auth

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

const keySize = 32

// Key is one master key. It prints as [redacted]; as with Secret, the bytes
// sit behind a pointer so that no verb reaches them.
type Key struct {
	id  string // names the key in rows; derived, tells nothing about it
	key *[keySize]byte
}

func newKey(raw []byte) (Key, error) {
	if len(raw) != keySize {
		return Key{}, fmt.Errorf("a key has %d bytes, not %d", keySize, len(raw))
	}
	k := Key{key: (*[keySize]byte)(append([]byte(nil), raw...))}
	id, err := hkdf.Key(sha256.New, raw, nil, "portal/key-id/v1", 8)
	if err != nil {
		return Key{}, fmt.Errorf("name the key: %w", err)
	}
	k.id = hex.EncodeToString(id)
	return k, nil
}

// String returns [redacted].
func (Key) String() string { return redacted }

// Format prints [redacted] whatever the verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns [redacted].
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted].
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LoadKeys parses SESSION_KEY: 32-byte keys in base64, standard or URL
// alphabet, padded or not, separated by commas. The first seals, all open.
// Its errors name the position of a bad key and never its text.
func LoadKeys(spec string) ([]Key, error) {
	var keys []Key
	seen := map[string]bool{}
	for i, part := range strings.Split(spec, ",") {
		part = strings.TrimRight(strings.TrimSpace(part), "=")
		raw, err := base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(part))
		if err != nil {
			return nil, fmt.Errorf("key %d is not base64", i+1)
		}
		k, err := newKey(raw)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if seen[k.id] {
			return nil, fmt.Errorf("key %d is there twice", i+1)
		}
		seen[k.id] = true
		keys = append(keys, k)
	}
	return keys, nil
}

// MakeKeyFile reads the keys in the file at path. When there is no such file
// it is made first, mode 0600, with one fresh key; of two processes that do so
// at once both end up with the same key.
func MakeKeyFile(path string) ([]Key, error) {
	keys, err := readKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	if err := writeKeyFile(path, freshKey()+"\n", os.Link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the key file: %w", err)
	}
	return readKeyFile(path)
}

// RenewKeyFile puts a fresh key before the first one in the file at path; older
// ones go. It counts from the next start. What it pushes out must open nothing
// any more, so a file of several keys that is younger than max, the longest that
// a session lasts, is an error.
func RenewKeyFile(path string, max time.Duration, now time.Time) error {
	keys, err := readKeyFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at the key file: %w", err)
	}
	if until := info.ModTime().Add(max); len(keys) > 1 && now.Before(until) {
		return fmt.Errorf("%s holds the key before this one, which sessions may still need: try again after %s", path, until.UTC().Format("2006-01-02 15:04 UTC"))
	}
	text := freshKey() + "," + base64.StdEncoding.EncodeToString(keys[0].key[:]) + "\n"
	if err := writeKeyFile(path, text, os.Rename); err != nil {
		return fmt.Errorf("write the key file: %w", err)
	}
	return nil
}

func freshKey() string {
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw) // never fails (Go 1.24)
	return base64.StdEncoding.EncodeToString(raw)
}

func readKeyFile(path string) ([]Key, error) {
	text, err := os.ReadFile(path) // #nosec G304 -- it lies beside the database, which the operator names
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	keys, err := LoadKeys(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return keys, nil
}

// writeKeyFile puts the whole file in place at once and durably: sessions
// sealed by a key that is lost in a crash are lost. With os.Link as put a file
// that is there by now stays.
func writeKeyFile(path, text string, put func(from, to string) error) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(text)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err := put(tmp.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir) // #nosec G304 -- as readKeyFile
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// errSealed: the bytes were not sealed for this place, or by no key we have.
var errSealed = errors.New("cannot open what is sealed")

// sealer seals text for one place in the store. The key of a place is derived
// from a master key and a salt (a cookie's secret, or none for what the portal
// must open by itself), and the place is authenticated too, so that what was
// sealed for one row opens in no other.
type sealer struct{ keys []Key }

// place says where sealed bytes live. None of its parts contains a bar.
type place struct{ table, column, row string }

func (p place) bound(keyID string) []byte {
	return []byte(strings.Join([]string{p.table, p.column, p.row, keyID}, "|"))
}

func (s sealer) seal(p place, salt, plain []byte) (keyID string, sealed []byte, err error) {
	k := s.keys[0]
	aead, err := k.derive(p.table, salt)
	if err != nil {
		return "", nil, err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce)
	return k.id, aead.Seal(nonce, nonce, plain, p.bound(k.id)), nil
}

func (s sealer) open(p place, salt []byte, keyID string, sealed []byte) ([]byte, error) {
	for _, k := range s.keys {
		if k.id != keyID {
			continue
		}
		aead, err := k.derive(p.table, salt)
		if err != nil {
			return nil, err
		}
		if len(sealed) < aead.NonceSize() {
			return nil, errSealed
		}
		plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], p.bound(k.id))
		if err != nil {
			return nil, errSealed
		}
		return plain, nil
	}
	return nil, errSealed
}

func (k Key) derive(table string, salt []byte) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, k.key[:], salt, "portal/"+table+"/v1", chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	aead, err := chacha20poly1305.NewX(derived)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return aead, nil
}
