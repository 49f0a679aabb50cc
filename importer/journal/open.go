package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// A Journal is an open journal. Reading needs no lock; see Start for writing.
type Journal struct {
	// Clock is used instead of this machine's clock when it is set. What is
	// compared in a journal on a server goes by the server's all the same.
	Clock func() time.Time

	db    *gorm.DB
	label string // for errors: the file, or host and schema; never a password
	lock  locker
}

// Open opens the journal at location and makes it if there is none: a file's
// path, or mysql://user:password@host[:port]/schema[?tls=true&ssl_ca=FILE].
// The errors are ErrNewer, ErrForeign, or what the file system or server said.
func Open(ctx context.Context, location string) (*Journal, error) {
	j, err := connect(location, true)
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", label(location), err)
	}
	if err := j.prepare(ctx); err != nil {
		_ = j.Close() // The error that matters is why it could not be used.
		return nil, fmt.Errorf("open journal %s: %w", j.label, err)
	}
	return j, nil
}

// OpenExisting is Open for programs that only look: a journal that is not
// there is not made, and errors.Is(err, fs.ErrNotExist) is true.
func OpenExisting(ctx context.Context, location string) (*Journal, error) {
	if !isURL(location) {
		if _, err := os.Stat(location); err != nil {
			return nil, fmt.Errorf("open journal: %w", err)
		}
	}
	j, err := connect(location, false)
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", label(location), err)
	}
	if err := j.check(ctx); err != nil {
		_ = j.Close()
		return nil, fmt.Errorf("open journal %s: %w", j.label, err)
	}
	return j, nil
}

// Close closes the connections. It does not end a run.
func (j *Journal) Close() error {
	pool, err := j.db.DB()
	if err != nil {
		return fmt.Errorf("close journal %s: %w", j.label, err)
	}
	return pool.Close()
}

// String is where the journal is, without a password.
func (j *Journal) String() string { return j.label }

func isURL(location string) bool { return strings.HasPrefix(location, "mysql://") }

func connect(location string, create bool) (*Journal, error) {
	if isURL(location) {
		return connectMySQL(location)
	}
	if strings.Contains(location, "://") {
		return nil, fmt.Errorf("%w: only a file's path or mysql:// is understood", errors.ErrUnsupported)
	}
	return connectFile(location, create)
}

// connectFile opens a SQLite file and changes nothing of one that is there: it
// may turn out to be somebody else's. See claim. Synchronous FULL makes a
// commit survive a power cut.
func connectFile(path string, create bool) (*Journal, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := makeFile(abs, create); err != nil {
		return nil, err
	}
	dsn := (&url.URL{Scheme: "file", Path: abs}).String() +
		"?_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	db, err := gorm.Open(sqlite.Open(dsn), settings())
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1) // SQLite has one writer; a second connection would only wait for it.
	return &Journal{db: db, label: abs, lock: newFileLock(abs + ".lock")}, nil
}

// makeFile makes the file before SQLite does, for SQLite would make it
// readable by all; its -wal and -shm files take the mode over.
func makeFile(path string, create bool) error {
	if create {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err == nil {
			return f.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is not a file", ErrForeign, path)
	}
	return nil
}

// claim closes a file that is known to be ours to all others, for it holds
// definitions, and sets WAL, which lets status read during a run.
func (j *Journal) claim(db *gorm.DB) error {
	if db.Name() == "mysql" {
		return nil
	}
	for _, path := range []string{j.label, j.label + "-wal", j.label + "-shm"} {
		if err := os.Chmod(path, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := db.Exec("PRAGMA journal_mode(WAL)").Error; err != nil {
		return fmt.Errorf("set the mode of its log: %w", err)
	}
	return nil
}

func settings() *gorm.Config {
	return &gorm.Config{
		Logger:                 logger.Discard, // Errors are returned, and statements hold definitions.
		SkipDefaultTransaction: true,
		TranslateError:         false,
	}
}
