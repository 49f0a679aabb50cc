package discover

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxBackingName is QEMU's own limit (block/qcow2.c).
const maxBackingName = 1023

// imageHeader tells the format of a disk image by its first bytes, as QEMU
// probes them: qcow2, qed, vmdk, vdi, vhdx, else raw. Of a qcow2 it also reads
// the virtual size in bytes, the backing file as it is written there, and the
// number of internal snapshots; of the others these are zero.
//
// The header is the guest's to write where a disk is raw: a format found here
// that differs from the definition's is a fact to report, never to act on.
func imageHeader(r io.ReaderAt) (format string, virtual uint64, backing string, snapshots int, err error) {
	head := make([]byte, 104)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", 0, "", 0, fmt.Errorf("read image header: %w", err)
	}
	format = formatOf(head[:n])
	if format != "qcow2" {
		return format, 0, "", 0, nil
	}
	virtual, backing, snapshots, err = qcow2Header(r, head[:n])
	return format, virtual, backing, snapshots, err
}

func formatOf(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("QFI\xfb")):
		if len(head) >= 8 && binary.BigEndian.Uint32(head[4:]) < 2 {
			return "qcow" // version 1, which QEMU still reads
		}
		return "qcow2"
	case bytes.HasPrefix(head, []byte("QED\x00")):
		return "qed"
	case bytes.HasPrefix(head, []byte("KDMV")), bytes.HasPrefix(head, []byte("COWD")),
		bytes.HasPrefix(head, []byte("# Disk DescriptorFile")):
		return "vmdk"
	case bytes.HasPrefix(head, []byte("vhdxfile")):
		return "vhdx"
	case len(head) >= 68 && binary.LittleEndian.Uint32(head[64:]) == 0xbeda107f:
		return "vdi"
	}
	return "raw"
}

// qcow2Header reads the fixed part (docs/interop/qcow2.txt): all big endian,
// backing file offset at 8, its length at 16, size at 24, snapshots at 60.
func qcow2Header(r io.ReaderAt, head []byte) (virtual uint64, backing string, snapshots int, err error) {
	if len(head) < 72 {
		return 0, "", 0, fmt.Errorf("qcow2 header ends after %d bytes", len(head))
	}
	if v := binary.BigEndian.Uint32(head[4:]); v != 2 && v != 3 {
		return 0, "", 0, fmt.Errorf("qcow2 version %d is not known", v)
	}
	virtual = binary.BigEndian.Uint64(head[24:])
	snapshots = int(binary.BigEndian.Uint32(head[60:]))
	offset, length := binary.BigEndian.Uint64(head[8:]), binary.BigEndian.Uint32(head[16:])
	if virtual > 1<<63-1 {
		return 0, "", 0, fmt.Errorf("qcow2 virtual size %d cannot be", virtual)
	}
	if snapshots > 65536 { // QCOW_MAX_SNAPSHOTS
		return 0, "", 0, fmt.Errorf("qcow2 with %d snapshots cannot be", snapshots)
	}
	if offset == 0 || length == 0 {
		return virtual, "", snapshots, nil
	}
	if length > maxBackingName || offset > 1<<32 {
		return 0, "", 0, fmt.Errorf("qcow2 backing file name of %d bytes at %d cannot be", length, offset)
	}
	name := make([]byte, length)
	if _, err := r.ReadAt(name, int64(offset)); err != nil {
		return 0, "", 0, fmt.Errorf("read qcow2 backing file name: %w", err)
	}
	return virtual, string(name), snapshots, nil
}
