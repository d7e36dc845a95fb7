package mask

import "math/bits"

// Corners finds the surface of src on the grid of voxel corners, one larger
// along each axis: corner (i, j, k) lies before voxel (i, j, k). dst becomes
// the corners whose eight surrounding voxels (four in 2-D) are neither all
// unset nor all set, outside the image being unset, and codes, which is
// reused, holds for each of them in C order which ones are set: the voxel
// before on every axis in the highest bit (7, in 2-D 3), the voxel itself in
// bit 0, the last axis alternating fastest.
func (dst *Mask) Corners(src *Mask, codes []uint8) []uint8 {
	dst.nd, dst.spacing = src.nd, src.spacing
	dst.dims = [3]int{src.dims[0] + src.nd - 2, src.dims[1] + 1, src.dims[2] + 1}
	dst.stride = (dst.dims[2] + 63) / 64
	dst.bits = grow(dst.bits, dst.rows()*dst.stride)
	codes = codes[:0]
	for r := range dst.rows() {
		z, y := r/dst.dims[1], r%dst.dims[1]
		var rows [4][]uint64
		n := 2
		if src.nd == 2 {
			rows[0], rows[1] = src.rowOrNone(0, y-1), src.rowOrNone(0, y)
		} else {
			rows[0], rows[1] = src.rowOrNone(z-1, y-1), src.rowOrNone(z-1, y)
			rows[2], rows[3] = src.rowOrNone(z, y-1), src.rowOrNone(z, y)
			n = 4
		}
		codes = cornerRow(dst.row(r), codes, rows[:n])
	}
	return codes
}

// rowOrNone is the row (z, y), nil outside the image.
func (m *Mask) rowOrNone(z, y int) []uint64 {
	if uint(z) < uint(m.dims[0]) && uint(y) < uint(m.dims[1]) {
		return m.row(z*m.dims[1] + y)
	}
	return nil
}

// cornerRow does one row of corners between the given rows of voxels, nil
// ones being unset.
func cornerRow(out []uint64, codes []uint8, rows [][]uint64) []uint8 {
	for i := range out {
		var some uint64
		all := ^uint64(0)
		for _, row := range rows {
			w := wordAt(row, i)
			before := w << 1
			if i > 0 {
				before |= wordAt(row, i-1) >> 63
			}
			some |= w | before
			all &= w & before
		}
		surface := some &^ all
		out[i] = surface
		for ; surface != 0; surface &= surface - 1 {
			codes = append(codes, cornerCode(rows, i<<6+bits.TrailingZeros64(surface)))
		}
	}
	return codes
}

// wordAt returns word i of a row, 0 beyond its end.
func wordAt(row []uint64, i int) uint64 {
	if i < len(row) {
		return row[i]
	}
	return 0
}

// cornerCode reads the voxels x-1 and x of every row, first row first.
func cornerCode(rows [][]uint64, x int) uint8 {
	var code uint8
	for _, row := range rows {
		here := uint8(wordAt(row, x>>6) >> (uint(x) & 63) & 1)
		var before uint8
		if x > 0 {
			before = uint8(wordAt(row, (x-1)>>6) >> (uint(x-1) & 63) & 1)
		}
		code = code<<2 | before<<1 | here
	}
	return code
}
