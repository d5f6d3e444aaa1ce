// Package doctor looks at everything that a replica stands on, from where the replica
// stands, and says what to do about what is wrong. It changes nothing.
package doctor

import (
	"context"
	"slices"
	"time"

	"folio/counter/etcdstore"
	"folio/invoices"
)

// State is the outcome of a check.
type State string

// The outcomes of a check. A fault keeps a replica from its work, or its promises from
// being kept; a warning does not, but will hurt. What could not be found out is unknown,
// and never guessed.
const (
	OK      State = "ok"
	Warning State = "warning"
	Fault   State = "fault"
	Unknown State = "unknown"
)

// Finding is what one check found.
type Finding struct {
	Part  string `json:"part"`  // etcd, postgres, clock, dns or settings
	Check string `json:"check"` // stable, for programs
	On    string `json:"on,omitempty"`
	State State  `json:"state"`
	Seen  string `json:"seen"`
	Do    string `json:"do,omitempty"` // what to do; of warnings and faults
}

// Patient is a replica, as it is set. Zero fields of the last block have defaults.
type Patient struct {
	Etcd        etcdstore.Access
	Endpoints   []string
	Postgres    invoices.DBConfig
	RequireSync bool
	LeaseTTL    time.Duration
	PodName     string

	Within  time.Duration                                            // bounds each check; 0: five seconds
	Now     func() time.Time                                         // this machine's clock
	Resolve func(ctx context.Context, host string) ([]string, error) // this machine's DNS
}

// Report is everything that was found, in one order.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Count is how many findings are of a state.
func (r Report) Count(of State) (n int) {
	for _, f := range r.Findings {
		if f.State == of {
			n++
		}
	}
	return n
}

// Dark are the stores of which nothing was found out, neither good nor bad.
func (r Report) Dark() (parts []string) {
	for _, part := range []string{"etcd", "postgres"} {
		if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Part == part && (f.State == OK || f.State == Fault) }) {
			parts = append(parts, part)
		}
	}
	return parts
}

func ok(seen string) Finding             { return Finding{State: OK, Seen: seen} }
func unknown(seen string) Finding        { return Finding{State: Unknown, Seen: seen} }
func warning(seen, do string) Finding    { return Finding{State: Warning, Seen: seen, Do: do} }
func fault(seen, do string) Finding      { return Finding{State: Fault, Seen: seen, Do: do} }
func (f Finding) on(what string) Finding { f.On = what; return f }
