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
// refused: its name was used before.
func (o *Owner) Enroll(ctx context.Context, holder string) (string, error) {
	now, err := o.DB.Era(ctx)
	if err != nil {
		return "", err
	}
	const insert = `
		insert into holders (holder, era)
		select $1, $2 where current_era() = $2
		on conflict (holder) do nothing`
	if _, err := o.DB.settling.ExecContext(ctx, insert, holder, now); err != nil {
		return "", wrap("enrol holder "+holder, err)
	}
	var row struct {
		Era    string     `db:"era"`
		Fenced *time.Time `db:"fenced_at"`
	}
	err = o.DB.settling.GetContext(ctx, &row, `select era, fenced_at from holders where holder = $1`, holder)
	switch {
	case err != nil:
		return "", wrap("enrol holder "+holder+": the era has changed meanwhile", err)
	case row.Fenced != nil:
		return "", fmt.Errorf("enrol holder %s: it is fenced since %s, take another name", holder, row.Fenced.Format(time.RFC3339))
	case row.Era != now:
		return "", fmt.Errorf("enrol holder %s: it belongs to era %s, now is %s, take another name", holder, row.Era, now)
	}
	return now, nil
}
