// Package model explores, breadth first, every interleaving of a small world of
// folio: holders that are killed or paused, etcd that loses replies and is
// restored to an older state, Postgres that fails over to a standby which lacks
// the last commits. Ledgers are changed by the transitions of package counter
// itself; everything else is a model, one small step per thing that can happen.
//
// After every step the promises are held against the state (see breach). A
// breach is reported as the shortest history that leads to it. Each rule of the
// protocol can be left out (see Rule), and must then be missed.
package model
