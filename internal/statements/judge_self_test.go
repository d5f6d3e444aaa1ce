package statements

import (
	"testing"

	"folio/counter"
	"folio/invoices"
	"folio/invoices/accounts"
)

func numbers(ranges ...counter.Range) accounts.Numbers {
	return accounts.Numbers{Count: accounts.Total(ranges), Ranges: ranges}
}

func said(revision, issued, mark int64) invoices.Statement {
	return invoices.Statement{
		First: 1, Mark: mark, Issued: numbers(counter.Range{First: 1, Last: issued}), Held: invoices.StatedHeld{Numbers: numbers(counter.Range{First: issued + 1, Last: mark})},
		AsOf: invoices.StatementMoment{Revision: revision},
	}
}

// The judge objects to each way in which a statement can lack the property.
func TestTheJudgeObjects(t *testing.T) {
	t.Parallel()
	j := &judge{}
	if err := j.object(said(5, 3, 6)); err != nil {
		t.Fatal(err)
	}
	if err := j.object(said(6, 5, 8)); err != nil || j.moved != 1 {
		t.Fatalf("%v, moved %d", err, j.moved)
	}
	for name, change := range map[string]func(*invoices.Statement){
		"unaccounted":             func(s *invoices.Statement) { s.Unaccounted = numbers(counter.Range{First: 9, Last: 9}); s.Mark = 9 },
		"a finding":               func(s *invoices.Statement) { s.Findings = []invoices.StatedFinding{{Kind: "odd"}} },
		"a number left out":       func(s *invoices.Statement) { s.Mark = 9 },
		"an earlier revision":     func(s *invoices.Statement) { s.AsOf.Revision = 5 },
		"no revision":             func(s *invoices.Statement) { s.AsOf.Revision = 0 },
		"a mark that went back":   func(s *invoices.Statement) { *s = said(7, 5, 7) },
		"an issue that is undone": func(s *invoices.Statement) { *s = said(7, 4, 8) },
		"another first number":    func(s *invoices.Statement) { s.First, s.Issued = 2, numbers(counter.Range{First: 2, Last: 5}) },
		"an issue that became void": func(s *invoices.Statement) {
			*s = said(7, 4, 8)
			s.Void.Numbers = numbers(counter.Range{First: 5, Last: 5})
		},
	} {
		s := said(7, 5, 8)
		if change(&s); j.object(s) == nil {
			t.Errorf("%s: no objection", name)
		}
	}
}
