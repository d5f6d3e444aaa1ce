// Package counter hands out numbers to replicas that may die at any moment: no
// number twice, and every number accounted for.
//
// Make an [Allocator] with a [Store] (package counter/etcdstore has the one on
// etcd), call [Allocator.Run] in a goroutine you wait for, and [Allocator.Take]
// numbers from it. Each [Number] taken is owed exactly one word: Spend when a row
// with it is stored, Return when certainly none is, Doubt when nobody can say. A
// [Handle] is faster for a series that is used again and again, TakeN takes many at
// once, [Allocator.Seek] moves a series forward, [Allocator.Stats] tells what goes
// on.
//
// # The promise
//
//   - Unique: no two takers spend the same number of a series, whatever dies, is
//     paused, or loses a reply. With an [Owner] this holds even if the store is
//     restored from a snapshot; without one, as long as it is not.
//   - Accounted for: each number from a series' first to its mark is in the block of
//     one named holder, or free, or finished. Without an Owner, what a dead holder
//     had is finished without a row: forfeited, and counted.
//   - Nearly in order, and few: a quiet series (fewer than ten takes in ten seconds)
//     gives 1, 2, 3 from any replica. A busy one holds about ten seconds' worth.
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
//	        │                    │ ▲                     ▲
//	        │ seek  hand back or │ │ reserve, before     │
//	        │            settle  ▼ │ the mark moves      │
//	        └─────────▶ held    free ──────seek──────────┤
//	                     └──────────────void─────────────┘
//
// Every number from the first to the mark is in one held block, or in one free range, or
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
// Memory learns of a block only after one of these is known. A holder makes one
// reservation of a series at a time, for two at once could compute the same block.
//
// # Many ledgers in one step
//
// A quiet series reserves one number at a time, and the block that is spent has to
// leave the ledger in the end: with a swap of its own each of its numbers would cost
// two. So what idle series have, and at the end of a life what all have, is handed
// back in steps of up to [MaxSwaps] ledgers, if the store can ([BulkSwapper]): all or
// none. Numbers that others could give go after [Config].Idle, in the company of what
// else is idle; spent blocks alone wait for company as long again.
//
// The outcomes are the same three. After a refusal or an unknown outcome all ledgers of
// the step are read again. A block that is gone, by its whole identity, is known to be;
// the others take part in the next step, or go by a swap of their own. A step that
// wanders and lands later finds each value as it was, and then releases what is still
// held and what nobody takes from; or it is refused, whole. Memory forgets a block when
// it is known to have left the ledger, not before. docs/protocol.md has the argument.
//
// # What happens when
//
//   - A replica is killed. Its registration ends, the watch tells the others, one of
//     them asks the Owner to settle its blocks. The Owner first fences the holder, durably, so that
//     nothing is ever written under its name again, waiting for what is in flight;
//     then it reads which numbers have rows. The rest is free, or void.
//   - A replica is paused for longer than its registration lives. The same
//     happens behind its back. When it wakes, its writes, voids too, are refused by
//     the fence; [Allocator.Abandon] or the lost registration drops its shelves, and
//     it goes on under a new name.
//   - The store is away. Numbers on the shelves are still given; then Take waits
//     for a refill that keeps trying, one for all callers, ever more slowly. Who has
//     waited five seconds is told [ErrUnavailable].
//   - A number was offered, and its row met another of the same request: the owner of
//     the rows has proven that it is not stored and cannot be. It goes first again.
//   - A number was offered and its fate is unknown. Its block stays in the ledger,
//     across a graceful stop too: then the holder fences itself and has its own
//     block settled.
//   - The store is restored from a snapshot, or made anew. The life ends with all
//     that it holds. In the next one each series is raised to what its Owner knows to
//     be spent before anything is reserved, and what is skipped is void.
//   - One ledger is deleted, or put back to an older value. A mark below what a
//     shelf has seen is raised in the same way. One that cannot be read is never
//     overwritten: [ErrDamaged].
//   - A series is sought forward. What could still be given is reserved as blocks of
//     the seeker's holder, voided, then released; all holders are asked to hand back,
//     the dead are settled. It is acknowledged when no block below is left.
//   - There is no Owner. What a dead holder had left is forfeited: never given
//     again, and so still unique.
//
// A registration that has ended is only the hint to begin; that the fence is
// closed is what makes the answer final. No argument here rests on a clock.
//
// # Why it is fast
//
// A block is cut into strips of 96 numbers, one cache line each. A gate in the line
// counts numbers out, with its limit in the same word; four marks of each number
// say what became of it. So Take and Spend are one atomic addition and one
// compare-and-swap, in the same line, without a mutex and without the clock. Who
// finds the gate shut goes on to the next strip under a mutex; about once a second
// somebody looks at the clock, sets the size of the next block ([NextSize]) and
// decides whether one is due ([Ahead]).
//
// With many series a take waits for memory: for the line of its handle, which says
// where the strip is, and then for the strip. Therefore a strip is made when the
// first of its numbers is about to be taken and dropped when all are spent: those in
// use lie side by side, in pages whose addresses the processor has at hand. Handles
// are 16 bytes, four to a line, and the gate itself leads to the next strip.
//
// # Bugs found, and the test that holds each
//
//	identity without serial or holder: a stranger's block taken for one's own    TestABlockIsKnownBySerialHolderAndRange
//	a tail clipped at the limit repeated numbers                                 TestAShortTailAtTheLimitRepeatsNoNumber
//	a caller who left at the moment of the answer lost its number                TestACallerWhoLeavesCostsNoNumber
//	an abandoned holder still gave a number                                      TestAnAbandonedHolderIsNotUsedAgain
//	who had returned a number could still spend it for its next taker            TestWhoeverReturnedANumberHasNoSayInItAnyMore
//	a seek and a refill of one replica computed the same block                   TestSimulation
//	a seek changed the ledger that the store had handed it                       TestSimulation
//	a stop in the middle of a seek freed numbers that were void                  TestAStopInTheMiddleOfASeekFreesNoNumberThatIsVoid
//	a paused seek voided numbers that had been settled meanwhile                 TestAVoidOfAFencedHolderStoresNothing
//	after a seek that failed no number below its mark could be taken             TestAfterASeekThatFailedTheNumbersThatAreLeftAreGiven
//	a refused call to the store doubled the patience with the next               TestCallersOfShortPatienceDoNotMakeMoreAttempts
//	callers in an outage each made an attempt of their own                       TestALongOutageCostsOneAttemptAtATimeAndCallersAreToldInTime
//	a member of etcd that fell silent used up a read's whole time                counter/etcdstore: TestAReadIsAnsweredAlthoughOneMemberIsSilent
package counter
