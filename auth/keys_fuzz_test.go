package auth

import (
	"bytes"
	"strings"
	"testing"
)

// Whatever SESSION_KEY holds, its text is in no error, and keys that are taken
// open what the first of them sealed.
func FuzzLoadKeys(f *testing.F) {
	const a, b = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "____________________________________________"
	for _, seed := range []string{a, a + "," + b[:43], " " + a + " ,\n" + b[:43], strings.TrimRight(a, "="), a + "," + a, "", ",", "short", a + ",", strings.Replace(a, "0", "+", 1), "AAECAwQF\nBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		keys, err := LoadKeys(spec)
		if err != nil {
			if text := strings.TrimSpace(spec); len(text) > 8 && strings.Contains(err.Error(), text) {
				t.Fatalf("the error %q shows the keys", err)
			}
			return
		}
		if len(keys) != strings.Count(spec, ",")+1 {
			t.Fatalf("%q has %d keys", spec, len(keys))
		}
		at := place{"table", "column", "row"}
		id, sealed, err := sealer{keys}.seal(at, nil, []byte("plain"))
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := (sealer{keys}).open(at, nil, id, sealed); err != nil || !bytes.Equal(plain, []byte("plain")) {
			t.Fatalf("opened %q, %v", plain, err)
		}
		again, err := LoadKeys(strings.ReplaceAll(strings.ReplaceAll(spec, "+", "-"), "/", "_"))
		if err != nil || len(again) != len(keys) || again[0].id != keys[0].id {
			t.Fatalf("in the other alphabet: %v", err)
		}
	})
}
