package check

import (
	"os"
	"strings"
	"testing"
)

const k8s = "../k8s/"

// overlay is what is applied together, and what of it is made outside.
type overlay struct {
	dirs    []string
	outside []string
}

// madeOutside of production: by whoever runs Postgres, and by cert-manager.
var madeOutside = []string{
	"Secret/folio-database",
	"Secret/etcd-server-tls", "Secret/etcd-peer-tls", "Secret/etcd-root-tls", "Secret/folio-etcd-tls",
}

var overlays = map[string]overlay{
	"dev":        {dirs: []string{k8s + "overlays/dev"}},
	"chaos":      {dirs: []string{k8s + "overlays/chaos"}},
	"production": {dirs: []string{k8s + "overlays/production"}, outside: madeOutside},
	"traced":     {dirs: []string{"testdata/traced"}, outside: madeOutside},
	"guarded":    {dirs: []string{k8s + "overlays/production", k8s + "etcd/guard"}, outside: madeOutside},
}

func render(t *testing.T, dir string) []Object {
	t.Helper()
	all, err := Render(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("%s renders to nothing", dir)
	}
	return all
}

// eachOverlay runs a test of each.
func eachOverlay(t *testing.T, f func(t *testing.T, all []Object, outside []string)) {
	for name, o := range overlays {
		var all []Object
		for _, dir := range o.dirs {
			all = append(all, render(t, dir)...)
		}
		t.Run(name, func(t *testing.T) { f(t, all, o.outside) })
	}
}

func TestEachObjectIsWhatItsKindAsksFor(t *testing.T) {
	eachOverlay(t, func(t *testing.T, all []Object, _ []string) {
		for _, o := range all {
			if err := Strict(o); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestEachOverlayIsSound(t *testing.T) {
	eachOverlay(t, func(t *testing.T, all []Object, outside []string) {
		if err := Sound(all, outside...); err != nil {
			t.Error(err)
		}
	})
}

func TestKubeScoreHasNothingCriticalToSay(t *testing.T) {
	eachOverlay(t, func(t *testing.T, all []Object, _ []string) {
		if err := Score(all); err != nil {
			t.Error(err)
		}
	})
}

// alerts returns the rules, the cases and the runbook.
func alerts(t *testing.T) (groups, string, string) {
	t.Helper()
	for _, o := range render(t, k8s+"overlays/production") {
		if o.Kind != "PrometheusRule" {
			continue
		}
		rules, err := rulesOf(o)
		if err != nil {
			t.Fatal(err)
		}
		return rules, read(t, "alerts_test.yaml"), read(t, "../../docs/alerts.md")
	}
	t.Fatal("production has no PrometheusRule")
	return groups{}, "", ""
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEachAlertFiresWhenItMustAndIsExplained(t *testing.T) {
	rules, cases, runbook := alerts(t)
	if err := Alerts(rules, cases, runbook); err != nil {
		t.Error(err)
	}
}

func TestPrometheusReadsEveryExpressionOfTheDashboard(t *testing.T) {
	if err := Dashboard([]byte(read(t, "../grafana/folio.json"))); err != nil {
		t.Error(err)
	}
}

// refuses shows that err is there and says what is wrong.
func refuses(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an error with %q", err, want)
	}
}
