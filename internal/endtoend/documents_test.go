package endtoend

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"folio/httpapi/client"
	"folio/internal/devcluster"
)

// connect returns a client of one replica that speaks with a key.
func connect(t *testing.T, r *devcluster.Replica, key string) *client.ClientWithResponses {
	t.Helper()
	c, err := client.NewClientWithResponses(r.URL(), client.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", "Bearer "+key)
		return nil
	}), client.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// issue posts a body as it is.
func issue(t *testing.T, c *client.ClientWithResponses, id string, body []byte) *client.CreateInvoiceResponse {
	t.Helper()
	params := &client.CreateInvoiceParams{}
	if id != "" {
		params.IdempotencyKey = &id
	}
	got, err := c.CreateInvoiceWithBodyWithResponse(within(t, 20*time.Second), params, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRealInvoicesAndWhatAClientSees(t *testing.T) {
	c := startCluster(t, devcluster.Config{Replicas: 3})
	t.Run("50 documents come back as sent, with the totals of another engine", func(t *testing.T) { realDocuments(t, c) })
	t.Run("a quiet tenant sees 1, 2, 3 from any replica", func(t *testing.T) { quietTenant(t, c) })
	t.Run("the same request at the same time on all replicas gets one invoice", func(t *testing.T) { sameRequest(t, c) })
	t.Run("another tenant's invoice is not there", func(t *testing.T) { otherTenant(t, c) })
	t.Run("a draft becomes an invoice once, which is credited to the cent", func(t *testing.T) { draftsAndCredits(t, c) })
	t.Run("a revoked key is refused by every replica within a second", func(t *testing.T) { revokedKey(t, c) })
	t.Run("a tenant that changes is printed so by every replica, and what was issued stays", func(t *testing.T) { changedTenant(t, c) })
	auditIsClean(t, c)
	t.Run("a replica that ends has stored when keys were used", func(t *testing.T) { usedKeys(t, c) })
}

func realDocuments(t *testing.T, c *devcluster.Cluster) {
	key := tenant(t, c, "documents")
	f, err := os.Open("../../invoices/document/testdata/invoices.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	count := 0
	for ; lines.Scan(); count++ {
		var example struct {
			Source string
			Draft  map[string]any
			Expect any
		}
		if err := json.Unmarshal(lines.Bytes(), &example); err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(example.Draft)
		if err != nil {
			t.Fatal(err)
		}
		made := issue(t, connect(t, c.Replicas[count%3], key), fmt.Sprint("example-", count), body)
		if made.JSON201 == nil {
			t.Errorf("%s: %s %s", example.Source, made.Status(), made.Body)
			continue
		}
		read, err := connect(t, c.Replicas[(count+1)%3], key).GetInvoiceWithResponse(within(t, 20*time.Second), made.JSON201.Id, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{made.Body, read.Body} {
			var got map[string]any
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got["totals"], example.Expect) {
				t.Errorf("%s: totals %v, want %v", example.Source, got["totals"], example.Expect)
			}
			for name, sent := range example.Draft {
				if !reflect.DeepEqual(got[name], sent) {
					t.Errorf("%s: %s came back as %v, was sent as %v", example.Source, name, got[name], sent)
				}
			}
		}
	}
	if count != 50 {
		t.Errorf("%d documents, want 50", count)
	}
}

const smallBody = `{"currency":"EUR","customer":{"name":"Ada"},"lines":[{"description":"x","quantity":"1","unit_price":"1","tax":{"category":"Z"}}]}`

func quietTenant(t *testing.T, c *devcluster.Cluster) {
	key := tenant(t, c, "quiet")
	year := time.Now().UTC().Format("2006")
	for i := range 9 {
		made := issue(t, connect(t, c.Replicas[i%3], key), "", []byte(smallBody)).JSON201
		want := fmt.Sprintf("INV-%s-%06d", year, i+1)
		if made == nil || made.Number != int64(i)+1 || made.PrintedNumber != want {
			t.Fatalf("invoice %d is %+v, want %s", i+1, made, want)
		}
	}
}

func sameRequest(t *testing.T, c *devcluster.Cluster) {
	key := tenant(t, c, "twins")
	for round := range 5 {
		id := fmt.Sprint("round-", round)
		answers := make([]*client.CreateInvoiceResponse, 12)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = issue(t, connect(t, c.Replicas[i%3], key), id, []byte(smallBody)) })
		}
		wg.Wait()
		made := 0
		var first []byte
		for _, a := range answers {
			if a.StatusCode() == http.StatusCreated {
				made++
			} else if a.StatusCode() != http.StatusOK || a.HTTPResponse.Header.Get("Idempotency-Replayed") != "true" {
				t.Errorf("%s %s", a.Status(), a.Body)
			}
			if first == nil {
				first = a.Body
			}
			if !bytes.Equal(a.Body, first) {
				t.Errorf("two answers to one request:\n%s%s", first, a.Body)
			}
		}
		if made != 1 {
			t.Errorf("%d of the answers say 201, want one", made)
		}
		if other := issue(t, connect(t, c.Replicas[0], key), id, bytes.Replace([]byte(smallBody), []byte(`"Ada"`), []byte(`"Eve"`), 1)); other.StatusCode() != http.StatusUnprocessableEntity {
			t.Errorf("the same key with another body: %s", other.Status())
		}
	}
}

