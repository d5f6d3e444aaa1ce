package main

import (
	"strings"
	"testing"
	"time"
)

// good is a run in which every promise held.
func good() record {
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return record{
		TTL: 10 * time.Second,
		Faults: []fault{
			{Name: "rolled out", Want: 2, Times: 2, Gentle: true, Begun: begun, Ended: begun.Add(time.Minute), Acknowledged: 100, Once: 3},
			{Name: "deleted", Want: 1, Times: 1, Gentle: true, Acknowledged: 10, Handing: handing{Ledgers: 2000, Took: 9 * time.Second, Grace: time.Minute}},
			{Name: "killed " + midBlock, Want: 2, Times: 2, Acknowledged: 100, Twice: 4, Lost: []loss{{Holder: "a", Blocks: 3, Settled: 11 * time.Second}, {Holder: "b", Forced: true, Blocks: 2, Settled: time.Second}}},
			{Name: "failed over", Want: 1, Times: 1, Acknowledged: 9, Explains: []string{"failover"}, Voids: map[string]int64{"failover": 7}},
			{Name: "cut", Want: 1, Left: "K8S_NET is not set"},
			{Name: "doctor", Want: 1, Times: 1, Acknowledged: 1, Visits: []visit{
				{Pod: "p", Checks: 40, Warnings: 1}, {Pod: "q", Sick: "etcd", Status: 1, Checks: 30, Faults: 2, Unknown: 9, Faulty: []string{"etcd"}},
			}},
			{Name: "upgraded", Want: 1, Times: 1, Acknowledged: 5, Jobs: []job{{Name: "before", Took: time.Second, Snapshot: true, Keys: 12}, {Name: "defragment", Took: time.Second}},
				Upgrade: &upgrade{From: "3.6.16", To: "3.7.3", Before: members("3.6.16"), After: members("3.7.3"), Stored: "3.7.0"}},
		},
		Loads: []load{{Name: "gentle", Held: true, Acknowledged: 110}, {Name: "rough", Held: true, Acknowledged: 109}},
		Audits: []audit{
			{Name: "gentle", Gentle: true, Issued: 110, Held: 4},
			{Name: "rough", Issued: 219, Void: 7, Voids: map[string]int64{"failover": 7}},
		},
	}
}

func members(version string) map[string]string {
	return map[string]string{"etcd-0": version, "etcd-1": version, "etcd-2": version}
}

func TestARunInWhichAllHeldIsCleared(t *testing.T) {
	if broken := judge(good()); len(broken) > 0 {
		t.Errorf("%q", broken)
	}
}

func TestEachBrokenPromiseIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*record)
		want  string
	}{
		"a number given twice": {func(r *record) {
			r.Loads[1] = load{Name: "rough", Acknowledged: 9, Broken: map[string]int{"number given twice": 1}}
		}, "rough: hammer found 1 of: number given twice"},
		"hammer fails without a word":   {func(r *record) { r.Loads[0].Held = false }, "gentle: hammer did not say"},
		"a request nobody knows of":     {func(r *record) { r.Loads[0].Unknown = 1 }, "gentle: nobody could say"},
		"no traffic at all":             {func(r *record) { r.Loads[0].Acknowledged = 0 }, "gentle: nothing was acknowledged"},
		"no load":                       {func(r *record) { r.Loads = nil }, "the run: without load"},
		"no audit":                      {func(r *record) { r.Audits = nil }, "the run: without load or without audit"},
		"unaccounted":                   {func(r *record) { r.Audits[1].Unaccounted = 2 }, "audit after rough: 2 numbers are unaccounted"},
		"a finding":                     {func(r *record) { r.Audits[1].Findings = []string{"ledger_behind"} }, "audit after rough: ledger_behind"},
		"held by who is gone":           {func(r *record) { r.Audits[0].Gone = []string{"folio-1.aa"} }, "audit after gentle: folio-1.aa is gone"},
		"nothing issued":                {func(r *record) { r.Audits[0].Issued = 0 }, "audit after gentle: nothing was issued"},
		"void after gentle ones":        {func(r *record) { r.Audits[0].Void, r.Audits[0].Voids = 1, map[string]int64{"failover": 1} }, "audit after gentle: 1 numbers are void, although"},
		"void that nothing explains":    {func(r *record) { r.Audits[1].Void, r.Audits[1].Voids["seek"] = 8, 1 }, "audit after rough: 1 numbers are void for a reason that no planted fault explains: seek"},
		"void of a fault left out":      {func(r *record) { r.Faults[3].Left = "no" }, "audit after rough: 7 numbers are void for a reason"},
		"void without a reason":         {func(r *record) { r.Audits[1].Void = 9 }, "audit after rough: 9 numbers are void, of which reasons tell 7"},
		"void meanwhile":                {func(r *record) { r.Faults[2].Voids = map[string]int64{"failover": 1} }, "killed in mid-block: 1 numbers became void meanwhile"},
		"planted too rarely":            {func(r *record) { r.Faults[0].Times = 1 }, "rolled out: planted 1 times, want 2"},
		"something did not come about":  {func(r *record) { r.Faults[0].Wrong = []string{"not seen within 2m0s"} }, "rolled out: not seen within 2m0s"},
		"a fault without traffic":       {func(r *record) { r.Faults[0].Acknowledged = 0 }, "rolled out: nothing was acknowledged meanwhile"},
		"a request fails twice":         {func(r *record) { r.Faults[0].Twice = 1 }, "rolled out: 1 requests failed more than once"},
		"settled too late":              {func(r *record) { r.Faults[2].Lost[0].Settled = 15100 * time.Millisecond }, "killed in mid-block: a was settled after 15.1s, want 15s"},
		"never settled":                 {func(r *record) { r.Faults[2].Lost[0].Settled = 0 }, "killed in mid-block: a died with blocks in 3 ledgers, which nobody settled"},
		"one that held nothing":         {func(r *record) { r.Faults[2].Lost[0].Blocks = 0 }, "killed in mid-block: a held nothing when it died"},
		"one that held nothing by then": {func(r *record) { r.Faults[2].Lost[0].Settled = -time.Second }, "killed in mid-block: a held nothing when it died"},
		"only told to end":              {func(r *record) { r.Faults[2].Lost[0].Forced = true }, "killed in mid-block: nobody died in mid-block"},
		"nobody in mid-block":           {func(r *record) { r.Faults[2].Lost = nil }, "killed in mid-block: nobody died in mid-block"},
		"little to hand back":           {func(r *record) { r.Faults[1].Handing.Ledgers = 5 }, "deleted: the replica held blocks in 5 ledgers only"},
		"left held":                     {func(r *record) { r.Faults[1].Handing.Left = 1 }, "deleted: blocks in 1 ledgers were left held"},
		"a doctor who finds a fault":    {func(r *record) { r.Faults[5].Visits[0].Faults = 1 }, "doctor: folio doctor in p ends with 0 although all is well"},
		"a doctor who ends badly":       {func(r *record) { r.Faults[5].Visits[0].Status = 1 }, "doctor: folio doctor in p ends with 1 although all is well"},
		"a doctor who does not know":    {func(r *record) { r.Faults[5].Visits[0].Unknown = 1 }, "doctor: folio doctor in p ends with 0 although all is well"},
		"a doctor who says nothing":     {func(r *record) { r.Faults[5].Visits[0].Checks = 0 }, "doctor: folio doctor in p has not reported"},
		"a doctor who was not reached":  {func(r *record) { r.Faults[5].Visits[1].Status = -1 }, "doctor: folio doctor in q has not reported"},
		"a doctor who finds all well":   {func(r *record) { r.Faults[5].Visits[1] = visit{Pod: "q", Sick: "etcd", Checks: 40} }, "doctor: folio doctor in q ends with 0 and does not tell that etcd alone"},
		"a doctor who blames another":   {func(r *record) { r.Faults[5].Visits[1].Faulty = []string{"postgres"} }, "doctor: folio doctor in q ends with 1 and does not tell that etcd alone"},
		"a Job that does not end":       {func(r *record) { r.Faults[6].Jobs[1].Took = 0 }, "upgraded: the Job defragment was not complete"},
		"an empty snapshot":             {func(r *record) { r.Faults[6].Jobs[0].Keys = 0 }, "upgraded: etcdutl found no key in the snapshot of before"},
		"no other version":              {func(r *record) { r.Faults[6].Upgrade.From = "3.7.2" }, "upgraded: from 3.7.2 to 3.7.3 is no other minor version"},
		"a member left behind":          {func(r *record) { r.Faults[6].Upgrade.After["etcd-1"] = "3.6.16" }, "upgraded: after, etcd-1 was 3.6.16, want 3.7.3"},
		"a member that was newer":       {func(r *record) { r.Faults[6].Upgrade.Before["etcd-1"] = "3.7.3" }, "upgraded: before, etcd-1 was 3.7.3, want 3.6.16"},
		"a member that tells nothing":   {func(r *record) { delete(r.Faults[6].Upgrade.After, "etcd-1") }, "upgraded: after, 2 members told their version"},
		"a cluster left behind":         {func(r *record) { r.Faults[6].Upgrade.Stored = "3.6.0" }, "upgraded: the cluster was of 3.6.0 afterwards, want 3.7.3"},
		"no time left":                  {func(r *record) { r.Faults[1].Handing.Took = 61 * time.Second }, "deleted: it took 1m1s of the 1m0s"},
	} {
		r := good()
		c.spoil(&r)
		broken := judge(r)
		if all := strings.Join(broken, "\n"); !strings.Contains(all, c.want) {
			t.Errorf("%s: not noticed: want %q, got %q", name, c.want, broken)
		}
	}
}

func TestTheTableNamesEachFaultAndWhatBroke(t *testing.T) {
	r := good()
	r.Faults[0].Twice = 1
	text := table(r, judge(r))
	for _, want := range []string{
		"| rolled out | 2 | 100 | 3 / 1 |  | 0 | **broken** |",
		"| cut | | | | left out: K8S_NET is not set | | |",
		"1 holder died holding 3 blocks, settled within 11s to 11s (bound: 15s); 1 holder deleted by force holding 2 blocks, settled within 1s to 1s (bound: 15s) | 0 | held |",
		"2000 ledgers freed and the pod gone in 9s of its 1m0s",
		"40 checks, 0 faults, 1 warning, 0 unknown; folio doctor there: 2 faults of etcd",
		"Job before complete after 1s, etcdutl finds 12 keys in the snapshot; Job defragment complete after 1s; 3.6.16 → 3.7.3",
		"| rough | 109 | all promises held | 219 | 7 failover | 0 | 0 | 0 | 0 | held |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
}

// A run that broke off in its second half is told of as far as it came.
func TestTheTableOfARunThatBrokeOff(t *testing.T) {
	r := good()
	r.Faults, r.Loads, r.Audits = r.Faults[:1], nil, r.Audits[:1]
	if text := table(r, judge(r)); !strings.Contains(text, "| gentle | 0 | **broken** |") {
		t.Errorf("the table is:\n%s", text)
	}
}
