package cli

import (
	"context"
	"errors"
)

// Exit codes.
const (
	ExitOK          = 0
	ExitError       = 1
	ExitUsage       = 2
	ExitFailures    = 3 // finished, with failures that were listed
	ExitInterrupted = 130
)

// ErrFailures is returned by a command that finished and has listed what
// failed.
var ErrFailures = errors.New("finished with failures")

type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// Usage marks err as the caller's mistake: exit code 2.
func Usage(err error) error { return usageError{err} }

// ExitCode returns the code that a command ends with for err.
func ExitCode(err error) int {
	var u usageError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &u):
		return ExitUsage
	case errors.Is(err, ErrFailures):
		return ExitFailures
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitError
}
