package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// upkeep makes a Job of each CronJob of etcd and waits for both.
func (s *scene) upkeep(ctx context.Context, f *fault) error {
	const defragment, snapshot = "defragment-now", "snapshot-now"
	begun := time.Now()
	for cron, name := range map[string]string{"etcd-defragment": defragment, "etcd-snapshot": snapshot} {
		if _, err := s.c.kubectl(ctx, "create", "job", "--from=cronjob/"+cron, name); err != nil {
			return err
		}
	}
	for _, name := range []string{defragment, snapshot} {
		j := s.completed(ctx, name, name == snapshot, begun)
		if f.Jobs = append(f.Jobs, j); j.Took > 0 {
			f.Times++
		}
	}
	return nil
}

// completed waits until a Job is complete. One that takes a snapshot has had etcdutl look at
// the file, and what that said is read.
func (s *scene) completed(ctx context.Context, name string, snapshot bool, begun time.Time) job {
	j := job{Name: name, Snapshot: snapshot}
	if _, err := s.c.kubectl(ctx, "wait", "--for=condition=complete", "--timeout=90s", "job/"+name); err != nil {
		s.c.say("  %s: %v", name, err)
		return j
	}
	j.Took = time.Since(begun)
	if !snapshot {
		return j
	}
	out, err := s.c.kubectl(ctx, "logs", "job/"+name, "-c", "verify")
	if err == nil {
		j.Keys, err = snapshotKeys(out)
	}
	if err != nil {
		s.c.say("  %s: %v", name, err)
	}
	return j
}

// snapshotKeys reads how many keys are in a snapshot from what etcdutl snapshot status
// prints as a table. Its lines are drawn otherwise in each version.
func snapshotKeys(table string) (int64, error) {
	at := -1
	for line := range strings.Lines(table) {
		cells := strings.FieldsFunc(line, func(r rune) bool { return r == '|' || r == '│' || r == '\n' })
		for i, cell := range cells {
			if strings.TrimSpace(cell) == "TOTAL KEYS" {
				at = i
			} else if n, err := strconv.ParseInt(strings.TrimSpace(cell), 10, 64); i == at && err == nil {
				return n, nil
			}
		}
	}
	return 0, fmt.Errorf("no number of keys in %q", table)
}

func judgeJobs(f fault, report reporter) {
	for _, j := range f.Jobs {
		if j.Took == 0 {
			report(f.Name, "the Job %s was not complete in time", j.Name)
		} else if j.Snapshot && j.Keys == 0 {
			report(f.Name, "etcdutl found no key in the snapshot of %s", j.Name)
		}
	}
}

func jobs(f fault) (all []string) {
	for _, j := range f.Jobs {
		told := fmt.Sprintf("Job %s complete after %s", j.Name, short(j.Took))
		if j.Snapshot {
			told += fmt.Sprintf(", etcdutl finds %d keys in the snapshot", j.Keys)
		}
		all = append(all, told)
	}
	return all
}
