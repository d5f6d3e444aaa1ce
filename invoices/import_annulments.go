package invoices

import (
	"context"
	"encoding/json"
	"time"

	"folio/counter"
	"folio/invoices/document"

	"github.com/jmoiron/sqlx"
)

// annulmentLine is, in an export, an external number whose document was never made.
type annulmentLine struct {
	Type   string    `json:"type"`
	Series string    `json:"series" db:"series"`
	Period string    `json:"period" db:"period"`
	Number int64     `json:"number" db:"number"`
	Reason string    `json:"reason" db:"reason"`
	KeyID  string    `json:"key_id" db:"key_id"`
	At     time.Time `json:"voided_at" db:"voided_at"`
}

// writeAnnulments goes through the primary key, page by page.
func writeAnnulments(ctx context.Context, tx *sqlx.Tx, tenant string, out lineWriter) error {
	const query = `
		select series, period, number, reason, key_id, voided_at from annulments
		where tenant = $1 and (tenant, series, period, number) > ($1, $2, $3, $4)
		order by tenant, series, period, number limit $5`
	return writePages(ctx, tx, tenant, out, "list the annulments of "+tenant, query, func(r *annulmentLine) []any {
		r.Type, r.At = "annulment", r.At.UTC()
		return []any{r.Series, r.Period, r.Number}
	})
}

func checkAnnulmentLine(_ *maker, it *fileLine) error {
	l, err := decodePart[annulmentLine](it)
	if err != nil {
		return err
	}
	if document.CheckReason(l.Reason) != nil || document.LineFault(l.KeyID, maxKeyID) != "" || l.Number < 1 || l.Number > counter.MaxNumber {
		return &lineError{it.line, "", "has no reason, no number, or text that is no line"}
	}
	return nil
}

// storeAnnulments comes after the documents: each is of an external number.
func storeAnnulments(ctx context.Context, tx *sqlx.Tx, to partTarget, bodies []json.RawMessage) error {
	const insert = `
		insert into annulments (tenant, series, period, number, reason, key_id, voided_at)
		select d.tenant, d.series, d.period, d.number, $5, $6, $7 from documents d
		where d.tenant = $1 and d.series = $2 and d.period = $3 and d.number = $4 and d.status = 'issued' and d.kind = 'external'`
	return storeEach(ctx, tx, insert, bodies, func(l annulmentLine) []any {
		return []any{to.tenant, l.Series, l.Period, l.Number, l.Reason, l.KeyID, l.At}
	})
}
