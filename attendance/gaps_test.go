package attendance

import (
	"testing"
	"time"
)

func TestOccurrencesWithGaps(t *testing.T) {
	t.Run("times from the joins", func(t *testing.T) {
		a, b := join("Ada", "7", ten, 5, 20), join("Bo", "7", ten, 2, 50)
		a.Start, a.End, b.Start, b.End = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		o := Occurrences([]Join{a, b, {Name: "Cy", InstanceKey: "7"}})[0]
		if !o.Start.Equal(ten.Add(2*time.Minute)) || !o.End.Equal(ten.Add(50*time.Minute)) {
			t.Errorf("got %v to %v", o.Start, o.End)
		}
	})
	t.Run("told by a later row", func(t *testing.T) {
		a, b := join("Ada", "7", ten, 5, 20), join("Bo", "7", ten, 2, 50)
		a.Start, a.End = time.Time{}, time.Time{}
		if o := Occurrences([]Join{a, b})[0]; !o.Start.Equal(ten) || !o.End.Equal(ten.Add(time.Hour)) {
			t.Errorf("got %v to %v", o.Start, o.End)
		}
	})
	t.Run("nothing known", func(t *testing.T) {
		got := Occurrences([]Join{{Name: "Ada"}})
		if len(got) != 1 || !got[0].Start.IsZero() {
			t.Errorf("got %+v", got)
		}
		if o, ok := Match(got, time.Time{}); ok {
			t.Errorf("a start that is not known matches %+v", o)
		}
	})
	if got := Occurrences(nil); len(got) != 0 {
		t.Errorf("no joins make %v", got)
	}
}
