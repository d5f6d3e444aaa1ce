package invoices

import (
	"context"
	"fmt"
	"time"
)

// Owner is Postgres as the owner of the rows: it implements counter.Owner.
type Owner struct {
	DB     *DB
	Holder func() string // the present holder of who settles, for the books; nil: it is not told
}

// holder is who settles; "" if that is not told.
func (o *Owner) holder() string {
	if o.Holder == nil {
		return ""
	}
	return o.Holder()
}

// Enroll makes holder known as one that may write in the present era, which it
// returns. The row is inserted only if the era is still the one that was read:
// else a holder could be enrolled in an era that its reader never saw. Executed
// twice it changes nothing. A holder that exists fenced, or with another era, is
// refused: its name was used before. ErrResuming: what an announced restore has
// lost is not accounted for; who accounts for it may enrol.
func (o *Owner) Enroll(ctx context.Context, holder string) (string, error) {
	now, err := o.DB.Era(ctx)
	if err != nil {
		return "", err
	}
	const insert = `
		insert into holders (holder, era)
		select $1, $2 from restores where current_era() = $2 and ($3 or resumed_epoch = epoch)
		on conflict (holder) do nothing`
	if _, err := o.DB.settling.ExecContext(ctx, insert, holder, now, o.DB.witness.announcing()); err != nil {
		return "", wrap("enrol holder "+holder, err)
	}
	var row struct {
		Resumed bool       `db:"resumed"`
		Era     *string    `db:"era"`
		Fenced  *time.Time `db:"fenced_at"`
	}
	const look = `
		select r.resumed_epoch = r.epoch as resumed, h.era, h.fenced_at
		from restores r left join holders h on h.holder = $1`
	err = o.DB.settling.GetContext(ctx, &row, look, holder)
	switch {
	case err != nil:
		return "", wrap("enrol holder "+holder, err)
	case row.Era == nil && !row.Resumed:
		return "", fmt.Errorf("enrol holder %s: %w; it is in era %s", holder, ErrResuming, now)
	case row.Era == nil:
		return "", fmt.Errorf("enrol holder %s: the era has changed meanwhile: %w", holder, ErrUnavailable)
	case row.Fenced != nil:
		return "", fmt.Errorf("enrol holder %s: it is fenced since %s, take another name", holder, row.Fenced.Format(time.RFC3339))
	case *row.Era != now:
		return "", fmt.Errorf("enrol holder %s: it belongs to era %s, now is %s, take another name", holder, *row.Era, now)
	}
	return now, nil
}

// Fenced reports whether somebody has closed a holder.
func (db *DB) Fenced(ctx context.Context, holder string) (is bool, err error) {
	err = db.settling.GetContext(ctx, &is, `select exists (select from holders where holder = $1 and fenced_at is not null)`, holder)
	return is, wrap("ask whether holder "+holder+" is fenced", err)
}
