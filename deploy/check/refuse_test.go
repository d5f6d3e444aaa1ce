package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// planted renders dev with one piece of text of one object replaced.
func planted(t *testing.T, kind, name, old, with string) []Object {
	t.Helper()
	return plantedIn(t, k8s+"overlays/dev", kind, name, old, with)
}

func plantedIn(t *testing.T, dir, kind, name, old, with string) []Object {
	t.Helper()
	all := render(t, dir)
	for i, o := range all {
		if o.Kind != kind || !strings.HasPrefix(o.Name, name) {
			continue
		}
		if !strings.Contains(string(o.Text), old) {
			t.Fatalf("%s has no %q to replace:\n%s", o, old, o.Text)
		}
		var err error
		if all[i], err = parse([]byte(strings.Replace(string(o.Text), old, with, 1))); err != nil {
			t.Fatal(err)
		}
		return all
	}
	t.Fatalf("%s has no %s %s", dir, kind, name)
	return nil
}

func TestAFolderThatNamesAMissingFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte("resources: [missing.yaml]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Render(dir)
	refuses(t, err, "missing.yaml")
}

func TestAnObjectThatItsKindDoesNotAllowIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a field that is spelled wrong": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {terminationGracePeriod: 5}}}", "terminationGracePeriod"},
		"a number where text belongs":   {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: 5}", "cannot unmarshal number"},
		"an old version of a kind":      {"apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}", "no schema"},
		"a kind nobody knows":           {"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}", "no schema"},
		"a monitor without a selector":  {"apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: x}\nspec: {endpoints: []}", "selector"},
		"a monitor's unknown field":     {"apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: x}\nspec: {selector: {}, endpoints: [{prot: ops}]}", "prot"},
		"a rule that is no list":        {"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: x}\nspec: {groups: [{name: a, rules: {}}]}", "rules"},
		"a route of a wrong match":      {"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: x}\nspec: {rules: [{matches: [{path: {type: Prefix, value: /}}]}]}", "type"},
		"a certificate without issuer":  {"apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: x}\nspec: {secretName: x}", "issuerRef"},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parse([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			refuses(t, Strict(o), c.want)
		})
	}
}

func TestWhatObjectsTogetherGetWrongIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ kind, object, old, with, want string }{
		"a root that may be written to the host":    {"Deployment", "folio", "runAsNonRoot: true", "runAsNonRoot: false", "restricted profile"},
		"a token":                                   {"Deployment", "folio", "automountServiceAccountToken: false", "automountServiceAccountToken: true", "bear a token"},
		"a grace period shorter than the drain":     {"Deployment", "folio", "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 30", "grace period is 30s"},
		"a drain longer than the grace period":      {"ConfigMap", "folio", "FOLIO_SHUTDOWN_TIMEOUT: 25s", "FOLIO_SHUTDOWN_TIMEOUT: 50s", "grace period"},
		"a variable of an argument that is not set": {"StatefulSet", "etcd", "- --name=$(POD_NAME)", "- --name=$(POD)", "$(POD), which is not set"},
		"a variable that is set too late":           {"StatefulSet", "etcd", "- name: POD_NAME\n          valueFrom", "- name: AHEAD\n          value: x$(POD_NAME)\n        - name: POD_NAME\n          valueFrom", "AHEAD of container etcd"},
		"a Secret that nobody makes":                {"Deployment", "folio", "secretName: folio-database", "secretName: another", "Secret/another"},
		"a password that is that of the start":      {"Deployment", "folio", "- name: FOLIO_DATABASE_URL_FILE\n          value: /etc/folio/database/url", "- name: FOLIO_DATABASE_URL\n          valueFrom:\n            secretKeyRef:\n              key: url\n              name: folio-database", "FOLIO_DATABASE_URL of container folio stays that of the start"},
		"a file that is that of the start":          {"Deployment", "folio", "- mountPath: /etc/folio/database", "- subPath: url\n          mountPath: /etc/folio/database", "mount it without a subPath"},
		"a Service that reaches no pod":             {"Service", "folio", "selector:\n    app.kubernetes.io/name: folio", "selector:\n    app.kubernetes.io/name: floio", "matches no pod"},
		"a budget for other pods":                   {"PodDisruptionBudget", "etcd", "matchLabels:\n      app.kubernetes.io/name: etcd", "matchLabels:\n      app.kubernetes.io/name: etc", "matches no pod"},
		"a policy for other pods":                   {"NetworkPolicy", "folio", "podSelector:\n    matchLabels:\n      app.kubernetes.io/name: folio", "podSelector:\n    matchLabels:\n      app.kubernetes.io/name: f", "matches no pod"},
		"a capability that is kept, of a CronJob":   {"CronJob", "etcd-defragment", "- ALL", "- CHOWN", "restricted profile"},
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, Sound(planted(t, c.kind, c.object, c.old, c.with)), c.want)
		})
	}
}

func TestACollectorThatIsNotReachedIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ kind, old, with, want string }{
		"another port":                     {"NetworkPolicy", "port: 4318", "port: 4317", "does not let it reach"},
		"another namespace":                {"Deployment", "otel-collector.observability", "otel-collector.tracing", "does not let it reach"},
		"an address that names no Service": {"Deployment", "http://otel-collector.observability:4318", "otel-collector", "want http://"},
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, Sound(plantedIn(t, "testdata/traced", c.kind, "folio", c.old, c.with), madeOutside...), c.want)
		})
	}
}

func TestKubeScoreIsHeard(t *testing.T) {
	for name, c := range map[string]struct{ old, with, want string }{
		"no limit of memory":     {"            memory: 512Mi", "            cpu: 4", "Memory limit is not set"},
		"a root that is written": {"readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "writable root filesystem"},
		"the newest image":       {"image: localhost/folio:dev", "image: localhost/folio:latest", "latest"},
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, Score(planted(t, "Deployment", "folio", c.old, c.with)), c.want)
		})
	}
}

// changed returns the rules with one alert changed.
func changed(t *testing.T, rules groups, alert string, change func(*rule)) groups {
	t.Helper()
	for _, g := range rules.Groups {
		for i := range g.Rules {
			if g.Rules[i].Alert == alert {
				change(&g.Rules[i])
				return rules
			}
		}
	}
	t.Fatalf("no alert %s", alert)
	return rules
}

func TestAnAlertThatDoesNotDoItsWorkIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		alert  string
		change func(*rule)
		want   string
	}{
		"an expression that is none": {"FolioSlow", func(r *rule) { r.Expr = "rate(x[5m" }, "unclosed"},
		"one that never fires":       {"FolioRestarts", func(r *rule) { r.Expr += "000" }, "FAILED"},
		"one that always fires":      {"EtcdQuota", func(r *rule) { r.Expr = strings.Replace(r.Expr, "> 0.7", "> 0", 1) }, "FAILED"},
		"one that fires too late":    {"FolioGone", func(r *rule) { r.For = "1h" }, "FAILED"},
		"a new one without a case":   {"FolioMemory", func(r *rule) { r.Alert = "FolioNew" }, "FAILED"},
		"a runbook elsewhere":        {"FolioMemory", func(r *rule) { r.Annotations["runbook"] = "docs/x.md" }, "as its runbook"},
		"a text that is no template": {"FolioMemory", func(r *rule) { r.Annotations["summary"] = "{{ $value" }, "summary"},
	} {
		t.Run(name, func(t *testing.T) {
			rules, cases, runbook := alerts(t)
			refuses(t, Alerts(changed(t, rules, c.alert, c.change), cases, runbook), c.want)
		})
	}
	t.Run("one that no case fires", func(t *testing.T) {
		rules, cases, runbook := alerts(t)
		refuses(t, explained(rules, strings.ReplaceAll(cases, "FolioSlow", "FolioX"), runbook), "alert FolioSlow: want a case")
	})
	t.Run("one that nobody explains", func(t *testing.T) {
		rules, cases, runbook := alerts(t)
		refuses(t, explained(rules, cases, strings.ReplaceAll(runbook, "### FolioSlow\n", "")), "does not say what to do")
	})
}

func TestADashboardThatPrometheusDoesNotReadIsRefused(t *testing.T) {
	refuses(t, Dashboard([]byte(strings.Replace(read(t, "../grafana/folio.json"), "sum by (code)", "sum by code", 1))), "promtool")
	refuses(t, Dashboard([]byte(`{"panels": []}`)), "asks for nothing")
}
