package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"folio/counter"
	"folio/invoices/accounts"
)

// Foreign keys are of no series: all that are found are one finding.
func TestTheTextOfAFindingIsBounded(t *testing.T) {
	var found findings
	const of, each = 10_000, "/folio/ledger/of-nobody"
	for range of {
		found.add([]accounts.Finding{{Kind: accounts.ForeignKey, Text: each}})
	}
	text := found.texts[finding{"", accounts.ForeignKey}]
	if n := strings.Count(text, each); len(text) > longestTold+100 || n+found.more != of {
		t.Errorf("%d bytes tell of %d, and %d more are counted; want %d in all", len(text), n, found.more, of)
	}
}

// If etcd is lost each series has a finding.
func TestAnAuditorRemembersAndTellsSoManyFindingsAndNoMore(t *testing.T) {
	var log bytes.Buffer
	a := &auditor{log: slog.New(slog.NewTextHandler(&log, nil))}
	turn := func(of int) (lines int, text string) {
		log.Reset()
		var found findings
		for i := range of {
			s := counter.Series{Tenant: fmt.Sprint("tenant-", i), Name: "invoice"}
			found.add([]accounts.Finding{{Kind: accounts.LedgerMissing, Series: s, Text: "no ledger"}, {Kind: accounts.LedgerMissing, Series: s, Text: "at all"}})
		}
		if len(found.texts) > mostKept {
			t.Errorf("%d findings are remembered", len(found.texts))
		}
		a.tell(found)
		return strings.Count(log.String(), "\n"), log.String()
	}
	for _, c := range []struct {
		of, lines int
		says      string
	}{
		{1, 1, `finding="no ledger; at all"`},
		{1, 0, ""},
		{mostKept + 5_000, mostTold + 1, "more=19899"},
		{mostKept + 5_000, 0, ""},
		{0, mostTold + 1, "more=19900"},
		{0, 0, ""},
	} {
		if lines, text := turn(c.of); lines != c.lines || !strings.Contains(text, c.says) {
			t.Errorf("%d findings: %d lines, want %d with %q: %.300s", c.of, lines, c.lines, c.says, text)
		}
	}
}
