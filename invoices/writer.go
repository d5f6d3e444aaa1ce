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
	Watch   Watch         // is told how issuing goes

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
	strictRows                     atomic.Int64 // rows in strict
	failing                        atomic.Bool  // the last round of a batch ended with an error

	mu      sync.RWMutex // read-held while a row is put into the queue
	stopped bool
}

// WriterStats is what a writer has done so far, and what waits now.
type WriterStats struct {
	Queued  int   // rows waiting
	Room    int   // rows that may wait, those of strict series among them
	Batches int64 // statements sent, or transactions of strict series begun, repeats included
	Rows    int64 // rows written
	Unknown int64 // statements whose fate was not told
	Fenced  int64 // rows sent for other numbers because their holder was fenced
}

// Stats returns a snapshot; its parts may be some operations apart.
func (w *Writer) Stats() WriterStats {
	return WriterStats{
		Queued: len(w.queue) + int(w.strictRows.Load()), Room: cap(w.queue) + cap(w.strict), Batches: w.batches.Load(), Rows: w.rows.Load(),
		Unknown: w.unknown.Load(), Fenced: w.fenced.Load(),
	}
}

// A statement has at most batchMax rows, unless one request wants more numbers of a
// strict series, and no further row once it has batchSize bytes of content.
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
	with    []*entry // those of the same request that are to be sent in the same transaction
	wait    wait
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
	if most := cfg.DB.batches.Stats().MaxOpenConnections; most > 0 {
		cfg.Writers = max(1, min(cfg.Writers, most-1)) // one writes strict series
	}
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

// finish tells an entry its outcome.
func (e *entry) finish(repeat *stored, err error) { e.outcome <- outcome{repeat: repeat, err: err} }
