package invoices

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

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
	w.saw(now, flushed)
}

// saw remembers a place, and notes the one that was remembered before if the log is
// on disk up to there.
func (w *Witness) saw(now standing, flushed lsn) {
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
