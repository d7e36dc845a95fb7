package fs

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/tree"
)

// errnos says what the kernel is told of an error: the first line that
// errors.Is finds counts.
var errnos = []struct {
	is    error
	errno syscall.Errno
}{
	{ErrInterrupted, syscall.EINTR},
	// Not EINTR: Python and Go begin an interrupted read again, for ever.
	{ErrUnmounted, syscall.ENOTCONN},
	{tree.ErrNotExist, syscall.ENOENT},
	{convertcore.ErrUnsupported, syscall.EOPNOTSUPP},
	{context.DeadlineExceeded, syscall.ETIMEDOUT},
	{os.ErrDeadlineExceeded, syscall.ETIMEDOUT},
	{syscall.ENOSPC, syscall.ENOSPC},
}

// Errno is the only place where errors become errno numbers. What is not in
// the table is EIO.
func Errno(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	for _, e := range errnos {
		if errors.Is(err, e.is) {
			return e.errno
		}
	}
	return syscall.EIO
}
