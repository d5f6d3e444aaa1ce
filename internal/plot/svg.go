// Package plot draws lines in panels as SVG: the drawings of docs/performance.md. It
// stands on the standard library.
package plot

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
)

// The measures of a drawing, in its own units.
const (
	panelWidth, panelHeight  = 440, 260
	left, right, top, bottom = 64, 24, 36, 48
	legendHeight             = 36 // of one row
	legendRow, legendColumns = 20, 5
	columns                  = 2
)

// Colours that people with any kind of sight tell apart, and dashes besides.
var styles = [...]struct{ colour, dash string }{
	{"#0072B2", ""},
	{"#D55E00", "7 3"},
	{"#009E73", "2 2"},
	{"#AA4499", "9 3 2 3"},
	{"#E69F00", "4 4"},
	{"#56B4E9", "12 3"},
	{"#666666", "1 3"},
	{"#882255", "7 3 2 3 2 3"},
	{"#117733", "3 6"},
	{"#000000", ""},
}

// Panel is one frame with its lines. The n-th line of each panel of a drawing
// belongs to the n-th name of its legend.
type Panel struct {
	Title string
	X, Y  Axis
	Lines []Line
}

// Line is drawn from point to point; one whose Y is not a number breaks it.
type Line []Point

// Point lies where the axes of its panel say.
type Point struct{ X, Y float64 }

// Drawing is panels side by side under one legend, on white: legible whatever
// the colour of the page.
type Drawing struct {
	Title  string
	Legend []string
	Panels []Panel
}

// SVG returns the text of the drawing.
func (d Drawing) SVG() string {
	rows := (len(d.Panels) + columns - 1) / columns
	legend := legendHeight + legendRow*((len(d.Legend)-1)/legendColumns)
	width, height := columns*panelWidth, rows*panelHeight+legend
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="#222">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", escape(d.Title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	d.writeLegend(&b, width)
	for i, p := range d.Panels {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%columns*panelWidth, legend+i/columns*panelHeight)
		p.write(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (d Drawing) writeLegend(b *strings.Builder, width int) {
	for i, name := range d.Legend {
		x, y := left+i%legendColumns*(width-left)/min(len(d.Legend), legendColumns), 20+legendRow*(i/legendColumns)
		fmt.Fprintf(b, `<path d="M0 0h28" transform="translate(%d %d)" %s/>`+"\n", x, y, stroke(i))
		fmt.Fprintf(b, `<text x="%d" y="%d" font-size="13">%s</text>`+"\n", x+36, y+4, escape(name))
	}
}

func (p Panel) write(b *strings.Builder) {
	fmt.Fprintf(b, `<text x="%d" y="%d" font-size="14" font-weight="600">%s</text>`+"\n", left, top-12, escape(p.Title))
	for _, t := range p.X.ticks {
		x := p.across(t.at)
		fmt.Fprintf(b, `<path d="M%.1f %dV%d" stroke="#e4e4e4"/>`, x, top, panelHeight-bottom)
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x, panelHeight-bottom+17, t.label)
	}
	for _, t := range p.Y.ticks {
		y := p.down(t.at)
		fmt.Fprintf(b, `<path d="M%d %.1fH%d" stroke="#e4e4e4"/>`, left, y, panelWidth-right)
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left-7, y+4, t.label)
	}
	fmt.Fprintf(b, `<path d="M%d %dV%dH%d" fill="none" stroke="#555"/>`+"\n", left, top, panelHeight-bottom, panelWidth-right)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+panelWidth-right)/2, panelHeight-bottom+35, escape(p.X.label))
	fmt.Fprintf(b, `<text transform="translate(14 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (top+panelHeight-bottom)/2, escape(p.Y.label))
	// The first line is the one the drawing is about: it lies on top.
	for i := len(p.Lines) - 1; i >= 0; i-- {
		fmt.Fprintf(b, `<path d="%s" %s/>`+"\n", p.path(p.Lines[i]), stroke(i))
	}
}

func (p Panel) path(l Line) string {
	var b strings.Builder
	step := "M"
	for _, pt := range l {
		if math.IsNaN(pt.Y) {
			step = "M"
			continue
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", step, p.across(pt.X), p.down(pt.Y))
		step = "L"
	}
	return b.String()
}

func (p Panel) across(v float64) float64 { return left + p.X.place(v)*(panelWidth-left-right) }

func (p Panel) down(v float64) float64 {
	return panelHeight - bottom - p.Y.place(v)*(panelHeight-top-bottom)
}

func stroke(i int) string {
	s := styles[i%len(styles)]
	dash := ""
	if s.dash != "" {
		dash = fmt.Sprintf(` stroke-dasharray="%s"`, s.dash)
	}
	return fmt.Sprintf(`fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round"%s`, s.colour, dash)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}
