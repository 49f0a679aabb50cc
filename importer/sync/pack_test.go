package sync

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// What was kept comes back whole, however long it is and however its length
// falls into the groups of three bytes that base64 has.
func TestPack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 7))
	for n := range 8 {
		for _, size := range []int{0, 100, packFrom, 3 * packFrom} {
			var b strings.Builder
			for range size + n {
				b.WriteByte(byte('a' + random.IntN(26)))
			}
			want := []string{b.String()}
			text, err := pack(want)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := unpack(text, &got); err != nil || len(got) != 1 || got[0] != want[0] {
				t.Errorf("%d bytes, kept as %d, come back as %d texts: %v", size+n, len(text), len(got), err)
			}
		}
	}
}
