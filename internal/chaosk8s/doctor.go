package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// doctor asks folio doctor in each pod, with the settings that the pod has, while all is well.
func (s *scene) doctor(ctx context.Context, f *fault) error {
	if err := s.c.settled(ctx, "folio", 3); err != nil {
		return err
	}
	all, err := s.c.pods(ctx, "folio")
	if err != nil {
		return err
	}
	for _, p := range all {
		f.Visits = append(f.Visits, s.ask(ctx, p, ""))
		f.Times++
	}
	return nil
}

// ask asks folio doctor in a pod. sick is the part that was made to fail, "" if none was.
func (s *scene) ask(ctx context.Context, p pod, sick string) visit {
	out, err := s.c.kubectl(ctx, "exec", p.name(), "-c", "folio", "--", "/folio", "doctor", "--format", "json")
	v := visit{Pod: p.name(), Sick: sick, Status: -1}
	var exit *exec.ExitError
	switch {
	case err == nil:
		v.Status = 0
	case errors.As(err, &exit):
		v.Status = exit.ExitCode()
	}
	if readErr := v.read(out); readErr != nil {
		v.Status, v.Said = -1, []string{errors.Join(readErr, err).Error()}
	}
	return v
}

// read takes in a report in JSON.
func (v *visit) read(report string) error {
	var said struct {
		Format                    string
		Faults, Warnings, Unknown int
		Findings                  []struct{ State, Part, Check, On, Seen string }
	}
	if err := json.Unmarshal([]byte(report), &said); err != nil {
		return fmt.Errorf("folio doctor said %q: %w", report, err)
	}
	v.Checks, v.Faults, v.Warnings, v.Unknown = len(said.Findings), said.Faults, said.Warnings, said.Unknown
	for _, f := range said.Findings {
		if f.State == "ok" {
			continue
		}
		v.Said = append(v.Said, fmt.Sprintf("%s: %s/%s: %s", f.State, f.Part, f.Check, strings.TrimPrefix(f.On+": "+f.Seen, ": ")))
		if f.State == "fault" && !slices.Contains(v.Faulty, f.Part) {
			v.Faulty = append(v.Faulty, f.Part)
		}
	}
	return nil
}

func judgeVisits(f fault, report reporter) {
	for _, v := range f.Visits {
		switch {
		case v.Status < 0 || v.Checks == 0:
			report(f.Name, "folio doctor in %s has not reported: %q", v.Pod, v.Said)
		case v.Sick == "" && (v.Status != 0 || v.Faults+v.Unknown > 0):
			report(f.Name, "folio doctor in %s ends with %d although all is well: %q", v.Pod, v.Status, v.Said)
		case v.Sick != "" && (v.Status != 1 || !slices.Equal(v.Faulty, []string{v.Sick})):
			report(f.Name, "folio doctor in %s ends with %d and does not tell that %s alone is at fault: %q", v.Pod, v.Status, v.Sick, v.Said)
		}
	}
}

// visits tells of what the doctor said in all pods.
func visits(f fault) []string {
	var all []string
	for _, v := range f.Visits {
		told := fmt.Sprintf("%d checks, %s, %s, %d unknown", v.Checks, plural(v.Faults, "fault", "faults"), plural(v.Warnings, "warning", "warnings"), v.Unknown)
		if v.Sick != "" {
			told = fmt.Sprintf("folio doctor there: %s of %s", plural(v.Faults, "fault", "faults"), v.Sick)
		}
		if !slices.Contains(all, told) {
			all = append(all, told)
		}
	}
	return all
}
