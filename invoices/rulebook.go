package invoices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"folio/counter"
)

// rulebook remembers the rules of series. That a series does not exist it never
// remembers: it may be made at any moment, and is then used at once on every replica.
// The zero rulebook is empty.
type rulebook struct {
	known cache[subject, *rule]
}

// find returns the rule of a series; nil if there is no such series.
func (b *rulebook) find(ctx context.Context, db *DB, tenant, name string) (*rule, error) {
	r, err := b.known.get(ctx, subject{tenant, name}, origin[*rule]{
		ask: func(ctx context.Context) (*rule, error) {
			r, err := db.findRule(ctx, tenant, name)
			if r == nil && err == nil {
				err = errNoSeries
			}
			return r, err
		},
		told: db.changes, about: (*rule).about,
	})
	if errors.Is(err, errNoSeries) {
		// The question may have been another's, asked before this caller came.
		return db.findRule(ctx, tenant, name)
	}
	return r, err
}

// about is what changes when a rule does.
func (r *rule) about() subject { return subject{r.Tenant, r.Name} }

// forget makes the next question for a series ask anew.
func (b *rulebook) forget(tenant, name string) { b.known.forget(subject{tenant, name}) }

// errNoSeries keeps the cache from remembering that a series does not exist.
var errNoSeries = errors.New("there is no such series")

// errRuleChanged: the row was made by a rule that its series no longer has, by
// which it would be numbered elsewhere. Nothing was stored; it is made anew.
var errRuleChanged = fmt.Errorf("the numbering or the period of the series has changed: %w", ErrUnavailable)

// keeps reports whether a number of s is one that r gives, of a block or not as
// strict says.
func (r *rule) keeps(s counter.Series, strict bool) bool {
	return (r.Numbering == numberingStrict) == strict && r.period.Fits(s.Period)
}

// CounterRules says what series let the counter do; see counter.Config.Rules. A
// rule is asked for each time, together with those that are asked for meanwhile: a block
// of a series that became strict a moment ago would number its documents twice over.
type CounterRules struct {
	DB *DB
}

// Rules returns the rules of s; the zero Rules if there is no such series. One whose
// lowest number was imported begins there. Of a strict series, and of a period that
// is none of the series', no block may be reserved.
func (c *CounterRules) Rules(ctx context.Context, s counter.Series) (counter.Rules, error) {
	found, err := c.DB.findRuled(ctx, s)
	r, begins := found.rule, found.begins
	if r == nil || err != nil {
		return counter.Rules{}, err
	}
	if !r.keeps(s, false) {
		return counter.Rules{Refuse: errRuleChanged}, nil
	}
	rules := r.counter()
	switch {
	case begins.Imported > 0:
		rules.First = begins.Imported
	case begins.Lowest > 0: // a ledger that was lost begins no later than its rows, whatever the rule says by now
		rules.First = min(rules.First, begins.Lowest)
	}
	return rules, nil
}

// counter is r in the counter's words.
func (r *rule) counter() counter.Rules {
	// Of the counter's rules zero is no bound; the shortest one is a nanosecond.
	return counter.Rules{First: r.first(), Limit: r.last(), ReuseWithin: max(time.Duration(r.ReuseWithin), 1)}
}

// first is the first number of each period: a start within the range counts.
func (r *rule) first() int64 {
	if r.Range == nil {
		return r.Start
	}
	return max(r.Start, r.Range.First)
}

// last is the last number of each period.
func (r *rule) last() int64 {
	if r.Range == nil {
		return counter.MaxNumber
	}
	return r.Range.Last
}

// admit refuses an issue date that the series is closed for, and one from which
// on its range has expired; today, in the tenant's zone, counts as well.
func (r *rule) admit(issueDate, today string) error {
	if r.ClosedThrough != "" && issueDate <= r.ClosedThrough {
		return invalid("/issue_date", fmt.Sprintf("is %s, and series %s is closed through %s; take a later date", issueDate, r.Name, r.ClosedThrough))
	}
	if r.Range != nil && r.Range.ExpiresOn != "" && max(issueDate, today) >= r.Range.ExpiresOn {
		return ErrSeriesExpired
	}
	return nil
}

// warning is how many numbers of the range come after n, if that is to be told;
// else nil.
func (r *rule) warning(n int64) *int64 {
	if r.Range == nil || r.Range.WarnLeft == 0 || r.Range.Last-n > r.Range.WarnLeft {
		return nil
	}
	left := r.Range.Last - n
	return &left
}
