package invoices

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Notes keeps one short text outside of Postgres, where a restore of Postgres does
// not reach it.
type Notes interface {
	// LoadNote returns the text; "" if there is none.
	LoadNote(ctx context.Context) (string, error)
	// SwapNote replaces the text if it is still old. After an error it may have
	// been replaced.
	SwapNote(ctx context.Context, old, next string) (swapped bool, err error)
}

// Witness remembers how far Postgres has come, in memory and outside of Postgres,
// and keeps connections that write from a server that is behind that: see
// DBConfig.Witness. What it remembers is only ever raised, in the order of epoch,
// timeline, and place in the log. Notes is required. Until the note was read once
// no connection is let through; after that, what is in memory serves while the
// note cannot be read.
type Witness struct {
	Notes Notes
	Every time.Duration // how often the note is raised; 0: five seconds
	Log   *slog.Logger  // nil: none

	// Moved is called when another era is noted than before, and the one before was
	// known: holders of that may as well give up. nil: nobody is told.
	Moved func()

	// Announcing lets through a server whose announced restore is not accounted
	// for yet: it is for who accounts for it.
	Announcing bool

	turn    atomic.Int64          // grows when another era is noted: who was let through passes again
	refused atomic.Pointer[error] // why the last connection was not let through; nil if it was

	mu      sync.Mutex // guards what follows; never held across I/O
	loaded  bool       // the note was read
	noted   standing
	pending standing // seen, and not known to be on the server's disk
	counted int64    // the beat that was noted when this replica looked last
	failing bool     // the note could not be raised; it was logged
}

// The errors of a gate that is shut, besides ErrBehind and ErrResuming.
var errUnread = fmt.Errorf("%w: how far Postgres had come is not read from etcd yet", ErrUnavailable)

// Refusal says why nothing is written to Postgres at present; nil if it is, or if
// it was not tried yet. ErrBehind and ErrResuming wait for an operator.
func (w *Witness) Refusal() error {
	if w == nil {
		return nil
	}
	if err := w.refused.Load(); err != nil {
		return *err
	}
	return nil
}

// turns is how often another era was noted; nil: never.
func (w *Witness) turns() int64 {
	if w == nil {
		return 0
	}
	return w.turn.Load()
}

// announcing reports whether w lets through a server that is not resumed.
func (w *Witness) announcing() bool { return w != nil && w.Announcing }

// Load reads the note.
func (w *Witness) Load(ctx context.Context) error {
	_, _, err := w.load(ctx)
	return err
}

func (w *Witness) load(ctx context.Context) (text string, noted standing, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	text, err = w.Notes.LoadNote(ctx)
	if err != nil {
		return "", standing{}, fmt.Errorf("read how far Postgres had come: %w: %w", ErrUnavailable, err)
	}
	noted, err = parseNote(text)
	if err != nil {
		return "", standing{}, err
	}
	w.learn(noted)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loaded = true
	return text, noted, nil
}

// learn remembers that s was seen, and is on disk.
func (w *Witness) learn(s standing) {
	w.mu.Lock()
	before := w.noted
	w.noted = later(before, s)
	moved, tell := w.noted.era != before.era, w.Moved
	if moved {
		w.turn.Add(1)
	}
	w.mu.Unlock()
	if moved && before != (standing{}) && tell != nil {
		tell()
	}
}

// WhenMoved sets what Moved of the witness is from now on; nothing if there is none.
func (db *DB) WhenMoved(tell func()) {
	if w := db.witness; w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.Moved = tell
	}
}

// admit lets a connection through, or says why not. ask asks it how far its server
// has come, after what was noted was looked up: so a server that goes on meanwhile
// is not taken for one that is behind. turn is that of the comparison.
func (w *Witness) admit(ask func() (string, error)) (turn int64, err error) {
	w.mu.Lock()
	turn, loaded, noted := w.turn.Load(), w.loaded, w.noted
	w.mu.Unlock()
	if !loaded {
		return 0, errUnread
	}
	text, err := ask()
	if err != nil {
		return 0, wrap("ask Postgres how far it has come", err)
	}
	now, resumed, err := parseStanding(text)
	if err != nil {
		return 0, err
	}
	err = noted.refuses(now)
	if err == nil && !resumed && !w.Announcing {
		err = fmt.Errorf("%w; it is in era %s", ErrResuming, now.era)
	}
	w.judged(err)
	return turn, err
}

// judged remembers whether the last connection was let through, and logs when that
// changes.
func (w *Witness) judged(err error) {
	var why *error
	if err != nil {
		why = &err
	}
	switch before := w.refused.Swap(why); {
	case (before == nil) == (err == nil):
	case err != nil:
		w.log().Error("nothing is written to Postgres until an operator says folio restored", "error", err)
	default:
		w.log().Info("Postgres is written to again")
	}
}

func (w *Witness) log() *slog.Logger { return cmp.Or(w.Log, slog.New(slog.DiscardHandler)) }
