package model

// Config bounds one world. Every budget says how often something may happen in
// one history, whenever and to whomever it can.
type Config struct {
	Name    string
	Without Rules

	Lives   int   // holders that may ever begin, at most maxLives
	Numbers int64 // the last number of the series, at most maxNumber
	First   int64 // the first number; 0 means 1
	Blocks  int64 // how many blocks may be reserved, free numbers given again included
	Count   int64 // the most numbers reserved at once; every size up to it is tried

	Kills     uint8 // a process dies
	Pauses    uint8 // the lease of a living holder ends, and it does not know
	Strays    uint8 // a swap is given up: it may be applied at any time later, or never
	Doubts    uint8 // a write is given up: it may commit at any time later, or never
	HandBacks uint8 // an idle holder hands back what it has left
	Stops     uint8 // a holder stops in good order: it hands back what it can, and its registration ends

	Failover bool // Postgres fails over, once, to a standby that may lack the last commits
	Synced   bool // but that standby lacks none: nothing is acknowledged before it has it
	Stale    bool // and the old primary goes on serving whoever still finds it
	Restore  bool // etcd is restored, once, to a state saved earlier

	VoidOnLoss bool // numbers that a dead holder left become void instead of free

	only breach // if set, the only promise that is minded
}

const (
	maxLives  = 4
	maxNumber = 5
)

func (c Config) keeps(r Rule) bool { return c.Without.keeps(r) }
