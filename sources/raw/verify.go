package raw

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/omnimedseg/omnimedfs/sources/archive"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// Verify reads a whole raw file and compares it with its checksum: the one
// that the record gives, or the archive's CRC-32. ErrChecksum says that it
// differs. A file without any checksum is only read to its end.
func (f *Files) Verify(ctx context.Context, path string) error {
	t, err := f.loaded(ctx)
	if err != nil {
		return err
	}
	o, member, ok := t.origin(path)
	if !ok {
		return fmt.Errorf("%s: %w", path, archive.ErrNotMember)
	}
	sum := o.Sum
	if member != "" {
		sum = "" // the archive compares its own
	}
	b, err := f.Open(ctx, path)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := VerifyBlob(b, sum); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// VerifyBlob reads all of b and compares it with sum; "" and blob.Modified
// compare nothing.
func VerifyBlob(b blob.Blob, sum string) error {
	r := io.NewSectionReader(b, 0, b.Size())
	buf := make([]byte, 1<<20)
	if sum == "" || strings.HasPrefix(sum, blob.Modified) {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buf)
		return err
	}
	h, err := blob.NewHash(sum)
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{r}, buf); err != nil {
		return err
	}
	return blob.CheckSum(h, sum)
}
