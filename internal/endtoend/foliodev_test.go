package endtoend

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"folio/internal/devcluster"
)

// developer is a foliodev in a folder of its own, as after a fresh clone.
type developer struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
	out *lockedBuffer
}

// lockedBuffer is written by the process and read by the test.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// folder makes a folder with bin/, in which foliodev keeps its .folio-dev.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "folio-dev-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(devcluster.RemoveData(filepath.Join(dir, ".folio-dev")), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	if err := os.Symlink(bin, filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func develop(t *testing.T, dir string, args ...string) *developer {
	t.Helper()
	d := &developer{t: t, dir: dir, out: &lockedBuffer{}}
	d.cmd = exec.Command(filepath.Join(bin, "foliodev"), args...)
	d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr = dir, d.out, d.out
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if d.cmd.ProcessState == nil {
			_ = d.cmd.Process.Kill() // the test failed before it ended foliodev
			_ = d.cmd.Wait()
		}
	})
	eventually(t, time.Minute, "foliodev writes its env file", func() bool { return d.env() != "" })
	return d
}

// env returns the file for scripts; "" if it is not there.
func (d *developer) env() string {
	text, err := os.ReadFile(filepath.Join(d.dir, ".folio-dev", "env"))
	if err != nil {
		return ""
	}
	return string(text)
}

// sh runs a script in the folder, as a person would.
func (d *developer) sh(script string) string {
	d.t.Helper()
	cmd := exec.CommandContext(within(d.t, 2*time.Minute), "sh", "-eu")
	cmd.Dir, cmd.Stdin = d.dir, strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Fatalf("%v\n%s\n%s\nfoliodev said:\n%s", err, script, out, d.out)
	}
	return string(out)
}

// end sends ^C and waits for a clean end.
func (d *developer) end() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		d.t.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		d.t.Fatalf("foliodev ended with %v\n%s", err, d.out)
	}
	if d.env() != "" {
		d.t.Error("the env file is still there")
	}
}

// readmeBlocks returns the shell blocks of the README that are for a shell beside
// `make run`.
func readmeBlocks(t *testing.T) []string {
	t.Helper()
	const marker = ". .folio-dev/env"
	beside := slices.DeleteFunc(blocks(t, "../../README.md"), func(block string) bool { return !strings.HasPrefix(block, marker) })
	if len(beside) != 2 {
		t.Fatalf("README.md has %d blocks that begin with %q, want 2", len(beside), marker)
	}
	return beside
}

func TestTheREADMEIsTrue(t *testing.T) {
	d := develop(t, folder(t))
	before := d.env()
	beside := readmeBlocks(t)
	out := d.sh(beside[0]) + d.sh(beside[1])
	for _, want := range []string{
		`"printed_number":"INV-`, `"number":1,`, "demo/invoice/", "hammer: all promises held", " 0 unaccounted, 0 findings",
		`"request_id":"b"`, `"printed_number":"S-`, `-0005"`, `"kind":"credit_note"`, `"sent back"`,
		"order-4711, the client's", ", at etcd revision ", "number,printed_number,date,kind,status,currency,gross,reason,explanation",
		`"number":57,"state":"not_reserved"`, `,external,issued,`, `,invoice,cancelled,EUR,71.40,`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the README's commands printed no %q:\n%s", want, out)
		}
	}
	if page, err := os.ReadFile(filepath.Join(d.dir, "invoice.html")); err != nil || !bytes.Contains(page, []byte("<html")) {
		t.Errorf("the invoice as a page: %v\n%s", err, page)
	}
	eventually(t, time.Minute, "the killed replica comes back and the file is written anew", func() bool {
		return d.env() != "" && d.env() != before
	})
	d.sh(`. .folio-dev/env; for pid in $FOLIO_PIDS; do kill -0 $pid; done; curl -fsS "${FOLIO_OPS_URLS%%,*}/readyz"`)
	d.end()
}

func TestASecondRunFindsTheDataOfTheFirst(t *testing.T) {
	dir := folder(t)
	create := `. .folio-dev/env
curl -fsS "$FOLIO_URL/v1/invoices" -H "Authorization: Bearer $FOLIO_API_KEY" -H 'Content-Type: application/json' -d '` + smallBody + `'`
	first := develop(t, dir, "--replicas", "1")
	if out := first.sh(create); !strings.Contains(out, `"number":1,`) {
		t.Errorf("first run: %s", out)
	}
	if out, err := exec.Command(filepath.Join(bin, "foliodev"), "--state", filepath.Join(dir, ".folio-dev")).CombinedOutput(); err == nil || !strings.Contains(string(out), "another foliodev runs") {
		t.Errorf("two in one folder: %v %s", err, out)
	}
	first.end()
	second := develop(t, dir, "--replicas", "2")
	if out := second.sh(create); !strings.Contains(out, `"number":2,`) {
		t.Errorf("second run: %s", out)
	}
	second.end()
	third := develop(t, dir, "--replicas", "1", "--etcd-members", "3", "--fresh")
	if out := third.sh(create); !strings.Contains(out, `"number":1,`) {
		t.Errorf("fresh run: %s", out)
	}
	third.end()
}

// A foliodev that is killed outright takes its children along, and the next one
// finds the data.
func TestAKilledFoliodevLeavesNothingRunning(t *testing.T) {
	dir := folder(t)
	d := develop(t, dir, "--replicas", "1")
	pids := strings.Fields(d.sh(". .folio-dev/env; echo $FOLIO_PIDS"))
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = d.cmd.Wait() // killed
	eventually(t, 20*time.Second, "its replica is gone", func() bool {
		return exec.Command("kill", "-0", pids[0]).Run() != nil
	})
	if err := os.Remove(filepath.Join(dir, ".folio-dev", "env")); err != nil {
		t.Fatal(err)
	}
	again := develop(t, dir, "--replicas", "1")
	again.sh(". .folio-dev/env; bin/folio audit")
	again.end()
}
