package endtoend

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"folio/internal/devcluster"
)

// blocks returns the shell lines of a page, in order.
func blocks(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, block := range strings.Split(string(text), "```sh\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		all = append(all, block)
	}
	return all
}

func TestMovingInIsAsThePageSays(t *testing.T) {
	d := develop(t, folder(t), "--replicas", "2")
	out := d.sh("exec 2>&1\n" + strings.Join(blocks(t, "../../docs/moving-in.md"), "\n"))
	for _, want := range []string{
		"the file is good, nothing was stored: 3 rows of shop",
		"line 4, column issue_date: is no day of the calendar",
		"refused, with status 1",
		"imported 3 rows of shop",
		"3 rows from 3801 to 3804, 1 number between them without a row",
		"imported 1 row of shop",
		"an earlier run had stored the rows: 3 rows of shop",
		"mark 3804 = 3 issued + 1 void",
		`"number":3805,`,
		"shop/invoice/2026: no number up to 3900 is given any more",
		"of shop-copy",
		" 0 unaccounted, 0 findings",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the page's commands printed no %q:\n%s", want, out)
		}
	}
	// The copy says what the original says: but for its name, and ids made of that.
	names := regexp.MustCompile(`shop-copy|"(id|credits)":"inv_[a-z2-7]+"|"created_at":"[^"]*"`)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(d.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(names.ReplaceAllString(string(text), ""), `"shop"`, `""`)
	}
	if was, got := read("shop.jsonl"), read("copy.jsonl"); was != got || len(was) < 1000 {
		t.Errorf("the copy is\n%s\nthe original\n%s", got, was)
	}
	d.sh(`. .folio-dev/env; bin/folio audit; if bin/folio tenant export nobody; then exit 1; fi`)
	d.end()
}

// An import is killed again and again, wherever it happens to be, and completed.
func TestAnImportThatIsKilledAgainAndAgainIsCompleted(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 2})
	key := tenant(t, c, "mover")
	path := filepath.Join(t.TempDir(), "old.csv")
	var text strings.Builder
	text.WriteString("number,issue_date,currency,net,gross,customer_name\n")
	const rows = 30_000
	for i := range rows {
		text.WriteString(strings.Join([]string{strconv.Itoa(i + 1), "2025-05-05", "EUR", "1.00", "1.20", "Ada"}, ",") + "\n")
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	patience, killed := 50*time.Millisecond, 0
	for done := false; !done; patience = patience * 3 / 2 {
		cmd := exec.Command(filepath.Join(bin, "folio"), "import", path, "--tenant", "mover")
		var said bytes.Buffer
		cmd.Env, cmd.Stderr = c.Env(), &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if done = err == nil; !done {
			killed++
		}
		if !done && cmd.ProcessState.ExitCode() >= 0 || patience > 5*time.Minute {
			t.Fatalf("not killed, and not completed: %v\n%s", err, &said)
		}
	}
	t.Logf("killed %d times", killed)
	if killed < 3 {
		t.Errorf("killed %d times: the test shows little", killed)
	}
	made := issue(t, connect(t, c.Replicas[1], key), "", []byte(strings.Replace(smallBody, "{", `{"issue_date":"2025-12-31",`, 1))).JSON201
	if made == nil || made.Number != rows+1 {
		t.Errorf("the next invoice is %+v, want number %d", made, rows+1)
	}
	// Blocks of seeks that were killed are settled by the replicas.
	eventually(t, time.Minute, "the books are clean", func() bool {
		out, err := c.Run(within(t, time.Minute), "audit", "mover/invoice/2025")
		return err == nil && strings.Contains(out, "30001 issued + 0 void")
	})
	auditIsClean(t, c)
}
