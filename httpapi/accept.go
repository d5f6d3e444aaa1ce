package httpapi

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// accepted returns which of the media types on offer a request prefers, after RFC
// 9110, section 12.5.1; the first for one that does not say. false: none will do.
func accepted(r *http.Request, offers ...string) (string, bool) {
	wishes := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(wishes) == "" {
		return offers[0], true
	}
	best, bestQuality := "", 0.0
	for _, offer := range offers {
		if q := quality(wishes, offer); q > bestQuality {
			best, bestQuality = offer, q
		}
	}
	return best, best != ""
}

// quality is how much wishes want a media type: what the most specific wish that
// covers it says, 0 if none does.
func quality(wishes, offer string) (q float64) {
	kind, _, _ := strings.Cut(offer, "/")
	specific := 0
	for wish := range strings.SplitSeq(wishes, ",") {
		media, params, err := mime.ParseMediaType(wish)
		if err != nil {
			continue
		}
		how := map[string]int{offer: 3, kind + "/*": 2, "*/*": 1}[media]
		if how <= specific {
			continue
		}
		specific, q = how, 1
		if given, ok := params["q"]; ok {
			q, err = strconv.ParseFloat(given, 64)
			if err != nil || q < 0 || q > 1 {
				q = 0
			}
		}
	}
	return q
}
