package invoices

import (
	"context"
	"fmt"
	"slices"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Audit says what is audited, and how. DB and Ledgers are required; the zero rest
// audits everything, and reads only what is new since the audit before.
type Audit struct {
	DB       *DB
	Ledgers  Ledgers
	Of       counter.Selection
	Full     bool                // read every row anew, and hold it against what was found whole before
	Progress func(AuditProgress) // told after each step; nil: nobody
}

// AuditProgress is how far an audit is.
type AuditProgress struct {
	Series int64 // accounted for
	All    int64 // to be accounted for, as far as is known
	Rows   int64 // read
}

// AuditSummary is what an audit found beside the accounts.
type AuditSummary struct {
	Series        int64              // that were accounted for
	Findings      []accounts.Finding // of no series, as a key among the ledgers that names none
	FindingsInAll int64              // those of series, too
}

// auditAtOnce is how many series are read in one step, at most.
const auditAtOnce = 500

// Run accounts for every number of the selected series and tells each of their
// accounts, in the order of their names: counts, and ranges only of what is not issued
// or void. Ledgers are read before the rows of their series. How far a series is whole
// is noted, so that the next audit reads on from there. An error, each's too, means
// that the audit could not be finished.
func (a *Audit) Run(ctx context.Context, each func(accounts.Account) error) (AuditSummary, error) {
	run := &auditRun{Audit: a, each: each}
	named, err := a.DB.seriesInPostgres(ctx, a.Of)
	if err != nil {
		return run.summary, err
	}
	for from, last := "", false; !last; {
		page, err := loadPage(ctx, a.Ledgers, a.Of, from)
		if err != nil {
			return run.summary, err
		}
		for _, key := range page.Foreign {
			run.summary.FindingsInAll++
			run.summary.Findings = append(run.summary.Findings, accounts.Finding{Kind: accounts.ForeignKey, Text: "key " + key + " is among the ledgers and names no series"})
		}
		from, last = page.Next, page.Next == ""
		both := merge{page, named}
		run.ahead = both.count()
		for part := both.next(auditAtOnce); len(part) > 0; part = both.next(auditAtOnce) {
			if err := run.account(ctx, part); err != nil {
				return run.summary, err
			}
		}
		named = both.named
	}
	return run.summary, nil
}

// auditRun is one run of an audit.
type auditRun struct {
	*Audit
	each    func(accounts.Account) error
	summary AuditSummary
	ahead   int64 // series that are known to come
	rows    int64 // read so far
}

// read takes note of rows that were read.
func (r *auditRun) read(rows int64) {
	r.rows += rows
	if r.Progress != nil {
		r.Progress(AuditProgress{Series: r.summary.Series, All: r.summary.Series + r.ahead, Rows: r.rows})
	}
}

// account accounts for some series: one snapshot of Postgres for all of them.
func (r *auditRun) account(ctx context.Context, all []*tally) error {
	var strangers []string
	err := r.DB.inSnapshot(ctx, "account for "+namesOf(all), func(tx *sqlx.Tx) error {
		if err := lookAt(ctx, tx, all); err != nil {
			return err
		}
		if err := cover(ctx, tx, all, r.Full, r.read); err != nil {
			return err
		}
		if err := countAllVoids(ctx, tx, all, r.Full); err != nil {
			return err
		}
		var err error
		strangers, err = strangersAmong(ctx, tx, all)
		return err
	})
	if err != nil {
		return err
	}
	if err := lookAgain(ctx, r.DB, r.Ledgers, all); err != nil {
		return err
	}
	if len(strangers) > 0 {
		alive, err := registered(ctx, r.Ledgers)
		if err != nil {
			return err
		}
		strangers = slices.DeleteFunc(strangers, func(h string) bool { return slices.Contains(alive, h) })
	}
	if err := r.DB.note(ctx, all); err != nil {
		return err
	}
	return r.tell(all, strangers)
}

// tell hands the accounts out.
func (r *auditRun) tell(all []*tally, strangers []string) error {
	for _, t := range all {
		a := t.account()
		for _, b := range a.Held.Blocks {
			if slices.Contains(strangers, b.Block.Holder) {
				a.Add(accounts.Finding{Kind: accounts.UnknownHolder, Ranges: []counter.Range{b.Block.Range}, Text: fmt.Sprintf(
					"block %d, %s, is held by %s, whom neither Postgres nor etcd knows", b.Block.Serial, b.Block.Range, b.Block.Holder)})
			}
		}
		r.summary.Series++
		r.summary.FindingsInAll += int64(len(a.Findings))
		if err := r.each(a); err != nil {
			return err
		}
	}
	r.ahead -= int64(len(all))
	r.read(0)
	return nil
}

// strangersAmong returns the holders of blocks that have no row in holders. A holder
// is enrolled before it reserves its first block, and its row is never removed.
func strangersAmong(ctx context.Context, q sqlx.QueryerContext, all []*tally) ([]string, error) {
	var names []string
	for _, t := range all {
		for _, b := range t.ledger.Ledger.Held {
			names = append(names, b.Holder)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	slices.Sort(names)
	var strangers []string
	const query = `
		select q.holder from unnest(cast($1 as text[])) as q (holder)
		where not exists (select from holders h where h.holder = q.holder)`
	err := sqlx.SelectContext(ctx, q, &strangers, query, pq.Array(slices.Compact(names)))
	return strangers, wrap("look for the holders of blocks", err)
}
