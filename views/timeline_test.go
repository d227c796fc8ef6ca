package views

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The drawing as a whole, with everything that it can show.
func TestTimelineIsDrawn(t *testing.T) {
	hostile := `"><script>alert(1)</script>` + "\u202e ليلى"
	line := Timeline{
		Finding: "3 people; most at once 2, at 10:15; 1 stayed to the end.", Quorum: "A quorum of 2 was met 10:15–10:30: 15 min in all.", More: "Bars of the first 2; the table has the other 1, too.",
		Width: 1000, Left: "24%", Span: "75%", NamesWidth: "22.5%", CurveTop: 22, CurveHeight: 90, Curve: "M0 90H0V45H250V0H500V45H1000V90Z",
		Peak: Mark{X: "42.75%", Label: "2 at 10:15", Anchor: "middle"}, QuorumLine: &Mark{Label: "quorum 2"}, Met: []Stretch{{250, 250}}, Plan: &Stretch{0, 500},
		Ticks: []Tick{{0, "24.00%", "start", "10:00", false}, {500, "61.50%", "middle", "10:30", true}}, RowHeight: 24, Panels: []TimelinePanel{{48, []TimelineRow{
			{Y: 0, Name: "Ada", Title: "Ada: 10:00:00 – still in; 1 h, 100.0 %", Bars: []Stretch{{0, 1000}}, Organizer: true, StillIn: true},
			{Y: 24, Name: hostile, Title: hostile + ": 10:15:00 – 10:30:00; 15 min, 25.0 %", Bars: []Stretch{{250, 250}}},
		}}},
		Steps: []Step{{"10:00:00", 1}, {"10:15:00", 2}, {"10:30:00", 1}},
	}
	var b bytes.Buffer
	if err := timeline(line).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/timeline.html"
	got := strings.ReplaceAll(b.String(), "><", ">\n<") + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the drawing differs from %s; look at it, and write it anew with -update:\n%s", golden, got)
	}
	doc, err := goquery.NewDocumentFromReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	if doc.Find("script, [style], style").Length() > 0 || doc.Find("figcaption").Length() != 1 || doc.Find("[role=img]").Length() != 2 {
		t.Error("a script or a style, or no caption")
	}
	if name := doc.Find(".name").Last(); name.Text() != hostile || name.AttrOr("dir", "") != "auto" {
		t.Errorf("the name is %q", name.Text())
	}
}
