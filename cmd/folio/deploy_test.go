package main

import (
	"bytes"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// deployed returns the text of every file below deploy/k8s and deploy/grafana, or of
// those with the given names only.
func deployed(t *testing.T, only ...string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, dir := range []string{"../../deploy/k8s", "../../deploy/grafana"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || only != nil && !slices.Contains(only, d.Name()) {
				return err
			}
			text, err := os.ReadFile(path)
			files[path] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// unknownNames are the names in the files that a pattern finds and known has not.
func unknownNames(files map[string]string, pattern string, known func(string) bool) []string {
	var unknown []string
	for path, text := range files {
		for _, name := range regexp.MustCompile(pattern).FindAllString(text, -1) {
			if !known(name) {
				unknown = append(unknown, path+": "+name)
			}
		}
	}
	slices.Sort(unknown)
	return slices.Compact(unknown)
}

// counted are the families of metrics of a replica that is wired and has answered a
// request, and those of the audit as docs/metrics.md lists them: there is none yet. That
// the list is right internal/endtoend sees to, with real replicas.
func counted(t *testing.T) string {
	t.Helper()
	c := &serveCmd{PodName: "pod"}
	c.DatabaseURL, c.EtcdEndpoints = "postgres://127.0.0.1:1/folio", []string{"127.0.0.1:1"}
	r, err := c.wire(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	r.public.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/openapi.yaml", nil))
	answer := httptest.NewRecorder()
	r.ops.Handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	list, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	all := answer.Body.String()
	for _, m := range regexp.MustCompile("(?m)^[|] `(folio_audit_[a-z_]+)` [|] ([a-z]+) [|]").FindAllStringSubmatch(string(list), -1) {
		all += "# TYPE " + m[1] + " " + m[2] + "\n"
	}
	return all
}

func TestAlertsAndTheDashboardSpeakOfWhatAReplicaCounts(t *testing.T) {
	metrics := counted(t)
	known := func(name string) bool {
		family := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		return strings.Contains(metrics, "# TYPE "+name+" ") || strings.Contains(metrics, "# TYPE "+family+" histogram")
	}
	const pattern = `\b(folio|process|go)_[a-z_]+\b`
	for _, name := range unknownNames(deployed(t, "rules.yaml", "folio.json"), pattern, known) {
		t.Errorf("no replica counts %s", name)
	}
	planted := map[string]string{"x": "rate(folio_nonsense_total[5m]) + folio_numbers_spent_total + folio_http_request_duration_seconds_bucket + folio_numbers_left_bucket"}
	if got := unknownNames(planted, pattern, known); !slices.Equal(got, []string{"x: folio_nonsense_total", "x: folio_numbers_left_bucket"}) {
		t.Errorf("of planted names %v are told", got)
	}
}

func TestManifestsSetWhatFolioKnows(t *testing.T) {
	var help bytes.Buffer
	for _, command := range []string{"serve", "migrate", "guard"} {
		if status := run(t.Context(), []string{command, "--help"}, &help, io.Discard); status != 0 {
			t.Fatalf("folio %s --help: %d", command, status)
		}
	}
	known := func(name string) bool { return strings.Contains(help.String(), "$"+name+")") }
	const pattern = `\b(FOLIO_[A-Z_]+[A-Z]|POD_NAME|NODE_NAME)\b`
	for _, name := range unknownNames(deployed(t), pattern, known) {
		t.Errorf("folio has no setting %s", name)
	}
	planted := map[string]string{"x": "FOLIO_LISTEN=:1 FOLIO_LISTENS=:2"}
	if got := unknownNames(planted, pattern, known); !slices.Equal(got, []string{"x: FOLIO_LISTENS"}) {
		t.Errorf("of planted names %v are told", got)
	}
}
