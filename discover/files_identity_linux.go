package discover

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// identify sets what hard links depend on. link(2) refuses to cross a mount
// even where both sides show one file system (a bind mount), so the mount
// counts beside the device. Kernels before 5.8 do not tell the mount.
func identify(p string, file *File) error {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, p, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &st)
	if err != nil {
		return &os.PathError{Op: "statx", Path: p, Err: err}
	}
	file.Inode, file.Links = st.Ino, uint64(st.Nlink)
	file.FS = fmt.Sprintf("device %d:%d", st.Dev_major, st.Dev_minor)
	if st.Mask&unix.STATX_MNT_ID != 0 {
		file.FS += fmt.Sprintf(" mount %d", st.Mnt_id)
	}
	return nil
}
