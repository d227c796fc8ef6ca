package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"portal/auth"
)

// newKey puts a new session key before the one in the file beside the SQLite
// database. The portal may run; it takes the key at its next start.
func newKey(c Config, now time.Time, stdout io.Writer) error {
	if len(c.Keys) > 0 {
		return errors.New("the keys are in SESSION_KEY: put a new one before the first there, and a comma between; `openssl rand -base64 32` makes one")
	}
	file := c.Database.keyFile()
	if err := auth.RenewKeyFile(file, c.Max, now); err != nil {
		return fmt.Errorf("put a new session key before the one in use: %w", err)
	}
	_, err := fmt.Fprintf(stdout, "there is a new key in %s: restart the portal, and keep a copy of the file in another place\n", file)
	return err
}
