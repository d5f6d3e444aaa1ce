package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"folio/internal/bench/contender"
	"folio/internal/bench/load"
	"folio/invoices/document"
)

// round is what one side did when it was its turn. Costs are of all its requests, those
// of the warm-up too, for each number.
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
	Refills     float64            `json:"refills"`        // of this round
	Conflicts   float64            `json:"conflicts"`      // of this round
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

// turn is a side in its turn.
type turn struct {
	side
	entrant entrant
	fleet   *fleet
	stack   *stack
	forms   *load.Forms
	crowd   *load.Crowd
	books   *books
}

// books are what was given from one table, or by one fleet that has none, within a
// scenario.
type books struct {
	stack  *stack
	of     entrant
	series string
	given  []load.Given
	failed int64
}

// play plays one round at a rate; 0: the closed model.
func (b *bench) play(ctx context.Context, t *turn, rate float64, window time.Duration) (round, error) {
	if t.entrant.name == copyName {
		return b.copy(ctx, t, window)
	}
	before, err := take(ctx, t.fleet, t.stack)
	if err != nil {
		return round{}, err
	}
	clients, err := b.clients(ctx, t)
	if err != nil {
		return round{}, err
	}
	senders := make([]load.Sender, len(clients))
	for i, c := range clients {
		senders[i] = c
	}
	var done load.Result
	if rate > 0 {
		done = load.Open(ctx, senders, rate, t.warmUp, window)
	} else {
		done = load.Closed(ctx, senders, t.warmUp, window)
	}
	var errs []error
	for _, c := range clients {
		errs = append(errs, c.Conn.Close())
		t.books.given = append(t.books.given, c.Given...)
	}
	t.books.failed += done.Failed * int64(t.kind.Per())
	after, err := take(ctx, t.fleet, t.stack)
	if err := errors.Join(append(errs, err, ctx.Err())...); err != nil {
		return round{}, err
	}
	if done.Failed > 0 {
		fmt.Fprintf(b.out, "    %s: %d requests failed, first: %v\n", t.name, done.Failed, done.FirstFail)
	}
	if done.All == 0 {
		return round{}, fmt.Errorf("%s: no request was answered: %w", t.name, done.FirstFail)
	}
	r := t.cost(before, after, float64(done.All*int64(t.kind.Per())))
	r.Numbers, r.Arrivals, r.Latency = done.Rate()*float64(t.kind.Per()), rate, done.Latency
	r.Failed, r.Unsent, r.Behind = done.Failed, done.Unsent, done.Behind
	return r, nil
}

// clients connects the clients, to the replicas in turn.
func (b *bench) clients(ctx context.Context, t *turn) ([]*load.Client, error) {
	clients := make([]*load.Client, t.connections)
	for i := range clients {
		b.writers++
		conn, err := load.Dial(ctx, t.fleet.replicas[i%len(t.fleet.replicas)].address)
		if err != nil {
			return nil, err
		}
		clients[i] = &load.Client{Conn: conn, Kind: t.kind, Writer: t.forms.Writer(fmt.Sprintf("bench-%d", b.writers)), Crowd: t.crowd.Again(uint64(b.writers))}
	}
	return clients, nil
}

// cost is what was used between two samples for each of so many numbers.
func (t *turn) cost(before, after sample, numbers float64) round {
	r := round{
		Allocations: after.minus(before, "go_memstats_mallocs_total") / numbers,
		Bytes:       after.minus(before, "go_memstats_alloc_bytes_total") / numbers,
		WAL:         (after.wal - before.wal) / numbers,
		CPU:         make(map[string]float64),
		Refills:     after.minus(before, "folio_blocks_reserved_total"),
		Conflicts:   after.minus(before, "folio_swap_conflicts_total"),
	}
	for who := range after.cpu {
		r.CPU[who] = (after.cpu[who] - before.cpu[who]) / numbers
	}
	for _, one := range t.fleet.replicas {
		r.Memory = max(r.Memory, peak(one.proc.Pid()))
	}
	return r
}

// copy is the round of the entrant that has no replicas.
func (b *bench) copy(ctx context.Context, t *turn, window time.Duration) (round, error) {
	draft := document.Draft{Currency: "EUR", Customer: document.Customer{Name: "Ada Lovelace"}}
	for i := range t.kind.Lines {
		draft.Lines = append(draft.Lines, document.Line{
			Description: fmt.Sprintf("Translation, part %d", i+1), Quantity: "3", Unit: "h", UnitPrice: "80.50",
			Tax: document.Tax{Category: "S", Rate: "19"},
		})
	}
	if err := t.stack.database(ctx, t.entrant); err != nil {
		return round{}, err
	}
	mark, err := t.stack.server.Highest(ctx, t.entrant.database(), t.stack.tenants[0], blockSeries)
	if err != nil {
		return round{}, err
	}
	before, err := take(ctx, t.fleet, t.stack)
	if err != nil {
		return round{}, err
	}
	rows, took, err := contender.Copy(ctx, t.stack.server.Of(t.entrant.database()), t.stack.tenants[0], mark, draft, window)
	if err != nil {
		return round{}, err
	}
	for i := range rows {
		t.books.given = append(t.books.given, load.Given{Tenant: 0, Number: mark + i + 1})
	}
	after, err := take(ctx, t.fleet, t.stack)
	if err != nil {
		return round{}, err
	}
	r := t.cost(before, after, float64(rows))
	r.Numbers = float64(rows) / took.Seconds()
	return r, nil
}

// check holds what was given against what is stored.
func (k *books) check(ctx context.Context, since time.Time) error {
	if !k.of.stores {
		return load.Twice(k.given)
	}
	rows, err := k.stack.server.Stored(ctx, k.of.database(), k.series, k.stack.tenants, since)
	if err != nil {
		return err
	}
	return load.Verify(k.given, rows, k.failed)
}
