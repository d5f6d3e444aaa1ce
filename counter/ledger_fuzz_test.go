package counter_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"folio/counter"
)

// FuzzLedger lets bytes drive the transitions, four for each, and re-derives after
// every step which numbers are held, free and finished. `go test -fuzz=FuzzLedger`
// searches on; go test runs the seeds.
func FuzzLedger(f *testing.F) {
	f.Add([]byte{0, 9, 0, 0, 1, 0, 0xaa, 0, 0, 3, 1, 0, 2, 0, 0xff, 0, 3, 20, 0, 0, 4, 30, 0, 0})
	f.Add([]byte{0, 200, 0, 0, 0, 200, 1, 0, 2, 1, 0x55, 0x55, 2, 0, 0x33, 0, 4, 250, 0, 0})
	f.Fuzz(func(t *testing.T, program []byte) {
		var l counter.Ledger
		oracle := &books{state: map[int64]string{}}
		for ; len(program) >= 4 && l.Mark < 4000; program = program[4:] {
			l = step(t, l, oracle, program[0]%5, program[1], program[2], program[3])
			if err := oracle.compare(l); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func step(t *testing.T, l counter.Ledger, oracle *books, op, a, b, c byte) counter.Ledger {
	switch holder := "h." + string('a'+rune(b%3)); op {
	case 0:
		return fuzzReserve(t, l, oracle, counter.Want{Holder: holder, Count: int64(a) + 1})
	case 1:
		return fuzzConclude(t, l, oracle, counter.Ledger.Release, a, b, c)
	case 2:
		return fuzzConclude(t, l, oracle, counter.Ledger.Settle, a, b, c)
	case 3:
		next, aside, err := l.SetAside(counter.Want{Holder: holder}, l.Mark+int64(a)-20)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range aside {
			oracle.fill(block.Range, heldBy(block))
		}
		oracle.mark = next.Mark
		return next
	default:
		next, err := l.SeekTo(l.Mark + int64(a) - 20)
		if err != nil {
			t.Fatal(err)
		}
		oracle.fill(counter.Range{First: l.Mark + 1, Last: next.Mark}, "finished")
		oracle.mark = next.Mark
		return next
	}
}

func fuzzReserve(t *testing.T, l counter.Ledger, oracle *books, w counter.Want) counter.Ledger {
	next, b, err := l.Reserve(w)
	if err != nil {
		t.Fatal(err)
	}
	for n := b.First; n <= b.Last; n++ {
		if s := oracle.state[n]; s != "" && s != "free" {
			t.Fatalf("reserved %d, which is %s", n, s)
		}
	}
	oracle.fill(b.Range, heldBy(b))
	oracle.mark = next.Mark
	return next
}

// fuzzConclude ends a block, of which the numbers are free whose bit in b and c is set.
func fuzzConclude(t *testing.T, l counter.Ledger, oracle *books, end ending, a, b, c byte) counter.Ledger {
	if len(l.Held) == 0 {
		return l
	}
	block := l.Held[int(a)%len(l.Held)]
	bits := uint(b)<<8 | uint(c)
	var free []counter.Range
	for n := block.First; n <= block.Last; n++ {
		if bits>>(n%16)&1 == 0 {
			continue
		}
		if k := len(free); k > 0 && free[k-1].Last == n-1 {
			free[k-1].Last = n
		} else {
			free = append(free, counter.Range{First: n, Last: n})
		}
	}
	next, err := end(l, block, free, time.Time{})
	if errors.Is(err, counter.ErrNoRoom) {
		return l
	}
	if err != nil {
		t.Fatal(err)
	}
	rest := counter.Range{First: block.Last + 1, Last: block.Last}
	for _, h := range next.Held {
		if h.Serial == block.Serial {
			rest = h.Range // it did not all fit: this stays held
		}
	}
	oracle.fill(counter.Range{First: block.First, Last: min(block.Last, rest.First-1)}, "finished")
	for _, r := range free {
		oracle.fill(counter.Range{First: r.First, Last: min(r.Last, rest.First-1)}, "free")
	}
	return next
}

func heldBy(b counter.Block) string { return fmt.Sprintf("held by %d", b.Serial) }
