package invoices

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"folio/counter"
	"folio/counter/countertest"
)

// torn is a file whose reader is killed at a byte, once it is read again: an import
// reads it through first, to know it.
type torn struct {
	*strings.Reader
	at    int64
	reads int
}

var errTorn = errors.New("killed")

func (f *torn) Seek(offset int64, whence int) (int64, error) {
	f.reads++
	return f.Reader.Seek(offset, whence)
}

func (f *torn) Read(p []byte) (int, error) {
	done := f.Size() - int64(f.Len())
	if f.reads > 0 && done >= f.at {
		return 0, errTorn
	}
	if f.reads > 0 {
		p = p[:min(int64(len(p)), f.at-done)]
	}
	return f.Reader.Read(p)
}

// oldJSONL is old as lines of JSON.
func oldJSONL(numbers ...int) string {
	var text strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&text, `{"number":%d,"issue_date":"2025-03-14","currency":"EUR","customer":{"name":"Ada"},"totals":{"net":"100","gross":"120"}}`+"\n\n", n)
	}
	return text.String()
}

// mustBeMoved checks that the numbers 1 to count are there, once, and the counter
// knows.
func mustBeMoved(t *testing.T, db *DB, store *countertest.Mem, count int) {
	t.Helper()
	accounts := mustBeClean(t, db, store)
	if len(accounts) != 1 || accounts[0].Issued.Count != int64(count) || accounts[0].Mark != int64(count) || accounts[0].Held.Count != 0 {
		t.Errorf("%+v, want %d issued", accounts, count)
	}
	if n := ask[int](t, db, `select count(*) from import_rows`); n != 0 {
		t.Errorf("%d rows are still staged", n)
	}
}

func TestAFileWhoseStagingWasCutShortIsReadOnFromThere(t *testing.T) {
	t.Parallel()
	const count = 95
	for format, text := range map[string]string{"csv": old(upToInts(count)...), "jsonl": oldJSONL(upToInts(count)...)} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			db, store := migrated(t), &countertest.Mem{}
			newTenant(t, db, "acme")
			im := importer(t, db, store, format)
			im.piece = 10
			for _, part := range []int64{3, 2} { // killed twice, farther the second time
				_, err := im.Run(t.Context(), &torn{Reader: strings.NewReader(text), at: int64(len(text)) / part})
				if !errors.Is(err, errTorn) {
					t.Fatal(err)
				}
			}
			if n := ask[int](t, db, `select count(*) from documents`); n != 0 {
				t.Errorf("%d documents before the file was read", n)
			}
			if n := ask[int](t, db, `select count(*) from import_rows`); n != 40 {
				t.Errorf("%d rows are staged, want the 40 of whole pieces before the half", n)
			}
			report := im.mustImport(t, text)
			if report.Resumed == 0 || report.Rows != count {
				t.Errorf("%+v", report)
			}
			mustBeMoved(t, db, store, count)
			if lines := ask[int](t, db, `select count(distinct request_id) from documents`); lines != count {
				t.Errorf("%d lines made documents, want each once", lines)
			}
		})
	}
}

func TestStagedRowsThatACrashOfPostgresEmptiedAreReadAgain(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	im.piece = 10
	text := old(upToInts(50)...)
	if _, err := im.Run(t.Context(), &torn{Reader: strings.NewReader(text), at: int64(len(text)) / 2}); !errors.Is(err, errTorn) {
		t.Fatal(err)
	}
	db.exec(t, `truncate import_rows`) // as the recovery of an unlogged table does
	if report := im.mustImport(t, text); report.Resumed != 0 || report.Rows != 50 {
		t.Errorf("%+v", report)
	}
	mustBeMoved(t, db, store, 50)
}

func TestAFileIsStagedAnewWhenTheRulesOfASeriesHaveChanged(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	im.piece = 10
	text := old(upToInts(50)...)
	if _, err := im.Run(t.Context(), &torn{Reader: strings.NewReader(text), at: int64(len(text)) / 2}); !errors.Is(err, errTorn) {
		t.Fatal(err)
	}
	db.exec(t, `update series set format = 'R{yyyy}/{seq}' where name = 'invoice'`)
	im.mustImport(t, text)
	mustBeMoved(t, db, store, 50)
	if n := ask[int](t, db, `select count(*) from documents where printed_number = 'R2025/' || number`); n != 50 {
		t.Errorf("%d are printed by the new rule", n)
	}
}

// noSeeks is a counter that cannot be moved now.
type noSeeks struct{}

func (noSeeks) Seek(context.Context, counter.Series, int64, string) error {
	return fmt.Errorf("%w: killed", counter.ErrUnavailable)
}

func TestAnImportKilledBeforeTheCounterWasMovedIsCompletedByTheNextRun(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	who := newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	able := im.Counter
	im.Counter = noSeeks{}
	if _, err := im.Run(t.Context(), strings.NewReader(old(upToInts(20)...))); !errors.Is(err, counter.ErrUnavailable) {
		t.Fatal(err)
	}
	accounts := audited(t, &Audit{DB: db, Ledgers: store})
	if len(accounts) != 1 || accounts[0].Clean() {
		t.Fatalf("the audit finds nothing of rows that the counter does not know: %+v", accounts)
	}
	// A replica that issues now meets the rows: the floor is asked for first.
	r := newReplica(t, db, store)
	req := request(who, "between", "n")
	req.Draft.IssueDate = "2025-12-31"
	if got := r.mustIssue(t, req); got.Invoice.Number != 21 {
		t.Errorf("number %d, want 21", got.Invoice.Number)
	}
	im.Counter = able
	if report := im.mustImport(t, old(upToInts(20)...)); !report.Before || report.Rows != 20 {
		t.Errorf("%+v", report)
	}
	r.stop()
	mustBeMoved(t, db, store, 21)
}

