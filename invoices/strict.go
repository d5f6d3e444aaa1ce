package invoices

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"folio/counter"
	"folio/invoices/document"
)

// strictPlace is where a row of a strict series goes. Its number is not known
// before the transaction that stores it: until then it is 0.
type strictPlace struct {
	counter.Series
	Number int64
	First  int64         // the number of a series that was never used
	Within counter.Range // the numbers that the series may give
	More   int           // rows that come after it of the same request, which wants all or none
	Format document.Format
}

// strictPlace returns the place of a document of the series in a period.
func (r rule) strictPlace(s counter.Series) strictPlace {
	p := strictPlace{Series: s, First: r.first(), Within: counter.Range{First: 1, Last: r.last()}, Format: r.format}
	if r.Range != nil {
		p.Within.First = r.Range.First
	}
	return p
}

// strict reports whether r is of a strict series.
func (r *row) strict() bool { return r.Strict.Tenant != "" }

// give numbers a row of a strict series.
func (r *row) give(n int64) {
	r.Strict.Number = n
	r.Printed = r.Strict.Format.Print(n, document.Fields{IssueDate: r.Draft.IssueDate, Series: r.Strict.Name, Tenant: r.Strict.Tenant})
}

// takeAway undoes give: the transaction was rolled back.
func (r *row) takeAway() { r.Strict.Number, r.Printed = 0, "" }

// holder is who holds the number of r; "" in a strict series.
func (r *row) holder() string {
	if r.strict() {
		return ""
	}
	return r.Number.Block().Holder
}

// What is to be said to the counter of a row's number. Of a strict series it knows
// nothing.
func (r *row) tell(say func(counter.Number)) {
	if !r.strict() {
		say(r.Number)
	}
}

func (r *row) offer()    { r.tell(counter.Number.Offer) }
func (r *row) spend()    { r.tell(counter.Number.Spend) }
func (r *row) giveBack() { r.tell(counter.Number.Return) }
func (r *row) disprove() { r.tell(counter.Number.ReturnProven) }
func (r *row) doubt()    { r.tell(counter.Number.Doubt) }

// strictCounter is the row of a strict series in strict_counters.
type strictCounter struct {
	Tenant string `db:"tenant"`
	Series string `db:"series"`
	Period string `db:"period"`
	First  int64  `db:"first"`
	Mark   int64  `db:"mark"`
	Era    string `db:"era"`

	was     int64 // the mark that is stored
	retired bool  // the rule of the series has changed: it gives no number
}

func (c strictCounter) series() counter.Series {
	return counter.Series{Tenant: c.Tenant, Name: c.Series, Period: c.Period}
}

// strictPlan says what one transaction does with the rows of an attempt, whose
// counters it has locked: so nobody else gives a number of these series until it
// ends.
type strictPlan struct {
	counters map[counter.Series]*strictCounter
	era      string // the present one
	synced   bool   // a failover loses nothing: series go on after one by themselves
	hopeful  bool   // no row is looked up before it is inserted: none is likely to be there

	fresh   []*entry         // rows to be inserted, numbered in the order in which they came
	clashed []*entry         // rows whose number becomes void
	refused map[*entry]error // rows that will not be stored
}

// place numbers the rows whose request has none stored. Of several rows of one
// request the first is; the others find it afterwards. Whose item 0 is stored first,
// or comes first, has the key: other items of another request are refused.
func (p *strictPlan) place(entries []*entry, before earlier) {
	type request struct {
		requestKey
		item int
	}
	type wish struct {
		requestKey
		digest [32]byte
	}
	seen, gone, owner := make(map[request]bool), make(map[wish]error), make(map[requestKey][32]byte)
	p.refused = make(map[*entry]error)
	for i, e := range entries {
		r := request{requestKey{e.Strict.Tenant, e.RequestID}, e.Item}
		if before.found[i] || seen[r] {
			continue
		}
		seen[r] = true
		w := wish{r.requestKey, e.Digest}
		err := gone[w]
		if by, has := owner[r.requestKey]; err == nil && e.Item > 0 && (before.reused[i] || has && by != e.Digest) {
			err = ErrRequestReused
		}
		if e.Item == 0 { // also if it gets no number: another's others would be without theirs
			owner[r.requestKey] = e.Digest
		}
		if err == nil {
			err = p.number(e)
		}
		if err != nil {
			gone[w], p.refused[e] = err, err
			continue
		}
		p.fresh = append(p.fresh, e)
	}
}

