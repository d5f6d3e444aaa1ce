package invoices

import (
	"context"
	"errors"
	"fmt"

	"folio/counter"
)

// restoredNote is what is known of a number that an announced restore makes void.
func restoredNote(era string) string {
	return "A restore was announced, with which era " + era + " of Postgres began, and there was no document with it."
}

// mayName refuses a series of Above of which nobody knows anything, one whose numbers
// the ledger does not give, and a number so high that nobody can mean it.
func (r *Restored) mayName(ctx context.Context, s counter.Series) error {
	led, damaged, err := loadLedger(ctx, r.Ledgers, s)
	if err != nil && !damaged {
		return err
	}
	floor, err := readFloor(ctx, r.DB.rest, s)
	if err != nil {
		return err
	}
	first := int64(1)
	said, err := findSeries(ctx, r.DB.rest, s.Tenant, s.Name)
	switch {
	case errors.Is(err, ErrNotFound) && !damaged && led.Mark == 0 && floor == 0:
		return fmt.Errorf("%s: there is no such series; make it first, or correct its name: %w", s, ErrNotFound)
	case errors.Is(err, ErrNotFound): // it was made after the backup
	case err != nil:
		return err
	default:
		rule, err := said.rule()
		if err == nil && !rule.keeps(s, false) {
			err = fmt.Errorf("%s is strict, or %q is none of its periods; how strict series go on is said with --strict", s, s.Period)
		}
		if err != nil {
			return err
		}
		first = rule.first()
	}
	if at := max(led.Mark, floor, first-1); r.Above[s]-at > seekMost {
		return fmt.Errorf("%s: nothing above %d is known of it, and %d skips %d numbers; at most %d are skipped at once", s, at, r.Above[s], r.Above[s]-at, seekMost)
	}
	return nil
}

// ledger loads a ledger. One that cannot be read is begun anew if it is known what it
// may have given.
func (r *Restored) ledger(ctx context.Context, s counter.Series) (counter.Ledger, error) {
	led, damaged, err := loadLedger(ctx, r.Ledgers, s)
	if _, known := r.Above[s]; !damaged || !known || r.Mend == nil {
		return led, err
	}
	switch err := r.Mend(ctx, s); {
	case errors.Is(err, counter.ErrUnavailable):
		return led, numberError(err)
	case err != nil:
		return led, fmt.Errorf("%w: %w", ErrLedgerDamaged, err)
	}
	led, _, err = loadLedger(ctx, r.Ledgers, s)
	return led, err
}

// goal is the number above which s goes on: at is the highest that is known of it.
func (r *Restored) goal(ctx context.Context, s counter.Series, at int64) (int64, error) {
	rule, err := r.DB.findRule(ctx, s.Tenant, s.Name)
	if err != nil {
		return 0, err
	}
	last := int64(counter.MaxNumber)
	if rule != nil {
		last = rule.last()
	}
	to, known := r.Above[s]
	if !known {
		to = min(at, counter.MaxNumber-r.Skip) + r.Skip
	}
	return max(at, min(to, last)), nil
}
