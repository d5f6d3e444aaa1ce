package main

import (
	"bytes"
	"strings"
	"testing"

	"folio/counter"
	"folio/invoices"
)

func TestAStrictSeriesIsWrittenIntoTheBooksAsAPersonWould(t *testing.T) {
	s := counter.Series{Tenant: "acme", Name: "gapless", Period: "2026"}
	var out bytes.Buffer
	printStrict(&out, invoices.StrictCounter{Series: s, First: 101, Mark: 157})
	printStrict(&out, invoices.StrictCounter{Series: s, First: 1, Suspended: true})
	want := `acme/gapless/2026   mark 157, strict: its counter is in Postgres, nothing is held or free
  finished  57 numbers, issued or void
acme/gapless/2026   mark 0, strict: its counter is in Postgres, nothing is held or free
  suspended until you say how it goes on: folio restored --strict
  finished  0 numbers, issued or void
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestHowStrictSeriesGoOnIsSaidInFullOrRefused(t *testing.T) {
	noEnvironment(t)
	nobody := []string{"restored", "--database-url", "postgres://127.0.0.1:1/x?sslmode=disable", "--etcd-endpoints", "127.0.0.1:1"}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--strict", "skip-to"}, "wants the number"},
		{[]string{"--strict", "skip-to", "5"}, "wants the number"},
		{[]string{"--strict", "skip-to", "--series", "a/b/c"}, "wants the number"},
		{[]string{"--strict", "skip-to", "5", "--series", "a/b"}, "want tenant/series/period"},
		{[]string{"--strict", "continue", "5"}, "belongs to --strict skip-to"},
		{[]string{"5"}, "belongs to --strict skip-to"},
		{[]string{"--strict", "continue", "--skip", "5"}, "takes no other word"},
		{[]string{"--strict", "continue"}, "let strict series go on"},
		{[]string{"--strict", "skip-to", "5", "--series", "a/b/-"}, "read how far Postgres had come"},
		{[]string{"--series", "a/b/c"}, "want tenant/series/period=N"},
		{[]string{"--series", "a/b/c=many"}, "want tenant/series/period=N"},
		{[]string{"--series", "a/b=5"}, "want tenant/series/period"},
		{[]string{"--skip=-5"}, "at least 0"},
		{nil, "read how far Postgres had come"},
	} {
		status, _, stderr := folio(t, append(nobody, c.args...)...)
		if status != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: status %d, %q; want %q", c.args, status, stderr, c.want)
		}
	}
	if status, _, stderr := folio(t, append(nobody, "--strict", "maybe")...); status != 2 || !strings.Contains(stderr, "--strict") {
		t.Errorf("status %d, %q", status, stderr)
	}
}
