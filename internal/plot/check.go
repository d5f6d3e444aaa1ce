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
	if err := whole(svg); err != nil {
		return err
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

// CheckFlame names what is wrong with a flame graph: no XML, a frame beyond its edge, or
// none at all.
func CheckFlame(svg string) error {
	if err := whole(svg); err != nil {
		return err
	}
	frames := regexp.MustCompile(`</title><rect x="([^"]+)" y="[^"]+" width="([^"]+)"`).FindAllStringSubmatch(svg, -1)
	for _, f := range frames {
		x, errX := strconv.ParseFloat(f[1], 64)
		width, errWidth := strconv.ParseFloat(f[2], 64)
		if errX != nil || errWidth != nil || !(x >= 0 && width >= 0 && x+width <= flameWidth+1) {
			return fmt.Errorf("%s lies outside", f[0])
		}
	}
	if len(frames) == 0 {
		return errors.New("nothing is drawn")
	}
	return nil
}

// whole reads svg as XML, to its end.
func whole(svg string) error {
	for dec := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
