package format

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// TestConvertFolder converts the series of a folder to a .nii: a small one, or
// that of scripts/bench/dicom.sh, which times the process.
func TestConvertFolder(t *testing.T) {
	dir, out := os.Getenv("OMNIMED_DICOM_FOLDER"), os.Getenv("OMNIMED_DICOM_OUT")
	if dir == "" || out == "" {
		dir, out = t.TempDir(), filepath.Join(t.TempDir(), "out.nii")
		for name, b := range series([]float64{2, 0, 1}, nil) {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range paths {
		paths[i] = filepath.Base(paths[i])
	}
	img, err := dicomDecode(t.Context(), folder(dir), paths)
	if err != nil {
		t.Fatal(err)
	}
	w, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	nii := convertcore.NiiBlob(img.Header(), img.Lead(), blob.Bytes(img.Payload()))
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, blob.Reader(nii), make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(out); err != nil || st.Size() != img.Header().NiiSize() {
		t.Errorf("%v, %v, want %d bytes", st, err, img.Header().NiiSize())
	}
}
