//go:build !codecs || !cgo

package codec

const howTo = "install libcharls-dev and libopenjp2-7-dev, then go build -tags codecs"

// HaveLibraries tells whether JPEGLS and JPEG2000 are part of this build.
const HaveLibraries = false

// JPEGLS decodes ITU T.87 (JPEG-LS, lossless and near-lossless). It needs a build
// with the tag codecs; this one says so.
func JPEGLS(stream []byte, f Frame) ([]byte, error) {
	if err := f.begin(len(stream), jlsFree, jlsRatio); err != nil {
		return nil, err
	}
	if _, err := readJPEGLS(stream, f); err != nil {
		return nil, err
	}
	return nil, unsupported("JPEG-LS is not part of this build: %s", howTo)
}

// JPEG2000 decodes ITU T.800 (JPEG 2000, codestream or JP2). It needs a build
// with the tag codecs; this one says so.
func JPEG2000(stream []byte, f Frame) ([]byte, error) {
	if err := f.begin(len(stream), jlsFree, jlsRatio); err != nil {
		return nil, err
	}
	if _, err := readJPEG2000(j2kCodestream(stream), f); err != nil {
		return nil, err
	}
	return nil, unsupported("JPEG 2000 is not part of this build: %s", howTo)
}
