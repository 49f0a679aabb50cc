package instancedir

import "errors"

// What a caller can branch on. The errors that wrap them name the paths.
var (
	// ErrNoFiles says that the host's files cannot be reached at all.
	ErrNoFiles = errors.New("the host's files cannot be reached")
	// ErrNoInstancesPath says that instances_path is missing on the host.
	ErrNoInstancesPath = errors.New("there is no such directory on the host")
	// ErrNoDisk says that the disk is missing, or is no regular file.
	ErrNoDisk = errors.New("this is no disk file")
	// ErrOtherFileSystem says that disk and instances_path cannot be linked.
	ErrOtherFileSystem = errors.New("disk and instances_path are on different file systems")
	// ErrOccupied says that something else has the name already.
	ErrOccupied = errors.New("something else is there already")
	// ErrPath says that a path or name is not one this package would follow.
	ErrPath = errors.New("this path is not followed")
)
