package invoices

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"folio/counter"

	"golang.org/x/sync/errgroup"
)

// Numbers is the counter, as far as invoices need it.
type Numbers interface {
	// Take returns the next number of s.
	Take(ctx context.Context, s counter.Series) (counter.Number, error)
	// TakeN returns count numbers of s, all or none.
	TakeN(ctx context.Context, s counter.Series, count int) ([]counter.Number, error)
	// Busy reports whether numbers of s lie ready, and are taken fast.
	Busy(s counter.Series) bool
	// Seek makes sure that no number of s up to mark is given any more; what it
	// skips is void for the reason.
	Seek(ctx context.Context, s counter.Series, mark int64, reason string) error
	// Abandon gives up a holder that is fenced; Take then gives numbers of
	// the next.
	Abandon(holder string)
}

// WriterConfig says how invoices are written. DB and Numbers are required; zero
// fields have defaults.
type WriterConfig struct {
	DB      *DB
	Numbers Numbers
	Writers int           // batches that are written side by side at most; 0: 3
	Queue   int           // rows that may wait, and as many of strict series; 0: 4,096
	Bound   time.Duration // how long an outcome is sought; 0: twenty seconds
	Log     *slog.Logger  // nil: none

	// RequireSync: Postgres commits to a synchronous standby, so that strict
	// series go on after a failover by themselves. A server that does not is
	// refused.
	RequireSync bool
}

// Writer writes invoices in batches: while one is being committed the next one
// gathers. It waits for nothing but the batch before, so that a lone invoice is
// written at once. Only when more waits than one batch may take are others written
// beside it: until then one large batch costs less than two small ones. Strict series have a queue, batches and a connection of their
// own: one of them that is held up holds up no other series.
type Writer struct {
	cfg    WriterConfig
	queue  chan *entry
	strict chan *entry   // rows of strict series
	help   chan struct{} // has room for one call

	batches, rows, unknown, fenced atomic.Int64

	mu      sync.RWMutex // read-held while a row is put into the queue
	stopped bool
}

// WriterStats is what a writer has done so far, and what waits now.
type WriterStats struct {
	Queued  int   // rows waiting
	Batches int64 // statements sent, or transactions of strict series begun, repeats included
	Rows    int64 // rows written
	Unknown int64 // statements whose fate was not told
	Fenced  int64 // rows sent for other numbers because their holder was fenced
}

// Stats returns a snapshot; its parts may be some operations apart.
func (w *Writer) Stats() WriterStats {
	return WriterStats{
		Queued: len(w.queue) + len(w.strict), Batches: w.batches.Load(), Rows: w.rows.Load(),
		Unknown: w.unknown.Load(), Fenced: w.fenced.Load(),
	}
}

// A statement has at most batchMax rows, and no further row once it has
// batchSize bytes of content.
const (
	batchMax  = 500
	batchSize = 4 << 20
)

// The outcomes of a write after which the same request goes on with another
// number.
var (
	errTaken  = errors.New("the number is used by another document")
	errFenced = errors.New("the holder is fenced or of another era")
)

// errMoved: another credit note of the same invoice came first. The row is not
// stored and its number returned; what it says must be computed anew.
var errMoved = errors.New("another credit note of the invoice came first")

// entry is a row in the queue.
type entry struct {
	*row
	clashed bool         // its printed number is another's, and the number is void for it
	state   atomic.Int32 // waiting, then sent or withdrawn
	outcome chan outcome // has room for the one outcome
}

const (
	waiting int32 = iota
	sent
	withdrawn
)

// outcome is what became of a row: nothing set means that it is stored.
type outcome struct {
	repeat *stored // the row that its request had led to before
	err    error
}

// NewWriter makes a writer; it writes while Run runs.
func NewWriter(cfg WriterConfig) *Writer {
	cfg.Writers = orDefault(cfg.Writers, 3)
	cfg.Queue = orDefault(cfg.Queue, 4096)
	cfg.Bound = orDefault(cfg.Bound, 20*time.Second)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Writer{cfg: cfg, queue: make(chan *entry, cfg.Queue), strict: make(chan *entry, cfg.Queue), help: make(chan struct{}, 1)}
}

// Run writes until ctx ends; then it writes what is in the queue and returns
// nil. It is called once, and outlives everything that issues invoices.
func (w *Writer) Run(ctx context.Context) error {
	var writers errgroup.Group
	for i := range w.cfg.Writers {
		writers.Go(func() error {
			s := &scribe{w: w, queue: w.queue, dial: w.cfg.DB.connect}
			if i == 0 {
				s.run()
			} else {
				s.assist(ctx)
			}
			return nil
		})
	}
	writers.Go(func() error {
		(&scribe{w: w, queue: w.strict, dial: w.dialStrict}).run()
		return nil
	})
	<-ctx.Done()
	w.mu.Lock()
	w.stopped = true
	close(w.queue)
	close(w.strict)
	w.mu.Unlock()
	return writers.Wait()
}

// write stores r, or finds out why not, and says of its number what became of
// it. A row whose ctx ends before it was sent is withdrawn: ErrUnavailable. If
// ctx ends later the row is still written or not, and its number is seen to;
// only the caller does not learn of it: ErrOutcomeUnknown. Other errors:
// ErrRequestReused, ErrPrintedClash, errTaken, errFenced, errMoved, and what
// Postgres has against the row. A row of a strict series gets its number here; for it there are
// ErrSeriesExhausted, ErrSeriesSuspended and ErrLedgerDamaged instead of errTaken
// and errFenced.
func (w *Writer) write(ctx context.Context, r *row) (*stored, error) {
	e, err := w.submit(r)
	if err != nil {
		return nil, err
	}
	return e.await(ctx)
}

// submit puts r into the queue. Then await is owed.
func (w *Writer) submit(r *row) (*entry, error) {
	e := &entry{row: r, outcome: make(chan outcome, 1)}
	err := w.cfg.DB.mayWrite()
	if err == nil {
		err = w.enqueue(e)
	}
	if err != nil {
		e.giveBack()
		return nil, err
	}
	return e, nil
}

// await waits for the outcome, see write.
func (e *entry) await(ctx context.Context) (*stored, error) {
	select {
	case o := <-e.outcome:
		return o.repeat, o.err
	case <-ctx.Done():
	}
	if e.state.CompareAndSwap(waiting, withdrawn) {
		e.giveBack()
		return nil, ErrUnavailable
	}
	return nil, ErrOutcomeUnknown
}

// dialStrict takes a connection for rows of strict series.
func (w *Writer) dialStrict(ctx context.Context) (*line, error) {
	l, err := w.cfg.DB.connectStrict(ctx)
	if err != nil || !w.cfg.RequireSync {
		return l, err
	}
	if err := checkReplication(ctx, l.conn); err != nil {
		l.drop()
		return nil, err
	}
	return l, nil
}

func (w *Writer) enqueue(e *entry) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.stopped {
		return ErrUnavailable
	}
	queue := w.queue
	if e.strict() {
		queue = w.strict
	}
	select {
	case queue <- e:
		if len(queue) > batchMax && queue == w.queue {
			w.callForHelp()
		}
		return nil
	default:
		return ErrUnavailable
	}
}

// callForHelp calls another scribe, unless one is called already. For strict series
// there is none: one batch waits for the other's locks.
func (w *Writer) callForHelp() {
	select {
	case w.help <- struct{}{}:
	default:
	}
}

// finish tells an entry its outcome.
func (e *entry) finish(repeat *stored, err error) { e.outcome <- outcome{repeat: repeat, err: err} }
