package invoices

import "sync/atomic"

// voidReasons are those of the voids that a replica writes, and one for all others.
var voidReasons = [...]string{
	reasonReplicaLost, reasonReleasedLate, reasonRangeExpired, reasonOutOfRange, reasonSeek,
	reasonRestore, reasonFailover, reasonPrintedClash, reasonOperator, otherReason,
}

// otherReason stands for reasons in somebody's own words, of which there is no end.
const otherReason = "other"

// voidCounts count numbers that became void, by reason. The zero voidCounts are ready.
type voidCounts [len(voidReasons)]atomic.Int64

func (c *voidCounts) add(reason string, n int64) {
	for i, r := range voidReasons {
		if r == reason || r == otherReason {
			c[i].Add(n)
			return
		}
	}
}

// Voided returns how many numbers this DB's users have made void since it was opened, by
// every reason that folio gives, and by "other". Imports are not counted.
func (db *DB) Voided() map[string]int64 {
	all := make(map[string]int64, len(voidReasons))
	for i, reason := range voidReasons {
		all[reason] = db.voided[i].Load()
	}
	return all
}
