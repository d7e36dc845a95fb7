//go:build codecs && cgo

package codec

/*
#cgo pkg-config: charls
#include <charls/charls.h>

// jls_decode keeps the decoder, which refers to src, within one call.
static int jls_decode(const void *src, size_t n, void *dst, size_t size, int32_t *mode) {
	charls_jpegls_decoder *d = charls_jpegls_decoder_create();
	if (!d)
		return 1;
	size_t want = 0;
	charls_interleave_mode m = CHARLS_INTERLEAVE_MODE_NONE;
	int e = charls_jpegls_decoder_set_source_buffer(d, src, n);
	if (!e)
		e = charls_jpegls_decoder_read_header(d);
	if (!e)
		e = charls_jpegls_decoder_get_destination_size(d, 0, &want);
	if (!e && want != size)
		e = -1;
	if (!e)
		e = charls_jpegls_decoder_get_interleave_mode(d, &m);
	if (!e)
		e = charls_jpegls_decoder_decode_to_buffer(d, dst, size, 0);
	charls_jpegls_decoder_destroy(d);
	*mode = m;
	return e;
}
*/
import "C"

import (
	"bytes"
	"unsafe"
)

// HaveLibraries tells whether JPEGLS and JPEG2000 are part of this build.
const HaveLibraries = true

// JPEGLS decodes ITU T.87 (JPEG-LS, lossless and near-lossless) with CharLS.
// Colors are as stored, but for HP's transforms, which are undone.
func JPEGLS(stream []byte, f Frame) ([]byte, error) {
	if err := f.begin(len(stream), jlsFree, jlsRatio); err != nil {
		return nil, err
	}
	h, err := readJPEGLS(stream, f)
	if err != nil {
		return nil, err
	}
	// CharLS 2.4 loops for ever on data that ends without a marker.
	end := bytes.LastIndex(stream, []byte{0xff, 0xd9})
	if end < 0 {
		return nil, malformed("JPEG-LS stream without its end")
	}
	stream = stream[:end+2]
	width := ceil(h.bits, 8)
	pix := make([]byte, f.Width*f.Height*f.Samples*width)
	var mode C.int32_t
	if code := C.jls_decode(unsafe.Pointer(&stream[0]), C.size_t(len(stream)), unsafe.Pointer(&pix[0]), C.size_t(len(pix)), &mode); code != 0 {
		if code > 0 {
			return nil, malformed("JPEG-LS: %s", C.GoString(C.charls_get_error_message(C.charls_jpegls_errc(code))))
		}
		return nil, malformed("JPEG-LS frame of another size")
	}
	if width*8 == f.Bits && (f.Samples == 1 || mode != 0) && !(f.Signed && h.bits < f.Bits) {
		return pix, nil
	}
	return repack(pix, f, h.bits, mode == 0), nil
}

// repack turns samples of ceil(bits/8) bytes, maybe one plane after the other,
// into those of a frame.
func repack(pix []byte, f Frame, bits int, planar bool) []byte {
	width, n := ceil(bits, 8), f.Width*f.Height
	p := newPacker(f, bits)
	row := make([]uint16, f.Width*f.Samples)
	for y := range f.Height {
		for i := range row {
			at := y*len(row) + i
			if planar {
				at = i%f.Samples*n + y*f.Width + i/f.Samples
			}
			row[i] = uint16(pix[at*width])
			if width == 2 {
				row[i] |= uint16(pix[at*2+1]) << 8
			}
		}
		p.pack(row)
	}
	return p.out
}
