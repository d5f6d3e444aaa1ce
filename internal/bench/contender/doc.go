// Package contender is what folio is measured beside: other ways to number and store an
// invoice, each behind folio's own HTTP handler, validation, totals, API keys and table.
// Only numbering and writing differ. [Ways] lists them.
//
// A contender runs in a process of its own, as a replica of folio does: see [Serve].
package contender
