package invoices

import "context"

// write stores r, or finds out why not, and says of its number what became of
// it. A row whose ctx ends before it was sent is withdrawn: ErrUnavailable. If
// ctx ends later the row is still written or not, and its number is seen to;
// only the caller does not learn of it: ErrOutcomeUnknown. Other errors:
// ErrRequestReused, ErrPrintedClash, errTaken, errFenced, errMoved, and what
// Postgres has against the row. A row of a strict series gets its number here; for it there are
// ErrSeriesExhausted, ErrSeriesSuspended and ErrLedgerDamaged instead of errTaken
// and errFenced.
func (w *Writer) write(ctx context.Context, r *row) (*stored, error) {
	e, err := w.submit(ctx, r)
	if err != nil {
		return nil, err
	}
	return w.await(ctx, e)
}

// submit puts r into the queue. Then await is owed.
func (w *Writer) submit(ctx context.Context, r *row) (*entry, error) {
	e := w.entry(ctx, r)
	if err := w.enter(e); err != nil {
		return nil, err
	}
	return e, nil
}

// submitAll puts rows of one request into the queue, in their order, up to the first
// that has no room; await is owed of those that it returns. Rows of a strict series
// are one piece there: all get their numbers in one transaction, or none does.
func (w *Writer) submitAll(ctx context.Context, rows []row) ([]*entry, error) {
	entries := make([]*entry, len(rows))
	for i := range rows {
		entries[i] = w.entry(ctx, &rows[i])
	}
	if rows[0].strict() {
		entries[0].with = entries[1:]
		if err := w.enter(entries[0]); err != nil {
			return nil, err
		}
		return entries, nil
	}
	for i, e := range entries {
		if err := w.enter(e); err != nil {
			for _, other := range entries[i+1:] {
				other.giveBack()
			}
			return entries[:i], err
		}
	}
	return entries, nil
}

func (w *Writer) entry(ctx context.Context, r *row) *entry {
	return &entry{row: r, wait: w.cfg.Watch.queue(ctx), outcome: make(chan outcome, 1)}
}

// enter puts e into the queue. If it may not be there its number is given back.
func (w *Writer) enter(e *entry) error {
	err := w.cfg.DB.mayWrite()
	if err == nil {
		err = w.enqueue(e)
	}
	if err != nil {
		e.giveBack()
	}
	return err
}

// await waits for the outcome, see write.
func (w *Writer) await(ctx context.Context, e *entry) (repeat *stored, err error) {
	select {
	case o := <-e.outcome:
		w.cfg.Watch.done(ctx, e.wait, o.err)
		return o.repeat, o.err
	case <-ctx.Done():
	}
	defer func() { w.cfg.Watch.left(ctx, e.wait, err) }()
	if e.state.CompareAndSwap(waiting, withdrawn) {
		e.giveBack()
		e.row.forget()
		return nil, ErrUnavailable
	}
	return nil, ErrOutcomeUnknown
}

func (w *Writer) enqueue(e *entry) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.stopped {
		return ErrUnavailable
	}
	if e.strict() {
		return w.enqueueStrict(e)
	}
	select {
	case w.queue <- e:
		if len(w.queue) > batchMax {
			w.callForHelp()
		}
		return nil
	default:
		return ErrUnavailable
	}
}

// enqueueStrict counts rows, of which an entry may bring many.
func (w *Writer) enqueueStrict(e *entry) error {
	n := e.count()
	if w.strictRows.Add(n) > int64(cap(w.strict)) {
		w.strictRows.Add(-n)
		return ErrUnavailable
	}
	w.strict <- e // there is room, for there are no more entries than rows
	return nil
}

// flows reports whether what was sent last was written.
func (w *Writer) flows() bool { return !w.failing.Load() }

// callForHelp calls another scribe, unless one is called already. For strict series
// there is none: one batch waits for the other's locks.
func (w *Writer) callForHelp() {
	select {
	case w.help <- struct{}{}:
	default:
	}
}
