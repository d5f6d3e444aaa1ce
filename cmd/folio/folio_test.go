package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"folio/counter"
)

func folio(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), args, &out, &err)
	return status, out.String(), err.String()
}

// noEnvironment hides the settings of whoever runs the tests.
func noEnvironment(t *testing.T) {
	for _, name := range []string{"FOLIO_DATABASE_URL", "FOLIO_DATABASE_URL_FILE", "FOLIO_ETCD_ENDPOINTS", "FOLIO_LEASE_TTL"} {
		t.Setenv(name, "") // restored at the end of the test
		os.Unsetenv(name)
	}
}

func TestHelpNamesEveryEnvironmentVariable(t *testing.T) {
	for command, want := range map[string][]string{
		"serve":          {"FOLIO_DATABASE_URL", "FOLIO_DATABASE_URL_FILE", "FOLIO_ETCD_USER_FILE", "FOLIO_ETCD_PASSWORD_FILE", "FOLIO_ETCD_ENDPOINTS", "FOLIO_LISTEN", "FOLIO_OPS_LISTEN", "FOLIO_LEASE_TTL", "POD_NAME", "NODE_NAME", "FOLIO_DRAIN_DELAY", "FOLIO_SHUTDOWN_TIMEOUT", "FOLIO_BODIES_MIB", "FOLIO_WRITERS", "FOLIO_REQUIRE_SYNC_REPLICATION", "FOLIO_WITNESS_EVERY"},
		"doctor":         {"FOLIO_DATABASE_URL", "FOLIO_DATABASE_URL_FILE", "FOLIO_ETCD_ENDPOINTS", "FOLIO_LEASE_TTL", "POD_NAME", "FOLIO_WRITERS", "FOLIO_REQUIRE_SYNC_REPLICATION", "FOLIO_DOCTOR_WITHIN", "FOLIO_DOCTOR_FORMAT"},
		"restored":       {"FOLIO_DATABASE_URL", "FOLIO_ETCD_ENDPOINTS", "FOLIO_STRICT", "FOLIO_SERIES", "FOLIO_SKIP", "FOLIO_GIVE_UP_TIMELINE", "FOLIO_PATIENCE"},
		"ledger show":    {"FOLIO_DATABASE_URL", "FOLIO_ETCD_ENDPOINTS"},
		"ledger rebuild": {"FOLIO_DATABASE_URL", "FOLIO_ETCD_ENDPOINTS", "FOLIO_REBUILD_DRY_RUN", "FOLIO_REBUILD_SAVE", "FOLIO_REBUILD_PATIENCE"},
		"explain":        {"FOLIO_DATABASE_URL", "FOLIO_ETCD_ENDPOINTS", "FOLIO_JSON"},
		"register":       {"FOLIO_DATABASE_URL", "FOLIO_ETCD_ENDPOINTS", "FOLIO_REGISTER_FORMAT"},
		"audit":          {"FOLIO_DATABASE_URL", "FOLIO_ETCD_ENDPOINTS", "FOLIO_JSON", "FOLIO_AUDIT_FORMAT", "FOLIO_AUDIT_FULL", "FOLIO_AUDIT_DEEP"},
		"import":         {"FOLIO_DATABASE_URL", "FOLIO_ETCD_ENDPOINTS", "FOLIO_IMPORT_TENANT", "FOLIO_IMPORT_FORMAT", "FOLIO_IMPORT_CREATE_TENANT", "FOLIO_IMPORT_DRY_RUN", "FOLIO_IMPORT_MOST_VOIDS", "FOLIO_IMPORT_SHOW"},
		"seek":           {"FOLIO_DATABASE_URL", "FOLIO_ETCD_ENDPOINTS", "FOLIO_SEEK_REASON", "FOLIO_SEEK_PATIENCE"},
		"statement":      {"FOLIO_DATABASE_URL", "FOLIO_ETCD_ENDPOINTS", "FOLIO_JSON"},
		"repair":         {"FOLIO_DATABASE_URL", "FOLIO_ETCD_ENDPOINTS", "FOLIO_REPAIR_REPORT", "FOLIO_REPAIR_DRY_RUN", "FOLIO_REPAIR_AT_MOST", "FOLIO_REPAIR_BY", "FOLIO_REPAIR_PATIENCE"},
	} {
		status, out, _ := folio(t, append(strings.Fields(command), "--help")...)
		if status != 0 {
			t.Errorf("%s --help: status %d", command, status)
		}
		for _, name := range want {
			if !strings.Contains(out, "$"+name) {
				t.Errorf("%s --help says nothing of %s:\n%s", command, name, out)
			}
		}
	}
}

