package invoices

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/countertest"
)

// ledgerOf are books in which every series has the same ledger.
func ledgerOf(l counter.Ledger) Ledgers {
	return ledgersFunc(func() (counter.Ledger, error) { return l, nil })
}

// ledgersFunc are ledgers that answer as a function does.
type ledgersFunc func() (counter.Ledger, error)

func (f ledgersFunc) Load(context.Context, counter.Series) (counter.Ledger, counter.Version, error) {
	l, err := f()
	return l, "v", err
}

func (f ledgersFunc) List(context.Context, string, string) ([]counter.Series, error) { return nil, nil }

func TestAVoidIsExplainedByItsReasonItsTimeAndWhoWroteIt(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	db.put(t, seriesOf("acme", "lossy", "L-{seq}", onLossVoid))
	db.put(t, granted(NumberRange{First: 10, Last: 12}))
	strict := strictSeriesFor(t, db, who, "gapless")
	r := newReplica(t, db, store)
	b := &Books{DB: db, Ledgers: store}
	book := &SeriesBook{DB: db, Ledgers: store, Numbers: r.numbers}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	owner := &Owner{DB: db, Holder: func() string { return "other.2" }}
	lossy := counter.Series{Tenant: "acme", Name: "lossy"}
	dead := heldBlock(t, db, "dead.1", 1, 2)
	dead.At = time.Date(2026, 3, 14, 1, 2, 3, 0, time.UTC)
	_, err := owner.Settle(ctx, lossy, dead)
	must(err)
	must(r.numbers.Seek(AskedByOperator(ctx), lossy, 5, "the printer ate them"))
	must(r.numbers.Seek(ctx, lossy, 6, ""))
	must(owner.Void(ctx, r.numbers.Holder(), lossy, []counter.Range{{First: 7, Last: 9}}, "restore"))
	_, err = book.VoidUnused(ctx, who, "caf", nil, "")
	must(err)
	_, err = db.SkipStrict(ctx, strict, 3)
	must(err)
	r.mustTake(t, wish(who, "two", 1))
	_, err = r.VoidExternal(ctx, who, "invoice", "2026", 1, "seek")
	must(err)
	db.exec(t, `
		insert into documents (tenant, series, period, number, status, created_at, request_id, digest, key_id,
			issue_date, currency, net, tax, gross, printed_number, content)
		values ('acme', 'old', '', 7, 'issued', now(), 'i:7', '\x00', 'import', '2026-01-01', 'EUR', 1, 0, 1, 'INV-2026-000002', '{}'),
			('acme', 'old', '', 8, 'issued', now(), 'i:8', '\x00', 'import', '2026-01-01', 'EUR', 1, 0, 1, 'gapless-0004', '{}')`)
	if _, err := r.Issue(ctx, request(who, "clash", "n")); !errors.Is(err, ErrPrintedClash) {
		t.Fatal(err)
	}
	if _, err := r.Issue(ctx, strictRequest(who, strict.Name, "clash too", "n")); !errors.Is(err, ErrPrintedClash) {
		t.Fatal(err)
	}
	importer(t, db, store, "csv").mustImport(t, old(1, 3))

	for _, c := range []struct {
		series, period string
		number         int64
		reason, by     string
		known          string // part of what was known
	}{
		{"lossy", "", 2, "replica_lost", "replica", "fenced at 2"},
		{"lossy", "", 5, "the printer ate them", "operator", ""},
		{"lossy", "", 6, "seek", "replica", ""},
		{"lossy", "", 8, "restore", "replica", "documents went up to 9"},
		{"caf", "", 11, "range_expired", "key", ""},
		{"gapless", "", 2, "restore", "operator", ""},
		{"gapless", "", 4, "printed_clash", "key", "printed gapless-0004"},
		{"invoice", "2026", 1, "seek", "key", "a document that lives elsewhere"},
		{"invoice", "2026", 2, "printed_clash", "key", "printed INV-2026-000002"},
		{"invoice", "2025", 2, "import", "operator", "the import "},
	} {
		e := mustExplain(t, b, who, c.series, c.period, c.number)
		v := e.Void
		if e.State != "void" || v == nil || v.Reason != c.reason || v.By.Kind != c.by || !strings.Contains(v.Known, c.known) || (c.known == "") != (v.Known == "") {
			t.Errorf("%s %d: %s %+v, want %+v", c.series, c.number, e.State, v, c)
			continue
		}
		if c.by == "key" && v.By.KeyID != who.KeyID {
			t.Errorf("%s %d: by %+v, want key %s", c.series, c.number, v.By, who.KeyID)
		}
		if time.Since(v.VoidedAt) > time.Minute || !strings.HasSuffix(v.Explanation, ".") && !strings.Contains(v.Explanation, c.reason) {
			t.Errorf("%s %d: %+v", c.series, c.number, v)
		}
	}
	lost := asOperator(t, b, lossy, 1).Void
	if lost.By.Holder != "other.2" || lost.By.Pod != "other" || lost.Block == nil || lost.Block.Holder != "dead.1" || !lost.Block.ReservedAt.Equal(dead.At) {
		t.Errorf("lost: %+v %+v", lost, lost.Block)
	}
	if e := mustExplain(t, b, who, "invoice", "2026", 1).Void; e.PrintedNumber != "INV-2026-000001" || !strings.Contains(e.Explanation, "never made") {
		t.Errorf("an external number whose document was never made: %+v", e)
	}
}

