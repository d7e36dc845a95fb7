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

// coded is an error that decides the exit code.
type coded struct {
	err  error
	code int
}

func (e coded) Error() string { return e.err.Error() }
func (e coded) Unwrap() error { return e.err }

// Usage marks err as the caller's mistake: exit code 2.
func Usage(err error) error { return coded{err, ExitUsage} }

// Failures marks err as the end of a command that finished, with failures to
// look at: exit code 3.
func Failures(err error) error { return coded{err, ExitFailures} }

// ErrFailures is returned by a command that finished and has listed what
// failed.
var ErrFailures = Failures(errors.New("finished with failures"))

// ExitCode returns the code that a command ends with for err.
func ExitCode(err error) int {
	var c coded
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &c):
		return c.code
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitError
}
