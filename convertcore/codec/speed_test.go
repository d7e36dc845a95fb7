package codec

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// speed is a script that encodes a picture of 512×512 with a command of gdcmconv
// and prints how many seconds pydicom takes to decode it through gdcm, at best.
const speed = `
import sys, time, pydicom
sys.path.insert(0, "testdata")
import make_jpeg as mk
out, option = sys.argv[1:]
mk.dicom("p", mk.picture(512, 512, 16), 16)
mk.run("gdcmconv", option, out + "/p.dcm", out + "/e.dcm")
d = pydicom.dcmread(out + "/e.dcm")
open(out + "/stream", "wb").write(next(mk.generate_pixel_data_frame(d.PixelData)))
best = 9
for i in range(15):
    d = pydicom.dcmread(out + "/e.dcm")
    d.PixelData
    t = time.perf_counter()
    d.convert_pixel_data("gdcm")
    best = min(best, time.perf_counter() - t)
print(best)
`

// Each reports how many times faster than gdcm in the same run it is; the peer's time
// includes what pydicom adds to it.
func BenchmarkAgainstGDCM(b *testing.B) {
	f := Frame{Width: 512, Height: 512, Samples: 1, Bits: 16, Stored: 16}
	for option, decode := range map[string]decoder{"--jpeg": JPEG, "--jpegls": JPEGLS, "--j2k": JPEG2000} {
		b.Run(option, func(b *testing.B) {
			if !HaveLibraries && (option == "--jpegls" || option == "--j2k") {
				b.Skip("built without the tag codecs")
			}
			dir := b.TempDir()
			cmd := exec.Command(python3, "-c", speed, dir, option)
			cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
			text, err := cmd.Output()
			if err != nil {
				b.Skip("python3-pydicom, python3-gdcm, libgdcm-tools: ", err)
			}
			peer, _ := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
			stream := readFile(b, filepath.Join(dir, "stream"))
			b.SetBytes(f.Size())
			for b.Loop() {
				if _, err := decode(stream, f); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(peer/(b.Elapsed().Seconds()/float64(b.N)), "×gdcm")
		})
	}
}
