package model

import (
	"fmt"
	"slices"
	"strings"
)

type verb uint8

const (
	readsEra verb = iota
	begins
	isKilled
	leaseEnds
	leaseEndsUnseen
	writes
	isRefused
	isRefusedButFinds
	commits
	commitsUnheard
	findsTaken
	vanishes
	doubts
	asksFloor
	asksNobody
	voidsSkipped
	sendsRaise
	raised
	sendsReserve
	reserved
	conflicts
	isLost
	givesUp
	strayApplied
	strayDropped
	findsItself
	sendsAgain
	startsAfresh
	sendsHandBack
	handedBack
	findsGone
	sendsStop
	hasStopped
	fences
	surveys
	surveysAndVoids
	leavesAlone
	settled
	isCutOff
	failsOver
	sweepReads
	sweeps
	isSaved
	isRestored
	verbCount
)

var appliedVerb = [...]verb{reserving: reserved, raising: raised, handingBack: handedBack, stopping: hasStopped, settling: settled}

// texts may use: $life, $of, $1 and $2 (numbers), $range, $era.
var texts = [verbCount]string{
	readsEra:          "$life reads the era: $1",
	begins:            "$life begins, enrolled in era $1",
	isKilled:          "$life is killed",
	leaseEnds:         "the lease of $life, who is dead, ends",
	leaseEndsUnseen:   "$life is paused; its lease ends and it does not know",
	writes:            "$life sends $1 to Postgres of era $era; the statement has read its holder's row",
	isRefused:         "$life sends $1 to Postgres of era $era and is refused: its life is over",
	isRefusedButFinds: "$life sends $1 again to Postgres of era $era, is refused, but finds its row and acknowledges it",
	commits:           "$1 of $life is committed in era $era and acknowledged",
	commitsUnheard:    "$1 of $life is committed in era $era, and nobody hears of it",
	findsTaken:        "$life finds that $1 has a row already",
	vanishes:          "the write of $1 by $life never takes effect",
	doubts:            "$life gives up its write of $1: in doubt",
	asksFloor:         "$life asks for the floor: $1",
	asksNobody:        "$life does not ask for the floor",
	voidsSkipped:      "$life makes void what is skipped",
	sendsRaise:        "$life sends the swap that takes it out of use, up to $1",
	raised:            "$life has taken what is skipped out of use",
	sendsReserve:      "$life sends the swap that reserves $range",
	reserved:          "$life has reserved $range",
	conflicts:         "the swap of $life is refused: the ledger has changed",
	isLost:            "the swap of $life is refused: it is no longer registered; its life is over",
	givesUp:           "$life gives up its swap, which wanders",
	strayApplied:      "a wandering swap of $life arrives and is applied",
	strayDropped:      "a wandering swap of $life arrives and is refused",
	findsItself:       "$life reads the ledger again and takes $range for its own",
	sendsAgain:        "$life reads the ledger again, unchanged, and sends the same swap",
	startsAfresh:      "$life reads the ledger again and starts afresh",
	sendsHandBack:     "$life sends the swap that hands back $range",
	handedBack:        "$life has handed back $range",
	findsGone:         "$life finds that $range is no longer held",
	sendsStop:         "$life stops, and sends the swap that hands back what it can",
	hasStopped:        "$life has stopped",
	fences:            "$life fences $of in era $era, to settle its block",
	surveys:           "$life reads the rows of $of's block in era $era and sends the swap that frees the rest",
	surveysAndVoids:   "$life reads the rows of $of's block in era $era, makes the rest void and sends the swap",
	leavesAlone:       "$life leaves the block of $of alone",
	settled:           "$life has settled the block of $of",
	isCutOff:          "the standby of Postgres is cut off from what is committed from now on",
	failsOver:         "Postgres fails over: the standby is the primary, in a new era",
	sweepReads:        "a sweep reads the ledger",
	sweeps:            "the sweep makes void what that ledger leaves unexplained",
	isSaved:           "the state of etcd is saved",
	isRestored:        "etcd is restored to the state that was saved",
}

func (s Step) String() string {
	numbers := fmt.Sprint(s.first)
	if s.second > s.first {
		numbers = fmt.Sprintf("%d-%d", s.first, s.second)
	}
	return strings.NewReplacer(
		"$life", holderName(int(s.life)), "$of", holderName(int(s.of)), "$range", numbers,
		"$1", fmt.Sprint(s.first), "$era", fmt.Sprint(s.second),
	).Replace(texts[s.verb])
}

// history makes the steps to the state found last once more, and tells them.
func (e *explorer) history() []string {
	var path []uint16
	for i := len(e.origins) - 1; i > 0; i = int(e.origins[i].parent) {
		path = append(path, e.origins[i].step)
	}
	slices.Reverse(path)
	var lines []string
	s := e.m.initial()
	for _, wanted := range path {
		var count uint16
		var reached state
		var told Step
		e.m.emit = func(s state, step Step) {
			if count == wanted {
				reached, told = s, step
			}
			count++
		}
		e.m.successors(s)
		line := told.String()
		if reached.etcd.ledger != s.etcd.ledger {
			line += "  [" + e.m.books.String(reached.etcd.ledger) + "]"
		}
		lines = append(lines, line)
		s = reached
	}
	return lines
}

// String tells a ledger in a few words.
func (b *books) String(id ledgerID) string {
	l := b.at(id)
	parts := []string{fmt.Sprintf("mark %d", l.Mark)}
	for _, h := range l.Held {
		parts = append(parts, fmt.Sprintf("%s holds %s", h.Holder, h.Range))
	}
	for _, f := range l.Free {
		parts = append(parts, fmt.Sprintf("%s free", f.Range))
	}
	return strings.Join(parts, ", ")
}

// Report tells a result: one line of figures, and the history if a promise was
// broken.
func (r Result) Report(about string) string {
	var b strings.Builder
	how := "exhausted"
	switch {
	case r.Breach != "":
		how = "BROKEN: " + r.Breach
	case !r.Exhausted:
		how = "stopped before the end, nothing found so far"
	}
	fmt.Fprintf(&b, "%-18s %9d states  depth %2d  %4d ledgers  %6.1f s  %s (%s)\n",
		r.Config.Name, r.States, r.Depth, r.Ledgers, r.Took.Seconds(), how, about)
	for i, line := range r.History {
		fmt.Fprintf(&b, "%6d. %s\n", i+1, line)
	}
	return b.String()
}
