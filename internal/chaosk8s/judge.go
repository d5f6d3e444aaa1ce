package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// minHanding is in how many ledgers a replica must hold blocks for its hand-back to show anything.
const minHanding = 1900

// judge says which promises a run has broken, and where it shows nothing; none if all
// held. It is a pure function of what was seen.
func judge(r record) (broken []string) {
	report := func(where, format string, args ...any) {
		broken = append(broken, where+": "+fmt.Sprintf(format, args...))
	}
	for _, l := range r.Loads {
		judgeLoad(l, report)
	}
	if len(r.Loads) == 0 || len(r.Audits) == 0 {
		report("the run", "without load or without audit it shows nothing")
	}
	for _, a := range r.Audits {
		judgeAudit(a, explained(r.Faults), report)
	}
	for _, f := range r.Faults {
		if f.Left == "" {
			judgeFault(f, r, report)
		}
	}
	return broken
}

type reporter func(where, format string, args ...any)

func judgeLoad(l load, report reporter) {
	for _, kind := range slices.Sorted(maps.Keys(l.Broken)) {
		report(l.Name, "hammer found %d of: %s", l.Broken[kind], kind)
	}
	if !l.Held && len(l.Broken) == 0 {
		report(l.Name, "hammer did not say that all promises held")
	}
	if l.Unknown > 0 {
		report(l.Name, "nobody could say what became of %d requests", l.Unknown)
	}
	if l.Acknowledged == 0 {
		report(l.Name, "nothing was acknowledged, so nothing was shown")
	}
}

func judgeAudit(a audit, explained []string, report reporter) {
	where := "audit after " + a.Name
	if a.Unaccounted > 0 {
		report(where, "%d numbers are unaccounted for", a.Unaccounted)
	}
	for _, f := range a.Findings {
		report(where, "%s", f)
	}
	for _, h := range a.Gone {
		report(where, "%s is gone and still holds blocks", h)
	}
	if a.Issued == 0 {
		report(where, "nothing was issued, so nothing was shown")
	}
	if a.Gentle && a.Void > 0 {
		report(where, "%d numbers are void, although nothing has happened that costs one", a.Void)
	}
	var told int64
	for _, reason := range slices.Sorted(maps.Keys(a.Voids)) {
		told += a.Voids[reason]
		if !slices.Contains(explained, reason) {
			report(where, "%d numbers are void for a reason that no planted fault explains: %s", a.Voids[reason], reason)
		}
	}
	if told != a.Void {
		report(where, "%d numbers are void, of which reasons tell %d", a.Void, told)
	}
}

func explained(faults []fault) (reasons []string) {
	for _, f := range faults {
		if f.Left == "" {
			reasons = append(reasons, f.Explains...)
		}
	}
	return reasons
}

func judgeFault(f fault, r record, report reporter) {
	if f.Times < f.Want {
		report(f.Name, "planted %d times, want %d", f.Times, f.Want)
	}
	for _, w := range f.Wrong {
		report(f.Name, "%s", w)
	}
	if f.Acknowledged == 0 {
		report(f.Name, "nothing was acknowledged meanwhile, so nothing was shown")
	}
	for _, reason := range slices.Sorted(maps.Keys(f.Voids)) {
		if n := f.Voids[reason]; n > 0 && !slices.Contains(f.Explains, reason) {
			report(f.Name, "%d numbers became void meanwhile, which it does not explain: %s", n, reason)
		}
	}
	if f.Gentle && f.Twice > 0 {
		report(f.Name, "%d requests failed more than once", f.Twice)
	}
	judgeLost(f, r, report)
	judgeHanding(f, report)
	judgeVisits(f, report)
	judgeJobs(f, report)
	judgeUpgrade(f, report)
}

func judgeLost(f fault, r record, report reporter) {
	bound := r.TTL + settleSlack
	for _, l := range f.Lost {
		switch {
		case l.Blocks == 0 || l.Settled < 0:
			report(f.Name, "%s held nothing when it died, so nothing was shown", l.Holder)
		case l.Settled == 0:
			report(f.Name, "%s died with blocks in %d ledgers, which nobody settled", l.Holder, l.Blocks)
		case l.Settled > bound:
			report(f.Name, "%s was settled after %s, want %s", l.Holder, short(l.Settled), bound)
		}
	}
	if strings.Contains(f.Name, midBlock) && !slices.ContainsFunc(f.Lost, func(l loss) bool { return !l.Forced }) {
		report(f.Name, "nobody died in mid-block, so nothing was shown")
	}
}

// midBlock is in the names of the faults that shall end holders with blocks.
const midBlock = "in mid-block"

func judgeHanding(f fault, report reporter) {
	h := f.Handing
	if h == (handing{}) {
		return
	}
	if h.Ledgers < minHanding {
		report(f.Name, "the replica held blocks in %d ledgers only, so nothing was shown", h.Ledgers)
	}
	if h.Left > 0 {
		report(f.Name, "blocks in %d ledgers were left held", h.Left)
	}
	if h.Took == 0 || h.Took > h.Grace {
		report(f.Name, "it took %s of the %s that the pod has", short(h.Took), h.Grace)
	}
}
