package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// newest is the overlay whose etcd the run ends with.
const newest = "deploy/k8s/overlays/dev"

// upgradeJob is the Job that takes a snapshot before, as the README's steps call it.
const upgradeJob = "before-the-upgrade"

var etcdImage = regexp.MustCompile(`image: (\S*etcd:v(\S+))`)

// compareEtcd finds out with which etcd the run begins and ends.
func (s *scene) compareEtcd(ctx context.Context) (err error) {
	if _, s.etcd.From, err = s.c.etcdOf(ctx, s.f.Overlay); err != nil {
		return err
	}
	s.etcdImage, s.etcd.To, err = s.c.etcdOf(ctx, newest)
	return err
}

// etcdOf returns the image of etcd in an overlay, and its version.
func (c *cluster) etcdOf(ctx context.Context, overlay string) (image, version string, err error) {
	text, err := c.kubectl(ctx, "kustomize", overlay)
	if err != nil {
		return "", "", err
	}
	found := etcdImage.FindStringSubmatch(text)
	if found == nil {
		return "", "", fmt.Errorf("%s names no version of etcd", overlay)
	}
	return found[1], found[2], nil
}

// sameEtcd says why etcd is not upgraded; "" if it is.
func (s *scene) sameEtcd() string {
	if s.etcd.From == s.etcd.To {
		return "the overlay has the version of " + newest + " already"
	}
	return ""
}

// upgradeEtcd follows the README's steps and takes etcd to the next version, members and CronJobs.
func (s *scene) upgradeEtcd(ctx context.Context, f *fault) (err error) {
	u := &s.etcd
	f.Upgrade = u
	if u.Before, _, err = s.c.versions(ctx); err != nil {
		return err
	}
	steps, err := stepsFor(s.c.namespace, upgradeSteps)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := s.follow(ctx, steps); err != nil {
		return err
	}
	f.Jobs = append(f.Jobs, s.completed(ctx, upgradeJob, true, begun))
	begun = time.Now()
	for _, what := range [][]string{
		{"statefulset/etcd", "etcd="}, {"cronjob/etcd-defragment", "defragment="}, {"cronjob/etcd-snapshot", "snapshot=", "verify="},
	} {
		for i := range what[1:] {
			what[1+i] += s.etcdImage
		}
		if _, err := s.c.kubectl(ctx, append([]string{"set", "image"}, what...)...); err != nil {
			return err
		}
	}
	if _, err := s.c.kubectl(ctx, "rollout", "status", "statefulset/etcd", "--timeout=180s"); err != nil {
		return err
	}
	f.Times++
	f.Notes = append(f.Notes, "3 members in "+short(time.Since(begun)))
	if err := s.c.settled(ctx, "etcd", 3); err != nil {
		return err
	}
	return s.c.until(ctx, 30*time.Second, "the cluster is of the new version", func() bool {
		var err error
		u.After, u.Stored, err = s.c.versions(ctx)
		return err == nil && minor(u.Stored) == minor(u.To)
	})
}

// versions asks each member what it is, and of which version what it stores is: that follows
// once all of them agree.
func (c *cluster) versions(ctx context.Context) (members map[string]string, stored string, err error) {
	out, err := c.etcdctl(ctx, "endpoint", "status", "--cluster", "-w", "json")
	if err != nil {
		return nil, "", err
	}
	return readVersions(out)
}

func readVersions(status string) (members map[string]string, stored string, err error) {
	var said []struct {
		Endpoint string
		Status   struct{ Version, StorageVersion string }
	}
	if err := json.Unmarshal([]byte(status), &said); err != nil {
		return nil, "", fmt.Errorf("the versions of etcd's members: %w", err)
	}
	members = make(map[string]string)
	for _, m := range said {
		members[m.Endpoint] = m.Status.Version
		if stored == "" || m.Status.StorageVersion < stored {
			stored = m.Status.StorageVersion
		}
	}
	return members, stored, nil
}

// minor is a version without its patch.
func minor(version string) string {
	if i := strings.LastIndexByte(version, '.'); i >= 0 {
		return version[:i]
	}
	return version
}

func judgeUpgrade(f fault, report reporter) {
	u := f.Upgrade
	if u == nil {
		return
	}
	if minor(u.From) == minor(u.To) {
		report(f.Name, "from %s to %s is no other minor version, so little was shown", u.From, u.To)
	}
	for _, at := range []struct {
		when, want string
		are        map[string]string
	}{{"before", u.From, u.Before}, {"after", u.To, u.After}} {
		if len(at.are) != 3 {
			report(f.Name, "%s, %d members told their version", at.when, len(at.are))
		}
		for _, name := range slices.Sorted(maps.Keys(at.are)) {
			if at.are[name] != at.want {
				report(f.Name, "%s, %s was %s, want %s", at.when, name, at.are[name], at.want)
			}
		}
	}
	if minor(u.Stored) != minor(u.To) {
		report(f.Name, "the cluster was of %s afterwards, want %s", u.Stored, u.To)
	}
}
