package main

import (
	"fmt"
	"strings"
)

// print shows, in a screenful, how to use what runs.
func (d *session) print() {
	var urls []string
	for _, r := range d.cluster.Replicas {
		urls = append(urls, r.URL())
	}
	fmt.Fprintf(d.out, `
folio runs: %d replicas, etcd and Postgres, all on this machine.

  API        %s
  API key    %s   (tenant %s)
  variables  . %s

Issue an invoice:

  curl -sS %s/v1/invoices \
    -H 'Authorization: Bearer %s' \
    -H 'Content-Type: application/json' \
    -d '{"currency": "EUR", "customer": {"name": "Ada Lovelace"},
         "lines": [{"description": "Translation", "quantity": "3", "unit_price": "80.00",
                    "tax": {"category": "S", "rate": "19"}}]}'

See the ledger, and account for every number:

  go tool -modfile=tools.mod etcdctl --endpoints=%s get --prefix /folio/ledger/
  . %s; bin/folio ledger; bin/folio audit

Kill a replica (it comes back after a second):  . %s; kill -9 ${FOLIO_PIDS%%%% *}
^C ends everything. The data stays in %s.

`, len(urls), strings.Join(urls, "  "), d.key, demo, d.envPath(), urls[0], d.key,
		strings.Join(d.cluster.Etcd.Endpoints(), ","), d.envPath(), d.envPath(), d.flags.State)
}
