package demo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// write makes the image, sparse: it takes a few KiB whatever its size. One
// that exists is left as it is.
func (i image) write(to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = i.fill(f)
	return errors.Join(err, f.Close())
}

func (i image) fill(f *os.File) error {
	if i.Format == "raw" {
		return f.Truncate(i.Bytes)
	}
	for _, p := range qcow2(i.Bytes, i.Backing) {
		if _, err := f.WriteAt(p.bytes, p.at); err != nil {
			return err
		}
	}
	return f.Truncate(usedClusters * clusterSize)
}

// A piece is bytes and where in a file they belong; between pieces are zeros.
type piece struct {
	at    int64
	bytes []byte
}

// Where the parts of an empty image lie, in clusters.
const (
	clusterBits   = 16
	clusterSize   = 1 << clusterBits
	headerAt      = 0
	refTableAt    = 1
	refBlockAt    = 2
	l1TableAt     = 3
	usedClusters  = 4
	headerLength  = 104
	backingFormat = 0xE2792ACA // header extension: format of the backing file
)

// header is the fixed part of a version 3 header, in the words and the order
// of QEMU's docs/interop/qcow2.txt.
type header struct {
	Magic                 [4]byte
	Version               uint32
	BackingFileOffset     uint64
	BackingFileSize       uint32
	ClusterBits           uint32
	Size                  uint64
	CryptMethod           uint32
	L1Size                uint32
	L1TableOffset         uint64
	RefcountTableOffset   uint64
	RefcountTableClusters uint32
	NbSnapshots           uint32
	SnapshotsOffset       uint64
	IncompatibleFeatures  uint64
	CompatibleFeatures    uint64
	AutoclearFeatures     uint64
	RefcountOrder         uint32
	HeaderLength          uint32
}

// qcow2 gives the pieces of an empty image of that virtual size which
// "qemu-img check" finds no fault with. Sizes up to 4 TiB fit its one cluster
// of L1 table.
func qcow2(size int64, backing string) []piece {
	perL1Entry := int64(clusterSize / 8 * clusterSize) // one L2 table's worth
	h := header{
		Magic: [4]byte{'Q', 'F', 'I', 0xfb}, Version: 3, ClusterBits: clusterBits, Size: uint64(size),
		L1Size: uint32((size + perL1Entry - 1) / perL1Entry), L1TableOffset: l1TableAt * clusterSize,
		RefcountTableOffset: refTableAt * clusterSize, RefcountTableClusters: 1,
		RefcountOrder: 4, HeaderLength: headerLength,
	}
	var extensions bytes.Buffer
	if backing != "" {
		put(&extensions, uint32(backingFormat), uint32(len("qcow2")), []byte("qcow2\x00\x00\x00"))
	}
	put(&extensions, uint32(0), uint32(0)) // end of the extensions
	if backing != "" {
		h.BackingFileOffset = uint64(headerLength + extensions.Len())
		h.BackingFileSize = uint32(len(backing))
	}
	var head bytes.Buffer
	put(&head, h, extensions.Bytes(), []byte(backing))

	var refcounts bytes.Buffer
	for range usedClusters {
		put(&refcounts, uint16(1))
	}
	return []piece{
		{headerAt, head.Bytes()},
		{refTableAt * clusterSize, binary.BigEndian.AppendUint64(nil, refBlockAt*clusterSize)},
		{refBlockAt * clusterSize, refcounts.Bytes()},
	}
}

// put writes values in network byte order; into a buffer that cannot fail.
func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		if err := binary.Write(b, binary.BigEndian, v); err != nil {
			panic(err) // a type without fixed size: a mistake in this file
		}
	}
}
