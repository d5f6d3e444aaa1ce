package endtoend

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"folio/internal/devcluster"
)

// figures are what replicas showed, at most, of each series of each metric.
type figures struct {
	families map[string]*dto.MetricFamily // as they were last seen
	most     map[string]float64           // by name{label="value",…}; of a histogram how many were observed
}

// look adds what a listener shows; it must be as Prometheus' conventions ask.
func (f *figures) look(t *testing.T, url string) {
	t.Helper()
	text := getText(t, url+"/metrics")
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "folio_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if f.families == nil {
		f.families, f.most = make(map[string]*dto.MetricFamily), make(map[string]float64)
	}
	for name, family := range families {
		f.families[name] = family
		for _, m := range family.Metric {
			at := name + labelsOf(m)
			f.most[at] = max(f.most[at], valueOf(m))
		}
	}
}

func getText(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t, 10*time.Second), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", url, answer.StatusCode, err)
	}
	return text
}

// lookAll looks at every replica that runs.
func (f *figures) lookAll(t *testing.T, c *devcluster.Cluster) {
	t.Helper()
	for _, r := range c.Replicas {
		if r.Running() {
			f.look(t, r.OpsURL())
		}
	}
}

// of is the most that was seen of any series whose name, with its labels, begins so.
func (f *figures) of(begin string) (most float64) {
	most = math.Inf(-1)
	for at, v := range f.most {
		if strings.HasPrefix(at, begin) {
			most = max(most, v)
		}
	}
	return most
}

func labelsOf(m *dto.Metric) string {
	var all []string
	for _, l := range m.Label {
		all = append(all, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	slices.Sort(all)
	return "{" + strings.Join(all, ",") + "}"
}

func valueOf(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	case m.Histogram != nil:
		return float64(m.Histogram.GetSampleCount())
	}
	return m.Untyped.GetValue()
}

// table lists folio's own metrics as docs/metrics.md does.
func (f *figures) table() string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | what it tells |\n|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(f.families)) {
		family := f.families[name]
		if !strings.HasPrefix(name, "folio_") {
			continue
		}
		labels := make(map[string]bool)
		for _, m := range family.Metric {
			for _, l := range m.Label {
				labels[l.GetName()] = true
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(family.Type.String()),
			strings.Join(slices.Sorted(maps.Keys(labels)), ", "), family.GetHelp())
	}
	return b.String()
}

var metricName = regexp.MustCompile(`\b(folio|etcd|process|go)_[a-z0-9_]+`)

// usedIn are the metrics that the expressions of a text name, of a histogram itself.
func usedIn(text string) []string {
	found := make(map[string]bool)
	for _, name := range metricName.FindAllString(text, -1) {
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		found[name] = true
	}
	return slices.Sorted(maps.Keys(found))
}
