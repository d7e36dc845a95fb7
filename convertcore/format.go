package convertcore

import "context"

// Format reads one raw format. Formats register themselves in package format.
type Format struct {
	Name string
	// Match reports whether a file is of this format by its name and its first
	// bytes. Where head is empty, nothing has been read and the name decides.
	Match func(path string, head []byte) bool
	// Header reads few bytes. It is exactly the Header of what Decode returns.
	Header func(ctx context.Context, raw Raw, paths []string) (Header, error)
	// Decode returns a *Raster or *Volume. Bytes that are not what they should
	// be are ErrFormat, encodings that are not read ErrUnsupported; errors of
	// raw pass through.
	Decode func(ctx context.Context, raw Raw, paths []string) (Image, error)
}
