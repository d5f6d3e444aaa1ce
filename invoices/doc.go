// Package invoices keeps invoices, their series and their issuers in Postgres,
// and answers for what became of every number.
//
// [Open] prepares the connections and [DB.Migrate] the schema. An [Issuer] makes
// invoices and the credit notes that take them back, and keeps drafts; it needs the
// counter for numbers and a [Writer], which must be run.
// [Owner] is what the counter asks about numbers whose holder is gone, [Keys]
// tells whom a request speaks for, [Audit] and [AccountOf] account for every number,
// [Books] tell what became of one, of a series, and of a series in order. [Repair] does
// what the report of an audit lists, [Witness], [Restored] and [Sweeper] are for a
// Postgres that went back.
//
// # How a row gets in, or certainly does not
//
// All documents stand in one table whose rows are never changed. Its primary key
// (tenant, series, period, number) makes a second document with a number
// impossible, and its request key (tenant, request id, item) a second document
// for a request: so a statement that writes can be sent twice, and after a lost
// answer it is sent again with the same numbers until the table tells what
// happened. That an attempt was aborted tells nothing of the attempts before it.
//
// Only a holder whose row in holders is not fenced and belongs to the present
// era writes. The statement that writes a batch shares that row, the fence
// updates it: so the fence waits for what is in flight, and after it nothing
// comes. What is read behind the fence is final, which is why the numbers of a
// dead holder can be given again.
//
// A credit note is written by such a statement as well, alone: it also locks the
// account of its invoice and books on it, see insertCredit. So an invoice is never
// credited for more than its gross, and is cancelled when nothing is left of it;
// that is told by its account when it is read, its row never changes.
//
// A row of a strict series gets its number in the transaction that stores it, from
// a counter in Postgres that is locked until the commit: see docs/protocol.md.
//
// # Where to look
//
//   - A document on its way: issue.go and cancel.go prepare it, repeats.go finds what
//     its request made before, submit.go, writer.go, scribe.go and assistant.go gather
//     a batch, write.go sends it, batch.go, alone.go and credit.go are its statement,
//     columns.go and array.go the parameters of that; fate.go judges what the driver
//     says of it.
//   - What is remembered, and for how long: cache.go, changes.go what was told of,
//     listener.go hears it; lookups.go asks for many at once.
//   - The rules of a series: series.go what they are, rulebook.go what is remembered
//     of them, range.go and unused.go what an authority granted. strict_*.go write,
//     audit and continue strict series.
//   - Numbers without a document here: numbers*.go and annul.go (it lives elsewhere),
//     void.go.
//   - When a holder is gone: holders.go, era.go, settle.go, runs.go.
//   - The books: account.go accounts for one series, audit.go for all; ledgers.go,
//     audit_names.go, tally.go, cover.go and audited.go read the two sides, package
//     accounts puts them together. deep_*.go reads documents for package deep, which
//     holds them against themselves; repair.go does what a report lists. duty.go is work
//     that one replica does.
//   - What became of numbers: books.go finds the series and its ledger, statement.go
//     states a series, explain*.go one number, books_register.go writes a register, whose
//     forms package register has; reasons.go says in words why a number is void.
//   - When a store went back: witness*.go notes outside of Postgres how far it has come,
//     standing.go compares, gate.go keeps writers from one that is behind; restored.go is
//     the operator's word, sweep.go makes void what a failover lost, fence_all.go,
//     heights.go and lost.go are what a rebuild of ledgers asks.
//   - What is asked for: query.go, row.go, drafts.go. Issuers and keys: tenants.go,
//     keys.go, keys_known.go whom they speak for.
//   - Moving in and out: importing.go is the run; of import_*.go, identity, begin,
//     stage, check and store are its steps, file, csv, record and make turn a line
//     into a row, the others are parts of an export, which export.go writes.
//   - Connections, roles and the schema: db.go, dial.go, read.go, migrate.go.
//
// # Who may do what
//
// Each use of Postgres takes a role that can do just what the use needs: the
// reader of requests, the writer, the settler, the auditor; see [DB] and
// migrations/0006_tenants.sql. Every statement that reads for a request names its
// tenant, and the reader's transaction shows it no other tenant's rows: a
// statement that forgot would find nothing.
//
// # Eras
//
// The era names one history of Postgres; a failover or an announced restore
// begins another, and may have lost rows that were acknowledged. Numbers of an
// earlier era are never given again: those without a row become void.
package invoices
