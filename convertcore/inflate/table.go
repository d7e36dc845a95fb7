package inflate

import "math/bits"

// The bits that the first look at a table takes.
const (
	litBits  = 11
	distBits = 9
)

// An entry says what a code means and takes. Bits 0 to 5: the bits of the code
// and of what follows it; 8 to 11: those of the code alone, of the first of two
// literals; from 16 on: one or two literals, or the base of a length or
// distance and, 9 or 16 bits further, the mask of what is added to it. A sub table
// has its size in bits 0 to 5 and its place from 16 on.
const (
	literal    = 1 << 6
	rare       = 1 << 7 // no literal, length or distance
	one        = 1 << 12
	two        = 2 << 12
	sub        = 1 << 14
	endOfBlock = 1 << 15

	lengthMask = 25
	distMask   = 32
)

// What a symbol of each code means, without the bits of its code.
var (
	litBase  = litBases()
	distBase = distBases()
	codeBase = codeBases()
)

// litBases are those of literals and lengths (RFC 1951, 3.2.5).
func litBases() (base [288]uint32) {
	for s := range uint32(288) {
		switch x := max(s, 261) - 261; {
		case s < 256:
			base[s] = literal | one | s<<16
		case s == 256:
			base[s] = rare | endOfBlock
		case s < 265:
			base[s] = (s - 254) << 16
		case s < 285:
			x /= 4
			base[s] = x | ((s-265)%4<<x+1<<(x+2)+3)<<16 | (1<<x-1)<<lengthMask
		case s == 285:
			base[s] = 258 << 16
		default:
			base[s] = rare
		}
	}
	return base
}

func distBases() (base [32]uint64) {
	for s := range uint64(32) {
		switch {
		case s < 4:
			base[s] = (s + 1) << 16
		case s < 30:
			x := (s - 2) / 2
			base[s] = x | (s%2<<x+1<<(x+1)+1)<<16 | (1<<x-1)<<distMask
		default:
			base[s] = rare
		}
	}
	return base
}

func codeBases() (base [19]uint32) {
	for s := range base {
		base[s] = uint32(s) << 16
	}
	return base
}

// Of the at most 288 and 32 symbols sub tables get a sixteenth each at most of
// 16 entries for 5 symbols, and of 64 for 7.
type (
	litTable  [1<<litBits + 1024]uint32
	distTable [1<<distBits + 512]uint64
)

// build fills the table of a code that is given by its lengths, 0 to 15. It is
// false where they are no code; a code of one bit may lack its other half, and
// where whole is false there may be none.
func build[E uint32 | uint64](table, base []E, lengths []uint8, root int, whole bool) bool {
	var count, next [16]int
	for _, n := range lengths {
		count[n&15]++
	}
	zeros := count[0]
	count[0] = 0
	longest, left := 0, 1
	for n := 1; n < 16; n++ {
		if left = left<<1 - count[n]; left < 0 {
			return false
		}
		next[n] = next[n-1] + count[n-1]
		if count[n] > 0 {
			longest = n
		}
	}
	if left > 0 && longest > 1 || whole && longest == 0 {
		return false
	}
	if left > 0 {
		for i := range 1 << root {
			table[i] = rare
		}
	}
	var sorted [288]uint16 // by length, then by symbol
	for s, n := range lengths {
		if n > 0 {
			sorted[next[n&15]] = uint16(s)
			next[n&15]++
		}
	}
	symbols := sorted[:len(lengths)-zeros]
	// Codes count upwards from their first bit, which is the lowest: the table of
	// n bits is that of n-1 bits twice, with the codes of n bits over it.
	code, at := 0, 1<<root
	head, room := -1, 0
	for n := 1; n <= longest; n++ {
		if n <= root && n > 1 {
			copy(table[1<<(n-1):1<<n], table[:1<<(n-1)])
		}
		for i, s := range symbols[:count[n]] {
			e := base[s] + E(n)*0x101
			if n <= root {
				table[code] = e
			} else {
				if code&(1<<root-1) != head {
					head = code & (1<<root - 1)
					room = roomFor(&count, count[n]-i, n, root)
					table[head] = rare | sub | E(room) | E(at)<<16
					at += 1 << room
				}
				for j := at - 1<<room + code>>root; j < at; j += 1 << (n - root) {
					table[j] = e
				}
			}
			if code == 1<<n-1 { // the last one
				break
			}
			bit := 1 << (bits.Len(uint(code^(1<<n-1))) - 1)
			code = code&(bit-1) | bit
		}
		symbols = symbols[count[n]:]
	}
	switch {
	case left == 0:
		for n := longest; n < root; n++ {
			copy(table[1<<n:1<<(n+1)], table[:1<<n])
		}
	case longest == 1:
		for i := 0; i < 1<<root; i += 2 {
			table[i] = table[0]
		}
	}
	return true
}

// roomFor is the size of the sub table whose first code is one of the last used
// ones of n bits: what its longest code needs. A complete code fills it.
func roomFor(count *[16]int, used, n, root int) int {
	room := n - root
	for used < 1<<room && root+room < 15 {
		room++
		used = used<<1 + count[root+room]
	}
	return room
}

// pair joins two literals where both fit.
func (t *litTable) pair(lengths []uint8) {
	least := uint8(litBits)
	for _, n := range lengths[:256] {
		if n > 0 {
			least = min(least, n)
		}
	}
	if 2*least > litBits {
		return
	}
	alone := [1 << litBits]uint32(t[:])
	for i, e := range &alone {
		n := e & 63
		f := alone[i>>n]
		if e&f&literal == 0 || n+f&63 > litBits {
			continue
		}
		t[i] = literal | two | f>>16<<24 | e&(255<<16) | n<<8 | n + f&63
	}
}
