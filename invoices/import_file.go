package invoices

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxImportLine bounds a line of JSON: a document of the largest kind has a third.
const maxImportLine = 8 << 20

// lineError is what is wrong with one line of a file; reading can go on after it.
type lineError struct {
	line   int64
	at     string // a column, or a JSON pointer; "" is the whole line
	detail string
}

func (e *lineError) Error() string {
	if e.at == "" {
		return fmt.Sprintf("line %d: %s", e.line, e.detail)
	}
	return fmt.Sprintf("line %d, %s: %s", e.line, e.at, e.detail)
}

// source reads the lines of a file.
type source interface {
	// next returns the next line; io.EOF after the last. A *lineError leaves the
	// rest readable.
	next() (*fileLine, error)

	// at tells how far was read: lines, and bytes from the beginning.
	at() (lines, bytes int64)

	// place says where in a line a JSON pointer is, in the words of the format.
	place(pointer string) string
}

// jsonl reads one JSON object per line. Empty lines are passed over.
type jsonl struct {
	in    *bufio.Reader
	lines int64
	bytes int64
	long  []byte // a line longer than the reader's buffer
}

func newJSONL(in io.Reader, lines, offset int64) *jsonl {
	return &jsonl{in: bufio.NewReaderSize(in, 256<<10), lines: lines, bytes: offset}
}

func (j *jsonl) at() (int64, int64) { return j.lines, j.bytes }

func (j *jsonl) place(pointer string) string { return pointer }

func (j *jsonl) next() (*fileLine, error) {
	for {
		text, err := j.read()
		if err != nil {
			return nil, err
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			return decodeLine(j.lines, text)
		}
	}
}

// read returns the next line, which is valid until the next call.
func (j *jsonl) read() ([]byte, error) {
	j.long = j.long[:0]
	for {
		text, err := j.in.ReadSlice('\n')
		j.bytes += int64(len(text))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if j.long = append(j.long, text...); len(j.long) > maxImportLine {
				return nil, fmt.Errorf("line %d is longer than %d bytes", j.lines+1, maxImportLine)
			}
			continue
		case err == io.EOF && len(text)+len(j.long) == 0:
			return nil, io.EOF
		case err != nil && err != io.EOF:
			return nil, fmt.Errorf("read line %d: %w", j.lines+1, err)
		}
		j.lines++
		if len(j.long) > 0 {
			return append(j.long, text...), nil
		}
		return text, nil
	}
}

// decodeLine reads one line strictly: no name twice, none unknown.
func decodeLine(line int64, text []byte) (*fileLine, error) {
	it := &fileLine{line: line}
	if part := partOf(text); part != "" && part != partDocument {
		it.part, it.body = part, bytes.Clone(text)
		return it, nil
	}
	if err := json.Unmarshal(text, &it.record, json.RejectUnknownMembers(true)); err != nil {
		return nil, unreadable(line, err)
	}
	return it, nil
}

// partOf returns the value of the member "type", if that comes first: so an export
// writes its lines. Then a document is decoded once only.
func partOf(text []byte) string {
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	for i := range 3 {
		token, err := dec.ReadToken()
		if err != nil || i > 0 && token.Kind() != '"' || i == 1 && token.String() != "type" {
			return ""
		}
		if i == 2 {
			return token.String()
		}
	}
	return ""
}

// unreadable says what the decoder objected to.
func unreadable(line int64, err error) *lineError {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return &lineError{line, string(syntax.JSONPointer), "is given twice"}
		}
		return &lineError{line, string(syntax.JSONPointer), "is no valid JSON: " + syntax.Err.Error()}
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		detail := "has the wrong type (amounts, too, are strings)"
		if errors.Is(err, json.ErrUnknownName) {
			detail = "is not a field of a document"
		}
		return &lineError{line, string(semantic.JSONPointer), detail}
	}
	return &lineError{line, "", "is no valid JSON"}
}
