package plot

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Stack is a stack of calls, the outermost first, and what was spent in it.
type Stack struct {
	Calls  []string
	Weight float64
}

// call is a node of the tree of stacks.
type call struct {
	weight float64
	inner  map[string]*call
}

func (c *call) add(s Stack) {
	c.weight += s.Weight
	if len(s.Calls) == 0 {
		return
	}
	if c.inner == nil {
		c.inner = make(map[string]*call)
	}
	next := c.inner[s.Calls[0]]
	if next == nil {
		next = &call{}
		c.inner[s.Calls[0]] = next
	}
	next.add(Stack{s.Calls[1:], s.Weight})
}

// deepest is how many calls lie in each other, as far as they are drawn.
func (c *call) deepest(least float64) (depth int) {
	for _, inner := range c.inner {
		if inner.weight >= least {
			depth = max(depth, 1+inner.deepest(least))
		}
	}
	return depth
}

// The measures of a flame graph.
const (
	flameWidth = 1200
	flameRow   = 17
	flameLeast = 0.002 // share of all below which a call is left out
)

// Flame draws stacks as a flame graph, after Brendan Gregg: a call lies on its caller, as
// wide as its share of all; beside each other they stand in the order of their names. The
// share is in the title of each, which browsers show under the pointer.
func Flame(title string, stacks []Stack) string {
	var root call
	for _, s := range stacks {
		root.add(s)
	}
	height := flameRow * (root.deepest(flameLeast*root.weight) + 3)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="11" fill="#222">`+"\n", flameWidth, height, flameWidth, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", escape(title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", flameWidth, height)
	fmt.Fprintf(&b, `<text x="8" y="14" font-size="14" font-weight="600">%s</text>`+"\n", escape(title))
	if root.weight > 0 {
		root.write(&b, root.weight, 0, height-flameRow)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// write writes what lies on c, whose left end is at share from of all.
func (c *call) write(b *strings.Builder, all, from float64, y int) {
	for _, name := range slices.Sorted(maps.Keys(c.inner)) {
		inner := c.inner[name]
		share := inner.weight / all
		if share >= flameLeast {
			x, width := from*flameWidth, share*flameWidth
			fmt.Fprintf(b, `<g><title>%s: %.1f %%</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s" stroke="#fff" stroke-width="0.5"/>`,
				escape(name), 100*share, x, y, width, flameRow-1, flameColour(name))
			if text := clipped(name, width); text != "" {
				fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`, x+3, y+12, escape(text))
			}
			b.WriteString("</g>\n")
			inner.write(b, all, from, y-flameRow)
		}
		from += share
	}
}

// clipped is as much of a function's name, without its folders, as fits a width.
func clipped(name string, width float64) string {
	if i := strings.LastIndex(strings.SplitN(name, "[", 2)[0], "/"); i >= 0 {
		name = name[i+1:]
	}
	switch most := int((width - 6) / 6.2); {
	case len(name) <= most:
		return name
	case most < 4:
		return ""
	default:
		return name[:most-1] + "…"
	}
}

// flameColour tells whose code a function is: folio's, JSON, Postgres' driver, HTTP, the
// runtime, the kernel's door, or another's.
func flameColour(name string) string {
	for _, c := range []struct{ prefix, colour string }{
		{"folio/", "#56B4E9"}, {"github.com/go-json-experiment", "#E69F00"}, {"encoding/json", "#E69F00"}, {"github.com/lib/pq", "#8FD19E"},
		{"database/sql", "#8FD19E"}, {"net/http", "#F0E08A"}, {"runtime", "#D0D0D0"}, {"internal/runtime", "#D0D0D0"}, {"syscall", "#C8A2C8"},
		{"internal/poll", "#C8A2C8"},
	} {
		if strings.HasPrefix(name, c.prefix) {
			return c.colour
		}
	}
	return "#E8D5C4"
}
