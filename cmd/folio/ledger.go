package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
	"folio/counter/etcdstore"
)

// callTimeout bounds one answer from etcd to a tool.
const callTimeout = 10 * time.Second

// ledgerCmd prints ledgers unless it is told otherwise: `folio ledger acme` is
// `folio ledger show acme`.
type ledgerCmd struct {
	Show    ledgerShowCmd    `cmd:"" default:"withargs" help:"Print the books: what is held, free and finished in each series."`
	Rebuild ledgerRebuildCmd `cmd:"" help:"After etcd was lost or restored, or a ledger was deleted or damaged: bring every ledger to cover all documents."`
}

type ledgerShowCmd struct {
	etcd
	DatabaseURL     string `help:"Postgres, where strict series have their counters; without it they are not printed." env:"FOLIO_DATABASE_URL" xor:"database"`
	DatabaseURLFile string `name:"database-url-file" help:"File with that, instead." env:"FOLIO_DATABASE_URL_FILE" xor:"database"`
	Series          string `arg:"" optional:"" help:"tenant, tenant/series or tenant/series/period; all if not given."`
}

// Run prints the books as a person would write them.
func (c *ledgerShowCmd) Run(cmd command) error {
	client, store, err := c.open(cmd.ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(cmd.ctx, callTimeout)
	defer cancel()
	selected, err := selectSeries(ctx, store, c.Series)
	if err != nil {
		return err
	}
	strict, err := c.strictCounters(ctx)
	if len(selected) == 0 && len(strict) == 0 && err == nil {
		fmt.Fprintln(cmd.stdout, "no ledger: nothing was ever reserved here")
		return nil
	}
	damaged := []error{err} // Postgres may be away: what etcd says is printed nevertheless
	for _, s := range selected {
		l, _, err := store.Load(ctx, s)
		if errors.Is(err, counter.ErrDamaged) {
			damaged = append(damaged, err)
			continue
		}
		if err != nil {
			return err
		}
		printLedger(cmd.stdout, s, l)
	}
	for _, s := range strict {
		printStrict(cmd.stdout, s)
	}
	return errors.Join(damaged...)
}

// open dials etcd. The caller closes the client.
func (e etcd) open(ctx context.Context) (*clientv3.Client, *etcdstore.Store, error) {
	client, err := e.dial(ctx, e.EtcdEndpoints)
	if err != nil {
		return nil, nil, err
	}
	return client, &etcdstore.Store{Client: client}, nil
}

// selectSeries returns the series that have a ledger and match tenant,
// tenant/series or tenant/series/period.
func selectSeries(ctx context.Context, store counter.Store, path string) ([]counter.Series, error) {
	parts := strings.Split(path, "/")
	if len(parts) > 3 {
		return nil, fmt.Errorf("%q: want tenant, tenant/series or tenant/series/period", path)
	}
	parts = append(parts, "", "")
	all, err := store.List(ctx, parts[0], parts[1])
	if err != nil || parts[2] == "" {
		return all, err
	}
	var match []counter.Series
	for _, s := range all {
		if s.String() == path {
			match = append(match, s)
		}
	}
	return match, nil
}

func printLedger(w io.Writer, s counter.Series, l counter.Ledger) {
	fmt.Fprintf(w, "%s   mark %d, %s\n", s, l.Mark, plural(l.Serial, "block", "blocks")+" so far")
	open := int64(0)
	for _, b := range l.Held {
		open += b.Len()
		fmt.Fprintf(w, "  held      %-15s %s by %s since %s (block %d)\n",
			b.Range, plural(b.Len(), "number", "numbers"), b.Holder, b.At.Format(time.DateTime), b.Serial)
	}
	for _, f := range l.Free {
		open += f.Len()
		fmt.Fprintf(w, "  free      %-15s %s since %s, to be used next\n",
			f.Range, plural(f.Len(), "number", "numbers"), f.At.Format(time.DateTime))
	}
	fmt.Fprintf(w, "  finished  %s, issued or void\n", plural(l.Range().Len()-open, "number", "numbers"))
}

// oneLine is the words of others, such as the reason of a void, as they may go to a
// terminal: what does not print is written as Go writes it, so that it is seen and does
// nothing.
func oneLine(words string) string {
	if !strings.ContainsFunc(words, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return words
	}
	var b strings.Builder
	for _, r := range words {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
