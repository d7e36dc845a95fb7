package mask

// shiftUp returns row i's neighbor one voxel earlier on the last axis: bit x
// of the result is bit x-1 of row.
func shiftUp(row []uint64, i int) uint64 {
	w := row[i] << 1
	if i > 0 {
		w |= row[i-1] >> 63
	}
	return w
}

// shiftDown is shiftUp the other way: bit x of the result is bit x+1.
func shiftDown(row []uint64, i int) uint64 {
	w := row[i] >> 1
	if i+1 < len(row) {
		w |= row[i+1] << 63
	}
	return w
}

// Erode makes dst the voxels of src whose face neighbors are all set; outside
// the image is background. In 2-D four neighbors count, in 3-D six, so a 3-D
// mask of one slice erodes to nothing. dst may not be src.
func (dst *Mask) Erode(src *Mask) {
	dst.shapeLike(src)
	n0, n1 := src.dims[0], src.dims[1]
	for r := range src.rows() {
		z, y := r/n1, r%n1
		out, row := dst.row(r), src.row(r)
		if y == 0 || y == n1-1 || src.nd == 3 && (z == 0 || z == n0-1) {
			clear(out)
			continue
		}
		north, south := src.row(r-1), src.row(r+1)
		for i, w := range row {
			if w != 0 {
				w &= shiftUp(row, i) & shiftDown(row, i) & north[i] & south[i]
			}
			out[i] = w
		}
		if src.nd == 2 {
			continue
		}
		above, below := src.row(r-n1), src.row(r+n1)
		for i := range out {
			out[i] &= above[i] & below[i]
		}
	}
}

// Border makes dst the inner border of src: src XOR its erosion by the
// face-connected cross. These are the voxels at distance 1 from the
// background (image edge included). dst may not be src.
func (dst *Mask) Border(src *Mask) {
	dst.Erode(src)
	for i, w := range src.bits {
		dst.bits[i] ^= w
	}
}

// Border8 makes dst the voxels of a 2-D src (of every slice in 3-D) of which
// one of the eight neighbors in the slice is unset or outside the image.
// dst may not be src.
func (dst *Mask) Border8(src *Mask) {
	dst.shapeLike(src)
	n1 := src.dims[1]
	for r := range src.rows() {
		y := r % n1
		out, row := dst.row(r), src.row(r)
		copy(out, row)
		if y == 0 || y == n1-1 {
			continue
		}
		north, south := src.row(r-1), src.row(r+1)
		for i, w := range row {
			if w == 0 {
				continue
			}
			inner := w & shiftUp(row, i) & shiftDown(row, i) &
				north[i] & shiftUp(north, i) & shiftDown(north, i) &
				south[i] & shiftUp(south, i) & shiftDown(south, i)
			out[i] = w &^ inner
		}
	}
}

// Dilate makes dst src grown by r voxels along every axis (a square or cube of
// side 2r+1), clipped to the image. In 3-D inPlane keeps it within slices of
// the first axis. dst may not be src.
func (dst *Mask) Dilate(src *Mask, r int, inPlane bool) {
	dst.CopyFrom(src)
	var tmp Mask
	for ; r > 0; r-- {
		tmp.CopyFrom(dst)
		dst.boxStep(&tmp, false, inPlane)
	}
}

// ErodeBox makes dst the voxels of src around which the square (cube in 3-D)
// of side 2r+1 is all set; outside the image is background. dst may not be
// src.
func (dst *Mask) ErodeBox(src *Mask, r int) {
	dst.CopyFrom(src)
	var tmp Mask
	for ; r > 0; r-- {
		tmp.CopyFrom(dst)
		dst.boxStep(&tmp, true, false)
	}
}

// boxStep joins every voxel with its neighbors along the last axis, then along
// the others: by and where erode is set, else by or. src is overwritten.
func (dst *Mask) boxStep(src *Mask, erode, inPlane bool) {
	tail := src.tailMask()
	for r := range src.rows() {
		row, out := src.row(r), dst.row(r)
		for i, w := range row {
			if erode {
				out[i] = w & shiftUp(row, i) & shiftDown(row, i)
			} else {
				out[i] = w | shiftUp(row, i) | shiftDown(row, i)
			}
		}
		out[len(out)-1] &= tail
	}
	dst.joinRows(src, 1, src.dims[1], erode)
	if src.nd == 3 && !inPlane {
		dst.joinRows(src, src.dims[1], src.dims[0], erode)
	}
}

// joinRows joins every row with those step before and after it on an axis of
// n rows.
func (dst *Mask) joinRows(src *Mask, step, n int, erode bool) {
	copy(src.bits, dst.bits)
	for r := range src.rows() {
		out, at := dst.row(r), r/step%n
		for _, side := range [2]int{-1, 1} {
			switch inside := at+side >= 0 && at+side < n; {
			case !inside && erode:
				clear(out)
			case !inside:
			case erode:
				for i, w := range src.row(r + side*step) {
					out[i] &= w
				}
			default:
				for i, w := range src.row(r + side*step) {
					out[i] |= w
				}
			}
		}
	}
}
