package endtoend

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"folio/counter"
	"folio/counter/etcdstore"
	"folio/internal/devcluster"
	"folio/invoices"
)

// What a series states, by its route and by the command; and what becomes of it when
// somebody has raised the mark of its ledger by hand: the audit finds it, a repair by
// the audit's report accounts for the numbers, and all of that while replicas serve.
func TestASeriesIsStatedAndRepaired(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 2})
	key := tenant(t, c, "acme")
	s := counter.Series{Tenant: "acme", Name: "invoice", Period: time.Now().UTC().Format("2006")}
	var made struct {
		ID string `json:"id"`
	}
	for i := range 7 {
		status, text, _ := ask(t, c.Replicas[i%2], key, "POST", "/v1/invoices", smallBody)
		if status != 201 || json.Unmarshal([]byte(text), &made) != nil {
			t.Fatalf("issue: %d %s", status, text)
		}
	}
	if status, text, _ := ask(t, c.Replicas[0], key, "POST", "/v1/invoices/"+made.ID+"/cancel", `{}`); status != 201 {
		t.Fatalf("cancel: %d %s", status, text)
	}
	if said := statementOf(t, c, key, s); said.Issued.Count != 7 || said.Mark < 7 || said.AsOf.Revision == 0 {
		t.Errorf("stated %+v", said)
	}
	if out, err := c.Run(within(t, time.Minute), "audit", "--deep"); err != nil || !strings.Contains(out, "0 findings") {
		t.Errorf("folio audit --deep: %v\n%s", err, out)
	}

	raiseMark(t, c, s, 4)
	dir := t.TempDir()
	out := followIn(t, c, dir, "The audit has findings")
	for _, want := range []string{"1 finding: 1 would be repaired, 0 no longer so, 0 left", "1 finding: 1 repaired, 0 no longer so, 0 left", "0 unaccounted, 0 findings"} {
		if !strings.Contains(out, want) {
			t.Errorf("the page's commands printed no %q", want)
		}
	}
	report := filepath.Join(dir, "report.json")
	if out, err := c.Run(within(t, time.Minute), "repair", "--from-report", report); err != nil || !strings.Contains(out, "1 finding: 0 repaired, 1 no longer so, 0 left") {
		t.Errorf("repaired again: %v\n%s", err, out)
	}
	found, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	out, err = c.Run(within(t, time.Minute), "explain", s.String()+"/"+fmt.Sprint(statementOf(t, c, key, s).Void.Ranges[0].First))
	if sum := fmt.Sprintf("%x", sha256.Sum256(found)); err != nil || !strings.Contains(out, sum) || !strings.Contains(out, "operator") {
		t.Errorf("the books do not say by which report the number is void: %v\n%s", err, out)
	}
	said := statementOf(t, c, key, s)
	if len(said.Void.Reasons) != 1 || said.Void.Reasons[0].Reason != "operator" || said.Void.Count != 4 {
		t.Errorf("stated after the repair: %+v", said)
	}
	if status, text, _ := ask(t, c.Replicas[1], key, "POST", "/v1/invoices", smallBody); status != 201 {
		t.Errorf("issue: %d %s", status, text)
	}
	auditIsClean(t, c)
	repairRemoved(t, c, key, s, report)
	if out, err := c.Run(within(t, time.Minute), "repair", "--from-report", os.DevNull); err == nil || !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("a report that is none: %v %s", err, out)
	}
}

// followIn runs the commands of a section of docs/operations.md in a folder.
func followIn(t *testing.T, c *devcluster.Cluster, dir, heading string) string {
	t.Helper()
	cmd := exec.CommandContext(within(t, 3*time.Minute), "sh", "-euxc", section(t, "../../docs/operations.md", heading))
	cmd.Dir = dir
	cmd.Env = append(c.Env(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	t.Logf("%s:\n%s", heading, out)
	if err != nil {
		t.Errorf("%s: %v", heading, err)
	}
	return string(out)
}

// repairRemoved has the ledger rebuilt that somebody has removed, while replicas rest.
func repairRemoved(t *testing.T, c *devcluster.Cluster, key string, s counter.Series, report string) {
	t.Helper()
	client, err := etcdstore.Dial(within(t, 20*time.Second), c.Etcd.Endpoints())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Delete(within(t, 20*time.Second), "/folio/ledger/"+s.String()); err != nil {
		t.Fatal(err)
	}
	found, err := c.Run(within(t, time.Minute), "audit", "--format", "json")
	if err == nil || !strings.Contains(found, `"kind":"ledger_missing"`) {
		t.Fatalf("a ledger is missing: %v\n%s", err, found)
	}
	if err := os.WriteFile(report, []byte(found), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := c.Run(within(t, time.Minute), "repair", "--from-report", report)
	if err != nil || !strings.Contains(out, "1 finding: 1 repaired, 0 no longer so, 0 left") {
		t.Errorf("folio repair: %v\n%s", err, out)
	}
	eventually(t, time.Minute, "a replica goes on", func() bool {
		status, _, _ := ask(t, c.Replicas[0], key, "POST", "/v1/invoices", smallBody)
		return status == 201
	})
	auditIsClean(t, c)
}

// statementOf takes a statement by the route and by the command; both have to be
// whole, and only the command names holders.
func statementOf(t *testing.T, c *devcluster.Cluster, key string, s counter.Series) invoices.Statement {
	t.Helper()
	var tenants, operators invoices.Statement
	status, text, _ := ask(t, c.Replicas[0], key, "GET", "/v1/series/"+s.Name+"/statement", "")
	if err := json.Unmarshal([]byte(text), &tenants); status != 200 || err != nil || tenants.Period != s.Period {
		t.Fatalf("the statement: %d %v %s", status, err, text)
	}
	out, err := c.Run(within(t, time.Minute), "statement", s.String(), "--json")
	if err != nil || json.Unmarshal([]byte(out), &operators) != nil {
		t.Fatalf("folio statement: %v %s", err, out)
	}
	for _, said := range []invoices.Statement{tenants, operators} {
		if err := said.Check(); err != nil || said.Unaccounted.Count != 0 {
			t.Errorf("%v of %+v", err, said)
		}
	}
	if strings.Contains(text, "holder") || operators.Held.Count > 0 && !strings.Contains(out, `"holder"`) {
		t.Errorf("a tenant is told %s\nan operator %s", text, out)
	}
	text, err = c.Run(within(t, time.Minute), "statement", s.String())
	if err != nil || !strings.Contains(text, fmt.Sprintf("%s   numbers from 1 to ", s)) || !strings.Contains(text, "as of etcd revision") {
		t.Errorf("folio statement: %v\n%s", err, text)
	}
	return tenants
}

// raiseMark raises the mark of a ledger, as a person with etcdctl can.
func raiseMark(t *testing.T, c *devcluster.Cluster, s counter.Series, by int64) {
	t.Helper()
	client, err := etcdstore.Dial(within(t, 20*time.Second), c.Etcd.Endpoints())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	key := "/folio/ledger/" + s.String()
	got, err := client.Get(within(t, 20*time.Second), key)
	if err != nil || len(got.Kvs) != 1 {
		t.Fatalf("read %s: %v", key, err)
	}
	var ledger map[string]any
	if err := json.Unmarshal(got.Kvs[0].Value, &ledger); err != nil {
		t.Fatal(err)
	}
	ledger["mark"] = int64(ledger["mark"].(float64)) + by
	text, err := json.Marshal(ledger)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Put(within(t, 20*time.Second), key, string(text)); err != nil {
		t.Fatal(err)
	}
}
