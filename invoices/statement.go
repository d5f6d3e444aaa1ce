package invoices

import (
	"context"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices/accounts"
)

// Statement is what became of every number of a series, from its first to its mark:
// each of them is in exactly one of the five. Unaccounted has to be empty.
type Statement struct {
	Series      string           `json:"series"`
	Period      string           `json:"period"`
	First       int64            `json:"first"`
	Mark        int64            `json:"mark"` // the highest number ever reserved
	Issued      accounts.Numbers `json:"issued"`
	Void        StatedVoid       `json:"void"`
	Held        StatedHeld       `json:"held"` // being used now
	Free        accounts.Numbers `json:"free"` // given next
	Unaccounted accounts.Numbers `json:"unaccounted"`
	Findings    []StatedFinding  `json:"findings,omitempty"` // what else is wrong; there must be none
	AsOf        StatementMoment  `json:"as_of"`
}

// StatedVoid are the numbers that no document bears or ever will.
type StatedVoid struct {
	accounts.Numbers
	Reasons []StatedReason `json:"reasons"` // in the order of their names
}

// StatedReason is why numbers are void.
type StatedReason struct {
	Reason string `json:"reason"`
	accounts.Numbers
}

// StatedHeld are the numbers that are being used now.
type StatedHeld struct {
	accounts.Numbers
	Blocks []StatedBlock `json:"blocks,omitempty"` // for the operator only
}

// StatedBlock is a block with those of its numbers that are still being used.
type StatedBlock struct {
	Serial int64     `json:"serial"`
	Holder string    `json:"holder"`
	Pod    string    `json:"pod"`
	Since  time.Time `json:"since"`
	accounts.Numbers
}

// StatedFinding is something that is wrong with the books.
type StatedFinding struct {
	Kind   accounts.Kind   `json:"kind"`
	Ranges []counter.Range `json:"ranges"`
	Text   string          `json:"text"`
}

// StatementMoment is when a statement holds: etcd was read first.
type StatementMoment struct {
	Revision int64     `json:"etcd_revision"`
	Snapshot string    `json:"postgres_snapshot"`
	At       time.Time `json:"at"`
}

// Statement accounts for every number of a series; period nil is the present one. Only
// the operator is told who has the numbers that are being used. ErrNotFound: no such
// series. ErrLedgerDamaged, ErrUnavailable. *document.InvalidError names the period.
func (b *Books) Statement(ctx context.Context, who Asker, name string, period *string) (Statement, error) {
	s, err := b.find(ctx, who, name, period)
	if err != nil {
		return Statement{}, err
	}
	a, err := AccountOf(ctx, b.DB, b.Ledgers, s.Series)
	if err != nil && !isOurs(err) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err) // the ledgers are away
	}
	if err != nil {
		return Statement{}, err
	}
	for _, f := range a.Findings {
		if f.Kind == accounts.LedgerDamaged {
			return Statement{}, fmt.Errorf("%w: %s", ErrLedgerDamaged, f.Text)
		}
	}
	if a.Sum() == 0 && a.Mark < a.First { // it was never used
		a.First, a.Mark = s.start, s.start-1
	}
	return NewStatement(a, who.Operator), nil
}

// NewStatement states an account with exact ranges. The operator is told who has the
// numbers that are being used.
func NewStatement(a accounts.Account, operator bool) Statement {
	s := Statement{
		Series: a.Series.Name, Period: a.Series.Period, First: a.First, Mark: a.Mark,
		Issued: asNumbers(a.Issued), Void: StatedVoid{Numbers: asNumbers(a.Void.Numbers), Reasons: []StatedReason{}},
		Held: StatedHeld{Numbers: asNumbers(a.Held.Numbers)}, Free: asNumbers(a.Free), Unaccounted: asNumbers(a.Unaccounted),
		AsOf: StatementMoment{Revision: a.AsOf.Revision, Snapshot: a.AsOf.Snapshot, At: a.AsOf.At.UTC()},
	}
	for _, r := range a.Void.Reasons {
		s.Void.Reasons = append(s.Void.Reasons, StatedReason{Reason: r.Reason, Numbers: asNumbers(r.Numbers)})
	}
	for _, f := range a.Findings {
		if f.Kind != accounts.Unaccounted {
			s.Findings = append(s.Findings, StatedFinding{Kind: f.Kind, Ranges: append([]counter.Range{}, f.Ranges...), Text: f.Text})
		}
	}
	if !operator {
		return s
	}
	for _, b := range a.Held.Blocks {
		s.Held.Blocks = append(s.Held.Blocks, StatedBlock{
			Serial: b.Block.Serial, Holder: b.Block.Holder, Pod: podOf(b.Block.Holder), Since: b.Block.At.UTC(), Numbers: asNumbers(b.Numbers),
		})
	}
	return s
}

// asNumbers has a list of ranges, if only an empty one.
func asNumbers(n accounts.Numbers) accounts.Numbers {
	n.Ranges = append([]counter.Range{}, n.Ranges...)
	return n
}

// Check reports what is wrong with the statement itself: the five kinds have to be
// ascending ranges that are apart, and together first to mark, each number once.
func (s Statement) Check() error {
	var all []counter.Range
	counted := int64(0)
	for _, kind := range []struct {
		name string
		of   accounts.Numbers
	}{{"issued", s.Issued}, {"void", s.Void.Numbers}, {"held", s.Held.Numbers}, {"free", s.Free}, {"unaccounted", s.Unaccounted}} {
		last := int64(0)
		for _, r := range kind.of.Ranges {
			if r.Len() == 0 || r.First <= last+1 && last > 0 {
				return fmt.Errorf("%s: the range %s is empty, or not apart from the one before", kind.name, r)
			}
			last = r.Last
		}
		if n := accounts.Total(kind.of.Ranges); n != kind.of.Count {
			return fmt.Errorf("%s: counted %d, in ranges %d", kind.name, kind.of.Count, n)
		}
		counted += kind.of.Count
		all = append(all, kind.of.Ranges...)
	}
	whole := accounts.Merged(all)
	if s.Mark < s.First && len(whole) == 0 {
		return nil
	}
	if accounts.Total(whole) != counted {
		return fmt.Errorf("some number is of two kinds: counted %d, together %s", counted, accounts.Text(whole))
	}
	if len(whole) != 1 || whole[0] != (counter.Range{First: s.First, Last: s.Mark}) {
		return fmt.Errorf("want each number from %d to %d, got %s", s.First, s.Mark, accounts.Text(whole))
	}
	reasons := []counter.Range{}
	for _, r := range s.Void.Reasons {
		reasons = append(reasons, r.Ranges...)
	}
	if accounts.Total(reasons) != s.Void.Count || accounts.Total(accounts.Merged(reasons)) != s.Void.Count {
		return fmt.Errorf("%d are void, their reasons tell of %d", s.Void.Count, accounts.Total(reasons))
	}
	return nil
}
