package cache

import "math"

const (
	// sampled bytes of a chunk decide its split and predictors: 16 KiB in bands
	// cost about a tenth of the encoding.
	sampled = 16 << 10
	bands   = 4
	// Slower predictors must save a share of the bytes to be worth their decoding
	// time. On noisy RGB sub saves 3 % and costs a quarter of the speed; with these
	// margins DSB2018 is within 4 % of what grad everywhere gives, at twice its
	// speed.
	subMargin  = 0.95
	gradMargin = 0.80
)

var logs = func() (t [4096]float64) {
	for i := 1; i < len(t); i++ {
		t[i] = math.Log2(float64(i))
	}
	return t
}()

// plan is what is chosen for one chunk.
type plan struct {
	split split
	preds [16]predictor
}

// choosePlan picks the split and the predictors whose sampled residuals have
// the least entropy.
func choosePlan(src []byte, l Layout) plan {
	if l.Row == 0 {
		return plan{}
	}
	part := sample4(src, l)
	defer putBuf(part)
	best, least := plan{}, math.Inf(1)
	scratch := getBuf(len(*part))
	defer putBuf(scratch)
	for s := splitNone; s < splitCount; s++ {
		if s.planes(len(src), l) == 0 || s.planes(len(*part), l) == 0 || (l.Elem > 1 && s == splitNone) {
			continue
		}
		p, cost := plan{split: s}, 0.0
		for i, pl := range s.encode(*scratch, *part, l) {
			pred, c := choosePredictor(pl)
			p.preds[i] = pred
			cost += c
		}
		if cost < least {
			best, least = p, cost
		}
	}
	return best
}

func choosePredictor(p plane) (predictor, float64) {
	least := entropy(p.data)
	best := predNone
	if p.row == 0 || least == 0 {
		return best, least
	}
	tmp := getBuf(len(p.data))
	defer putBuf(tmp)
	weigh := func(pred predictor, margin float64) {
		pred.encode(*tmp, p.data, p.row, p.step)
		if c := entropy(*tmp); c < margin*least {
			best, least = pred, c
		}
	}
	weigh(predUp, 1)
	weigh(predSub, subMargin)
	weigh(predGrad, gradMargin)
	return best, least
}

// entropy returns the bytes that an order-0 coder needs for b.
func entropy(b []byte) float64 {
	var hist [4][256]int32 // four, so that equal neighbours do not wait for each other
	i := 0
	for ; i+4 <= len(b); i += 4 {
		hist[0][b[i]]++
		hist[1][b[i+1]]++
		hist[2][b[i+2]]++
		hist[3][b[i+3]]++
	}
	for ; i < len(b); i++ {
		hist[0][b[i]]++
	}
	bits := float64(len(b)) * log2(len(b))
	for v := range 256 {
		if n := int(hist[0][v] + hist[1][v] + hist[2][v] + hist[3][v]); n > 0 {
			bits -= float64(n) * log2(n)
		}
	}
	return bits / 8
}

// sample4 returns bands of whole rows from all over src.
func sample4(src []byte, l Layout) *[]byte {
	rows := len(src) / l.Row
	each := max(3, sampled/bands/l.Row)
	if rows <= bands*each {
		b := getBuf(len(src))
		copy(*b, src)
		return b
	}
	b := getBuf(bands * each * l.Row)
	for i := range bands {
		y := (rows - each) * i / (bands - 1)
		copy((*b)[i*each*l.Row:], src[y*l.Row:(y+each)*l.Row])
	}
	return b
}
