package model

import "fmt"

// Family is one world at two sizes. Each looks at a few kinds of misfortune, so
// that it can be explored to its end.
type Family struct {
	Name, About   string
	Coarse, Large Config
}

// Families returns all of them.
func Families() []Family {
	return []Family{
		{
			Name: "kills", About: "holders die; swaps and writes are given up and land later",
			Coarse: Config{Lives: 3, Numbers: 2, Blocks: 2, Count: 1, Kills: 1, Strays: 1, Doubts: 1},
			Large:  Config{Lives: 3, Numbers: 2, Blocks: 3, Count: 2, Kills: 2, Strays: 1, Doubts: 1},
		},
		{
			Name: "pauses", About: "holders outlive their leases and do not know",
			Coarse: Config{Lives: 2, Numbers: 3, Blocks: 3, Count: 2, Pauses: 1, Strays: 1, Doubts: 1},
			Large:  Config{Lives: 3, Numbers: 2, Blocks: 3, Count: 2, Pauses: 1, Strays: 1, Doubts: 1},
		},
		{
			Name: "strays", About: "swaps wander, two at a time, and are sent again",
			Coarse: Config{Lives: 2, Numbers: 3, Blocks: 3, Count: 2, Strays: 2, HandBacks: 1},
			Large:  Config{Lives: 2, Numbers: 4, Blocks: 3, Count: 3, Strays: 2, HandBacks: 1},
		},
		{
			Name: "hand-backs", About: "idle holders hand back; numbers are given again",
			Coarse: Config{Lives: 2, Numbers: 3, First: 2, Blocks: 4, Count: 2, Pauses: 1, Strays: 1, HandBacks: 1},
			Large:  Config{Lives: 3, Numbers: 3, First: 2, Blocks: 3, Count: 2, Kills: 1, Strays: 1, HandBacks: 1},
		},
		{
			Name: "stops", About: "holders stop in good order, beside others that are given up or die",
			Coarse: Config{Lives: 3, Numbers: 2, Blocks: 3, Count: 2, Strays: 1, Doubts: 1, Stops: 1},
			Large:  Config{Lives: 3, Numbers: 2, Blocks: 3, Count: 2, Kills: 1, Strays: 1, Doubts: 1, Stops: 1},
		},
		{
			Name: "void", About: "what a dead holder left becomes void",
			Coarse: Config{Lives: 3, Numbers: 2, Blocks: 2, Count: 2, Pauses: 1, Doubts: 1, VoidOnLoss: true},
			Large:  Config{Lives: 3, Numbers: 3, Blocks: 3, Count: 2, Pauses: 1, Doubts: 1, VoidOnLoss: true},
		},
		{
			Name: "failover", About: "Postgres fails over to a standby that lacks the last commits",
			Coarse: Config{Lives: 2, Numbers: 2, Blocks: 2, Count: 2, Pauses: 1, Strays: 1, Doubts: 1, Failover: true},
			Large:  Config{Lives: 3, Numbers: 2, Blocks: 2, Count: 1, Pauses: 1, Failover: true},
		},
		{
			Name: "settlers", About: "a failover while several holders settle and write",
			Coarse: Config{Lives: 3, Numbers: 1, Blocks: 2, Count: 1, Kills: 1, Pauses: 1, Doubts: 1, Failover: true},
			Large:  Config{Lives: 4, Numbers: 1, Blocks: 2, Count: 1, Pauses: 1, Failover: true},
		},
		{
			Name: "stale", About: "the old primary goes on serving after the failover",
			Coarse: Config{Lives: 2, Numbers: 2, Blocks: 3, Count: 1, Pauses: 1, Doubts: 1, Failover: true, Stale: true},
			Large:  Config{Lives: 3, Numbers: 2, Blocks: 2, Count: 1, Pauses: 1, Failover: true, Stale: true},
		},
		{
			Name: "restore", About: "etcd is restored to an older state while holders live",
			Coarse: Config{Lives: 2, Numbers: 2, Blocks: 3, Count: 1, Strays: 1, Restore: true},
			Large:  Config{Lives: 2, Numbers: 3, Blocks: 3, Count: 1, Strays: 1, Restore: true},
		},
		{
			Name: "restore-hand-backs", About: "etcd is restored to a state with free numbers",
			Coarse: Config{Lives: 2, Numbers: 2, Blocks: 3, Count: 1, HandBacks: 1, Restore: true},
			Large:  Config{Lives: 2, Numbers: 2, Blocks: 3, Count: 1, Strays: 1, HandBacks: 1, Restore: true},
		},
		{
			Name: "both", About: "etcd is restored, and Postgres fails over to a standby that lacks nothing",
			Coarse: Config{Lives: 2, Numbers: 2, Blocks: 2, Count: 1, Failover: true, Synced: true, Restore: true},
			Large:  Config{Lives: 2, Numbers: 2, Blocks: 2, Count: 1, Pauses: 1, Doubts: 1, Failover: true, Synced: true, Restore: true},
		},
		{
			Name: "restore-stops", About: "etcd is restored, and holders stop in good order",
			Coarse: Config{Lives: 2, Numbers: 1, Blocks: 2, Count: 1, Strays: 1, Stops: 1, Restore: true},
			Large:  Config{Lives: 2, Numbers: 2, Blocks: 2, Count: 1, Strays: 1, Stops: 1, Restore: true},
		},
		{
			Name: "restore-kills", About: "etcd is restored, and holders die",
			Coarse: Config{Lives: 2, Numbers: 2, Blocks: 3, Count: 1, Kills: 1, Pauses: 1, Restore: true},
			Large:  Config{Lives: 2, Numbers: 2, Blocks: 3, Count: 1, Kills: 1, Pauses: 1, Doubts: 1, Restore: true},
		},
	}
}

// Config returns the world of the family at a size, coarse or large.
func (f Family) Config(size string) (Config, error) {
	cfg, known := map[string]Config{"coarse": f.Coarse, "large": f.Large}[size]
	cfg.Name = f.Name
	if !known {
		return cfg, fmt.Errorf("the sizes are coarse and large, not %q", size)
	}
	return cfg, nil
}
