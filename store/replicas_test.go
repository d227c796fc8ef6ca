package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"portal/store"
)

func beat(t *testing.T, s *store.Store, replica string, now time.Time, want int) {
	t.Helper()
	if n, err := s.Beat(t.Context(), replica, now, now.Add(15*time.Second)); err != nil || n != want {
		t.Errorf("%s counts %d replicas, %v; want %d", replica, n, err, want)
	}
}

func TestReplicasAreCounted(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s, other := open(t, databaseURL), open(t, databaseURL)
		beat(t, s, "a", noon, 1)
		beat(t, other, "b", noon.Add(4*time.Second), 2)
		beat(t, s, "a", noon.Add(5*time.Second), 2)
		beat(t, s, "a", noon.Add(18*time.Second), 2)
		beat(t, s, "a", noon.Add(19*time.Second), 1) // b was last seen fifteen seconds ago
		beat(t, other, "b", noon.Add(20*time.Second), 2)
		if err := s.Leave(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		beat(t, other, "b", noon.Add(21*time.Second), 1)
		if err := s.Leave(t.Context(), "nobody"); err != nil {
			t.Error(err)
		}
	})
}

func TestReplicasBeatAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		for i := range 5 { // expired, for all to clear away
			beat(t, s, fmt.Sprint("old ", i), noon, i+1)
		}
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				now := noon.Add(time.Minute)
				if n, err := s.Beat(t.Context(), fmt.Sprint("replica ", i), now, now.Add(15*time.Second)); err != nil || n < 1 || n > 10 {
					t.Errorf("%d, %v", n, err)
				}
			})
		}
		all.Wait()
		beat(t, s, "replica 0", noon.Add(time.Minute), 10)
	})
}
