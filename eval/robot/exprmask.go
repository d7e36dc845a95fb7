package robot

import (
	"github.com/omnimedseg/omnimedfs/eval/mask"
)

// evaluator computes expressions over one image, truth and prediction.
type evaluator struct {
	image       Intensity
	truth, pred *mask.Mask
}

// mask evaluates a mask node. The result may be truth or pred itself; nobody
// writes to it.
func (e *evaluator) mask(n *node) (*mask.Mask, error) {
	switch n.op {
	case "L":
		return e.truth, nil
	case "Y":
		return e.pred, nil
	case "true", "false":
		m := e.truth.Like()
		if n.op == "true" {
			m.FillBox(m.Bounds())
		}
		return m, nil
	case "<", "<=", ">", ">=", "==", "!=":
		return e.compare(n), nil
	}
	a, err := e.mask(n.args[0])
	if err != nil {
		return nil, err
	}
	m := e.truth.Like()
	switch n.op {
	case "!":
		m.Not(a)
		return m, nil
	case "dilate", "erode", "border":
		return grow(a, n.op, int(n.value)), nil
	}
	b, err := e.mask(n.args[1])
	if err != nil {
		return nil, err
	}
	switch n.op {
	case "|":
		err = m.Or(a, b)
	case "&":
		err = m.And(a, b)
	case "^":
		err = m.Xor(a, b)
	case "-":
		err = m.AndNot(a, b)
	}
	return m, err
}

// grow dilates by the square or cube of steps voxels, erodes by as many steps
// of the face-connected cross, or keeps what one step of erosion takes.
// Outside the image is background.
func grow(a *mask.Mask, op string, steps int) *mask.Mask {
	m := new(mask.Mask)
	switch op {
	case "dilate":
		m.Dilate(a, steps, false)
		return m
	case "border":
		m.Border(a)
		return m
	}
	m.CopyFrom(a)
	for range steps {
		next := new(mask.Mask)
		next.Erode(m)
		m = next
	}
	return m
}

func (e *evaluator) compare(n *node) *mask.Mask {
	left, right := e.number(n.args[0]), e.number(n.args[1])
	m := e.truth.Like()
	shape := m.Shape()
	for z := range shape[0] {
		for y := range shape[1] {
			for x := range shape[2] {
				p := mask.Point{z, y, x}
				if compareOp(n.op, left(p), right(p)) {
					m.Set(p, true)
				}
			}
		}
	}
	return m
}

func compareOp(op string, a, b float64) bool {
	switch op {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	case ">=":
		return a >= b
	case "==":
		return a == b
	}
	return a != b
}

// number compiles a number node to a function of the position. Constants and
// percentiles are computed once.
func (e *evaluator) number(n *node) func(mask.Point) float64 {
	switch n.op {
	case "I":
		return e.image.At
	case "lit":
		return func(mask.Point) float64 { return n.value }
	case "pct":
		v := e.image.Percentile(n.value)
		return func(mask.Point) float64 { return v }
	}
	a := e.number(n.args[0])
	if n.op == "neg" {
		return func(p mask.Point) float64 { return -a(p) }
	}
	b := e.number(n.args[1])
	switch n.op {
	case "+":
		return func(p mask.Point) float64 { return a(p) + b(p) }
	case "sub":
		return func(p mask.Point) float64 { return a(p) - b(p) }
	case "*":
		return func(p mask.Point) float64 { return a(p) * b(p) }
	}
	return func(p mask.Point) float64 { return a(p) / b(p) }
}
