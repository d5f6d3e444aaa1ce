// Package counter hands out numbers to replicas that may die at any moment: no
// number twice, and every number accounted for.
//
// Make an [Allocator] with a [Store] (package counter/etcdstore has the one on
// etcd), call [Allocator.Run] in a goroutine you wait for, and [Allocator.Take]
// numbers from it. Each [Number] taken is owed exactly one word: Spend when a row
// with it is stored, Return when certainly none is, Doubt when nobody can say.
//
// # The parts
//
// A [Ledger] is the durable bookkeeping of one series: the mark (the highest
// number ever reserved), the blocks that holders have, the ranges that are free.
// It is pure; its transitions return a new one. A [Store] keeps ledgers and
// replaces one only if its value is still the one that was read. A holder is one
// life of one replica, registered in the store for as long as it gives signs of
// life. The [Owner] is whoever stores the rows that bear the numbers: only it can
// say which numbers of a dead holder are used.
//
// # States of a number
//
//	above the mark ──reserve──▶ held ──row stored──▶ finished (issued or void)
//	                             │ ▲
//	        hand back or settle  │ │ reserve, before the mark moves
//	                             ▼ │
//	                            free
//
// Every number from 1 to the mark is in one held block, or in one free range, or
// finished. Inside a held block the holder knows more: whether a number was
// taken, whether a write with it may have been sent (offered), whether it is
// spent or in doubt. That knowledge is never needed for safety: it dies with the
// process.
//
// # Three outcomes
//
// A swap replaced the ledger, or it certainly did not, or nobody can say: the
// reply was lost, or the request still wanders. After the third outcome the
// ledger is read again and the change looks for itself, a reservation by its
// block's serial, holder and range together:
//
//	found            it was applied: go on
//	value changed    it was not, and never will be: its compare fails for ever
//	value unchanged  the identical swap is sent again
//
// Memory learns of a block only after one of these is known.
//
// # What happens when
//
//   - A replica is killed. Its registration ends; another replica asks the Owner
//     to settle its blocks. The Owner first fences the holder, durably, so that
//     nothing is ever written under its name again, waiting for what is in flight;
//     then it reads which numbers have rows. The rest is free, or void.
//   - A replica is paused for longer than its registration lives. The same
//     happens behind its back. When it wakes, its writes are refused by the fence;
//     [Allocator.Abandon] or the lost registration drops its shelves, and it goes
//     on under a new name.
//   - The store is away. Numbers on the shelves are still given; then Take waits,
//     up to its caller's deadline, for a refill that keeps trying.
//   - A number was offered and its fate is unknown. Its block stays in the ledger,
//     across a graceful stop too: then the holder fences itself and has its own
//     block settled.
//   - The ledger is missing or behind what the Owner knows to be spent. The mark
//     is raised to that floor before anything is reserved, and what is skipped is
//     void.
//   - There is no Owner. What a dead holder had left is forfeited: never given
//     again, and so still unique.
//
// A registration that has ended is only the hint to begin; that the fence is
// closed is what makes the answer final. No argument here rests on a clock.
package counter
