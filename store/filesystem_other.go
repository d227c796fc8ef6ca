//go:build !linux

package store

// fileSystem knows network file systems on Linux alone.
func fileSystem(string) (string, error) { return "", nil }

// lockDir locks on Linux alone; elsewhere a portal is to be started once.
func lockDir(string) (unlock func(), err error) { return func() {}, nil }
