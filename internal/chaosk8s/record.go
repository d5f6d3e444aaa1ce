package main

import "time"

// record is a whole run: what was planted, and what was seen. The judge and the table
// know nothing else.
type record struct {
	Server  string // the cluster's version
	Cold    time.Duration
	TTL     time.Duration // how long a holder outlives its last sign of life
	Faults  []fault
	Loads   []load
	Audits  []audit
	Seconds float64
}

// fault is one kind of fault as it was planted, and what was seen of it.
type fault struct {
	Name     string
	Left     string   // why it was left out; then nothing else is said
	Want     int      // how often it is planted, at the least
	Gentle   bool     // as a drain or a rollout: it costs no number, and nobody who tries twice fails
	Explains []string // the reasons of voids that it may bring about

	Times        int
	Begun, Ended time.Time
	Notes        []string // what was seen, for people
	Wrong        []string // what did not come about, although it had to

	Acknowledged int              // requests, while it lasted
	Once, Twice  int              // requests that failed once, and more often
	Voids        map[string]int64 // made while it lasted, by reason

	Lost    []loss // holders that died in mid-block
	Handing handing
	Visits  []visit  // of the doctor
	Jobs    []job    // made from CronJobs
	Upgrade *upgrade // of etcd
}

// visit is what folio doctor said in one pod.
type visit struct {
	Pod                               string
	Sick                              string // the part that was made to fail; "": all was well
	Status                            int    // of its exit; less than 0: it was not asked
	Checks, Faults, Warnings, Unknown int
	Faulty                            []string // the parts with faults
	Said                              []string // of all that is not well
}

// job is one that was made from a CronJob.
type job struct {
	Name     string
	Took     time.Duration // until it was complete; 0: that was not seen
	Snapshot bool          // it takes one
	Keys     int64         // in the snapshot, as etcdutl says
}

// upgrade is etcd taken to another version, member by member.
type upgrade struct {
	From, To      string            // of the images
	Before, After map[string]string // what each member says it is
	Stored        string            // the version that what they keep is of, afterwards: all of them agree on it
}

// loss is a holder that died with blocks.
type loss struct {
	Holder  string
	Forced  bool          // deleted by force: it was told so, and may have handed back
	Blocks  int           // in how many ledgers it held any
	Settled time.Duration // from its death until nothing was held by it; 0: that was not seen; less: it was so before
}

// handing is the hand-back of one replica that held much.
type handing struct {
	Ledgers     int           // in which it held blocks
	Took, Grace time.Duration // until the pod was gone, and what it had
	Left        int           // ledgers in which it still held something then
}

// load is what hammer says of one part of the run.
type load struct {
	Name         string
	Held         bool // its exit status
	Acknowledged int
	Unknown      int
	Broken       map[string]int
}

// audit is what folio audit said at the end of one part of the run.
type audit struct {
	Name                                  string
	Issued, Void, Held, Free, Unaccounted int64
	Findings                              []string
	Voids                                 map[string]int64 // by reason
	Gone                                  []string         // holders that are not alive and hold blocks
	Gentle                                bool             // nothing has happened yet that costs a number
	Series                                int
}

// settleSlack is how long after the end of a lease the others may take to settle.
const settleSlack = 5 * time.Second