func TestABlockOfAnEarlierEraIsExplained(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	b := heldBlock(t, db, "dead.1", 1, 2)
	now, err := db.RaiseEpoch(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&Owner{DB: db}).Settle(t.Context(), series2026(who), b); err != nil {
		t.Fatal(err)
	}
	v := mustExplain(t, &Books{DB: db, Ledgers: store}, who, "invoice", "2026", 2).Void
	if v.Reason != "restore" || v.By.Kind != "unknown" || !strings.Contains(v.Known, b.Era) || !strings.Contains(v.Known, now) {
		t.Errorf("%+v", v)
	}
}

func TestANumberWithoutARowIsExplainedByItsLedger(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	at := time.Date(2026, 3, 14, 1, 2, 3, 0, time.UTC)
	l := counter.Ledger{First: 3, Mark: 20, Serial: 2,
		Held: []counter.Block{{Serial: 2, Range: counter.Range{First: 11, Last: 20}, Holder: "test.1", At: at}},
		Free: []counter.FreeRange{{Range: counter.Range{First: 7, Last: 8}, At: at}},
	}
	batchRow(t, db, 3)
	down := errors.New("etcd is away")
	for _, c := range []struct {
		name    string
		ledgers Ledgers
		number  int64
		want    string
	}{
		{"held", ledgerOf(l), 11, "held"},
		{"free", ledgerOf(l), 8, "free"},
		{"above the mark", ledgerOf(l), 21, "not_reserved"},
		{"below the first", ledgerOf(l), 2, "before_first"},
		{"nowhere", ledgerOf(l), 9, "unaccounted"},
		{"the ledger is damaged", ledgersFunc(func() (counter.Ledger, error) { return l, counter.ErrDamaged }), 9, "unknown"},
		{"the ledger is lost", ledgerOf(counter.Ledger{}), 9, "unknown"},
		{"issued, and the ledger is damaged", ledgersFunc(func() (counter.Ledger, error) { return l, counter.ErrDamaged }), 3, "issued"},
		{"issued, and etcd is away", ledgersFunc(func() (counter.Ledger, error) { return l, down }), 3, "issued"},
	} {
		e := mustExplain(t, &Books{DB: db, Ledgers: c.ledgers}, who, "invoice", "2026", c.number)
		if e.State != c.want || e.Summary == "" {
			t.Errorf("%s: %s %q, want %s", c.name, e.State, e.Summary, c.want)
		}
		if known := e.First != nil && e.Mark != nil; known != (!strings.Contains(c.name, "damaged") && !strings.Contains(c.name, "away")) {
			t.Errorf("%s: first %v, mark %v", c.name, e.First, e.Mark)
		}
		if c.want == "held" && (!e.Held.Since.Equal(at) || e.Held.Block.First != 11) || c.want == "free" && !e.Free.Since.Equal(at) {
			t.Errorf("%s: %+v %+v", c.name, e.Held, e.Free)
		}
	}
	period := "2026"
	_, err := (&Books{DB: db, Ledgers: ledgersFunc(func() (counter.Ledger, error) { return l, down })}).Explain(t.Context(), Asker{Identity: who}, "invoice", &period, 9)
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("a number without a row while etcd is away: %v, want ErrUnavailable", err)
	}
}

