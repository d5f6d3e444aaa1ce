package register

import (
	"bytes"
	"encoding/json"
	"io"
)

// jsonWriter writes one object, a number per line.
type jsonWriter struct {
	to    io.Writer
	buf   bytes.Buffer
	begun bool // a number was written
}

func (w *jsonWriter) Begin(h Head) error {
	head, err := json.Marshal(struct {
		Series string `json:"series"`
		Period string `json:"period"`
		First  int64  `json:"first"`
		Mark   int64  `json:"mark"`
		AsOf   AsOf   `json:"as_of"`
	}{h.Series, h.Period, h.First, h.Mark, h.AsOf})
	if err != nil {
		return err
	}
	w.buf.Write(head[:len(head)-1])
	w.buf.WriteString(`,"numbers":[`)
	return w.flush()
}

func (w *jsonWriter) Lines(lines []Line) error {
	enc := json.NewEncoder(&w.buf)
	enc.SetEscapeHTML(false)
	for i := range lines {
		if w.begun {
			w.buf.WriteByte(',')
		}
		w.begun = true
		if err := enc.Encode(&lines[i]); err != nil { // with a line break
			return err
		}
	}
	return w.flush()
}

func (w *jsonWriter) End() error {
	w.buf.WriteString("]}\n")
	return w.flush()
}

func (w *jsonWriter) flush() error {
	_, err := w.buf.WriteTo(w.to)
	return err
}
