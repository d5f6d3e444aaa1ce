package forecast

import "folio/counter"

// Store is the size of etcd's content at the end.
type Store struct {
	Ledgers     int
	LedgerBytes int64 // keys and values
	Index       int   // keys
	IndexBytes  int64
	Blocks      int // in all ledgers
	Spent       int // blocks of which no number is left
}

// seriesOf names the tenant's series; all names are of the same length.
func seriesOf(tenant int32) counter.Series {
	return counter.Series{Tenant: tenantName(tenant), Name: "invoices", Period: "2026"}
}

func tenantName(tenant int32) string {
	name := []byte("tenant-0000000")
	for i := len(name) - 1; tenant > 0; i-- {
		name[i] = byte('0' + tenant%10)
		tenant /= 10
	}
	return string(name)
}

// weigh sums up the store's content.
func (r *run) weigh() {
	st := &r.sum.Store
	series := int64(len(seriesOf(0).String()))
	sums := make([]float64, len(r.sum.Classes))
	for t, l := range r.fleet.ledgers {
		class := r.class[t]
		c := &r.sum.Classes[class]
		sums[class] += float64(r.bytes[t])
		c.ValueMost = max(c.ValueMost, int(r.bytes[t]))
		c.HeldMost = max(c.HeldMost, len(l.Held))
		st.Ledgers++
		st.LedgerBytes += int64(len("/folio/ledger/")) + series + int64(r.bytes[t])
		st.Blocks += len(l.Held)
	}
	for i, sum := range sums {
		if n := r.sum.Classes[i].Tenants; n > 0 {
			r.sum.Classes[i].ValueMean = sum / float64(n)
		}
	}
	for _, own := range r.fleet.replicas {
		r.weighIndex(own, series)
	}
}

// weighIndex counts the keys that say what one replica holds, and its spent blocks.
func (r *run) weighIndex(own replica, series int64) {
	st := &r.sum.Store
	for _, id := range own.shelves {
		s := &r.fleet.shelves[id]
		if len(s.stocks) > 0 {
			st.Index++
			st.IndexBytes += int64(len("/folio/held/")+len(own.name)+len("/")) + series
		}
		for i := range s.stocks {
			if s.stocks[i].left() == 0 {
				st.Spent++
			}
		}
	}
}
