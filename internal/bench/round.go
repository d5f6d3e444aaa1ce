package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"folio/internal/bench/contender"
	"folio/internal/bench/load"
)

// round is what one side did when it was its turn. Costs are those of the window, for each
// number that was given in it.
type round struct {
	Numbers     float64            `json:"numbers_per_second"`
	Arrivals    float64            `json:"arrivals_per_second,omitzero"` // of requests, in the open model
	Latency     load.Latencies     `json:"latency_seconds"`
	Failed      int64              `json:"failed"`
	Unsent      int64              `json:"unsent"`
	Behind      int64              `json:"behind"` // due in the window, and answered after its end
	Allocations float64            `json:"allocations"`
	Bytes       float64            `json:"bytes_allocated"`
	CPU         map[string]float64 `json:"cpu_seconds"` // by who used it
	WAL         float64            `json:"wal_bytes"`
	Memory      float64            `json:"peak_memory_mb"` // of the replica that has the most, since it began
	Refills     float64            `json:"refills"`        // within the window
	Conflicts   float64            `json:"conflicts"`      // within the window

	// What a stall may be due to.
	Checkpoints float64     `json:"checkpoints"`          // begun within the window
	Pages       int64       `json:"checkpoint_pages"`     // that checkpoints wrote, those begun before it too
	GC          collections `json:"gc"`                   // of the replicas
	Gaps        []load.Gap  `json:"no_answers,omitempty"` // the longest within the window, in the open model
}

// collections is what the garbage collector did.
type collections struct {
	Count   float64 `json:"collections"`
	Paused  float64 `json:"paused_seconds"`
	Longest float64 `json:"longest_of_late_seconds"` // pause among the last that the runtime remembers, some of which may be of earlier rounds
}

// result is a side with its rounds.
type result struct {
	Scenario    string  `json:"scenario"`
	Side        string  `json:"side"`
	Entrant     string  `json:"entrant"`
	Connections int     `json:"connections"`
	Replicas    int     `json:"replicas"`
	Tenants     int     `json:"tenants"`
	Lines       int     `json:"lines"`
	Batch       int     `json:"batch,omitzero"`
	Share       float64 `json:"share_of_best,omitzero"`
	Rounds      []round `json:"rounds"`
	Missing     string  `json:"missing,omitzero"` // why there are none

	Statements []contender.Statement `json:"statements,omitzero"`
}

// figures are one figure of each round.
func (r *result) figures(of func(round) float64) []float64 {
	values := make([]float64, len(r.Rounds))
	for i, one := range r.Rounds {
		values[i] = of(one)
	}
	return values
}

func find(results []result, scenario, side string) *result {
	for i, r := range results {
		if r.Scenario == scenario && r.Side == side && len(r.Rounds) > 0 {
			return &results[i]
		}
	}
	return nil
}

// play plays one round at a rate; 0: the closed model.
func (b *bench) play(ctx context.Context, t *turn, rate float64, window time.Duration) (round, error) {
	if t.entrant.name == copyName {
		return b.copy(ctx, t, window)
	}
	clients, err := b.clients(ctx, t)
	if err != nil {
		return round{}, err
	}
	done, r, err := t.load(ctx, clients, rate, window)
	err = errors.Join(err, hangUp(clients), ctx.Err())
	for _, c := range clients {
		t.books.given = append(t.books.given, c.Given...)
	}
	t.books.failed += done.Failed * int64(t.kind.Per())
	if err != nil {
		return round{}, err
	}
	if done.Failed > 0 {
		fmt.Fprintf(b.out, "    %s: %d requests failed, first: %v\n", t.name, done.Failed, done.FirstFail)
	}
	if done.All == 0 {
		return round{}, fmt.Errorf("%s: no request was answered: %w", t.name, done.FirstFail)
	}
	return r, nil
}

// load warms a side up, sends it its load, and says what that was and cost. Before
// arrivals at a rate each connection sends as soon as it can for a while: on blocks that
// are still short the first arrivals would pile up, and what is measured would be how the
// pile is worked off.
func (t *turn) load(ctx context.Context, clients []*load.Client, rate float64, window time.Duration) (load.Result, round, error) {
	senders, answered := counted(clients)
	var before load.Result
	if rate > 0 {
		before = load.Closed(ctx, senders, t.prime, 0)
	}
	wait := t.meter(ctx, answered, time.Now().Add(t.warmUp), window)
	var done load.Result
	if rate > 0 {
		done = load.Open(ctx, senders, rate, t.warmUp, window)
	} else {
		done = load.Closed(ctx, senders, t.warmUp, window)
	}
	done.Failed, done.FirstFail = done.Failed+before.Failed, cmp.Or(before.FirstFail, done.FirstFail)
	first, last, err := wait()
	if err != nil {
		return done, round{}, err
	}
	r := t.cost(first, last, float64((last.answered-first.answered)*int64(t.kind.Per())))
	r.Numbers, r.Arrivals, r.Latency = done.Rate()*float64(t.kind.Per()), rate, done.Latency
	r.Failed, r.Unsent, r.Behind = done.Failed, done.Unsent, done.Behind
	if rate > 0 {
		r.Gaps = done.Gaps
	}
	return done, r, nil
}

// clients connects the clients, to the replicas in turn: crowds of which there are as
// many as replicas so go to one each.
func (b *bench) clients(ctx context.Context, t *turn) ([]*load.Client, error) {
	var clients []*load.Client
	for i := range t.connections {
		b.writers++
		conn, err := load.Dial(ctx, t.fleet.replicas[i%len(t.fleet.replicas)].address)
		if err != nil {
			return nil, errors.Join(err, hangUp(clients))
		}
		crowd := t.crowds[i%len(t.crowds)].Again(uint64(b.writers))
		if t.apart {
			crowd = load.Only(i % t.side.crowd)
		}
		clients = append(clients, &load.Client{Conn: conn, Kind: t.kind, Writer: t.forms.Writer(fmt.Sprintf("bench-%d", b.writers)), Crowd: crowd})
	}
	return clients, nil
}

// hangUp closes the connections of clients.
func hangUp(clients []*load.Client) error {
	var errs []error
	for _, c := range clients {
		errs = append(errs, c.Conn.Close())
	}
	return errors.Join(errs...)
}

// cost is what was used between two samples for each of so many numbers.
func (t *turn) cost(before, after sample, numbers float64) round {
	numbers = max(numbers, 1) // of none it is what all cost
	checkpoints := after.checkpoints.Minus(before.checkpoints)
	r := round{
		Allocations: after.minus(before, "go_memstats_mallocs_total") / numbers,
		Bytes:       after.minus(before, "go_memstats_alloc_bytes_total") / numbers,
		WAL:         (after.wal - before.wal) / numbers,
		CPU:         make(map[string]float64),
		Refills:     after.minus(before, "folio_blocks_reserved_total"),
		Conflicts:   after.minus(before, "folio_swap_conflicts_total"),
		Checkpoints: float64(checkpoints.Begun),
		Pages:       checkpoints.Buffers,
		GC:          collections{after.minus(before, "go_gc_duration_seconds_count"), after.minus(before, "go_gc_duration_seconds_sum"), after.metrics[longestPause]},
	}
	for who := range after.cpu {
		r.CPU[who] = (after.cpu[who] - before.cpu[who]) / numbers
	}
	for _, one := range t.fleet.replicas {
		r.Memory = max(r.Memory, peak(one.proc.Pid()))
	}
	return r
}
