package format

import (
	"context"
	"io"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// plausible is the ratio of decompression up to which a file is believed before
// it was read: CT and MR stay below 4, label maps reach 500.
const plausible = 16

// readPayload reads n bytes of r. have is how many bytes of file they come
// from; memory beyond what so few bytes plausibly hold is taken only as it
// fills. An end before is io.ErrUnexpectedEOF.
func readPayload(ctx context.Context, r io.Reader, n, have int64) ([]byte, error) {
	if n < 0 || n > convertcore.MaxPayload {
		return nil, malformed("%d bytes of samples", n)
	}
	buf := make([]byte, min(n, max(eager/4, have*plausible)))
	for got := int64(0); got < n; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if got == int64(len(buf)) {
			buf = append(buf, make([]byte, min(got, n-got))...)
		}
		piece := buf[got:min(int64(len(buf)), got+4<<20)]
		if _, err := io.ReadFull(r, piece); err != nil {
			return nil, noEOF(err)
		}
		got += int64(len(piece))
	}
	return buf, nil
}
