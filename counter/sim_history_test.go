package counter_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"folio/counter"
)

// history is what happened in a simulation, in order. It is written down all the
// time and read only if a promise was broken: then it tells of everything that
// happened to replicas, ledgers and the store, and of the numbers in question.
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
	number int64 // 0: of no number
}

func (h *history) note(text string, args ...any) { h.add(line{text: text, args: args}) }

// noteOf is about one number: there are very many of these.
func (h *history) noteOf(s counter.Series, number int64, text string, args ...any) {
	h.add(line{text: text, args: args, series: s, number: number})
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
	for _, l := range h.lines {
		if l.number != 0 && !slices.Contains(h.numbers[l.series], l.number) {
			continue
		}
		fmt.Fprintf(&out, "%9.3fs  ", l.at.Seconds())
		if l.number != 0 {
			fmt.Fprintf(&out, "%s %d: ", l.series, l.number)
		}
		fmt.Fprintf(&out, l.text+"\n", l.args...)
	}
	return out.String()
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
