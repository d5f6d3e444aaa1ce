package invoices

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// Import moves documents in with the numbers that they have: those of another
// system, as CSV or as lines of JSON, or the export of a tenant. DB, Counter and
// Ledgers are required; a dry run needs no Counter.
//
// The file is staged in pieces, each with a mark of how far it was read. Then one
// transaction checks every row against what is there, and stores all or nothing;
// the primary key decides between it and replicas at work. Last, the counter of
// each series is moved past the rows. An import that was cut short, wherever, is
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

// Seeker is a counter.Allocator, as far as an import moves it.
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
// tenant; ErrUnavailable, run it again: it goes on where it stopped.
func (im *Import) Run(ctx context.Context, in io.Reader) (report ImportReport, err error) {
	r := &importing{Import: im, ctx: ctx, faults: faults{most: orDefaultInt(im.Show, 20)}}
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
	if r.mark.State == importDone {
		r.report.Before = true
		return r.summary()
	}
	if r.mark.State == importStaging {
		if err := r.bring(); err != nil || r.DryRun {
			return r.giveUp(err)
		}
	} else {
		r.report.Before = true
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
		raced := errors.Is(err, ErrExists) || errors.Is(err, ErrUnavailable)
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

// orDefaultInt is orDefault for what is no count of connections.
func orDefaultInt[T int | int64](value, otherwise T) T {
	if value <= 0 {
		return otherwise
	}
	return value
}

// unhurried opens connections of our own: a statement over a million rows may take
// minutes, in silence.
func (db *DB) unhurried() (*sqlx.DB, error) { return connections(db.url, "0", 0, 2) }

// lock makes sure that no other run works on the same file: by the session, so that
// a run that was killed leaves no lock. The server looks each second, even in the
// middle of a long statement, whether this run is still there.
func (r *importing) lock() error {
	// Where the system cannot tell it such a thing, a server refuses.
	_, _ = r.conn.ExecContext(r.ctx, `set client_connection_check_interval = '1s'`)
	var mine bool
	const query = `select pg_try_advisory_lock(hashtextextended('folio import ' || $1, 0))`
	for try := 0; !mine; try++ {
		if try == 20 {
			return errors.New("another run moves the same file in just now; wait for its end")
		}
		pause(r.ctx, try)
		if err := r.conn.GetContext(r.ctx, &mine, query, r.name); err != nil {
			return wrap("lock the import", err)
		}
	}
	return nil
}

// unlock ends the lock, as would the end of the session, and gives the connection up.
func (r *importing) unlock() {
	_, _ = r.conn.ExecContext(context.WithoutCancel(r.ctx), `select pg_advisory_unlock_all()`)
	_ = r.conn.Close()
}

// identify finds the tenant and the name of the import, which is that of its
// contents: the same file for the same tenant goes on where it stopped.
func (r *importing) identify() error {
	if r.Format != "csv" && r.Format != "jsonl" {
		return fmt.Errorf("format %q: use csv or jsonl", r.Format)
	}
	r.tenant = r.Tenant
	if head, ok := beginsWithHead(r.file.first); ok && r.Format == "jsonl" {
		r.head = &head
		if head.Version != exportVersion {
			return fmt.Errorf("the export has version %d; this program reads version %d", head.Version, exportVersion)
		}
		if r.tenant == "" {
			r.tenant = head.Tenant
		}
	}
	switch {
	case r.tenant == "":
		return errors.New("whose documents are they? name the tenant; only an export does so itself")
	case !validName(r.tenant):
		return fmt.Errorf("%q is no name for a tenant; use 1 to 63 lower-case letters, digits and inner hyphens", r.tenant)
	case r.CreateTenant && r.head == nil:
		return errors.New("only an export says how to make its tenant; make it first (folio tenant create)")
	}
	sum := sha256.Sum256([]byte(r.tenant + "\n" + r.Format + "\n" + r.file.sum))
	r.name = hex.EncodeToString(sum[:16])
	return nil
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

// importFile is the file, of which nothing is in memory.
type importFile struct {
	in    io.Reader
	seek  io.Seeker // nil: it can be read once only
	first []byte    // its first line, or a part of it
	sum   string    // SHA-256 of its contents, or random if it can be read once only
	size  int64     // 0: unknown
}

// readImportFile reads a file that can seek through, once, to know it.
func readImportFile(in io.Reader, tell func(string, int64)) (*importFile, error) {
	f := &importFile{}
	seeker, ok := in.(io.ReadSeeker)
	if !ok {
		buffered := bufio.NewReaderSize(in, 64<<10)
		peeked, err := buffered.Peek(4 << 10)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("read the file: %w", err)
		}
		f.in, f.sum = buffered, rand.Text()
		f.first, _, _ = bytes.Cut(bytes.Clone(peeked), []byte("\n"))
		return f, nil
	}
	tell("read", 0)
	sum := sha256.New()
	head := &firstBytes{}
	size, err := io.Copy(io.MultiWriter(sum, head), seeker)
	if err == nil {
		_, err = seeker.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	f.in, f.seek, f.size, f.sum = seeker, seeker, size, hex.EncodeToString(sum.Sum(nil))
	f.first, _, _ = bytes.Cut(head.kept, []byte("\n"))
	return f, nil
}

// firstBytes keeps the beginning of what is written.
type firstBytes struct{ kept []byte }

func (f *firstBytes) Write(p []byte) (int, error) {
	f.kept = append(f.kept, p[:min(len(p), 4<<10-len(f.kept))]...)
	return len(p), nil
}

// seekTo goes on at an offset.
func (f *importFile) seekTo(offset int64) error {
	if f.seek == nil {
		return errors.New("a stream cannot be taken up again")
	}
	if _, err := f.seek.Seek(offset, io.SeekStart); err != nil {
		return fmt.Errorf("go on in the file: %w", err)
	}
	return nil
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

// SeriesStart returns the number at which s begins because it was the lowest that
// was imported; 0 if none was.
func (db *DB) SeriesStart(ctx context.Context, s counter.Series) (int64, error) {
	var first int64
	const query = `
		select coalesce((select first from series_starts where tenant = $1 and series = $2 and period = $3), 0)`
	err := db.rest.GetContext(ctx, &first, query, s.Tenant, s.Name, s.Period)
	return first, wrap("read where "+s.String()+" begins", err)
}

// oldStaging is how long a file that nobody goes on with stays staged.
const oldStaging = 7 * 24 * time.Hour
