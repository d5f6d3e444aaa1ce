// Package auditbench measures what accounting for many numbers costs, with the real
// program on a private etcd and Postgres: see make bench-audit. It holds tests only.
package auditbench
