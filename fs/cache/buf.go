package cache

import (
	"math/bits"
	"sync"
)

// bufs holds scratch buffers by the power of two that they can hold, from
// 4 KiB to 2 MiB.
var bufs [10]sync.Pool

// getBuf returns a buffer of n bytes with arbitrary content; give it back with
// putBuf.
func getBuf(n int) *[]byte {
	class := max(0, bits.Len(uint(max(n, 1)-1))-12)
	if class >= len(bufs) {
		b := make([]byte, n)
		return &b
	}
	if b, ok := bufs[class].Get().(*[]byte); ok {
		*b = (*b)[:n]
		return b
	}
	b := make([]byte, n, 4096<<class)
	return &b
}

func putBuf(b *[]byte) {
	n := cap(*b)
	class := bits.Len(uint(n)) - 13
	if class < 0 || class >= len(bufs) || n != 4096<<class {
		return
	}
	bufs[class].Put(b)
}
