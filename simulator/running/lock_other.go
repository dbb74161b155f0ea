//go:build !unix

package running

import (
	"errors"
	"io/fs"
	"os"
)

const noFollow = 0

// lock fails: this system has no lock that ends with its process.
func lock(*os.File) error {
	return errors.New("this system cannot record running worlds")
}

func wait(f *os.File) error { return lock(f) }

func ours(fs.FileInfo) bool { return true }
