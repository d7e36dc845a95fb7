package codec

import "testing"

func TestJPEGAgainstReferences(t *testing.T) {
	dir := makeStreams(t, "make_jpeg.py", "numpy, PIL, pydicom", "dcmcjpeg", "dcmdjpeg", "gdcmconv")
	compare(t, JPEG, samples(t, dir, ".jpg"))
}
