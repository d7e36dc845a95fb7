package format

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/inflate"
)

// PNG of every colour type and depth. What is kept: 16-bit samples, gray with
// alpha, unpremultiplied alpha. What is expanded: 1, 2 and 4-bit gray to 0..255
// as libpng and Pillow do; a palette to RGB, its indices kept beside; a tRNS
// chunk to an alpha channel. The own reader exists because image/png turns
// gray with alpha into RGBA, and is slower.
func init() {
	Register(convertcore.Format{
		Name: "png",
		Match: func(path string, head []byte) bool {
			if len(head) == 0 {
				return hasExt(path, ".png")
			}
			return bytes.HasPrefix(head, []byte(pngSignature))
		},
		Header: pngHeader,
		Decode: pngDecode,
	})
}

const pngSignature = "\x89PNG\r\n\x1a\n"

func pngHeader(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Header, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return convertcore.Header{}, err
	}
	defer b.Close()
	info, err := readPNGInfo(b)
	if err != nil {
		return convertcore.Header{}, err
	}
	return info.header(), nil
}

func pngDecode(ctx context.Context, raw convertcore.Raw, paths []string) (convertcore.Image, error) {
	b, err := openOne(ctx, raw, paths)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	file, err := readAll(b)
	if err != nil {
		return nil, err
	}
	return decodePNG(file)
}

// decodePNG decodes a whole file; it overwrites it.
func decodePNG(file []byte) (*convertcore.Raster, error) {
	info, err := readPNGInfo(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	z, err := gatherIDAT(file, info.idat)
	if err != nil {
		return nil, err
	}
	if info.filtered() > maxInflate*int64(len(z)) {
		return nil, malformed("%d×%d pixels in %d bytes", info.w, info.h, len(z))
	}
	zr, err := inflate.NewZlib(bufio.NewReaderSize(bytes.NewReader(z), min(len(z)+16, 64<<10)))
	if err != nil {
		return nil, malformed("%v", err)
	}
	rows := make([]byte, info.packed())
	at := 0
	for _, p := range info.passes() {
		n := p.h * info.rowBytes(p.w)
		if err := info.inflate(zr, rows[at:at+n], info.rowBytes(p.w)); err != nil {
			return nil, malformed("%v", err)
		}
		at += n
	}
	// The checksum stands after the last row. Rows beyond it are ignored, as
	// libpng does.
	if _, err := io.Copy(io.Discard, io.LimitReader(zr, eager)); err != nil {
		return nil, malformed("%v", err)
	}
	return info.raster(rows)
}

// inflate reads one pass: rows of a filter byte and row bytes each.
func (p *pngInfo) inflate(r io.Reader, dst []byte, row int) error {
	if row == 0 {
		return nil
	}
	bpp := max(1, p.samples()*p.depth/8)
	cur, prev := make([]byte, 1+row), make([]byte, row)
	for len(dst) > 0 {
		if _, err := io.ReadFull(r, cur); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if err := unfilter(cur[0], dst[:row], cur[1:], prev, bpp); err != nil {
			return err
		}
		prev, dst = dst[:row], dst[row:]
	}
	return nil
}

// gatherIDAT checks the IDAT chunks that begin at off and moves them together,
// inside file.
func gatherIDAT(file []byte, off int64) ([]byte, error) {
	start, end := int(off)+8, int(off)+8
	for at := int(off); ; {
		if len(file)-at < 12 {
			return nil, malformed("image data cut short")
		}
		n := int64(binary.BigEndian.Uint32(file[at:]))
		if string(file[at+4:at+8]) != "IDAT" {
			return file[start:end], nil
		}
		if n > int64(len(file)-at-12) {
			return nil, malformed("image data cut short")
		}
		next := at + 12 + int(n)
		if crc32.ChecksumIEEE(file[at+4:next-4]) != binary.BigEndian.Uint32(file[next-4:]) {
			return nil, malformed("checksum of the image data at %d", at)
		}
		end += copy(file[end:], file[at+8:next-4])
		at = next
	}
}
