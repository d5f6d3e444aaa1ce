package invoices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// SeriesBook keeps the series of tenants. DB is required.
type SeriesBook struct {
	DB      *DB
	Ledgers Ledgers // nil: no answer to whether a series without documents was used
	Numbers Numbers // nil: no numbers can be voided
	Now     func() time.Time
}

// List returns the series of a tenant by name.
func (b *SeriesBook) List(ctx context.Context, tenant string) ([]Series, error) {
	return b.DB.ListSeries(ctx, tenant)
}

// Find returns a series of a tenant. ErrNotFound: there is none of that name.
func (b *SeriesBook) Find(ctx context.Context, tenant, name string) (Series, error) {
	var s Series
	err := b.DB.read(ctx, tenant, "read a series", func(q sqlx.QueryerContext) (err error) {
		s, err = findSeries(ctx, q, tenant, name)
		return err
	})
	return s, err
}

// Put makes a series or changes what it says, and returns it with what was left
// empty filled in. Once it returns, every replica issues in a new series at once,
// and follows a change within a second. Repeated, it changes nothing.
//
// Errors: *document.InvalidError (a field is none, or the format could print what
// another series of the tenant prints), ErrSeriesUsed, ErrNotFound (no such
// tenant), ErrUnavailable.
func (b *SeriesBook) Put(ctx context.Context, s Series) (put Series, made bool, err error) {
	s, err = s.Checked()
	if err != nil {
		return Series{}, false, err
	}
	given, err := b.hasLedger(ctx, s)
	if err != nil {
		return Series{}, false, err
	}
	err = b.DB.inTx(ctx, "put series "+s.Name+" of "+s.Tenant, func(tx *sqlx.Tx) error {
		made, err = putSeries(ctx, tx, s, given)
		return err
	})
	return s, made, err
}

// hasLedger reports whether numbers of s were ever reserved, if s exists and is to
// change what a used series keeps.
func (b *SeriesBook) hasLedger(ctx context.Context, s Series) (bool, error) {
	old, err := b.Find(ctx, s.Tenant, s.Name)
	if errors.Is(err, ErrNotFound) || err == nil && old.sameNumbers(s) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if b.Ledgers == nil {
		return false, fmt.Errorf("change the numbering or the period of series %s of %s: only the ledgers tell whether it was used; give the endpoints of etcd", s.Name, s.Tenant)
	}
	ledgers, err := b.Ledgers.List(ctx, s.Tenant, s.Name)
	if err != nil {
		return false, fmt.Errorf("look for the ledgers of series %s of %s: %w: %w", s.Name, s.Tenant, ErrUnavailable, err)
	}
	return len(ledgers) > 0, nil
}

// sameNumbers reports whether s and other agree in what a used series keeps.
func (s Series) sameNumbers(other Series) bool {
	return s.Numbering == other.Numbering && s.Period == other.Period
}

// putSeries holds the tenant's row, so that of two series that clash only one can
// be put. given tells that the series has a ledger.
func putSeries(ctx context.Context, tx *sqlx.Tx, s Series, given bool) (made bool, err error) {
	var tenant string
	if err := tx.GetContext(ctx, &tenant, `select name from tenants where name = $1 for no key update`, s.Tenant); err != nil {
		return false, wrap("look up tenant "+s.Tenant, err)
	}
	old, err := findSeries(ctx, tx, s.Tenant, s.Name)
	if made = errors.Is(err, ErrNotFound); err != nil && !made {
		return false, err
	}
	if !made && !old.sameNumbers(s) {
		// Of a strict series nothing is under way then, and what comes later sees
		// the new rule behind the lock of its counter.
		if _, err := tx.ExecContext(ctx, lockStrictCounters); err != nil {
			return false, wrap("wait for strict series", err)
		}
		if used, err := hasDocuments(ctx, tx, s); used || given || err != nil {
			return false, errors.Join(ErrSeriesUsed, err)
		}
	}
	if err := findClash(ctx, tx, s); err != nil {
		return false, err
	}
	if made {
		return true, insertSeries(ctx, tx, s, time.Now().UTC().Truncate(time.Microsecond))
	}
	return false, updateSeries(ctx, tx, old, s)
}

func hasDocuments(ctx context.Context, q sqlx.QueryerContext, s Series) (used bool, err error) {
	const query = `select exists (select from documents where tenant = $1 and series = $2)`
	err = sqlx.GetContext(ctx, q, &used, query, s.Tenant, s.Name)
	return used, wrap("look for documents of series "+s.Name+" of "+s.Tenant, err)
}

func updateSeries(ctx context.Context, tx *sqlx.Tx, old, s Series) error {
	if old.Format != s.Format {
		const keep = `insert into series_formats (tenant, name, format) values ($1, $2, $3) on conflict do nothing`
		if _, err := tx.ExecContext(ctx, keep, old.Tenant, old.Name, old.Format); err != nil {
			return err
		}
	}
	const update = `
		update series set numbering = $3, format = $4, period = $5, start = $6, on_loss = $7, reuse_within = $8,
			range_first = $9, range_last = $10, expires_on = cast($11 as date), warn_left = $12, document = $13,
			closed_through = cast($14 as date)
		where tenant = $1 and name = $2`
	_, err := tx.ExecContext(ctx, update, s.values()...)
	return err
}

// findClash refuses a format by which s could print what another series of its
// tenant prints, or one of them was printing, or what s itself printed by a
// format it had.
func findClash(ctx context.Context, tx *sqlx.Tx, s Series) error {
	format, err := document.ParseFormat(s.Format)
	if err != nil {
		return err
	}
	others, err := otherFormats(ctx, tx, s)
	if err != nil {
		return err
	}
	for _, o := range others {
		other, err := document.ParseFormat(o.Format)
		if err != nil {
			return fmt.Errorf("series %s of %s: %w", o.Name, s.Tenant, err)
		}
		if clash, ok := o.clash(s, format, other); ok {
			return invalid("/format", fmt.Sprintf(
				"could print %s, as series %s could %s the format %s; no two numbers of a tenant are printed the same, so take another format",
				clash.Text, o.Name, o.when(), o.Format))
		}
	}
	return nil
}

// namedFormat is a format that a series has, or had.
type namedFormat struct {
	Name   string `db:"name"`
	Format string `db:"format"`
	Former bool   `db:"former"`
}

func (o namedFormat) when() string {
	if o.Former {
		return "when it had"
	}
	return "by"
}

func (o namedFormat) clash(s Series, format, other document.Format) (document.Clash, bool) {
	if o.Name == s.Name {
		return document.FindRepeat(format, other, document.Names{Series: s.Name, Tenant: s.Tenant})
	}
	return document.FindClash(format, document.Names{Series: s.Name, Tenant: s.Tenant},
		other, document.Names{Series: o.Name, Tenant: s.Tenant})
}

// otherFormats returns the formats that the format of s is held against. Formats
// that a series had count once it has documents: they may bear them.
func otherFormats(ctx context.Context, tx *sqlx.Tx, s Series) ([]namedFormat, error) {
	var all []namedFormat
	const query = `
		select name, format, false as former from series where tenant = $1 and name <> $2
		union all
		select f.name, f.format, true from series_formats f
		where f.tenant = $1 and exists (select from documents d where d.tenant = f.tenant and d.series = f.name)
		union all
		select name, format, true from series
		where tenant = $1 and name = $2 and exists (select from documents d where d.tenant = $1 and d.series = $2)
		order by 1, 3, 2`
	err := tx.SelectContext(ctx, &all, query, s.Tenant, s.Name)
	return all, wrap("read the formats of "+s.Tenant, err)
}
