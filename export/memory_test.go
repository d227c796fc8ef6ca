package export

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// heap follows how far the live heap grows beyond what it was.
type heap struct{ base, peak uint64 }

func (h *heap) look() {
	runtime.GC()
	if h.base == 0 {
		runtime.GC() // what the first one found finalizers for
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if h.base == 0 {
		h.base = m.HeapAlloc
	}
	h.peak = max(h.peak, m.HeapAlloc)
}

func (h *heap) grown() uint64 { return h.peak - h.base }

// large is a table of n rows that are nowhere before they are asked for; made
// is told of each, every time, how many there are so far. Each has a name of
// length letters.
func large(n, length int, made func(int)) Table {
	at, name := time.Date(2030, 1, 15, 10, 0, 0, 0, time.UTC), strings.Repeat("n", length)
	return Table{Name: "Joins", Columns: []Column{{"name", "Name"}, {"email", "E-mail"}, {"join", "Join"}, {"leave", "Leave"}, {"minutes", "Minutes"}},
		Rows: func(yield func([]any) bool) {
			for i := range n {
				made(i + 1)
				if !yield([]any{name + strconv.Itoa(i), fmt.Sprintf("person.%d@example.test", i), at, at.Add(time.Duration(i) * time.Second), i % 90}) {
					return
				}
			}
		}}
}

// arrival is a writer that keeps nothing; first is called before the first byte.
type arrival struct {
	bytes int
	first func()
}

func (a *arrival) Write(p []byte) (int, error) {
	if a.bytes == 0 {
		a.first()
	}
	a.bytes += len(p)
	return len(p), nil
}

// Files of any length take the same memory, and CSV and JSON begin long before
// their last row is made. With SOAK=1 they are longer, and `go test -v` shows
// the figures.
func TestMemoryIsBounded(t *testing.T) {
	soak := os.Getenv("SOAK") == "1"
	books := 10_000
	if soak {
		books = 100_000
	}
	for _, tt := range []struct {
		kind  string
		write func(Table, io.Writer) error
		rows  int
		first int    // rows before the first byte
		most  uint64 // bytes of heap
	}{
		{"csv", Table.WriteCSV, 10_000, 1000, 2 << 20},
		{"csv", Table.WriteCSV, 100_000, 1000, 2 << 20},
		{"json", Table.WriteJSON, 10_000, 1000, 2 << 20},
		{"json", Table.WriteJSON, 100_000, 1000, 2 << 20},
		{"xlsx", func(t Table, w io.Writer) error { return t.WriteXLSX(w, nil) }, 10_000, 10_000, 10 << 20},
		{"xlsx", func(t Table, w io.Writer) error { return t.WriteXLSX(w, nil) }, books, books, 40 << 20},
	} {
		t.Run(fmt.Sprint(tt.kind, tt.rows), func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			h, made, first := &heap{}, 0, 0
			h.look()
			to := &arrival{first: func() { first = made; h.look() }}
			if err := tt.write(large(tt.rows, 10, func(i int) {
				made = i
				if i%(tt.rows/20) == 0 {
					h.look()
				}
			}), to); err != nil {
				t.Fatal(err)
			}
			h.look()
			if first > tt.first {
				t.Errorf("the first byte waits for row %d", first)
			}
			if h.grown() > tt.most {
				t.Errorf("the heap grows by %d bytes", h.grown())
			}
			if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
				t.Errorf("temporary files stay: %q", left)
			}
			if !soak {
				return
			}
			began := time.Now() // and now without being looked at
			var after time.Duration
			to = &arrival{first: func() { after = time.Since(began) }}
			if err := tt.write(large(tt.rows, 10, func(int) {}), to); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d bytes; the first after %v and row %d, the last after %v; the heap grows by %.2f MB",
				to.bytes, after.Round(time.Millisecond), first, time.Since(began).Round(time.Millisecond), float64(h.grown())/1e6)
		})
	}
}

// A sheet of more than 16 MB goes through a temporary file, which does not
// stay. Where there is no place for one, the workbook is made all the same.
func TestWorkbooksThroughAFile(t *testing.T) {
	for _, tt := range []struct {
		name, under string // the test's own folder
		files       int
		most        uint64
	}{{"a file", "", 1, 40 << 20}, {"no file", "none", 0, 80 << 20}} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), tt.under)
			t.Setenv("TMPDIR", dir)
			spilled := 0
			h, to := &heap{}, &arrival{first: func() {}}
			h.look()
			table := large(2000, 20_000, func(i int) {
				if i%200 == 0 {
					h.look()
					files, _ := filepath.Glob(filepath.Join(dir, "*"))
					spilled = max(spilled, len(files))
				}
			})
			if err := table.WriteXLSX(to, nil); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d bytes; the heap grows by %.2f MB", to.bytes, float64(h.grown())/1e6)
			if spilled != tt.files {
				t.Errorf("%d temporary files, want %d", spilled, tt.files)
			}
			if h.grown() > tt.most {
				t.Errorf("the heap grows by %d bytes", h.grown())
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
				t.Errorf("temporary files stay: %q", left)
			}
		})
	}
}
