package plot

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Check names what is wrong with a drawing: no XML, a line outside its frame, a missing
// word.
func Check(svg string, words ...string) error {
	for dec := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	for _, w := range words {
		if !strings.Contains(svg, ">"+w+"<") {
			return fmt.Errorf("%q is not in the drawing", w)
		}
	}
	lines := 0
	paths := strings.Join(regexp.MustCompile(` d="[^"]*"`).FindAllString(svg, -1), "")
	for _, at := range regexp.MustCompile(`[ML]([^ MLHVh"]+) ([^ MLHVh"]+)`).FindAllStringSubmatch(paths, -1) {
		x, errX := strconv.ParseFloat(at[1], 64)
		y, errY := strconv.ParseFloat(at[2], 64)
		lines++
		if errX != nil || errY != nil || !(x >= 0 && x <= panelWidth && y >= 0 && y <= panelHeight) {
			return fmt.Errorf("%s lies outside", at[0])
		}
	}
	if lines == 0 {
		return errors.New("nothing is drawn")
	}
	return nil
}
