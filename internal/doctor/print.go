package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// format is what programs tell a report by.
const format = "folio-doctor/1"

// WriteJSON writes a report as one object.
func (r Report) WriteJSON(to io.Writer) error {
	enc := json.NewEncoder(to)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Format   string `json:"format"`
		Faults   int    `json:"faults"`
		Warnings int    `json:"warnings"`
		Unknown  int    `json:"unknown"`
		Report
	}{format, r.Count(Fault), r.Count(Warning), r.Count(Unknown), r})
}

// WriteText writes a report for people: a line for each finding, below it what to do.
func (r Report) WriteText(to io.Writer) error {
	lines := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		seen := oneLine(f.Seen)
		if f.On != "" {
			seen = oneLine(f.On) + ": " + seen
		}
		fmt.Fprintf(lines, "%s\t%s\t%s\t%s\n", f.State, f.Part, f.Check, seen)
		if f.Do != "" {
			fmt.Fprintf(lines, "\t\t\t-> %s\n", oneLine(f.Do))
		}
	}
	fmt.Fprintf(lines, "%d checks: %d ok, %d faults, %d warnings, %d unknown\n",
		len(r.Findings), r.Count(OK), r.Count(Fault), r.Count(Warning), r.Count(Unknown))
	return lines.Flush()
}

// oneLine keeps a finding on its line.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
}
