package invoices

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"folio/counter"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// numberRow is what Postgres knows of a number; Status "": it has no row.
type numberRow struct {
	Highest int64 `db:"highest"` // the highest number of the series that has one

	Status    string         `db:"status"`
	Kind      string         `db:"kind"`
	CreatedAt time.Time      `db:"created_at"`
	RequestID string         `db:"request_id"`
	KeyID     string         `db:"key_id"`
	IssueDate string         `db:"issue_date"`
	Printed   string         `db:"printed_number"`
	Reference string         `db:"reference"`
	Reason    string         `db:"reason"`
	By        string         `db:"void_by"`
	Note      string         `db:"void_note"`
	Closed    bool           `db:"closed"`
	Credits   string         `db:"credits"`      // series/period/number; "": none
	Notes     pq.StringArray `db:"credit_notes"` // the same of each note

	Holder   sql.NullString `db:"holder"`
	Serial   sql.NullInt64  `db:"block_serial"`
	First    sql.NullInt64  `db:"block_first"`
	Last     sql.NullInt64  `db:"block_last"`
	At       sql.NullTime   `db:"block_at"`
	Revision sql.NullInt64  `db:"block_revision"`

	Annulled   *time.Time `db:"annulled_at"`
	AnnulledBy string     `db:"annulled_by"`
	AnnulledAs string     `db:"annulled_as"` // the reason

	MovedIn bool `db:"moved_in"` // the number lies within what an import stored

	key counter.Series
	n   int64
}

// numberRow reads what there is of a number, in one statement.
func (db *DB) numberRow(ctx context.Context, s counter.Series, n int64) (row numberRow, err error) {
	const query = `
		select coalesce((select max(number) from documents where tenant = $1 and series = $2 and period = $3), 0) as highest,
			coalesce(d.status, '') as status, coalesce(d.kind, '') as kind, coalesce(d.created_at, 'epoch') as created_at,
			coalesce(d.request_id, '') as request_id, coalesce(d.key_id, '') as key_id,
			coalesce(cast(d.issue_date as text), '') as issue_date, coalesce(d.printed_number, '') as printed_number,
			coalesce(d.reference, '') as reference, coalesce(d.reason, '') as reason,
			coalesce(d.void_by, '') as void_by, coalesce(d.void_note, '') as void_note, coalesce(c.closed, false) as closed,
			coalesce(d.credits_series || '/' || d.credits_period || '/' || d.credits_number, '') as credits,
			array(select n.series || '/' || n.period || '/' || n.number from credit_notes n
				where n.tenant = $1 and n.invoice_series = $2 and n.invoice_period = $3 and n.invoice_number = $4
				order by n.place) as credit_notes,
			d.holder, d.block_serial, d.block_first, d.block_last, d.block_at, d.block_revision,
			a.voided_at as annulled_at, coalesce(a.key_id, '') as annulled_by, coalesce(a.reason, '') as annulled_as,
			exists (select 1 from imports i join import_series m using (import)
				where i.tenant = $1 and m.series = $2 and m.period = $3 and $4 between m.first and m.last) as moved_in
		from (values (1)) as always
		left join documents d on d.tenant = $1 and d.series = $2 and d.period = $3 and d.number = $4
		left join credits c on c.tenant = $1 and c.series = $2 and c.period = $3 and c.number = $4
		left join annulments a on a.tenant = $1 and a.series = $2 and a.period = $3 and a.number = $4`
	err = db.read(ctx, s.Tenant, "read a number of "+s.String(), func(q sqlx.QueryerContext) error {
		return sqlx.GetContext(ctx, q, &row, query, s.Tenant, s.Name, s.Period, n)
	})
	row.key, row.n = s, n
	return row, err
}

