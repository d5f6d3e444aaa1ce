package counter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"folio/counter"
)

// history is what happened in a simulation, in order. It is written down all the
// time and read only if a promise was broken: then it tells of everything that
// happened to replicas and the store, and of the numbers in question: who had them,
// and what each ledger said of them.
type history struct {
	mu      sync.Mutex
	begun   time.Time
	lines   []line
	numbers map[counter.Series][]int64 // to tell of
}

type line struct {
	at     time.Duration
	text   string
	args   []any
	series counter.Series
	number int64  // 0: of no number
	ledger string // its text, if this is what a ledger was found to say
}

func (h *history) note(text string, args ...any) { h.add(line{text: text, args: args}) }

// noteOf is about one number: there are very many of these.
func (h *history) noteOf(s counter.Series, number int64, text string, args ...any) {
	h.add(line{text: text, args: args, series: s, number: number})
}

// noteLedger is what the ledger of s says now: there are very many of these, too.
func (h *history) noteLedger(s counter.Series, ledger, text string, args ...any) {
	h.add(line{text: text, args: args, series: s, ledger: ledger})
}

func (h *history) add(l line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.begun.IsZero() {
		h.begun = time.Now()
	}
	l.at = time.Since(h.begun)
	h.lines = append(h.lines, l)
}

func (h *history) tellOf(s counter.Series, numbers []int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.numbers == nil {
		h.numbers = map[counter.Series][]int64{}
	}
	h.numbers[s] = append(h.numbers[s], numbers...)
}

func (h *history) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out strings.Builder
	said := make(map[string]string) // of a number, when a ledger was last looked at
	for _, l := range h.lines {
		text := fmt.Sprintf(l.text, l.args...)
		switch {
		case l.ledger != "":
			for of, state := range h.statesBy(l) {
				if said[of] != state {
					fmt.Fprintf(&out, "%9.3fs  %s: %s, %s\n", l.at.Seconds(), of, state, text)
				}
				said[of] = state
			}
		case l.number == 0:
			fmt.Fprintf(&out, "%9.3fs  %s\n", l.at.Seconds(), text)
		case slices.Contains(h.numbers[l.series], l.number):
			fmt.Fprintf(&out, "%9.3fs  %s %d: %s\n", l.at.Seconds(), l.series, l.number, text)
		}
	}
	return out.String()
}

// statesBy are the numbers in question and what the ledger of one line says of each.
func (h *history) statesBy(l line) iter.Seq2[string, string] {
	return func(yield func(of, state string) bool) {
		var ledger counter.Ledger
		err := json.Unmarshal([]byte(l.ledger), &ledger)
		for _, n := range slices.Compact(slices.Sorted(slices.Values(h.numbers[l.series]))) {
			state := stateOf(ledger, n)
			if err != nil {
				state = err.Error()
			}
			if !yield(fmt.Sprint(l.series, " ", n), state) {
				return
			}
		}
	}
}

// stateOf is what a ledger says of the number n.
func stateOf(l counter.Ledger, n int64) string {
	for _, b := range l.Held {
		if b.Contains(n) {
			return fmt.Sprintf("in block %d of %s, %s", b.Serial, b.Holder, b.Range)
		}
	}
	switch {
	case slices.ContainsFunc(l.Free, func(f counter.FreeRange) bool { return f.Contains(n) }):
		return "free"
	case n > l.Mark:
		return "above the mark"
	}
	return "finished"
}

// logger makes what an allocator logs a part of the history.
func (h *history) logger(pod string) *slog.Logger { return slog.New(&historyHandler{h: h, pod: pod}) }

type historyHandler struct {
	h   *history
	pod string
}

func (l *historyHandler) Enabled(context.Context, slog.Level) bool { return true }
func (l *historyHandler) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *historyHandler) WithGroup(string) slog.Handler            { return l }
func (l *historyHandler) Handle(_ context.Context, r slog.Record) error {
	l.h.note("%s", recorded{pod: l.pod, r: r})
	return nil
}

// recorded is a log record that becomes text only if it is read.
type recorded struct {
	pod string
	r   slog.Record
}

func (r recorded) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s", r.pod, r.r.Message)
	r.r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&out, " %s=%v", a.Key, a.Value)
		return true
	})
	return out.String()
}

func TestAHistoryTellsWhatLedgersSaidOfTheNumbersInQuestion(t *testing.T) {
	var h history
	say := func(l counter.Ledger) {
		text, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		h.noteLedger(invoices, string(text), "after a swap by %s", "b")
	}
	first, b, err := counter.Ledger{}.Reserve(counter.Want{Holder: "a.1", Count: 9})
	if err != nil {
		t.Fatal(err)
	}
	say(first)
	say(first) // nothing new
	h.noteOf(invoices, 7, "taken")
	h.noteOf(invoices, 8, "taken")
	freed, err := first.Release(b, []counter.Range{{First: 7, Last: 9}}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	say(freed)
	h.tellOf(invoices, []int64{7})
	want := []string{"7: in block 1 of a.1, 1-9, after a swap by b", "7: taken", "7: free, after a swap by b"}
	got := strings.Split(strings.TrimSpace(h.String()), "\n")
	if len(got) != len(want) {
		t.Fatalf("told:\n%s", &h)
	}
	for i := range want {
		if !strings.HasSuffix(got[i], " "+want[i]) {
			t.Errorf("line %d is %q, want %q", i+1, got[i], want[i])
		}
	}
}
