package endtoend

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"folio/internal/devcluster"
)

// TestOneLineOfTheLogTellsWhoRunsHereAndWithWhat is of the whole life of a replica: another
// holder gets no such line.
func TestOneLineOfTheLogTellsWhoRunsHereAndWithWhat(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 1, LeaseTTL: leaseTTL})
	holder := openBooks(t, c).holder("replica-0")
	if out, err := c.Run(within(t, time.Minute), "ledger", "rebuild"); err != nil { // fences every holder
		t.Fatalf("%v\n%s", err, out)
	}
	eventually(t, time.Minute, "the replica has another holder", func() bool {
		return strings.Count(readLog(t, c.Replicas[0]), `"msg":"holder registered"`) > 1
	})
	n := 0
	for line := range strings.Lines(readLog(t, c.Replicas[0])) {
		var told struct {
			Msg, Version, Holder, Etcd, Postgres string
			Settings                             map[string]string
		}
		if err := json.Unmarshal([]byte(line), &told); err != nil || told.Msg != "started" {
			continue
		}
		n++
		if told.Holder == "" || told.Holder != holder || told.Version == "" || told.Etcd != strings.Join(c.Etcd.Endpoints(), ",") ||
			!strings.Contains(told.Postgres, "/folio") || told.Settings["FOLIO_LEASE_TTL"] != leaseTTL.String() {
			t.Errorf("of holder %q it tells %s", holder, line)
		}
	}
	if n != 1 {
		t.Errorf("%d lines tell of the start, want one", n)
	}
}
