package postgres_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"folio/internal/devcluster/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, dir string) *postgres.Server {
	t.Helper()
	s, err := postgres.Start(timeout(t), postgres.Config{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(timeout(t)); err != nil {
			log, _ := os.ReadFile(filepath.Join(dir, "postgres.log"))
			t.Errorf("stop: %v; its log:\n%s", err, log)
		}
	})
	return s
}

// ask runs one statement and returns its answer.
func ask(t *testing.T, s *postgres.Server, statement string) string {
	t.Helper()
	out, err := exec.Command("psql", "--no-psqlrc", "-tA", "-d", s.URL("postgres"), "-c", statement).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", statement, err, out)
	}
	return strings.TrimSpace(string(out))
}

// A test's own folder is closed to others: as root the server cannot live in it
// and finds another place.
func TestDataOutlivesARestartAndALeftoverServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	t.Cleanup(func() { removeAway(t, dir) })
	first := start(t, dir)
	ask(t, first, "create table kept (n int)")
	if err := first.Restart(timeout(t), postgres.Immediate); err != nil {
		t.Fatal(err)
	}
	ask(t, first, "insert into kept values (7)")
	second := start(t, dir) // the first still runs: it is taken for a leftover
	if got := ask(t, second, "select n from kept"); got != "7" {
		t.Fatalf("got %q, want 7", got)
	}
	if first.URL("x") != second.URL("x") {
		t.Fatal("the port was not kept")
	}
}

// removeAway removes the data of a server that could not live in dir.
func removeAway(t *testing.T, dir string) {
	note, err := os.ReadFile(filepath.Join(dir, "WHERE"))
	if err != nil {
		return // it lived in dir
	}
	words := strings.Fields(string(note))
	if err := os.RemoveAll(words[len(words)-1]); err != nil {
		t.Error(err)
	}
}

func TestADatabaseIsMadeOnce(t *testing.T) {
	s, end, err := postgres.ForTests()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	}()
	for range 2 {
		if err := s.EnsureDatabase(timeout(t), "folio"); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(t, s, "select count(*) from pg_database where datname = 'folio'"); got != "1" {
		t.Fatalf("%s databases", got)
	}
}
