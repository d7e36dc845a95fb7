//go:build codecs && cgo

package codec

/*
#cgo pkg-config: libopenjp2
#include <openjpeg.h>
#include <stdint.h>
#include <string.h>

typedef struct { const uint8_t *data; size_t size, pos; } j2k_source;

static OPJ_SIZE_T j2k_read(void *dst, OPJ_SIZE_T n, void *user) {
	j2k_source *s = user;
	if (s->pos >= s->size)
		return (OPJ_SIZE_T)-1;
	if (n > s->size - s->pos)
		n = s->size - s->pos;
	memcpy(dst, s->data + s->pos, n);
	s->pos += n;
	return n;
}

static OPJ_OFF_T j2k_skip(OPJ_OFF_T n, void *user) {
	j2k_source *s = user;
	if (n < 0 || (size_t)n > s->size - s->pos)
		return -1;
	s->pos += n;
	return n;
}

static OPJ_BOOL j2k_seek(OPJ_OFF_T n, void *user) {
	j2k_source *s = user;
	if (n < 0 || (size_t)n > s->size)
		return OPJ_FALSE;
	s->pos = n;
	return OPJ_TRUE;
}

// j2k_write stores the components as samples of bytes 1 or 2. It returns 3 for
// components that are not as SIZ said, 4 for values that the frame cannot hold.
static int j2k_write(const opj_image_t *m, uint8_t *dst, uint32_t w, uint32_t h, uint32_t comps, int bytes, int keep_sign, int extend) {
	if (m->numcomps != comps)
		return 3;
	for (uint32_t c = 0; c < comps; c++) {
		const opj_image_comp_t *k = &m->comps[c];
		if (k->w != w || k->h != h || !k->data)
			return 3;
		size_t n = (size_t)w * h;
		for (size_t i = 0; i < n; i++) {
			int32_t v = k->data[i];
			if (v < 0 && !keep_sign)
				return 4;
			if (extend)
				v = (int32_t)((uint32_t)v << extend) >> extend;
			uint8_t *o = dst + (i * comps + c) * bytes;
			o[0] = v;
			if (bytes == 2)
				o[1] = v >> 8;
		}
	}
	return 0;
}

static int j2k_decode(const uint8_t *src, size_t size, uint8_t *dst, uint32_t w, uint32_t h, uint32_t comps, int bytes, int keep_sign, int extend) {
	j2k_source s = {src, size, 0};
	opj_dparameters_t p;
	opj_image_t *m = NULL;
	opj_codec_t *c = opj_create_decompress(OPJ_CODEC_J2K);
	opj_stream_t *t = opj_stream_create(size < 1 << 16 ? 1 << 12 : 1 << 16, OPJ_TRUE);
	int e = 1;
	if (c && t) {
		opj_set_default_decoder_parameters(&p);
		opj_stream_set_user_data(t, &s, NULL);
		opj_stream_set_user_data_length(t, size);
		opj_stream_set_read_function(t, j2k_read);
		opj_stream_set_skip_function(t, j2k_skip);
		opj_stream_set_seek_function(t, j2k_seek);
		if (opj_setup_decoder(c, &p) && opj_decoder_set_strict_mode(c, OPJ_TRUE) && opj_read_header(t, c, &m) &&
		    opj_decode(c, t, m))
			e = opj_end_decompress(c, t) ? j2k_write(m, dst, w, h, comps, bytes, keep_sign, extend) : 2;
	}
	if (m)
		opj_image_destroy(m);
	if (t)
		opj_stream_destroy(t);
	if (c)
		opj_destroy_codec(c);
	return e;
}
*/
import "C"

import "unsafe"

// JPEG2000 decodes ITU T.800 (JPEG 2000, codestream or JP2) with OpenJPEG.
// Component transforms of the codestream are undone; a color space that JP2
// declares is not.
func JPEG2000(stream []byte, f Frame) ([]byte, error) {
	if err := f.begin(len(stream), jlsFree, jlsRatio); err != nil {
		return nil, err
	}
	if f.Bits > 16 {
		return nil, malformed("JPEG 2000 in a frame of %d bits", f.Bits)
	}
	b := j2kCodestream(stream)
	h, err := readJPEG2000(b, f)
	if err != nil {
		return nil, err
	}
	extend := 0
	if f.Signed && !h.signed {
		extend = 32 - h.bits
	}
	keep := C.int(0)
	if f.Signed {
		keep = 1
	}
	out := make([]byte, f.Size())
	switch C.j2k_decode((*C.uint8_t)(unsafe.Pointer(&b[0])), C.size_t(len(b)), (*C.uint8_t)(unsafe.Pointer(&out[0])),
		C.uint32_t(f.Width), C.uint32_t(f.Height), C.uint32_t(f.Samples), C.int(f.Bits/8), keep, C.int(extend)) {
	case 0:
		return out, nil
	case 3:
		return nil, malformed("JPEG 2000 components of another size")
	case 4:
		return nil, malformed("negative JPEG 2000 samples in an unsigned frame")
	}
	return nil, malformed("JPEG 2000 stream is damaged or ends early")
}
