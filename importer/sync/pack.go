package sync

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
)

// packFrom is from where on a result is compressed: a server takes 16 MiB in a
// statement, and the drifts of a data centre before its first import are more.
const packFrom = 64 << 10

// pack turns what was found into what the journal keeps: JSON, or a long one
// compressed.
func pack(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil || len(text) < packFrom {
		return string(text), err
	}
	var out strings.Builder
	encoder := base64.NewEncoder(base64.StdEncoding, &out)
	z := gzip.NewWriter(encoder)
	if _, err := z.Write(text); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	if err := encoder.Close(); err != nil { // It still has up to two bytes.
		return "", err
	}
	return out.String(), nil
}

func unpack(text string, into any) error {
	if text == "" || strings.ContainsRune("[{n", rune(text[0])) { // JSON; base64 of a gzip begins with H4
		return json.Unmarshal([]byte(text), into)
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, z); err != nil {
		return err
	}
	return json.Unmarshal(out.Bytes(), into)
}
