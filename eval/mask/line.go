package mask

// Line calls draw for the voxels of the straight line from a to b, both
// included, in order: one voxel for each step along the longest axis, the
// others rounded half away from a (Bresenham). It is 8- or 26-connected.
func Line(a, b Point, draw func(Point)) {
	var delta, step [3]int
	n := 0
	for i := range a {
		delta[i], step[i] = b[i]-a[i], 1
		if delta[i] < 0 {
			delta[i], step[i] = -delta[i], -1
		}
		n = max(n, delta[i])
	}
	p, rest := a, [3]int{}
	for k := 0; ; k++ {
		draw(p)
		if k == n {
			return
		}
		for i := range p {
			rest[i] += 2 * delta[i]
			if rest[i] >= n {
				p[i] += step[i]
				rest[i] -= 2 * n
			}
		}
	}
}

// DrawLine sets the voxels of the line from a to b that lie in the image.
func (m *Mask) DrawLine(a, b Point) { Line(a, b, func(p Point) { m.Set(p, true) }) }

// FillBall sets (on) or unsets the voxels of the image that lie within r
// voxels of center (Euclidean, in voxel units).
func (m *Mask) FillBall(center Point, r float64, on bool) {
	k := int(r)
	for z := max(0, center[0]-k); z <= min(m.dims[0]-1, center[0]+k); z++ {
		for y := max(0, center[1]-k); y <= min(m.dims[1]-1, center[1]+k); y++ {
			for x := max(0, center[2]-k); x <= min(m.dims[2]-1, center[2]+k); x++ {
				dz, dy, dx := z-center[0], y-center[1], x-center[2]
				if float64(dz*dz+dy*dy+dx*dx) <= r*r {
					m.Set(Point{z, y, x}, on)
				}
			}
		}
	}
}