func TestACommandLineThatIsNotUnderstoodEndsWithStatusTwo(t *testing.T) {
	noEnvironment(t)
	for _, args := range [][]string{{}, {"fly"}, {"audit", "--no-such-flag"}, {"serve", "--lease-ttl", "soon"}, {"tenant", "create"}, {"ledger", "a", "b"}} {
		status, _, stderr := folio(t, args...)
		if status != 2 || !strings.HasPrefix(stderr, "folio: ") {
			t.Errorf("folio %v: status %d, %q", args, status, stderr)
		}
	}
}

func TestACommandThatFailsEndsWithStatusOneAndSaysWhy(t *testing.T) {
	noEnvironment(t)
	nobody := []string{"--database-url", "postgres://127.0.0.1:1/x?sslmode=disable", "--etcd-endpoints", "127.0.0.1:1"}
	for _, c := range []struct {
		args []string
		want string
	}{
		{append([]string{"explain", "a/b/57"}, nobody...), "tenant/series/period/number"},
		{append([]string{"explain", "a/b/-/0"}, nobody...), "tenant/series/period/number"},
		{append([]string{"register", "a/b"}, nobody...), "tenant/series/period"},
		{append([]string{"serve", "--lease-ttl", "1500ms"}, nobody...), "whole seconds"},
		{append([]string{"serve", "--bodies-mib", "11"}, nobody...), "the largest batch finds room"},
		{append([]string{"serve", "--bodies-mib", "9000000000000"}, nobody...), "the largest batch finds room"},
		{append([]string{"ledger", "a/b/c/d"}, nobody[2:]...), "tenant/series/period"},
		{append([]string{"ledger", "rebuild", "a/b/c/d"}, nobody...), "tenant/series/period"},
		{append([]string{"tenant", "list"}, nobody[:2]...), "tenants"},
		{[]string{"tenant", "create", "Bad Name", "--database-url", nobody[1]}, "lower-case"},
		{[]string{"migrate", "--database-url", "nonsense"}, "database URL"},
		{append([]string{"import", "no-such-file.csv"}, nobody...), "no such file"},
		{append([]string{"import", "invoices.xls"}, nobody...), "--format csv"},
		{append([]string{"seek", "a/b", "5", "--reason", "r"}, nobody...), "tenant/series/period"},
		{append([]string{"seek", "a/b/-", "0", "--reason", "r"}, nobody...), "is no number to seek to"},
		{append([]string{"seek", "a/b/-", "5", "--reason", " "}, nobody...), "say why"},
		{append([]string{"seek", "a/b/-", "5", "--reason", "two\nlines"}, nobody...), "line break"},
	} {
		status, _, stderr := folio(t, c.args...)
		if status != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("folio %v: status %d, %q; want %q", c.args, status, stderr, c.want)
		}
	}
}

func TestTheBooksAreWrittenAsAPersonWould(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 1, 5, 0, time.UTC)
	var out bytes.Buffer
	printLedger(&out, counter.Series{Tenant: "acme", Name: "invoice", Period: "2026"}, counter.Ledger{
		Mark: 1200, Serial: 13,
		Held: []counter.Block{{Serial: 13, Range: counter.Range{First: 1101, Last: 1200}, Holder: "folio-7c9f.9k3d", At: at}},
		Free: []counter.FreeRange{{Range: counter.Range{First: 1051, Last: 1051}, At: at}},
	})
	want := `acme/invoice/2026   mark 1200, 13 blocks so far
  held      1101-1200       100 numbers by folio-7c9f.9k3d since 2026-11-23 12:01:05 (block 13)
  free      1051            1 number since 2026-11-23 12:01:05, to be used next
  finished  1099 numbers, issued or void
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func ptr(s string) *string { return &s }
