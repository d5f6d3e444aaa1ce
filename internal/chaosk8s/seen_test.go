package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheBooksTellWhoDiedHoldingWhatAndSinceWhenItIsSettled(t *testing.T) {
	b := newBooks(nil)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	look := func(seconds int, keys ...string) {
		b.fold(at.Add(time.Duration(seconds)*time.Second), strings.Join(keys, "\n\n"))
	}
	look(0, "/folio/held/p-1.aa/t/invoice/2026", "/folio/held/p-1.aa/t/s/-", "/folio/holders/p-1.aa", "/folio/holders/p-10.bb")
	if held := b.holders("p-1"); len(held) != 1 || held["p-1.aa"] != 2 {
		t.Errorf("holders of p-1: %v", held)
	}
	look(1, "/folio/held/p-1.aa/t/s/-", "/folio/holders/p-10.bb")
	if gone := b.gone(); len(gone) != 1 || gone[0] != "p-1.aa" {
		t.Errorf("gone: %v", gone)
	}
	if _, ok := b.cleared("p-1.aa"); ok {
		t.Error("a holder that still holds is taken for settled")
	}
	look(7, "/folio/holders/p-10.bb")
	look(9, "/folio/holders/p-10.bb")
	if since, ok := b.cleared("p-1.aa"); !ok || !since.Equal(at.Add(7*time.Second)) {
		t.Errorf("settled since %v, %t", since, ok)
	}
	if n := b.lastHeld("p-1.aa"); n != 1 {
		t.Errorf("it last held %d", n)
	}
	if gone := b.gone(); len(gone) > 0 {
		t.Errorf("gone: %v", gone)
	}
}

func TestFailuresAreCountedForEachRequestWithinTheFault(t *testing.T) {
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := fault{Begun: begun, Ended: begun.Add(10 * time.Second)}
	at := func(s int, kind, request string) happening {
		return happening{At: begun.Add(time.Duration(s) * time.Second), Kind: kind, Request: request}
	}
	f.count([]happening{
		at(-1, "failed", "a"), at(1, "failed", "a"), at(2, "answered", "a"),
		at(3, "failed", "b"), at(4, "failed", "b"), at(5, "answered", "b"), at(5, "sent", "c"), at(11, "answered", "c"),
	})
	if f.Acknowledged != 2 || f.Once != 1 || f.Twice != 1 {
		t.Errorf("acknowledged %d, failed once %d, more often %d", f.Acknowledged, f.Once, f.Twice)
	}
}

// The run follows the steps that an operator reads: they are there, and name the member
// that loses its volume.
func TestTheStepsOfTheReadmeAreFound(t *testing.T) {
	t.Chdir("../..")
	steps, err := stepsFor("elsewhere", volumeSteps)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(steps, "-n folio ") || !strings.Contains(steps, "-n elsewhere delete pod "+lostMember) || !strings.Contains(steps, "member remove") {
		t.Errorf("the steps are:\n%s", steps)
	}
	steps, err = stepsFor("elsewhere", upgradeSteps)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(steps, "-n folio ") || !strings.Contains(steps, "-n elsewhere create job --from=cronjob/etcd-snapshot "+upgradeJob+"\n") {
		t.Errorf("the steps before an upgrade are:\n%s", steps)
	}
	before, err := stepsFor("folio", upgradeSteps)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := stepsFor("folio", volumeSteps)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "kubectl") && strings.Contains(line, "-- etcd") && !strings.Contains(before+lost, line) {
			t.Errorf("nothing runs this line of %s: %s", readme, line)
		}
	}
	if text, err := os.ReadFile("docs/kubernetes.md"); err != nil || !strings.Contains(string(text), begin) {
		t.Errorf("the page has no place for the table: %v", err)
	}
}

func TestTheVersionsOfEtcdAreThoseOfTheModulesTheyAreBuiltFrom(t *testing.T) {
	t.Chdir("../..")
	for module, kustomization := range map[string]string{
		"etcd":        "deploy/k8s/etcd/kustomization.yaml",
		"etcd-before": "deploy/k8s/overlays/chaos/kustomization.yaml",
	} {
		list := exec.Command("go", "list", "-modfile="+module+".mod", "-m", "-f", "{{.Version}}", "go.etcd.io/etcd/server/v3")
		list.Dir, list.Env = "deploy/images", append(os.Environ(), "GOFLAGS=")
		version, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(kustomization)
		if err != nil {
			t.Fatal(err)
		}
		if want := "newName: gcr.io/etcd-development/etcd, newTag: " + strings.TrimSpace(string(version)) + "}"; !strings.Contains(string(text), want) {
			t.Errorf("%s has no %q", kustomization, want)
		}
	}
}

func TestTheVersionsOfMembersAreRead(t *testing.T) {
	const said = `[{"Endpoint":"http://etcd-0.etcd:2379","Status":{"version":"3.7.3","storageVersion":"3.7.0","raftTerm":3}},
		{"Endpoint":"http://etcd-1.etcd:2379","Status":{"version":"3.6.16","storageVersion":"3.6.0"}}]`
	members, stored, err := readVersions(said)
	if err != nil || members["http://etcd-0.etcd:2379"] != "3.7.3" || members["http://etcd-1.etcd:2379"] != "3.6.16" || stored != "3.6.0" {
		t.Errorf("%v, %s, %v", members, stored, err)
	}
	if _, _, err := readVersions("context deadline exceeded"); err == nil {
		t.Error("what is no answer is taken for one")
	}
}

func TestTheKeysOfASnapshotAreRead(t *testing.T) {
	for drawn, want := range map[string]int64{
		"+----------+----------+------------+------------+\n|   HASH   | REVISION | TOTAL KEYS | TOTAL SIZE |\n+--\n| 51ac2dfa |        9 |         17 |      20 kB |\n+--\n": 17,
		"┌──────────┬──────────┬────────────┐\n│   HASH   │ REVISION │ TOTAL KEYS │\n├───┤\n│ 51ac2dfa │        9 │          5 │\n":                                           5,
	} {
		if got, err := snapshotKeys(drawn); err != nil || got != want {
			t.Errorf("%d, %v, want %d, in\n%s", got, err, want, drawn)
		}
	}
	if _, err := snapshotKeys("Error: snapshot file integrity check failed"); err == nil {
		t.Error("an error is taken for a table")
	}
}

func TestTheDoctorsReportIsRead(t *testing.T) {
	v := visit{}
	err := v.read(`{"format":"folio-doctor/1","faults":1,"warnings":1,"unknown":0,"findings":[
		{"state":"ok","part":"dns","check":"names"},
		{"state":"fault","part":"etcd","check":"leader","seen":"none answers","do":"see"},
		{"state":"warning","part":"etcd","check":"endpoint","on":"etcd-1.etcd:2379","seen":"timeout"}]}`)
	if err != nil || v.Checks != 3 || v.Faults != 1 || v.Warnings != 1 || !slices.Equal(v.Faulty, []string{"etcd"}) ||
		!slices.Equal(v.Said, []string{"fault: etcd/leader: none answers", "warning: etcd/endpoint: etcd-1.etcd:2379: timeout"}) {
		t.Errorf("%+v, %v", v, err)
	}
	if err := v.read(""); err == nil {
		t.Error("nothing is taken for a report")
	}
}
