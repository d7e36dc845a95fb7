package format

// gather brings the samples into the order of an image: the samples of a pixel
// together, then x, y, z, t. Where they lie so already src is returned.
func (l *layout) gather(src []byte) ([]byte, error) {
	elem := int64(l.elem())
	axes := [5]axis{l.color, l.dims[0], l.dims[1], l.dims[2], l.dims[3]}
	last, next, inOrder := int64(0), int64(1), true
	for _, a := range axes {
		if a.n == 1 {
			continue
		}
		inOrder = inOrder && a.stride == next
		next *= a.n
		last += (a.n - 1) * a.stride
	}
	if last < 0 || (last+1)*elem > int64(len(src)) {
		return nil, malformed("array of %d bytes ends before its last sample", len(src))
	}
	if inOrder {
		return src[:l.stored()], nil
	}
	dst := make([]byte, l.stored())
	rest := dst
	for t := range axes[4].n {
		for z := range axes[3].n {
			slice := src[(t*axes[4].stride+z*axes[3].stride)*elem:]
			n := axes[0].n * axes[1].n * axes[2].n * elem
			gatherSlice(rest[:n], slice, elem, [3]axis(axes[:3]))
			rest = rest[n:]
		}
	}
	return dst, nil
}

// tile is the edge of the squares that a slice is turned in, so that both the
// rows read and the rows written stay in the processor's cache.
const tile = 32

// gatherSlice gathers one slice: axes are color, x and y.
func gatherSlice(dst, src []byte, elem int64, axes [3]axis) {
	c, x, y := axes[0], axes[1], axes[2]
	for y0 := int64(0); y0 < y.n; y0 += tile {
		for x0 := int64(0); x0 < x.n; x0 += tile {
			for yi := y0; yi < min(y.n, y0+tile); yi++ {
				at := (yi*x.n + x0) * c.n * elem
				for xi := x0; xi < min(x.n, x0+tile); xi++ {
					from := (yi*y.stride + xi*x.stride) * elem
					for range c.n {
						copyElem(dst[at:], src[from:], elem)
						at += elem
						from += c.stride * elem
					}
				}
			}
		}
	}
}

// copyElem copies one sample; of a known size that is one instruction each.
func copyElem(dst, src []byte, elem int64) {
	switch elem {
	case 1:
		dst[0] = src[0]
	case 2:
		*(*[2]byte)(dst) = [2]byte(src)
	case 4:
		*(*[4]byte)(dst) = [4]byte(src)
	default:
		*(*[8]byte)(dst) = [8]byte(src)
	}
}
