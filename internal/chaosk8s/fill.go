package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// burst is in how many ledgers one replica shall hold blocks: of one series of each
// tenant, which begins anew each month, so many months.
const burst = 2000

// atOnce is how many of them are filled side by side. What is not used for a minute is
// handed back, so all must be filled well within one.
const atOnce = 64

// forward makes a pod's API reachable from here, until ctx ends.
func (c *cluster) forward(ctx context.Context, pod string) (address string, err error) {
	cmd := c.command(ctx, "port-forward", "pod/"+pod, ":8080")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() { // port-forward writes a line for each connection, and ends with ctx
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	}()
	_, rest, ok := strings.Cut(line, "127.0.0.1:")
	address, _, _ = strings.Cut(rest, " ")
	if !ok {
		return "", fmt.Errorf("port-forward to %s: %q, %w", pod, line, err)
	}
	return "127.0.0.1:" + address, nil
}

// fill has a pod hold blocks in many ledgers: whoever takes a dozen numbers at once is
// taken for busy, so the next block is one of many numbers, of which one is used. Each
// round asks for numbers of its own.
func (s *scene) fill(ctx context.Context, pod string, round int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	address, err := s.c.forward(ctx, pod)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	defer client.CloseIdleConnections()
	series := "http://" + address + "/v1/series/monthly"
	for _, key := range s.keys {
		if err := ask(ctx, client, round, http.MethodPut, series, key, `{"period":"month"}`); err != nil {
			return err
		}
	}
	var asking errgroup.Group
	asking.SetLimit(atOnce)
	for i := range burst {
		asking.Go(func() error {
			key, day := s.keys[i%len(s.keys)], time.Date(2000, 1+time.Month(i/len(s.keys)), 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
			for _, count := range []int{12, 1} {
				if err := ask(ctx, client, round, http.MethodPost, series+"/numbers", key, fmt.Sprintf(`{"count":%d,"issue_date":%q}`, count, day)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return asking.Wait()
}

// ask makes one request; sent again, after a pause, it is answered as before.
func ask(ctx context.Context, client *http.Client, round int, method, url, key, body string) (err error) {
	for try := range 10 {
		if try > 0 {
			select {
			case <-ctx.Done():
				return errors.Join(ctx.Err(), err)
			case <-time.After(min(time.Second, 50*time.Millisecond<<try)):
			}
		}
		var req *http.Request
		if req, err = http.NewRequestWithContext(ctx, method, url, strings.NewReader(body)); err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", fmt.Sprint(round, method, url[strings.LastIndex(url, "/v1/"):], body))
		var answer *http.Response
		if answer, err = client.Do(req); err != nil {
			continue
		}
		text, readErr := io.ReadAll(answer.Body)
		answer.Body.Close()
		switch {
		case readErr == nil && answer.StatusCode < 300:
			return nil
		case readErr == nil && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests:
			return fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, text)
		}
		err = fmt.Errorf("%s %s: %s, %w", method, url, answer.Status, readErr)
	}
	return err
}
