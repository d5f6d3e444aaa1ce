package invoices

import (
	"context"
	"errors"
	"io"
	"strings"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// Import moves documents in with the numbers that they have: those of another
// system, as CSV or as lines of JSON, or the export of a tenant. DB, Counter and
// Ledgers are required; a dry run needs no Counter.
//
// The file is staged in pieces, each with a mark of how far it was read. Then one
// transaction checks every row against what is there, and stores all or nothing;
// the primary key decides between it and replicas at work. A strict series is moved
// past its rows by that transaction, and waits for its end. Last, the counter of
// each other series is moved past its rows. An import that was cut short, wherever, is
// taken up again by Run with the same file: an import is known by its contents.
type Import struct {
	DB           *DB
	Counter      Seeker
	Ledgers      Ledgers
	Tenant       string // whose documents they are; "" is the tenant of the export
	Format       string // "csv" or "jsonl"
	CreateTenant bool   // an export's tenant is made
	DryRun       bool   // check everything, store nothing
	MostVoids    int64  // refuse more numbers without a document than that; 0: one million
	Show         int    // how many problems are named; 0: 20
	Progress     func(ImportProgress)

	piece int // lines that one transaction stages; 0: stageAtOnce
}

// Seeker is a counter.Allocator, as far as series are moved forward.
type Seeker interface {
	Seek(ctx context.Context, s counter.Series, mark int64, reason string) error
}

// ImportProgress is how far an import is.
type ImportProgress struct {
	Doing string // "read", "stage", "check", "store", "move the counter"
	Bytes int64  // of the file that are read
	Size  int64  // of the file; 0: unknown
	Rows  int64  // that are staged
}

// ImportReport is what an import did, or would do.
type ImportReport struct {
	Tenant  string
	Rows    int64
	Series  []ImportedSeries
	Resumed int64 // lines that an earlier run had staged
	Before  bool  // an earlier run had stored it
}

// ImportedSeries is what an import brought to one series and period.
type ImportedSeries struct {
	counter.Series
	counter.Range       // the lowest and the highest number
	Rows          int64 // the numbers that it brought; what lies between and had no row is void

	strict bool
}

// ImportError is a file that cannot be moved in. Nothing of it is stored.
type ImportError struct {
	Problems []string // each names its line
	More     bool     // there are others
}

func (e *ImportError) Error() string {
	text := strings.Join(e.Problems, "\n")
	if e.More {
		text += "\nand more"
	}
	return "nothing was stored; the file has problems:\n" + text
}

// The states of an import.
const (
	importStaging = "staging"
	importStored  = "stored" // its rows are documents, the counter may not know
	importDone    = "done"
)

// importing is one run of an Import.
type importing struct {
	*Import
	ctx    context.Context
	conn   *sqlx.Conn // holds the lock of this import
	dry    *sqlx.Tx   // of a dry run: its only transaction, never committed
	file   *importFile
	name   string
	tenant string
	head   *exportHead // nil: it is no export
	maker  *maker
	src    source
	mark   importMark
	ended  *exportEnd // the last line of an export
	report ImportReport
	faults faults
}

// importMark is how far a file is staged.
type importMark struct {
	State string `db:"state"`
	Rules string `db:"rules"`
	Lines int64  `db:"lines"`
	Bytes int64  `db:"bytes"`
	Rows  int64  `db:"rows"`
	Parts int64  `db:"parts"`
}

// Run moves the file in. One that can seek is taken up where an earlier run left
// it. Errors: *ImportError, nothing is stored; ErrNotFound, there is no such
// tenant; ErrImportInterrupted, run it again: it goes on where it stopped.
func (im *Import) Run(ctx context.Context, in io.Reader) (report ImportReport, err error) {
	r := &importing{Import: im, ctx: ctx, faults: faults{most: orDefault(im.Show, 20)}}
	if r.file, err = readImportFile(in, r.tell); err != nil {
		return report, err
	}
	if err := r.identify(); err != nil {
		return report, err
	}
	conns, err := im.DB.unhurried()
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, conns.Close()) }()
	if r.conn, err = conns.Connx(ctx); err != nil {
		return report, wrap("connect to Postgres", err)
	}
	defer r.unlock()
	err = r.run()
	r.report.Tenant = r.tenant
	return r.report, err
}

func (r *importing) run() error {
	if err := r.lock(); err != nil {
		return err
	}
	if err := r.begin(); err != nil {
		return r.giveUp(err)
	}
	r.report.Before = r.mark.State != importStaging
	switch {
	case r.mark.State == importDone || r.report.Before && r.DryRun:
		return r.giveUp(r.summary())
	case !r.report.Before:
		if err := r.bring(); err != nil || r.DryRun {
			return r.giveUp(err)
		}
	}
	return r.move()
}

// bring stages the file and stores its rows.
func (r *importing) bring() error {
	if err := r.stage(); err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := r.store()
		raced := errors.Is(err, ErrExists) || errors.Is(err, ErrImportInterrupted)
		if !raced || try == storeTries {
			return err
		}
		// A replica stored one of the numbers, or the answer was lost.
		if _, lost := r.findMark(); lost != nil {
			return err
		}
		if r.mark.State == importStored {
			return nil
		}
		pause(r.ctx, try)
	}
}

// storeTries is how often one run tries to store its rows.
const storeTries = 5

// giveUp removes what was staged of a file that cannot be moved in. Whatever else
// stopped the run, the next one goes on from the mark.
func (r *importing) giveUp(err error) error {
	if r.dry != nil {
		return errors.Join(err, r.dry.Rollback())
	}
	var refused *ImportError
	if err == nil || !errors.As(err, &refused) && r.file.seek != nil {
		return err
	}
	return errors.Join(err, r.discard())
}

func (r *importing) tell(doing string, bytes int64) {
	if r.Progress == nil {
		return
	}
	p := ImportProgress{Doing: doing, Bytes: bytes, Rows: r.mark.Rows}
	if r.file != nil {
		p.Size = r.file.size
	}
	r.Progress(p)
}

// faults collects what is wrong with a file, as many as are shown.
type faults struct {
	most  int
	lines []string
	more  bool
}

func (f *faults) add(e *lineError) {
	if len(f.lines) >= f.most {
		f.more = true
		return
	}
	f.lines = append(f.lines, e.Error())
}

func (f *faults) err() error {
	if len(f.lines) == 0 {
		return nil
	}
	return &ImportError{Problems: f.lines, More: f.more}
}
