package invoices

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"folio/counter"
	"folio/invoices/document"
)

// Annulment is the end of an external number whose document was never made.
type Annulment struct {
	Series        string    `json:"series"`
	Period        string    `json:"period"`
	Number        int64     `json:"number"`
	PrintedNumber string    `json:"printed_number"`
	Status        string    `json:"status"` // "void"
	Reason        string    `json:"reason"`
	VoidedAt      time.Time `json:"voided_at"`
}

// VoidExternal records that the document of an external number was never made:
// the number counts as void from now on. What is void keeps its first reason.
// ErrNotFound: the number has no row. ErrNotExternal: its document is kept here;
// it is cancelled by a credit note instead. *document.InvalidError: the reason is
// none.
func (is *Issuer) VoidExternal(ctx context.Context, who Identity, name, period string, number int64, reason string) (Annulment, error) {
	db, s := is.DB, counter.Series{Tenant: who.Tenant, Name: name, Period: period}
	if err := document.CheckReason(reason); err != nil {
		return Annulment{}, err
	}
	doing := fmt.Sprintf("void number %d of %s", number, s)
	var kind string
	const find = `select kind from documents
		where tenant = $1 and series = $2 and period = $3 and number = $4 and status = 'issued'`
	err := db.lookUps.GetContext(ctx, &kind, find, s.Tenant, s.Name, s.Period, number)
	if err != nil {
		return Annulment{}, wrap(doing, err)
	}
	if kind != kindExternal {
		return Annulment{}, fmt.Errorf("%s: %w", doing, ErrNotExternal)
	}
	const insert = `
		insert into annulments (tenant, series, period, number, reason, key_id, voided_at)
		values ($1, $2, $3, $4, $5, $6, $7)
		on conflict do nothing`
	at := time.Now().UTC().Truncate(time.Microsecond)
	if _, err := db.lookUps.ExecContext(ctx, insert, s.Tenant, s.Name, s.Period, number, reason, who.KeyID, at); err != nil {
		return Annulment{}, wrap(doing, err)
	}
	return db.annulment(ctx, s, number)
}

func (db *DB) annulment(ctx context.Context, s counter.Series, number int64) (Annulment, error) {
	var row struct {
		Printed  string    `db:"printed_number"`
		Reason   string    `db:"reason"`
		VoidedAt time.Time `db:"voided_at"`
	}
	const query = `
		select d.printed_number, a.reason, a.voided_at
		from annulments a join documents d using (tenant, series, period, number)
		where a.tenant = $1 and a.series = $2 and a.period = $3 and a.number = $4`
	err := db.lookUps.GetContext(ctx, &row, query, s.Tenant, s.Name, s.Period, number)
	if errors.Is(err, sql.ErrNoRows) {
		return Annulment{}, fmt.Errorf("number %d of %s: %w: its void is not seen, Postgres has failed over meanwhile", number, s, ErrUnavailable)
	}
	if err != nil {
		return Annulment{}, wrap("read a void", err)
	}
	return Annulment{
		Series: s.Name, Period: s.Period, Number: number, PrintedNumber: row.Printed,
		Status: statusVoid, Reason: row.Reason, VoidedAt: row.VoidedAt.UTC(),
	}, nil
}
