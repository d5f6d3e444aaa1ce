package counter

import "fmt"

// MaxNumber is the highest number a ledger ever reserves: the largest integer
// that survives a JSON number read as an IEEE 754 double (2^53 - 1), so that no
// client of any language can misread one.
const MaxNumber = 1<<53 - 1

// Series names one independent run of numbers: a tenant's series in one period.
// Names are lower-case letters, digits and hyphens; Period is "", a year
// ("2026") or a month ("2026-11"). The whole triple is the key of everything:
// two series that differ in any part share nothing.
type Series struct {
	Tenant string
	Name   string
	Period string
}

// String returns tenant/name/period, with "-" for the period of a series that
// never restarts: the form that people type and etcd keys end with.
func (s Series) String() string {
	period := s.Period
	if period == "" {
		period = "-"
	}
	return s.Tenant + "/" + s.Name + "/" + period
}

// Range is the numbers First to Last, both included.
type Range struct {
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

// Len returns how many numbers r holds; 0 if Last is before First.
func (r Range) Len() int64 {
	if r.Last < r.First {
		return 0
	}
	return r.Last - r.First + 1
}

// Contains reports whether n lies in r.
func (r Range) Contains(n int64) bool { return r.First <= n && n <= r.Last }

func (r Range) String() string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}
