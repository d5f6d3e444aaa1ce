package invoices

import (
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strconv"
	"strings"

	"folio/counter"
)

// key is the primary key of a document. Its text, tenant/series/period/number
// with a checksum, in base32, is the public id of an invoice and, under another
// prefix, the cursor of a list: neither needs a column.
type key struct {
	counter.Series
	Number int64
}

const (
	idPrefix     = "inv_"
	cursorPrefix = "cur_"
	checksumLen  = 2
	maxKeyText   = 256 // longer is none of ours
)

// base32 in lower case: easy to read aloud, and the same in any case-blind place.
func keyText() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

// encode writes k under prefix.
func (k key) encode(prefix string) string {
	return encodePath(prefix, strings.Join([]string{k.Tenant, k.Name, k.Period, strconv.FormatInt(k.Number, 10)}, "/"))
}

// encodePath writes tenant/series/period/number under prefix.
func encodePath(prefix, path string) string {
	plain := []byte(path)
	return prefix + keyText().EncodeToString(append(plain, checksum(plain)...))
}

// decodeKey reads what encode wrote, and nothing else.
func decodeKey(prefix, text string) (key, bool) {
	body, ok := strings.CutPrefix(text, prefix)
	if !ok || len(body) > maxKeyText {
		return key{}, false
	}
	raw, err := keyText().DecodeString(body)
	if err != nil || len(raw) < checksumLen {
		return key{}, false
	}
	parts := strings.Split(string(raw[:len(raw)-checksumLen]), "/")
	if len(parts) != 4 {
		return key{}, false
	}
	number, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil || number < 1 || number > counter.MaxNumber {
		return key{}, false
	}
	k := key{Series: counter.Series{Tenant: parts[0], Name: parts[1], Period: parts[2]}, Number: number}
	return k, k.encode(prefix) == text
}

func checksum(plain []byte) []byte {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(plain))
	return sum[:checksumLen]
}
