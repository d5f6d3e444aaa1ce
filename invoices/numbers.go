package invoices

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"folio/counter"
	"folio/invoices/document"
)

// NumbersRequest is one wish for numbers of documents that live elsewhere.
type NumbersRequest struct {
	Identity  Identity
	ID        string   // the client's Idempotency-Key; required
	Digest    [32]byte // of the request, its series included
	Series    string
	Count     int    // 1 to document.MaxNumbers
	IssueDate string // YYYY-MM-DD; "": today in the tenant's zone
	Reference string // what the client calls the documents; "": nothing
}

// ExternalNumbers is the answer to a NumbersRequest.
type ExternalNumbers struct {
	Series   string           `json:"series"`
	Period   string           `json:"period"`
	Numbers  []ExternalNumber `json:"numbers"` // in the order in which they were taken
	Replayed bool             `json:"-"`       // the request was known

	RangeLeft *int64 `json:"-"` // as of Issued
}

// ExternalNumber is a number whose document lives elsewhere.
type ExternalNumber struct {
	Number        int64  `json:"number"`
	PrintedNumber string `json:"printed_number"`
}

// TakeNumbers takes as many numbers as r wishes for and records each as issued,
// of kind external, or returns those that the same request took before. A
// request that was cut short goes on where it ended when it is sent again: what
// it has recorded so far is its own for ever.
//
// Errors: ErrNotFound (no such series), *document.InvalidError, ErrRequestReused,
// ErrPrintedClash, ErrSeriesExhausted, ErrSeriesExpired, ErrLedgerDamaged; ErrUnavailable and
// ErrOutcomeUnknown: send the same request again.
func (is *Issuer) TakeNumbers(ctx context.Context, r NumbersRequest) (ExternalNumbers, error) {
	id, take := requestID(r.ID), is.takeNumbers
	if r.Count == 1 {
		take = is.takeNumber
	}
	got, err := take(ctx, r, id)
	return got, is.ranges.note(err)
}

// takeNumbers is TakeNumbers of several.
func (is *Issuer) takeNumbers(ctx context.Context, r NumbersRequest, id string) (ExternalNumbers, error) {
	stored, err := is.DB.findItems(ctx, r, id)
	if err != nil {
		return ExternalNumbers{}, err
	}
	if len(stored) > 0 {
		if len(stored) == r.Count {
			return externalNumbers(stored, true), nil
		}
		r.IssueDate = stored[0].IssueDate // today may be another day by now
	}
	p, err := is.prepareNumbers(ctx, r, id)
	if err != nil {
		return ExternalNumbers{}, err
	}
	return is.complete(ctx, r, p, stored)
}

// takeNumber is TakeNumbers of one: there is no part of it to go on from.
func (is *Issuer) takeNumber(ctx context.Context, r NumbersRequest, id string) (ExternalNumbers, error) {
	got, err := is.takeNewNumber(ctx, r, id)
	if !isRefusal(err) {
		return got, err
	}
	stored, again := is.DB.findItems(ctx, r, id)
	if len(stored) > 0 {
		return externalNumbers(stored, true), nil
	}
	return ExternalNumbers{}, refusal(err, again)
}

// takeNewNumber is takeNumber of a request that is taken for a new one.
func (is *Issuer) takeNewNumber(ctx context.Context, r NumbersRequest, id string) (ExternalNumbers, error) {
	p, err := is.prepareNumbers(ctx, r, id)
	if err != nil {
		return ExternalNumbers{}, err
	}
	var stored []item
	if !is.meets(p) {
		if stored, err = is.DB.findItems(ctx, r, id); err != nil {
			return ExternalNumbers{}, err
		}
	}
	return is.complete(ctx, r, p, stored)
}

// complete takes what is not stored of r yet; p was prepared of it.
func (is *Issuer) complete(ctx context.Context, r NumbersRequest, p *prepared, stored []item) (ExternalNumbers, error) {
	if len(stored) == r.Count {
		return externalNumbers(stored, true), nil
	}
	fresh := len(stored) == 0
	var mine int
	for len(stored) < r.Count {
		made, err := is.record(ctx, p, missing(stored, r.Count))
		mine += len(made)
		if errors.Is(err, errRuleChanged) && ctx.Err() == nil { // see store
			is.rules.forget(p.series.Tenant, p.series.Name)
			p, err = is.prepareNumbers(ctx, r, p.RequestID)
		}
		if err != nil && len(stored) > 0 {
			err = outcomeUnknown(err)
		}
		if err != nil {
			return ExternalNumbers{}, err
		}
		if stored = byItem(stored, made); len(stored) == r.Count {
			break
		}
		if stored, err = is.DB.findItems(ctx, r, p.RequestID); err != nil {
			return ExternalNumbers{}, outcomeUnknown(err)
		}
	}
	out := externalNumbers(stored, !fresh || mine == 0)
	if !out.Replayed {
		out.RangeLeft = is.warn(p, highestOf(stored))
	}
	return out, nil
}

func byItem(some, others []item) []item {
	all := slices.Concat(some, others)
	slices.SortFunc(all, func(a, b item) int { return cmp.Compare(a.Item, b.Item) })
	return all
}

func highestOf(items []item) (highest int64) {
	for _, i := range items {
		highest = max(highest, i.Number)
	}
	return highest
}

// prepareNumbers derives what the rows of r have in common.
func (is *Issuer) prepareNumbers(ctx context.Context, r NumbersRequest, id string) (*prepared, error) {
	at := is.now()
	if r.IssueDate == "" {
		r.IssueDate = at.In(r.Identity.zone()).Format(time.DateOnly)
	}
	if err := document.CheckNumbers(r.Count, r.IssueDate, r.Reference, at.In(r.Identity.zone())); err != nil {
		return nil, err
	}
	known, err := is.rule(ctx, r.Identity.Tenant, r.Series)
	if err != nil {
		return nil, err
	}
	if known == nil {
		return nil, fmt.Errorf("series %q: %w", r.Series, ErrNotFound)
	}
	if err := known.admit(r.IssueDate, at.In(r.Identity.zone()).Format(time.DateOnly)); err != nil {
		return nil, err
	}
	p := &prepared{
		rule: known,
		row: row{
			Kind: kindExternal, RequestID: id, Digest: r.Digest, KeyID: r.Identity.KeyID, Reference: r.Reference,
			CreatedAt: at, Draft: document.Draft{IssueDate: r.IssueDate, Series: r.Series},
		},
		series: counter.Series{Tenant: r.Identity.Tenant, Name: r.Series, Period: known.period.Period(r.IssueDate)},
		format: known.format,
	}
	if known.Numbering == numberingStrict {
		p.Strict = known.strictPlace(p.series)
	}
	return p, nil
}
