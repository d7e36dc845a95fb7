package fs

import (
	"context"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/fs/tree"
	"github.com/omnimedseg/omnimedfs/sources"
	"github.com/omnimedseg/omnimedfs/sources/archive"
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
	{sources.ErrOffline, syscall.ENETUNREACH},
	{sources.ErrRefused, syscall.EACCES},
	{sources.ErrRateLimited, syscall.EBUSY},
	{sources.ErrBudget, syscall.EDQUOT},
	{sources.ErrGone, syscall.EREMOTEIO},
	{sources.ErrChecksum, syscall.EBADMSG},
	{sources.ErrTimeout, syscall.ETIMEDOUT},
	{archive.ErrUnsupported, syscall.EOPNOTSUPP},
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

// ErrnoName is the name of an error's errno, such as "EREMOTEIO".
func ErrnoName(err error) string { return unix.ErrnoName(Errno(err)) }
