// Package etcdstore keeps a counter's ledgers in etcd, as text that a person
// reads with etcdctl:
//
//	/folio/ledger/<tenant>/<series>/<period or ->            the ledger, as JSON
//	/folio/holders/<holder>                                  who is alive, under its lease
//	/folio/held/<holder>/<tenant>/<series>/<period or ->     index: what a holder holds
//
// Names are lower-case letters, digits and hyphens (a holder's also has a dot),
// so no name can reach into another's keys. Ledgers hang on no lease: only the
// holder's own key does.
//
// Loads and swaps that come while others are under way share calls of etcd, which
// changes nothing for who makes them (load.go, swap.go).
//
// Call [Dial] first, then put the client into a [Store].
package etcdstore
