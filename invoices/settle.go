package invoices

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices/accounts"

	"github.com/jmoiron/sqlx"
)

// Why numbers are void.
const (
	reasonReplicaLost = "replica_lost" // the replica that held them died; its series voids such numbers
	reasonFailover    = "failover"     // Postgres failed over; rows that were acknowledged may have been lost
)

// What a series does with the numbers that a dead holder left.
const (
	onLossReuse = "reuse" // they are given next
	onLossVoid  = "void"
)

// errStale: this server is not the one whose numbers are to be settled.
var errStale = errors.New("this Postgres is stale or another one: hands off")

// Settle implements counter.Owner. First the holder is fenced, which waits for
// the batches in flight; only then are the numbers of the block read, in one
// statement together with the era and the fence: one snapshot. In the era of
// the block the numbers without a row may be given again, or become void if the
// series says so. In a later era they become void: rows that were acknowledged
// may have been lost with the old primary, and none of their numbers is given
// twice. In an earlier era, or that of another system, nothing is touched.
func (o *Owner) Settle(ctx context.Context, s counter.Series, b counter.Block) ([]counter.Range, error) {
	doing := fmt.Sprintf("settle %s of %s, held by %s", b.Range, s, b.Holder)
	if err := o.fence(ctx, b); err != nil {
		return nil, wrap(doing, err)
	}
	found, err := o.survey(ctx, s, b)
	if err != nil {
		return nil, wrap(doing, err)
	}
	sameEra, err := mayTouch(b.Era, found.era)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	v := voids{Series: s, Ranges: found.rest, Era: found.era, Block: &b, Who: o.holder()}
	fenced := found.fenced.UTC().Format(time.RFC3339)
	switch {
	case sameEra && found.onLoss != onLossVoid:
		return found.rest, nil
	case sameEra:
		v.Reason, v.Note = reasonReplicaLost, fmt.Sprintf("Its replica was fenced at %s, and no document bore it by then.", fenced)
	default:
		v.Reason = skipReason(b.Era, found.era)
		v.Note = fmt.Sprintf("Its block was reserved in era %s of Postgres and settled in era %s; its replica was fenced at %s.", b.Era, found.era, fenced)
	}
	return nil, o.void(ctx, v)
}

// mayTouch decides whether a server in era now may settle a block of the era
// block, and whether the two are the same.
func mayTouch(block, now string) (same bool, err error) {
	of, err := parseEra(block)
	if err != nil {
		return false, err
	}
	present, err := parseEra(now)
	if err != nil {
		return false, err
	}
	order, ordered := of.compare(present)
	if !ordered || order > 0 {
		return false, fmt.Errorf("the block is of era %s, this server is in %s: %w", block, now, errStale)
	}
	return order == 0, nil
}

// fence closes the holder of b, for ever. Once it returns, every batch of the
// holder is either committed or will never store anything: a batch keeps the
// holder's row FOR SHARE, for which the update waits, at most lock_timeout; batches that
// come meanwhile wait behind it, see holderTurn. A
// holder that never enrolled here is inserted, fenced. A stale server is left
// alone. Executed twice it changes nothing.
func (o *Owner) fence(ctx context.Context, b counter.Block) error {
	return transact(ctx, o.DB.settling, "fence "+b.Holder, func(tx *sqlx.Tx) error {
		var now string
		if err := tx.GetContext(ctx, &now, `select current_era()`); err != nil {
			return err
		}
		if _, err := mayTouch(b.Era, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock(`+holderTurn+`)`, b.Holder); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, fenceHolder, b.Holder, b.Era)
		return err
	})
}

const fenceHolder = `
	insert into holders (holder, era, fenced_at)
	values ($1, $2, clock_timestamp())
	on conflict (holder) do update set fenced_at = excluded.fenced_at
	where holders.fenced_at is null`

// finding is what one snapshot of Postgres says of a block.
type finding struct {
	era    string
	fenced time.Time // when the holder was
	onLoss string
	rest   []counter.Range // the numbers of the block that have no row
}

// survey reads era, fence, rule and rows in one statement: had they been read
// one after the other, a failover in between could mix two histories.
func (o *Owner) survey(ctx context.Context, s counter.Series, b counter.Block) (finding, error) {
	var rows []struct {
		Era    string         `db:"era"`
		Fenced sql.NullTime   `db:"fenced"`
		OnLoss sql.NullString `db:"on_loss"`
		First  sql.NullInt64  `db:"first"`
		Last   sql.NullInt64  `db:"last"`
	}
	const query = `
		select current_era() as era,
		       (select fenced_at from holders where holder = $6) as fenced,
		       (select on_loss from series where tenant = $1 and name = $2) as on_loss,
		       runs.first, runs.last
		from (values (1)) as always left join (` + selectRuns + `) as runs on true
		order by runs.first`
	err := o.DB.settling.SelectContext(ctx, &rows, query, s.Tenant, s.Name, s.Period, b.First, b.Last, b.Holder)
	if err != nil {
		return finding{}, err
	}
	if !rows[0].Fenced.Valid {
		return finding{}, fmt.Errorf("%w: the fence is not seen, Postgres has failed over meanwhile", ErrUnavailable)
	}
	var used []counter.Range
	for _, r := range rows {
		if r.First.Valid {
			used = append(used, counter.Range{First: r.First.Int64, Last: r.Last.Int64})
		}
	}
	return finding{
		era: rows[0].Era, fenced: rows[0].Fenced.Time, onLoss: rows[0].OnLoss.String,
		rest: accounts.Without([]counter.Range{b.Range}, used),
	}, nil
}

// Spent implements counter.Knower: the numbers that have a row.
func (o *Owner) Spent(ctx context.Context, s counter.Series, ranges []counter.Range) ([]counter.Range, error) {
	var spent []counter.Range
	for _, part := range accounts.Pieces(ranges, readAtOnce) {
		runs, err := readRuns(ctx, o.DB.settling, s, part)
		if err != nil {
			return nil, err
		}
		spent = append(spent, runs...)
	}
	return accounts.Merged(spent), nil
}
