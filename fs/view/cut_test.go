package view

import (
	"context"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/omnimedseg/omnimedfs/convertcore"
	"github.com/omnimedseg/omnimedfs/convertcore/geom"
	"github.com/omnimedseg/omnimedfs/fs/dataset"
	"github.com/omnimedseg/omnimedfs/sources/blob"
)

// orientations are the 48 ways in which three axes can run.
func orientations() (out []string) {
	for _, a := range "RLAPSI" {
		for _, b := range "RLAPSI" {
			for _, c := range "RLAPSI" {
				code := string([]rune{a, b, c})
				if strings.ContainsAny(code, "RL") && strings.ContainsAny(code, "AP") && strings.ContainsAny(code, "SI") {
					out = append(out, code)
				}
			}
		}
	}
	return out
}

// affineOf is an affine of an orientation with spacing in mm by direction: left
// to right, back to front, feet to head.
func affineOf(code string, mm [3]float64) (a geom.Affine) {
	for j := range 3 {
		row := strings.IndexByte("RAS", code[j])
		sign := 1.0
		if row < 0 {
			row, sign = strings.IndexByte("LPI", code[j]), -1
		}
		a[row][j] = sign * mm[row]
	}
	a[3][3] = 1
	return a
}

// A bright voxel far to the patient's left, front and head shows at the edge
// that the letters name, however the volume is stored.
func TestPreviewsAreTheRightWayRound(t *testing.T) {
	const n = 8
	for _, thick := range []int{-1, 0, 1, 2} { // the direction of thick slices; -1 none
		for _, code := range orientations() {
			mm := [3]float64{1, 1, 1}
			if thick >= 0 {
				mm[thick] = 4
			}
			h := convertcore.Header{Form: convertcore.NIfTI, Dims: [4]int{n, n, n, 1}, Channels: 1, Bits: 8, Lead: 352, Affine: affineOf(code, mm)}
			at := [3]int{}
			for j := range 3 { // the voxel furthest to L, A and S
				if strings.IndexByte("LAS", code[j]) >= 0 {
					at[j] = n - 1
				}
			}
			voxels := make([]byte, n*n*n)
			voxels[(at[2]*n+at[1])*n+at[0]] = 255
			lead := make([]byte, 352)
			binary.LittleEndian.PutUint32(lead[112:], math.Float32bits(1))
			px := func() *dataset.Pixels { return &dataset.Pixels{Blob: blob.Bytes(voxels), Header: h, Lead: lead} }
			masks := []*classMask{{name: "spot", pixels: px()}}
			c, err := chooseCut(context.Background(), "mri", px(), masks)
			if err != nil {
				t.Fatal(err)
			}
			p, err := newPicture("mri", px(), c, masks)
			if err != nil {
				t.Fatal(err)
			}
			p.paint()
			want := map[int][4]string{0: {"A", "P", "S", "I"}, 1: {"R", "L", "S", "I"}, 2: {"R", "L", "A", "P"}, -1: {"R", "L", "A", "P"}}[thick]
			if got := [4]string{p.pose.left, p.pose.right, p.pose.top, p.pose.bottom}; got != want {
				t.Errorf("%s cut across %d: letters %v, want %v", code, thick, got, want)
			}
			// In sagittal cuts the front is on the left, else the left is on the right;
			// the head or the front is on top.
			x, y := p.box.Max.X-3, p.box.Min.Y+2
			if thick == 0 {
				x = p.box.Min.X + 2
			}
			if got := p.dst.RGBAAt(x, y); got != classColors[0] && got.R != 255 {
				t.Errorf("%s cut across %d: the spot is not at its corner, %v there", code, thick, got)
			}
			far := p.dst.RGBAAt(p.box.Min.X+p.box.Max.X-1-x, y)
			if far == classColors[0] || far.R == 255 {
				t.Errorf("%s cut across %d: a spot at the other corner", code, thick)
			}
		}
	}
}
