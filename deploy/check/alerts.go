package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// promtool runs Prometheus' own checker in a folder: the one that PROMTOOL names, or
// the one on the PATH.
func promtool(dir string, args ...string) error {
	path := os.Getenv("PROMTOOL")
	if path == "" {
		path = "promtool"
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("promtool %s: %w\n%s", strings.Join(args, " "), err, text)
	}
	return nil
}

// groups is the spec of a PrometheusRule, which is a rule file.
type groups struct {
	Groups []group `json:"groups"`
}

type group struct {
	Name  string `json:"name"`
	Rules []rule `json:"rules"`
}

type rule struct {
	Record      string            `json:"record,omitempty"`
	Alert       string            `json:"alert,omitempty"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func rulesOf(o Object) (groups, error) {
	text, err := yaml.Marshal(o.Fields["spec"])
	if err != nil {
		return groups{}, err
	}
	var g groups
	return g, yaml.UnmarshalStrict(text, &g)
}

// Alerts holds rules against Prometheus, runs the cases of a file of promtool's unit
// tests, and finds alerts that no case has fired, that nobody explains in the
// runbook, or that lack what a person needs who is woken up by them.
func Alerts(rules groups, cases, runbook string) error {
	dir, err := os.MkdirTemp("", "folio-alerts-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := write(dir, "whole.yaml", rules); err != nil {
		return err
	}
	if err := promtool(dir, "check", "rules", "whole.yaml"); err != nil {
		return err
	}
	// promtool compares annotations to the letter; the cases are about what fires
	bare := groups{}
	for _, g := range rules.Groups {
		g.Rules = slices.Clone(g.Rules)
		for i := range g.Rules {
			g.Rules[i].Annotations = nil
		}
		bare.Groups = append(bare.Groups, g)
	}
	if err := write(dir, "rules.yaml", bare); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "cases.yaml"), []byte(cases), 0o600); err != nil {
		return err
	}
	if err := promtool(dir, "test", "rules", "cases.yaml"); err != nil {
		return err
	}
	return explained(rules, cases, runbook)
}

func write(dir, name string, v any) error {
	text, err := yaml.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), text, 0o600)
}

// explained finds alerts that nothing fires in the cases, or that are not explained.
func explained(rules groups, cases, runbook string) error {
	var file struct {
		Tests []struct {
			Cases []struct {
				Alertname string           `json:"alertname"`
				Alerts    []map[string]any `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		} `json:"tests"`
	}
	if err := yaml.Unmarshal([]byte(cases), &file); err != nil {
		return fmt.Errorf("read the cases of alerts: %w", err)
	}
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, t := range file.Tests {
		for _, c := range t.Cases {
			fires[c.Alertname] = fires[c.Alertname] || len(c.Alerts) > 0
			quiet[c.Alertname] = quiet[c.Alertname] || len(c.Alerts) == 0
		}
	}
	var errs []error
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			anchor := "docs/alerts.md#" + strings.ToLower(r.Alert)
			switch {
			case !fires[r.Alert] || !quiet[r.Alert]:
				errs = append(errs, fmt.Errorf("alert %s: want a case in which it fires and one in which it does not", r.Alert))
			case !strings.Contains(runbook, "\n### "+r.Alert+"\n"):
				errs = append(errs, fmt.Errorf("alert %s: docs/alerts.md does not say what to do", r.Alert))
			case r.Annotations["runbook"] != anchor || r.Annotations["summary"] == "" || r.Labels["severity"] == "":
				errs = append(errs, fmt.Errorf("alert %s: want a summary, a severity, and %s as its runbook", r.Alert, anchor))
			}
		}
	}
	return errors.Join(errs...)
}

// Dashboard has Prometheus read every expression of a Grafana dashboard.
func Dashboard(text []byte) error {
	var all struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("read the dashboard: %w", err)
	}
	g := group{Name: "dashboard"}
	for _, p := range all.Panels {
		for _, t := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$namespace", "folio").Replace(t.Expr)
			g.Rules = append(g.Rules, rule{Record: fmt.Sprintf("folio:dashboard:%d", len(g.Rules)), Expr: expr})
		}
	}
	if len(g.Rules) == 0 {
		return errors.New("the dashboard asks for nothing")
	}
	dir, err := os.MkdirTemp("", "folio-dashboard-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := write(dir, "rules.yaml", groups{Groups: []group{g}}); err != nil {
		return err
	}
	return promtool(dir, "check", "rules", "rules.yaml")
}
