package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// targets are the replicas and the keys to reach them with.
type targets struct {
	urls   []string
	keys   []string
	series string
	close  float64 // share of attempts after which the connection is closed
	client *http.Client
}

func newTargets(f flags) *targets {
	return &targets{
		urls: f.URLs, keys: f.Keys, series: f.Series, close: f.CloseShare,
		client: &http.Client{
			Timeout:   f.Timeout,
			Transport: &http.Transport{MaxIdleConnsPerHost: f.Connections, MaxIdleConns: 0, IdleConnTimeout: 30 * time.Second},
		},
	}
}

func (t *targets) end() { t.client.CloseIdleConnections() }

// wire is an invoice as the API speaks it, as far as hammer looks.
type wire struct {
	ID       string            `json:"id"`
	Series   string            `json:"series"`
	Period   string            `json:"period"`
	Number   int64             `json:"number"`
	Printed  string            `json:"printed_number"`
	Metadata map[string]string `json:"metadata"`
	Lines    []struct {
		content
	} `json:"lines"`
}

func (w wire) document() document {
	d := document{ID: w.ID, Series: w.Series, Period: w.Period, Number: w.Number, Printed: w.Printed, Request: w.Metadata["hammer"]}
	if len(w.Lines) > 0 {
		d.Content = w.Lines[0].content
	}
	return d
}

// reply is what came of one attempt.
type reply struct {
	status   int
	document document
	body     string        // digest of the canonical body, or the problem's text
	cause    string        // set: not known yet, and why
	after    time.Duration // how long the server asks to wait
}

// post makes one attempt at a request.
func (t *targets) post(ctx context.Context, base string, tenant int, id string, c content) reply {
	body, err := json.Marshal(map[string]any{
		"series": t.series, "currency": "EUR",
		"customer": map[string]string{"name": "Hammer " + id},
		"lines":    []map[string]any{{"description": c.Description, "quantity": c.Quantity, "unit_price": c.UnitPrice, "tax": map[string]string{"category": "S", "rate": "20"}}},
		"metadata": map[string]string{"hammer": id},
	})
	if err != nil {
		return reply{cause: "encode: " + err.Error()}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/invoices", bytes.NewReader(body))
	if err != nil {
		return reply{cause: "request: " + err.Error()}
	}
	req.Header.Set("Authorization", "Bearer "+t.keys[tenant])
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", id)
	req.Close = rand.Float64() < t.close
	resp, err := t.client.Do(req)
	if err != nil {
		return reply{cause: causeOf(err)}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{cause: "answer cut off"}
	}
	return judgeReply(resp, text)
}

func judgeReply(resp *http.Response, text []byte) reply {
	switch status := resp.StatusCode; {
	case status == http.StatusCreated || status == http.StatusOK:
		var w wire
		canonical := jsontext.Value(text)
		if err := errors.Join(json.Unmarshal(text, &w), canonical.Canonicalize()); err != nil {
			return reply{cause: "answer is no invoice"}
		}
		digest := sha256.Sum256(canonical)
		return reply{status: status, document: w.document(), body: hex.EncodeToString(digest[:8])}
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // none: at once
		return reply{status: status, cause: "status " + strconv.Itoa(status), after: time.Duration(seconds) * time.Second}
	default:
		return reply{status: status, body: string(text)}
	}
}

// causeOf sorts network errors into a few kinds.
func causeOf(err error) string {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "time-out"
	}
	return "connection failed"
}

// listAll reads back every invoice of every tenant, in the run's series.
func (t *targets) listAll(ctx context.Context, f flags) (map[int][]document, error) {
	ctx, cancel := context.WithTimeout(ctx, f.GiveUp+time.Minute)
	defer cancel()
	all := make(map[int][]document)
	for tenant := range t.keys {
		documents, err := t.list(ctx, tenant)
		if err != nil {
			return nil, fmt.Errorf("tenant %d: %w", tenant+1, err)
		}
		all[tenant] = documents
	}
	return all, nil
}

func (t *targets) list(ctx context.Context, tenant int) ([]document, error) {
	var all []document
	for cursor := ""; ; {
		var page struct {
			Invoices []wire  `json:"invoices"`
			Next     *string `json:"next_cursor"`
		}
		query := url.Values{"series": {t.series}, "limit": {"100"}, "cursor": {cursor}}
		if err := t.get(ctx, tenant, "/v1/invoices?"+query.Encode(), &page); err != nil {
			return nil, err
		}
		for _, w := range page.Invoices {
			all = append(all, w.document())
		}
		if page.Next == nil {
			return all, nil
		}
		cursor = *page.Next
	}
}

// get asks one replica after the other until one answers.
func (t *targets) get(ctx context.Context, tenant int, path string, into any) error {
	for try := 0; ; try++ {
		err := t.getOnce(ctx, t.urls[try%len(t.urls)]+path, t.keys[tenant], into)
		if err == nil {
			return nil
		}
		if !sleep(ctx, backoff(try, 0)) {
			return err
		}
	}
}

func (t *targets) getOnce(ctx context.Context, address, key string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := t.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", address, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
