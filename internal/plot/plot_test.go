package plot

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"
)

func TestADrawingIsWhole(t *testing.T) {
	p := Panel{Title: "a & b", X: Linear("x", 1, 3), Y: FromZero("y", 3), Lines: []Line{{{0, 0}, {1, 5}, {9, 1e9}}}}
	d := Drawing{Title: "t", Legend: []string{"one"}, Panels: []Panel{p}}
	if err := Check(d.SVG(), "a &amp; b", "one", "x", "y", "1,000"); err != nil {
		t.Error(err)
	}
	for name, broken := range map[string]string{
		"cut off":        d.SVG()[:len(d.SVG())/2],
		"outside":        strings.ReplaceAll(d.SVG(), "L", "L9999.0 1.0L"),
		"not a number":   strings.ReplaceAll(d.SVG(), "L", "LNaN 1.0L"),
		"without a word": strings.ReplaceAll(d.SVG(), ">one<", "><"),
		"nothing":        "<svg/>",
	} {
		if Check(broken, "one") == nil {
			t.Errorf("the check finds a drawing whole that is %s", name)
		}
	}
}

func TestALegendOfManyNamesHasRows(t *testing.T) {
	d := Drawing{Legend: []string{"a", "b", "c", "d", "e"}}
	one := d.SVG()
	d.Legend = append(d.Legend, "f")
	if two := d.SVG(); !strings.Contains(one, `height="36"`) || !strings.Contains(two, `height="56"`) || !strings.Contains(two, `y="44"`) {
		t.Errorf("%s\n%s", one, two)
	}
}

func TestAnAxisPlacesItsTicks(t *testing.T) {
	for name, c := range map[string]struct {
		axis Axis
		v    float64
		want float64
	}{
		"half of a linear one":        {Linear("", 10, 4), 20, 0.5},
		"a decade of four":            {Decades("", -2, 2), 1, 0.5},
		"zero":                        {FromZero("", 3), 0, 0},
		"one, a decade above zero":    {FromZero("", 3), 1, 0.25},
		"the top":                     {FromZero("", 3), 1000, 1},
		"beyond the top, on the edge": {FromZero("", 3), 5000, 1},
		"below the bottom":            {Decades("", 0, 2), 0.001, 0},
		"an hour of a day":            {Hours(24 * time.Hour), 3600, 1.0 / 24},
		"four of sixteen":             {Marked("", 1, 4, 16), 4, 0.5},
	} {
		if got := c.axis.place(c.v); got < c.want-1e-9 || got > c.want+1e-9 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAFlameGraphIsAsWideAsItsShares(t *testing.T) {
	svg := Flame("a <b>", []Stack{
		{[]string{"main.main", "folio/x.work", "runtime.alloc"}, 1}, {[]string{"main.main", "folio/x.work"}, 2},
		{[]string{"main.main", "folio/y.rest"}, 1}, {[]string{"main.main", "never/seen.almost"}, 0.001},
	})
	if err := CheckFlame(svg); err != nil {
		t.Error(err)
	}
	for _, broken := range []string{Flame("nothing", nil), strings.Replace(svg, `width="1200.0"`, `width="1300.0"`, 1), svg[:len(svg)-3]} {
		if CheckFlame(broken) == nil {
			t.Errorf("nobody noticed what is wrong with %.80s", broken)
		}
	}
	for _, want := range []string{
		"<title>a &lt;b&gt;</title>", "<title>main.main: 100.0 %</title>", "<title>folio/x.work: 75.0 %</title>",
		"<title>runtime.alloc: 25.0 %</title>", "<title>folio/y.rest: 25.0 %</title>", ">x.work</text>", `width="1200.0"`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is not in the drawing", want)
		}
	}
	if strings.Contains(svg, "almost") {
		t.Error("what nobody could see is drawn")
	}
	if err := xml.Unmarshal([]byte(Flame("nothing", nil)), new(struct{})); err != nil {
		t.Error(err)
	}
}