func otherTenant(t *testing.T, c *devcluster.Cluster) {
	mine, theirs := tenant(t, c, "mine"), tenant(t, c, "theirs")
	made := issue(t, connect(t, c.Replicas[0], mine), "", []byte(smallBody)).JSON201
	issue(t, connect(t, c.Replicas[0], theirs), "", []byte(smallBody)) // they have a number 1, too
	got, err := connect(t, c.Replicas[1], theirs).GetInvoiceWithResponse(within(t, 20*time.Second), made.Id, nil)
	if err != nil || got.StatusCode() != http.StatusNotFound {
		t.Errorf("%v %v", got.Status(), err)
	}
	limit, number := "1", "1"
	list, err := connect(t, c.Replicas[1], theirs).ListInvoicesWithResponse(within(t, 20*time.Second), &client.ListInvoicesParams{Limit: &limit, Number: &number})
	if err != nil || list.JSON200 == nil || len(list.JSON200.Invoices) != 1 || list.JSON200.Invoices[0].Id == made.Id {
		t.Errorf("%v %s", err, list.Body)
	}
}

func revokedKey(t *testing.T, c *devcluster.Cluster) {
	tenant(t, c, "rotating")
	out, err := c.Run(within(t, 20*time.Second), "key", "create", "rotating", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var key struct {
		ID   string `json:"key_id"`
		Text string `json:"api_key"`
	}
	if err := json.Unmarshal([]byte(out), &key); err != nil {
		t.Fatal(err)
	}
	status := func(r *devcluster.Replica) int {
		got, err := connect(t, r, key.Text).ListInvoicesWithResponse(within(t, 20*time.Second), nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.StatusCode()
	}
	for _, r := range c.Replicas {
		if got := status(r); got != http.StatusOK {
			t.Fatalf("before it is revoked: %d", got)
		}
	}
	if _, err := c.Run(within(t, 20*time.Second), "key", "revoke", key.ID); err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Replicas {
		eventually(t, 2*time.Second, "the key is refused", func() bool { return status(r) == http.StatusUnauthorized })
	}
}

func changedTenant(t *testing.T, c *devcluster.Cluster) {
	key := tenant(t, c, "renamed")
	set := func(name string) {
		t.Helper()
		if _, err := c.Run(within(t, 20*time.Second), "tenant", "set", "renamed", "--legal-name", name, "--country", "AT"); err != nil {
			t.Fatal(err)
		}
	}
	printedBy := func(inv *client.Invoice) string {
		if inv == nil || inv.Seller == nil || inv.Seller.Name == nil {
			return ""
		}
		return *inv.Seller.Name
	}
	set("Before & Co")
	var first *client.Invoice
	for _, r := range c.Replicas {
		eventually(t, 2*time.Second, "the replica prints the name", func() bool {
			first = issue(t, connect(t, r, key), "", []byte(smallBody)).JSON201
			return printedBy(first) == "Before & Co"
		})
	}
	set("After AG")
	for _, r := range c.Replicas {
		eventually(t, 2*time.Second, "the replica prints the new name", func() bool {
			return printedBy(issue(t, connect(t, r, key), "", []byte(smallBody)).JSON201) == "After AG"
		})
		got, err := connect(t, r, key).GetInvoiceWithResponse(within(t, 20*time.Second), first.Id, nil)
		if err != nil || printedBy(got.JSON200) != "Before & Co" {
			t.Errorf("what was issued before is now %s, %v", got.Body, err)
		}
	}
}

// usedKeys looks for the key that realDocuments sent to every replica.
func usedKeys(t *testing.T, c *devcluster.Cluster) {
	used := func() bool {
		out, err := c.Run(within(t, 20*time.Second), "key", "list", "documents", "--json")
		if err != nil {
			t.Fatal(err)
		}
		var keys []struct {
			LastUsedAt *time.Time `json:"last_used_at"`
		}
		if err := json.Unmarshal([]byte(out), &keys); err != nil || len(keys) != 1 {
			t.Fatalf("%s, %v", out, err)
		}
		return keys[0].LastUsedAt != nil
	}
	if err := c.Replicas[0].Terminate(within(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	if !used() {
		t.Error("the key was used, and nobody knows")
	}
}
