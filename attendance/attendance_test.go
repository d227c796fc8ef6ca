package attendance

import (
	"testing"
	"time"
)

var ten = time.Date(2030, 1, 15, 10, 0, 0, 0, time.UTC)

func join(name, instance string, start time.Time, from, to int) Join {
	return Join{Name: name, InstanceKey: instance, Start: start, End: start.Add(time.Hour), Joined: start.Add(time.Duration(from) * time.Minute), Left: start.Add(time.Duration(to) * time.Minute)}
}

func TestOccurrencesAreToldApartByInstance(t *testing.T) {
	week := ten.AddDate(0, 0, 7)
	got := Occurrences([]Join{
		join("Ada", "1", ten, 0, 57), join("Ben", "2", week, 1, 20), join("Ben", "1", ten, 3, 40), join("Ben", "2", week, 25, 50),
		// A meeting reopened within the hour is another occurrence.
		join("Cleo", "3", ten.Add(30*time.Minute), 0, 5),
	})
	if len(got) != 3 || got[0].InstanceKey != "2" || got[1].InstanceKey != "3" || got[2].InstanceKey != "1" {
		t.Fatalf("occurrences = %+v", got)
	}
	if len(got[0].Joins) != 2 || len(got[2].Joins) != 2 || got[2].Joins[1].Name != "Ben" {
		t.Errorf("joins are in the wrong occurrence: %+v", got)
	}
}

func TestRowsWithoutAKeyAreToldApartByStart(t *testing.T) {
	got := Occurrences([]Join{join("Ada", "", ten, 0, 1), join("Ben", "", ten.Add(24*time.Hour), 0, 1), join("Cleo", "", ten, 0, 1)})
	if len(got) != 2 || len(got[1].Joins) != 2 {
		t.Errorf("occurrences = %+v", got)
	}
}

func TestMatchTakesTheNearestStart(t *testing.T) {
	list := Occurrences([]Join{join("a", "1", ten, 0, 1), join("b", "2", ten.Add(3*time.Minute), 0, 1)})
	for offset, want := range map[time.Duration]string{0: "1", 72 * time.Second: "1", 100 * time.Second: "2", -2 * time.Minute: "1", 5 * time.Minute: "2", -121 * time.Second: "", 6 * time.Minute: ""} {
		if got, ok := Match(list, ten.Add(offset)); got.InstanceKey != want || ok != (want != "") {
			t.Errorf("start %+v: %q, %v", offset, got.InstanceKey, ok)
		}
	}
}

func TestMinutes(t *testing.T) {
	for want, j := range map[int]Join{
		57: {Joined: ten, Left: ten.Add(57*time.Minute + 20*time.Second)},
		1:  {Joined: ten, Left: ten.Add(31 * time.Second)},
	} {
		if got := Minutes(j); got != want {
			t.Errorf("Minutes = %d, want %d", got, want)
		}
	}
	for name, j := range map[string]Join{"no leave": {Joined: ten}, "no join": {Left: ten}, "backwards": {Joined: ten, Left: ten.Add(-time.Minute)}} {
		if got := Minutes(j); got != 0 {
			t.Errorf("%s: %d", name, got)
		}
	}
}
