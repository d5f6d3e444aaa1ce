package load

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Given is one number that was acknowledged to a tenant.
type Given struct {
	Tenant int
	Number int64
}

// Stored is what the table has of one tenant since before the round.
type Stored struct {
	Tenant     int
	Rows, Sum  int64 // how many, and their numbers added up
	Low, High  int64
	Duplicates int64 // rows whose number another row has
}

// Twice returns an error that names a number which was acknowledged twice. It sorts
// all.
func Twice(all []Given) error {
	slices.SortFunc(all, func(a, b Given) int { return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Number, b.Number)) })
	twice, first := 0, Given{}
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			if twice++; twice == 1 {
				first = all[i]
			}
		}
	}
	if twice > 0 {
		return fmt.Errorf("%d numbers were given twice: the first is number %d of tenant %d", twice, first.Number, first.Tenant)
	}
	return nil
}

// Verify holds what was acknowledged against the rows that are there: each number
// once, a row for each, and none besides. Of requests that failed nobody knows whether
// they left a row, so that up to failed rows more may be there.
func Verify(all []Given, rows []Stored, failed int64) error {
	errs := []error{Twice(all)}
	type sums struct{ count, sum int64 }
	given := make(map[int]sums)
	for _, g := range all {
		s := given[g.Tenant]
		given[g.Tenant] = sums{s.count + 1, s.sum + g.Number}
	}
	var stored, acknowledged int64
	for _, r := range rows {
		g := given[r.Tenant]
		delete(given, r.Tenant)
		stored, acknowledged = stored+r.Rows, acknowledged+g.count
		if r.Duplicates > 0 {
			errs = append(errs, fmt.Errorf("tenant %d has %d rows with a number that another row has", r.Tenant, r.Duplicates))
		}
		if r.Rows < g.count || failed == 0 && (r.Rows != g.count || r.Sum != g.sum) {
			errs = append(errs, fmt.Errorf("tenant %d: %d numbers were acknowledged, adding up to %d, and %d rows are there, adding up to %d", r.Tenant, g.count, g.sum, r.Rows, r.Sum))
		}
	}
	for tenant, g := range given {
		errs = append(errs, fmt.Errorf("tenant %d: %d numbers were acknowledged and no row is there", tenant, g.count))
	}
	if stored > acknowledged+failed {
		errs = append(errs, fmt.Errorf("%d rows are there for %d numbers acknowledged and %d requests failed", stored, acknowledged, failed))
	}
	return errors.Join(errs...)
}