// issue tells of the document that bears the number.
func (s sight) issue(who Asker) *ExplainedIssue {
	r := s.row
	i := &ExplainedIssue{
		Kind: r.Kind, Status: statusIssued, PrintedNumber: r.Printed, IssueDate: r.IssueDate, IssuedAt: r.CreatedAt.UTC(),
		KeyID: r.KeyID, Request: originOf(r.RequestID), Reference: r.Reference, Block: r.block(who),
	}
	if r.Closed {
		i.Status = statusCancelled
	}
	if r.Kind != kindExternal {
		i.Invoice = key{Series: r.key, Number: r.n}.encode(idPrefix)
	}
	if r.Credits != "" {
		i.Credits = encodePath(idPrefix, r.key.Tenant+"/"+r.Credits)
	}
	for _, note := range r.Notes {
		i.CreditNotes = append(i.CreditNotes, encodePath(idPrefix, r.key.Tenant+"/"+note))
	}
	switch {
	case i.Block != nil:
		i.Source = sourceBlock
	case r.MovedIn || !s.strict: // what is issued here without a block is of a strict series
		i.Source = sourceImport
	default:
		i.Source = sourceStrict
	}
	return i
}

// block is the block that the number came from; nil if none is known.
func (r numberRow) block(who Asker) *ExplainedBlock {
	if !r.Serial.Valid {
		return nil
	}
	b := blockOf(who, counter.Block{
		Serial: r.Serial.Int64, Range: counter.Range{First: r.First.Int64, Last: r.Last.Int64}, Holder: r.Holder.String,
		At: r.At.Time, Revision: r.Revision.Int64,
	})
	return b
}

// blockOf shows b; what it does not say is unknown.
func blockOf(who Asker, b counter.Block) *ExplainedBlock {
	shown := &ExplainedBlock{Serial: b.Serial, First: b.First, Last: b.Last}
	if at := b.At.UTC(); !at.IsZero() {
		shown.ReservedAt = &at
	}
	if revision := b.Revision; revision != 0 {
		shown.EtcdRevision = &revision
	}
	if who.Operator {
		shown.Holder, shown.Pod = b.Holder, podOf(b.Holder)
	}
	return shown
}

// podOf is the pod that a holder's name begins with.
func podOf(holder string) string {
	if i := strings.LastIndexByte(holder, '.'); i >= 0 {
		return holder[:i]
	}
	return ""
}

// void tells why no document bears the number.
func (s sight) void(who Asker) *ExplainedVoid {
	r := s.row
	if r.Annulled != nil {
		return &ExplainedVoid{
			Reason: r.AnnulledAs, Explanation: annulledSentence(r.AnnulledAs), VoidedAt: r.Annulled.UTC(),
			By:            ExplainedVoider{Kind: "key", KeyID: r.AnnulledBy},
			Known:         "It was given to a document that lives elsewhere, on " + r.CreatedAt.UTC().Format(time.RFC3339) + ".",
			PrintedNumber: r.Printed, Block: r.block(who),
		}
	}
	return &ExplainedVoid{
		Reason: r.Reason, Explanation: ReasonSentence(r.Reason), VoidedAt: r.CreatedAt.UTC(), By: voiderOf(who, r.By),
		Known: r.Note, Block: r.block(who),
	}
}

// voiderOf shows who made a number void.
func voiderOf(who Asker, by string) ExplainedVoider {
	switch {
	case by == "":
		return ExplainedVoider{Kind: "unknown"}
	case by == byOperator:
		return ExplainedVoider{Kind: "operator"}
	case strings.HasPrefix(by, keyPrefix):
		return ExplainedVoider{Kind: "key", KeyID: by}
	}
	v := ExplainedVoider{Kind: "replica"}
	if who.Operator {
		v.Holder, v.Pod = by, podOf(by)
	}
	return v
}

// keyPrefix begins the ids of API keys; no holder has a name like that.
const keyPrefix = "key_"

// The origins of a request id.
const originImport = "import"

// originOf tells by its beginning where a request id comes from, see requestID.
func originOf(id string) ExplainedRequest {
	for _, o := range []struct{ prefix, origin string }{
		{fromClient, "client"}, {fromServer, "server"}, {fromDraft, "draft"}, {fromCancel, "cancellation"}, {fromImport, originImport},
	} {
		if rest, ok := strings.CutPrefix(id, o.prefix); ok {
			return ExplainedRequest{Origin: o.origin, ID: rest}
		}
	}
	return ExplainedRequest{Origin: "unknown", ID: id}
}
