package store

import (
	"os"
	"syscall"
)

// lockDir waits until this process alone holds dir. It is the directory and not
// the database, whose own locks SQLite would lose when this file is closed.
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.Open(dir) // #nosec G304 -- the operator names the directory
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil // which unlocks it
}

// fileSystem returns the name of dir's file system if it is one of the network
// kind, and "" otherwise.
func fileSystem(dir string) (string, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return "", err
	}
	return networkFileSystem(uint32(st.Type)), nil // #nosec G115 -- the numbers have 32 bits, whatever the field
}

// networkFileSystem names the network file systems by the numbers of Linux's
// statfs(2).
func networkFileSystem(magic uint32) string {
	switch magic {
	case 0x6969:
		return "NFS"
	case 0x517b, 0xfe534d42, 0xff534d42:
		return "SMB"
	case 0x01021997:
		return "9P"
	case 0x5346414f, 0x6b414653:
		return "AFS"
	case 0x00c36400:
		return "Ceph"
	case 0x73757245:
		return "Coda"
	case 0x564c:
		return "NCP"
	case 0x0bd00bd0:
		return "Lustre"
	}
	return ""
}
