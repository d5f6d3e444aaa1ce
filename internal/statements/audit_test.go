package statements

import (
	"context"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices"
	"folio/invoices/accounts"

	"golang.org/x/sync/errgroup"
)

// audit audits again and again, two at once, one of which reads all anew: so marks
// are raised under what statements and other audits read.
func (l *load) audit(ctx context.Context, mine func(counter.Series) bool) error {
	var auditing errgroup.Group
	for _, full := range []bool{false, true} {
		auditing.Go(func() error {
			for ctx.Err() == nil {
				audit := &invoices.Audit{DB: l.db, Ledgers: l.store, Full: full}
				_, err := audit.Run(ctx, func(a accounts.Account) error {
					if mine(a.Series) && !a.Clean() {
						return &broken{fmt.Errorf("an audit, full %t, of %s, at revision %d and snapshot %s: %+v", full, a.Series, a.AsOf.Revision, a.AsOf.Snapshot, a.Findings)}
					}
					return nil
				})
				if err != nil && ctx.Err() == nil {
					return err
				}
				l.audits.Add(1)
				rest(ctx, time.Second)
			}
			return nil
		})
	}
	return auditing.Wait()
}
