package invoices

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"folio/counter"
	"folio/invoices/accounts"
)

// Repair does what the findings of an audit's report ask for, and nothing else. DB,
// Ledgers, Settle and Rebuild are required.
type Repair struct {
	DB      *DB
	Ledgers Ledgers
	AtMost  int64  // numbers of one series that become void; 0: 1,000,000
	DryRun  bool   // say what would be done, and do nothing
	Note    string // of each void: by whom, when, by which report

	// Settle settles what a holder that is gone has of a series; see
	// counter.Allocator.Settle.
	Settle func(ctx context.Context, s counter.Series, holder string) error

	// Rebuild brings the ledger of a series to cover all its rows, and says what it did.
	Rebuild func(ctx context.Context, s counter.Series) (did string, err error)
}

// Outcome is what became of a finding.
type Outcome string

// The outcomes there are.
const (
	OutcomeDone  Outcome = "repaired"
	OutcomeWould Outcome = "would be repaired" // in a dry run
	OutcomeGone  Outcome = "no longer so"      // nothing to do any more
	OutcomeLeft  Outcome = "left"              // for a person
)

// Repaired is a finding of a report and what became of it.
type Repaired struct {
	Finding accounts.ReportedFinding
	Outcome Outcome
	Did     string // what was done, or what a person has to do
}

// repairOrder is the order in which findings of one series are looked at: without a
// ledger nobody knows which numbers are unaccounted for.
var repairOrder = []accounts.Kind{
	accounts.LedgerDamaged, accounts.LedgerMissing, accounts.LedgerBehind, accounts.UnknownHolder, accounts.Unaccounted,
}

// Run looks at each finding of r again, the ledger first and then the rows, repairs
// what still is as the report says, and tells what became of it. Repeated it changes
// nothing. An error means that it could not be finished: what was told is done.
func (p *Repair) Run(ctx context.Context, r accounts.Report, tell func(Repaired) error) error {
	place := func(f accounts.ReportedFinding) int {
		if i := slices.Index(repairOrder, f.Kind); i >= 0 {
			return i
		}
		return len(repairOrder)
	}
	all := slices.Clone(r.Findings)
	slices.SortStableFunc(all, func(a, b accounts.ReportedFinding) int {
		return cmp.Or(cmp.Compare(a.Series, b.Series), cmp.Compare(place(a), place(b)))
	})
	gone := make(map[string][]counter.Range) // had a row once: a void would hide the loss
	for _, f := range all {
		if f.Kind == accounts.RowGone {
			gone[f.Series] = append(gone[f.Series], f.Ranges...)
		}
	}
	for _, f := range all {
		done, err := p.finding(ctx, f, accounts.Merged(gone[f.Series]))
		if err != nil {
			return fmt.Errorf("repair %s of %s: %w", f.Kind, f.Series, err)
		}
		if err := tell(done); err != nil {
			return err
		}
	}
	return nil
}

// finding looks at one finding.
func (p *Repair) finding(ctx context.Context, f accounts.ReportedFinding, gone []counter.Range) (Repaired, error) {
	if !slices.Contains(repairOrder, f.Kind) {
		return Repaired{f, OutcomeLeft, "not repairable by folio: " + advice(f.Kind)}, nil
	}
	s, err := seriesNamed(f.Series)
	if err != nil {
		return Repaired{f, OutcomeLeft, "the report names no series: " + err.Error()}, nil
	}
	now, err := p.present(ctx, s, f)
	if err != nil {
		return Repaired{}, err
	}
	if f.Kind == accounts.Unaccounted {
		now.Ranges = accounts.Without(now.Ranges, gone)
		if len(accounts.Both(f.Ranges, gone)) > 0 && len(now.Ranges) == 0 {
			return Repaired{f, OutcomeLeft, "a row with these numbers is gone; " + advice(accounts.RowGone)}, nil
		}
	}
	if now.Kind == "" || len(f.Ranges) > 0 && len(now.Ranges) == 0 {
		return Repaired{f, OutcomeGone, "looked at again, it is not so any more; nothing was done"}, nil
	}
	switch f.Kind {
	case accounts.Unaccounted:
		return p.void(ctx, s, f, now.Ranges)
	case accounts.UnknownHolder:
		return p.settle(ctx, s, f, now.Ranges)
	}
	return p.rebuild(ctx, s, f)
}

// seriesNamed reads what Series.String writes.
func seriesNamed(path string) (counter.Series, error) {
	parts := strings.Split(path, "/")
	if len(parts) != 3 || !validName(parts[0]) || !validName(parts[1]) {
		return counter.Series{}, fmt.Errorf("%q: want tenant/series/period", path)
	}
	s := counter.Series{Tenant: parts[0], Name: parts[1], Period: parts[2]}
	if s.Period == "-" {
		s.Period = ""
	}
	return s, nil
}

