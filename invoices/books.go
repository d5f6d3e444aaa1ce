package invoices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"folio/counter"

	"github.com/jmoiron/sqlx"
)

// Books tell what became of each number: by the ledger of its series, which is read
// first, and then by its row. DB and Ledgers are required.
type Books struct {
	DB      *DB
	Ledgers Ledgers
	Now     func() time.Time // nil: time.Now
}

// Asker is who asks the books.
type Asker struct {
	Identity

	// Operator: holders and pods are named, and a series that is gone is told of by
	// the numbers that it left.
	Operator bool
}

// Operator is an operator who asks the books of a tenant. One that is gone leaves its
// books.
func (b *Books) Operator(ctx context.Context, tenant string) (Asker, error) {
	who := Asker{Identity: Identity{Tenant: tenant}, Operator: true}
	t, err := b.DB.Tenant(ctx, tenant)
	switch {
	case errors.Is(err, ErrNotFound):
		return who, nil
	case err != nil:
		return who, err
	}
	who.Seller.Name = t.LegalName
	if who.Zone, err = time.LoadLocation(t.TimeZone); err != nil {
		return who, fmt.Errorf("time zone of tenant %s: %w", tenant, err)
	}
	return who, nil
}

// ledgerPatience bounds the reading of one ledger.
const ledgerPatience = 4 * time.Second

// bookSeries is a series and period of which the books are asked.
type bookSeries struct {
	counter.Series
	rule  *rule // nil: there is no such series any more
	start int64 // where numbers begin if no ledger says so
	zone  *time.Location
}

func (b *Books) now() time.Time {
	if b.Now != nil {
		return b.Now().UTC()
	}
	return time.Now().UTC()
}

// find finds the series; period nil is the present one. ErrNotFound: there is none.
// *document.InvalidError names the period.
func (b *Books) find(ctx context.Context, who Asker, name string, period *string) (bookSeries, error) {
	s := bookSeries{Series: counter.Series{Tenant: who.Tenant, Name: name}, zone: who.zone(), start: 1}
	said, err := (&SeriesBook{DB: b.DB}).Find(ctx, who.Tenant, name)
	switch {
	case errors.Is(err, ErrNotFound) && who.Operator && period != nil:
		s.Period = *period
		return s, nil
	case err != nil:
		return s, err
	}
	r, err := said.rule()
	if err != nil {
		return s, err
	}
	s.rule = &r
	switch {
	case period == nil:
		s.Period = r.period.Period(b.now().In(s.zone).Format(time.DateOnly))
	case !who.Operator && !r.period.Fits(*period):
		return s, invalid("period", fmt.Sprintf("is no period of series %s, whose period is %s", name, said.Period))
	default:
		s.Period = *period
	}
	s.start, err = b.DB.startOf(ctx, s.Series, r.first())
	return s, err
}

// startOf returns the first number that s gives: the lowest that was imported, or
// else first.
func (db *DB) startOf(ctx context.Context, s counter.Series, first int64) (start int64, err error) {
	const query = `select coalesce((select first from series_starts where tenant = $1 and series = $2 and period = $3), cast($4 as bigint))`
	err = db.read(ctx, s.Tenant, "read where "+s.String()+" begins", func(q sqlx.QueryerContext) error {
		return sqlx.GetContext(ctx, q, &start, query, s.Tenant, s.Name, s.Period, first)
	})
	return start, err
}

// book is where the numbers of a series stand.
type book struct {
	counter.Ledger
	first    int64
	strict   bool
	revision int64     // of etcd when the ledger was read; 0: not told
	at       time.Time // before it was read
}

// RevisionLedgers are Ledgers that also tell the revision of the store at which a
// ledger was read.
type RevisionLedgers interface {
	LoadAt(ctx context.Context, s counter.Series) (counter.Ledger, counter.Version, int64, error)
}

// open reads where s stands: in a strict series by its counter, else by its ledger.
// Errors: ErrLedgerDamaged, ErrUnavailable.
func (b *Books) open(ctx context.Context, s bookSeries) (book, error) {
	at := b.now()
	c, err := b.strictCounter(ctx, s)
	if err != nil {
		return book{}, err
	}
	if c != nil {
		return book{Ledger: counter.Ledger{First: c.First, Mark: c.Mark}, first: c.First, strict: true, at: at}, nil
	}
	l, revision, err := b.load(ctx, s.Series)
	if err != nil {
		return book{}, err
	}
	k := book{Ledger: l, first: s.start, revision: revision, at: at}
	if l.Mark > 0 || l.Serial > 0 {
		k.first = l.Range().First
	} else {
		k.Mark = k.first - 1
	}
	return k, nil
}

// load reads a ledger.
func (b *Books) load(ctx context.Context, s counter.Series) (l counter.Ledger, revision int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerPatience)
	defer cancel()
	if teller, ok := b.Ledgers.(RevisionLedgers); ok {
		l, _, revision, err = teller.LoadAt(ctx, s)
	} else {
		l, _, err = b.Ledgers.Load(ctx, s)
	}
	switch {
	case errors.Is(err, counter.ErrDamaged):
		return l, 0, fmt.Errorf("%w: %w", ErrLedgerDamaged, err)
	case err != nil:
		return l, 0, fmt.Errorf("read the ledger of %s: %w: %w", s, ErrUnavailable, err)
	}
	return l, revision, nil
}

// strictCounter returns the counter of s, nil if s is no strict series. Of one that
// gave no number yet, it is the one that the first number will make.
func (b *Books) strictCounter(ctx context.Context, s bookSeries) (*strictCounter, error) {
	var rows []strictCounter
	const query = `select tenant, series, period, first, mark, era from strict_counters
		where tenant = $1 and series = $2 and period = $3 and mark >= first`
	err := b.DB.read(ctx, s.Tenant, "read the counter of "+s.String(), func(q sqlx.QueryerContext) error {
		return sqlx.SelectContext(ctx, q, &rows, query, s.Tenant, s.Name, s.Period)
	})
	switch {
	case err != nil:
		return nil, err
	case len(rows) > 0:
		return &rows[0], nil
	case s.rule != nil && s.rule.Numbering == numberingStrict:
		return &strictCounter{First: s.start, Mark: s.start - 1}, nil
	}
	return nil, nil
}
