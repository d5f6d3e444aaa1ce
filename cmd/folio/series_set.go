package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"folio/counter/etcdstore"
	"folio/invoices"
	"folio/invoices/document"
)

// seriesSetCmd has a pointer for each field: nil leaves it as it is.
type seriesSetCmd struct {
	database
	seriesArg
	EtcdEndpoints []string `help:"etcd; needed to change the numbering or the period of a series." env:"FOLIO_ETCD_ENDPOINTS"`
	etcdAccess

	Numbering     *string        `help:"block or strict." env:"FOLIO_SERIES_NUMBERING"`
	Format        *string        `help:"Such as INV-{yyyy}-{seq:6}; also {yy}, {mm}, {series}, {tenant}." env:"FOLIO_SERIES_FORMAT"`
	Period        *string        `help:"When it restarts: none, year or month." env:"FOLIO_SERIES_PERIOD"`
	Start         *int64         `help:"The first number of each period." env:"FOLIO_SERIES_START"`
	OnLoss        *string        `help:"What becomes of numbers that a dead replica held: reuse or void." env:"FOLIO_SERIES_ON_LOSS"`
	ReuseWithin   *time.Duration `help:"Freed numbers older than this become void, such as 24h." env:"FOLIO_SERIES_REUSE_WITHIN"`
	Range         *string        `help:"The authorised numbers, as first-last; none if there are no bounds." env:"FOLIO_SERIES_RANGE"`
	ExpiresOn     *string        `help:"No document of the range from that day on; never if empty." env:"FOLIO_SERIES_EXPIRES_ON"`
	WarnLeft      *int64         `help:"Warn once so many numbers of the range are left." env:"FOLIO_SERIES_WARN_LEFT"`
	Document      *string        `help:"invoice or credit_note." env:"FOLIO_SERIES_DOCUMENT"`
	ClosedThrough *string        `help:"No issue date on or before that day; none if empty." env:"FOLIO_SERIES_CLOSED_THROUGH"`
	JSON          bool           `help:"Print JSON." name:"json" env:"FOLIO_JSON"`
}

// Run makes or changes the series.
func (c *seriesSetCmd) Run(cmd command) error {
	tenant, name, err := c.split()
	if err != nil {
		return err
	}
	return c.withDB(func(db *invoices.DB) error {
		book := &invoices.SeriesBook{DB: db}
		if len(c.EtcdEndpoints) > 0 {
			client, err := c.dial(cmd.ctx, c.EtcdEndpoints)
			if err != nil {
				return err
			}
			defer client.Close()
			book.Ledgers = &etcdstore.Store{Client: client}
		}
		put, err := c.set(cmd.ctx, book, tenant, name)
		if err != nil {
			return inSentences(err)
		}
		return tellSeries(cmd, put, c.JSON)
	})
}

func (c *seriesSetCmd) set(ctx context.Context, book *invoices.SeriesBook, tenant, name string) (invoices.Series, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, err := book.Find(ctx, tenant, name)
	if errors.Is(err, invoices.ErrNotFound) {
		s, err = invoices.NewSeries(tenant, name), nil
	}
	if err != nil {
		return s, err
	}
	if err := c.change(&s); err != nil {
		return s, err
	}
	put, _, err := book.Put(ctx, s)
	return put, err
}

// change applies what was given to s.
func (c *seriesSetCmd) change(s *invoices.Series) error {
	give(&s.Numbering, c.Numbering)
	give(&s.Format, c.Format)
	give(&s.Period, c.Period)
	give(&s.Start, c.Start)
	give(&s.OnLoss, c.OnLoss)
	give((*time.Duration)(&s.ReuseWithin), c.ReuseWithin)
	give(&s.Document, c.Document)
	give(&s.ClosedThrough, c.ClosedThrough)
	if c.Range != nil {
		if err := giveRange(s, *c.Range); err != nil {
			return err
		}
	}
	if s.Range == nil {
		if c.ExpiresOn != nil || c.WarnLeft != nil {
			return errors.New("--expires-on and --warn-left are of a range; give --range, too")
		}
		return nil
	}
	give(&s.Range.ExpiresOn, c.ExpiresOn)
	give(&s.Range.WarnLeft, c.WarnLeft)
	return nil
}

func give[T any](field, given *T) {
	if given != nil {
		*field = *given
	}
}

func giveRange(s *invoices.Series, text string) error {
	if text == "none" {
		s.Range = nil
		return nil
	}
	if s.Range == nil {
		s.Range = &invoices.NumberRange{}
	}
	first, last, _ := strings.Cut(text, "-")
	var errs [2]error
	s.Range.First, errs[0] = strconv.ParseInt(first, 10, 64)
	s.Range.Last, errs[1] = strconv.ParseInt(last, 10, 64)
	if errs != [2]error{} {
		return fmt.Errorf("--range %q: want first-last, such as 1-5000, or none", text)
	}
	return nil
}

// inSentences says what is wrong with a series as flags, not as fields of JSON.
func inSentences(err error) error {
	var bad *document.InvalidError
	if !errors.As(err, &bad) {
		return err
	}
	var all []error
	for _, f := range bad.Fields {
		all = append(all, fmt.Errorf("%s: %s", strings.ReplaceAll(strings.TrimPrefix(f.Pointer, "/"), "/", " "), f.Detail))
	}
	return errors.Join(all...)
}
