package invoices

import (
	"cmp"
	"context"
	"errors"
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
	moved := w.noted.era != before.era
	if moved {
		w.turn.Add(1)
	}
	w.mu.Unlock()
	if moved && before != (standing{}) && w.Moved != nil {
		w.Moved()
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

// Run watches Postgres and raises the note until ctx ends, and once more then. It
// is run once.
func (w *Witness) Run(ctx context.Context, db *DB) error {
	var watching sync.WaitGroup
	watching.Go(func() { everySecond(ctx, func() { w.look(ctx, db) }) }) // whatever the note takes
	var due time.Time
	noted := int64(-1)
	everySecond(ctx, func() {
		turn := w.turn.Load()
		if turn == noted && time.Now().Before(due) {
			return
		}
		if w.raiseOrLog(ctx, db) { // another era is told at once
			due, noted = time.Now().Add(orDefault(w.Every, 5*time.Second)), turn
		}
	})
	watching.Wait()
	last, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	w.raiseOrLog(last, db)
	return nil
}

// everySecond calls do now and every second until ctx ends.
func everySecond(ctx context.Context, do func()) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		do()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// look asks Postgres how far it has come. A place in its log that was read before is
// noted once it is on disk: all before it is, too, so that a crash cannot fall behind
// it. (The place up to which the log is on disk may lie in the middle of a record,
// and recovery ends before that.) Failures show at the gate.
func (w *Witness) look(ctx context.Context, db *DB) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var row struct {
		Text    string `db:"text"`
		Flushed string `db:"flushed"`
	}
	const query = `select (` + selectStanding + `) as text, cast(pg_current_wal_flush_lsn() as text) as flushed`
	if db.settling.GetContext(ctx, &row, query) != nil {
		return
	}
	now, _, err := parseStanding(row.Text)
	flushed, errLSN := parseLSN(row.Flushed)
	if err != nil || errLSN != nil {
		return
	}
	w.mu.Lock()
	seen := w.pending
	if seen.era != now.era || flushed >= seen.lsn {
		w.pending = now
	}
	w.mu.Unlock()
	if seen.era == now.era && flushed >= seen.lsn {
		w.learn(seen)
	}
}

func (w *Witness) raiseOrLog(ctx context.Context, db *DB) (raised bool) {
	err := w.raise(ctx, db, w.beaten)
	w.mu.Lock()
	before := w.failing
	w.failing = err != nil
	w.mu.Unlock()
	switch refused := errors.Is(err, ErrBehind) || errors.Is(err, ErrResuming); {
	case err == nil || before || refused || ctx.Err() != nil:
	default:
		w.log().Warn("how far Postgres has come is not noted, tried again", "error", err)
	}
	return err == nil
}

// Raise notes how far Postgres has come.
func (w *Witness) Raise(ctx context.Context, db *DB) error {
	return w.raise(ctx, db, func(standing) bool { return false })
}

// raise is Raise, with no beat of its own if the one that is noted is enough.
func (w *Witness) raise(ctx context.Context, db *DB, enough func(noted standing) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*storeTimeout)
	defer cancel()
	const tries = 5
	for try := 1; ; try++ {
		text, noted, err := w.load(ctx)
		if err == nil && try == 1 && !enough(noted) {
			err = w.beat(ctx, db)
		}
		if err != nil {
			return err
		}
		swapped, err := w.swap(ctx, text, noted)
		switch {
		case swapped:
			return nil
		case err != nil:
			return fmt.Errorf("note how far Postgres has come: %w: %w", ErrUnavailable, err)
		case try == tries:
			return fmt.Errorf("note how far Postgres has come: %w: others change the note all the time", ErrUnavailable)
		}
	}
}

// swap replaces the note by what is in memory, if that is later.
func (w *Witness) swap(ctx context.Context, text string, noted standing) (swapped bool, err error) {
	w.mu.Lock()
	next := w.noted
	w.mu.Unlock()
	if next != noted {
		note, err := next.note(time.Now())
		if err != nil {
			return false, err
		}
		if swapped, err := w.Notes.SwapNote(ctx, text, note); !swapped || err != nil {
			return false, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counted = next.beat
	return true, nil
}

// beaten reports whether another replica has counted a beat since this one looked
// last: so of many one writes to Postgres for it.
func (w *Witness) beaten(noted standing) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	is := noted.beat > w.counted
	w.counted = noted.beat
	return is
}

// beat counts a beat in Postgres, and remembers it once it is committed; with it is
// the log up to what was seen before.
func (w *Witness) beat(ctx context.Context, db *DB) error {
	const doing = "note how far Postgres has come"
	w.look(ctx, db)
	var told string
	const beat = `update restores set beat = beat + 1
		returning concat_ws(' ', current_era(), '0/0', beat, resumed_epoch)`
	if err := db.settling.GetContext(ctx, &told, beat); err != nil {
		return wrap(doing, err)
	}
	s, _, err := parseStanding(told)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	w.learn(s)
	w.look(ctx, db)
	return nil
}
