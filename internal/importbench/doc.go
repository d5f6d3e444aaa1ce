// Package importbench measures what moving invoices in costs, with the real program
// on a private etcd and Postgres: see make bench-import. It holds tests only.
package importbench
