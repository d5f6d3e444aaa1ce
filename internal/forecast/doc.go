// Package forecast computes, in virtual time, what the rules of package counter
// cost and hold: for one series over hours, and for a million tenants on a hundred
// replicas. Sizes come from counter.NextSize and counter.Ahead, ledgers change by
// counter's own transitions; only time, the network and the customers are made up.
// The rules of two other allocators, Leaf and TiDB, run beside them on the same
// requests.
//
// Everything follows from a seed: the same seed gives the same figures to the
// last digit.
package forecast
