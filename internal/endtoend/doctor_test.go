package endtoend

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"folio/internal/devcluster"
)

// TestTheDoctorIsAskedAsThePageSays runs what docs/operations.md says, once while all is
// well and once with a fault.
func TestTheDoctorIsAskedAsThePageSays(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 2, EtcdMembers: 3})
	ask := func() (out string, report []byte, err error) {
		t.Helper()
		dir := t.TempDir()
		cmd := exec.CommandContext(within(t, time.Minute), "sh", "-euxc", section(t, "../../docs/operations.md", "Is everything in place?"))
		cmd.Dir = dir
		cmd.Env = append(c.Env(), "POD_NAME=folio-0", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		text, err := cmd.CombinedOutput()
		report, errRead := os.ReadFile(filepath.Join(dir, "doctor.json"))
		if errRead != nil {
			t.Fatalf("%v\n%s", errRead, text)
		}
		return string(text), report, err
	}
	out, report, err := ask()
	if err != nil || !strings.Contains(out, " 0 faults, 0 warnings, 0 unknown\n") {
		t.Errorf("while all is well: %v\n%s", err, out)
	}
	faults := func(report []byte) (n int) {
		var told struct{ Faults *int }
		if err := json.Unmarshal(report, &told); err != nil || told.Faults == nil {
			t.Fatalf("%v: %s", err, report)
		}
		return *told.Faults
	}
	if n := faults(report); n != 0 {
		t.Errorf("while all is well there are %d faults", n)
	}
	if err := c.Postgres.Stop(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	out, report, err = ask()
	if n := faults(report); n != 1 || err == nil || !strings.Contains(out, "-> see whether Postgres runs") {
		t.Errorf("without Postgres: %d faults, %v\n%s", n, err, out)
	}
}
