package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTempDirIsTriedAndSwept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	if err := tryTempDir(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"excelize-1", "excelize-2", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("rows"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for _, name := range []string{"excelize-1", "other"} {
		if err := os.Chtimes(filepath.Join(dir, name), now, now.Add(-2*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tryTempDir(dir, now); err != nil {
		t.Fatal(err)
	}
	var left []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if len(left) != 2 || left[0] != "excelize-2" || left[1] != "other" {
		t.Errorf("%q stay", left)
	}
	if err := tryTempDir(filepath.Join(dir, "other"), now); err == nil {
		t.Error("a file does for a directory")
	}
}
