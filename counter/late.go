package counter

import (
	"context"
	"time"
)

// dropLate has the owner void what was freed too long ago, and takes it out of
// led: it leaves the ledger in the swap that reserves. First the voids, then the
// swap: a number that has left the ledger has a row. If the swap fails the ranges
// are still free, and void. Then, and if another holder reserves them meanwhile,
// the primary key refuses a document with such a number, and it is used up.
func (r *reservation) dropLate(ctx context.Context, led Ledger) (Ledger, error) {
	l, within := r.life, r.rules.ReuseWithin
	if within <= 0 || l.a.Config.Owner == nil {
		return led, nil
	}
	next, late := led.DropLate(time.Now().Add(-within))
	if len(late) == 0 {
		return led, nil
	}
	if err := l.void(ctx, r.shelf.series, late, "released_late"); err != nil {
		return led, err
	}
	l.a.log().Info("freed too long ago, void", "series", r.shelf.series.String(), "ranges", len(late), "first", late[0].First, "within", within)
	return next, nil
}
