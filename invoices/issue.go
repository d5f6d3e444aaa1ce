package invoices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices/document"
)

// Issuer issues invoices. DB, Numbers and Writer are required.
type Issuer struct {
	DB      *DB
	Numbers Numbers
	Writer  *Writer
	Now     func() time.Time // nil: time.Now

	rules    rulebook
	ranges   ranges
	contents contents
	earlier  combiner[requestKey, *stored] // nil: no such request
}

// Issue makes the invoice that r wishes for, or returns the one that the same
// request made before. Until ctx ends it goes on with another number when the
// first is used up, or its holder fenced.
//
// A repeat is answered for ever, whatever the rules for drafts have become.
//
// Errors: *document.InvalidError, ErrRequestReused, ErrSeriesExhausted,
// ErrSeriesExpired, ErrSeriesSuspended, ErrLedgerDamaged; ErrUnavailable (nothing
// was stored), ErrOutcomeUnknown (the same request id tells).
func (is *Issuer) Issue(ctx context.Context, r Request) (Issued, error) {
	got, err := is.issueOrRepeat(ctx, r, requestID(r.ID))
	return got, is.ranges.note(err)
}

// issueOrRepeat takes r for a new request, and looks it up if it is refused.
func (is *Issuer) issueOrRepeat(ctx context.Context, r Request, id string) (Issued, error) {
	got, err := is.issue(ctx, r, id)
	if r.ID == "" || !isRefusal(err) {
		return got, err
	}
	before, again := is.before(ctx, r, id)
	if before != nil {
		return issued(before, nil)
	}
	return Issued{}, refusal(err, again)
}

// issue issues what is taken for a new request.
func (is *Issuer) issue(ctx context.Context, r Request, id string) (Issued, error) {
	draft, err := is.prepare(ctx, r)
	if err != nil {
		return Issued{}, err
	}
	draft.RequestID = id
	if r.ID != "" && !is.meets(draft) {
		before, err := is.before(ctx, r, id)
		if before != nil || err != nil {
			return issued(before, err)
		}
	}
	return is.store(ctx, draft)
}

// prepared is a row without a number yet.
type prepared struct {
	row
	rule   *rule // as it was when the row was prepared, or when a number was taken
	zone   *time.Location
	series counter.Series
	format document.Format
}

// prepare validates the draft and derives what does not depend on the number.
func (is *Issuer) prepare(ctx context.Context, r Request) (*prepared, error) {
	at, zone := is.now(), r.Identity.zone()
	if r.Draft.Currency == "" {
		r.Draft.Currency = r.Identity.Currency
	}
	draft, totals, err := document.Complete(r.Draft, at.In(zone))
	if err != nil {
		return nil, err
	}
	known, err := is.documentRule(ctx, r.Identity.Tenant, draft.Series)
	if err != nil {
		return nil, err
	}
	return is.place(known, zone, row{
		Digest: r.Digest, KeyID: r.Identity.KeyID, CreatedAt: at,
		Draft: draft, Seller: r.Identity.Seller, Totals: totals,
	})
}

// documentRule returns the rule of a series that a document names.
func (is *Issuer) documentRule(ctx context.Context, tenant, name string) (*rule, error) {
	known, err := is.rule(ctx, tenant, name)
	if err == nil && known == nil {
		err = invalid("/series", fmt.Sprintf("there is no series %q; create it first, or leave the field out", name))
	}
	return known, err
}

// place puts the row of a document into the series of a rule, if that admits its
// date; the zone, the tenant's, says what today is.
func (is *Issuer) place(known *rule, zone *time.Location, r row) (*prepared, error) {
	if err := known.admit(r.Draft.IssueDate, r.CreatedAt.In(zone).Format(time.DateOnly)); err != nil {
		return nil, err
	}
	r.Kind = known.kind
	p := &prepared{
		row:    r,
		rule:   known,
		zone:   zone,
		series: counter.Series{Tenant: known.Tenant, Name: known.Name, Period: known.period.Period(r.Draft.IssueDate)},
		format: known.format,
	}
	if known.Numbering == numberingStrict {
		p.Strict = known.strictPlace(p.series)
	}
	var err error
	p.content, err = is.contents.of(&p.row)
	return p, err
}

