package plot

import (
	"fmt"
	"strings"
)

// The measures of a board beyond those of a panel.
const (
	boardColumns = 3
	sectionTitle = 44
	namesInRow   = 2
	longestName  = 22 // of two beside each other
	nameHeight   = 18
)

// Board is a dashboard: panels under titles, three side by side, each with a legend of
// its own.
type Board struct {
	Title    string
	Sections []Section
}

// Section is the panels under one title.
type Section struct {
	Title string
	Cells []Cell
}

// Cell is a panel and the names of its lines.
type Cell struct {
	Panel
	Legend []string
}

// SVG returns the text of the board.
func (b Board) SVG() string {
	var body strings.Builder
	y := 10
	for _, s := range b.Sections {
		fmt.Fprintf(&body, `<text x="20" y="%d" font-size="19" font-weight="600">%s</text>`+"\n", y+28, escape(s.Title))
		fmt.Fprintf(&body, `<path d="M20 0h%d" transform="translate(0 %d)" stroke="#999"/>`+"\n", boardColumns*panelWidth-40, y+38)
		y += sectionTitle
		for len(s.Cells) > 0 {
			row := s.Cells[:min(boardColumns, len(s.Cells))]
			s.Cells = s.Cells[len(row):]
			height := 0
			for i, c := range row {
				fmt.Fprintf(&body, `<g transform="translate(%d %d)">`+"\n", i*panelWidth, y)
				c.write(&body)
				height = max(height, c.writeNames(&body))
				body.WriteString("</g>\n")
			}
			y += panelHeight + height
		}
	}
	width := boardColumns * panelWidth
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="12" fill="#222">`+
		"\n<title>%s</title>\n"+`<rect width="%d" height="%d" fill="#fff"/>`+"\n%s</svg>\n", width, y, width, y, escape(b.Title), width, y, body.String())
}

// writeNames writes the legend below the panel and returns its height.
func (c Cell) writeNames(b *strings.Builder) int {
	inRow := namesInRow
	for _, name := range c.Legend {
		if len(name) > longestName {
			inRow = 1
		}
	}
	for i, name := range c.Legend {
		x, y := left+i%inRow*(panelWidth-left-right)/inRow, panelHeight+nameHeight*(i/inRow)
		fmt.Fprintf(b, `<path d="M0 0h24" transform="translate(%d %d)" %s/>`, x, y, stroke(i))
		fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`+"\n", x+30, y+4, escape(name))
	}
	return nameHeight*((len(c.Legend)+inRow-1)/inRow) + 10
}

// Fitted is an axis from 0 to the first round value that is not below most, with at most
// six ticks that write says how to label.
func Fitted(label string, most float64, write func(float64) string) Axis {
	if !(most > 0) {
		most = 1
	}
	step := roundUp(most / 5)
	steps := 1
	for float64(steps)*step < most*0.9999 {
		steps++
	}
	a := Axis{label: label, to: step * float64(steps)}
	for i := range steps + 1 {
		a.ticks = append(a.ticks, tick{step * float64(i), write(step * float64(i))})
	}
	return a
}

// roundUp returns the first of 1, 2, 2.5 and 5 times a power of ten that is not below v.
func roundUp(v float64) float64 {
	decade := 1.0
	for ; decade < v; decade *= 10 {
	}
	for ; decade/10 >= v; decade /= 10 {
	}
	for _, part := range []float64{0.1, 0.2, 0.25, 0.5} {
		if decade*part >= v {
			return decade * part
		}
	}
	return decade
}
