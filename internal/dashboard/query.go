package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// step is how far apart the points of a line are.
const step = 2 * time.Second

// prometheus answers queries at this URL.
type prometheus string

// series is one line of an answer.
type series struct {
	labels map[string]string
	at     []float64 // Unix seconds
	value  []float64
}

// between asks for an expression at each step.
func (p prometheus) between(ctx context.Context, expr string, from, to time.Time) ([]series, error) {
	var answer struct {
		Error string `json:"error"`
		Data  struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
				Values [][2]any          `json:"values"`
			} `json:"result"`
		} `json:"data"`
	}
	q := url.Values{"query": {expr}, "step": {step.String()}, "start": {unix(from)}, "end": {unix(to)}}
	if err := p.get(ctx, "/api/v1/query_range?"+q.Encode(), &answer); err != nil {
		return nil, fmt.Errorf("ask Prometheus for %s: %w", expr, err)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("ask Prometheus for %s: %s", expr, answer.Error)
	}
	var all []series
	for _, r := range answer.Data.Result {
		s := series{labels: r.Metric}
		for _, v := range r.Values {
			at, _ := v[0].(float64)
			text, _ := v[1].(string)
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, fmt.Errorf("ask Prometheus for %s: %w", expr, err)
			}
			if !math.IsNaN(value) && !math.IsInf(value, 0) {
				s.at, s.value = append(s.at, at), append(s.value, value)
			}
		}
		all = append(all, s)
	}
	return all, nil
}

func (p prometheus) get(ctx context.Context, path string, answer any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, string(p)+path, nil)
	if err != nil {
		return err
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	return json.NewDecoder(got.Body).Decode(answer)
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
