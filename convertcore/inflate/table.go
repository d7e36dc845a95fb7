package inflate

import "math/bits"

// The bits that the first look at a table takes.
const (
	litBits  = 11
	distBits = 9
)

// An entry's low 6 bits are the bits that it takes. A literal has one or two
// bytes from bit 8 on and their number at bit 24; a length the number of extra
// bits at 8 and its base at 16; a distance the number at 8 and its base at 12; a
// sub table, which takes the bits of root before, its place at 8 and, in the low
// bits, its size. 0 is no code.
const (
	literal    = 1 << 31
	sub        = 1 << 30
	isLength   = 1 << 29
	endOfBlock = 1 << 28
)

// table is a code. It has room for any of 288 symbols of up to 15 bits.
type table struct {
	entries [1<<litBits + 2048]uint32
	first   [1 << litBits]uint8 // bits of the first of two literals
	symbols [128]uint8          // of the code for lengths
}

// litEntry is the entry of a literal or length without its bits (RFC 1951,
// 3.2.5).
func litEntry(s int) uint32 {
	switch {
	case s < 256:
		return literal | 1<<24 | uint32(s)<<8
	case s == 256:
		return endOfBlock
	case s < 265:
		return isLength | uint32(s-254)<<16
	case s < 285:
		x := uint32(s-261) / 4
		return isLength | x<<8 | (uint32(s-265)%4<<x+1<<(x+2)+3)<<16
	case s == 285:
		return isLength | 258<<16
	}
	return 0
}

func distEntry(s int) uint32 {
	switch {
	case s < 4:
		return uint32(s+1) << 12
	case s < 30:
		x := uint32(s-2) / 2
		return x<<8 | (uint32(s)%2<<x+1<<(x+1)+1)<<12
	}
	return 0
}

// build fills the table of a code that is given by its lengths. It is false
// where they are no code; a code of one bit may lack its other half, and where
// whole is false there may be none.
func (t *table) build(lengths []uint8, entry func(int) uint32, root uint, whole bool) bool {
	var count [16]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	longest, left := 0, 1
	var next [16]uint32
	code := uint32(0)
	for n := 1; n < 16; n++ {
		if left = left<<1 - count[n]; left < 0 {
			return false
		}
		code = (code + uint32(count[n-1])) << 1
		next[n] = code
		if count[n] > 0 {
			longest = n
		}
	}
	if left > 0 && longest > 1 || whole && longest == 0 {
		return false
	}
	clear(t.entries[:])
	if longest > int(root) {
		t.subTables(lengths, next, root, longest)
	}
	for s, n := range lengths {
		if n == 0 {
			continue
		}
		rev := bits.Reverse32(next[n]) >> (32 - n)
		next[n]++
		e := entry(s)
		if root == 7 { // the code for lengths, which has no entries of its own
			e = 1 << 24
		} else if e == 0 {
			continue
		}
		e |= uint32(n)
		if uint(n) <= root {
			for i := rev; i < 1<<root; i += 1 << n {
				t.entries[i] = e
				if root == 7 {
					t.symbols[i] = uint8(s)
				}
			}
			continue
		}
		head := t.entries[rev&(1<<root-1)]
		at := head >> 8 & 0xffff
		for i := rev >> root; i < 1<<(head&63); i += 1 << (uint(n) - root) {
			t.entries[at+i] = e
		}
	}
	if root == litBits {
		t.pair()
	}
	return true
}

// subTables makes room for the codes that are longer than root, each group as
// large as its longest code needs.
func (t *table) subTables(lengths []uint8, next [16]uint32, root uint, longest int) {
	var size [1 << litBits]uint8
	for _, n := range lengths {
		if n == 0 {
			continue
		}
		if rev := bits.Reverse32(next[n]) >> (32 - n); uint(n) > root {
			k := &size[rev&(1<<root-1)]
			*k = max(*k, n-uint8(root))
		}
		next[n]++
	}
	at := uint32(1) << root
	for i := range uint32(1) << root {
		if size[i] > 0 {
			t.entries[i] = sub | at<<8 | uint32(size[i])
			at += 1 << size[i]
		}
	}
}

// pair joins two literals where both fit.
func (t *table) pair() {
	one := t.entries // as they are alone
	for i := range uint32(1) << litBits {
		e := one[i]
		if e&literal == 0 {
			continue
		}
		n := e & 63
		f := one[i>>n]
		if f&literal == 0 || n+f&63 > litBits {
			continue
		}
		t.first[i] = uint8(n)
		t.entries[i] = literal | 2<<24 | f>>8&255<<16 | e>>8&255<<8 | n + f&63
	}
}