// now is the present moment, to the microsecond, as Postgres keeps it.
func (is *Issuer) now() time.Time {
	now := time.Now
	if is.Now != nil {
		now = is.Now
	}
	return now().UTC().Truncate(time.Microsecond)
}

func (i Identity) zone() *time.Location {
	if i.Zone == nil {
		return time.UTC
	}
	return i.Zone
}

// rule returns the rule of a series; nil if there is no such series.
func (is *Issuer) rule(ctx context.Context, tenant, name string) (*rule, error) {
	return is.rules.find(ctx, is.DB, tenant, name)
}

// print is how n reads on a document.
func (p *prepared) print(n counter.Number) string {
	return p.format.Print(n.Value(), document.Fields{IssueDate: p.Draft.IssueDate, Series: p.series.Name, Tenant: p.series.Tenant})
}

// store numbers and writes the row. If the rule that it was prepared by is one that
// the series no longer has, it goes on by the present one.
func (is *Issuer) store(ctx context.Context, p *prepared) (Issued, error) {
	for {
		got, err := is.storeBy(ctx, p)
		if !errors.Is(err, errRuleChanged) {
			return got, err
		}
		if ctx.Err() != nil {
			return Issued{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if p, err = is.placeAgain(ctx, p); err != nil {
			return Issued{}, err
		}
	}
}

// placeAgain is place by the rule that the series of p has now.
func (is *Issuer) placeAgain(ctx context.Context, p *prepared) (*prepared, error) {
	is.rules.forget(p.series.Tenant, p.series.Name)
	find := is.documentRule
	if p.credit != nil {
		find = is.creditRule
	}
	known, err := find(ctx, p.series.Tenant, p.series.Name)
	if err != nil {
		return nil, err
	}
	r := p.row
	r.Strict = strictPlace{}
	return is.place(known, p.zone, r)
}

// storeBy takes a number and writes the row, again with another number while that
// may help. errRuleChanged: nothing was stored.
func (is *Issuer) storeBy(ctx context.Context, p *prepared) (Issued, error) {
	if p.strict() {
		return is.storeStrict(ctx, p)
	}
	for {
		n, err := is.takeOne(ctx, p)
		if err != nil {
			return Issued{}, err
		}
		r := p.row // each attempt has a row of its own: an earlier one may still be under way
		r.Number = n
		r.Printed = p.print(n)
		repeat, err := is.Writer.write(ctx, &r)
		switch {
		case errors.Is(err, errTaken) || errors.Is(err, errFenced):
			if ctx.Err() != nil {
				return Issued{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
		case err != nil:
			return Issued{}, err
		case repeat != nil:
			return issued(repeat, nil)
		default:
			return Issued{Invoice: r.invoice(), RangeLeft: is.warn(p, n.Value())}, nil
		}
	}
}

// storeStrict writes the row of a strict series, which gets its number as it is
// written.
func (is *Issuer) storeStrict(ctx context.Context, p *prepared) (Issued, error) {
	for {
		r := p.row
		repeat, err := is.Writer.write(ctx, &r)
		switch {
		case errors.Is(err, errBelowRange):
			if err := is.leaveBehind(ctx, p, p.Strict.Within.First-1); err != nil {
				return Issued{}, err
			}
		case err != nil:
			return Issued{}, err
		case repeat != nil:
			return issued(repeat, nil)
		default:
			return Issued{Invoice: r.invoice(), RangeLeft: is.warn(p, r.Strict.Number)}, nil
		}
	}
}

// numberError turns the counter's errors into those of this package.
func numberError(err error) error {
	for _, pair := range []struct{ theirs, ours error }{
		{counter.ErrExhausted, ErrSeriesExhausted},
		{counter.ErrDamaged, ErrLedgerDamaged},
		{counter.ErrUnavailable, ErrUnavailable},
		{counter.ErrClosed, ErrUnavailable},
	} {
		if errors.Is(err, pair.theirs) {
			return fmt.Errorf("%w: %w", pair.ours, err)
		}
	}
	return fmt.Errorf("take a number: %w", err)
}
