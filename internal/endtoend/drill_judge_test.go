package endtoend

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"folio/counter"
)

// end judges the drill: the clients' whole history, the books, the voids; and again
// when all replicas have ended.
func (d *drill) end() {
	d.Helper()
	d.load.verdict()
	auditIsClean(d.T, d.c)
	d.keptWhatIdleTenantsWereTold()
	d.everyVoidIsExplained()
	d.theDeadAreSettled()
	stopAll(d.T, d.c)
	auditIsClean(d.T, d.c)
	nothingIsHeld(d.T, d.c)
}

// theDeadAreSettled waits until nobody but the present lives holds anything: neither a
// ledger nor the index names a holder of the time before.
func (d *drill) theDeadAreSettled() {
	d.Helper()
	eventually(d.T, 20*leaseTTL, "only the living hold blocks", func() bool {
		ctx := within(d.T, 10*time.Second)
		holding, err := d.b.store.Holding(ctx)
		if err != nil {
			d.Fatal(err)
		}
		alive, err := d.b.store.Alive(ctx)
		if err != nil {
			d.Fatal(err)
		}
		for _, name := range holding {
			if !slices.Contains(alive, name) {
				return false
			}
		}
		return len(alive) == len(d.c.Replicas)
	})
}

func (d *drill) keptWhatIdleTenantsWereTold() {
	d.Helper()
	for name, numbers := range d.told {
		for number := range numbers {
			var stored int
			const query = `select count(*) from documents where tenant = $1 and number = $2 and status = 'issued'`
			err := d.db.QueryRowContext(within(d.T, 10*time.Second), query, name, number).Scan(&stored)
			if err != nil || stored != 1 {
				d.Errorf("%s was told number %d, of which %d are stored, %v", name, number, stored, err)
			}
		}
	}
}

// raise is one announcement that a mark was raised.
type raise struct{ mark, floor int64 }

// raises reads what replicas logged, and the commands printed, of raised marks.
func (d *drill) raises() map[string][]raise {
	d.Helper()
	all := make(map[string][]raise)
	for _, r := range d.c.Replicas {
		for _, line := range strings.Split(readLog(d.T, r), "\n") {
			var l struct {
				Msg    string `json:"msg"`
				Series string `json:"series"`
				Mark   int64  `json:"mark"`
				Floor  int64  `json:"floor"`
			}
			if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "mark below the floor, raised" {
				all[l.Series] = append(all[l.Series], raise{l.Mark, l.Floor})
			}
		}
	}
	printed := regexp.MustCompile(`(?m)^(\S+): .*mark (\d+) -> (\d+), `)
	for _, m := range printed.FindAllStringSubmatch(d.said.String(), -1) {
		from, _ := strconv.ParseInt(m[2], 10, 64)
		to, _ := strconv.ParseInt(m[3], 10, 64)
		all[m[1]] = append(all[m[1]], raise{from, to})
	}
	return all
}

// everyVoidIsExplained: a number is void because the fault took its block, and for no
// other reason: it lies in what a raise of its ledger skipped, above the mark that the
// ledger had before the fault took the rest.
func (d *drill) everyVoidIsExplained() {
	d.Helper()
	raises := d.raises()
	if len(raises) == 0 {
		d.Error("no mark was ever raised: the drill shows nothing")
	}
	rows, err := d.db.QueryContext(within(d.T, 20*time.Second), `select tenant, series, period, number, reason from documents where status = 'void'`)
	if err != nil {
		d.Fatal(err)
	}
	defer rows.Close()
	count := 0
	for ; rows.Next(); count++ {
		var s counter.Series
		var number int64
		var reason string
		if err := rows.Scan(&s.Tenant, &s.Name, &s.Period, &number, &reason); err != nil {
			d.Fatal(err)
		}
		if reason != "restore" || number <= d.was[s] || !skippedBy(raises[s.String()], number) {
			d.Errorf("%s %d is void for %q; its mark was %d before the fault, raised were %v", s, number, reason, d.was[s], raises[s.String()])
		}
	}
	if err := rows.Err(); err != nil {
		d.Fatal(err)
	}
	d.Logf("%d numbers are void, in %d series whose marks were raised", count, len(raises))
}

func skippedBy(all []raise, number int64) bool {
	for _, r := range all {
		if r.mark < number && number <= r.floor {
			return true
		}
	}
	return false
}
