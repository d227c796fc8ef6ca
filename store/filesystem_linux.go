package store

import "syscall"

// fileSystem returns the name of dir's file system if it is one of the network
// kind, and "" otherwise.
func fileSystem(dir string) (string, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return "", err
	}
	return networkFileSystem(uint32(st.Type)), nil
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