// number gives e the next number of its series.
func (p *strictPlan) number(e *entry) error {
	c := p.counters[e.Strict.Series]
	if c.retired {
		return errRuleChanged
	}
	if c.Era != p.era && !(p.synced && skipReason(c.Era, p.era) == reasonFailover) {
		return fmt.Errorf("%w: %s is of era %s, Postgres is in %s", ErrSeriesSuspended, e.Strict.Series, c.Era, p.era)
	}
	if c.Mark < c.First { // never used: its rule may have changed meanwhile
		c.First, c.Mark = e.Strict.First, e.Strict.First-1
	}
	next := c.Mark + 1
	if next < e.Strict.Within.First {
		return errBelowRange
	}
	if next+int64(e.Strict.More) > e.Strict.Within.Last {
		return fmt.Errorf("%w: %s comes to %d, it may give %s", ErrSeriesExhausted, e.Strict.Series, next, e.Strict.Within)
	}
	c.Mark = next
	e.give(next)
	return nil
}

// errBelowRange: the next number lies before the range that the series was granted.
// When the numbers between are void, the same row may get one.
var errBelowRange = errors.New("the next number lies before the range that the series was granted")

// obstacle is what stands in the way of a row.
type obstacle struct {
	Taken bool `db:"taken"` // its number has a row, which is above the mark
	Clash bool `db:"clash"` // its printed number is another document's
}

// avoid takes the obstacles of the fresh rows, in their order, into account. A
// printed number that is taken makes the number void, in its place, so that no
// hole is left. A number that has a row although the counter never gave it is
// nobody's to explain: the whole series is refused.
func (p *strictPlan) avoid(obstacles []obstacle) {
	damaged := make(map[counter.Series]error)
	for i, e := range p.fresh {
		if obstacles[i].Taken && damaged[e.Strict.Series] == nil {
			damaged[e.Strict.Series] = fmt.Errorf("%w: strict series %s has a document %d above its mark %d; look at it, then say folio restored --strict skip-to",
				ErrLedgerDamaged, e.Strict.Series, e.Strict.Number, p.counters[e.Strict.Series].was)
		}
	}
	var fresh []*entry
	for i, e := range p.fresh {
		switch err := damaged[e.Strict.Series]; {
		case err != nil:
			p.counters[e.Strict.Series].Mark = p.counters[e.Strict.Series].was
			p.refused[e] = err
			e.takeAway()
		case obstacles[i].Clash:
			p.clashed = append(p.clashed, e)
		default:
			fresh = append(fresh, e)
		}
	}
	p.fresh = fresh
}

// moved returns the counters that give numbers in this transaction.
func (p *strictPlan) moved() []*strictCounter {
	var moved []*strictCounter
	for _, c := range p.counters {
		if c.Mark != c.was {
			moved = append(moved, c)
		}
	}
	return moved
}

// takeAway undoes what the plan gave: its transaction was rolled back.
func (p *strictPlan) takeAway() {
	for _, e := range slices.Concat(p.fresh, p.clashed) {
		e.takeAway()
	}
}

// strictSeriesOf returns the series of rows, each once, in the order of the key,
// with the first number that each has if it was never used.
func strictSeriesOf(entries []*entry) []strictPlace {
	var all []strictPlace
	for _, e := range entries {
		all = append(all, e.Strict)
	}
	slices.SortStableFunc(all, func(a, b strictPlace) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Period, b.Period))
	})
	return slices.CompactFunc(all, func(a, b strictPlace) bool { return a.Series == b.Series })
}
