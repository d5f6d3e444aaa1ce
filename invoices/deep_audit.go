package invoices

import (
	"context"
	"runtime"

	"folio/counter"
	"folio/invoices/accounts"
	"folio/invoices/deep"

	"golang.org/x/sync/errgroup"
)

// DeepAudit checks what documents say; see package deep. DB is required. It goes on
// where an earlier run ended, or was killed: each page of rows is noted once it was
// looked at. What had no row then, and what had a fault, is looked at again.
type DeepAudit struct {
	DB       *DB
	Of       counter.Selection
	Full     bool               // forget what earlier runs noted, and look at every document
	Workers  int                // that check in parallel; 0: one per processor
	Progress func(DeepProgress) // nil: nobody looks on; called by one goroutine
}

// DeepProgress is how far a run is.
type DeepProgress struct {
	Checked int64 // numbers looked at by this run
	Of      int64 // about so many
}

// DeepReport is what the runs up to now found.
type DeepReport struct {
	Checked  int64 // documents that this run looked at
	Findings []accounts.Finding
}

// Run looks at what is to be looked at, and returns what is wrong with all that was
// ever looked at. An error means that it could not be finished; what was noted is.
func (a *DeepAudit) Run(ctx context.Context) (DeepReport, error) {
	if a.Full {
		if err := a.DB.forgetDeep(ctx, a.Of); err != nil {
			return DeepReport{}, err
		}
	}
	plan, err := a.DB.deepPlan(ctx, a.Of)
	if err != nil {
		return DeepReport{}, err
	}
	checked, err := a.look(ctx, plan)
	if err != nil {
		return DeepReport{}, err
	}
	findings, err := a.DB.deepFindings(ctx, a.Of)
	return DeepReport{Checked: checked, Findings: findings}, err
}

// look reads pages on one connection, checks them in parallel, and notes them in
// the order in which they were read, so that what is noted as looked at was.
func (a *DeepAudit) look(ctx context.Context, plan []deepSeries) (checked int64, err error) {
	workers := a.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	work, ordered := make(chan *deepPage), make(chan *deepPage, workers)
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error {
		defer close(ordered)
		defer close(work)
		return a.DB.readDeep(ctx, plan, func(p *deepPage) error {
			if err := offer(ctx, ordered, p); err != nil {
				return err
			}
			return offer(ctx, work, p)
		})
	})
	for range workers {
		running.Go(func() error {
			for p := range work {
				p.check()
				close(p.checked)
			}
			return nil
		})
	}
	running.Go(func() (err error) {
		checked, err = a.noteAll(ctx, ordered, numbersOf(plan))
		return err
	})
	return checked, running.Wait()
}

// offer gives p to whoever takes it, unless ctx ends.
func offer(ctx context.Context, to chan<- *deepPage, p *deepPage) error {
	select {
	case to <- p:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// noteAll notes pages once they are checked, and counts their documents.
func (a *DeepAudit) noteAll(ctx context.Context, ordered <-chan *deepPage, of int64) (checked int64, err error) {
	progress := DeepProgress{Of: of}
	for p := range ordered {
		select {
		case <-p.checked:
		case <-ctx.Done():
			return checked, context.Cause(ctx)
		}
		if err := a.DB.noteDeep(ctx, p); err != nil {
			return checked, err
		}
		checked += int64(len(p.rows))
		if progress.Checked += p.to - p.from + 1; a.Progress != nil {
			a.Progress(progress)
		}
	}
	return checked, nil
}

func numbersOf(plan []deepSeries) (n int64) {
	for _, s := range plan {
		n += accounts.Total(s.spans)
	}
	return n
}

// deepPage is some rows of a series on their way.
type deepPage struct {
	series   counter.Series
	rules    *deep.Series
	from, to int64 // the numbers whose rows were read
	new      bool  // they follow what was looked at before
	linkedTo int64 // accounts of the numbers up to this one were read; at least to
	rows     []deepRow
	accounts []deepAccount

	checked chan struct{} // closed once faults is there
	open    []deepOpen
}

// deepRow is a row as it was read. A void has no content to check.
type deepRow struct {
	deep.Row
	void    bool
	credits key // the invoice that it credits; the zero key if none
}

// deepAccount is an invoice with what was credited of it.
type deepAccount struct {
	of key
	deep.Account
}

// deepOpen is what has to be looked at again.
type deepOpen struct {
	of    key
	last  int64
	kind  string // "": there is no row yet
	fault string
}

// check fills open.
func (p *deepPage) check() {
	var rows []counter.Range
	for i := range p.rows {
		r := &p.rows[i]
		rows = append(rows, counter.Range{First: r.Number, Last: r.Number})
		if !r.void {
			p.note(key{Series: p.series, Number: r.Number}, p.rules.Check(&r.Row))
			p.note(key{Series: p.series, Number: r.Number}, p.unlinked(r))
		}
	}
	for _, gap := range accounts.Without([]counter.Range{{First: p.from, Last: p.to}}, rows) {
		p.open = append(p.open, deepOpen{of: key{Series: p.series, Number: gap.First}, last: gap.Last})
	}
	for i := range p.accounts {
		p.note(p.accounts[i].of, p.accounts[i].Check())
	}
}

// note adds faults, those of one kind as one.
func (p *deepPage) note(of key, faults []deep.Fault) {
	begin := len(p.open)
next:
	for _, f := range faults {
		for i := begin; i < len(p.open); i++ {
			if p.open[i].kind == f.Kind {
				p.open[i].fault += "; " + f.Text
				continue next
			}
		}
		p.open = append(p.open, deepOpen{of: of, last: of.Number, kind: f.Kind, fault: f.Text})
	}
}

// unlinked says what is wrong if a document credits an invoice that does not know
// of it.
func (p *deepPage) unlinked(r *deepRow) []deep.Fault {
	if r.credits == (key{}) {
		return nil
	}
	for i := range p.accounts {
		if p.accounts[i].of != r.credits {
			continue
		}
		me := noteName(p.series.Name, p.series.Period, r.Number)
		for _, n := range p.accounts[i].Noted {
			if n.Note == me && r.Kind == kindCreditNote {
				return nil
			}
		}
	}
	return []deep.Fault{{Kind: deep.KindCredits, Text: "it credits " + r.credits.Series.String() + ", which has no note of it"}}
}
