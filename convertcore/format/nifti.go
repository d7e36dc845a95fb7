package format

import (
	"context"
	"encoding/binary"
	"io"
	"math/bits"
	"strings"

	"github.com/omnimedseg/omnimedfs/convertcore"
)

// NIfTI-1 and -2, and Analyze 7.5, in one file or as .hdr and .img, gzipped or not whatever the name
// says, of either byte order. It is served as one little-endian file with the
// header that it has: scaling, both transforms and extensions are kept.
func init() {
	Register(convertcore.Format{
		Name: "nifti",
		Match: func(path string, head []byte) bool {
			named := hasExt(path, ".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img", ".img.gz")
			switch {
			case len(head) == 0:
				return named
			case isGzip(head):
				return named
			case len(head) >= 348 && (string(head[344:348]) == magicSingle || string(head[344:348]) == magicPair):
				return true
			case isNIfTI2(head):
				return true
			}
			return named && hasExt(path, ".img", ".img.gz")
		},
		Header: niftiHeader,
		Decode: niftiDecode,
	})
}

// Read buffers: a header costs one small read, voxels few large ones.
const (
	headerBuffer = 4 << 10
	voxelBuffer  = 256 << 10
)

func niftiHeader(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
	f, err := openNIfTI(ctx, raw, paths, headerBuffer)
	if err != nil {
		return convertcore.Header{}, err
	}
	defer f.Close()
	return f.header, f.checkSize()
}

func niftiDecode(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
	f, err := openNIfTI(ctx, raw, paths, voxelBuffer)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.checkSize(); err != nil {
		return nil, err
	}
	lead, err := f.readLead()
	if err != nil {
		return nil, err
	}
	voxels, err := readPayload(ctx, f.data, f.header.PayloadSize(), f.data.size)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, f.data.fault(err)
	}
	if err := f.data.drain(ctx); err != nil {
		return nil, err
	}
	if f.big {
		swapElems(voxels, f.header.Elem())
	}
	v, err := convertcore.NewVolume(f.header, lead, voxels)
	if err != nil {
		return nil, err
	}
	if f.warning != "" {
		v = v.Warn(f.warning)
	}
	return v, nil
}

// niftiFile is an open NIfTI of which the header was read.
type niftiFile struct {
	niftiHead
	ext  []byte  // extensions of a pair's header file
	data *stream // at the first byte after the header, or of the .img
	at   int64   // position of data
}

func (f *niftiFile) Close() error { return f.data.Close() }

// openNIfTI opens the file or pair that paths name; of a pair either name will
// do.
func openNIfTI(ctx context.Context, raw convertcore.Raw, paths []string, buffer int) (*niftiFile, error) {
	if len(paths) < 1 || len(paths) > 2 {
		return nil, malformed("%d files for one NIfTI", len(paths))
	}
	hdr, img := paths[0], paths[len(paths)-1]
	if len(paths) == 1 && hasExt(hdr, ".img", ".img.gz") {
		hdr = swapExt(hdr, ".img", ".hdr")
	} else if len(paths) == 1 && hasExt(hdr, ".hdr", ".hdr.gz") {
		img = swapExt(img, ".hdr", ".img")
	}
	s, err := openStream(ctx, raw, hdr, buffer)
	if err != nil {
		return nil, err
	}
	f := &niftiFile{data: s}
	if err := f.readHead(hdr != img); err != nil {
		s.Close()
		return nil, err
	}
	if hdr != img {
		s.Close()
		if f.data, err = openStream(ctx, raw, img, buffer); err != nil {
			return nil, err
		}
		f.at = 0
	}
	return f, nil
}

// readHead reads the 348 bytes and the extension flag after them, which may be
// missing in a header file of its own.
func (f *niftiFile) readHead(pair bool) (err error) {
	head := make([]byte, convertcore.MinLead)
	n, err := io.ReadFull(f.data, head)
	if n < 348 || err != nil && !pair {
		return f.data.fault(noEOF(err))
	}
	parse := parseNIfTI
	if isNIfTI2(head) {
		more := make([]byte, nifti2Lead-convertcore.MinLead)
		m, err := io.ReadFull(f.data, more)
		if m < 540-convertcore.MinLead || err != nil && !pair {
			return f.data.fault(noEOF(err))
		}
		head, n, parse = append(head, more...), n+m, parseNIfTI2
	}
	if pair && isAnalyze(head) && !isNIfTI2(head) {
		parse = parseAnalyze
	}
	f.at = int64(n)
	if f.niftiHead, err = parse(head); err != nil {
		return err
	}
	if f.pair != pair {
		return malformed("NIfTI header in the wrong kind of file")
	}
	if pair && f.extended {
		if f.ext, err = io.ReadAll(io.LimitReader(f.data, convertcore.MaxLead)); err != nil {
			return f.data.fault(err)
		}
		f.setLead(convertcore.MinLead + len(f.ext))
	}
	return f.header.Check()
}

// checkSize compares the voxels that the header declares with the bytes that
// there are.
func (f *niftiFile) checkSize() error {
	need, have := f.offset+f.header.PayloadSize(), f.data.size
	if f.data.gzip {
		have *= maxInflate
	}
	if need > have {
		return malformed("NIfTI of %v voxels needs %d bytes, of which there are at most %d", f.header.Dims, need, have)
	}
	return nil
}

// readLead returns what is served before the voxels and brings data to the
// first of them. Extensions are kept byte for byte; padding is dropped.
func (f *niftiFile) readLead() ([]byte, error) {
	lead := make([]byte, f.header.Lead)
	ext := lead[copy(lead, f.head[:]):]
	copy(ext, f.ext)
	if !f.pair {
		if _, err := io.ReadFull(f.data, ext); err != nil {
			return nil, f.data.fault(noEOF(err))
		}
		f.at += int64(len(ext))
	}
	if f.big {
		swapExtensions(ext)
	}
	if _, err := io.CopyN(io.Discard, f.data, f.offset-f.at); err != nil {
		return nil, f.data.fault(noEOF(err))
	}
	return lead, nil
}

// swapExt replaces the extension from by to, keeping a ".gz" and upper case.
func swapExt(path, from, to string) string {
	i := strings.LastIndex(strings.ToLower(path), from)
	if path[i:i+len(from)] == strings.ToUpper(from) {
		to = strings.ToUpper(to)
	}
	return path[:i] + to + path[i+len(from):]
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// swapElems turns the byte order of samples of 1, 2, 4 or 8 bytes.
func swapElems(b []byte, size int) {
	le := binary.LittleEndian
	switch size {
	case 2:
		for ; len(b) >= 2; b = b[2:] {
			b[0], b[1] = b[1], b[0]
		}
	case 4:
		for ; len(b) >= 4; b = b[4:] {
			le.PutUint32(b, bits.ReverseBytes32(le.Uint32(b)))
		}
	case 8:
		for ; len(b) >= 8; b = b[8:] {
			le.PutUint64(b, bits.ReverseBytes64(le.Uint64(b)))
		}
	}
}

// openStream opens a file as a stream, inflated where it is gzipped.
func openStream(ctx context.Context, raw convertcore.Raw, path string, buffer int) (*stream, error) {
	b, err := raw.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	s, err := newStream(b, buffer)
	if err != nil {
		b.Close()
		return nil, err
	}
	return s, nil
}