// A seek that is killed leaves blocks of a dead holder, which are settled.
func TestAnImportKilledInTheMiddleOfItsSeekIsCompletedByTheNextRun(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	var swaps atomic.Int64
	var mended atomic.Bool
	store := &countertest.Mem{Faults: func(op string, _ counter.Series) countertest.Fault {
		lost := op == "Swap" && swaps.Add(1) > 1 && !mended.Load()
		return countertest.Fault{Drop: lost, Mute: lost}
	}}
	newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	ctx, cancel := context.WithCancel(t.Context())
	im.Progress = func(p ImportProgress) {
		if p.Doing == "move the counter" {
			go func() { // killed once its numbers are set aside
				eventually(t, "the seek has reserved", func() bool {
					l, _, err := store.Load(context.Background(), series2025())
					return err == nil && len(l.Held) > 0
				})
				cancel()
			}()
		}
	}
	if _, err := im.Run(ctx, strings.NewReader(old(3, 9))); err == nil {
		t.Fatal("the seek went through")
	}
	mended.Store(true)
	store.Expire(im.Counter.(*counter.Allocator).Holder())
	next := importer(t, db, store, "csv")
	if report := next.mustImport(t, old(3, 9)); !report.Before {
		t.Errorf("%+v", report)
	}
	for _, a := range mustBeClean(t, db, store) {
		if a.Issued.Count != 2 || a.Void.Count != 5 || a.Held.Count != 0 || a.Free.Count != 0 || a.Mark != 9 {
			t.Errorf("%+v", a)
		}
	}
}

// Every statement of an import, cut in every way: the first run completes or fails,
// the second completes, and all is there once.
func TestAnImportWhoseAnswersAreLostIsStoredOnce(t *testing.T) {
	for name, c := range map[string]struct{ doing, statement string }{
		"the beginning":            {"read", "insert into imports"},
		"its commit":               {"read", "COMMIT"},
		"the mark":                 {"read", "update imports set lines"},
		"the commit of a piece":    {"stage", "COMMIT"},
		"the rows":                 {"check", "insert into documents"},
		"the commit of the rows":   {"store", "COMMIT"},
		"the end":                  {"move the counter", "state = 'done'"},
		"the commit of the end":    {"move the counter", "COMMIT"},
		"the voids of the counter": {"move the counter", "with fence as materialized"},
	} {
		t.Run(name, func(t *testing.T) {
			forEachCut(t, func(t *testing.T, direct, db *DB, p *proxy, how cut) {
				store := &countertest.Mem{}
				newTenant(t, direct, "acme")
				im := importer(t, db, store, "csv")
				eventually(t, "the holder is registered", func() bool { return im.Counter.(*counter.Allocator).Holder() != "" })
				im.piece = 10
				armed := false
				im.Progress = func(at ImportProgress) {
					if at.Doing == c.doing && !armed {
						armed = true
						p.arm(c.statement, how)
					}
				}
				// One number is held by a replica of the past, so that the counter has
				// something to make void that is no gap of the file.
				if name == "the voids of the counter" {
					if err := im.Counter.Seek(t.Context(), series2025(), 5, "before"); err != nil {
						t.Fatal(err)
					}
				}
				numbers := upToInts(45)[20:]
				for try := 0; ; try++ {
					_, err := im.Run(t.Context(), strings.NewReader(old(numbers...)))
					if err == nil {
						break
					}
					var refused *ImportError
					if try == 3 || errors.As(err, &refused) {
						t.Fatalf("run %d: %v", try, err)
					}
				}
				for _, a := range mustBeClean(t, direct, store) {
					if a.Issued.Count != 25 || a.Mark != 45 || a.Held.Count+a.Free.Count != 0 {
						t.Errorf("%+v", a)
					}
				}
			})
		})
	}
}

func TestAStreamIsImportedButNotTakenUpAgain(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	im.piece = 10
	text := old(upToInts(30)...)
	if _, err := im.Run(t.Context(), io.MultiReader(strings.NewReader(text[:len(text)*2/3]), failing{})); !errors.Is(err, errTorn) {
		t.Fatal(err)
	}
	if n := ask[int](t, db, `select (select count(*) from import_rows) + (select count(*) from imports)`); n != 0 {
		t.Errorf("%d rows are left of a stream that nobody can go on with", n)
	}
	report, err := im.Run(t.Context(), io.MultiReader(strings.NewReader(text)))
	if err != nil || report.Rows != 30 {
		t.Fatal(report, err)
	}
	mustBeMoved(t, db, store, 30)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errTorn }

// ^C may come at any moment, in the middle of a copy too.
func TestAnImportThatIsInterruptedEndsAndIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	db, store := migrated(t), &countertest.Mem{}
	newTenant(t, db, "acme")
	im := importer(t, db, store, "csv")
	im.piece = 50
	text := old(upToInts(3000)...)
	for after := 1; after < 60; after += 7 {
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		im.Progress = func(ImportProgress) {
			if steps++; steps == after {
				go cancel() // not exactly between two pieces
			}
		}
		if _, err := im.Run(ctx, strings.NewReader(text)); err == nil {
			cancel()
			break // it was faster
		}
		cancel()
	}
	im.Progress = nil
	im.mustImport(t, text)
	mustBeMoved(t, db, store, 3000)
}
