package label

import (
	"fmt"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// malformed is an ErrFormat with its reason.
func malformed(reason string, args ...any) error {
	return fmt.Errorf("%w: %s", convertcore.ErrFormat, fmt.Sprintf(reason, args...))
}

// unsupported is an ErrUnsupported with its reason.
func unsupported(reason string, args ...any) error {
	return fmt.Errorf("%w: %s", convertcore.ErrUnsupported, fmt.Sprintf(reason, args...))
}

// mismatch is an ErrMismatch with its reason.
func mismatch(reason string, args ...any) error {
	return fmt.Errorf("%w: %s", convertcore.ErrMismatch, fmt.Sprintf(reason, args...))
}
