package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// dashboard is what matters of one of Grafana.
type dashboard struct {
	Panels []panel `json:"panels"`
}

type panel struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	GridPos struct {
		X, Y int
	} `json:"gridPos"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []struct {
		Expr   string `json:"expr"`
		Legend string `json:"legendFormat"`
	} `json:"targets"`
}

func readDashboard(path string) (dashboard, error) {
	var d dashboard
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		return d, fmt.Errorf("read the dashboard %s: %w", path, err)
	}
	if len(d.Panels) == 0 {
		return d, fmt.Errorf("read the dashboard %s: it has no panel", path)
	}
	return d, nil
}

// filledIn is an expression with the variables of Grafana filled in: the run is short, so
// rates are of a short time.
func filledIn(expr string) string {
	return strings.NewReplacer("$__rate_interval", "15s", "$namespace", "folio").Replace(expr)
}

// name is what a series is called in the legend: {{label}} is a label's value.
func name(legend string, labels map[string]string) string {
	for label, value := range labels {
		legend = strings.ReplaceAll(legend, "{{"+label+"}}", value)
	}
	return legend
}
