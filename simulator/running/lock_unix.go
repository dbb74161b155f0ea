//go:build unix

package running

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// noFollow has a link in a record's place refused: a record is a file.
const noFollow = syscall.O_NOFOLLOW

// lock takes the lock of an open file, which ends with the process; errHeld: another has it.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errHeld
	}
	return err
}

// wait takes the lock of an open file as soon as nobody else has it.
func wait(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// ours tells whether a file is this user's.
func ours(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Getuid()
}
