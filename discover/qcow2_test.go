package discover

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// qcow2 is a header of the given version, with what the fields hold.
func qcow2(version uint32, size uint64, backing string, snapshots uint32) []byte {
	b := make([]byte, 104, 104+len(backing))
	copy(b, "QFI\xfb")
	binary.BigEndian.PutUint32(b[4:], version)
	if backing != "" {
		binary.BigEndian.PutUint64(b[8:], 104)
		binary.BigEndian.PutUint32(b[16:], uint32(len(backing)))
	}
	binary.BigEndian.PutUint64(b[24:], size)
	binary.BigEndian.PutUint32(b[60:], snapshots)
	return append(b, backing...)
}

func TestImageHeader(t *testing.T) {
	vdi := make([]byte, 512)
	binary.LittleEndian.PutUint32(vdi[64:], 0xbeda107f)
	for _, c := range []struct {
		name      string
		image     []byte
		format    string
		virtual   uint64
		backing   string
		snapshots int
	}{
		{"qcow2 v2", qcow2(2, 322122547200, "", 0), "qcow2", 322122547200, "", 0},
		{"qcow2 v2 without the fields of v3", qcow2(2, 1<<30, "", 0)[:72], "qcow2", 1 << 30, "", 0},
		{"qcow2 v3", qcow2(3, 42949672960, "/srv/base img.qcow2", 3), "qcow2", 42949672960, "/srv/base img.qcow2", 3},
		{"qcow v1", qcow2(1, 7, "", 0), "qcow", 0, "", 0},
		{"qed", []byte("QED\x00rest"), "qed", 0, "", 0},
		{"vmdk", []byte("KDMV\x01"), "vmdk", 0, "", 0},
		{"vmdk by its descriptor", []byte("# Disk DescriptorFile\nversion=1"), "vmdk", 0, "", 0},
		{"vdi", vdi, "vdi", 0, "", 0},
		{"vhdx", []byte("vhdxfile"), "vhdx", 0, "", 0},
		{"boot sector", append(make([]byte, 510), 0x55, 0xaa), "raw", 0, "", 0},
		{"empty", nil, "raw", 0, "", 0},
		{"three bytes", []byte("QFI"), "raw", 0, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			format, virtual, backing, snapshots, err := imageHeader(bytes.NewReader(c.image))
			if err != nil || format != c.format || virtual != c.virtual || backing != c.backing || snapshots != c.snapshots {
				t.Errorf("imageHeader = %s %d %q %d, %v", format, virtual, backing, snapshots, err)
			}
		})
	}
}

func TestImageHeaderHostile(t *testing.T) {
	long := qcow2(3, 1, "x", 0)
	binary.BigEndian.PutUint32(long[16:], 1<<31)
	far := qcow2(3, 1, "x", 0)
	binary.BigEndian.PutUint64(far[8:], 1<<63)
	beyond := qcow2(3, 1, "x", 0)
	binary.BigEndian.PutUint64(beyond[8:], 1<<20)
	for _, c := range []struct {
		name  string
		image []byte
		want  string
	}{
		{"cut", qcow2(3, 1, "", 0)[:40], "ends after 40"},
		{"version", qcow2(9, 1, "", 0), "version 9"},
		{"size", qcow2(3, 1<<63, "", 0), "virtual size"},
		{"snapshots", qcow2(3, 1, "", 1<<31), "snapshots"},
		{"backing name of 2 GiB", long, "backing file name of 2147483648 bytes"},
		{"backing name far away", far, "backing file name"},
		{"backing name beyond the end", beyond, "backing file name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			format, virtual, backing, _, err := imageHeader(bytes.NewReader(c.image))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("imageHeader = %v, want %q", err, c.want)
			}
			if format != "qcow2" || virtual != 0 || backing != "" {
				t.Errorf("imageHeader = %s %d %q beside an error", format, virtual, backing)
			}
		})
	}
	if _, _, _, _, err := imageHeader(broken{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("imageHeader of a file that cannot be read = %v", err)
	}
}

type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func FuzzImageHeader(f *testing.F) {
	f.Add(qcow2(3, 1<<30, "base", 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, backing, _, err := imageHeader(bytes.NewReader(b)); err == nil && len(backing) > maxBackingName {
			t.Errorf("a backing file name of %d bytes", len(backing))
		}
	})
}