// present is what of f holds now: its kind is empty if nothing does. Of ranges those
// that the report lists as well are left.
func (p *Repair) present(ctx context.Context, s counter.Series, f accounts.ReportedFinding) (accounts.Finding, error) {
	now := accounts.Finding{Series: s}
	audit := &Audit{DB: p.DB, Ledgers: p.Ledgers, Of: counter.Selection{Tenant: s.Tenant, Name: s.Name, Period: &s.Period}}
	_, err := audit.Run(ctx, func(a accounts.Account) error {
		for _, found := range a.Findings {
			if found.Kind == f.Kind {
				now.Kind, now.Text = found.Kind, found.Text
				now.Ranges = append(now.Ranges, accounts.Both(accounts.Merged(found.Ranges), accounts.Merged(f.Ranges))...)
			}
		}
		return nil
	})
	now.Ranges = accounts.Merged(now.Ranges)
	return now, err
}

// void makes numbers void of which nobody knows what became.
func (p *Repair) void(ctx context.Context, s counter.Series, f accounts.ReportedFinding, ranges []counter.Range) (Repaired, error) {
	n, most := accounts.Total(ranges), cmp.Or(p.AtMost, 1_000_000)
	if n > most {
		return Repaired{f, OutcomeLeft, fmt.Sprintf("%d numbers would become void, %s; that is more than %d: if it is meant, say so with --at-most", n, accounts.Text(ranges), most)}, nil
	}
	if p.DryRun {
		return Repaired{f, OutcomeWould, fmt.Sprintf("%s would become void, for the reason %s", accounts.Text(ranges), reasonOperator)}, nil
	}
	o := &Owner{DB: p.DB}
	era, err := p.DB.Era(ctx)
	if err == nil {
		err = o.void(ctx, voids{Series: s, Ranges: ranges, Reason: reasonOperator, Era: era, Who: byOperator, Note: p.Note})
	}
	return Repaired{f, OutcomeDone, fmt.Sprintf("%s is void now, for the reason %s", accounts.Text(ranges), reasonOperator)}, err
}

// settle settles blocks of holders that nobody knows: fenced first, then by their
// rows, as those of a dead holder.
func (p *Repair) settle(ctx context.Context, s counter.Series, f accounts.ReportedFinding, ranges []counter.Range) (Repaired, error) {
	loaded, _, err := loadOne(ctx, p.Ledgers, s)
	if err == nil {
		err = loaded.Err
	}
	if err != nil {
		return Repaired{}, err
	}
	var holders []string
	for _, b := range loaded.Ledger.Held {
		if len(accounts.Within(b.Range, ranges)) > 0 && !slices.Contains(holders, b.Holder) {
			holders = append(holders, b.Holder)
		}
	}
	if p.DryRun {
		return Repaired{f, OutcomeWould, fmt.Sprintf("%s would be fenced, and what it holds settled by its rows", holders)}, nil
	}
	for _, holder := range holders {
		err := p.Settle(ctx, s, holder)
		if errors.Is(err, errStale) {
			return Repaired{f, OutcomeLeft, "not repairable by folio: " + err.Error()}, nil
		}
		if err != nil {
			return Repaired{}, err
		}
	}
	return Repaired{f, OutcomeDone, fmt.Sprintf("%s is fenced, and what it held is settled by its rows", holders)}, nil
}

// rebuild brings a ledger to cover all rows.
func (p *Repair) rebuild(ctx context.Context, s counter.Series, f accounts.ReportedFinding) (Repaired, error) {
	if p.DryRun {
		return Repaired{f, OutcomeWould, "its ledger would be rebuilt, as by folio ledger rebuild " + s.String()}, nil
	}
	did, err := p.Rebuild(ctx, s)
	return Repaired{f, OutcomeDone, did}, err
}

// advice is what a person does about a finding that folio cannot repair.
func advice(k accounts.Kind) string {
	switch k {
	case accounts.RowGone:
		return "documents were removed by force; take them from a backup of Postgres, and find out who has such rights"
	case accounts.BelowFirst:
		return "find out who stored these documents; they are kept, and the numbers below the first are given to nobody"
	case accounts.StrictLedger:
		return "nothing is given out of it; once it is known who wrote it, remove the key with etcdctl"
	case accounts.StrictBehind:
		return "run folio restored --strict skip-to with the highest number of the series"
	case accounts.ForeignKey:
		return "find out who wrote the key, and remove it with etcdctl"
	}
	return "a document is never changed; find out how it came to be so, and correct it by a credit note or from a backup"
}
