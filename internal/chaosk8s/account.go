package main

import (
	"context"
	"encoding/json"
	"fmt"
)

// audit asks folio to account for every number, and for the reasons of those that are void:
// twice, if an answer was cut off.
func (s *scene) audit(ctx context.Context) (audit, error) {
	a, err := s.auditOnce(ctx)
	if err != nil && ctx.Err() == nil {
		s.c.say("once more: %v", err)
		a, err = s.auditOnce(ctx)
	}
	return a, err
}

func (s *scene) auditOnce(ctx context.Context) (audit, error) {
	out, err := s.c.folio(ctx, "audit", "--json")
	var report struct {
		Series []struct {
			Series                                string
			Issued, Void, Held, Free, Unaccounted int64
		}
		Findings []struct{ Kind, Series, Text string }
	}
	if jsonErr := json.Unmarshal([]byte(out), &report); jsonErr != nil {
		return audit{}, fmt.Errorf("folio audit: %w: %v", jsonErr, err)
	}
	a := audit{Voids: make(map[string]int64), Series: len(report.Series)}
	for _, f := range report.Findings {
		a.Findings = append(a.Findings, fmt.Sprintf("folio audit found in %s: %s: %s", f.Series, f.Kind, f.Text))
	}
	if err != nil && len(a.Findings) == 0 {
		a.Findings = append(a.Findings, fmt.Sprintf("folio audit failed: %v", err))
	}
	for _, of := range report.Series {
		a.Issued, a.Void, a.Held, a.Free, a.Unaccounted = a.Issued+of.Issued, a.Void+of.Void, a.Held+of.Held, a.Free+of.Free, a.Unaccounted+of.Unaccounted
		if of.Void > 0 {
			if err := s.reasons(ctx, of.Series, a.Voids); err != nil {
				return a, err
			}
		}
	}
	return a, nil
}

// reasons adds why numbers of a series are void.
func (s *scene) reasons(ctx context.Context, series string, to map[string]int64) error {
	out, err := s.c.folio(ctx, "statement", series, "--json")
	var said struct {
		Void struct {
			Reasons []struct {
				Reason string
				Count  int64
			}
		}
	}
	if jsonErr := json.Unmarshal([]byte(out), &said); jsonErr != nil {
		return fmt.Errorf("folio statement %s: %w: %v", series, jsonErr, err)
	}
	for _, r := range said.Void.Reasons {
		to[r.Reason] += r.Count
	}
	return nil
}
