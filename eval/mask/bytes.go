package mask

import (
	"encoding/binary"
	"fmt"
)

// Order is the memory order of an array's axes.
type Order uint8

const (
	COrder       Order = iota // the last axis fastest (NumPy's default, PNG rows)
	FortranOrder              // the first axis fastest (NIfTI voxels i, j, k)
)

// FromBytes returns the mask of the non-zero bytes of data: one byte a voxel,
// dims in array order. ErrShape where the length does not fit.
func FromBytes(dims []int, spacing []float64, data []byte, order Order) (*Mask, error) {
	m := new(Mask)
	if err := m.SetBytes(dims, spacing, data, order); err != nil {
		return nil, err
	}
	return m, nil
}

// SetBytes is FromBytes into m, reusing its memory.
func (m *Mask) SetBytes(dims []int, spacing []float64, data []byte, order Order) error {
	if err := m.Reset(dims, spacing); err != nil {
		return err
	}
	if len(data) != m.Voxels() {
		return fmt.Errorf("%w: %d bytes for %v", ErrShape, len(data), dims)
	}
	if order == FortranOrder {
		m.packFortran(data)
		return nil
	}
	w := m.dims[2]
	for r := range m.rows() {
		packRow(m.row(r), data[r*w:(r+1)*w])
	}
	return nil
}

// packRow sets the bits of the non-zero bytes, eight bytes a step.
func packRow(row []uint64, data []byte) {
	for i := range row {
		part := data[i<<6 : min(i<<6+64, len(data))]
		var w uint64
		k := 0
		for ; k+8 <= len(part); k += 8 {
			if v := binary.LittleEndian.Uint64(part[k:]); v != 0 {
				w |= nonzeroBytes(v) << k
			}
		}
		for ; k < len(part); k++ {
			if part[k] != 0 {
				w |= 1 << k
			}
		}
		row[i] = w
	}
}

// nonzeroBytes has bit i set where byte i of v is not zero.
func nonzeroBytes(v uint64) uint64 {
	const low7 = 0x7f7f7f7f7f7f7f7f
	high := ((v&low7 + low7) | v) &^ low7 // 0x80 in every non-zero byte
	return high >> 7 * 0x0102040810204080 >> 56
}

// packFortran reads the first axis fastest. The inner loop follows the last
// axis of the file's plane so that one destination row is written at a time.
func (m *Mask) packFortran(data []byte) {
	n0, n1, n2 := m.dims[0], m.dims[1], m.dims[2]
	for z := range n2 {
		word, bit := z>>6, uint64(1)<<(uint(z)&63)
		for y := range n1 {
			line := data[(z*n1+y)*n0:][:n0]
			at := y*m.stride + word
			for _, v := range line {
				if v != 0 {
					m.bits[at] |= bit
				}
				at += n1 * m.stride
			}
		}
	}
}

// AppendBytes appends one byte a voxel in the given order, on where set and 0
// elsewhere.
func (m *Mask) AppendBytes(dst []byte, on byte, order Order) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, m.Voxels())...)
	out := dst[start:]
	s0, s1, s2 := m.dims[1]*m.dims[2], m.dims[2], 1
	if order == FortranOrder {
		s0, s1, s2 = 1, m.dims[0], m.dims[0]*m.dims[1]
	}
	for p := range m.All() {
		out[p[0]*s0+p[1]*s1+p[2]*s2] = on
	}
	return dst
}

// BitBytes is the length of the bit form: one bit a voxel, rows not padded.
func (m *Mask) BitBytes() int { return (m.Voxels() + 7) / 8 }

// AppendBits appends the voxels in C order, eight a byte, the first in the
// lowest bit, the last byte padded with zeros: numpy.packbits(mask,
// bitorder="little").
func (m *Mask) AppendBits(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, m.BitBytes())...)
	out, w := dst[start:], m.dims[2]
	for r := range m.rows() {
		for i, word := range m.row(r) {
			putBits(out, r*w+i<<6, word, min(64, w-i<<6))
		}
	}
	return dst
}

// putBits ors the n low bits of word into out at bit position at.
func putBits(out []byte, at int, word uint64, n int) {
	if at&7 == 0 && n == 64 {
		binary.LittleEndian.PutUint64(out[at>>3:], word)
		return
	}
	shift := uint(at & 7)
	for k := at >> 3; n > 0 && word != 0; k++ {
		out[k] |= byte(word << shift)
		word >>= 8 - shift
		n -= int(8 - shift)
		shift = 0
	}
}

// SetBits fills m, whose axes stay, from the form that AppendBits writes.
// ErrShape where the length differs.
func (m *Mask) SetBits(data []byte) error {
	if len(data) != m.BitBytes() {
		return fmt.Errorf("%w: %d bytes of bits for %v", ErrShape, len(data), m.Dims())
	}
	w := m.dims[2]
	for r := range m.rows() {
		row := m.row(r)
		for i := range row {
			row[i] = getBits(data, r*w+i<<6, min(64, w-i<<6))
		}
	}
	return nil
}

// getBits reads n ≤ 64 bits at bit position at.
func getBits(data []byte, at, n int) uint64 {
	k, shift := at>>3, uint(at&7)
	var word uint64
	if k+9 <= len(data) {
		word = binary.LittleEndian.Uint64(data[k:]) >> shift
		if shift > 0 {
			word |= uint64(data[k+8]) << (64 - shift)
		}
	} else {
		for i := 0; k+i < len(data) && i < 9; i++ {
			if s := 8*i - int(shift); s < 0 {
				word |= uint64(data[k]) >> shift
			} else if s < 64 {
				word |= uint64(data[k+i]) << s
			}
		}
	}
	return word & (^uint64(0) >> (64 - uint(n)))
}
