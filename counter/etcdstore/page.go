package etcdstore

import (
	"context"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"folio/counter"
)

// pageOfLedgers bounds the ledgers of one page: one is a few hundred bytes, at worst
// some ten thousand.
const pageOfLedgers = 500

// LoadPage implements counter.PageLoader: one linearizable read, whose revision it
// tells.
func (s *Store) LoadPage(ctx context.Context, selected counter.Selection, from string) (counter.Page, error) {
	prefix, opts, err := keysOf(selected, from)
	if err != nil {
		return counter.Page{}, err
	}
	start := prefix
	if from != "" {
		start = ledgers + from
	}
	got, err := s.get(ctx, start, opts...)
	if err != nil {
		return counter.Page{}, fmt.Errorf("read the ledgers under %s: %w", prefix, err)
	}
	p := counter.Page{Revision: got.Header.Revision}
	for _, kv := range got.Kvs {
		path := strings.TrimPrefix(string(kv.Key), ledgers)
		series, err := parseSeries(path)
		switch {
		case err != nil:
			p.Foreign = append(p.Foreign, string(kv.Key))
		case selected.Selects(series):
			p.Ledgers = append(p.Ledgers, counter.Listed{Series: series, Loaded: loadedFrom(series, kv.Value)})
		}
		p.Next = path + "\x00"
	}
	if !got.More {
		p.Next = ""
	}
	return p, nil
}

// keysOf tells what the keys of selected begin with, and how to read them. One series
// whole is one key: others may begin like it.
func keysOf(selected counter.Selection, from string) (prefix string, opts []clientv3.OpOption, err error) {
	prefix = ledgers
	if selected.Tenant != "" {
		prefix += selected.Tenant + "/"
	}
	if selected.Tenant != "" && selected.Name != "" {
		prefix += selected.Name + "/"
		if selected.Period != nil {
			s := counter.Series{Tenant: selected.Tenant, Name: selected.Name, Period: *selected.Period}
			return ledgerKey(s), nil, validate(s)
		}
	}
	return prefix, []clientv3.OpOption{clientv3.WithRange(clientv3.GetPrefixRangeEnd(prefix)), clientv3.WithLimit(pageOfLedgers)}, nil
}
