package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"folio/internal/plot"
)

// mostLines is how many lines a panel shows.
const mostLines = 8

// draw asks for every panel and draws it where the dashboard has it.
func (d dashboard) draw(ctx context.Context, p prometheus, from, to time.Time) (string, error) {
	panels := slices.Clone(d.Panels)
	slices.SortStableFunc(panels, func(a, b panel) int {
		return cmp.Or(cmp.Compare(a.GridPos.Y, b.GridPos.Y), cmp.Compare(a.GridPos.X, b.GridPos.X))
	})
	board := plot.Board{Title: "folio's dashboard, on data of a run"}
	drawn := 0
	for _, one := range panels {
		if one.Type == "row" {
			board.Sections = append(board.Sections, plot.Section{Title: one.Title})
			continue
		}
		c, err := one.draw(ctx, p, from, to)
		if err != nil {
			return "", err
		}
		drawn += len(c.Lines)
		last := &board.Sections[len(board.Sections)-1]
		last.Cells = append(last.Cells, c)
	}
	if drawn == 0 {
		return "", errors.New("there is no data for any panel in Prometheus")
	}
	return board.SVG(), nil
}

func (one panel) draw(ctx context.Context, p prometheus, from, to time.Time) (plot.Cell, error) {
	c := plot.Cell{Panel: plot.Panel{Title: one.Title, X: plot.Hours(to.Sub(from).Round(time.Minute))}}
	most, names := 0.0, 0
	for _, t := range one.Targets {
		all, err := p.between(ctx, filledIn(t.Expr), from, to)
		if err != nil {
			return c, fmt.Errorf("panel %q: %w", one.Title, err)
		}
		slices.SortFunc(all, func(a, b series) int { return cmp.Compare(name(t.Legend, a.labels), name(t.Legend, b.labels)) })
		for _, s := range all {
			if names++; names > mostLines {
				continue
			}
			line := plot.Line{}
			for i, at := range s.at {
				if i > 0 && at-s.at[i-1] > 1.5*step.Seconds() { // there was nothing in between
					line = append(line, plot.Point{X: at, Y: math.NaN()})
				}
				value := s.value[i] / scale(one.FieldConfig.Defaults.Unit)
				line = append(line, plot.Point{X: at - float64(from.UnixMilli())/1000, Y: value})
				most = max(most, value)
			}
			c.Lines, c.Legend = append(c.Lines, line), append(c.Legend, name(t.Legend, s.labels))
		}
	}
	if names == 0 {
		c.Title += " (nothing happened)"
	}
	if names > mostLines {
		c.Title += fmt.Sprintf(" (%d of %d)", mostLines, names)
	}
	c.Y = plot.Fitted("", most, unit(one.FieldConfig.Defaults.Unit))
	return c, nil
}

// scale is what values of one of Grafana's units are drawn in, so that ticks are round.
func scale(unit string) float64 {
	if unit == "bytes" {
		return 1 << 20
	}
	return 1
}

// unit returns how values of one of Grafana's units are written.
func unit(name string) func(float64) string {
	plain := func(v float64) string {
		switch {
		case v >= 1e6:
			return text(v/1e6) + "M"
		case v >= 1e4:
			return text(v/1e3) + "k"
		}
		return text(v)
	}
	switch name {
	case "s":
		return func(v float64) string {
			if v > 0 && v < 1 {
				return text(v*1000) + " ms"
			}
			return plain(v) + " s"
		}
	case "percentunit":
		return func(v float64) string { return text(v*100) + " %" }
	case "bytes":
		return func(v float64) string { return text(v) + " MiB" } // see scale
	case "reqps", "ops":
		return func(v float64) string { return plain(v) + "/s" }
	}
	return plain
}

func text(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
