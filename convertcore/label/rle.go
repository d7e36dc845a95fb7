package label

import "encoding/json"

// rle is COCO's run-length encoding (pycocotools, maskApi.c): runs of 0 and 1
// in turn, 0 first, column after column.
type rle struct {
	w, h int
	runs []uint32
}

// maxRuns bounds the runs of one mask.
const maxRuns = 1 << 24

// parseRLE reads {"size": [h, w], "counts": [..] or "…"}.
func parseRLE(text json.RawMessage) (*rle, error) {
	var in struct {
		Size   []int           `json:"size"`
		Counts json.RawMessage `json:"counts"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, malformed("RLE: %v", err)
	}
	if len(in.Size) != 2 || in.Size[0] < 1 || in.Size[1] < 1 || in.Size[0] > 1<<20 || in.Size[1] > 1<<20 {
		return nil, malformed("RLE of size %v", in.Size)
	}
	r := &rle{w: in.Size[1], h: in.Size[0]}
	var packed string
	var err error
	if json.Unmarshal(in.Counts, &packed) == nil {
		r.runs, err = unpackRuns(packed)
	} else if err = json.Unmarshal(in.Counts, &r.runs); err != nil {
		err = malformed("RLE counts: %v", err)
	}
	if err != nil {
		return nil, err
	}
	return r, r.check()
}

// check demands that the runs fill the mask.
func (r *rle) check() error {
	total := int64(0)
	for _, n := range r.runs {
		total += int64(n)
	}
	if len(r.runs) > maxRuns || total != int64(r.w)*int64(r.h) {
		return malformed("RLE runs of %d pixels in a mask of %d×%d", total, r.w, r.h)
	}
	return nil
}

// unpackRuns reads COCO's compressed counts: 5 bits a character from "0", the
// sixth says that more follow; from the third on, runs are differences to the
// one two before (rleFrString).
func unpackRuns(s string) ([]uint32, error) {
	var out []uint32
	for i := 0; i < len(s); {
		x, shift := int64(0), 0
		for more := true; more; shift += 5 {
			if i == len(s) || s[i] < 48 || s[i] > 111 || shift > 35 {
				return nil, malformed("compressed RLE at character %d", i)
			}
			c := int64(s[i] - 48)
			x |= (c & 0x1f) << shift
			more = c&0x20 != 0
			if i++; !more && c&0x10 != 0 {
				x |= -1 << (shift + 5)
			}
		}
		if len(out) > 2 {
			x += int64(out[len(out)-2])
		}
		if x < 0 || x > 1<<32-1 || len(out) == maxRuns {
			return nil, malformed("compressed RLE has a run of %d", x)
		}
		out = append(out, uint32(x))
	}
	return out, nil
}

// draw sets the runs of 1.
func (r *rle) draw(c *Canvas) error {
	if r.w != c.W || r.h != c.H {
		return mismatch("RLE of %d×%d on an image of %d×%d", r.w, r.h, c.W, c.H)
	}
	at := 0
	for i, n := range r.runs {
		if i%2 == 1 {
			for k := at; k < at+int(n); k++ {
				c.Pix[k%r.h*r.w+k/r.h] = 1
			}
		}
		at += int(n)
	}
	return nil
}
