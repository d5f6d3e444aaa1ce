package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// asDefault are the flags as they are if none is given, with a crowd of so many.
func asDefault(tenants int) flags {
	return flags{Tenants: tenants, Pool: 32, Connections: []int{1, 16, 64, 256}, Replicas: []int{1, 3}, Lines: []int{2, 50}, GrownCrowd: 100_000}
}

func planned(t *testing.T, f flags) map[string]scenario {
	t.Helper()
	all, err := plan(f)
	if err != nil {
		t.Fatal(err)
	}
	by := make(map[string]scenario)
	for _, s := range all {
		by[s.name] = s
	}
	return by
}

func TestOddRoundsGoTheOtherWayRound(t *testing.T) {
	for n, want := range [][]int{{0, 1, 2}, {2, 1, 0}, {0, 1, 2}, {2, 1, 0}} {
		if got := order(n, 3); !slices.Equal(got, want) {
			t.Errorf("round %d: %v, want %v", n, got, want)
		}
	}
	if len(order(1, 0)) != 0 {
		t.Error("nobody has a turn")
	}
}

// A ratio of two sides says nothing if one was warmed up for longer.
func TestSidesOfAScenarioAreWarmedUpAlike(t *testing.T) {
	quick := asDefault(1000)
	quick.Quick = true
	for _, f := range []flags{asDefault(1000), quick} {
		for name, s := range planned(t, f) {
			if name == profiling {
				continue // its figures are nobody's
			}
			type warm struct{ prime, warmUp time.Duration }
			seen := make(map[bool]warm) // of the open model, and of the closed
			for _, one := range s.sides {
				open, has := one.share > 0, warm{one.prime, one.warmUp}
				if before, ok := seen[open]; ok && before != has {
					t.Errorf("%s: %s is warmed up for %v, another for %v", name, one.name, has, before)
				}
				seen[open] = has
			}
		}
	}
}

func TestManyTenantsAreWarmedUpForAsLongAsTheirRateIsLookedAt(t *testing.T) {
	const window = 10 * time.Second // counter's
	all := planned(t, asDefault(1000))
	for name, least := range map[string]time.Duration{"crowd": window, "replicas": 2 * window, "growth": window} {
		if s := all[name]; s.warmUp+s.sides[0].warmUp < least {
			t.Errorf("%s is warmed up for %s and %s", name, s.warmUp, s.sides[0].warmUp)
		}
	}
	for _, s := range all["open"].sides {
		if s.share > 0 && (s.prime < 3*time.Second || s.warmUp == 0) {
			t.Errorf("%s meets its arrivals cold", s.name)
		}
		if s.slowEtcd && s.window <= window {
			t.Errorf("%s: a block may last for the whole window", s.name)
		}
	}
}

// What --round, --rounds and --warm-up say goes for all sides, so a trial is as short as
// it is asked to be.
func TestATrialIsAsShortAsItIsAskedToBe(t *testing.T) {
	f := asDefault(10)
	f.Rounds, f.Round, f.WarmUp = 1, time.Second, time.Second/2
	for name, s := range planned(t, f) {
		for _, one := range s.sides {
			if s.rounds != 1 || s.round != time.Second || one.window != 0 || s.warmUp+one.warmUp != time.Second/2 || one.prime > time.Second/2 {
				t.Errorf("%s, %s: %+v", name, one.name, one)
			}
		}
	}
}

func TestTenantsStayAtOneReplicaInOneSideOfReplicas(t *testing.T) {
	affine := func(tenants int) (names []string) {
		for _, s := range planned(t, asDefault(tenants)) {
			for _, one := range s.sides {
				if one.affine {
					names = append(names, fmt.Sprintf("%s: %s, of %d", s.name, one.name, one.replicas))
				}
			}
		}
		return names
	}
	if got := affine(1000); !slices.Equal(got, []string{"replicas: block × 3, each tenant at one replica, of 3"}) {
		t.Errorf("%q", got)
	}
	if got := affine(2); got != nil {
		t.Errorf("%q, though there are fewer tenants than replicas", got)
	}
}

func TestNoTwoSidesOfAScenarioHaveOneName(t *testing.T) {
	for name, s := range planned(t, asDefault(1000)) {
		seen := make(map[string]bool)
		for _, one := range s.sides {
			if seen[one.name] {
				t.Errorf("%s has two sides %q", name, one.name)
			}
			seen[one.name] = true
		}
	}
}

func TestAQuickRunLeavesTimeToStartWithinAMinute(t *testing.T) {
	f := asDefault(1000)
	f.Quick = true
	var all time.Duration
	for _, s := range planned(t, f) {
		for _, one := range s.sides {
			all += time.Duration(s.rounds) * (one.prime + s.warmUp + one.warmUp + max(one.window, s.round))
		}
	}
	if all > 45*time.Second {
		t.Errorf("its rounds take %s", all)
	}
}

func TestProfilesHaveNamesOfTheirOwn(t *testing.T) {
	b := &bench{dir: "x"}
	seen := make(map[string]bool)
	for _, s := range asDefault(10).profiled() {
		path := b.profilePath(s.name)
		if seen[path] || strings.ContainsFunc(path, func(r rune) bool { return r == ' ' || r > '~' }) {
			t.Errorf("the profile of %s is %q", s.name, path)
		}
		seen[path] = true
	}
	if !seen["x/block-many-tenants-x3.pprof"] {
		t.Errorf("one of three replicas is not profiled: %v", seen)
	}
}
