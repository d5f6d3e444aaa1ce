package statements

import (
	"fmt"

	"folio/invoices"
	"folio/invoices/accounts"
)

// judge holds each statement of one series against itself and against the one
// before.
type judge struct {
	last *invoices.Statement

	// What the statements saw.
	taken, moved, held, free, void, freed int
}

// object says what is wrong with a statement; nil if nothing is.
func (j *judge) object(s invoices.Statement) error {
	if s.Unaccounted.Count != 0 || len(s.Unaccounted.Ranges) != 0 {
		return fmt.Errorf("unaccounted: %s", accounts.Text(s.Unaccounted.Ranges))
	}
	if len(s.Findings) > 0 {
		return fmt.Errorf("findings: %+v", s.Findings)
	}
	if err := s.Check(); err != nil {
		return err
	}
	if err := j.follows(s); err != nil {
		return err
	}
	j.count(s)
	return nil
}

// follows holds s against the statement before: what was finished once is for ever.
func (j *judge) follows(s invoices.Statement) error {
	was := j.last
	if was == nil {
		return nil
	}
	switch {
	case s.AsOf.Revision < was.AsOf.Revision || s.AsOf.Revision == 0:
		return fmt.Errorf("etcd's revision was %d, and is %d", was.AsOf.Revision, s.AsOf.Revision)
	case s.Mark < was.Mark:
		return fmt.Errorf("the mark was %d, and is %d", was.Mark, s.Mark)
	case s.First != was.First && was.Mark >= was.First:
		return fmt.Errorf("the first number was %d, and is %d", was.First, s.First)
	}
	if gone := accounts.Without(was.Issued.Ranges, s.Issued.Ranges); len(gone) > 0 {
		return fmt.Errorf("issued once, and not any more: %s", accounts.Text(gone))
	}
	if gone := accounts.Without(was.Void.Ranges, s.Void.Ranges); len(gone) > 0 {
		return fmt.Errorf("void once, and not any more: %s", accounts.Text(gone))
	}
	return nil
}

func (j *judge) count(s invoices.Statement) {
	j.taken++
	if was := j.last; was != nil {
		if s.Mark > was.Mark {
			j.moved++
		}
		if len(accounts.Both(s.Free.Ranges, was.Held.Ranges)) > 0 {
			j.freed++
		}
	}
	for _, seen := range []struct {
		in *int
		of int64
	}{{&j.held, s.Held.Count}, {&j.free, s.Free.Count}, {&j.void, s.Void.Count}} {
		if seen.of > 0 {
			*seen.in++
		}
	}
	j.last = &s
}

// add sums what judges saw.
func (j *judge) add(other *judge) {
	j.taken += other.taken
	j.moved += other.moved
	j.held += other.held
	j.free += other.free
	j.void += other.void
	j.freed += other.freed
}
