package plot

import (
	"math"
	"strings"
	"testing"
)

func TestABoardHasEachPanelWithItsLegend(t *testing.T) {
	cell := func(name string) Cell {
		return Cell{Panel{Title: "of " + name, X: Linear("x", 1, 3), Y: Fitted("y", 7, short), Lines: []Line{{{0, 0}, {1, 5}}}}, []string{name, "more", "yet more"}}
	}
	b := Board{Title: "t", Sections: []Section{{"first", []Cell{cell("a"), cell("b"), cell("c"), cell("d")}}, {"second", []Cell{cell("e")}}}}
	svg := b.SVG()
	if err := Check(svg, "first", "second", "of a", "of e", "a", "d", "yet more", "8"); err != nil {
		t.Error(err)
	}
	// two rows of panels under the first title, and one under the second
	if want := `height="1016"`; !strings.Contains(svg, want) {
		t.Errorf("want %s in:\n%s", want, svg[:200])
	}
}

func TestALineIsBrokenWhereThereIsNothing(t *testing.T) {
	p := Panel{X: Linear("x", 1, 3), Y: Linear("y", 1, 3)}
	whole, broken := p.path(Line{{0, 0}, {1, 1}, {2, 2}}), p.path(Line{{0, 0}, {1, 1}, {1, math.NaN()}, {2, 2}})
	if strings.Count(whole, "M") != 1 || strings.Count(broken, "M") != 2 || strings.Contains(broken, "NaN") {
		t.Errorf("%s\n%s", whole, broken)
	}
}

func TestAFittedAxisEndsAtARoundValue(t *testing.T) {
	for most, want := range map[float64]float64{0: 1, 1: 1, 7: 8, 0.033: 0.04, 1234: 1250, 5e6: 5e6, 11: 12.5} {
		a := Fitted("", most, short)
		if diff := a.to - want; diff > 1e-9 || diff < -1e-9 {
			t.Errorf("up to %v: the axis ends at %v, want %v", most, a.to, want)
		}
		if len(a.ticks) > 6 {
			t.Errorf("up to %v: %d ticks", most, len(a.ticks))
		}
	}
}