// batchRow stores an invoice of acme under a number, by a holder of its own.
func batchRow(t testing.TB, db *DB, n int64) {
	t.Helper()
	holder := fmt.Sprintf("writer.%d", n)
	enrolled(t, db, holder)
	batchInFlight(t, db, insertBatch, holder, testSeries, n)()
}

// A number moves between the reading of the ledger and that of the row: it is free in
// neither, until both are read again.
func TestANumberThatMovesIsNeverCalledUnaccounted(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	who := newTenant(t, db, "acme")
	batchRow(t, db, 1)
	for name, c := range map[string]struct {
		second counter.Ledger
		number int64
		want   string
	}{
		"freed meanwhile":    {counter.Ledger{Mark: 9, Serial: 1, Free: []counter.FreeRange{{Range: counter.Range{First: 4, Last: 9}}}}, 5, "free"},
		"still nowhere":      {counter.Ledger{Mark: 9, Serial: 1}, 5, "unaccounted"},
		"stored meanwhile":   {counter.Ledger{Mark: 9, Serial: 1}, 7, "issued"},
		"reserved meanwhile": {counter.Ledger{Mark: 12, Serial: 2, Held: []counter.Block{{Serial: 2, Range: counter.Range{First: 10, Last: 12}}}}, 5, "unaccounted"},
	} {
		reads := 0
		ledgers := ledgersFunc(func() (counter.Ledger, error) {
			if reads++; reads == 1 {
				return counter.Ledger{Mark: 9, Serial: 1}, nil
			}
			if c.want == "issued" {
				batchRow(t, db, c.number)
			}
			return c.second, nil
		})
		if e := mustExplain(t, &Books{DB: db, Ledgers: ledgers}, who, "invoice", "2026", c.number); e.State != c.want || reads != 2 {
			t.Errorf("%s: %s after %d reads of the ledger, want %s after 2", name, e.State, reads, c.want)
		}
	}
	// Rows above the mark, which were reserved after the ledger was read.
	reads := 0
	ledgers := ledgersFunc(func() (counter.Ledger, error) {
		if reads++; reads == 1 {
			return counter.Ledger{}, nil
		}
		return counter.Ledger{Mark: 20, Serial: 3}, nil
	})
	if e := mustExplain(t, &Books{DB: db, Ledgers: ledgers}, who, "invoice", "2026", 21); e.State != "not_reserved" || reads != 2 {
		t.Errorf("above a mark that has moved: %s after %d reads", e.State, reads)
	}
}

func TestAStrictSeriesIsExplainedByItsCounter(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	s := strictSeriesFor(t, db, who, "gapless")
	b := &Books{DB: db, Ledgers: store}
	if e := mustExplain(t, b, who, s.Name, "", 1); e.State != "not_reserved" || *e.Mark != 0 {
		t.Errorf("before the first: %+v", e)
	}
	r := newReplica(t, db, store)
	r.mustIssue(t, strictRequest(who, s.Name, "one", "n"))
	if e := mustExplain(t, b, who, s.Name, "", 1); e.State != "issued" || *e.Mark != 1 || e.Issued.Source != "strict" || e.Issued.Block != nil {
		t.Errorf("%+v", e)
	}
	if e := mustExplain(t, b, who, s.Name, "", 2); e.State != "not_reserved" {
		t.Errorf("%+v", e)
	}
}

func TestEveryReasonHasASentence(t *testing.T) {
	seen := make(map[string]string)
	for _, reason := range []string{
		reasonReplicaLost, reasonReleasedLate, reasonRangeExpired, reasonOutOfRange, reasonSeek, reasonRestore,
		reasonFailover, reasonImport, reasonPrintedClash, reasonOperator,
	} {
		sentence := ReasonSentence(reason)
		if !OwnReason(reason) || !strings.HasSuffix(sentence, ".") || strings.Contains(sentence, "reason given") || seen[sentence] != "" {
			t.Errorf("%s: %q, as of %q", reason, sentence, seen[sentence])
		}
		seen[sentence] = reason
	}
	if got := ReasonSentence("the printer ate it"); got != "The reason given: the printer ate it" || OwnReason("the printer ate it") {
		t.Errorf("%q", got)
	}
	if ReasonSentence("") != "The reason is not known." {
		t.Error("no reason is taken for one")
	}
}
