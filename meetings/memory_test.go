package meetings

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
)

// inMemory is a Memory for tests; package store has the real ones and its own
// conformance suite.
type inMemory struct {
	mu       sync.Mutex
	meetings map[string]Remembered
	people   map[string]Known
}

func newMemory() *inMemory {
	return &inMemory{meetings: map[string]Remembered{}, people: map[string]Known{}}
}

func (m *inMemory) Remember(_ context.Context, account string, r Remembered) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.meetings[account+"|"+r.MeetingID] = r
	return nil
}

func (m *inMemory) Recall(_ context.Context, account, id string) (Remembered, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.meetings[account+"|"+id]
	return r, ok, nil
}

func (m *inMemory) Forget(_ context.Context, account, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.meetings, account+"|"+id)
	return nil
}

func (m *inMemory) Learn(_ context.Context, account string, people []Known) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range people {
		at := account + "|" + p.Key
		if old := m.people[at]; old.Given && !p.Given {
			p.Name, p.Given = old.Name, true
		}
		m.people[at] = p
	}
	return nil
}

func (m *inMemory) Known(_ context.Context, account string) ([]Known, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Known
	for at, p := range maps.All(m.people) {
		if strings.HasPrefix(at, account+"|") {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Known) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
